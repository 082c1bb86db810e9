//! Auto top-up, against the same gateway: one payment starts one top-up at most, whatever the
//! gateway, the nodes and the process do; and the customer is told what became of it.

use omamori::audit::Actor;
use omamori::clock::{DAY, MINUTE, SECOND};
use omamori::control::{self, Closing, Door, Scope};
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use super::world::{World, deliver_all, submit, work};
use super::{CHALLENGE, CHARGED_BACK, NOT_AUTHENTICATED, PLAIN};
use crate::support::answer::Answer;
use crate::support::app::{Node, TestApp};
use crate::support::confirm::Passkey;
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::shop::Register;

mod odds;

on_both_engines!(
    a_payment_below_the_threshold_tops_up_once,
    a_send_below_the_threshold_tops_up,
    nothing_is_set_before_the_bank_has_answered,
    the_terms_keep_the_limits,
    one_tap_turns_it_off,
    no_limit_is_passed_and_the_customer_is_told_once,
    nothing_starts_for_a_day_after_a_recovery,
    a_stopped_account_and_a_closed_door_start_nothing,
    a_card_that_is_gone_ends_it,
    a_strangers_consent_and_card_are_not_there,
);
/// A customer with ¥5,000 and auto top-up of ¥5,000 below ¥3,000.
struct Auto {
    world: World,
    register: Register,
    card: String,
    sales: u32,
}

impl Auto {
    async fn new(app: &mut TestApp, number: &str) -> Self {
        let mut world = World::new(app).await;
        let register = Register::new(&app.app).await;
        world.customer.load(app, &register, 5_000).await;
        let card = world.card(app, number).await;
        let mut auto = Self { world, register, card, sales: 0 };
        auto.set(app).await;
        auto
    }

    async fn ask(&mut self, node: &Node, threshold: i64, amount: i64, month_max: i64) -> Answer {
        let mut request = self.world.request(&self.card, amount);
        request["threshold"] = threshold.into();
        request["month_max"] = month_max.into();
        let World { customer, passkey, .. } = &mut self.world;
        customer.confirmed(node, passkey, "/topups/auto", Some(&request)).await
    }

    /// Sets it, answering the bank if it asks.
    async fn set(&mut self, app: &TestApp) {
        let asked = self.ask(app, 3_000, 5_000, 30_000).await.ok();
        if let Some(url) = asked["consent"]["url"].as_str() {
            submit(url, "answer=right").await;
        }
        assert_eq!(self.look(app, &asked["consent"]).await["status"], "done");
        assert_eq!(self.shown(app).await["state"], "on");
    }

    async fn look(&self, app: &TestApp, consent: &Value) -> Value {
        app.clock.advance(2 * SECOND);
        let id = consent["consent_id"].as_str().unwrap();
        let path = format!("/topups/auto/consents/{id}/look");
        self.world.customer.post(app, &path, &json!({})).await.ok()
    }

    async fn shown(&self, node: &Node) -> Value {
        self.world.customer.get(node, "/api/wallet/v1/topups/auto").await.ok()
    }

    /// Sells, and lets the follower see it.
    async fn sell(&mut self, app: &TestApp, yen: i64) {
        self.sales += 1;
        let code = self.world.customer.code(app.now());
        self.register.sell(app, &format!("s-{}", self.sales), &code, yen).await.ok();
        followed(app).await;
    }

    /// The same, and what it starts is done.
    async fn sell_and_work(&mut self, app: &TestApp, yen: i64) {
        self.sell(app, yen).await;
        work(app).await;
    }

    fn figures(&self, node: &Node) -> (i64, (i64, i64)) {
        (self.world.balance(node), self.world.sandbox.taken())
    }

    async fn told(&self, node: &Node, kind: &str) -> i64 {
        self.world.told(node, kind).await
    }
}

/// Waits until the follower stands at the end of the journal.
async fn followed(node: &Node) {
    loop {
        let query = sql("SELECT seq FROM ledger_follower WHERE name = 'auto_topups'");
        let row = node.app.stores.registry.optional(query).await.unwrap();
        let seq = row.map_or(0, |row| row.int("seq").unwrap());
        if seq >= node.journal_entries().await {
            return;
        }
        tokio::task::yield_now().await;
    }
}

async fn orders(node: &Node) -> i64 {
    let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM auto_order");
    node.app.stores.registry.one(count).await.unwrap().int("n").unwrap()
}

/// Goal: at the threshold nothing, a yen below it one top-up; history, notice and card say it.
async fn a_payment_below_the_threshold_tops_up_once(app: &mut TestApp) {
    let mut auto = Auto::new(app, PLAIN).await;
    auto.sell_and_work(app, 2_000).await;
    assert_eq!(auto.figures(app), (3_000, (0, 0)));
    auto.sell_and_work(app, 1).await;
    assert_eq!(auto.figures(app), (7_999, (5_000, 0)));
    work(app).await;
    deliver_all(&auto.world, app).await;
    assert_eq!(auto.figures(app), (7_999, (5_000, 0)));
    assert_eq!((auto.told(app, "auto_topup").await, auto.told(app, "credited").await), (1, 1));
    assert_eq!(auto.told(app, "auto_topup_on").await, 1);
    let history = auto.world.customer.get(app, "/api/wallet/v1/history").await.ok();
    assert_eq!(history["entries"][0]["kind"], "topup_auto");
    assert_eq!(history["entries"][0]["store_name"], "Visa •••• 4242");
    let shown = auto.shown(app).await;
    assert_eq!((&shown["month"]["used"], &shown["month"]["max"]), (&json!(5_000), &json!(30_000)));
    // Below it again: once more.
    auto.sell_and_work(app, 5_000).await;
    assert_eq!(auto.figures(app), (7_999, (10_000, 0)));
}

async fn a_send_below_the_threshold_tops_up(app: &mut TestApp) {
    let mut auto = Auto::new(app, PLAIN).await;
    let send = json!({ "client_send_id": "1", "amount": 3_000, "to": { "kind": "link" },
        "message": "" });
    let World { customer, passkey, .. } = &mut auto.world;
    customer.confirmed(app, passkey, "/sends", Some(&send)).await.ok();
    followed(app).await;
    work(app).await;
    assert_eq!(auto.figures(app), (7_000, (5_000, 0)));
}

/// Goal: without the bank's word, or with a wrong answer to it, nothing is set and nothing starts.
async fn nothing_is_set_before_the_bank_has_answered(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let register = Register::new(&app.app).await;
    world.customer.load(app, &register, 5_000).await;
    let card = world.card(app, CHALLENGE).await;
    let mut auto = Auto { world, register, card, sales: 0 };
    let wrong = auto.ask(app, 3_000, 5_000, 30_000).await.ok();
    assert_eq!(wrong["consent"]["status"], "open");
    auto.sell_and_work(app, 2_500).await;
    assert_eq!((auto.shown(app).await["state"].clone(), orders(app).await), (json!("off"), 0));
    submit(wrong["consent"]["url"].as_str().unwrap(), "answer=wrong").await;
    let refused = auto.look(app, &wrong["consent"]).await;
    assert_eq!(
        (&refused["status"], &refused["reason"]),
        (&json!("refused"), &json!("authentication_failed"))
    );
    submit(wrong["consent"]["url"].as_str().unwrap(), "answer=right").await;
    deliver_all(&auto.world, app).await;
    assert_eq!(auto.shown(app).await["state"], "off", "it was refused once and for all");

    // A newer one takes the place of one that is open.
    let older = auto.ask(app, 3_000, 5_000, 30_000).await.ok();
    let newer = auto.ask(app, 2_000, 3_000, 10_000).await.ok();
    submit(older["consent"]["url"].as_str().unwrap(), "answer=right").await;
    deliver_all(&auto.world, app).await;
    assert_eq!(auto.shown(app).await["state"], "off");
    // The customer never comes back; the gateway tells.
    submit(newer["consent"]["url"].as_str().unwrap(), "answer=right").await;
    deliver_all(&auto.world, app).await;
    let shown = auto.shown(app).await;
    assert_eq!((&shown["state"], &shown["threshold"]), (&json!("on"), &json!(2_000)));

    // A gateway that does without 3-D Secure is not enough.
    auto.card = auto.world.card(app, NOT_AUTHENTICATED).await;
    let bare = auto.ask(app, 5_000, 5_000, 30_000).await.ok();
    assert_eq!(bare["consent"]["reason"], "authentication_failed");
    assert_eq!(auto.shown(app).await["threshold"], 2_000, "what was set stays");
    // Nobody tries banks all day.
    auto.ask(app, 5_000, 5_000, 30_000).await.ok();
    auto.ask(app, 5_000, 5_000, 30_000).await.refused(Code::CardTries);
}

async fn the_terms_keep_the_limits(app: &mut TestApp) {
    let mut auto = Auto::new(app, PLAIN).await;
    for (threshold, amount, month_max) in [
        (3_000, 31_000, 100_000),
        (3_000, 1_500, 30_000),
        (0, 5_000, 30_000),
        (96_000, 5_000, 30_000),
        (3_000, 5_000, 4_000),
        (3_000, 5_000, 101_000),
        (3_000, -5_000, 30_000),
        (i64::MIN, 5_000, i64::MAX),
    ] {
        let answer = auto.ask(app, threshold, amount, month_max).await;
        answer.refused(Code::InvalidRequest);
    }
    // A confirmation of other terms confirms nothing.
    let mut request = auto.world.request(&auto.card, 5_000);
    request["threshold"] = 3_000.into();
    request["month_max"] = 30_000.into();
    let options = auto.world.customer.post(app, "/topups/auto/options", &request).await.ok();
    let proof = json!({ "passkey": auto.world.passkey.get(&options) });
    request["month_max"] = 100_000.into();
    let body = json!({ "request": request, "proof": proof });
    auto.world.customer.post(app, "/topups/auto", &body).await.refused(Code::ProofFailed);
    assert_eq!(auto.shown(app).await["month"]["max"], 30_000);
}

async fn one_tap_turns_it_off(app: &mut TestApp) {
    let mut auto = Auto::new(app, PLAIN).await;
    auto.sell(app, 2_500).await;
    assert_eq!(orders(app).await, 1);
    let off = json!({});
    assert_eq!(auto.world.customer.post(app, "/topups/auto/off", &off).await.status, 204);
    assert_eq!(auto.world.customer.post(app, "/topups/auto/off", &off).await.status, 204);
    work(app).await;
    auto.sell_and_work(app, 100).await;
    assert_eq!(auto.figures(app), (2_400, (0, 0)));
    assert_eq!(auto.told(app, "auto_topup_off").await, 1);
    // A consent that was open then turns nothing on.
    auto.card = auto.world.card(app, CHALLENGE).await;
    let open = auto.ask(app, 3_000, 5_000, 30_000).await.ok();
    auto.world.customer.post(app, "/topups/auto/off", &off).await;
    submit(open["consent"]["url"].as_str().unwrap(), "answer=right").await;
    deliver_all(&auto.world, app).await;
    assert_eq!(auto.look(app, &open["consent"]).await["status"], "refused");
    assert_eq!(auto.shown(app).await["state"], "off");
}

/// Goal: the month of the setting, the card's day, the customer's own limit.
async fn no_limit_is_passed_and_the_customer_is_told_once(app: &mut TestApp) {
    let mut auto = Auto::new(app, PLAIN).await;
    auto.ask(app, 3_000, 5_000, 10_000).await.ok();
    auto.sell_and_work(app, 5_000).await;
    auto.sell_and_work(app, 5_000).await;
    assert_eq!(auto.figures(app), (5_000, (10_000, 0)));
    app.clock.advance(90 * SECOND);
    auto.sell_and_work(app, 4_000).await;
    auto.sell_and_work(app, 500).await;
    assert_eq!(auto.figures(app), (500, (10_000, 0)), "the month of the setting");
    assert_eq!(auto.told(app, "auto_topup_held").await, 1);
    // By hand ¥20,000 more: then it is the card's day that is full, whatever the month.
    let card = auto.card.clone();
    assert_eq!(auto.world.top_up(app, &card, 20_000).await["status"], "credited");
    auto.ask(app, 3_000, 5_000, 100_000).await.ok();
    auto.sell_and_work(app, 20_000).await;
    assert_eq!(auto.figures(app), (500, (30_000, 0)));
    // A day later the customer's own limit of top-ups is the lowest.
    app.clock.advance(DAY + 5 * MINUTE);
    let lower = json!({ "limit": "topup_24h", "yen": 4_000 });
    auto.world.customer.post(app, "/limits/lower", &lower).await.ok();
    auto.sell_and_work(app, 100).await;
    assert_eq!(auto.figures(app), (400, (30_000, 0)));
    assert_eq!(auto.told(app, "auto_topup_held").await, 3, "once for each setting and day");
    let lower = json!({ "limit": "topup_24h", "yen": 3_000 });
    auto.world.customer.post(app, "/limits/lower", &lower).await.ok();
    auto.ask(app, 3_000, 3_000, 100_000).await.ok();
    auto.sell_and_work(app, 100).await;
    assert_eq!(auto.figures(app), (3_300, (33_000, 0)));
}

/// Goal: who got in by a recovery has a day in which the owner can undo it, and no card pays.
async fn nothing_starts_for_a_day_after_a_recovery(app: &mut TestApp) {
    let mut auto = Auto::new(app, PLAIN).await;
    let insert = sql("INSERT INTO recovery (recovery_id, customer_id, state, name, \
                      sign_key_thumbprint, agree_key, code, tries, recovery_code_hash, \
                      created_at, expires_at, done_at) VALUES ('rec_1', $1, 'done', 'Pixel', \
                      $2, $2, $2, CAST(0 AS BIGINT), $2, $3, $3, $3)");
    let insert = insert.bind(&auto.world.customer.customer_id).bind([1_u8; 32]).bind(app.now());
    app.app.stores.registry.execute(insert).await.unwrap();
    auto.sell_and_work(app, 2_500).await;
    auto.ask(app, 5_000, 5_000, 30_000).await.refused(Code::TooSoon);
    assert_eq!((auto.figures(app), orders(app).await), ((2_500, (0, 0)), 0));
    app.clock.advance(DAY + SECOND);
    auto.sell_and_work(app, 100).await;
    assert_eq!(auto.figures(app), (7_400, (5_000, 0)));
}

async fn a_stopped_account_and_a_closed_door_start_nothing(app: &mut TestApp) {
    let mut auto = Auto::new(app, PLAIN).await;
    let closing = Closing {
        door: Door::TopupCard,
        scope: Scope::All,
        reason: "test".into(),
        notice_ja: String::new(),
        notice_en: String::new(),
        ends_at: None,
    };
    let closed = control::close(&app.app, &Actor::machine(), "山田", closing).await.unwrap();
    auto.sell_and_work(app, 2_500).await;
    auto.ask(app, 5_000, 5_000, 30_000).await.refused(Code::FunctionClosed);
    control::open(&app.app, &Actor::machine(), "山田", &closed, "済").await.unwrap();
    auto.sell(app, 100).await;
    auto.world.customer.post(app, "/account/stop", &json!({})).await;
    work(app).await;
    assert_eq!((auto.figures(app), orders(app).await), ((2_400, (0, 0)), 0));
    assert_eq!(auto.told(app, "auto_topup").await, 0);
    auto.ask(app, 5_000, 5_000, 30_000).await.refused(Code::AccountFrozen);
}

async fn a_card_that_is_gone_ends_it(app: &mut TestApp) {
    let mut auto = Auto::new(app, PLAIN).await;
    auto.sell(app, 2_500).await;
    let remove = format!("/cards/{}/remove", auto.card);
    assert_eq!(auto.world.customer.post(app, &remove, &json!({})).await.status, 204);
    work(app).await;
    assert_eq!((auto.figures(app), orders(app).await), ((2_500, (0, 0)), 0));
    assert_eq!(auto.shown(app).await["state"], "off");
    assert_eq!(auto.told(app, "auto_topup_off").await, 1);
    // A charged-back card is gone too.
    auto.card = auto.world.card(app, CHARGED_BACK).await;
    auto.set(app).await;
    auto.sell_and_work(app, 100).await;
    assert_eq!(auto.world.balance(app), 7_400);
    app.clock.advance(2 * MINUTE);
    deliver_all(&auto.world, app).await;
    work(app).await;
    assert_eq!(auto.told(app, "auto_topup_off").await, 2);
    assert_eq!(auto.world.balance(app), 2_400);
}

async fn a_strangers_consent_and_card_are_not_there(app: &mut TestApp) {
    let mut auto = Auto::new(app, CHALLENGE).await;
    let open = auto.ask(app, 3_000, 5_000, 30_000).await.ok();
    let id = open["consent"]["consent_id"].as_str().unwrap();
    auto.world.customer = Customer::new(&app.app).await;
    auto.world.passkey = Passkey::of(&app.app, &auto.world.customer).await;
    auto.ask(app, 3_000, 5_000, 30_000).await.refused(Code::CardNotFound);
    let look = format!("/topups/auto/consents/{id}/look");
    auto.world.customer.post(app, &look, &json!({})).await.refused(Code::NotFound);
    let page = auto.world.customer.get(app, &format!("/topup/auto/consent/{id}")).await;
    assert_eq!(page.status, 404);
    assert_eq!(auto.shown(app).await["state"], "off");
}
