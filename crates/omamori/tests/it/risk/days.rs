//! Ordinary days with the starter rules live: what people do at the documented limits meets no
//! rule, or one that they can satisfy themselves. Beside each day, what the rule is there for.

use std::collections::BTreeSet;
use std::net::IpAddr;

use omamori::clock::{DAY, HOUR, MINUTE, SECOND};
use omamori::coupon::Gift;
use omamori::gate::{Act, Question};
use omamori::risk::Facts;
use omamori::web::codes::Code;
use serde_json::json;

use super::{guarded, hits, record};
use crate::cardtopup::world::{World, deliver_all, submit};
use crate::support::app::TestApp;
use crate::support::confirm::Passkey;
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::passkey::Person;
use crate::support::shop::Register;
use crate::value::{begin, coupon};

on_both_engines!(
    the_limits_can_be_used_to_the_yen,
    a_new_phone_tops_up_and_sends_a_little_and_a_thief_not_much,
    a_dinner_is_collected_and_a_mule_is_not,
    a_shopping_street_asks_for_the_owner_once,
    a_basket_goes_back_article_by_article_and_a_counter_refunds_all_day,
    a_gift_begins_and_all_new_customers_come_at_once,
    a_crowd_behind_one_address_signs_up_and_registers_cards,
    who_mistypes_a_card_registers_it_and_who_has_a_list_does_not,
    a_friend_of_a_clerk_brings_sale_after_sale_back,
);

const PLAIN: &str = "4242424242424242";

async fn starter(app: &mut TestApp) {
    app.restart_with(|config| config.starter_rules = true).await;
    assert_eq!(app.app.gate.risk().in_force().version, 1);
}

async fn asks(app: &TestApp, act: Act, customer: Option<&str>, facts: Facts<'_>) -> Option<Code> {
    let question = Question { customer, facts, ..Question::plain(act, &()) };
    app.app.gate.decide(question, Ok(())).await.err().map(|error| error.code())
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([198, 51, last, 1])
}

/// Goal: a phone of eight days, ¥98,000 of cash, one sale of it; the card to its limit, and spent.
async fn the_limits_can_be_used_to_the_yen(app: &mut TestApp) {
    let mut world = World::new(app).await;
    starter(app).await;
    app.clock.advance(6 * DAY);
    let register = Register::new(&app.app).await;
    let customer = Customer::enrolled_at(&app.app, app.now() - 8 * DAY).await;
    for id in ["t-1", "t-2"] {
        register.top_up(app, id, &customer.code(app.now()), 49_000).await.ok();
    }
    register.sell(app, "s-1", &customer.code(app.now()), 98_000).await.ok();

    let card = world.card(app, PLAIN).await;
    let topup = world.top_up(app, &card, 30_000).await;
    world.look(app, &topup).await;
    app.clock.advance(5 * MINUTE);
    register.sell(app, "s-2", &world.customer.code(app.now()), 30_000).await.ok();
}

/// Goal: a phone bought at noon pays lunch and its share of it within the hour. Attack: a moved
/// account is loaded at once, as in July 2019, or in parts.
async fn a_new_phone_tops_up_and_sends_a_little_and_a_thief_not_much(app: &mut TestApp) {
    let mut world = guarded(app).await;
    let card = world.card(app, PLAIN).await;
    let id = world.customer.customer_id.clone();
    assert_eq!(asks(app, Act::DeviceMove, Some(&id), Facts::proven(address(1))).await, None);
    app.clock.advance(MINUTE);
    world.ask(app, &card, 30_000).await.refused(Code::HeldForReview);
    let held = record(app, &world.customer, "topup_card").await;
    assert!(hits(&held).contains(&"topup-after-factor-change".to_owned()), "{held}");
    let topup = world.top_up(app, &card, 4_000).await;
    world.look(app, &topup).await;
    let share = json!({ "client_send_id": "s", "amount": 1_500, "to": { "kind": "link" } });
    world.customer.confirmed(app, &world.passkey, "/sends", Some(&share)).await.ok();
    let register = Register::new(&app.app).await;
    register.sell(app, "lunch", &world.customer.code(app.now()), 900).await.ok();
    world.ask(app, &card, 6_000).await.refused(Code::HeldForReview);
    app.clock.advance(61 * MINUTE);
    world.ask(app, &card, 6_000).await.ok();
}

async fn sends(app: &TestApp, to: &Person, register: &Register, yen: i64) -> String {
    let mut friend = Person::new(&app.app).await;
    friend.customer.load(app, register, yen).await;
    let to = json!({ "kind": "phone", "phone": to.customer.phone(), "name": "ゆき" });
    let request = json!({ "client_send_id": "d", "amount": yen, "to": to });
    let sent = friend.confirmed(app, "/sends", &request).await.ok();
    sent["send"]["send_id"].as_str().unwrap().to_owned()
}

/// Goal: nine friends give ¥4,000 each to who pays the dinner. Attack: a mule goes on collecting.
async fn a_dinner_is_collected_and_a_mule_is_not(app: &mut TestApp) {
    starter(app).await;
    let register = Register::new(&app.app).await;
    let organiser = Person::new(&app.app).await;
    let take =
        async |id: String| organiser.post(app, &format!("/sends/{id}/take"), &json!({})).await;
    for _ in 0..9 {
        let sent = sends(app, &organiser, &register, 4_000).await;
        take(sent).await.ok();
    }
    for _ in 0..3 {
        let sent = sends(app, &organiser, &register, 6_000).await;
        take(sent).await.ok();
    }
    let sent = sends(app, &organiser, &register, 1_000).await;
    take(sent).await.refused(Code::HeldForReview);
    assert_eq!(organiser.customer.balance(app), 54_000);
}

/// Goal: four shops in an hour: one tap and a finger at the fourth. Attack: a runner with a stolen
/// code has no finger.
async fn a_shopping_street_asks_for_the_owner_once(app: &mut TestApp) {
    starter(app).await;
    let register = Register::new(&app.app).await;
    let mut customer = Customer::new(&app.app).await;
    let passkey = Passkey::of(&app.app, &customer).await;
    customer.load(app, &register, 49_000).await;
    for id in ["a", "b", "c"] {
        let shop = Register::of_merchant(&app.app, &register.merchant_id).await;
        shop.sell(app, id, &customer.code(app.now()), 12_000).await.ok();
        app.clock.advance(10 * MINUTE);
    }
    let fourth = Register::of_merchant(&app.app, &register.merchant_id).await;
    let sell =
        async |customer: &Customer| fourth.sell(app, "d", &customer.code(app.now()), 2_000).await;
    sell(&customer).await.refused(Code::ConfirmationRequired);
    let waiting = customer.get(app, "/api/wallet/v1/confirmations").await.ok();
    let id = waiting["confirmations"][0]["confirmation_id"].as_str().unwrap();
    customer.confirmed(app, &passkey, &format!("/confirmations/{id}"), None).await.ok();
    sell(&customer).await.ok();
}

/// Goal: seven articles go back one by one, at a counter that sells nothing. Attack: a clerk gives
/// a friend's large purchases back.
async fn a_basket_goes_back_article_by_article_and_a_counter_refunds_all_day(app: &mut TestApp) {
    starter(app).await;
    let register = Register::new(&app.app).await;
    let counter = Register::of_merchant(&app.app, &register.merchant_id).await;
    let customer = Customer::new(&app.app).await;
    customer.load(app, &register, 49_000).await;
    register.sell(app, "basket", &customer.code(app.now()), 3_500).await.ok();
    for n in 0..7 {
        counter.refund(app, &format!("r-{n}"), "basket", 500).await.ok();
    }
    register.sell(app, "large", &customer.code(app.now()), 40_000).await.ok();
    for n in 0..5 {
        counter.refund(app, &format!("l-{n}"), "large", 6_000).await.ok();
    }
    counter.refund(app, "l-5", "large", 6_000).await.refused(Code::HeldForReview);
    register.refund(app, "l-6", "large", 500).await.ok();
}

/// Goal: twelve customers of this morning use the gift in one shop within the hour.
async fn a_gift_begins_and_all_new_customers_come_at_once(app: &mut TestApp) {
    starter(app).await;
    let register = Register::new(&app.app).await;
    let gift = coupon(Gift::AmountOff { yen: 50 }, 5_000);
    let campaign = begin(app, Some(&register.merchant_id), gift).await;
    for n in 0..12 {
        let customer = Customer::enrolled_at(&app.app, app.now() - 5 * MINUTE).await;
        customer.load(app, &register, 1_000).await;
        customer.set_coupon(app, &campaign).await;
        register.sell(app, &format!("s-{n}"), &customer.code(app.now()), 500).await.ok();
        assert_eq!(customer.balance(app), 550, "with the gift");
        app.clock.advance(MINUTE);
    }
}

/// Goal: a carrier's address on the day of a campaign. Attacks: a farm of accounts; cards that are
/// tried; both behind an address of their own.
async fn a_crowd_behind_one_address_signs_up_and_registers_cards(app: &mut TestApp) {
    starter(app).await;
    let (carrier, farm) = (Facts::proven(address(2)), address(3));
    for _ in 0..100 {
        assert_eq!(asks(app, Act::SignUp, None, carrier).await, None);
    }
    assert_eq!(asks(app, Act::SignUp, None, carrier).await, Some(Code::HeldForReview));
    let mut decided = Vec::new();
    for n in 0..40 {
        let (card, customer) = (format!("card-{n}"), format!("cus_{n}"));
        let facts = Facts { card: Some(&card), failed: n % 5 == 4, ..carrier };
        decided.push(asks(app, Act::CardRegister, Some(&customer), facts).await);
        app.clock.advance(SECOND);
    }
    assert!(decided.iter().all(Option::is_none), "{decided:?}");
    for n in 0..5 {
        let customer = format!("cus_farm_{n}");
        let facts = Facts { failed: true, ..Facts::proven(farm) };
        assert_eq!(asks(app, Act::CardRegister, Some(&customer), facts).await, None);
    }
    let facts = Facts { card: Some("good"), ..Facts::proven(farm) };
    let tried = asks(app, Act::CardRegister, Some("cus_farm_9"), facts).await;
    assert_eq!(tried, Some(Code::RiskRefused));
    // Who has four cards in a month gets no fifth, and tops up with those.
    let mut of_one = Vec::new();
    for card in ["a", "b", "c", "d", "e"] {
        let facts = Facts { card: Some(card), ..Facts::proven(address(4)) };
        of_one.push(asks(app, Act::CardRegister, Some("cus_many"), facts).await);
    }
    assert_eq!(of_one, [None, None, None, None, Some(Code::RiskRefused)]);
    let facts = Facts { card: Some("a"), ..Facts::proven(address(4)) };
    assert_eq!(asks(app, Act::TopupCard, Some("cus_many"), facts).await, None);
}

/// Goal: a slip of the finger, and a second try. Attack: numbers of a list, one registration each.
async fn who_mistypes_a_card_registers_it_and_who_has_a_list_does_not(app: &mut TestApp) {
    const REFUSED: &str = "4000000000000002";
    let mut world = guarded(app).await;
    let types = async |world: &mut World, numbers: &[&str]| {
        let begun = world.begin(app).await.ok();
        for number in numbers {
            let form = format!("act=register&number={number}");
            submit(begun["url"].as_str().unwrap(), &form).await;
        }
        deliver_all(world, app).await;
    };
    types(&mut world, &[REFUSED, PLAIN]).await;
    let failed = app.app.gate.evidence_of(&world.customer.customer_id, i64::MAX).await.unwrap();
    let of_cards = failed.records.iter().filter(|(_, record)| record["act"] == "card_add");
    let outcomes = of_cards.filter_map(|(_, record)| record["risk"]["outcome"].as_str());
    // Both in one moment of the clock that stands still.
    assert_eq!(outcomes.collect::<BTreeSet<_>>(), BTreeSet::from(["done", "failed"]));
    types(&mut world, &[REFUSED]).await;
    app.clock.advance(MINUTE);
    world.begin(app).await.refused(Code::RiskRefused);
    let record = record(app, &world.customer, "card_register").await;
    assert_eq!(hits(&record), ["card-tries"], "{record}");
    app.clock.advance(DAY + 2 * HOUR);
    world.begin(app).await.ok();
}

/// Goal: two purchases of one day come back, one of them in parts. Attack: what a friend carried
/// out is given back, sale after sale, each time little.
async fn a_friend_of_a_clerk_brings_sale_after_sale_back(app: &mut TestApp) {
    starter(app).await;
    let register = Register::new(&app.app).await;
    let (friend, other) = (Customer::new(&app.app).await, Customer::new(&app.app).await);
    for customer in [&friend, &other] {
        customer.load(app, &register, 9_000).await;
    }
    for id in ["a", "b", "c", "d"] {
        register.sell(app, id, &friend.code(app.now()), 1_000).await.ok();
        app.clock.advance(MINUTE);
    }
    register.sell(app, "other", &other.code(app.now()), 1_000).await.ok();
    for (refund, sale) in [("a-1", "a"), ("a-2", "a"), ("b-1", "b"), ("a-3", "a")] {
        register.refund(app, refund, sale, 200).await.ok();
    }
    register.refund(app, "c-1", "c", 1_000).await.refused(Code::HeldForReview);
    register.refund(app, "o-1", "other", 1_000).await.ok();
    app.clock.advance(DAY + 2 * HOUR);
    register.refund(app, "d-1", "d", 1_000).await.ok();
}
