//! Top-up by card, against a gateway that is slow, dead, late, repeats itself, or takes the money
//! without 3-D Secure: credited once or not at all, and the customer told which.

mod auto;
pub mod world;

use std::sync::Arc;

use omamori::clock::{DAY, MINUTE, SECOND};
use omamori::config::Card;
use omamori::secret::Secret;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::confirm::Passkey;
use crate::support::customer::Customer;
use crate::support::shop::Register;
use crate::support::{at_once, on_both_engines, on_several_nodes};
use world::{World, deliver, deliver_all, submit, work};

on_both_engines!(
    a_card_is_registered_and_tops_up,
    a_sandbox_that_starts_again_gives_no_name_twice,
    a_failed_challenge_never_credits,
    a_challenge_that_nobody_answers_is_called_off,
    a_declined_card_gives_its_limit_back,
    an_answer_that_never_comes_is_found_out,
    a_late_answer_credits_once,
    a_gateway_that_tells_twice_credits_once,
    a_charge_without_3d_secure_goes_back,
    a_gateway_that_is_down_charges_nothing,
    what_cannot_be_credited_goes_back_once,
    sixteen_top_ups_at_once_keep_the_limit,
    a_repeated_request_is_one_top_up,
    a_forged_or_replayed_message_changes_nothing,
    a_chargeback_takes_what_is_there,
    cards_and_tries_are_limited,
    one_card_on_many_accounts_is_refused_and_flagged,
    one_card_on_many_accounts_at_once_is_refused_too,
    a_strangers_card_and_top_up_are_not_there,
    a_conversation_survives_a_restart,
);
on_several_nodes!(several_nodes_resolve_once);

const PLAIN: &str = "4242424242424242";
const CHALLENGE: &str = "4000000000003220";
const REFUSED: &str = "4000000000000002";
const DECLINED: &str = "4000000000000341";
const CHARGED_BACK: &str = "4000000000000259";
const NO_ANSWER: &str = "5555555555554444";
const LATE: &str = "3530111333300000";
const TWICE: &str = "5200828282828210";
const NOT_AUTHENTICATED: &str = "4000000000000077";

/// Bug: the sandbox began to count at one after a restart, and what it called a registration was in
/// the registry already.
async fn a_sandbox_that_starts_again_gives_no_name_twice(app: &mut TestApp) {
    let mut world = World::new(app).await;
    assert_eq!(world.register(app, PLAIN).await["status"], "done");
    app.clock.advance(SECOND);
    world.restart(app).await;
    assert_eq!(world.register(app, PLAIN).await["status"], "done");
}

/// Goal: no number reaches us; 3-D Secure; balance, history and notice say the same.
async fn a_card_is_registered_and_tops_up(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let card = world.card(app, CHALLENGE).await;
    assert_eq!(world.told(app, "card_added").await, 1);
    let topup = world.top_up(app, &card, 10_000).await;
    assert_eq!(topup["status"], "challenge");
    assert_eq!(world.balance(app), 0, "nothing before the bank has answered");
    submit(topup["url"].as_str().unwrap(), "answer=right").await;
    let done = world.look(app, &topup).await;
    assert_eq!((&done["status"], &done["amount"]), (&json!("credited"), &json!(10_000)));
    assert_eq!(world.look(app, &topup).await, done);
    assert_eq!((world.balance(app), world.sandbox.taken()), (10_000, (10_000, 0)));
    assert_eq!(world.told(app, "credited").await, 1);
    let history = world.customer.get(app, "/api/wallet/v1/history").await.ok();
    let [entry] = &history["entries"].as_array().unwrap()[..] else { panic!("{history}") };
    assert_eq!(entry["kind"], "topup_card");
    assert_eq!(entry["store_name"], "Visa •••• 3220");
    assert_eq!(entry["id"], topup["topup_id"]);
    let kept = sql("SELECT holder, token, brand, last4 FROM card");
    let kept = app.app.stores.registry.one(kept).await.unwrap();
    let columns = ["holder", "token", "brand", "last4"];
    assert!(columns.iter().all(|name| !kept.text(*name).unwrap().contains(CHALLENGE)));
}

async fn a_failed_challenge_never_credits(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let card = world.card(app, CHALLENGE).await;
    let topup = world.top_up(app, &card, 30_000).await;
    submit(topup["url"].as_str().unwrap(), "answer=wrong").await;
    let done = world.look(app, &topup).await;
    assert_eq!(
        (&done["status"], &done["reason"]),
        (&json!("refused"), &json!("authentication_failed"))
    );
    // The bank's page opened again in another tab changes nothing any more.
    submit(topup["url"].as_str().unwrap(), "answer=right").await;
    deliver_all(&world, app).await;
    work(app).await;
    assert_eq!((world.balance(app), world.sandbox.taken()), (0, (0, 0)));
    assert_eq!(world.told(app, "refused").await, 1);
    // Its limit is free again.
    assert_eq!(world.top_up(app, &card, 30_000).await["status"], "challenge");
    app.clock.advance(16 * MINUTE);
    work(app).await;
}

async fn a_challenge_that_nobody_answers_is_called_off(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let card = world.card(app, CHALLENGE).await;
    let topup = world.top_up(app, &card, 10_000).await;
    app.clock.advance(14 * MINUTE);
    work(app).await;
    let still = world.look(app, &topup).await;
    assert_eq!(still["status"], "challenge");
    assert_eq!(still["url"], topup["url"], "the way back to the bank");
    app.clock.advance(2 * MINUTE);
    work(app).await;
    let done = world.look(app, &topup).await;
    assert_eq!((&done["status"], &done["reason"]), (&json!("refused"), &json!("abandoned")));
    submit(topup["url"].as_str().unwrap(), "answer=right").await;
    work(app).await;
    assert_eq!((world.balance(app), world.sandbox.taken()), (0, (0, 0)));
}

async fn a_declined_card_gives_its_limit_back(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let declined = world.card(app, DECLINED).await;
    let good = world.card(app, PLAIN).await;
    let topup = world.top_up(app, &declined, 30_000).await;
    assert_eq!((&topup["status"], &topup["reason"]), (&json!("refused"), &json!("declined")));
    assert_eq!(world.top_up(app, &good, 30_000).await["status"], "credited");
    world.ask(app, &good, 1_000).await.refused(Code::LimitTopupCard24h);
    assert_eq!(world.balance(app), 30_000);
}

/// The card is charged, and the gateway's answer is lost.
async fn an_answer_that_never_comes_is_found_out(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let card = world.card(app, NO_ANSWER).await;
    let request = world.request(&card, 10_000);
    // The gateway dies after it has taken the money: nobody can ask it.
    let asked =
        world.customer.confirmed(app, &world.passkey, "/topups/card", Some(&request)).await.ok();
    let topup = &asked["topup"];
    if topup["status"] == "unknown" {
        world.sandbox.set_down(true);
        assert_eq!(world.look(app, topup).await["status"], "unknown");
        world.sandbox.set_down(false);
    }
    app.clock.advance(2 * MINUTE);
    work(app).await;
    assert_eq!(world.look(app, topup).await["status"], "credited");
    work(app).await;
    assert_eq!((world.balance(app), world.sandbox.taken()), (10_000, (10_000, 0)));
    assert_eq!(world.told(app, "credited").await, 1);
}

/// The customer has left by then.
async fn a_late_answer_credits_once(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let card = world.card(app, LATE).await;
    let topup = world.top_up(app, &card, 10_000).await;
    assert_eq!(topup["status"], "unknown");
    work(app).await;
    assert_eq!(world.balance(app), 0);
    app.clock.advance(MINUTE);
    work(app).await;
    deliver_all(&world, app).await;
    assert_eq!(world.look(app, &topup).await["status"], "credited");
    assert_eq!((world.balance(app), world.sandbox.taken()), (10_000, (10_000, 0)));
    assert_eq!(world.told(app, "credited").await, 1);
}

async fn a_gateway_that_tells_twice_credits_once(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let card = world.card(app, TWICE).await;
    assert_eq!(world.top_up(app, &card, 10_000).await["status"], "credited");
    assert!(deliver_all(&world, app).await >= 2);
    work(app).await;
    assert_eq!(world.balance(app), 10_000);
    assert_eq!(world.told(app, "credited").await, 1);
}

async fn a_charge_without_3d_secure_goes_back(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let card = world.card(app, NOT_AUTHENTICATED).await;
    let topup = world.top_up(app, &card, 10_000).await;
    assert_eq!(
        (&topup["status"], &topup["reason"]),
        (&json!("refunded"), &json!("authentication_failed"))
    );
    assert_eq!((world.balance(app), world.sandbox.taken()), (0, (10_000, 10_000)));
    assert_eq!(world.told(app, "refunded").await, 1);
}

async fn a_gateway_that_is_down_charges_nothing(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let card = world.card(app, PLAIN).await;
    world.sandbox.set_down(true);
    let topup = world.top_up(app, &card, 30_000).await;
    assert_eq!((&topup["status"], &topup["reason"]), (&json!("refused"), &json!("unreachable")));
    world.begin(app).await.refused(Code::GatewayUnavailable);
    world.sandbox.set_down(false);
    work(app).await;
    assert_eq!(world.top_up(app, &card, 30_000).await["status"], "credited");
    assert_eq!((world.balance(app), world.sandbox.taken()), (30_000, (30_000, 0)));
}

/// The account is stopped between the bank's answer and ours.
async fn what_cannot_be_credited_goes_back_once(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let card = world.card(app, CHALLENGE).await;
    let topup = world.top_up(app, &card, 10_000).await;
    world.customer.post(app, "/account/stop", &json!({})).await;
    submit(topup["url"].as_str().unwrap(), "answer=right").await;
    world.sandbox.set_down(true);
    assert_eq!(world.look(app, &topup).await["status"], "challenge");
    world.sandbox.set_down(false);
    let done = world.look(app, &topup).await;
    assert_eq!((&done["status"], &done["reason"]), (&json!("refunded"), &json!("account_frozen")));
    deliver_all(&world, app).await;
    work(app).await;
    assert_eq!((world.balance(app), world.sandbox.taken()), (0, (10_000, 10_000)));
    assert_eq!(world.told(app, "refunded").await, 1);
    world.ask(app, &card, 1_000).await.refused(Code::AccountFrozen);
    world.begin(app).await.refused(Code::AccountFrozen);
}

/// Goal: ¥30,000 of a card in 24 hours, whatever comes at once.
async fn sixteen_top_ups_at_once_keep_the_limit(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let card = world.card(app, LATE).await;
    let mut bodies = Vec::new();
    for _ in 0..16 {
        let request = world.request(&card, 10_000);
        let options = world.customer.post(app, "/topups/card/options", &request).await.ok();
        let credential = world.passkey.get(&options);
        bodies.push(json!({ "request": request, "proof": { "passkey": credential } }));
    }
    let customer = Arc::new(world.customer);
    let answers = at_once(bodies.into_iter().map(|body| {
        let (node, customer) = ((*app).clone(), customer.clone());
        async move { customer.post(&node, "/topups/card", &body).await }
    }))
    .await;
    let begun = answers.iter().filter(|answer| answer.status.is_success()).count();
    assert!(begun <= 3, "{begun}");
    app.clock.advance(2 * MINUTE);
    work(app).await;
    app.clock.advance(2 * MINUTE);
    work(app).await;
    let (paid, refunded) = world.sandbox.taken();
    assert!(paid <= 30_000 && paid > 0, "{paid}");
    assert_eq!((customer.balance(app), refunded), (paid, 0));
}

/// A double click, and an answer that was lost on its way.
async fn a_repeated_request_is_one_top_up(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let card = world.card(app, PLAIN).await;
    let request = world.request(&card, 10_000);
    let options = world.customer.post(app, "/topups/card/options", &request).await.ok();
    let body = json!({ "request": request, "proof": { "passkey": world.passkey.get(&options) } });
    let first = world.customer.post(app, "/topups/card", &body).await;
    world.customer.keep_session(&first);
    let again = world.customer.post(app, "/topups/card", &body).await.ok();
    assert_eq!(again["topup"], first.ok()["topup"]);
    let mut other = body.clone();
    other["request"]["amount"] = json!(20_000);
    world.customer.post(app, "/topups/card", &other).await.refused(Code::TopupIdReused);
    other["request"]["request_id"] = json!("request-number-9999");
    world.customer.post(app, "/topups/card", &other).await.refused(Code::ProofFailed);
    assert_eq!((world.balance(app), world.sandbox.taken().0), (10_000, 10_000));
    for (field, value) in
        [("amount", json!(1_500)), ("amount", json!(0)), ("request_id", json!("x"))]
    {
        let mut wrong = request.clone();
        wrong[field] = value;
        let refused = world.customer.post(app, "/topups/card/options", &wrong).await;
        refused.refused(Code::InvalidRequest);
    }
    world.ask(app, &card, 31_000).await.refused(Code::LimitTopupAmount);
}

async fn a_forged_or_replayed_message_changes_nothing(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let card = world.card(app, LATE).await;
    world.top_up(app, &card, 10_000).await;
    app.clock.advance(30 * SECOND);
    let messages = world.sandbox.take_messages();
    let good = messages.last().unwrap().clone();
    let mut forged = good.clone();
    forged.body = forged.body.replace("payment_intent.succeeded", "charge.dispute.created");
    deliver(app, &forged).await.refused(Code::Unauthorized);
    forged.clone_from(&good);
    forged.signature = forged.signature.replace("v1=", "v0=");
    deliver(app, &forged).await.refused(Code::Unauthorized);
    forged.signature = String::new();
    deliver(app, &forged).await.refused(Code::Unauthorized);
    app.clock.advance(6 * MINUTE);
    deliver(app, &good).await.refused(Code::Unauthorized);
    let other = Secret::new("whsec_other".into());
    app.restart_with(|config| {
        if let Card::Stripe { webhook_secret, .. } = &mut config.card {
            *webhook_secret = other;
        }
    })
    .await;
    deliver(app, &good).await.refused(Code::Unauthorized);
    work(app).await;
    assert_eq!(world.balance(app), 10_000);
}

/// Half of it is spent by then.
async fn a_chargeback_takes_what_is_there(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let register = Register::new(&app.app).await;
    let card = world.card(app, CHARGED_BACK).await;
    assert_eq!(world.top_up(app, &card, 10_000).await["status"], "credited");
    let code = world.customer.code(app.now());
    register.sell(app, "s-1", &code, 4_000).await.ok();
    app.clock.advance(2 * MINUTE);
    let messages = world.sandbox.take_messages();
    for message in messages.iter().chain(&messages) {
        deliver(app, message).await;
    }
    work(app).await;
    assert_eq!(world.balance(app), 0);
    assert_eq!(world.told(app, "card_charged_back").await, 1);
    let query = sql("SELECT state, taken, lost FROM card_dispute");
    let dispute = app.app.stores.registry.one(query).await.unwrap();
    assert_eq!(dispute.text("state").unwrap(), "reversed");
    let (taken, lost) = (dispute.int("taken").unwrap(), dispute.int("lost").unwrap());
    assert_eq!((taken, lost), (6_000, 4_000));
    let query = sql("SELECT kind FROM topup_review WHERE reviewed_at IS NULL");
    assert_eq!(
        app.app.stores.registry.one(query).await.unwrap().text("kind").unwrap(),
        "chargeback"
    );
    let code = world.customer.code(app.now());
    register.sell(app, "s-2", &code, 1).await.refused(Code::AccountFrozen);
    world.ask(app, &card, 1_000).await.refused(Code::CardNotFound);
}

async fn cards_and_tries_are_limited(app: &mut TestApp) {
    let mut world = World::new(app).await;
    for number in [PLAIN, CHALLENGE, TWICE] {
        world.card(app, number).await;
    }
    world.begin(app).await.refused(Code::CardsMax);
    let query = sql("SELECT card_id FROM card WHERE last4 = '4242'");
    let card = app.app.stores.registry.one(query).await.unwrap().text("card_id").unwrap();
    let remove = format!("/cards/{card}/remove");
    assert_eq!(world.customer.post(app, &remove, &json!({})).await.status, 204);
    world.customer.post(app, &remove, &json!({})).await.refused(Code::CardNotFound);
    world.ask(app, &card, 1_000).await.refused(Code::CardNotFound);
    work(app).await;
    let query = sql("SELECT token FROM card WHERE last4 = '4242'");
    let forgotten = app.app.stores.registry.one(query).await.unwrap();
    assert_eq!(forgotten.text_optional("token").unwrap(), None, "the gateway forgot it");

    app.clock.advance(DAY + MINUTE);
    for tries in 0..3 {
        let begun = world.begin(app).await.ok();
        let page = begun["url"].as_str().unwrap().to_owned();
        for _ in 0..3 {
            submit(&page, &format!("act=register&number={REFUSED}")).await;
        }
        app.clock.advance(2 * SECOND);
        let path = format!("/cards/setups/{}/look", begun["setup_id"].as_str().unwrap());
        let setup = world.customer.post(app, &path, &json!({})).await.ok();
        assert_eq!(setup["status"], "refused", "try {tries}");
    }
    world.begin(app).await.refused(Code::CardTries);
}

async fn one_card_on_many_accounts_is_refused_and_flagged(app: &mut TestApp) {
    let mut world = World::new(app).await;
    world.card(app, PLAIN).await;
    for (expected, reason) in [("done", Value::Null), ("refused", json!("gateway_refused"))] {
        world.customer = Customer::new(&app.app).await;
        world.passkey = Passkey::of(&app.app, &world.customer).await;
        let setup = world.register(app, PLAIN).await;
        assert_eq!((&setup["status"], &setup["reason"]), (&json!(expected), &reason));
    }
    let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM topup_review \
                     WHERE kind = 'card_shared'");
    assert_eq!(app.app.stores.registry.one(count).await.unwrap().int("n").unwrap(), 2);
}

/// Attack: a thief types one card for eight accounts, and lets all come back in one moment.
async fn one_card_on_many_accounts_at_once_is_refused_too(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let mut setups = Vec::new();
    for _ in 0..8 {
        let begun = world.begin(app).await.ok();
        submit(begun["url"].as_str().unwrap(), &format!("act=register&number={PLAIN}")).await;
        let next = Customer::new(&app.app).await;
        world.passkey = Passkey::of(&app.app, &next).await;
        let customer = std::mem::replace(&mut world.customer, next);
        setups.push((customer, begun["setup_id"].as_str().unwrap().to_owned()));
    }
    app.clock.advance(2 * SECOND);
    let node = (*app).clone();
    let looked = at_once(setups.into_iter().map(|(customer, setup_id)| {
        let node = node.clone();
        async move {
            let path = format!("/cards/setups/{setup_id}/look");
            customer.post(&node, &path, &json!({})).await.ok()["status"].take()
        }
    }));
    let looked = looked.await;
    assert_eq!(looked.iter().filter(|status| **status == "done").count(), 2, "{looked:?}");
    assert_eq!(looked.iter().filter(|status| **status == "refused").count(), 6, "{looked:?}");
    let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM card WHERE state = 'active'");
    assert_eq!(app.app.stores.registry.one(count).await.unwrap().int("n").unwrap(), 2);
    let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM topup_review \
                     WHERE kind = 'card_shared'");
    assert_eq!(app.app.stores.registry.one(count).await.unwrap().int("n").unwrap(), 7);
}

async fn a_strangers_card_and_top_up_are_not_there(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let card = world.card(app, PLAIN).await;
    let topup = world.top_up(app, &card, 1_000).await;
    world.customer = Customer::new(&app.app).await;
    world.passkey = Passkey::of(&app.app, &world.customer).await;
    world.ask(app, &card, 1_000).await.refused(Code::CardNotFound);
    let remove = format!("/cards/{card}/remove");
    world.customer.post(app, &remove, &json!({})).await.refused(Code::CardNotFound);
    let id = topup["topup_id"].as_str().unwrap();
    let look = format!("/topups/card/{id}/look");
    world.customer.post(app, &look, &json!({})).await.refused(Code::TopupNotFound);
    let page = world.customer.get(app, &format!("/topup/card/{id}")).await;
    assert_eq!(page.status, 404);
}

/// The service dies while the card's bank waits, and loses its views.
async fn a_conversation_survives_a_restart(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let card = world.card(app, CHALLENGE).await;
    let topup = world.top_up(app, &card, 30_000).await;
    app.restart_without_views().await;
    world.ask(app, &card, 1_000).await.refused(Code::LimitTopupCard24h);
    submit(topup["url"].as_str().unwrap(), "answer=right").await;
    app.clock.advance(2 * MINUTE);
    work(app).await;
    assert_eq!((world.balance(app), world.sandbox.taken()), (30_000, (30_000, 0)));
    assert_eq!(world.told(app, "credited").await, 1);
}

/// Goal: whichever node looks, and all at once: credited once, told once.
async fn several_nodes_resolve_once(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let card = world.card(app, LATE).await;
    for _ in 0..3 {
        world.top_up(app, &card, 10_000).await;
    }
    app.clock.advance(MINUTE);
    let nodes = [(*app).clone(), app.another_node().await, app.another_node().await];
    at_once(nodes.iter().cloned().map(|node| async move { work(&node).await })).await;
    app.app.gate.catch_up().await.unwrap();
    assert_eq!((world.balance(app), world.sandbox.taken()), (30_000, (30_000, 0)));
    assert_eq!(world.told(app, "credited").await, 3);
    for node in &nodes[1..] {
        node.app.close().await;
    }
}
