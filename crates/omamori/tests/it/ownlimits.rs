//! Limits that customers set for themselves: lower at once, higher after a confirmation and a day,
//! kept by every way out and in.

use omamori::clock::{DAY, HOUR, MINUTE, SECOND};
use omamori::limit::Kind;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::app::{Node, TestApp};
use crate::support::confirm::Passkey;
use crate::support::customer::{CODES_AT_ONCE, Customer};
use crate::support::shop::Register;
use crate::support::{at_once, on_both_engines, on_several_nodes, wait_until};

on_both_engines!(
    a_lower_limit_holds_at_once_and_a_higher_one_a_day_later,
    a_raise_is_called_off_with_one_tap,
    a_raise_needs_its_own_confirmation,
    no_own_limit_passes_the_operators,
    every_way_out_and_in_keeps_it,
    sales_at_once_cannot_pass_an_own_limit_together,
    sixteen_equal_changes_at_once_are_one_change,
    a_race_of_raise_and_lower_leaves_one_of_them,
    own_limits_survive_a_restart,
);
on_several_nodes!(a_lower_limit_holds_on_every_node_within_a_second);

struct Owner {
    register: Register,
    customer: Customer,
    passkey: Passkey,
    acts: u32,
}

impl Owner {
    async fn new(app: &TestApp) -> Self {
        let customer = Customer::new(&app.app).await;
        let passkey = Passkey::of(&app.app, &customer).await;
        Self { register: Register::new(&app.app).await, customer, passkey, acts: 0 }
    }

    async fn lower(&self, node: &Node, limit: &str, yen: i64) -> Answer {
        self.customer.post(node, "/limits/lower", &json!({ "limit": limit, "yen": yen })).await
    }

    async fn raise(&mut self, node: &Node, limit: &str, yen: Option<i64>) -> Answer {
        let asked = json!({ "limit": limit, "yen": yen });
        self.customer.confirmed(node, &self.passkey, "/limits/raise", Some(&asked)).await
    }

    async fn keep(&self, node: &Node, limit: &str) -> Answer {
        self.customer.post(node, "/limits/keep", &json!({ "limit": limit })).await
    }

    async fn limit(&self, node: &Node, limit: &str) -> Value {
        let all = self.customer.get(node, "/api/wallet/v1/limits").await.ok();
        let all = all["limits"].as_array().unwrap();
        all.iter().find(|one| one["limit"] == limit).unwrap().clone()
    }

    async fn pay(&mut self, app: &TestApp, yen: i64) -> Answer {
        self.acts += 1;
        let code = self.customer.code(app.now());
        self.register.sell(app, &format!("s-{}", self.acts), &code, yen).await
    }

    async fn told(&self, node: &Node, kind: &str) -> i64 {
        let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM notice \
                         WHERE customer_id = $1 AND kind = $2");
        let count = count.bind(&self.customer.customer_id).bind(kind);
        node.app.stores.registry.one(count).await.unwrap().int("n").unwrap()
    }
}

/// Goal: the lower one at once, the higher one to the second; both told, with the time.
async fn a_lower_limit_holds_at_once_and_a_higher_one_a_day_later(app: &mut TestApp) {
    let mut owner = Owner::new(app).await;
    owner.customer.load(app, &owner.register, 49_000).await;
    owner.lower(app, "payment_24h", 3_000).await.ok();
    owner.pay(app, 3_001).await.refused(Code::LimitOwn);
    owner.pay(app, 3_000).await.ok();
    owner.pay(app, 1).await.refused(Code::LimitOwn);
    let shown = owner.limit(app, "payment_24h").await;
    assert_eq!((&shown["used"], &shown["max"]), (&json!(3_000), &json!(3_000)));
    assert_eq!((&shown["own"], &shown["operators"]), (&json!(true), &json!(100_000)));

    let asked = owner.raise(app, "payment_24h", Some(8_000)).await.ok();
    assert_eq!((&asked["yen"], &asked["at"]), (&json!(8_000), &json!("2026-04-02T03:00:00Z")));
    app.clock.advance(DAY - SECOND);
    let waits = owner.limit(app, "payment_24h").await;
    assert_eq!((&waits["max"], &waits["raise"]["yen"]), (&json!(3_000), &json!(8_000)));
    owner.pay(app, 3_001).await.refused(Code::LimitOwn);
    app.clock.advance(SECOND);
    let shown = owner.limit(app, "payment_24h").await;
    assert_eq!((&shown["max"], &shown["raise"]), (&json!(8_000), &Value::Null));
    app.clock.advance(5 * MINUTE); // the slot of the first payment ends
    owner.pay(app, 8_001).await.refused(Code::LimitOwn);
    owner.pay(app, 8_000).await.ok();
    assert_eq!(owner.told(app, "limit_lowered").await, 1);
    assert_eq!(owner.told(app, "limit_raise_asked").await, 1);
}

async fn a_raise_is_called_off_with_one_tap(app: &mut TestApp) {
    let mut owner = Owner::new(app).await;
    owner.customer.load(app, &owner.register, 20_000).await;
    owner.lower(app, "payment_once", 500).await.ok();
    owner.raise(app, "payment_once", None).await.ok();
    app.clock.advance(HOUR);
    owner.keep(app, "payment_once").await.ok();
    owner.keep(app, "payment_once").await.ok();
    app.clock.advance(2 * DAY);
    owner.pay(app, 501).await.refused(Code::LimitOwn);
    owner.pay(app, 500).await.ok();
    owner.pay(app, 500).await.ok(); // of one payment, not of a day
    assert_eq!(owner.told(app, "limit_kept").await, 1, "told once");
    // A lower one calls a raise off too.
    owner.raise(app, "payment_once", None).await.ok();
    owner.lower(app, "payment_once", 300).await.ok();
    app.clock.advance(2 * DAY);
    owner.pay(app, 301).await.refused(Code::LimitOwn);
    // Back at the operator's, after a day.
    owner.raise(app, "payment_once", None).await.ok();
    app.clock.advance(DAY);
    owner.pay(app, 10_000).await.ok();
    assert_eq!(owner.limit(app, "payment_once").await["own"], false);
}

/// Goal: who has the session alone, or a confirmation of something else, raises nothing.
async fn a_raise_needs_its_own_confirmation(app: &mut TestApp) {
    let mut owner = Owner::new(app).await;
    owner.lower(app, "send_24h", 1_000).await.ok();
    owner.lower(app, "send_24h", 2_000).await.refused(Code::LimitNotLower);
    let asked = json!({ "limit": "send_24h", "yen": 2_000 });
    let options = owner.customer.post(app, "/limits/raise/options", &asked).await.ok();
    let proof = json!({ "passkey": owner.passkey.get(&options) });
    let more = json!({ "limit": "send_24h", "yen": 50_000 });
    let body = json!({ "request": more, "proof": proof });
    owner.customer.post(app, "/limits/raise", &body).await.refused(Code::ProofFailed);
    let body = json!({ "request": asked, "proof": proof });
    owner.customer.post(app, "/limits/raise", &body).await.refused(Code::ProofFailed);
    let bare = json!({ "request": asked });
    owner.customer.post(app, "/limits/raise", &bare).await.refused(Code::InvalidRequest);
    assert_eq!(owner.limit(app, "send_24h").await["raise"], Value::Null);
    // A stopped account is not the moment to raise anything; lowering is.
    owner.customer.post(app, "/account/stop", &json!({})).await;
    owner.raise(app, "send_24h", None).await.refused(Code::AccountFrozen);
    owner.lower(app, "send_24h", 0).await.ok();
}

async fn no_own_limit_passes_the_operators(app: &mut TestApp) {
    let mut owner = Owner::new(app).await;
    for (limit, yen) in [("payment_24h", 100_001), ("payment_24h", -1), ("topup_24h", i64::MAX)] {
        owner.lower(app, limit, yen).await.refused(Code::InvalidRequest);
        owner.raise(app, limit, Some(yen)).await.refused(Code::InvalidRequest);
    }
    owner.lower(app, "balance", 1).await.refused(Code::InvalidRequest);
    owner.raise(app, "payment_24h", Some(100_000)).await.refused(Code::InvalidRequest);
    owner.lower(app, "payment_24h", 100_000).await.ok(); // as it is: nothing changes
    assert_eq!(owner.told(app, "limit_lowered").await, 0);
    owner.lower(app, "payment_24h", 90_000).await.ok();
    owner.raise(app, "payment_24h", Some(95_000)).await.ok();
    // The operator lowers theirs meanwhile: theirs holds.
    app.restart_with(|config| config.limits.payment_24h = 5_000).await;
    app.clock.advance(2 * DAY);
    owner.customer.load(app, &owner.register, 20_000).await;
    assert_eq!(owner.limit(app, "payment_24h").await["max"], 5_000);
    owner.pay(app, 5_001).await.refused(Code::LimitPayment24h);
    owner.pay(app, 5_000).await.ok();
}

/// Goal: a payment, a send, a top-up at a register: each by its own limit, and ¥0 closes it.
async fn every_way_out_and_in_keeps_it(app: &mut TestApp) {
    let mut owner = Owner::new(app).await;
    owner.customer.load(app, &owner.register, 20_000).await;
    owner.lower(app, "topup_24h", 21_000).await.ok();
    owner.lower(app, "payment_30d", 4_000).await.ok();
    owner.lower(app, "send_30d", 1_000).await.ok();
    let code = owner.customer.code(app.now());
    owner.register.top_up(app, "t-1", &code, 2_000).await.refused(Code::LimitOwn);
    owner.register.top_up(app, "t-2", &owner.customer.code(app.now()), 1_000).await.ok();
    owner.pay(app, 4_001).await.refused(Code::LimitOwn);
    let send = |id: &str, yen: i64| json!({ "client_send_id": id, "amount": yen, "to": { "kind": "link" }, "message": "" });
    let (more, fits) = (send("1", 1_001), send("2", 1_000));
    let refused = owner.customer.confirmed(app, &owner.passkey, "/sends", Some(&more)).await;
    refused.refused(Code::LimitOwn);
    owner.customer.confirmed(app, &owner.passkey, "/sends", Some(&fits)).await.ok();
    for limit in ["topup_24h", "payment_30d", "send_30d"] {
        owner.lower(app, limit, 0).await.ok();
    }
    owner.pay(app, 1).await.refused(Code::LimitOwn);
    let code = owner.customer.code(app.now());
    owner.register.top_up(app, "t-3", &code, 1_000).await.refused(Code::LimitOwn);
    let page = owner.customer.get(app, "/topup/register").await;
    assert!(page.text().contains("¥0"), "the page says that nothing can be loaded");
    // A refund is nobody's use.
    owner.lower(app, "payment_once", 0).await.ok();
    assert_eq!(owner.customer.balance(app), 20_000);
}

/// Goal: as many sales at once as a phone has codes; of ¥1,000 each, three keep ¥3,000.
async fn sales_at_once_cannot_pass_an_own_limit_together(app: &mut TestApp) {
    let owner = Owner::new(app).await;
    owner.customer.load(app, &owner.register, 49_000).await;
    owner.lower(app, "payment_24h", 3_000).await.ok();
    app.clock.advance(90 * SECOND);
    let codes: Vec<_> = (0..CODES_AT_ONCE).map(|_| owner.customer.code(app.now())).collect();
    let answers = at_once(codes.into_iter().map(|code| {
        let (node, register) = ((*app).clone(), owner.register.clone());
        async move { register.sell(&node, &code[15..], &code, 1_000).await }
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status.is_success()).count(), 3);
    assert_eq!(owner.customer.balance(app), 46_000);
}

async fn sixteen_equal_changes_at_once_are_one_change(app: &mut TestApp) {
    let owner = std::sync::Arc::new(Owner::new(app).await);
    let answers = at_once((0..16).map(|_| {
        let (node, owner) = ((*app).clone(), owner.clone());
        async move { owner.lower(&node, "payment_24h", 5_000).await }
    }))
    .await;
    answers.iter().for_each(|answer| drop(answer.ok()));
    assert_eq!(owner.told(app, "limit_lowered").await, 1);
    assert_eq!(owner.limit(app, "payment_24h").await["max"], 5_000);
}

/// Goal: whichever comes last stands whole; a lower limit never comes with a raise beside it.
async fn a_race_of_raise_and_lower_leaves_one_of_them(app: &mut TestApp) {
    let mut owner = Owner::new(app).await;
    owner.lower(app, "payment_24h", 5_000).await.ok();
    owner.raise(app, "payment_24h", Some(50_000)).await.ok();
    let owner = std::sync::Arc::new(owner);
    at_once((0..16).map(|n| {
        let (node, owner) = ((*app).clone(), owner.clone());
        async move {
            match n % 2 {
                0 => owner.lower(&node, "payment_24h", 4_000).await,
                _ => owner.keep(&node, "payment_24h").await,
            }
        }
    }))
    .await
    .iter()
    .for_each(|answer| drop(answer.ok()));
    let shown = owner.limit(app, "payment_24h").await;
    assert_eq!((&shown["max"], &shown["raise"]), (&json!(4_000), &Value::Null));
}

async fn own_limits_survive_a_restart(app: &mut TestApp) {
    let mut owner = Owner::new(app).await;
    owner.customer.load(app, &owner.register, 20_000).await;
    owner.lower(app, "payment_24h", 2_000).await.ok();
    owner.raise(app, "payment_24h", Some(6_000)).await.ok();
    app.restart_without_views().await;
    owner.pay(app, 2_001).await.refused(Code::LimitOwn);
    app.clock.advance(DAY);
    owner.pay(app, 6_001).await.refused(Code::LimitOwn);
    owner.pay(app, 6_000).await.ok();
}

/// Goal: nobody pays more at another node a second later.
async fn a_lower_limit_holds_on_every_node_within_a_second(app: &mut TestApp) {
    let owner = Owner::new(app).await;
    owner.customer.load(app, &owner.register, 20_000).await;
    let other = app.another_node().await;
    owner.lower(app, "payment_24h", 1_000).await.ok();
    let account = owner.customer.wallet_account;
    wait_until(|| other.app.gate.limit(Kind::Payment24h, account) == 1_000).await;
    app.clock.advance(90 * SECOND);
    let code = owner.customer.code(app.now());
    owner.register.sell(&other, "s-1", &code, 1_001).await.refused(Code::LimitOwn);
    owner.register.sell(&other, "s-2", &owner.customer.code(app.now()), 1_000).await.ok();
    app.app.gate.catch_up().await.unwrap();
    assert_eq!(owner.customer.balance(app), 19_000);
    other.app.close().await;
}
