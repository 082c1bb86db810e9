//! Attacks on claims: for another's account, twice, with another bank account than was confirmed.

use omamori::gate::chart::AccountCode;
use omamori::refund::claim::State;
use omamori::refund::work_due;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::json;

use super::{Holder, account, counted, ended, file, finance, of_operator};
use crate::support::app::TestApp;
use crate::support::shop::Register;
use crate::support::{at_once, on_both_engines};

on_both_engines!(
    nobody_claims_or_changes_what_is_anothers,
    sixteen_claims_at_once_pay_once,
    a_claim_that_a_crash_left_behind_is_finished_once,
    nothing_but_an_account_gets_into_the_file,
    a_claim_of_a_stopped_account_waits_for_a_review,
    what_was_claimed_before_the_account_was_stopped_is_not_paid,
);

/// A thief with a session of their own, and one with the victim's session but without the passkey.
async fn nobody_claims_or_changes_what_is_anothers(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut victim = Holder::new(app, &register, 9_000).await;
    let mut thief = Holder::new(app, &register, 0).await;
    ended(app).await;
    thief.claims(app, "6666666").await.refused(Code::RefundNothing);
    victim.claims(app, "1234567").await.ok();
    thief.corrects(app, "6666666").await.refused(Code::RefundUnderWay);
    // The victim's session, with the thief's passkey.
    let wanted = account("6666666");
    let path = "/refunds/account";
    let options = victim.customer.post(app, &format!("{path}/options"), &wanted).await.ok();
    let words = options["confirm"].as_str().unwrap();
    assert!(words.contains("****666") && words.contains("0009"), "{words}");
    let forged = json!({ "request": wanted, "proof": { "passkey": thief.passkey.get(&options) } });
    victim.customer.post(app, path, &forged).await.refused(Code::ProofFailed);
    // The victim's own word, for another account than they read.
    let options =
        victim.customer.post(app, &format!("{path}/options"), &account("2222222")).await.ok();
    let swapped =
        json!({ "request": wanted, "proof": { "passkey": victim.passkey.get(&options) } });
    victim.customer.post(app, path, &swapped).await.refused(Code::ProofFailed);
    assert_eq!(victim.claim(app).await.last_digits, "567");
    let page = thief.customer.get(app, "/refund").await;
    assert!(!page.text().contains("567") && !page.text().contains("9,000"));
    // Neither the table nor the log has the number.
    let sealed = sql("SELECT sealed, last_digits FROM refund_claim");
    let row = app.app.stores.registry.one(sealed).await.unwrap();
    let sealed = row.bytes("sealed").unwrap();
    assert!(!sealed.windows(7).any(|window| window == b"1234567"));
}

async fn sixteen_claims_at_once_pay_once(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut holder = Holder::new(app, &register, 9_000).await;
    ended(app).await;
    let wanted = account("1234567");
    let mut confirmed = Vec::new();
    for _ in 0..4 {
        let options = holder.customer.post(app, "/refunds/options", &wanted).await.ok();
        confirmed.push(json!({ "request": wanted,
            "proof": { "passkey": holder.passkey.get(&options) } }));
    }
    let node = (**app).clone();
    let customer = std::sync::Arc::new(std::mem::replace(
        &mut holder.customer,
        crate::support::customer::Customer::new(&app.app).await,
    ));
    let answers = at_once(confirmed.into_iter().map(|body| {
        let (node, customer) = (node.clone(), customer.clone());
        async move { customer.post(&node, "/refunds", &body).await }
    }))
    .await;
    let done = answers.iter().filter(|answer| answer.status.is_success()).count();
    assert!(done <= 1, "{answers:?}");
    for answer in answers.iter().filter(|answer| !answer.status.is_success()) {
        let code = answer.error()["code"].clone();
        let known = ["refund_under_way", "refund_nothing", "proof_failed"];
        assert!(known.iter().any(|known| code == *known), "{code}");
    }
    work_due(&app.app).await.unwrap();
    assert_eq!(of_operator(app, AccountCode::RefundPayable), 9_000 * i64::from(done == 1));
    assert_eq!(counted(app).await.claimed.yen, 9_000 * i64::from(done == 1));
}

/// The process dies between registry and ledger, in either order.
async fn a_claim_that_a_crash_left_behind_is_finished_once(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut holder = Holder::new(app, &register, 9_000).await;
    ended(app).await;
    holder.claims(app, "1234567").await.ok();
    let undo = sql("UPDATE refund_claim SET state = 'asked', yen = 0");
    app.app.stores.registry.execute(undo).await.unwrap();
    app.restart().await;
    for _ in 0..2 {
        work_due(&app.app).await.unwrap();
        let claim = holder.claim(app).await;
        assert_eq!((claim.state, claim.yen), (State::Waiting, 9_000));
    }
    assert_eq!(of_operator(app, AccountCode::RefundPayable), 9_000);
    // Refused, and dead before the ledger knew; then before the registry did.
    let refusing = "UPDATE refund_claim SET state = 'refusing', reason = '確認できず'";
    for _ in 0..2 {
        app.app.stores.registry.execute(sql(refusing)).await.unwrap();
        work_due(&app.app).await.unwrap();
        assert_eq!(holder.claim(app).await.state, State::Refused);
        assert_eq!(holder.customer.balance(app), 9_000);
    }
    assert_eq!(of_operator(app, AccountCode::RefundPayable), 0);
}

/// A name, a number, a bank with something else in it: said at its field, in no file.
async fn nothing_but_an_account_gets_into_the_file(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut holder = Holder::new(app, &register, 9_000).await;
    ended(app).await;
    let long = "ア".repeat(31);
    for (field, wrong) in [
        ("holder", "ｵﾏﾓﾘ\r\n9"),
        ("holder", "ｵﾏﾓﾘ\u{0}"),
        ("holder", "鈴木"),
        ("holder", ""),
        ("holder", &*long),
        ("number", "123456\n"),
        ("number", "12345678"),
        ("number", "１２３４５６７"),
        ("bank", "00 9"),
        ("branch", "12"),
        ("kind", "3"),
        ("kind", "11"),
    ] {
        let mut wanted = account("1234567");
        wanted[field] = json!(wrong);
        let refused = holder.customer.post(app, "/refunds/options", &wanted).await;
        let error = refused.refused(Code::InvalidRequest);
        assert_eq!(error["fields"][0]["field"], field, "{error}");
        let support = finance(app).await;
        let written = json!({ "customer_id": holder.customer.customer_id, "account": wanted,
            "reason": "x" });
        support.post(app, "/refunds", &written).await.refused(Code::InvalidRequest);
    }
    let mut extra = account("1234567");
    extra["yen"] = json!(1_000_000);
    holder.customer.post(app, "/refunds/options", &extra).await.refused(Code::InvalidRequest);
    holder.claims(app, "1234567").await.ok();
    let made = file(app).await;
    let bytes = finance(app).await.get(app, &format!("/api/admin/v1/refund-files/{made}")).await;
    assert!(bytes.body.split(|byte| *byte == b'\n').all(|line| line.len() <= 121));
}

/// Goal: a claim is never lost for being looked at; nothing of it is paid before it was.
async fn a_claim_of_a_stopped_account_waits_for_a_review(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut stopped = Holder::new(app, &register, 9_000).await;
    let mut victim = Holder::new(app, &register, 4_000).await;
    ended(app).await;
    stopped.customer.post(app, "/account/stop", &json!({})).await;
    let claimed = stopped.claims(app, "1234567").await.ok();
    assert_eq!(claimed["state"], "review");
    // Somebody in an open incident.
    let fraud =
        crate::support::desk::Person::new(&app.app, omamori::console::access::Role::Fraud).await;
    let incident = crate::incident::opened(app, &fraud, "乗っ取り").await;
    let add = json!({ "customer_id": victim.customer.customer_id, "reason": "同じ手口" });
    fraud.post(app, &format!("/incidents/{incident}/members"), &add).await.done();
    assert_eq!(victim.claims(app, "7654321").await.ok()["state"], "review");
    let (desk, reason) = (finance(app).await, json!({ "reason": "定例" }));
    let nothing = desk.post(app, "/refund-files", &reason).await.ok();
    assert!(nothing.get("approval_id").is_none());
    for holder in [&stopped, &victim] {
        let release = format!("/refunds/{}/release", holder.claim(app).await.claim_id);
        fraud.post(app, &release, &reason).await.refused(Code::Forbidden);
        desk.post(app, &release, &reason).await.done();
        assert_eq!(holder.claim(app).await.state, State::Waiting);
    }
    let made = file(app).await;
    assert_eq!(omamori::refund::file::lines(&app.app, &made).await.unwrap().len(), 2);
    assert_eq!(of_operator(app, AccountCode::RefundPayable), 13_000);
}

/// Attack: somebody claims in the victim's place; the victim stops the account before it is paid.
async fn what_was_claimed_before_the_account_was_stopped_is_not_paid(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut victim = Holder::new(app, &register, 9_000).await;
    let mut other = Holder::new(app, &register, 1_000).await;
    ended(app).await;
    victim.claims(app, "6666666").await.ok();
    other.claims(app, "1234567").await.ok();
    victim.customer.post(app, "/account/stop", &json!({})).await;
    let made = file(app).await;
    let lines = omamori::refund::file::lines(&app.app, &made).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.yen).collect::<Vec<_>>(), [1_000]);
    assert_eq!(victim.claim(app).await.state, State::Review);
    let (desk, reason) = (finance(app).await, json!({ "reason": "ご本人の口座ではない" }));
    let refuse = format!("/refunds/{}/refuse", victim.claim(app).await.claim_id);
    desk.post(app, &refuse, &reason).await.done();
    assert_eq!(victim.customer.balance(app), 9_000);
}
