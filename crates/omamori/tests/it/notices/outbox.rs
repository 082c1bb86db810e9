//! The durable outbox: each message once, again after a failure, and an end to it.

use omamori::clock::{DAY, MINUTE, SECOND};
use omamori::notify::{Channel, Sent, deliver_due, start, tell_alone};
use omamori::privacy::retain;
use omamori_db::sql;

use super::moved;
use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::{at_once, on_both_engines, on_several_nodes};

on_both_engines!(
    what_is_told_is_sent_once_and_erased,
    workers_at_once_send_each_message_once,
    a_claim_of_a_dead_node_comes_up_again,
    one_customer_gets_so_many_messages_a_day,
    what_was_kept_long_enough_is_deleted,
    the_worker_stops,
);
on_several_nodes!(two_nodes_send_each_message_once);

/// What the sandbox of a node has "sent", the oldest first.
pub fn sent(node: &Node) -> Vec<Sent> {
    let mut sent = node.app.identity.outbox().sandbox().unwrap().sent();
    sent.reverse();
    sent
}

/// State, attempts and error of all deliveries, in order of their making.
pub async fn deliveries(node: &Node) -> Vec<(String, i64, Option<String>)> {
    let query = sql("SELECT state, attempts, last_error FROM delivery ORDER BY created_at");
    let rows = node.app.stores.registry.all(query).await.unwrap();
    let read = |row: &omamori_db::Row| {
        let (state, error) = (row.text("state").unwrap(), row.text_optional("last_error").unwrap());
        (state, row.int("attempts").unwrap(), error)
    };
    rows.iter().map(read).collect()
}

async fn messages_kept(node: &Node) -> i64 {
    let query = sql("SELECT CAST(COUNT(message) AS BIGINT) AS n FROM delivery");
    node.app.stores.registry.one(query).await.unwrap().int("n").unwrap()
}

/// Goal: the SMS says what, when and whose; nothing of it stays in the table.
async fn what_is_told_is_sent_once_and_erased(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    tell_alone(&app.app, &customer.customer_id, &moved()).await.unwrap();
    assert!(sent(app).is_empty(), "nothing goes out before the worker takes it");
    assert_eq!(deliver_due(&app.app).await.unwrap(), 1);
    assert_eq!(deliver_due(&app.app).await.unwrap(), 0);
    let [sms] = &sent(app)[..] else { panic!("one SMS, not {:?}", sent(app)) };
    assert_eq!(sms.channel, Channel::Sms);
    assert!(sms.to.starts_with("+8190"));
    for said in ["【お守りPay】", "Pixel", "iPhone", "2026/04/01 12:00"] {
        assert!(sms.text.contains(said), "no {said} in {}", sms.text);
    }
    assert_eq!(deliveries(app).await, [("sent".to_owned(), 1, None)]);
    assert_eq!(messages_kept(app).await, 0);
    let page = app.get("/demo/sms").await;
    assert!(page.text().contains("data-channel=\"sms\"") && page.text().contains("iPhone"));
}

const MESSAGES: usize = 40;

/// As many customers are told of something.
async fn tell_many(app: &TestApp) {
    for _ in 0..MESSAGES {
        let customer = Customer::new(&app.app).await;
        tell_alone(&app.app, &customer.customer_id, &moved()).await.unwrap();
    }
}

async fn assert_each_was_sent_once(nodes: &[&Node]) {
    let mut numbers: Vec<_> = nodes.iter().flat_map(|node| sent(node)).map(|s| s.to).collect();
    assert_eq!(numbers.len(), MESSAGES);
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), MESSAGES, "to each customer one");
    let once = ("sent".to_owned(), 1, None);
    assert_eq!(deliveries(nodes[0]).await, vec![once; MESSAGES]);
}

/// Goal: workers that see the same rows send each once.
async fn workers_at_once_send_each_message_once(app: &mut TestApp) {
    tell_many(app).await;
    let worker = || {
        let app = app.app.clone();
        async move { deliver_due(&app).await.unwrap() }
    };
    let tried = at_once((0..4).map(|_| worker())).await;
    assert_eq!(tried.iter().sum::<usize>(), MESSAGES);
    assert_each_was_sent_once(&[app]).await;
}

/// Goal: the same with two nodes on one database.
async fn two_nodes_send_each_message_once(app: &mut TestApp) {
    let other = app.another_node().await;
    tell_many(app).await;
    let nodes = [app.app.clone(), other.app.clone(), app.app.clone(), other.app.clone()];
    let deliver = |app| async move { deliver_due(&app).await.unwrap() };
    let tried = at_once(nodes.map(deliver)).await;
    assert_eq!(tried.iter().sum::<usize>(), MESSAGES);
    assert_each_was_sent_once(&[app, &other]).await;
    other.app.close().await;
}

/// Goal: a node that died between claim and sending delays the message and does not lose it.
async fn a_claim_of_a_dead_node_comes_up_again(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    tell_alone(&app.app, &customer.customer_id, &moved()).await.unwrap();
    let claimed = sql("UPDATE delivery SET attempts = 1, next_at = $1");
    let claimed = claimed.bind(app.now() + 2 * MINUTE);
    app.app.stores.registry.execute(claimed).await.unwrap();
    assert_eq!(deliver_due(&app.app).await.unwrap(), 0, "another node is at it");
    app.clock.advance(2 * MINUTE);
    assert_eq!(deliver_due(&app.app).await.unwrap(), 1);
    assert_eq!(deliveries(app).await, [("sent".to_owned(), 2, None)]);
}

/// Goal: whoever makes things happen to an account cannot flood its phone; the app tells all.
async fn one_customer_gets_so_many_messages_a_day(app: &mut TestApp) {
    let (customer, other) = (Customer::new(&app.app).await, Customer::new(&app.app).await);
    for _ in 0..15 {
        tell_alone(&app.app, &customer.customer_id, &moved()).await.unwrap();
    }
    tell_alone(&app.app, &other.customer_id, &moved()).await.unwrap();
    deliver_due(&app.app).await.unwrap();
    assert_eq!(sent(app).len(), 10 + 1);
    assert_eq!(super::unread(app, &customer).await, 15);
    app.clock.advance(DAY);
    tell_alone(&app.app, &customer.customer_id, &moved()).await.unwrap();
    assert_eq!(deliver_due(&app.app).await.unwrap(), 1, "a day later there is room again");
}

/// Goal: deliveries that are done go after a week, waiting ones and notices stay.
async fn what_was_kept_long_enough_is_deleted(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    tell_alone(&app.app, &customer.customer_id, &moved()).await.unwrap();
    deliver_due(&app.app).await.unwrap();
    app.clock.advance(7 * DAY);
    tell_alone(&app.app, &customer.customer_id, &moved()).await.unwrap();
    retain(&app.app).await.unwrap();
    assert_eq!(deliveries(app).await.len(), 2, "a week is kept whole");
    app.clock.advance(SECOND);
    retain(&app.app).await.unwrap();
    assert_eq!(deliveries(app).await, [("waiting".to_owned(), 0, None)]);
    app.clock.advance(8 * DAY);
    retain(&app.app).await.unwrap();
    assert_eq!(deliveries(app).await.len(), 1, "what was not sent is not forgotten");
    assert_eq!(super::count(app, "notice").await, 2);
    app.clock.advance(400 * DAY);
    retain(&app.app).await.unwrap();
    assert_eq!(super::count(app, "notice").await, 0);
    deliver_due(&app.app).await.unwrap();
    let too_old = ("given_up".to_owned(), 1, Some("too_old".to_owned()));
    assert_eq!(deliveries(app).await, [too_old], "an SMS is news for an hour");
    assert_eq!((sent(app).len(), messages_kept(app).await), (1, 0));
}

/// Goal: a worker that is stopped sends nothing more.
async fn the_worker_stops(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    start(&app.app).stop().await;
    tell_alone(&app.app, &customer.customer_id, &moved()).await.unwrap();
    assert_eq!(deliveries(app).await, [("waiting".to_owned(), 0, None)]);
}
