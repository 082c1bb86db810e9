//! The ways of sending, from the confirmation to the end.

use axum::http::StatusCode;
use omamori::send::tell_due;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::json;

use super::{NEARLY_48_HOURS, by_link, id, rich, to_phone};
use crate::support::app::TestApp;
use crate::support::on_both_engines;
use crate::support::passkey::Person;

on_both_engines!(
    what_is_sent_to_a_number_is_taken_there,
    what_is_sent_to_a_friends_code_goes_to_the_friend_alone,
    an_answer_does_not_tell_whether_a_number_has_an_account,
    nobody_takes_returns_or_sees_what_is_not_theirs,
    what_nobody_takes_returns_after_48_hours_to_the_microsecond,
    a_retry_is_the_same_send_and_other_content_is_refused,
    a_confirmation_is_for_this_amount_and_this_receiver,
    a_stopped_account_sends_and_takes_nothing,
    strangers_get_few_sms,
);

async fn what_is_sent_to_a_number_is_taken_there(app: &mut TestApp) {
    let (mut sender, receiver) = (rich(app, 10_000).await, Person::new(&app.app).await);
    let request = to_phone("s-1", 3_000, &receiver.phone());
    let options = sender.post(app, "/sends/options", &request).await.ok();
    let words = options["confirm"].as_str().unwrap();
    let (front, back) = (&receiver.phone()[..3], &receiver.phone()[7..]);
    assert!(words.contains("¥3,000") && words.contains(&format!("{front}-****-{back}")), "{words}");

    let sent = id(&sender.send(app, &request).await);
    assert_eq!((sender.balance(app), receiver.balance(app)), (7_000, 0));
    let history = sender.get(app, "/history").await.ok();
    assert_eq!(history["entries"][0]["kind"], "send_waiting");
    assert_eq!(history["entries"][0]["amount"], -3_000);
    assert_eq!(history["entries"][0]["store_name"], "ゆき");
    tell_due(&app.app).await.unwrap();
    tell_due(&app.app).await.unwrap();
    assert_eq!(notices(app, &receiver).await, ["send_waiting"], "told once");
    let waiting = receiver.get(app, "/sends").await.ok();
    assert_eq!(waiting["waiting"][0]["send_id"], sent.as_str());
    assert_eq!(waiting["waiting"][0]["direction"], "in");
    assert!(!waiting.to_string().contains("ゆき"), "a name is the sender's own");

    let taken = receiver.act(app, &sent, "take").await.ok();
    assert_eq!(taken["send"]["status"], "taken");
    assert_eq!(receiver.act(app, &sent, "take").await.ok(), taken, "a double click");
    assert_eq!((sender.balance(app), receiver.balance(app)), (7_000, 3_000));
    for (person, kind, amount) in [(&sender, "send", -3_000), (&receiver, "receive", 3_000)] {
        let history = person.get(app, "/history").await.ok();
        assert_eq!(history["entries"][0]["kind"], kind, "{history}");
        assert_eq!(history["entries"][0]["amount"], amount);
        assert_eq!(history["entries"][0]["send_id"], sent.as_str());
    }
    sender.act(app, &sent, "call-back").await.refused(Code::SendEnded);
    receiver.act(app, &sent, "decline").await.refused(Code::SendEnded);
    assert_eq!(notices(app, &sender).await, ["send_taken"]);
    app.restart().await;
    assert_eq!((sender.balance(app), receiver.balance(app)), (7_000, 3_000));
}

async fn notices(app: &TestApp, person: &Person) -> Vec<String> {
    let query = sql("SELECT kind FROM notice WHERE customer_id = $1 ORDER BY at");
    let query = query.bind(&person.customer.customer_id);
    let rows = app.app.stores.registry.all(query).await.unwrap();
    rows.iter().map(|row| row.text("kind").unwrap()).collect()
}

async fn what_is_sent_to_a_friends_code_goes_to_the_friend_alone(app: &mut TestApp) {
    let (mut sender, friend) = (rich(app, 10_000).await, Person::new(&app.app).await);
    let made = friend.post(app, "/friend-codes", &json!({})).await.ok();
    let code = made["code"].as_str().unwrap();
    assert!(made["qr"].as_str().unwrap().starts_with("<svg"));
    assert!(made["address"].as_str().unwrap().ends_with(&format!("/send#friend={code}")));
    let typed = format!("{}-{} {}", &code[..4], code[4..8].to_lowercase(), &code[8..]);
    let seen = sender.post(app, "/friend-codes/look", &json!({ "code": typed })).await.ok();
    assert_eq!(seen["phone_masked"], format!("***-****-{}", &friend.phone()[7..]));
    let request = |id: &str, code: &str| json!({ "client_send_id": id, "amount": 500, "to": { "kind": "friend", "code": code } });
    let sent = id(&sender.send(app, &request("f-1", &typed)).await);
    Person::new(&app.app).await.act(app, &sent, "take").await.refused(Code::SendNotFound);
    friend.act(app, &sent, "take").await.ok();
    assert_eq!(friend.balance(app), 500);

    sender.send(app, &request("f-2", "0000-0000-0000")).await.refused(Code::FriendCodeUnknown);
    let own = sender.post(app, "/friend-codes", &json!({})).await.ok();
    let own = request("f-3", own["code"].as_str().unwrap());
    sender.send(app, &own).await.refused(Code::SendToSelf);
    app.clock.advance(601 * omamori::clock::SECOND);
    sender.send(app, &request("f-4", code)).await.refused(Code::FriendCodeUnknown);
    // A retry after the code is over is still the send that was made.
    assert_eq!(friend.balance(app), 500);
}

/// Goal: neither status, body nor headers tell, and neither does what the sender sees later.
async fn an_answer_does_not_tell_whether_a_number_has_an_account(app: &mut TestApp) {
    let mut seen = Vec::new();
    let known = Person::new(&app.app).await.phone();
    for phone in [known.as_str(), "09099999999"] {
        let mut sender = rich(app, 5_000).await;
        let request = to_phone("same", 1_000, phone);
        let options = sender.post(app, "/sends/options", &request).await.ok();
        let answer = sender.send(app, &request).await;
        let sent = id(&answer);
        tell_due(&app.app).await.unwrap();
        let listed = sender.get(app, "/sends").await.ok();
        let own = notices(app, &sender).await;
        let hide = |text: String| {
            let text = text.replace(&sent, "snd").replace(&phone[7..], "9999");
            text.replace(&phone[..3], "090")
        };
        let keys: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        seen.push((
            hide(options["confirm"].to_string()),
            hide(answer.ok()["send"].to_string()),
            hide(listed["sent"].to_string()),
            (answer.status, keys, own),
        ));
    }
    assert_eq!(seen[0], seen[1]);
}

async fn nobody_takes_returns_or_sees_what_is_not_theirs(app: &mut TestApp) {
    let (mut sender, receiver) = (rich(app, 10_000).await, Person::new(&app.app).await);
    let stranger = Person::new(&app.app).await;
    let sent = id(&sender.send(app, &to_phone("s-1", 3_000, &receiver.phone())).await);
    for act in ["take", "decline", "call-back"] {
        stranger.act(app, &sent, act).await.refused(Code::SendNotFound);
    }
    sender.act(app, &sent, "take").await.refused(Code::SendNotFound);
    receiver.act(app, &sent, "call-back").await.refused(Code::SendNotFound);
    stranger.get(app, &format!("/sends/{sent}")).await.refused(Code::SendNotFound);
    stranger.act(app, "snd_x", "take").await.refused(Code::SendNotFound);
    let page = stranger.customer.get(app, &format!("/send/{sent}")).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert_eq!((sender.balance(app), receiver.balance(app), stranger.balance(app)), (7_000, 0, 0));
    receiver.act(app, &sent, "decline").await.ok();
    assert_eq!((sender.balance(app), receiver.balance(app)), (10_000, 0));
    let history = sender.get(app, "/history").await.ok();
    assert_eq!(history["entries"][0]["kind"], "send_returned");
    assert_eq!(history["entries"][0]["amount"], 0);
    let linked = id(&sender.send(app, &by_link("l-1", 100)).await);
    receiver.act(app, &linked, "take").await.refused(Code::SendNotFound);
    assert_eq!(notices(app, &sender).await, ["send_returned"]);
}

async fn what_nobody_takes_returns_after_48_hours_to_the_microsecond(app: &mut TestApp) {
    let (mut sender, receiver) = (rich(app, 10_000).await, Person::new(&app.app).await);
    let early = id(&sender.send(app, &to_phone("s-1", 1_000, &receiver.phone())).await);
    let late = id(&sender.send(app, &to_phone("s-2", 2_000, &receiver.phone())).await);
    // Two sends of one instant differ by nanoseconds in the ledger; this is before both.
    app.clock.advance(NEARLY_48_HOURS);
    receiver.act(app, &early, "take").await.ok();
    app.clock.advance(2);
    receiver.act(app, &late, "take").await.refused(Code::SendEnded);
    let seen = sender.get(app, &format!("/sends/{late}")).await.ok();
    assert_eq!(
        (&seen["send"]["status"], &seen["send"]["reason"]),
        (&json!("returned"), &json!("expired"))
    );
    app.restart().await;
    // Any commit lets the ledger look at its clock; so does time itself.
    app.app.gate.catch_up().await.unwrap();
    assert_eq!((sender.balance(app), receiver.balance(app)), (9_000, 1_000));
    tell_due(&app.app).await.unwrap();
    assert_eq!(notices(app, &sender).await, ["send_taken", "send_returned"]);
    let again = sender.send(app, &to_phone("s-3", 9_000, &receiver.phone())).await;
    again.ok();
    app.restart_without_views().await;
    assert_eq!((sender.balance(app), receiver.balance(app)), (0, 1_000));
}

async fn a_retry_is_the_same_send_and_other_content_is_refused(app: &mut TestApp) {
    let (mut sender, receiver) = (rich(app, 10_000).await, Person::new(&app.app).await);
    let request = to_phone("s-1", 3_000, &receiver.phone());
    let body = sender.confirmation(app, "/sends", &request).await.unwrap();
    let first = sender.post(app, "/sends", &body).await;
    sender.keep(&first);
    let again = sender.post(app, "/sends", &body).await;
    assert_eq!(again.ok()["send"], first.ok()["send"]);
    for other in [to_phone("s-1", 3_001, &receiver.phone()), to_phone("s-1", 3_000, "09010000001")]
    {
        sender.send(app, &other).await.refused(Code::SendIdReused);
    }
    assert_eq!(sender.balance(app), 7_000);
}

/// Attack: the page of a thief shows one thing and asks for another.
async fn a_confirmation_is_for_this_amount_and_this_receiver(app: &mut TestApp) {
    let mut sender = rich(app, 10_000).await;
    let request = to_phone("s-1", 100, "09010000001");
    for other in [to_phone("s-1", 9_000, "09010000001"), to_phone("s-1", 100, "09010000002")] {
        let mut body = sender.confirmation(app, "/sends", &request).await.unwrap();
        body["request"] = other;
        sender.post(app, "/sends", &body).await.refused(Code::ProofFailed);
    }
    let bare = json!({ "request": request });
    sender.post(app, "/sends", &bare).await.refused(Code::InvalidRequest);
    assert_eq!(sender.balance(app), 10_000);
}

async fn a_stopped_account_sends_and_takes_nothing(app: &mut TestApp) {
    let (mut sender, receiver) = (rich(app, 10_000).await, Person::new(&app.app).await);
    let sent = id(&sender.send(app, &to_phone("s-1", 3_000, &receiver.phone())).await);
    let set = |status: &'static str, person: &Person| {
        let update = sql("UPDATE customer SET status = $1 WHERE customer_id = $2");
        update.bind(status).bind(&person.customer.customer_id)
    };
    let registry = &app.app.stores.registry;
    registry.execute(set("frozen", &receiver)).await.unwrap();
    receiver.act(app, &sent, "take").await.refused(Code::AccountFrozen);
    registry.execute(set("active", &receiver)).await.unwrap();
    registry.execute(set("frozen", &sender)).await.unwrap();
    receiver.act(app, &sent, "take").await.refused(Code::SendHeld);
    sender.send(app, &to_phone("s-2", 100, &receiver.phone())).await.refused(Code::AccountFrozen);
    sender.act(app, &sent, "call-back").await.ok();
    assert_eq!((sender.balance(app), receiver.balance(app)), (10_000, 0));
}

/// Attack: SMS pumping. A sender makes us send to numbers that pay them for it.
async fn strangers_get_few_sms(app: &mut TestApp) {
    let mut sender = rich(app, 10_000).await;
    for n in 0..6 {
        let request = to_phone(&format!("s-{n}"), 1, &format!("0908888000{n}"));
        sender.send(app, &request).await.ok();
    }
    tell_due(&app.app).await.unwrap();
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM send WHERE sms_at IS NOT NULL");
    let sms = app.app.stores.registry.one(query).await.unwrap().int("n").unwrap();
    assert_eq!(sms, 3);
    let sandbox = app.app.identity.outbox().sandbox().unwrap();
    for sms in sandbox.sent() {
        assert!(!sms.text.contains("http") && !sms.text.contains('#'), "{}", sms.text);
    }
}
