//! An account closes and its rest is paid back (府令42条): claimed, agreed on by two, paid, closed;
//! taken back; refused; and what becomes of the account meanwhile.

use omamori::clock::{DAY, MINUTE};
use omamori::console::access::Role;
use omamori::gate::chart::AccountCode;
use omamori::law::base::BaseDate;
use omamori::law::unused;
use omamori::privacy::carry_out_due;
use omamori::refund::claim::State;
use omamori::refund::work_due;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use super::{Holder, account, agreed, ended, file, finance, of_operator};
use crate::settlement::payouts::with_sender;
use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::desk::Person;
use crate::support::on_both_engines;
use crate::support::shop::Register;
use crate::value::register_with_rate;

on_both_engines!(
    who_moves_away_is_paid_back_and_leaves,
    a_claim_is_taken_back_and_the_account_is_open_again,
    a_refused_claim_puts_back_exactly,
    what_comes_after_the_refund_keeps_the_account,
    what_was_given_free_is_lost_with_the_account,
    the_desk_takes_the_claim_of_an_heir,
    what_could_not_be_claimed_again_is_not_refused,
    what_was_claimed_before_the_end_of_service_goes_on,
    what_a_bank_gives_back_after_the_account_has_closed_is_paid_again,
);

impl Holder {
    /// Asks to close the account and for the rest.
    pub async fn leaves(&mut self, app: &TestApp, number: &str, why: &str) -> Answer {
        self.is_there(app).await;
        let wanted = json!({ "reason": why, "account": account(number) });
        self.customer.confirmed(app, &self.passkey, "/closing-claims", Some(&wanted)).await
    }

    /// Takes it back.
    pub async fn stays(&mut self, app: &TestApp) -> Answer {
        self.is_there(app).await;
        self.customer.confirmed(app, &self.passkey, "/closing-claims/drop", None).await
    }

    /// As if they had used the app in the last days, however long ago they came.
    pub async fn is_there(&self, app: &TestApp) {
        let used = sql("UPDATE session SET last_used_at = $1, expires_at = $2
             WHERE customer_id = $3");
        let used = used.bind(app.now()).bind(app.now() + 90 * DAY);
        let used = used.bind(&self.customer.customer_id);
        app.app.stores.registry.execute(used).await.unwrap();
    }

    /// Who stopped the account; empty if it is open.
    pub async fn stopped_by(&self, app: &TestApp) -> String {
        let query = sql("SELECT status, stopped_by FROM customer WHERE customer_id = $1");
        let query = query.bind(&self.customer.customer_id);
        let row = app.app.stores.registry.one(query).await.unwrap();
        let by = row.text_optional("stopped_by").unwrap().unwrap_or_default();
        let status = row.text("status").unwrap();
        assert_eq!(status == "frozen", !by.is_empty(), "{status}");
        by
    }
}

/// As it is posted.
pub fn on(ground: &str) -> Value {
    json!({ "what": ground, "reason": "書類を確認" })
}

/// Two people agree on the newest claim of a holder. Gives the approval.
pub async fn agreed_on(app: &TestApp, holder: &Holder, ground: &str) -> String {
    let path = format!("/refunds/{}/propose", holder.claim(app).await.claim_id);
    agreed(app, Role::Support, &path, &on(ground)).await
}

/// All that waits goes to the bank, which takes it.
pub async fn paid(app: &TestApp) -> String {
    let made = file(app).await;
    let path = format!("/refund-files/{made}/sent");
    finance(app).await.post(app, &path, &json!({ "reason": "銀行で受付" })).await.done();
    made
}

/// For other tests: somebody is paid back within a quota that is written down by hand, and the
/// bank gives it back.
pub async fn one_leaves(app: &TestApp, register: &Register) {
    let mut holder = Holder::new(app, register, 2_000).await;
    let now = jiff::Timestamp::from_microsecond(app.now()).unwrap();
    let period = BaseDate::last_before(now).next_day().to_string();
    let quota =
        sql("INSERT INTO refund_quota (period, issued_before, unused_at_base, cap_yen, turn,
             read_at)
         VALUES ($1, CAST(0 AS BIGINT), CAST(0 AS BIGINT), CAST(5000 AS BIGINT),
             CAST(0 AS BIGINT), $2)");
    app.app.stores.registry.execute(quota.bind(period).bind(app.now())).await.unwrap();
    holder.leaves(app, "1234567", "wishes").await.ok();
    agreed_on(app, &holder, "quota").await;
    let made = paid(app).await;
    let back = holder.claim(app).await.claim_id;
    let path = format!("/refund-files/{made}/returned/{back}");
    finance(app).await.post(app, &path, &json!({ "reason": "名義相違" })).await.done();
}

/// Goal: from the claim to the end, and what the law counts at each step.
async fn who_moves_away_is_paid_back_and_leaves(app: &mut TestApp) {
    with_sender(app).await;
    let register = Register::new(&app.app).await;
    let mut holder = Holder::new(app, &register, 7_000).await;
    register.sell(app, "s-0", &holder.customer.code(app.now()), 457).await.ok();
    let journal = app.app.stores.journal.clone();
    let now = |app: &TestApp| u64::try_from(app.now()).unwrap() * 1_000 + 1_000_000;
    holder.leaves(app, "1234567", "").await.refused(Code::InvalidRequest);
    holder.leaves(app, "1234567", "heir").await.refused(Code::InvalidRequest);
    let page = holder.customer.get(app, "/close").await;
    assert!(page.text().contains("原則としてできません") && page.text().contains("6,543"));
    let claimed = holder.leaves(app, "1234567", "moves_away").await.ok();
    assert_eq!((claimed["yen"].as_i64(), claimed["state"].as_str()), (Some(6_543), Some("review")));

    // It is shut: nothing in, nothing out, and not started again.
    assert_eq!((holder.customer.balance(app), &*holder.stopped_by(app).await), (0, "refund"));
    app.clock.advance(MINUTE);
    let code = holder.customer.code(app.now());
    register.top_up(app, "t-1", &code, 1_000).await.refused(Code::AccountFrozen);
    register.sell(app, "s-1", &code, 1).await.error();
    let resumed = holder.customer.confirmed(app, &holder.passkey, "/account/resume", None).await;
    resumed.refused(Code::ClosingUnderWay);
    holder.leaves(app, "1234567", "moves_away").await.refused(Code::RefundNothing);
    assert_eq!(holder.stopped_by(app).await, "refund", "the claim before stands");
    assert!(holder.customer.get(app, "/").await.text().contains("退会の手続き中"));
    let page = holder.customer.get(app, "/refund").await;
    assert!(page.text().contains("data-closing-drop") && page.text().contains("****567"));
    assert_eq!(unused(&journal, now(app)).await.unwrap(), 6_543, "still the holder's");

    // Nothing is paid before two have agreed.
    let desk = finance(app).await;
    let nothing = desk.post(app, "/refund-files", &json!({ "reason": "定例" })).await.ok();
    assert!(nothing.get("approval_id").is_none());
    agreed_on(app, &holder, "unavoidable").await;
    assert_eq!(holder.claim(app).await.state, State::Waiting);
    paid(app).await;
    assert_eq!(holder.claim(app).await.state, State::Sent);
    assert_eq!(of_operator(app, AccountCode::OperatorBank), 6_543);
    assert_eq!(unused(&journal, now(app)).await.unwrap(), 0);

    // Some days later the account closes, not before, and no sign-in calls it off.
    app.clock.advance(13 * DAY);
    work_due(&app.app).await.unwrap();
    assert_eq!(holder.stopped_by(app).await, "refund");
    app.clock.advance(DAY + MINUTE);
    work_due(&app.app).await.unwrap();
    assert_eq!(holder.stopped_by(app).await, "closing");
    work_due(&app.app).await.unwrap();
    carry_out_due(&app.app).await.unwrap();
    let closed = sql("SELECT status, phone FROM customer WHERE customer_id = $1");
    let closed = closed.bind(&holder.customer.customer_id);
    let row = app.app.stores.registry.one(closed).await.unwrap();
    assert_eq!(
        (row.text("status").unwrap(), row.text("phone").unwrap()),
        ("closed".into(), "".into())
    );
}

async fn a_claim_is_taken_back_and_the_account_is_open_again(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut holder = Holder::new(app, &register, 5_000).await;
    holder.stays(app).await.refused(Code::RefundUnderWay);
    holder.leaves(app, "1234567", "wishes").await.ok();
    assert_eq!(holder.stays(app).await.ok()["claims"], 1);
    assert_eq!(holder.claim(app).await.state, State::Refused);
    assert_eq!((holder.customer.balance(app), &*holder.stopped_by(app).await), (5_000, ""));
    app.clock.advance(MINUTE);
    register.sell(app, "s-1", &holder.customer.code(app.now()), 500).await.ok();
    holder.leaves(app, "1234567", "wishes").await.ok();
    assert_eq!(of_operator(app, AccountCode::RefundPayable), 4_500);
}

async fn a_refused_claim_puts_back_exactly(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut holder = Holder::new(app, &register, 6_000).await;
    register.sell(app, "s-0", &holder.customer.code(app.now()), 999).await.ok();
    holder.leaves(app, "1234567", "wishes").await.ok();
    let refuse = format!("/refunds/{}/refuse", holder.claim(app).await.claim_id);
    let support = Person::new(&app.app, Role::Support).await;
    let reason = json!({ "reason": "今期の限度額に達したため" });
    support.post(app, &refuse, &reason).await.refused(Code::Forbidden);
    let desk = finance(app).await;
    desk.post(app, &refuse, &reason).await.done();
    desk.post(app, &refuse, &reason).await.refused(Code::RefundUnderWay);
    assert_eq!((holder.customer.balance(app), &*holder.stopped_by(app).await), (5_001, ""));
    assert_eq!(of_operator(app, AccountCode::RefundPayable), 0);
    let page = holder.customer.get(app, "/refund").await;
    assert!(page.text().contains("今期の限度額に達したため"));
    // One that was stopped by its holder is not started by a refusal.
    app.clock.advance(MINUTE);
    holder.leaves(app, "1234567", "wishes").await.ok();
    holder.customer.post(app, "/account/stop", &json!({})).await.done();
    let refuse = format!("/refunds/{}/refuse", holder.claim(app).await.claim_id);
    desk.post(app, &refuse, &reason).await.done();
    assert_eq!((holder.customer.balance(app), &*holder.stopped_by(app).await), (5_001, "customer"));
    holder.customer.confirmed(app, &holder.passkey, "/account/resume", None).await.ok();
}

/// Goal: a store gives something back after the holder was paid: it is theirs, and claimed again.
async fn what_comes_after_the_refund_keeps_the_account(app: &mut TestApp) {
    with_sender(app).await;
    let register = Register::new(&app.app).await;
    let mut holder = Holder::new(app, &register, 5_000).await;
    register.sell(app, "s-1", &holder.customer.code(app.now()), 1_000).await.ok();
    holder.leaves(app, "1234567", "cannot_use").await.ok();
    agreed_on(app, &holder, "unavoidable").await;
    paid(app).await;
    app.clock.advance(15 * DAY);
    register.refund(app, "r-1", "s-1", 300).await.ok();
    work_due(&app.app).await.unwrap();
    assert_eq!(holder.stopped_by(app).await, "refund", "it holds value");
    let page = holder.customer.get(app, "/refund").await;
    assert!(page.text().contains("data-came-back") && page.text().contains("¥300"));
    let claimed = holder.leaves(app, "1234567", "cannot_use").await.ok();
    assert_eq!(claimed["yen"], 300);
    // A refusal does not open what was paid for closing.
    let refuse = format!("/refunds/{}/refuse", holder.claim(app).await.claim_id);
    finance(app).await.post(app, &refuse, &json!({ "reason": "再申請のため" })).await.done();
    assert_eq!((holder.customer.balance(app), &*holder.stopped_by(app).await), (300, "refund"));
}

/// Goal: free value and points are no money of the holder's: the page says so, none of it is paid
/// back, and it does not keep the account.
async fn what_was_given_free_is_lost_with_the_account(app: &mut TestApp) {
    with_sender(app).await;
    let register = register_with_rate(app, 10_000).await;
    let mut holder = Holder::new(app, &register, 5_000).await;
    register.sell(app, "s-1", &holder.customer.code(app.now()), 1_000).await.ok();
    holder.customer.convert(app, "c-1", 300).await.ok();
    let page = holder.customer.get(app, "/close").await;
    assert!(page.text().contains("¥300") && page.text().contains("退会とともになくなります"));
    let claimed = holder.leaves(app, "1234567", "moves_away").await.ok();
    assert_eq!(claimed["yen"], 4_000);
    assert_eq!(app.app.gate.purse(holder.customer.wallet_account).free_total(), 300);
    agreed_on(app, &holder, "unavoidable").await;
    paid(app).await;
    app.clock.advance(15 * DAY);
    work_due(&app.app).await.unwrap();
    carry_out_due(&app.app).await.unwrap();
    let account =
        omamori::identity::account::find(&app.app.stores.registry, &holder.customer.customer_id);
    assert_eq!(account.await.unwrap().phone.as_str(), "", "it is closed");
    assert_eq!(of_operator(app, AccountCode::OperatorBank), 4_000);
}

async fn the_desk_takes_the_claim_of_an_heir(app: &mut TestApp) {
    with_sender(app).await;
    let register = Register::new(&app.app).await;
    let holder = Holder::new(app, &register, 5_000).await;
    let desk = finance(app).await;
    let mut written = json!({ "customer_id": holder.customer.phone(), "closing": "inheritance",
        "account": account("1234567"), "reason": "戸籍謄本を確認" });
    desk.post(app, "/refunds", &written).await.refused(Code::InvalidRequest);
    written["closing"] = json!("heir");
    desk.post(app, "/refunds", &written).await.ok();
    let claim = holder.claim(app).await;
    assert_eq!((claim.state, claim.yen, claim.asked_by), (State::Review, 5_000, desk.staff_id));
    assert_eq!(holder.stopped_by(app).await, "refund");
    agreed_on(app, &holder, "unavoidable").await;
    paid(app).await;
    assert_eq!(of_operator(app, AccountCode::OperatorBank), 5_000);
}

/// Attack: a claim of before the end is refused when nothing can be claimed any more, and its value
/// is excluded with what nobody claimed.
async fn what_could_not_be_claimed_again_is_not_refused(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut early = Holder::new(app, &register, 5_000).await;
    early.leaves(app, "1234567", "wishes").await.ok();
    ended(app).await;
    app.clock.advance(62 * DAY);
    let refuse = format!("/refunds/{}/refuse", early.claim(app).await.claim_id);
    let reason = json!({ "reason": "確認できず" });
    finance(app).await.post(app, &refuse, &reason).await.refused(Code::RefundNotOpen);
    assert_eq!(of_operator(app, AccountCode::RefundPayable), 5_000);
    agreed_on(app, &early, "service_end").await;
    paid(app).await;
    assert_eq!(of_operator(app, AccountCode::OperatorBank), 5_000);
}

/// Goal: once the service has ended all is owed: who claimed before is paid without a quota, who
/// did not claims as the end says.
async fn what_was_claimed_before_the_end_of_service_goes_on(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut early = Holder::new(app, &register, 5_000).await;
    let mut late = Holder::new(app, &register, 2_000).await;
    early.leaves(app, "1234567", "wishes").await.ok();
    let path = format!("/refunds/{}/propose", early.claim(app).await.claim_id);
    let asking = finance(app).await;
    let ahead = asking.post(app, &path, &on("service_end")).await.ok();
    let ahead = ahead["approval_id"].as_str().unwrap();
    crate::incident::given(app, ahead, &finance(app).await.staff_id).await;
    let carry_out = format!("/approvals/{ahead}/carry-out");
    asking.post(app, &carry_out, &Value::Null).await.refused(Code::RefundNotOpen);
    ended(app).await;
    late.leaves(app, "7654321", "wishes").await.refused(Code::ServiceEnded);
    assert_eq!(late.stopped_by(app).await, "");
    late.claims(app, "7654321").await.ok();
    agreed_on(app, &early, "service_end").await;
    assert_eq!(super::counted(app).await.claimed.yen, 2_000, "the end's own figures");
    paid(app).await;
    assert_eq!(of_operator(app, AccountCode::OperatorBank), 7_000);
    let until = u64::try_from(app.now() + MINUTE).unwrap() * 1_000;
    let found = omamori::law::figures(&app.app.stores.journal, 0, until).await.unwrap();
    assert_eq!((found.refunded_of_quota(), found.recovered), (0, 7_000));
}

/// Goal: a bank that is late gives back what was paid to somebody who is gone: it is still theirs,
/// and neither stuck nor put into a wallet that is closed.
async fn what_a_bank_gives_back_after_the_account_has_closed_is_paid_again(app: &mut TestApp) {
    with_sender(app).await;
    let register = Register::new(&app.app).await;
    let mut holder = Holder::new(app, &register, 5_000).await;
    let id = holder.customer.customer_id.clone();
    holder.leaves(app, "1234567", "moves_away").await.ok();
    agreed_on(app, &holder, "unavoidable").await;
    let made = paid(app).await;
    app.clock.advance(15 * DAY);
    work_due(&app.app).await.unwrap();
    carry_out_due(&app.app).await.unwrap();
    assert_eq!(holder.stopped_by(app).await, "", "it is closed");
    let desk = finance(app).await;
    let claim = holder.claim(app).await.claim_id;
    let back = format!("/refund-files/{made}/returned/{claim}");
    desk.post(app, &back, &json!({ "reason": "口座なし" })).await.done();
    let written = json!({ "customer_id": id, "account": account("7654321"),
        "reason": "書面で確認" });
    desk.post(app, "/refunds", &written).await.ok();
    let refuse = format!("/refunds/{claim}/refuse");
    let refused = desk.post(app, &refuse, &json!({ "reason": "確認できず" })).await;
    refused.refused(Code::AccountFrozen);
    agreed_on(app, &holder, "unavoidable").await;
    paid(app).await;
    assert_eq!(holder.claim(app).await.state, State::Sent);
    assert_eq!(of_operator(app, AccountCode::OperatorBank), 5_000);
    assert_eq!(of_operator(app, AccountCode::RefundPayable), 0);
}
