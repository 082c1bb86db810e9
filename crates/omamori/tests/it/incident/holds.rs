//! Single sales are held: settled, carried on by each statement, paid after their release, once.

use jiff::civil::{Date, date};
use omamori::audit::Actor;
use omamori::clock::DAY;
use omamori::id::Kind;
use omamori::incident::{act, work_due};
use omamori::settlement::statement::{self, Settlement, Statement};
use omamori::settlement::{carry, run, terms};
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use super::{World, opened, rows, stolen, world};
use crate::settlement::TERMS;
use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::shop::Register;
use crate::support::staff::Staff;
use crate::support::{at_once, on_both_engines, on_several_nodes};

on_both_engines!(
    a_held_sale_is_carried_on_and_paid_after_its_release,
    what_is_refunded_of_a_held_sale_is_held_no_more,
    a_sale_that_was_paid_out_is_not_held,
    a_sale_is_held_once_and_as_long_as_anybody_holds_it,
    nobody_releases_a_sale_alone,
);
on_several_nodes!(
    a_hold_while_a_settlement_runs_is_before_or_after_it,
    a_release_while_a_settlement_runs_is_paid_once,
);

const APRIL: Date = date(2026, 4, 30);
const MAY: Date = date(2026, 5, 31);
const JUNE: Date = date(2026, 6, 30);

fn hold() -> Value {
    json!({ "kind": "hold_sales", "on": "confirmed" })
}

fn release() -> Value {
    json!({ "kind": "release_sales", "on": "all" })
}

/// Two stolen payments, of ¥3,000 and ¥3,001, at a merchant with terms of 1.95 %.
async fn robbed(app: &TestApp) -> World {
    let world = world(app, 2).await;
    terms::set(&app.app, &Actor::machine(), &world.register.merchant_id, TERMS).await.unwrap();
    world.confirmed(app).await;
    world
}

/// Lets an act be carried out; gives what came of each sale.
async fn outcomes(app: &TestApp, world: &World, parameters: &Value) -> Vec<(String, String)> {
    let (act_id, _) = world.agreed(app, parameters).await;
    work_due(&app.app).await.unwrap();
    let rows = act::rows(&app.app.stores.registry, &act_id, 100).await.unwrap();
    rows.into_iter().map(|row| (row.subject, row.outcome)).collect()
}

fn words(outcomes: &[(String, String)]) -> Vec<&str> {
    outcomes.iter().map(|(_, outcome)| outcome.as_str()).collect()
}

/// The statement of a day, after a run; what it carries on is what the ledger owes.
async fn settled(app: &TestApp, world: &World, day: Date) -> Statement {
    run::settle(&app.app, day).await.unwrap();
    let again = run::settle(&app.app, day).await.unwrap();
    assert!(again.made.is_empty() && again.failed.is_empty(), "again changes nothing");
    assert_adds_up(app, world).await;
    stated(app, world, day).await.unwrap()
}

async fn stated(app: &TestApp, world: &World, day: Date) -> Option<Statement> {
    let merchant = &world.register.merchant_id;
    let id = Kind::Settlement.text(Settlement::number(merchant, day));
    statement::find(&app.app, merchant, &id).await.unwrap().map(|one| one.statement)
}

/// What the newest statement carries on is what the merchant is owed, less what waits for a file.
async fn assert_adds_up(app: &TestApp, world: &World) {
    let merchant = &world.register.merchant_id;
    let all = statement::list(&app.app, merchant, 100).await.unwrap();
    let payable = app.app.gate.account(carry::payable_id(merchant)).unwrap();
    let owed = payable.credits_posted.cast_signed() - payable.debits_posted.cast_signed();
    let owed = owed - payable.debits_pending.cast_signed();
    assert_eq!(owed, all.first().unwrap().carried_out);
    assert!(all.iter().all(|one| one.payout >= 0));
}

/// Goal: of ¥8,001 that were sold, ¥6,001 are held. Fee ⌊8,001 × 1.95 %⌋ = 156, tax 15: ¥7,830 are
/// owed. The held ones are 3,000 − 58 − 5 and 3,001 − 58 − 5; ¥1,955 are paid. One of them is
/// released in May, the other in June: each is in the next statement's payout, and nothing is left.
async fn a_held_sale_is_carried_on_and_paid_after_its_release(app: &mut TestApp) {
    let mut world = robbed(app).await;
    let honest = Customer::new(&app.app).await;
    honest.load(app, &Register::new(&app.app).await, 9_000).await;
    world.register.sell(app, "honest", &honest.code(app.now()), 2_000).await.ok();
    let (act_id, plan) = world.agreed(app, &hold()).await;
    assert_eq!((&plan["rows"], &plan["yen"]), (&json!(2), &json!(stolen(0) + stolen(1))));
    work_due(&app.app).await.unwrap();
    let held = act::rows(&app.app.stores.registry, &act_id, 10).await.unwrap();
    assert!(held.iter().all(|row| row.outcome == "done" && row.moved == row.yen), "{held:?}");
    assert_eq!(rows(app, "audit_entry", "incident_sale_hold").await, 2);

    app.clock.advance(31 * DAY);
    let april = settled(app, &world, APRIL).await;
    assert_eq!((april.net_sales, april.fee, april.tax), (8_001, 156, 15));
    assert_eq!((april.held, april.payout, april.carried_out), (5_875, 1_955, 5_875));
    assert_told(app, &world).await;

    world.signed_in(app).await;
    let first = held.iter().find(|row| row.yen == 3_000).unwrap().subject.clone();
    let one = json!({ "kind": "release_sales", "on": "all", "subjects": [first] });
    assert_eq!(words(&outcomes(app, &world, &one).await), ["done"]);
    app.clock.advance(31 * DAY);
    let may = settled(app, &world, MAY).await;
    assert_eq!((may.carried_in, may.payout, may.held), (5_875, 2_937, 2_938));

    world.signed_in(app).await;
    assert_eq!(words(&outcomes(app, &world, &release()).await), ["done"]);
    app.clock.advance(31 * DAY);
    let june = settled(app, &world, JUNE).await;
    assert_eq!((june.payout, june.held, june.carried_out), (2_938, 0, 0));
    assert_eq!(april.payout + may.payout + june.payout, 7_830, "to the yen");
    assert!(june.held_sales.is_empty());
    world.signed_in(app).await;
    let nothing = world.fraud.post(app, &world.path("acts"), &release()).await;
    nothing.refused(Code::IncidentEmpty);
}

/// The merchant reads of it on the page and in the CSV, in both languages; what comes before the
/// payout still adds up.
async fn assert_told(app: &TestApp, world: &World) {
    let merchant = &world.register.merchant_id;
    let staff = Staff::new(&app.app, merchant).await;
    let id = statement::list(&app.app, merchant, 1).await.unwrap().remove(0).settlement_id;
    let path = format!("/merchant/settlements/{id}");
    let page = staff.call(app, "GET", &path, &Value::Null).await;
    assert!(page.text().contains("保留中の売上") && page.text().contains("5,875"));
    let page = staff.call(app, "GET", &format!("{path}?lang=en"), &Value::Null).await;
    assert!(page.text().contains("data-held"));
    let list = staff.call(app, "GET", "/merchant/settlements", &Value::Null).await;
    assert!(list.text().contains("5,875"));
    let csv = staff.call(app, "GET", &format!("{path}/csv"), &Value::Null).await;
    let lines: Vec<&str> = csv.text().lines().skip(1).collect();
    let yen = |line: &&str| line.rsplit(',').next().unwrap().parse::<i64>().unwrap();
    let paid = lines.iter().position(|line| line.contains(",payout,")).unwrap();
    let parts: i64 = lines[..paid].iter().map(yen).sum();
    assert_eq!(parts, yen(&lines[paid]) + yen(&lines[paid + 1]));
    assert!(lines[paid + 2].contains(",held,,\"\",2,5875"), "{}", lines[paid + 2]);
    let single = lines.iter().filter(|line| line.contains(",held_sale pay_"));
    assert_eq!(single.map(yen).sum::<i64>(), 5_875);
    let other = Staff::new(&app.app, &Register::new(&app.app).await.merchant_id).await;
    assert_eq!(other.call(app, "GET", &path, &Value::Null).await.status, 404);
}

/// Goal: ¥6,001 are held. In May ¥3,000 are refunded whole and ¥1,000 of the other: the fee of
/// them comes back, ¥2,001 are held on, as far as that is owed; after the release all is paid.
async fn what_is_refunded_of_a_held_sale_is_held_no_more(app: &mut TestApp) {
    let mut world = robbed(app).await;
    assert_eq!(words(&outcomes(app, &world, &hold()).await), ["done", "done"]);
    app.clock.advance(31 * DAY);
    let april = settled(app, &world, APRIL).await;
    assert_eq!((april.payout, april.held, april.carried_out), (0, 5_873, 5_873));
    world.register.refund(app, "r-0", "theft-0", 3_000).await.ok();
    world.register.refund(app, "r-1", "theft-1", 1_000).await.ok();
    app.clock.advance(31 * DAY);
    let may = settled(app, &world, MAY).await;
    assert_eq!((may.net_sales, may.fee, may.tax), (-4_000, -78, -7));
    assert_eq!((may.payout, may.held, may.carried_out), (0, 1_958, 1_958));
    assert_eq!(may.held_sales.len(), 1);
    assert_eq!((may.held_sales[0].gross, may.held_sales[0].net()), (2_001, 1_960));
    world.signed_in(app).await;
    outcomes(app, &world, &release()).await;
    app.clock.advance(31 * DAY);
    let june = settled(app, &world, JUNE).await;
    assert_eq!((june.payout, june.carried_out), (1_958, 0));
}

/// Goal: what a statement has paid is listed with nothing, said to be paid, and not held.
async fn a_sale_that_was_paid_out_is_not_held(app: &mut TestApp) {
    let mut world = robbed(app).await;
    app.clock.advance(31 * DAY);
    let april = settled(app, &world, APRIL).await;
    world.signed_in(app).await;
    let (act_id, plan) = world.agreed(app, &hold()).await;
    assert_eq!((&plan["rows"], &plan["yen"]), (&json!(2), &json!(0)));
    work_due(&app.app).await.unwrap();
    let rows = act::rows(&app.app.stores.registry, &act_id, 10).await.unwrap();
    assert!(rows.iter().all(|row| row.outcome == "settled" && row.moved == 0), "{rows:?}");
    let nothing = world.fraud.post(app, &world.path("acts"), &release()).await;
    nothing.refused(Code::IncidentEmpty);
    app.clock.advance(31 * DAY);
    assert!(run::settle(&app.app, MAY).await.unwrap().made.is_empty());
    assert_eq!((april.payout, april.held), (5_873, 0));
    let path = format!("/console/incidents/{}/acts/{act_id}", world.incident);
    world.signed_in(app).await;
    assert!(world.fraud.get(app, &path).await.text().contains("精算済み"));
}

/// Attack: the same sale is held by two acts and by two incidents, and one of them lets it go.
async fn a_sale_is_held_once_and_as_long_as_anybody_holds_it(app: &mut TestApp) {
    let mut world = robbed(app).await;
    assert_eq!(words(&outcomes(app, &world, &hold()).await), ["done", "done"]);
    assert_eq!(words(&outcomes(app, &world, &hold()).await), ["already", "already"]);
    let first = std::mem::take(&mut world.incident);
    world.incident = opened(app, &world.fraud, "同じ被害の別の届出").await;
    world.confirmed(app).await;
    assert_eq!(words(&outcomes(app, &world, &hold()).await), ["done", "done"]);
    let second = std::mem::replace(&mut world.incident, first);
    assert_eq!(words(&outcomes(app, &world, &release()).await), ["done", "done"]);
    app.clock.advance(31 * DAY);
    let april = settled(app, &world, APRIL).await;
    assert_eq!((april.payout, april.held, april.held_sales.len()), (0, 5_873, 2));
    // What a statement carries on as held is not paid: it can be held again.
    world.signed_in(app).await;
    assert_eq!(words(&outcomes(app, &world, &hold()).await), ["done", "done"]);
    assert_eq!(words(&outcomes(app, &world, &release()).await), ["done", "done"]);
    world.incident = second;
    assert_eq!(words(&outcomes(app, &world, &release()).await), ["done", "done"]);
    app.clock.advance(31 * DAY);
    assert_eq!(settled(app, &world, MAY).await.payout, 5_873);
}

/// Attack: the merchant, somebody of the operator's without the role, and one person alone release
/// what is held; or the incident is closed over it.
async fn nobody_releases_a_sale_alone(app: &mut TestApp) {
    let world = robbed(app).await;
    outcomes(app, &world, &hold()).await;
    let path = format!("/api/admin/v1{}", world.path("acts"));
    let merchant = Staff::new(&app.app, &world.register.merchant_id).await;
    let answer = merchant.call(app, "POST", &path, &release()).await;
    assert!(answer.status.is_client_error(), "{}", answer.text());
    let support = Person::new(&app.app, omamori::console::access::Role::Support).await;
    support.post(app, &world.path("acts"), &release()).await.refused(Code::Forbidden);
    let act_id = world.planned(app, &release()).await;
    let reason = json!({ "reason": "問題なし" });
    let asked = world.fraud.post(app, &format!("/incident-acts/{act_id}/ask"), &reason).await.ok();
    let approval = asked["approval_id"].as_str().unwrap();
    let carry_out = format!("/approvals/{approval}/carry-out");
    let alone = world.fraud.post(app, &carry_out, &Value::Null).await;
    assert!(alone.status.is_client_error(), "{}", alone.text());
    work_due(&app.app).await.unwrap();
    let close = json!({ "what": "close", "reason": "終わり" });
    let closed = world.fraud.post(app, &world.path("write"), &close).await;
    closed.refused(Code::IncidentBusy);
    assert_eq!(held(app).await, 2);
    // An act that was agreed on does not begin after the end.
    let late = world.planned(app, &json!({ "kind": "freeze", "on": "confirmed" })).await;
    let late = world.approved(app, &late).await;
    outcomes(app, &world, &release()).await;
    assert_eq!(world.fraud.post(app, &world.path("write"), &close).await.status, 204);
    world.fraud.post(app, &late, &Value::Null).await.refused(Code::IncidentClosed);
}

async fn held(app: &TestApp) -> i64 {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM sale_hold
         WHERE released_at IS NULL");
    app.app.stores.registry.one(query).await.unwrap().int("n").unwrap()
}

/// Settles April on two nodes while an act is carried out on both.
async fn raced(app: &TestApp, other: &Node) {
    let nodes = [app.app.clone(), other.app.clone()].into_iter().cycle().take(6);
    let works = nodes.enumerate().map(|(number, node)| async move {
        if number % 3 == 0 {
            work_due(&node).await.map(drop).unwrap();
        } else {
            run::settle(&node, APRIL).await.map(drop).unwrap();
        }
    });
    at_once(works).await;
    app.app.gate.catch_up().await.unwrap();
    work_due(&app.app).await.unwrap();
}

async fn a_hold_while_a_settlement_runs_is_before_or_after_it(app: &mut TestApp) {
    let mut world = robbed(app).await;
    let other = app.another_node().await;
    app.clock.advance(31 * DAY);
    world.signed_in(app).await;
    let (act_id, _) = world.agreed(app, &hold()).await;
    raced(app, &other).await;
    assert_adds_up(app, &world).await;
    let rows = act::rows(&app.app.stores.registry, &act_id, 10).await.unwrap();
    let of = |word: &str| rows.iter().filter(|row| row.outcome == word).count();
    assert_eq!(of("done") + of("settled"), 2, "{rows:?}");
    let april = stated(app, &world, APRIL).await.unwrap();
    assert_eq!(april.held_sales.len(), of("done"), "a statement holds what is said to be held");
    assert_eq!(held(app).await, i64::try_from(of("done")).unwrap());
    assert_eq!(april.payout + april.carried_out, 5_873);
    other.app.close().await;
}

async fn a_release_while_a_settlement_runs_is_paid_once(app: &mut TestApp) {
    let mut world = robbed(app).await;
    outcomes(app, &world, &hold()).await;
    let other = app.another_node().await;
    app.clock.advance(31 * DAY);
    world.signed_in(app).await;
    world.agreed(app, &release()).await;
    raced(app, &other).await;
    assert_adds_up(app, &world).await;
    assert_eq!(held(app).await, 0);
    let april = stated(app, &world, APRIL).await.unwrap();
    app.clock.advance(31 * DAY);
    run::settle(&app.app, MAY).await.unwrap();
    let may = stated(app, &world, MAY).await.map_or(0, |may| may.payout);
    assert_eq!(april.payout + may, 5_873);
    other.app.close().await;
}
