//! Attacks on claims of accounts that close: in another's place, alone, twice, past a case.

use omamori::clock::{DAY, MINUTE};
use omamori::console::access::Role;
use omamori::gate::chart::AccountCode;
use omamori::identity::standing;
use omamori::notify::AccountStopper;
use omamori::refund::claim::State;
use omamori::refund::work_due;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use super::closing::{agreed_on, on, paid};
use super::{Holder, account, ended, file, finance, of_operator};
use crate::settlement::payouts::with_sender;
use crate::support::app::TestApp;
use crate::support::desk::Person;
use crate::support::shop::Register;
use crate::support::{on_both_engines, on_several_nodes};

on_several_nodes!(two_claims_that_end_at_once_open_the_account);
on_both_engines!(
    nobody_closes_or_keeps_what_is_anothers,
    nobody_agrees_alone_or_after_a_change,
    who_is_looked_into_or_stopped_is_not_paid,
    a_stop_holds_what_is_in_a_file,
    starting_an_account_again_keeps_it_shut_for_a_claim,
    a_claim_of_a_closing_account_is_finished_after_a_crash,
);

/// A thief with the victim's session and without the passkey; a word that was said once, or for
/// another reason; a claim of somebody else.
async fn nobody_closes_or_keeps_what_is_anothers(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut victim = Holder::new(app, &register, 9_000).await;
    let mut thief = Holder::new(app, &register, 1_000).await;
    let path = "/closing-claims";
    let wanted = json!({ "reason": "wishes", "account": account("6666666") });
    let options = victim.customer.post(app, &format!("{path}/options"), &wanted).await.ok();
    let words = options["confirm"].as_str().unwrap();
    assert!(words.contains("****666") && words.contains("9,000"), "{words}");
    let forged = json!({ "request": wanted, "proof": { "passkey": thief.passkey.get(&options) } });
    victim.customer.post(app, path, &forged).await.refused(Code::ProofFailed);
    for (field, other) in [("reason", json!("moves_away")), ("account", account("7777777"))] {
        let options = victim.customer.post(app, &format!("{path}/options"), &wanted).await.ok();
        let mut swapped = wanted.clone();
        swapped[field] = other;
        let proof = json!({ "passkey": victim.passkey.get(&options) });
        let body = json!({ "request": swapped, "proof": proof });
        victim.customer.post(app, path, &body).await.refused(Code::ProofFailed);
    }
    assert_eq!((victim.customer.balance(app), &*victim.stopped_by(app).await), (9_000, ""));

    let options = victim.customer.post(app, &format!("{path}/options"), &wanted).await.ok();
    let proof = json!({ "passkey": victim.passkey.get(&options) });
    let body = json!({ "request": wanted, "proof": proof });
    let claimed = victim.customer.post(app, path, &body).await;
    claimed.ok();
    victim.customer.keep_session(&claimed);
    victim.stays(app).await.ok();
    victim.customer.post(app, path, &body).await.refused(Code::ProofFailed);
    assert_eq!(victim.customer.balance(app), 9_000, "said once, done once");

    app.clock.advance(MINUTE); // so that it is the newest
    victim.leaves(app, "1234567", "wishes").await.ok();
    thief.stays(app).await.refused(Code::RefundUnderWay);
    thief.corrects(app, "6666666").await.refused(Code::RefundUnderWay);
    assert_eq!(victim.claim(app).await.state, State::Review);
    assert!(!thief.customer.get(app, "/close").await.text().contains("9,000"));
}

/// One of the staff alone, with the own approval, with a role that is gone, with an approval for
/// what is no longer so; and each door around it.
async fn nobody_agrees_alone_or_after_a_change(app: &mut TestApp) {
    with_sender(app).await;
    let register = Register::new(&app.app).await;
    let mut holder = Holder::new(app, &register, 9_000).await;
    holder.leaves(app, "1234567", "moves_away").await.ok();
    let claim = holder.claim(app).await.claim_id;
    let (propose, release) =
        (format!("/refunds/{claim}/propose"), format!("/refunds/{claim}/release"));
    for role in [Role::Viewer, Role::Fraud] {
        let other = Person::new(&app.app, role).await;
        other.post(app, &propose, &on("unavoidable")).await.refused(Code::Forbidden);
    }
    let (desk, reason) = (finance(app).await, json!({ "reason": "確認" }));
    desk.post(app, &release, &reason).await.refused(Code::SecondPersonNeeded);
    desk.post(app, "/refunds/rcl_x/propose", &on("quota")).await.refused(Code::NotFound);
    let unsaid = json!({ "what": "unavoidable", "reason": " " });
    desk.post(app, &propose, &unsaid).await.refused(Code::InvalidRequest);

    let mut approvals = Vec::new();
    for _ in 0..3 {
        let asked = desk.post(app, &propose, &on("unavoidable")).await.ok();
        approvals.push(asked["approval_id"].as_str().unwrap().to_owned());
    }
    let carry_out = |approval: &str| format!("/approvals/{approval}/carry-out");
    let give = json!({ "verdict": "give" });
    let own = desk.post(app, &format!("/approvals/{}/options", approvals[0]), &give).await;
    own.refused(Code::SecondPersonNeeded);
    crate::incident::given(app, &approvals[0], &desk.staff_id).await;
    let alone = desk.post(app, &carry_out(&approvals[0]), &Value::Null).await;
    alone.refused(Code::ApprovalClosed);
    // The second one may not any more.
    let second = finance(app).await;
    crate::incident::given(app, &approvals[1], &second.staff_id).await;
    let role = sql("UPDATE staff SET role = 'viewer' WHERE staff_id = $1").bind(&second.staff_id);
    app.app.stores.registry.execute(role).await.unwrap();
    let demoted = desk.post(app, &carry_out(&approvals[1]), &Value::Null).await;
    demoted.refused(Code::ApprovalClosed);
    assert_eq!(holder.claim(app).await.state, State::Review);
    // Another account since: nobody agreed on that.
    crate::incident::given(app, &approvals[2], &finance(app).await.staff_id).await;
    app.clock.advance(MINUTE);
    holder.corrects(app, "2222222").await.ok();
    let changed = desk.post(app, &carry_out(&approvals[2]), &Value::Null).await;
    changed.refused(Code::ApprovalClosed);

    agreed_on(app, &holder, "unavoidable").await;
    // Agreed on: another account is another claim.
    app.clock.advance(MINUTE);
    holder.corrects(app, "3333333").await.ok();
    assert_eq!(holder.claim(app).await.state, State::Review);
    let nothing = desk.post(app, "/refund-files", &reason).await.ok();
    assert!(nothing.get("approval_id").is_none());
    // Who wrote a claim down is not the second one.
    let mut other = Holder::new(app, &register, 1_000).await;
    let written = json!({ "customer_id": other.customer.phone(), "closing": "heir",
        "account": account("6666666"), "reason": "窓口で受付" });
    let writer = finance(app).await;
    writer.post(app, "/refunds", &written).await.ok();
    let path = format!("/refunds/{}/propose", other.claim(app).await.claim_id);
    let asked = desk.post(app, &path, &on("unavoidable")).await.ok();
    let approval = asked["approval_id"].as_str().unwrap();
    crate::incident::given(app, approval, &writer.staff_id).await;
    let own = desk.post(app, &carry_out(approval), &Value::Null).await;
    own.refused(Code::SecondPersonNeeded);
    // A claim of the service's end is none of these.
    other.stays(app).await.ok();
    ended(app).await;
    other.claims(app, "1234567").await.ok();
    let path = format!("/refunds/{}/propose", other.claim(app).await.claim_id);
    finance(app).await.post(app, &path, &on("service_end")).await.refused(Code::NotFound);
}

/// Attack: somebody claims in the victim's place; the victim stops the account, or staff look into
/// it, before or after two have agreed.
async fn who_is_looked_into_or_stopped_is_not_paid(app: &mut TestApp) {
    with_sender(app).await;
    let register = Register::new(&app.app).await;
    let mut stops = Holder::new(app, &register, 4_000).await;
    let mut seen = Holder::new(app, &register, 3_000).await;
    let mut good = Holder::new(app, &register, 2_000).await;
    let fraud = Person::new(&app.app, Role::Fraud).await;
    let incident = crate::incident::opened(app, &fraud, "乗っ取り").await;
    let add = |holder: &Holder| json!({ "customer_id": holder.customer.customer_id, "reason": "同じ手口" });
    let members = format!("/incidents/{incident}/members");
    for holder in [&mut stops, &mut seen, &mut good] {
        holder.leaves(app, "6666666", "moves_away").await.ok();
        app.clock.advance(MINUTE);
        agreed_on(app, holder, "unavoidable").await;
    }
    stops.customer.post(app, "/account/stop", &json!({})).await.done();
    fraud.post(app, &members, &add(&seen)).await.done();
    let made = file(app).await;
    let lines = omamori::refund::file::lines(&app.app, &made).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.yen).collect::<Vec<_>>(), [2_000]);
    // Nor do two agree while it is so.
    let desk = finance(app).await;
    let propose = |claim: &str| format!("/refunds/{claim}/propose");
    let (of_seen, of_stopped) = (seen.claim(app).await, stops.claim(app).await);
    assert_eq!((of_seen.state, of_stopped.state), (State::Review, State::Review));
    let held = desk.post(app, &propose(&of_seen.claim_id), &on("unavoidable")).await;
    held.refused(Code::ClosingHeld);
    let stopped = desk.post(app, &propose(&of_stopped.claim_id), &on("unavoidable")).await;
    stopped.refused(Code::AccountFrozen);
    // A stop that its holder ends does not open what is claimed.
    stops.is_there(app).await;
    let resumed = stops.customer.confirmed(app, &stops.passkey, "/account/resume", None).await;
    resumed.refused(Code::ClosingUnderWay);
    stops.stays(app).await.ok();
    assert_eq!((stops.customer.balance(app), &*stops.stopped_by(app).await), (4_000, "customer"));
    // Nor is it claimed as long as that stop stands: it could neither be paid nor be started.
    stops.leaves(app, "1234567", "wishes").await.refused(Code::AccountFrozen);
    assert_eq!(stops.customer.balance(app), 4_000);
}

/// Attack: the victim stops the account, or staff look into it, when the claim is in a file
/// already: nobody agrees on that, nor takes it to the bank; it is dropped, and made without them.
/// Who is too late for that changes nothing about what the books say.
async fn a_stop_holds_what_is_in_a_file(app: &mut TestApp) {
    with_sender(app).await;
    let register = Register::new(&app.app).await;
    let mut stops = Holder::new(app, &register, 4_000).await;
    let mut seen = Holder::new(app, &register, 3_000).await;
    let mut good = Holder::new(app, &register, 2_000).await;
    for holder in [&mut stops, &mut seen, &mut good] {
        holder.leaves(app, "6666666", "moves_away").await.ok();
        app.clock.advance(MINUTE);
        agreed_on(app, holder, "unavoidable").await;
    }
    let (desk, reason) = (finance(app).await, json!({ "reason": "定例の振込" }));
    let newest = async |app: &TestApp| {
        omamori::refund::file::newest(&app.app, 1).await.unwrap().remove(0).file_id
    };
    let asked = desk.post(app, "/refund-files", &reason).await.ok();
    let first = newest(app).await;
    stops.customer.post(app, "/account/stop", &json!({})).await.done();
    let approval = asked["approval_id"].as_str().unwrap();
    super::given(app, approval, &finance(app).await.staff_id).await;
    let carry_out = format!("/approvals/{approval}/carry-out");
    desk.post(app, &carry_out, &Value::Null).await.refused(Code::ClosingHeld);
    desk.post(app, &format!("/refund-files/{first}/drop"), &reason).await.done();

    let second = file(app).await;
    assert_eq!(stops.claim(app).await.state, State::Review);
    let fraud = Person::new(&app.app, Role::Fraud).await;
    let incident = crate::incident::opened(app, &fraud, "乗っ取り").await;
    let add = json!({ "customer_id": seen.customer.customer_id, "reason": "同じ手口" });
    fraud.post(app, &format!("/incidents/{incident}/members"), &add).await.done();
    let take = |made: &str| format!("/api/admin/v1/refund-files/{made}");
    for _ in 0..2 {
        desk.get(app, &take(&second)).await.refused(Code::ClosingHeld);
    }
    desk.post(app, &format!("/refund-files/{second}/drop"), &reason).await.done();
    desk.post(app, &format!("/refund-files/{second}/sent"), &reason).await.refused(Code::NotFound);

    app.clock.advance(MINUTE);
    let third = file(app).await;
    assert_eq!(seen.claim(app).await.state, State::Review);
    assert!(!desk.get(app, &take(&third)).await.body.is_empty());
    let late = desk.post(app, &format!("/refund-files/{third}/drop"), &reason).await;
    late.refused(Code::RefundUnderWay);
    good.customer.post(app, "/account/stop", &json!({})).await.done();
    assert!(!desk.get(app, &take(&third)).await.body.is_empty(), "the bank may have it");
    desk.post(app, &format!("/refund-files/{third}/sent"), &reason).await.done();
    assert_eq!(good.claim(app).await.state, State::Sent);
    assert_eq!(of_operator(app, AccountCode::OperatorBank), 2_000);
    assert_eq!(of_operator(app, AccountCode::RefundPayable), 7_000);
}

/// Attack: who is paid for closing the account keeps it, since staff stop it meanwhile and start it
/// again.
async fn starting_an_account_again_keeps_it_shut_for_a_claim(app: &mut TestApp) {
    with_sender(app).await;
    let register = Register::new(&app.app).await;
    let mut holder = Holder::new(app, &register, 4_000).await;
    let id = holder.customer.customer_id.clone();
    holder.leaves(app, "1234567", "moves_away").await.ok();
    let registry = app.app.stores.registry.clone();
    let propose = format!("/refunds/{}/propose", holder.claim(app).await.claim_id);
    let desk = finance(app).await;
    let asked = desk.post(app, &propose, &on("unavoidable")).await.ok();
    let approval = asked["approval_id"].as_str().unwrap();
    super::given(app, approval, &finance(app).await.staff_id).await;
    let carry_out = format!("/approvals/{approval}/carry-out");
    for _ in 0..2 {
        standing::freeze(&app.app, &id, AccountStopper::Staff).await.unwrap();
        assert_eq!(holder.stopped_by(app).await, "staff");
        if holder.claim(app).await.state == State::Review {
            desk.post(app, &carry_out, &Value::Null).await.refused(Code::AccountFrozen);
        }
        let mut tx = registry.begin().await.unwrap();
        let status = standing::unfreeze_in(&app.app, &mut tx, &id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((status, &*holder.stopped_by(app).await), (Some("frozen"), "refund"));
        if holder.claim(app).await.state == State::Review {
            agreed_on(app, &holder, "unavoidable").await;
            paid(app).await;
        }
    }
    app.clock.advance(15 * DAY);
    work_due(&app.app).await.unwrap();
    assert_eq!(holder.stopped_by(app).await, "closing");
}

/// Nobody's fault: on another node a claim ends in the middle of its transaction while this one
/// ends the other. The account is open then, and not shut for ever.
async fn two_claims_that_end_at_once_open_the_account(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut holder = Holder::new(app, &register, 5_000).await;
    register.sell(app, "s-1", &holder.customer.code(app.now()), 1_000).await.ok();
    holder.leaves(app, "1234567", "wishes").await.ok();
    app.clock.advance(MINUTE);
    register.refund(app, "r-1", "s-1", 300).await.ok();
    holder.leaves(app, "1234567", "wishes").await.ok();
    let newest = holder.claim(app).await.claim_id;
    let registry = app.app.stores.registry.clone();
    let refusing = "UPDATE refund_claim SET state = 'refusing', reason = '確認できず'";
    registry.execute(sql(refusing)).await.unwrap();
    let mut other = registry.begin().await.unwrap();
    let refused = sql("UPDATE refund_claim SET state = 'refused' WHERE claim_id = $1");
    other.execute(refused.bind(&newest)).await.unwrap();
    let turn = sql("UPDATE customer SET stopped_at = stopped_at WHERE customer_id = $1");
    other.execute(turn.bind(&holder.customer.customer_id)).await.unwrap();
    let node = (**app).clone();
    let this = tokio::spawn(async move { work_due(&node.app).await.map(drop) });
    let waits = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM pg_stat_activity
         WHERE wait_event_type = 'Lock'");
    while !this.is_finished() {
        if registry.one(waits.clone()).await.unwrap().int("n").unwrap() > 0 {
            break;
        }
    }
    other.commit().await.unwrap();
    this.await.unwrap().unwrap();
    assert_eq!(holder.stopped_by(app).await, "");
}

/// The process dies between registry and ledger, in either order; and where nothing is left the
/// account is as it was.
async fn a_claim_of_a_closing_account_is_finished_after_a_crash(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut holder = Holder::new(app, &register, 9_000).await;
    holder.leaves(app, "1234567", "wishes").await.ok();
    let registry = app.app.stores.registry.clone();
    let undo = "UPDATE refund_claim SET state = 'asked', yen = 0";
    registry.execute(sql(undo)).await.unwrap();
    app.restart().await;
    for _ in 0..2 {
        work_due(&app.app).await.unwrap();
        let claim = holder.claim(app).await;
        assert_eq!((claim.state, claim.yen), (State::Review, 9_000));
    }
    assert_eq!(of_operator(app, AccountCode::RefundPayable), 9_000);
    let refusing = "UPDATE refund_claim SET state = 'refusing', reason = '確認できず'";
    for _ in 0..2 {
        app.app.stores.registry.execute(sql(refusing)).await.unwrap();
        work_due(&app.app).await.unwrap();
        assert_eq!(holder.claim(app).await.state, State::Refused);
        assert_eq!((holder.customer.balance(app), &*holder.stopped_by(app).await), (9_000, ""));
    }
    // Shut for a claim that the ledger never saw, and nothing is left meanwhile.
    let mut empty = Holder::new(app, &register, 1_000).await;
    empty.leaves(app, "1234567", "wishes").await.ok();
    let swap = sql("UPDATE refund_claim SET state = 'asked', yen = 0, claim_id = $1
         WHERE customer_id = $2");
    let other = omamori::id::Kind::RefundClaim.random_text(app.app.rng.as_ref());
    let swap = swap.bind(other).bind(&empty.customer.customer_id);
    app.app.stores.registry.execute(swap).await.unwrap();
    work_due(&app.app).await.unwrap();
    assert_eq!(empty.stopped_by(app).await, "");
}
