//! Claims: set aside, paid by a file, given back by the bank, corrected, paid again.

use axum::http::StatusCode;
use jiff::civil::date;
use omamori::clock::{DAY, MINUTE};
use omamori::console::access::Role;
use omamori::gate::chart::{AccountCode, TransferCode};
use omamori::law::base::{day_end, day_start};
use omamori::law::figures as law;
use omamori::refund::claim::State;
use omamori::refund::figures::Sum;
use omamori::web::codes::Code;
use omamori_zengin::{File, LineEnd};
use serde_json::json;

use super::{Holder, agreed, counted, ended, file, finance, of_operator};
use crate::support::app::TestApp;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(
    a_claim_is_paid_and_what_the_bank_returns_is_paid_again,
    what_a_store_had_set_aside_is_neither_lost_nor_paid_twice,
    a_file_that_nobody_agreed_on_goes_nowhere,
    staff_take_a_claim_and_another_lets_it_be_paid,
    the_laws_figures_with_refunds_by_hand,
);

fn sum(count: i64, yen: i64) -> Sum {
    Sum { count, yen }
}

/// Goal: two holders, one file that a reader of others' reads, one line back, another account, a
/// second file. At every step what is set aside is what the claims say.
async fn a_claim_is_paid_and_what_the_bank_returns_is_paid_again(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut one = Holder::new(app, &register, 13_000).await;
    register.sell(app, "s-1", &one.customer.code(app.now()), 655).await.ok();
    let mut two = Holder::new(app, &register, 5_000).await;
    one.claims(app, "1234567").await.refused(Code::RefundNotOpen);
    ended(app).await;
    let claimed = one.claims(app, "1234567").await.ok();
    assert_eq!(
        (claimed["yen"].as_i64(), claimed["state"].as_str()),
        (Some(12_345), Some("waiting"))
    );
    assert_eq!(one.customer.balance(app), 0);
    one.claims(app, "1234567").await.refused(Code::RefundNothing);
    app.clock.advance(MINUTE);
    two.claims(app, "7654321").await.ok();
    assert_eq!(of_operator(app, AccountCode::RefundPayable), 17_345);
    let page = one.customer.get(app, "/refund").await;
    assert!(page.text().contains("****567") && !page.text().contains("1234567"));
    let history = one.customer.get(app, "/api/wallet/v1/history").await.ok();
    assert_eq!(history["entries"][0]["kind"], "refund_claim");
    assert_eq!(history["entries"][0]["amount"], -12_345);

    let first = file(app).await;
    let desk = finance(app).await;
    let path = format!("/api/admin/v1/refund-files/{first}");
    let bytes = desk.get(app, &path).await;
    assert_eq!(bytes.status, StatusCode::OK);
    let others = zengin_fmt::parse_general_transfer(&bytes.body).unwrap();
    let paid: u64 = others.details.iter().map(|detail| detail.amount).sum();
    assert_eq!((others.details.len(), paid), (2, 17_345));
    assert_eq!((others.trailer.total_count, others.trailer.total_amount), (2, 17_345));
    assert!(others.details.iter().all(|detail| detail.recipient_name == "ｵﾏﾓﾘ ﾀﾛｳ"));
    let read = File::read(&bytes.body, LineEnd::CrLf).unwrap();
    assert_eq!(read.transfers[0].account.number.to_string(), "1234567");
    one.corrects(app, "1111111").await.refused(Code::RefundUnderWay);

    let done = json!({ "reason": "銀行で受付" });
    for _ in 0..2 {
        desk.post(app, &format!("/refund-files/{first}/sent"), &done).await.done();
        assert_eq!(of_operator(app, AccountCode::RefundPayable), 0);
        assert_eq!(of_operator(app, AccountCode::OperatorBank), 17_345);
    }
    let back = one.claim(app).await.claim_id;
    for _ in 0..2 {
        let path = format!("/refund-files/{first}/returned/{back}");
        desk.post(app, &path, &json!({ "reason": "名義相違" })).await.done();
        assert_eq!(of_operator(app, AccountCode::RefundPayable), 12_345);
    }
    assert_eq!(one.claim(app).await.state, State::Returned);
    assert_eq!(counted(app).await.returned, sum(1, 12_345));
    let nothing = desk.post(app, "/refund-files", &done).await.ok();
    assert!(nothing.get("approval_id").is_none(), "a returned claim waits for its account");
    one.corrects(app, "1111111").await.ok();
    let second = file(app).await;
    let bytes = desk.get(app, &format!("/api/admin/v1/refund-files/{second}")).await;
    let read = File::read(&bytes.body, LineEnd::CrLf).unwrap();
    assert_eq!(read.transfers.len(), 1);
    assert_eq!(read.transfers[0].account.number.to_string(), "1111111");
    desk.post(app, &format!("/refund-files/{second}/sent"), &done).await.done();
    assert_eq!(of_operator(app, AccountCode::OperatorBank), 17_345);
    let found = counted(app).await;
    assert_eq!(found.held, Some(sum(2, 17_345)));
    assert_eq!((found.claimed, found.paid), (sum(2, 17_345), sum(2, 17_345)));
    let csv = desk.get(app, "/console/end-of-service.csv").await;
    assert!(csv.text().contains("held,2,17345\r\n") && csv.text().contains("paid,2,17345\r\n"));
    let page = one.customer.get(app, "/refund").await;
    assert!(page.text().contains(r#"data-claim="sent""#));
}

/// Attack on money, and nobody's fault: a store has set value aside when its holder claims. The
/// claim takes the rest; the store takes a part; what comes back is paid to the same account.
async fn what_a_store_had_set_aside_is_neither_lost_nor_paid_twice(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut holder = Holder::new(app, &register, 10_000).await;
    app.clock.advance(MINUTE);
    register.authorize(app, "a-1", &holder.customer.code(app.now()), 4_000).await.ok();
    register.sell(app, "s-1", &holder.customer.code(app.now()), 1_000).await.ok();
    ended(app).await;
    let claimed = holder.claims(app, "1234567").await.ok();
    assert_eq!(claimed["yen"], 5_000, "what is set aside stays");
    assert!(holder.customer.get(app, "/refund").await.text().contains("取り置き中"));
    register.capture(app, "a-1", "s-2", 2_500).await.ok();
    register.refund(app, "r-1", "s-1", 400).await.ok();
    assert_eq!(holder.customer.balance(app), 1_900);
    let one = file(app).await;
    let lines = omamori::refund::file::lines(&app.app, &one).await.unwrap();
    let mut paid: Vec<_> = lines.iter().map(|line| line.yen).collect();
    paid.sort_unstable();
    assert_eq!(paid, [1_900, 5_000], "what came later goes to the same account");
    assert!(lines.iter().all(|line| line.last_digits == "567"));
    assert_eq!(holder.customer.balance(app), 0);
    assert_eq!(of_operator(app, AccountCode::RefundPayable), 10_000 - 600 - 2_500);
}

async fn a_file_that_nobody_agreed_on_goes_nowhere(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut holder = Holder::new(app, &register, 1_000).await;
    ended(app).await;
    holder.claims(app, "1234567").await.ok();
    let desk = finance(app).await;
    let reason = json!({ "reason": "定例の振込" });
    let asked = desk.post(app, "/refund-files", &reason).await.ok();
    let planned = omamori::refund::file::newest(&app.app, 1).await.unwrap().remove(0).file_id;
    let taken = desk.get(app, &format!("/api/admin/v1/refund-files/{planned}")).await;
    assert_eq!(taken.status, StatusCode::NOT_FOUND);
    desk.post(app, &format!("/refund-files/{planned}/sent"), &reason).await.refused(Code::NotFound);
    // Alone, with the own approval.
    let approval = asked["approval_id"].as_str().unwrap();
    let give = json!({ "verdict": "give" });
    let own = desk.post(app, &format!("/approvals/{approval}/options"), &give).await;
    own.refused(Code::SecondPersonNeeded);
    desk.post(app, &format!("/refund-files/{planned}/drop"), &reason).await.done();
    assert_eq!(holder.claim(app).await.state, State::Waiting);
    // Agreed on all the same, it is nothing any more; and a new one pays once.
    super::given(app, approval, &finance(app).await.staff_id).await;
    let carry_out = format!("/approvals/{approval}/carry-out");
    desk.post(app, &carry_out, &serde_json::Value::Null).await.refused(Code::ApprovalClosed);
    let next = file(app).await;
    desk.post(app, &format!("/refund-files/{next}/sent"), &reason).await.done();
    let late = desk.post(app, &format!("/refund-files/{next}/drop"), &reason).await;
    late.refused(Code::RefundUnderWay);
    assert_eq!(of_operator(app, AccountCode::OperatorBank), 1_000);
}

/// Goal: who cannot sign in any more claims at the desk. Attack: a member of staff alone.
async fn staff_take_a_claim_and_another_lets_it_be_paid(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let lost = Holder::new(app, &register, 8_000).await;
    let mut own = Holder::new(app, &register, 2_000).await;
    ended(app).await;
    own.claims(app, "7777777").await.ok();
    let (desk, second) = (finance(app).await, finance(app).await);
    let written = |who: &Holder, number: &str| {
        json!({ "customer_id": who.customer.phone(), "account": super::account(number),
            "reason": "復旧の本人確認済み" })
    };
    desk.post(app, "/refunds", &written(&lost, "1234567")).await.ok();
    let claim = lost.claim(app).await;
    assert_eq!(
        (claim.state, claim.yen, claim.asked_by.as_str()),
        (State::Review, 8_000, &*desk.staff_id)
    );
    let release = format!("/refunds/{}/release", claim.claim_id);
    let reason = json!({ "reason": "記録を確認" });
    desk.post(app, &release, &reason).await.refused(Code::SecondPersonNeeded);
    second.post(app, &release, &reason).await.done();
    second.post(app, &release, &reason).await.refused(Code::RefundUnderWay);
    // An account that staff put into a customer's own claim needs another person too.
    desk.post(app, "/refunds", &written(&own, "6666666")).await.ok();
    let claim = own.claim(app).await;
    assert_eq!(claim.state, State::Review);
    let release = format!("/refunds/{}/release", claim.claim_id);
    desk.post(app, &release, &reason).await.refused(Code::SecondPersonNeeded);
    let refuse = format!("/refunds/{}/refuse", claim.claim_id);
    second.post(app, &refuse, &json!({ "reason": "ご本人でないため" })).await.done();
    assert_eq!((own.claim(app).await.state, own.customer.balance(app)), (State::Refused, 2_000));
    let page = own.customer.get(app, "/refund").await;
    assert!(page.text().contains("ご本人でないため") && page.text().contains("data-refund-form"));
    own.claims(app, "7777777").await.ok();
    assert_eq!(of_operator(app, AccountCode::RefundPayable), 10_000);
    let unknown = json!({ "customer_id": "cus_x", "account": super::account("1234567"),
        "reason": "x" });
    desk.post(app, "/refunds", &unknown).await.refused(Code::NotFound);
}

/// Goal: ¥30,000 issued; ¥4,000 used; ¥12,000 claimed, of which the bank gives ¥2,000 back; the
/// rest is not claimed and excluded. All on paper.
async fn the_laws_figures_with_refunds_by_hand(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut one = Holder::new(app, &register, 14_000).await;
    let mut two = Holder::new(app, &register, 2_000).await;
    let _three = Holder::new(app, &register, 14_000).await;
    register.sell(app, "s-1", &one.customer.code(app.now()), 4_000).await.ok();
    ended(app).await;
    one.claims(app, "1234567").await.ok();
    two.claims(app, "7654321").await.ok();
    let journal = app.app.stores.journal.clone();
    let nanos = |at: jiff::Timestamp| u64::try_from(at.as_nanosecond()).unwrap();
    let (from, until) = (nanos(day_start(date(2026, 4, 1))), nanos(day_end(date(2026, 9, 30))));
    let found = law(&journal, from, until).await.unwrap();
    // What is claimed is still owed: unused until the bank has it.
    assert_eq!((found.issued, found.recovered, found.closing), (30_000, 4_000, 26_000));
    let (desk, reason) = (finance(app).await, json!({ "reason": "振込" }));
    let paid = file(app).await;
    desk.post(app, &format!("/refund-files/{paid}/sent"), &reason).await.done();
    let found = law(&journal, from, until).await.unwrap();
    assert_eq!((found.recovered, found.closing), (16_000, 14_000));
    let back = two.claim(app).await.claim_id;
    desk.post(app, &format!("/refund-files/{paid}/returned/{back}"), &reason).await.done();
    let found = law(&journal, from, until).await.unwrap();
    assert_eq!((found.recovered, found.closing), (14_000, 16_000));

    app.clock.advance(62 * DAY);
    agreed(app, Role::Finance, "/service-end/exclude", &reason).await;
    omamori::refund::work_due(&app.app).await.unwrap();
    let found = law(&journal, from, until).await.unwrap();
    assert_eq!((found.issued, found.recovered, found.closing), (30_000, 28_000, 2_000));
    assert!(found.unnamed == 0 && found.adds_up());
    let of = |code: TransferCode| found.by_code[&code.number()];
    assert_eq!((of(TransferCode::RefundSent), of(TransferCode::RefundReturned)), (-12_000, 2_000));
    assert_eq!(of(TransferCode::RefundExcluded), -14_000);
    assert_eq!(of_operator(app, AccountCode::RefundUnclaimed), 14_000);
    // The claim that came back is not lost with the period.
    assert_eq!(two.claim(app).await.state, State::Returned);
}
