//! The number that an ATM shows and a customer types: it loads that customer's wallet, once, and
//! nobody gets at it by guessing, by being quick, or by being another ATM.

use std::sync::Arc;

use omamori::audit::Actor;
use omamori::clock::{MINUTE, SECOND};
use omamori::control::{self, Closing, Door, Scope};
use omamori::merchant::create_terminal;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::shop::Register;
use crate::support::{at_once, on_both_engines, on_several_nodes};

on_both_engines!(
    a_number_that_was_typed_loads_once,
    a_number_leads_nowhere_once_it_is_used_over_or_ended,
    who_guesses_is_locked_out,
    a_number_read_over_a_shoulder_shows_whose_it_became,
    the_atm_that_was_shown_is_the_one_that_is_agreed_to,
    sixteen_claims_and_sixteen_top_ups_at_once_are_one,
    of_sixteen_customers_one_gets_the_session,
    limits_and_standing_hold,
    nobody_but_this_atm_uses_its_session,
    a_lost_answer_is_asked_for_again,
    a_closed_door_is_closed_for_numbers_too,
    an_atm_cannot_take_up_all_numbers,
);
on_several_nodes!(two_nodes_load_a_session_once);

/// An ATM of a new store.
pub async fn atm(app: &TestApp) -> Register {
    let register = Register::new(&app.app).await;
    another_atm(app, &register).await
}

/// One more in the same store.
pub async fn another_atm(app: &TestApp, register: &Register) -> Register {
    let made = create_terminal(&app.app, &register.store_id, "ATM 1", "atm").await.unwrap();
    Register { key: made.api_key, terminal_id: made.terminal_id, ..register.clone() }
}

/// The session of this id, as the ATM sees it.
pub async fn session(node: &Node, atm: &Register, id: &str) -> Answer {
    atm.post(node, &format!("/atm-sessions/{id}"), &Value::Null).await
}

async fn number(node: &Node, atm: &Register, id: &str) -> String {
    session(node, atm, id).await.ok()["session"]["number"].as_str().unwrap().to_owned()
}

async fn load(node: &Node, atm: &Register, id: &str, yen: i64) -> Answer {
    let body = json!({ "merchant_topup_id": id, "amount": yen });
    atm.post(node, "/atm-topups", &body).await
}

async fn find(node: &Node, customer: &Customer, number: &str) -> Answer {
    customer.post(node, "/atm/find", &json!({ "number": number })).await
}

async fn agree(node: &Node, customer: &Customer, number: &str, session_id: &str) -> Answer {
    let body = json!({ "number": number, "session_id": session_id });
    customer.post(node, "/atm/claim", &body).await
}

/// Types the number and agrees.
pub async fn claim(node: &Node, customer: &Customer, number: &str) -> Value {
    let found = find(node, customer, number).await.ok();
    agree(node, customer, number, found["session_id"].as_str().unwrap()).await.ok()
}

/// Goal: shown, typed, agreed to, loaded; each side sees the same; a retry is the same top-up.
async fn a_number_that_was_typed_loads_once(app: &mut TestApp) {
    let (atm, customer) = (atm(app).await, Customer::new(&app.app).await);
    let waiting = session(app, &atm, "a-1").await.ok()["session"].take();
    assert_eq!((&waiting["status"], &waiting["phone_ending"]), (&json!("waiting"), &Value::Null));
    let number = waiting["number"].as_str().unwrap().to_owned();
    assert_eq!(session(app, &atm, "a-1").await.ok()["session"], waiting, "the same session");
    load(app, &atm, "a-1", 10_000).await.refused(Code::AtmSessionOpen);

    let spaced = format!("{} {}", &number[..4], &number[4..]);
    let found = find(app, &customer, &spaced).await.ok();
    assert_eq!((&found["atm_name"], &found["amount_max"]), (&json!("ATM 1"), &json!(100_000)));
    let seen = atm.get(app, "/atm-sessions/a-1").await.ok()["session"].take();
    assert_eq!(seen["status"], "waiting", "to look is not to agree");
    claim(app, &customer, &number).await;
    let seen = atm.get(app, "/atm-sessions/a-1").await.ok()["session"].take();
    let phone = customer.phone();
    assert_eq!(
        (&seen["status"], &seen["phone_ending"], &seen["number"], &seen["amount_max"]),
        (&json!("claimed"), &json!(phone[phone.len() - 4..]), &Value::Null, &json!(100_000))
    );
    let page = customer.get(app, "/topup/atm").await;
    assert!(page.text().contains("data-atm-claimed"));

    load(app, &atm, "a-1", 1_500).await.refused(Code::InvalidRequest);
    let made = load(app, &atm, "a-1", 30_000).await.ok();
    assert_eq!(made["topup"]["amount"], 30_000);
    assert_eq!(load(app, &atm, "a-1", 30_000).await.ok(), made);
    load(app, &atm, "a-1", 40_000).await.refused(Code::TopupIdReused);
    assert_eq!(atm.get(app, "/topups/a-1").await.ok(), made);
    let seen = atm.get(app, "/atm-sessions/a-1").await.ok()["session"].take();
    assert_eq!((&seen["status"], &seen["phone_ending"]), (&json!("completed"), &Value::Null));
    assert_eq!(customer.balance(app), 30_000);
    let history = customer.get(app, "/api/wallet/v1/history").await.ok();
    assert_eq!(history["entries"][0]["kind"], "topup_atm");
    let page = customer.get(app, "/topup/atm").await;
    assert!(!page.text().contains("data-atm-claimed"));
    // The machine did not keep the cash after all.
    assert_eq!(atm.cancel_top_up(app, "a-1").await.ok()["topup"]["status"], "canceled");
    assert_eq!(customer.balance(app), 0);
}

/// Goal: unknown, used, expired and ended look alike.
async fn a_number_leads_nowhere_once_it_is_used_over_or_ended(app: &mut TestApp) {
    let (atm, customer) = (atm(app).await, Customer::new(&app.app).await);
    let other = Customer::new(&app.app).await;
    let used = number(app, &atm, "a-1").await;
    claim(app, &customer, &used).await;
    let wrong = find(app, &other, &used).await;
    wrong.refused(Code::AtmNumberWrong);
    load(app, &atm, "a-1", 1_000).await.ok();
    let mut expired = number(app, &atm, "a-2").await;
    app.clock.advance(3 * MINUTE);
    find(app, &other, &expired).await.refused(Code::AtmNumberWrong);
    load(app, &atm, "a-2", 1_000).await.refused(Code::AtmSessionEnded);
    expired = number(app, &atm, "a-3").await;
    atm.post(app, "/atm-sessions/a-3/end", &Value::Null).await.ok();
    find(app, &other, &expired).await.refused(Code::AtmNumberWrong);
    // The next customer at the same screen: the number before leads nowhere.
    let before = number(app, &atm, "a-4").await;
    let now = number(app, &atm, "a-5").await;
    assert_ne!(before, now);
    find(app, &customer, &before).await.refused(Code::AtmNumberWrong);
    find(app, &customer, &now).await.ok();
    // A claim that nothing follows is over after some minutes, and the customer can call it off.
    claim(app, &customer, &now).await;
    app.clock.advance(5 * MINUTE);
    load(app, &atm, "a-5", 1_000).await.refused(Code::AtmSessionEnded);
    let left = number(app, &atm, "a-6").await;
    claim(app, &customer, &left).await;
    assert_eq!(customer.post(app, "/atm/leave", &json!({})).await.status, 204);
    load(app, &atm, "a-6", 1_000).await.refused(Code::AtmSessionEnded);
    assert_eq!(customer.balance(app), 1_000);
    for odd in ["", "1234567", "123456789", "1234567x", "１２３４５６７８", "' OR 1=1"] {
        find(app, &customer, odd).await.refused(Code::InvalidRequest);
    }
}

/// Goal: five wrong numbers, then growing waits, in which a right one does not help either; each
/// is recorded.
async fn who_guesses_is_locked_out(app: &mut TestApp) {
    let (atm, thief) = (atm(app).await, Customer::new(&app.app).await);
    let shown = number(app, &atm, "a-1").await;
    let recorded = app.decisions().await;
    for guess in 0..4 {
        let wrong = format!("{:08}", (shown.parse::<u64>().unwrap() + 1 + guess) % 100_000_000);
        find(app, &thief, &wrong).await.refused(Code::AtmNumberWrong);
    }
    let wrong = format!("{:08}", (shown.parse::<u64>().unwrap() + 9) % 100_000_000);
    find(app, &thief, &wrong).await.refused(Code::TooManyRequests);
    assert_eq!(app.decisions().await, recorded + 5);
    find(app, &thief, &shown).await.refused(Code::TooManyRequests);
    let found = find(app, &Customer::new(&app.app).await, &shown).await.ok();
    let session_id = found["session_id"].as_str().unwrap();
    agree(app, &thief, &shown, session_id).await.refused(Code::TooManyRequests);
    app.clock.advance(2 * MINUTE);
    let next = number(app, &atm, "a-2").await;
    find(app, &thief, &next).await.refused(Code::TooManyRequests);
    app.clock.advance(3 * MINUTE + SECOND);
    let next = number(app, &atm, "a-3").await;
    find(app, &thief, &next).await.ok();
}

/// Goal: who is quicker with somebody's number gets the session, and the ATM says whose it is, so
/// that the one in front of it puts in no cash; who stands there cannot take it over.
async fn a_number_read_over_a_shoulder_shows_whose_it_became(app: &mut TestApp) {
    let (atm, owner) = (atm(app).await, Customer::new(&app.app).await);
    let thief = Customer::new(&app.app).await;
    let shown = number(app, &atm, "a-1").await;
    let found = find(app, &owner, &shown).await.ok();
    claim(app, &thief, &shown).await;
    let session_id = found["session_id"].as_str().unwrap();
    agree(app, &owner, &shown, session_id).await.refused(Code::AtmNumberWrong);
    let seen = atm.get(app, "/atm-sessions/a-1").await.ok()["session"].take();
    let ending = |customer: &Customer| json!(customer.phone()[7..]);
    assert_eq!(seen["phone_ending"], ending(&thief));
    assert_ne!(seen["phone_ending"], ending(&owner));
    atm.post(app, "/atm-sessions/a-1/end", &Value::Null).await.ok();
    load(app, &atm, "a-1", 10_000).await.refused(Code::AtmSessionEnded);
    assert_eq!((owner.balance(app), thief.balance(app)), (0, 0));
}

/// Goal: no agreement to another ATM than the page named.
async fn the_atm_that_was_shown_is_the_one_that_is_agreed_to(app: &mut TestApp) {
    let (here, customer) = (atm(app).await, Customer::new(&app.app).await);
    let there = atm(app).await;
    let (one, two) = (number(app, &here, "a-1").await, number(app, &there, "a-1").await);
    let other = find(app, &customer, &two).await.ok();
    let session_id = other["session_id"].as_str().unwrap();
    agree(app, &customer, &one, session_id).await.refused(Code::AtmNumberWrong);
    agree(app, &customer, &one, "ats_x").await.refused(Code::AtmNumberWrong);
    // One at a time: the second claim ends the first.
    claim(app, &customer, &one).await;
    claim(app, &customer, &two).await;
    load(app, &here, "a-1", 1_000).await.refused(Code::AtmSessionEnded);
    load(app, &there, "a-1", 1_000).await.ok();
}

async fn sixteen_claims_and_sixteen_top_ups_at_once_are_one(app: &mut TestApp) {
    let atm = atm(app).await;
    let customer = Arc::new(Customer::new(&app.app).await);
    let shown = number(app, &atm, "a-1").await;
    let found = find(app, &customer, &shown).await.ok();
    let session_id = found["session_id"].as_str().unwrap().to_owned();
    let claims = at_once((0..16).map(|_| {
        let (node, customer) = ((*app).clone(), customer.clone());
        let (shown, session_id) = (shown.clone(), session_id.clone());
        async move { agree(&node, &customer, &shown, &session_id).await }
    }))
    .await;
    claims.iter().for_each(|answer| drop(answer.ok()));
    let loads = at_once((0..16).map(|_| {
        let (node, atm) = ((*app).clone(), atm.clone());
        async move { load(&node, &atm, "a-1", 60_000).await }
    }))
    .await;
    let first = loads[0].ok();
    loads.iter().for_each(|answer| assert_eq!(answer.ok(), first));
    assert_eq!(customer.balance(app), 60_000);
}

async fn of_sixteen_customers_one_gets_the_session(app: &mut TestApp) {
    let atm = atm(app).await;
    let shown = number(app, &atm, "a-1").await;
    let mut customers = Vec::new();
    for _ in 0..16 {
        customers.push(Arc::new(Customer::new(&app.app).await));
    }
    let found = find(app, &customers[0], &shown).await.ok();
    let session_id = found["session_id"].as_str().unwrap().to_owned();
    let claims = at_once(customers.iter().map(|customer| {
        let (node, customer) = ((*app).clone(), customer.clone());
        let (shown, session_id) = (shown.clone(), session_id.clone());
        async move { agree(&node, &customer, &shown, &session_id).await }
    }))
    .await;
    let won: Vec<_> = (0..16).filter(|at| claims[*at].status.is_success()).collect();
    let [winner] = won[..] else { panic!("{won:?}") };
    load(app, &atm, "a-1", 1_000).await.ok();
    assert_eq!(customers.iter().map(|customer| customer.balance(app)).sum::<i64>(), 1_000);
    assert_eq!(customers[winner].balance(app), 1_000);
}

/// Goal: as with a code: the amount, the day, the customer's own limit, a stop, another phone.
async fn limits_and_standing_hold(app: &mut TestApp) {
    let (atm, customer) = (atm(app).await, Customer::new(&app.app).await);
    claim(app, &customer, &number(app, &atm, "a-1").await).await;
    load(app, &atm, "a-1", 101_000).await.refused(Code::LimitTopupAmount);
    let lower = json!({ "limit": "topup_24h", "yen": 20_000 });
    customer.post(app, "/limits/lower", &lower).await.ok();
    let seen = atm.get(app, "/atm-sessions/a-1").await.ok()["session"].take();
    assert_eq!(seen["amount_max"], 20_000);
    load(app, &atm, "a-1", 21_000).await.refused(Code::LimitOwn);
    load(app, &atm, "a-1", 20_000).await.ok();
    claim(app, &customer, &number(app, &atm, "a-2").await).await;
    load(app, &atm, "a-2", 1_000).await.refused(Code::LimitOwn);

    let moved = Customer::new(&app.app).await;
    claim(app, &moved, &number(app, &atm, "a-3").await).await;
    let replace = sql("UPDATE device SET state = 'replaced' WHERE device_id = $1");
    app.app.stores.registry.execute(replace.bind(&moved.device_id)).await.unwrap();
    load(app, &atm, "a-3", 1_000).await.refused(Code::AtmSessionEnded);

    let stopped = Customer::new(&app.app).await;
    let shown = number(app, &atm, "a-4").await;
    claim(app, &stopped, &shown).await;
    stopped.post(app, "/account/stop", &json!({})).await;
    load(app, &atm, "a-4", 1_000).await.refused(Code::AccountFrozen);
    let shown = number(app, &atm, "a-5").await;
    let found = find(app, &stopped, &shown).await.ok();
    let session_id = found["session_id"].as_str().unwrap();
    agree(app, &stopped, &shown, session_id).await.refused(Code::AccountFrozen);
}

/// Goal: another ATM, another merchant's ATM, a register: the session is not there.
async fn nobody_but_this_atm_uses_its_session(app: &mut TestApp) {
    let (here, customer) = (atm(app).await, Customer::new(&app.app).await);
    let (beside, stranger) = (another_atm(app, &here).await, atm(app).await);
    claim(app, &customer, &number(app, &here, "a-1").await).await;
    for other in [&beside, &stranger] {
        other.get(app, "/atm-sessions/a-1").await.refused(Code::AtmSessionNotFound);
        load(app, other, "a-1", 1_000).await.refused(Code::AtmSessionNotFound);
        let end = other.post(app, "/atm-sessions/a-1/end", &Value::Null).await;
        end.refused(Code::AtmSessionNotFound);
    }
    session(app, &beside, "a-1").await.refused(Code::TopupIdReused);
    assert_eq!(session(app, &stranger, "a-1").await.ok()["session"]["status"], "waiting");
    let register = Register::of_merchant(&app.app, &here.merchant_id).await;
    session(app, &register, "a-9").await.refused(Code::Forbidden);
    load(app, &register, "a-1", 1_000).await.refused(Code::Forbidden);
    load(app, &here, "a-1", 1_000).await.ok();
    assert_eq!(customer.balance(app), 1_000);
}

/// Goal: the service dies after the ledger's answer and before the ATM's: the retry is answered.
async fn a_lost_answer_is_asked_for_again(app: &mut TestApp) {
    let (atm, customer) = (atm(app).await, Customer::new(&app.app).await);
    claim(app, &customer, &number(app, &atm, "a-1").await).await;
    let made = load(app, &atm, "a-1", 5_000).await.ok();
    app.restart_without_views().await;
    app.clock.advance(60 * MINUTE);
    assert_eq!(load(app, &atm, "a-1", 5_000).await.ok(), made);
    // A cancel that comes first wins, and says so.
    claim(app, &customer, &number(app, &atm, "a-2").await).await;
    atm.cancel_top_up(app, "a-2").await.ok();
    load(app, &atm, "a-2", 5_000).await.refused(Code::TopupCanceled);
    assert_eq!(customer.balance(app), 5_000);
}

async fn a_closed_door_is_closed_for_numbers_too(app: &mut TestApp) {
    let (atm, customer) = (atm(app).await, Customer::new(&app.app).await);
    let shown = number(app, &atm, "a-1").await;
    let found = find(app, &customer, &shown).await.ok();
    let closing = Closing {
        door: Door::TopupAtm,
        scope: Scope::Store(atm.store_id.clone()),
        reason: "test".into(),
        notice_ja: String::new(),
        notice_en: String::new(),
        ends_at: None,
    };
    control::close(&app.app, &Actor::machine(), "山田", closing).await.unwrap();
    let session_id = found["session_id"].as_str().unwrap();
    agree(app, &customer, &shown, session_id).await.refused(Code::FunctionClosed);
    session(app, &atm, "a-2").await.refused(Code::FunctionClosed);
}

async fn an_atm_cannot_take_up_all_numbers(app: &mut TestApp) {
    let atm = atm(app).await;
    for id in 0..60 {
        session(app, &atm, &format!("a-{id}")).await.ok();
    }
    session(app, &atm, "a-60").await.refused(Code::TooManyRequests);
    let open = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM atm_session \
                    WHERE number_hash IS NOT NULL");
    let open = app.app.stores.registry.one(open).await.unwrap();
    assert_eq!(open.int("n").unwrap(), 1, "one screen, one number");
    app.clock.advance(10 * MINUTE);
    session(app, &atm, "a-60").await.ok();
}

/// Goal: typed at one node, loaded at two at once: once.
async fn two_nodes_load_a_session_once(app: &mut TestApp) {
    let (atm, customer) = (atm(app).await, Customer::new(&app.app).await);
    let other = app.another_node().await;
    claim(&other, &customer, &number(app, &atm, "a-1").await).await;
    let nodes = [(*app).clone(), other.clone()];
    let loads = at_once(nodes.iter().cycle().take(8).cloned().map(|node| {
        let atm = atm.clone();
        async move { load(&node, &atm, "a-1", 7_000).await }
    }))
    .await;
    let first = loads[0].ok();
    loads.iter().for_each(|answer| assert_eq!(answer.ok(), first));
    app.app.gate.catch_up().await.unwrap();
    assert_eq!(customer.balance(app), 7_000);
    other.app.close().await;
}
