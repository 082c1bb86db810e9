//! Counts are made beside the requests: killed and begun again, on two nodes, closed over; and the
//! desk read as JSON.

use omamori::clock::MINUTE;
use omamori::console::access::Role;
use omamori::incident::{cohort, counting};
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use super::{HAD, opened, rows, stolen, world};
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::{at_once, on_both_engines, on_several_nodes};

on_both_engines!(
    a_count_that_is_killed_gives_the_same_answer,
    a_count_is_asked_for_once_at_a_time,
    one_incidents_count_is_made_alone,
    a_closed_incident_takes_over_nothing,
    who_is_not_found_any_more_leaves_the_lists,
    the_desk_is_read_as_json,
);
on_several_nodes!(two_nodes_at_once_make_one_count);

const ALL: &str = "act:payment";

fn nothing() -> Value {
    json!({})
}

/// A question, and a count of it that was asked for and not made.
async fn asked(app: &TestApp, world: &super::World, conditions: &str) {
    let question = json!({ "from": app.now() - MINUTE * 90, "money": "matched",
        "conditions": conditions });
    world.fraud.post(app, &world.path("cohort"), &question).await.ok();
    assert_eq!(world.fraud.post(app, &world.path("count"), &nothing()).await.status, 202);
}

async fn newest(app: &TestApp, world: &super::World) -> counting::Job {
    counting::newest(&app.app.stores.registry, &world.incident).await.unwrap().unwrap()
}

/// Goal: told to stop it stops at once and another one begins; killed, another one begins when
/// its time is over. Traffic that came meanwhile is not in the answer.
async fn a_count_that_is_killed_gives_the_same_answer(app: &mut TestApp) {
    let world = world(app, 3).await;
    asked(app, &world, ALL).await;
    let page = format!("/console/incidents/{}", world.incident);
    assert!(world.fraud.get(app, &page).await.text().contains("data-follow"));
    assert_eq!(counting::work_until(&app.app, || true).await.unwrap(), 0, "told to stop");
    assert!(newest(app, &world).await.is_waiting);

    // A process took it, and is gone.
    let taken = sql("UPDATE incident_counting SET percent = 41, lease_until = $1");
    app.app.stores.registry.execute(taken.bind(app.now() + 2 * MINUTE)).await.unwrap();
    app.restart().await;
    let other = Customer::new(&app.app).await;
    other.load(app, &world.register, 2_000).await;
    world.register.sell(app, "s-9", &other.code(app.now()), 700).await.ok();
    assert_eq!(counting::work_due(&app.app).await.unwrap(), 0, "it is somebody's");
    app.clock.advance(2 * MINUTE);
    assert_eq!(counting::work_due(&app.app).await.unwrap(), 1);
    let counts = cohort::counts(&app.app.stores.registry, &world.incident).await.unwrap();
    let loss: i64 = (0..3).map(stolen).sum();
    assert_eq!((counts.len(), counts[0].figures.customers, counts[0].figures.loss), (1, 3, loss));
    let job = newest(app, &world).await;
    assert_eq!((job.is_waiting, job.percent), (false, 100));
    assert!(!world.fraud.get(app, &page).await.text().contains("data-follow"));
    assert_eq!(counting::work_due(&app.app).await.unwrap(), 0);
    assert_eq!(rows(app, "audit_entry", "incident_count").await, 2, "asked for, and made");
}

async fn a_count_is_asked_for_once_at_a_time(app: &mut TestApp) {
    let world = world(app, 1).await;
    asked(app, &world, ALL).await;
    let twice = world.fraud.post(app, &world.path("count"), &nothing()).await;
    assert_eq!((twice.status.as_u16(), &twice.json()["number"]), (202, &json!(1)));
    assert_eq!(counting::work_due(&app.app).await.unwrap(), 1);
    let again = world.path("counts/1/again");
    assert_eq!(world.fraud.post(app, &again, &nothing()).await.status, 202);
    world.fraud.post(app, &again, &nothing()).await.refused(Code::Busy);
    world.fraud.post(app, &world.path("count"), &nothing()).await.refused(Code::Busy);
    let unknown = world.path("counts/9/again");
    world.fraud.post(app, &unknown, &nothing()).await.refused(Code::NotFound);
    assert_eq!(counting::work_due(&app.app).await.unwrap(), 1);
    assert_eq!(newest(app, &world).await.same, Some(true));
}

/// Goal: who asks for one count from the shell neither waits for another one nor fails with it.
async fn one_incidents_count_is_made_alone(app: &mut TestApp) {
    let mut world = world(app, 1).await;
    asked(app, &world, ALL).await;
    let mine = opened(app, &world.fraud, "別件").await;
    let other = std::mem::replace(&mut world.incident, mine);
    asked(app, &world, ALL).await;
    assert_eq!(counting::work_one(&app.app, &world.incident).await.unwrap(), 1);
    assert!(!newest(app, &world).await.is_waiting);
    world.incident = other;
    assert!(newest(app, &world).await.is_waiting);
}

async fn a_closed_incident_takes_over_nothing(app: &mut TestApp) {
    let world = world(app, 2).await;
    asked(app, &world, ALL).await;
    let close = json!({ "what": "close", "reason": "誤報" });
    assert_eq!(world.fraud.post(app, &world.path("write"), &close).await.status, 204);
    assert_eq!(counting::work_due(&app.app).await.unwrap(), 0);
    let registry = &app.app.stores.registry;
    assert!(cohort::members(registry, &world.incident).await.unwrap().is_empty());
    assert!(cohort::counts(registry, &world.incident).await.unwrap().is_empty());
    assert!(!newest(app, &world).await.is_waiting);
}

async fn who_is_not_found_any_more_leaves_the_lists(app: &mut TestApp) {
    let world = world(app, 3).await;
    world.count(app, ALL).await;
    let [kept, first, _] = [0, 1, 2].map(|number| &world.victims[number].customer_id);
    let said = json!({ "customers": [kept], "state": "confirmed", "reason": "本人に確認" });
    world.fraud.post(app, &world.path("review"), &said).await.ok();
    world.count(app, &format!("customer:{first} {ALL}")).await;
    let members = cohort::members(&app.app.stores.registry, &world.incident).await.unwrap();
    let left: Vec<_> = members.iter().map(|one| (&one.customer_id, one.state.as_str())).collect();
    assert_eq!(left, [(kept, "confirmed"), (first, "suspected")]);
    let moves = cohort::disputed(&app.app.stores.registry, &world.incident).await.unwrap();
    assert_eq!(moves.iter().map(|one| one.out).sum::<i64>(), stolen(0) + stolen(1));
}

async fn two_nodes_at_once_make_one_count(app: &mut TestApp) {
    let world = world(app, 4).await;
    asked(app, &world, ALL).await;
    let other = app.another_node().await;
    let nodes = [app.app.clone(), other.app.clone(), app.app.clone(), other.app.clone()];
    let made = at_once(
        nodes.into_iter().map(|node| async move { counting::work_due(&node).await.unwrap() }),
    );
    assert_eq!(made.await.into_iter().sum::<usize>(), 1);
    let registry = &app.app.stores.registry;
    assert_eq!(cohort::counts(registry, &world.incident).await.unwrap().len(), 1);
    assert_eq!(cohort::members(registry, &world.incident).await.unwrap().len(), 4);
    other.app.close().await;
}

async fn the_desk_is_read_as_json(app: &mut TestApp) {
    let world = world(app, 2).await;
    world.confirmed(app).await;
    world.planned(app, &json!({ "kind": "compensate", "on": "confirmed" })).await;
    let viewer = Person::new(&app.app, Role::Viewer).await;
    let path = format!("/api/admin/v1/incidents/{}", world.incident);
    let loss: i64 = (0..2).map(stolen).sum();
    let list = viewer.get(app, "/api/admin/v1/incidents").await.ok();
    let first = &list["incidents"][0];
    assert_eq!(first["incident_id"], world.incident.as_str());
    assert_eq!((&first["customers"], &first["loss"]), (&json!(2), &json!(loss)));
    let whole = viewer.get(app, &path).await.ok();
    assert_eq!((&whole["confirmed"], &whole["victims"]["loss"]), (&json!(2), &json!(loss)));
    assert_eq!(whole["conditions"], world.conditions().as_str());
    assert_eq!(whole["acts"][0]["kind"], "compensate");
    assert_eq!(
        (&whole["acts"][0]["yen"], &whole["acts"][0]["rows_done"]),
        (&json!(loss), &json!(0))
    );
    assert_eq!(
        (&whole["counting"]["percent"], &whole["counts"][0]["customers"]),
        (&json!(100), &json!(2))
    );
    let members = viewer.get(app, &format!("{path}/members")).await.ok();
    let ids: Vec<_> = members["members"].as_array().unwrap().iter().collect();
    assert_eq!((ids.len(), &members["next"]), (2, &Value::Null));
    assert_eq!(ids.iter().map(|one| one["loss"].as_i64().unwrap()).sum::<i64>(), loss);
    let after = ids[0]["customer_id"].as_str().unwrap();
    let rest = viewer.get(app, &format!("{path}/members?after={after}")).await.ok();
    assert_eq!(rest["members"].as_array().unwrap().len(), 1);
    for wrong in ["/api/admin/v1/incidents/inc_x", "/api/admin/v1/incidents/inc_x/members"] {
        viewer.get(app, wrong).await.refused(Code::NotFound);
    }
    // A victim's own session reads nothing of it.
    assert_ne!(world.victims[0].get(app, &path).await.status, 200);
    assert_eq!(world.victims[0].balance(app), HAD - stolen(0));
}
