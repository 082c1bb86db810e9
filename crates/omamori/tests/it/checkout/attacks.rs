//! What an attacker tries, and races.

use omamori::web::codes::Code;
use serde_json::{Value, json};

use super::{ORIGIN, Order, Web, person, told};
use crate::support::app::{Node, TestApp};
use crate::support::passkey::Person;
use crate::support::shop::Register;
use crate::support::staff::Staff;
use crate::support::{at_once, on_both_engines};
use crate::webhook::add;

on_both_engines!(
    the_amount_and_the_order_that_are_approved_are_those_that_are_paid,
    a_page_is_found_by_its_token_alone,
    each_key_does_what_it_is_for,
    a_text_of_a_shop_is_never_markup,
    sixteen_requests_make_one_order,
    two_customers_on_sixteen_connections_pay_once,
    a_payment_and_a_cancel_at_once_end_in_one_of_them,
);

/// The attacks: another amount than the page showed; an approval of a cheap order for a dear one;
/// an approval that was used; none at all; one of somebody else.
async fn the_amount_and_the_order_that_are_approved_are_those_that_are_paid(app: &mut TestApp) {
    let web = Web::new(&app.app).await;
    let mut victim = person(app, &web).await;
    let mut thief = person(app, &web).await;
    let (cheap, dear) = (web.order(app, "o-1", 10).await, web.order(app, "o-2", 9_000).await);
    for amount in [10, 9_001, -9_000, 0] {
        let asked = json!({ "amount": amount });
        let options = victim.post(app, &format!("{}/options", dear.pay_path()), &asked).await;
        options.refused(Code::InvalidRequest);
    }
    let approval = victim.confirmation(app, &cheap.pay_path(), &json!({ "amount": 10 })).await;
    let mut swapped = approval.unwrap();
    swapped["request"]["amount"] = 9_000.into();
    victim.post(app, &dear.pay_path(), &swapped).await.refused(Code::ProofFailed);
    let unproved = json!({ "request": { "amount": 9_000 } });
    victim.post(app, &dear.pay_path(), &unproved).await.refused(Code::ProofFailed);
    let stolen = thief.confirmation(app, &dear.pay_path(), &json!({ "amount": 9_000 })).await;
    let stolen = stolen.unwrap();
    victim.post(app, &dear.pay_path(), &stolen).await.refused(Code::ProofFailed);
    assert_eq!(victim.customer.balance(app) + thief.customer.balance(app), 20_000);

    cheap.pay(app, &mut victim).await.ok();
    cheap.pay(app, &mut thief).await.refused(Code::OrderPaid);
    let page = thief.customer.get(app, &cheap.page()).await;
    assert!(!page.text().contains("手ぬぐい") && !page.text().contains("/receipt/"));
    assert_eq!(victim.customer.balance(app), 9_990);
    assert_eq!(thief.customer.balance(app), 10_000);
}

/// The attacks: guessing, the order's id in the place of the token, another merchant's key.
async fn a_page_is_found_by_its_token_alone(app: &mut TestApp) {
    let (web, other) = (Web::new(&app.app).await, Web::new(&app.app).await);
    let order = web.order(app, "o-1", 500).await;
    let mut near = order.token.clone();
    let last = if near.ends_with('A') { 'B' } else { 'A' };
    near.replace_range(0..1, if near.starts_with('A') { "B" } else { "A" });
    let longer = format!("{}{last}", order.token);
    for wrong in ["x", &near, &longer, &order.order_id, &order.token[1..], "%00", "..%2Fpay"] {
        assert_eq!(app.get(&format!("/pay/{wrong}")).await.status, 404, "{wrong}");
        let state = app.get(&format!("/api/pay/v1/{wrong}")).await;
        state.refused(Code::NotFound);
        let wrong = Order { token: wrong.to_owned(), ..order.clone() };
        wrong.give_up(app).await.refused(Code::NotFound);
    }
    let row = omamori_db::sql("SELECT * FROM checkout");
    let row = app.app.stores.registry.one(row).await.unwrap();
    assert_eq!(row.array::<32>("token_hash").unwrap(), omamori::secret::token_hash(&order.token));
    other.look(app, "o-1").await.refused(Code::OrderNotFound);
    other.cancel(app, "o-1").await.refused(Code::OrderNotFound);
    // Its own order of the same id is another one.
    let theirs = other.order(app, "o-1", 700).await;
    assert_ne!(theirs.token, order.token);
    assert_eq!(web.status(app, "o-1").await, "open");
    let answer = app.get(&order.page()).await;
    assert_eq!(answer.headers["referrer-policy"], "same-origin", "the shop does not see the token");
}

/// Goal: the key on a shop's server takes no cash and no code, and a register's makes no orders.
async fn each_key_does_what_it_is_for(app: &mut TestApp) {
    let web = Web::new(&app.app).await;
    let person = person(app, &web).await;
    let code = person.customer.code(app.now());
    let online = &web.register;
    online.sell(app, "s-1", &code, 100).await.refused(Code::Forbidden);
    online.top_up(app, "t-1", &code, 1_000).await.refused(Code::Forbidden);
    online.get(app, "/payments").await.refused(Code::Forbidden);
    online.get(app, "/products").await.refused(Code::Forbidden);
    online.get(app, "/terminal").await.ok();
    let orders = json!({ "merchant_payment_id": "o", "amount": 1 });
    online.post(app, "/orders", &orders).await.refused(Code::Forbidden);
    for kind in ["pos", "till", "atm"] {
        let made = omamori::merchant::create_terminal(&app.app, &online.store_id, "x", kind);
        let key = made.await.unwrap().api_key;
        let request = Web::request_as(&key, "POST", "/orders", &web.wants("o-1", 500));
        app.call(request).await.refused(Code::Forbidden);
        let request = Web::request_as(&key, "GET", "/orders/o-1", &Value::Null);
        app.call(request).await.refused(Code::Forbidden);
    }
    // One of the kind that has no shop.
    let made = omamori::merchant::create_terminal(&app.app, &online.store_id, "x", "online").await;
    let key = made.unwrap().api_key;
    let request = Web::request_as(&key, "POST", "/orders", &web.wants("o-1", 500));
    app.call(request).await.refused(Code::Forbidden);
    let body = json!({ "api_key": online.key }).to_string();
    let open = axum::http::Request::post("/till/session")
        .header("content-type", "application/json")
        .body(axum::body::Body::from(body));
    let opened = app.call(open.unwrap()).await;
    assert!(opened.status.is_client_error(), "the shop's key opens no web register");
}

async fn a_text_of_a_shop_is_never_markup(app: &mut TestApp) {
    let merchant =
        omamori::merchant::create_merchant(&app.app, "<script>m</script>").await.unwrap();
    let web = Web::of_merchant(&app.app, &merchant).await;
    let person = person(app, &web).await;
    let mut wanted = web.wants("o-1", 500);
    wanted["description"] = r#""><img src=x onerror=alert(1)>"#.into();
    wanted["items"][0]["name"] = "<script>i</script>".into();
    wanted["success_url"] = format!("{ORIGIN}/'onmouseover='x").into();
    let order = Order::of(&web.create(app, &wanted).await.ok());
    let pages = [app.get(&order.page()).await, person.customer.get(app, &order.page()).await];
    order.give_up(app).await.ok();
    for page in pages.into_iter().chain([app.get(&order.page()).await]) {
        for markup in ["<script>m", "<script>i", "<img src=x"] {
            assert!(!page.text().contains(markup), "{markup}");
        }
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self'"));
    }
}

async fn sixteen_requests_make_one_order(app: &mut TestApp) {
    let web = Web::new(&app.app).await;
    let wanted = web.wants("o-1", 500);
    let asked = (0..16).map(|_| {
        let (node, web, wanted) = (Node::clone(app), web.clone(), wanted.clone());
        async move { web.create(&node, &wanted).await.ok() }
    });
    let answers = at_once(asked).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

/// The race: two customers, each in eight tabs, approve the same order at once.
async fn two_customers_on_sixteen_connections_pay_once(app: &mut TestApp) {
    let web = Web::new(&app.app).await;
    let staff = Staff::new(&app.app, &web.register.merchant_id).await;
    add(app, &staff, "https://shop.example.jp/hook").await;
    let mut people = [person(app, &web).await, person(app, &web).await];
    let order = web.order(app, "o-1", 4_000).await;
    let mut requests = Vec::new();
    for person in &mut people {
        for _ in 0..8 {
            requests.push(approval(app, person, &order).await);
        }
    }
    let asked = requests.into_iter().map(|request| {
        let node = Node::clone(app);
        async move { node.call(request).await.status }
    });
    let statuses = at_once(asked).await;
    assert!(statuses.iter().any(|status| *status == 200), "{statuses:?}");
    let mut balances = people.each_ref().map(|person| person.customer.balance(app));
    balances.sort_unstable();
    assert_eq!(balances, [6_000, 10_000]);
    assert_eq!(web.status(app, "o-1").await, "paid");
    assert_eq!(told(app).await, ["checkout.completed", "payment.completed"]);
}

async fn approval(
    app: &TestApp,
    person: &mut Person,
    order: &Order,
) -> axum::http::Request<axum::body::Body> {
    let asked = json!({ "amount": order.amount });
    let body = person.confirmation(app, &order.pay_path(), &asked).await.unwrap();
    person.request(&order.pay_path(), &body, app.now())
}

async fn a_payment_and_a_cancel_at_once_end_in_one_of_them(app: &mut TestApp) {
    let web = Web::new(&app.app).await;
    let mut person = person(app, &web).await;
    for n in 0..8 {
        let id = format!("o-{n}");
        let order = web.order(app, &id, 100).await;
        let before = person.customer.balance(app);
        let pay = approval(app, &mut person, &order).await;
        let (node, other) = (Node::clone(app), Node::clone(app));
        let giving_up = order.clone();
        let paying = tokio::spawn(async move { node.call(pay).await });
        let canceling = tokio::spawn(async move { giving_up.give_up(&other).await });
        let (paid, canceled) = (paying.await.unwrap(), canceling.await.unwrap());
        person.keep(&paid);
        let status = web.status(app, &id).await;
        let after = person.customer.balance(app);
        assert_eq!(paid.status == 200, status == "paid", "{}", paid.text());
        assert_eq!(canceled.status == 200, status == "canceled", "{}", canceled.text());
        assert_eq!(before - after, if status == "paid" { 100 } else { 0 });
    }
    let cash = Register::of_store(&app.app, &web.register.merchant_id, &web.register.store_id);
    cash.await.get(app, "/terminal").await.ok();
}
