//! Limits, each at its edge and one yen over it.

use omamori::clock::{DAY, HOUR, MINUTE, SECOND};
use omamori::web::codes::Code;
use serde_json::Value;

use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::customer::{CODES_AT_ONCE, Customer};
use crate::support::shop::Register;
use crate::support::{at_once, on_both_engines, on_several_nodes};

on_both_engines!(
    a_top_up_keeps_its_unit_and_its_largest_amount,
    a_balance_stays_within_its_limit,
    top_ups_of_a_day_stay_within_their_limit,
    payments_of_a_day_stay_within_their_limit,
    payments_of_a_month_stay_within_their_limit,
    a_new_phone_pays_little_on_its_first_day,
    a_refund_gives_the_limit_back,
    limits_survive_a_restart,
    sales_at_once_cannot_pass_a_limit_together,
    top_ups_at_once_cannot_pass_a_limit_together,
);
on_several_nodes!(nodes_cannot_pass_a_limit_together);

/// A step on, so that there are new codes; far below what any window measures.
const A_MOMENT: i64 = 90 * SECOND;

/// A customer whose every act has an id of its own.
struct Shopper {
    register: Register,
    customer: Customer,
    acts: u32,
}

impl Shopper {
    async fn new(app: &TestApp) -> Self {
        let customer = Customer::new(&app.app).await;
        Self { register: Register::new(&app.app).await, customer, acts: 0 }
    }

    fn id(&mut self) -> String {
        self.acts += 1;
        format!("a-{}", self.acts)
    }

    async fn pay(&mut self, app: &TestApp, yen: i64, expected: Option<Code>) -> Value {
        let (id, code) = (self.id(), self.customer.code(app.now()));
        let answer = self.register.sell(app, &id, &code, yen).await;
        check(&answer, expected)
    }

    async fn load(&mut self, app: &TestApp, yen: i64, expected: Option<Code>) -> Value {
        let (id, code) = (self.id(), self.customer.code(app.now()));
        let answer = self.register.top_up(app, &id, &code, yen).await;
        check(&answer, expected)
    }
}

#[track_caller]
fn check(answer: &Answer, expected: Option<Code>) -> Value {
    match expected {
        None => answer.ok(),
        Some(code) => answer.refused(code),
    }
}

/// Goal: multiples of ¥1,000, at most ¥49,000 at once.
async fn a_top_up_keeps_its_unit_and_its_largest_amount(app: &mut TestApp) {
    let mut shopper = Shopper::new(app).await;
    shopper.load(app, 50_000, Some(Code::LimitTopupAmount)).await;
    let wrong = shopper.load(app, 1_500, Some(Code::InvalidRequest)).await;
    assert_eq!(wrong["fields"][0]["field"], "amount");
    shopper.load(app, 999, Some(Code::InvalidRequest)).await;
    shopper.load(app, 49_000, None).await;
    assert_eq!(shopper.customer.balance(app), 49_000);
}

/// Goal: ¥100,000 in the wallet and not ¥1,000 more; what is spent makes room.
async fn a_balance_stays_within_its_limit(app: &mut TestApp) {
    let mut shopper = Shopper::new(app).await;
    shopper.load(app, 49_000, None).await;
    shopper.load(app, 49_000, None).await;
    app.clock.advance(25 * HOUR); // the day's limit of top-ups is another one
    shopper.load(app, 3_000, Some(Code::LimitBalance)).await;
    shopper.load(app, 2_000, None).await;
    shopper.load(app, 1_000, Some(Code::LimitBalance)).await;
    shopper.pay(app, 999, None).await;
    shopper.load(app, 1_000, Some(Code::LimitBalance)).await;
    shopper.pay(app, 1, None).await;
    shopper.load(app, 1_000, None).await;
    assert_eq!(shopper.customer.balance(app), 100_000);
}

/// Goal: ¥100,000 of top-ups in any 24 hours, whatever is spent between; the window rolls.
async fn top_ups_of_a_day_stay_within_their_limit(app: &mut TestApp) {
    let mut shopper = Shopper::new(app).await;
    shopper.load(app, 49_000, None).await;
    app.clock.advance(HOUR);
    shopper.load(app, 49_000, None).await;
    shopper.pay(app, 90_000, None).await;
    shopper.load(app, 3_000, Some(Code::LimitTopup24h)).await;
    shopper.load(app, 2_000, None).await;
    shopper.load(app, 1_000, Some(Code::LimitTopup24h)).await;
    app.clock.advance(23 * HOUR); // the first is 24 hours old, and its slot of five minutes ends
    shopper.load(app, 1_000, Some(Code::LimitTopup24h)).await;
    app.clock.advance(5 * MINUTE);
    shopper.load(app, 49_000, None).await;
    app.clock.advance(A_MOMENT);
    shopper.load(app, 1_000, Some(Code::LimitTopup24h)).await;
}

/// Goal: ¥100,000 of payments in any 24 hours; the window rolls, and never opens early.
async fn payments_of_a_day_stay_within_their_limit(app: &mut TestApp) {
    let mut shopper = Shopper::new(app).await;
    shopper.load(app, 49_000, None).await;
    shopper.load(app, 49_000, None).await;
    shopper.pay(app, 90_000, None).await;
    app.clock.advance(DAY - HOUR);
    shopper.load(app, 2_000, None).await;
    shopper.pay(app, 10_001, Some(Code::InsufficientFunds)).await;
    assert_eq!(shopper.customer.balance(app), 10_000);
    shopper.pay(app, 9_000, None).await;
    app.clock.advance(HOUR + 5 * MINUTE - A_MOMENT);
    shopper.load(app, 49_000, Some(Code::LimitTopup24h)).await;
    app.clock.advance(A_MOMENT);
    shopper.load(app, 49_000, None).await;
    shopper.load(app, 49_000, None).await;
    shopper.pay(app, 91_001, Some(Code::LimitPayment24h)).await;
    shopper.pay(app, 91_000, None).await;
    shopper.pay(app, 1, Some(Code::LimitPayment24h)).await;
}

/// Goal: ¥300,000 of payments in any 30 days.
async fn payments_of_a_month_stay_within_their_limit(app: &mut TestApp) {
    let mut shopper = Shopper::new(app).await;
    for _ in 0..3 {
        shopper.load(app, 49_000, None).await;
        shopper.load(app, 49_000, None).await;
        shopper.pay(app, 98_000, None).await;
        app.clock.advance(25 * HOUR);
    }
    shopper.load(app, 49_000, None).await;
    shopper.pay(app, 6_001, Some(Code::LimitPayment30d)).await;
    shopper.pay(app, 6_000, None).await;
    shopper.pay(app, 1, Some(Code::LimitPayment30d)).await;
    app.clock.advance(30 * DAY - 75 * HOUR); // the first is 30 days old
    shopper.pay(app, 1, Some(Code::LimitPayment30d)).await;
    app.clock.advance(5 * MINUTE);
    shopper.pay(app, 43_000, None).await;
}

/// Goal: ¥10,000 in the first 24 hours of a phone, then the ordinary limit.
async fn a_new_phone_pays_little_on_its_first_day(app: &mut TestApp) {
    let mut shopper = Shopper::new(app).await;
    shopper.customer = Customer::enrolled_at(&app.app, app.now()).await;
    shopper.load(app, 49_000, None).await;
    shopper.pay(app, 10_001, Some(Code::LimitNewDevice)).await;
    shopper.pay(app, 10_000, None).await;
    shopper.pay(app, 1, Some(Code::LimitNewDevice)).await;
    // The pages say that on this day sends count too.
    let me = shopper.customer.get(app, "/api/wallet/v1/me").await.ok();
    assert_eq!(me["limits"]["payment_day_with_sends"], true);
    let settings = shopper.customer.get(app, "/settings").await;
    assert!(settings.text().contains("支払いと送金（24時間）"));
    let own = shopper.customer.get(app, "/settings/limits").await;
    assert!(own.text().contains("data-first-day"));
    app.clock.advance(DAY - SECOND);
    shopper.pay(app, 1, Some(Code::LimitNewDevice)).await;
    app.clock.advance(SECOND);
    shopper.pay(app, 39_000, None).await;
    let me = shopper.customer.get(app, "/api/wallet/v1/me").await.ok();
    assert_eq!(me["limits"]["payment_day_with_sends"], false);
    let settings = shopper.customer.get(app, "/settings").await;
    assert!(!settings.text().contains("支払いと送金（24時間）"));
    let own = shopper.customer.get(app, "/settings/limits").await;
    assert!(!own.text().contains("data-first-day"));
}

/// Goal: money that came back can be spent again on the same day; money of another day does not
/// make room on this one.
async fn a_refund_gives_the_limit_back(app: &mut TestApp) {
    let mut shopper = Shopper::new(app).await;
    shopper.customer = Customer::enrolled_at(&app.app, app.now()).await;
    shopper.load(app, 49_000, None).await;
    let first = shopper.pay(app, 9_000, None).await;
    let id = first["payment"]["merchant_payment_id"].as_str().unwrap().to_owned();
    shopper.register.refund(app, "r-1", &id, 4_000).await.ok();
    shopper.pay(app, 5_001, Some(Code::LimitNewDevice)).await;
    shopper.pay(app, 5_000, None).await;
    shopper.pay(app, 1, Some(Code::LimitNewDevice)).await;
    shopper.register.refund(app, "r-2", &id, 5_000).await.ok();
    app.clock.advance(A_MOMENT);
    let whole = shopper.pay(app, 5_000, None).await;
    let id = whole["payment"]["merchant_payment_id"].as_str().unwrap().to_owned();
    shopper.register.cancel(app, &id).await.ok();
    shopper.pay(app, 5_000, None).await;
    shopper.pay(app, 1, Some(Code::LimitNewDevice)).await;

    app.clock.advance(25 * HOUR);
    shopper.pay(app, 35_000, None).await; // the ordinary limit now
    shopper.load(app, 49_000, None).await;
    shopper.register.refund(app, "r-3", "a-4", 1_000).await.ok();
    app.clock.advance(A_MOMENT);
    let used = shopper.customer.get(app, "/api/wallet/v1/me").await.ok();
    assert_eq!(used["limits"]["payment_day"]["used"], 35_000);
    assert_eq!(used["limits"]["payment_month"]["used"], 35_000 + 9_000);
}

/// Goal: what was used is known after a restart, from the journal alone.
async fn limits_survive_a_restart(app: &mut TestApp) {
    let mut shopper = Shopper::new(app).await;
    shopper.load(app, 49_000, None).await;
    shopper.load(app, 49_000, None).await;
    shopper.pay(app, 98_000, None).await;
    app.restart().await;
    shopper.load(app, 2_000, None).await;
    shopper.load(app, 1_000, Some(Code::LimitTopup24h)).await;
    shopper.pay(app, 2_000, None).await;
    app.restart_without_views().await;
    app.clock.advance(A_MOMENT);
    shopper.load(app, 1_000, Some(Code::LimitTopup24h)).await;
    let me = shopper.customer.get(app, "/api/wallet/v1/me").await.ok();
    assert_eq!(me["limits"]["payment_day"]["used"], 100_000);
    assert_eq!(me["limits"]["topup_day"]["used"], 100_000);
}

/// Goal: as many sales at once as a phone has codes; of ¥3,000 each, three keep ¥10,000.
async fn sales_at_once_cannot_pass_a_limit_together(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let customer = Customer::enrolled_at(&app.app, app.now()).await;
    customer.load(app, &register, 49_000).await;
    app.clock.advance(A_MOMENT);
    let codes: Vec<_> = (0..CODES_AT_ONCE).map(|_| customer.code(app.now())).collect();
    let answers = at_once(codes.into_iter().map(|code| {
        let (node, register) = ((*app).clone(), register.clone());
        async move { register.sell(&node, &code[15..], &code, 3_000).await }
    }))
    .await;
    assert_eq!(passed(&answers, Code::LimitNewDevice), 3);
    assert_eq!(customer.balance(app), 40_000);
}

/// Goal: of twelve top-ups of ¥40,000 at once, two keep ¥100,000.
async fn top_ups_at_once_cannot_pass_a_limit_together(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    let codes: Vec<_> = (0..CODES_AT_ONCE).map(|_| customer.code(app.now())).collect();
    let answers = at_once(codes.into_iter().map(|code| {
        let (node, register) = ((*app).clone(), register.clone());
        async move { register.top_up(&node, &code[15..], &code, 40_000).await }
    }))
    .await;
    assert_eq!(passed(&answers, Code::LimitTopup24h), 2);
    assert_eq!(customer.balance(app), 80_000);
}

/// Goal: the same with the sales spread over two nodes on one database.
async fn nodes_cannot_pass_a_limit_together(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let customer = Customer::enrolled_at(&app.app, app.now()).await;
    customer.load(app, &register, 49_000).await;
    app.clock.advance(A_MOMENT);
    let other = app.another_node().await;
    let codes: Vec<_> = (0..CODES_AT_ONCE).map(|_| customer.code(app.now())).collect();
    let answers = at_once(codes.into_iter().enumerate().map(|(number, code)| {
        let node = if number % 2 == 0 { (*app).clone() } else { other.clone() };
        let register = register.clone();
        async move { register.sell(&node, &code[15..], &code, 3_000).await }
    }))
    .await;
    assert_eq!(passed(&answers, Code::LimitNewDevice), 3);
    app.app.gate.catch_up().await.unwrap();
    assert_eq!(customer.balance(app), 40_000);
    other.app.close().await;
}

/// How many were done; all others must be refused with `code`.
fn passed(answers: &[Answer], code: Code) -> usize {
    let (done, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status.is_success());
    for answer in refused {
        answer.refused(code);
    }
    done.len()
}
