//! A run that the desk asks for: beside the request, and wherever a node stopped.

use std::sync::atomic::{AtomicUsize, Ordering};

use omamori::clock::{DAY, MINUTE};
use omamori::console::access::Role;
use omamori::settlement::progress;
use omamori::web::codes::Code;
use omamori::web::filters::japan;
use omamori_db::sql;
use serde_json::{Value, json};

use super::payouts::{account, with_sender};
use super::{TERMS, net, sales_account, shop};
use crate::support::app::TestApp;
use crate::support::desk::Person;
use crate::support::on_both_engines;

on_both_engines!(
    a_run_goes_on_where_it_stopped,
    a_run_of_a_node_that_died_is_taken_over,
    who_settled_and_why_is_in_the_audit_log,
);

const RUN: &str = "/settlements/run";

fn why() -> Value {
    json!({ "reason": "月次の締め" })
}

/// Goal: asked twice it is one run; the request itself settles nothing and waits for nobody; a node
/// that stops after a merchant is followed by one that goes on with the next; the page says how
/// far.
async fn a_run_goes_on_where_it_stopped(app: &mut TestApp) {
    let mut shops = Vec::new();
    for _ in 0..2 {
        let (register, customer) = shop(app, TERMS).await;
        register.sell(app, "s-1", &customer.code(app.now()), 5_000).await.ok();
        shops.push(register);
    }
    app.clock.advance(31 * DAY);
    let finance = Person::new(&app.app, Role::Finance).await;
    let asked = finance.post(app, RUN, &why()).await.ok();
    assert_eq!(finance.post(app, RUN, &why()).await.ok(), asked, "one is open at a time");
    let begun = progress::newest(&app.app).await.unwrap().unwrap();
    assert_eq!((begun.looked_at, begun.ended_at), (0, None));
    assert_eq!(asked["run_id"], begun.run_id.as_str());
    assert_eq!(Some(begun.until), japan(app.now()).date().yesterday().ok());

    let looks = AtomicUsize::new(0);
    let stop = || looks.fetch_add(1, Ordering::Relaxed) == 1;
    assert_eq!(progress::work_until(&app.app, stop).await.unwrap(), 1);
    let page = finance.get(app, "/console/settlements").await.text().to_owned();
    assert!(page.contains("data-follow") && page.contains("1 / 4"), "{page}");
    app.restart().await;
    assert_eq!(progress::work_due(&app.app).await.unwrap(), 3);
    let ended = progress::newest(&app.app).await.unwrap().unwrap();
    assert_eq!((ended.looked_at, ended.merchants), (4, 4));
    assert!(ended.ended_at.is_some() && ended.failed.is_empty() && ended.statements >= 2);
    for register in &shops {
        assert_eq!(net(app, sales_account(app, register).await), 0);
    }
    assert_eq!(progress::work_due(&app.app).await.unwrap(), 0, "it is over");
    let page = finance.get(app, "/console/settlements").await.text().to_owned();
    assert!(!page.contains("data-follow"), "{page}");
    let next = finance.post(app, RUN, &why()).await.ok();
    assert_ne!(next, asked, "a further one is another");
}

/// Goal: while a node has a run no other takes it; a node that says nothing any more is dead.
async fn a_run_of_a_node_that_died_is_taken_over(app: &mut TestApp) {
    let (register, customer) = shop(app, TERMS).await;
    register.sell(app, "s-1", &customer.code(app.now()), 5_000).await.ok();
    app.clock.advance(31 * DAY);
    let finance = Person::new(&app.app, Role::Finance).await;
    finance.post(app, RUN, &why()).await.ok();
    let held = sql("UPDATE settlement_run SET held_until = $1").bind(app.now() + 10 * MINUTE);
    app.app.stores.registry.execute(held).await.unwrap();
    assert_eq!(progress::work_due(&app.app).await.unwrap(), 0);
    app.clock.advance(10 * MINUTE);
    assert_eq!(progress::work_due(&app.app).await.unwrap(), 2);
    assert_eq!(net(app, sales_account(app, &register).await), 0);
}

/// Goal: settling, a file and its sending: who, and in their own words why.
async fn who_settled_and_why_is_in_the_audit_log(app: &mut TestApp) {
    with_sender(app).await;
    let (register, customer) = shop(app, TERMS).await;
    register.sell(app, "s-1", &customer.code(app.now()), 5_000).await.ok();
    let machine = omamori::audit::Actor::machine();
    let to = account("0000001");
    omamori::settlement::bank::set(&app.app, &machine, &register.merchant_id, &to).await.unwrap();
    app.clock.advance(31 * DAY);
    let finance = Person::new(&app.app, Role::Finance).await;
    finance.post(app, RUN, &json!({ "reason": " " })).await.refused(Code::InvalidRequest);
    finance.post(app, RUN, &why()).await.ok();
    progress::work_due(&app.app).await.unwrap();
    let file = finance.post(app, "/payouts/files", &json!({ "reason": "五月払い" })).await.ok();
    let sent = format!("/payouts/files/{}/sent", file["file_id"].as_str().unwrap());
    assert!(finance.post(app, &sent, &json!({ "reason": "送信済" })).await.status.is_success());
    let entries = sql("SELECT act, reason FROM audit_entry WHERE actor = $1 ORDER BY seq");
    let entries = entries.bind(&finance.staff_id);
    let entries = app.app.stores.registry.all(entries).await.unwrap();
    let said: Vec<_> =
        entries.iter().map(|row| (row.text("act").unwrap(), row.text("reason").unwrap())).collect();
    let wanted = [("settle", "月次の締め"), ("payout_file", "五月払い"), ("payout_sent", "送信済")];
    assert_eq!(said, wanted.map(|(act, reason)| (act.to_owned(), reason.to_owned())));
}
