//! How fast a count is. It prints figures and asserts no time: with `OMAMORI_MEASURE=1` and
//! `--nocapture`, 200,000 decision records and 5,000 members; else a hundredth of that, for what it
//! finds.

use std::time::{Duration, Instant};

use omamori::clock::{DAY, HOUR, MINUTE, Micros};
use omamori::id::Kind;
use omamori::incident::count::{Found, Position, Seen};
use omamori::incident::{cohort, counting};
use omamori_db::{sql, sql_rows};
use serde_json::json;

use super::{World, opened, world};
use crate::support::app::TestApp;
use crate::support::on_both_engines;

on_both_engines!(a_count_over_a_large_log);

/// A payment in the store for so many records.
const HIT: usize = 40;
/// Decisions of one row, as in ordinary traffic.
const BATCH: usize = 10;

fn customer(number: usize) -> String {
    Kind::Customer.text(u128::try_from(number).unwrap() + (1 << 100))
}

fn size() -> usize {
    if std::env::var_os("OMAMORI_MEASURE").is_some() { 200_000 } else { 2_000 }
}

/// Records as the gate writes them: every fortieth is a payment in the store, each of another
/// customer.
async fn records(app: &TestApp, store_id: &str) {
    let size = size();
    let from = app.now() - HOUR;
    let evidence = &app.app.stores.evidence;
    let node = sql("INSERT INTO decision_node (node, started_at) VALUES ($1, $2)");
    evidence.execute(node.bind(900_000_i64).bind(from)).await.unwrap();
    let step = HOUR / i64::try_from(size).unwrap();
    let numbers: Vec<usize> = (0..size).collect();
    for rows in numbers.chunks(BATCH * 1_000) {
        let mut insert = sql_rows(
            "INSERT INTO decision_batch (node, first_number, last_number, first_at, last_at,
                 delete_after, body)",
            7,
        );
        for batch in rows.chunks(BATCH) {
            let body: Vec<_> = batch.iter().map(|n| line(*n, from, step, store_id)).collect();
            let at = |number: usize| from + step * i64::try_from(number).unwrap();
            let (first, last) = (batch[0], batch[batch.len() - 1]);
            insert.push(900_000_i64);
            insert.push(i64::try_from(first).unwrap() + 1);
            insert.push(i64::try_from(last).unwrap() + 1);
            insert.push(at(first));
            insert.push(at(last));
            insert.push(at(last) + 1_800 * DAY);
            insert.push(body.join("\n"));
        }
        evidence.execute(insert).await.unwrap();
    }
}

fn line(number: usize, from: Micros, step: i64, store_id: &str) -> String {
    let is_hit = number.is_multiple_of(HIT);
    let store = if is_hit { store_id } else { "sto_00000000000000000000000009" };
    let ip = if is_hit { "192.0.2.7" } else { "198.51.100.7" };
    let customer = customer(number);
    json!({ "at": from + step * i64::try_from(number).unwrap(), "act": "payment",
        "verdict": "allow", "customer": customer, "device": "dev_00000000000000000000000009",
        "terminal": 7, "amount": 1_200,
        "risk": { "signals": { "ip.asn": 64_500, "ip.country": "JP", "device.age_days": 30 },
            "hits": [{ "rule": "large", "verdict": "allow" }] },
        "detail": { "merchant_payment_id": "p-1", "store_id": store, "terminal_id": "ter_x",
            "ip": ip, "items": [{ "name": "おにぎり", "quantity": 1, "unit_price": 1_200 }] }
    })
    .to_string()
}

async fn counted(app: &TestApp, world: &World, conditions: &str, wanted: usize) -> Duration {
    let question = json!({ "from": app.now() - 2 * HOUR, "money": "matched",
        "conditions": conditions });
    world.fraud.post(app, &world.path("cohort"), &question).await.ok();
    let started = Instant::now();
    assert_eq!(world.fraud.post(app, &world.path("count"), &json!({})).await.status, 202);
    let asked = started.elapsed();
    assert_eq!(counting::work_due(&app.app).await.unwrap(), 1);
    let all = started.elapsed();
    let counts = cohort::counts(&app.app.stores.registry, &world.incident).await.unwrap();
    let found = counts[0].figures.customers;
    assert_eq!(found, i64::try_from(wanted).unwrap());
    say(&format!("{conditions}: {found} customers, request {asked:.1?}, with the count {all:.1?}"));
    all
}

/// The lists as they were taken over before: a statement a row.
async fn row_by_row(app: &TestApp, incident_id: &str, found: &Found) -> Duration {
    let mut tx = app.app.stores.registry.begin().await.unwrap();
    let started = Instant::now();
    for (customer, seen) in &found.members {
        let insert = sql("INSERT INTO incident_member (incident_id, customer_id, state, source,
                 networks, acts, first_at, reason, added_at)
             VALUES ($1, $2, 'suspected', 'count', $3, $4, $5, '', $6)
             ON CONFLICT (incident_id, customer_id) DO UPDATE SET networks = excluded.networks,
                 acts = excluded.acts, first_at = excluded.first_at");
        let insert = insert.bind(incident_id).bind(customer).bind("[]").bind(seen.acts);
        tx.execute(insert.bind(seen.first_at).bind(app.now())).await.unwrap();
    }
    tx.commit().await.unwrap();
    started.elapsed()
}

async fn in_batches(app: &TestApp, incident_id: &str, found: &Found) -> Duration {
    let mut tx = app.app.stores.registry.begin().await.unwrap();
    let started = Instant::now();
    counting::take_over(&mut tx, (incident_id, 1), found, app.now()).await.unwrap();
    tx.commit().await.unwrap();
    started.elapsed()
}

async fn a_count_over_a_large_log(app: &mut TestApp) {
    let world = world(app, 1).await;
    records(app, &world.register.store_id).await;
    let (size, members) = (size(), size() / HIT);
    let text = format!("store:{} terminal:7", world.register.store_id);
    let narrow = counted(app, &world, &text, members).await;
    // What no text tells: every record is read, as all were before.
    let wide = counted(app, &world, "network:192.0.2.0/24", members).await;
    say(&format!("{size} records: {} times", ratio(wide, narrow)));
    let mut seen = Seen::default();
    seen.first_at = app.now() - MINUTE;
    let all = (0..members).map(|number| (customer(number), seen.clone())).collect();
    let position = Position::now(&app.app).await.unwrap();
    let found = Found { position, members: all, moves: Vec::new() };
    let (first, second) =
        (opened(app, &world.fraud, "一").await, opened(app, &world.fraud, "二").await);
    let (former, now) =
        (row_by_row(app, &first, &found).await, in_batches(app, &second, &found).await);
    let times = ratio(former, now);
    say(&format!(
        "{members} members: {former:.1?} row by row, {now:.1?} in batches: {times} times"
    ));
}

/// How many times the second is in the first, in tenths.
fn ratio(former: Duration, now: Duration) -> String {
    let tenths = former.as_micros() * 10 / now.as_micros().max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[expect(clippy::print_stdout, reason = "the figures are for whoever runs the test")]
fn say(line: &str) {
    println!("{line}");
}
