//! A service in which everything has happened that can happen to value.

use omamori::audit::Actor;
use omamori::clock::{DAY, HOUR, MINUTE};
use omamori::console::access::Role;
use omamori::coupon::manage::{self, Owner};
use omamori::coupon::{Campaign, Gift};
use omamori::incident::work_due;
use omamori::merchant::create_terminal;
use omamori::privacy::{GRACE, ask_for_closing, carry_out_due};
use omamori::settlement::calendar::Calendar;
use omamori::settlement::terms::Terms;
use omamori::settlement::{bank, payout, returned, run};
use omamori::value::promise::issue_due;
use omamori::value::sweep::sweep;
use omamori::web::filters::japan;
use omamori_db::sql;
use serde_json::json;

use crate::authorization;
use crate::cardtopup::world::{World, deliver, work};
use crate::incident;
use crate::payback;
use crate::settlement::payouts::{account, with_sender};
use crate::settlement::{TERMS, shop};
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::passkey::Person;
use crate::support::shop::Register;
use crate::value::{begin, coupon, register_with_rate};

/// The sandbox's card that is charged back.
const CHARGED_BACK: &str = "4000000000000259";

/// Does it all. Something is set aside in the end.
pub async fn busy(app: &mut TestApp) {
    with_sender(app).await;
    let world = &mut World::new(app).await;
    let register = &register_with_rate(app, 10_000).await;
    cards(app, world, register).await;
    points_and_coupons(app, register).await;
    registers_and_machines(app, register).await;
    closing(app, register).await;
    sends(app, register).await;
    set_aside(app).await;
    promised_points(app).await;
    what_ends(app, register).await;
    merchants_are_paid(app).await;
    losses_are_made_good(app).await;
    what_was_taken_back_is_charged_back(app).await;
    payback::closing::one_leaves(app, register).await;
    service_ends(app, register).await;
    authorization::held::held(app).await;
    let mut person = rich(app, 3_000).await;
    person.confirmed(app, "/sends", &by_link("still-waiting", 1_200)).await.ok();
}

/// Value of all kinds set aside for later: captured in part, voided, and left to end.
async fn set_aside(app: &TestApp) {
    let (register, customer) = authorization::rich(app).await;
    register.authorize(app, "a-1", &customer.code(app.now()), 3_000).await.ok();
    register.capture(app, "a-1", "a-p", 1_300).await.ok();
    register.authorize(app, "a-2", &customer.code(app.now()), 2_500).await.ok();
    register.void(app, "a-2").await.ok();
    register.authorize(app, "a-3", &customer.code(app.now()), 2_100).await.ok();
    app.clock.advance(8 * DAY);
    app.app.gate.catch_up().await.unwrap();
}

/// Victims of an incident get back what they lost, one of them outside of the closed wallet; and
/// what came in and was not spent is taken back.
async fn losses_are_made_good(app: &TestApp) {
    let world = incident::world(app, 2).await;
    world.confirmed(app).await;
    let gone = sql("UPDATE customer SET status = 'closed' WHERE customer_id = $1");
    let gone = gone.bind(&world.victims[1].customer_id);
    app.app.stores.registry.execute(gone).await.unwrap();
    world.agreed(app, &json!({ "kind": "compensate", "on": "confirmed" })).await;
    world.count(app, &format!("customer:{}", world.victims[0].customer_id)).await;
    world.agreed(app, &json!({ "kind": "reverse", "on": "confirmed" })).await;
    assert!(work_due(&app.app).await.unwrap() >= 3);
    // The store gives back what the operator had made good.
    world.register.refund(app, "made-good", "theft-0", incident::stolen(0)).await.ok();
}

/// An incident takes a thief's top-up back, and then its card's holder has it charged back.
async fn what_was_taken_back_is_charged_back(app: &mut TestApp) {
    let (world, cards) = incident::once::carded(app).await;
    incident::once::found(app, &world).await;
    world.agreed(app, &incident::once::act("reverse")).await;
    work_due(&app.app).await.unwrap();
    incident::once::charged_back(app, &cards).await;
}

/// The service ends: a claim is paid, another one comes back from the bank, a third is refused; who
/// says nothing is excluded. Then, as no real one would, it goes on.
async fn service_ends(app: &mut TestApp, register: &Register) {
    let mut holders = Vec::new();
    for yen in [3_000, 4_000, 5_000] {
        holders.push(payback::Holder::new(app, register, yen).await);
    }
    payback::ended(app).await;
    for holder in &mut holders {
        holder.claims(app, "1234567").await.ok();
    }
    let refused = holders[2].claim(app).await.claim_id;
    let (desk, second) = (payback::finance(app).await, payback::finance(app).await);
    let written = json!({ "customer_id": holders[2].customer.phone(),
        "account": payback::account("6666666"), "reason": "窓口で受付" });
    desk.post(app, "/refunds", &written).await.ok();
    let reason = json!({ "reason": "ご本人でないため" });
    second.post(app, &format!("/refunds/{refused}/refuse"), &reason).await.done();
    let file = payback::file(app).await;
    let desk = payback::finance(app).await;
    desk.post(app, &format!("/refund-files/{file}/sent"), &reason).await.done();
    let back = holders[0].claim(app).await.claim_id;
    let returned = format!("/refund-files/{file}/returned/{back}");
    desk.post(app, &returned, &reason).await.done();
    app.clock.advance(62 * DAY);
    payback::agreed(app, Role::Finance, "/service-end/exclude", &reason).await;
    omamori::refund::work_due(&app.app).await.unwrap();
    let goes_on = sql("UPDATE service_end SET state = 'canceled'");
    app.app.stores.registry.execute(goes_on).await.unwrap();
    app.app.gate.controls().reload(&app.app.stores.registry).await.unwrap();
}

/// A merchant that took cash too is settled and paid; the bank takes the file and gives it back.
async fn merchants_are_paid(app: &TestApp) {
    let daily = Terms { calendar: Calendar::Daily, ..TERMS };
    let (register, customer) = shop(app, daily).await;
    let (node, actor, merchant_id) = (&app.app, Actor::machine(), &register.merchant_id);
    bank::set(node, &actor, merchant_id, &account("0000001")).await.unwrap();
    customer.load(app, &register, 1_000).await;
    register.sell(app, "m-1", &customer.code(app.now()), 10_000).await.ok();
    app.clock.advance(4 * DAY);
    let today = japan(app.now()).date();
    run::settle(node, today.yesterday().unwrap()).await.unwrap();
    let file = payout::make_file(node, &actor, today, "").await.unwrap().file.unwrap();
    payout::sent(node, &actor, &file.file_id, "").await.unwrap();
    let paid = payout::of_merchant(node, merchant_id, 1).await.unwrap();
    returned::returned(node, &actor, &paid[0].payout_id, "口座相違").await.unwrap();
}

/// A card's top-up is spent in part and charged back: what is there, and a loss.
async fn cards(app: &TestApp, world: &mut World, register: &Register) {
    let card = world.card(app, CHARGED_BACK).await;
    assert_eq!(world.top_up(app, &card, 10_000).await["status"], "credited");
    let code = world.customer.code(app.now());
    register.sell(app, "k-1", &code, 4_000).await.ok();
    app.clock.advance(2 * MINUTE);
    for message in &world.sandbox.take_messages() {
        deliver(app, message).await;
    }
    work(app).await;
}

async fn with_coupon(app: &TestApp, customer: &Customer, merchant: Option<&str>) -> Campaign {
    let campaign = begin(app, merchant, coupon(Gift::AmountOff { yen: 100 }, 1_000)).await;
    customer.set_coupon(app, &campaign).await;
    campaign
}

/// Points earned, turned into balance, used with a coupon; refunds in part, cancels, owed points.
async fn points_and_coupons(app: &TestApp, register: &Register) {
    let customer = Customer::new(&app.app).await;
    customer.load(app, register, 30_000).await;
    register.sell(app, "p-1", &customer.code(app.now()), 1_000).await.ok();
    customer.convert(app, "c-1", 300).await.ok();
    customer.use_points(app, true).await;
    let campaign = with_coupon(app, &customer, None).await;
    register.sell(app, "p-2", &customer.code(app.now()), 2_000).await.ok();
    register.refund(app, "r-2", "p-2", 900).await.ok();
    with_coupon(app, &customer, Some(&register.merchant_id)).await;
    register.sell(app, "p-3", &customer.code(app.now()), 500).await.ok();
    register.cancel(app, "p-3").await.ok();
    let owner = Owner { merchant_id: None, by: "test" };
    manage::stop(&app.app, owner, &campaign.campaign_id).await.unwrap();

    let debtor = Customer::new(&app.app).await;
    debtor.load(app, register, 5_000).await;
    register.sell(app, "d-1", &debtor.code(app.now()), 1_000).await.ok();
    debtor.convert(app, "c-2", 1_000).await.ok();
    register.refund(app, "d-r", "d-1", 1_000).await.ok();
    register.sell(app, "d-2", &debtor.code(app.now()), 300).await.ok();
}

/// Top-ups taken back, at a register and a machine; a cancel of what never came.
async fn registers_and_machines(app: &TestApp, register: &Register) {
    let customer = Customer::new(&app.app).await;
    let made = create_terminal(&app.app, &register.store_id, "ATM", "atm").await.unwrap();
    let machine =
        &Register { terminal_id: made.terminal_id, key: made.api_key, ..register.clone() };
    for terminal in [register, machine] {
        for (id, kept) in [("kept", true), ("back", false)] {
            let id = format!("t-{id}-{}", terminal.terminal_id);
            terminal.top_up(app, &id, &customer.code(app.now()), 1_000).await.ok();
            if !kept {
                terminal.cancel_top_up(app, &id).await.ok();
            }
        }
    }
    register.cancel(app, "never-came").await.ok();
}

/// An account that is closed.
async fn closing(app: &TestApp, register: &Register) {
    let customer = Customer::new(&app.app).await;
    customer.load(app, register, 1_000).await;
    // Without points, of which something would be left.
    let plain = register_with_rate(app, 0).await;
    plain.sell(app, "e-1", &customer.code(app.now()), 1_000).await.ok();
    app.clock.advance(15 * DAY);
    ask_for_closing(&app.app, &Actor::machine(), &customer.customer_id).await.unwrap();
    app.clock.advance(GRACE);
    carry_out_due(&app.app).await.unwrap();
}

async fn rich(app: &TestApp, yen: i64) -> Person {
    let person = Person::new(&app.app).await;
    person.customer.load(app, &Register::new(&app.app).await, yen).await;
    person
}

fn by_link(id: &str, yen: i64) -> serde_json::Value {
    json!({ "client_send_id": id, "amount": yen, "to": { "kind": "link" } })
}

/// A send that is taken, one that is called back, one whose time runs out, a request that is paid.
async fn sends(app: &TestApp, register: &Register) {
    let (mut sender, receiver) = (rich(app, 10_000).await, Person::new(&app.app).await);
    let to = json!({ "kind": "phone", "phone": receiver.customer.phone(), "name": "ゆき" });
    let to = json!({ "client_send_id": "s-1", "amount": 2_000, "to": to });
    let sent = sender.confirmed(app, "/sends", &to).await.ok();
    let id = sent["send"]["send_id"].as_str().unwrap();
    receiver.post(app, &format!("/sends/{id}/take"), &json!({})).await.ok();
    let sent = sender.confirmed(app, "/sends", &by_link("s-2", 500)).await.ok();
    let id = sent["send"]["send_id"].as_str().unwrap();
    sender.post(app, &format!("/sends/{id}/call-back"), &json!({})).await.ok();

    let people = json!([{ "phone": sender.customer.phone() }]);
    let request = json!({ "client_request_id": "b-1", "total": 700, "with_me": false,
        "people": people, "message": "焼肉" });
    receiver.post(app, "/money-requests", &request).await.ok();
    let to_pay = sender.get(app, "/money-requests").await.ok();
    let token = to_pay["to_pay"][0]["token"].as_str().unwrap();
    let pay = json!({ "client_send_id": "s-3", "amount": 700,
        "to": { "kind": "request", "token": token } });
    sender.confirmed(app, "/sends", &pay).await.ok();

    sender.confirmed(app, "/sends", &by_link("s-4", 600)).await.ok();
    app.clock.advance(49 * HOUR);
    Customer::new(&app.app).await.load(app, register, 1_000).await;
}

/// Points that come some days later, and a refund before they do.
async fn promised_points(app: &mut TestApp) {
    app.restart_with(|config| config.value.points.after_days = 3).await;
    let (register, customer) =
        (register_with_rate(app, 10_000).await, Customer::new(&app.app).await);
    customer.load(app, &register, 3_000).await;
    register.sell(app, "f-1", &customer.code(app.now()), 1_000).await.ok();
    register.refund(app, "f-r", "f-1", 300).await.ok();
    app.clock.advance(3 * DAY);
    app.restart_without_views().await;
    issue_due(&app.app).await.unwrap();
}

/// Lots of free value and of points whose time is over.
async fn what_ends(app: &TestApp, register: &Register) {
    app.clock.advance(14 * 31 * DAY);
    sweep(&app.app).await.unwrap();
    Customer::new(&app.app).await.load(app, register, 1_000).await;
}
