//! The decision log: whatever is done to its rows is found, and what the law makes us delete is
//! not mistaken for it.

use omamori::audit::checkpoint::{Checkpoint, sign};
use omamori::audit::decisions::{Head, Problem, Report, verify};
use omamori::clock::DAY;
use omamori::gate::seal::SealKey;
use omamori::gate::{Act, Question};
use omamori::privacy::{GRACE, ask_for_closing, carry_out_due, retain};
use omamori_db::{Db, sql};

use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(
    an_untouched_log_is_clean_over_restarts,
    a_change_of_any_column_is_found,
    what_was_taken_out_moved_or_cut_off_is_found,
    deletion_by_law_is_no_problem_and_deletion_before_is,
    a_person_who_was_taken_out_is_no_problem_and_anything_more_is,
    a_checkpoint_that_lost_its_decisions_is_none,
);

/// One decision a row, as nothing else waits.
async fn decide(app: &TestApp, count: usize) {
    for _ in 0..count {
        let detail = serde_json::json!({ "ip": "192.0.2.1" });
        let question = Question::plain(Act::SignIn, &detail);
        let _cleared = app.app.gate.decide(question, Ok(())).await.unwrap();
    }
}

async fn check(app: &TestApp, signed: &[Head]) -> Report {
    let stores = &app.app.stores;
    let key = SealKey::of(&app.app.vault);
    verify(&stores.evidence, &stores.journal, &key, signed, app.now()).await.unwrap()
}

async fn signed(app: &TestApp) -> Checkpoint {
    let stores = &app.app.stores;
    sign(&stores.registry, &stores.evidence, &app.app.vault, app.now()).await.unwrap()
}

async fn do_to(db: &Db, statement: &'static str) {
    assert!(db.execute(sql(statement)).await.unwrap() > 0, "{statement}");
}

async fn keep(db: &Db) {
    db.execute_raw("CREATE TABLE kept AS SELECT * FROM decision_batch".into()).await.unwrap();
}

async fn restore(db: &Db) {
    db.execute(sql("DELETE FROM decision_batch")).await.unwrap();
    do_to(db, "INSERT INTO decision_batch SELECT * FROM kept").await;
}

async fn an_untouched_log_is_clean_over_restarts(app: &mut TestApp) {
    assert_eq!(check(app, &[]).await.problems, []);
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 1_000).await;
    decide(app, 3).await;
    let first = signed(app).await;
    app.restart().await;
    decide(app, 3).await;
    let second = signed(app).await;
    app.restart().await;
    let heads = [first.decisions, second.decisions].concat();
    assert!(heads.len() >= 3, "{heads:?}");
    let report = check(app, &heads).await;
    assert_eq!((report.problems, report.without_seal), (vec![], 0));
    assert!(report.rows >= 7);
}

/// Attack: somebody with the database's password mends the past.
async fn a_change_of_any_column_is_found(app: &mut TestApp) {
    decide(app, 6).await;
    let evidence = &app.app.stores.evidence;
    keep(evidence).await;
    let attacks = [
        "UPDATE decision_batch SET body = '{}' WHERE first_number = 3",
        "UPDATE decision_batch SET body = '' WHERE first_number = 3",
        "UPDATE decision_batch SET body = body || body WHERE first_number = 3",
        "UPDATE decision_batch SET last_number = 4 WHERE first_number = 3",
        "UPDATE decision_batch SET first_at = first_at - 1 WHERE first_number = 3",
        "UPDATE decision_batch SET last_at = last_at + 1 WHERE first_number = 3",
        "UPDATE decision_batch SET body = '', delete_after = CAST(1 AS BIGINT) \
         WHERE first_number = 3",
        "UPDATE decision_batch SET body_hash = hash WHERE first_number = 3",
        "UPDATE decision_batch SET hash = body_hash WHERE first_number = 3",
        "UPDATE decision_batch SET previous_hash = hash WHERE first_number = 3",
        "UPDATE decision_batch SET body = '{}', scrub_seal = hash WHERE first_number = 3",
        "UPDATE decision_batch SET body = '{}', scrub_seal = body_hash WHERE first_number = 3",
    ];
    for attack in attacks {
        do_to(evidence, attack).await;
        let report = check(app, &[]).await;
        let changed = Problem::Changed { node: 1, first: 3 };
        assert!(report.problems.contains(&changed), "{attack}: {report:?}");
        for problem in &report.problems {
            let next = Problem::Unlinked { node: 1, first: 4 };
            let own = Problem::Unlinked { node: 1, first: 3 };
            let fair = [&changed, &next, &own].contains(&problem);
            assert!(fair, "{attack}: {problem}");
        }
        restore(evidence).await;
    }
    let unsealed = "UPDATE decision_batch SET hash = NULL, previous_hash = NULL, \
                    body_hash = NULL, body = '{}' WHERE first_number = 3";
    do_to(evidence, unsealed).await;
    let found = check(app, &[]).await.problems;
    assert!(found.contains(&Problem::Unsealed { node: 1, first: 3 }), "{found:?}");
    restore(evidence).await;
    assert_eq!(check(app, &[]).await.problems, []);
}

/// Attack: rows are taken out, change places, or are cut off where no row follows.
async fn what_was_taken_out_moved_or_cut_off_is_found(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    decide(app, 4).await;
    customer.load(app, &register, 1_000).await; // the newest decision that the journal names
    let newest = app.decisions().await;
    decide(app, 2).await;
    let heads = signed(app).await.decisions;
    let evidence = &app.app.stores.evidence;
    keep(evidence).await;
    let cases: [(&[&'static str], &[Head], Problem); 6] = [
        (
            &["DELETE FROM decision_batch WHERE first_number = 2"],
            &[],
            Problem::Unlinked { node: 1, first: 3 },
        ),
        (
            &["DELETE FROM decision_batch WHERE first_number < 3"],
            &[],
            Problem::Unlinked { node: 1, first: 3 },
        ),
        (
            &[
                "UPDATE decision_batch SET first_number = 999 WHERE first_number = 2",
                "UPDATE decision_batch SET first_number = 2 WHERE first_number = 3",
                "UPDATE decision_batch SET first_number = 3 WHERE first_number = 999",
            ],
            &[],
            Problem::Changed { node: 1, first: 2 },
        ),
        (
            &["UPDATE decision_batch SET node = 2 WHERE first_number > 2"],
            &[],
            Problem::NodeMissing(2),
        ),
        (
            // What moved money: the journal knows.
            &["DELETE FROM decision_batch WHERE first_number > 4"],
            &[],
            Problem::CutOff { node: 1, last: 4, was: newest },
        ),
        (
            // What moved none: the checkpoint knows.
            &["DELETE FROM decision_batch WHERE last_number = \
               (SELECT MAX(last_number) FROM decision_batch)"],
            &heads,
            Problem::CutOff { node: 1, last: newest + 1, was: newest + 2 },
        ),
    ];
    for (attacks, heads, expected) in cases {
        for attack in attacks {
            do_to(evidence, attack).await;
        }
        let found = check(app, heads).await.problems;
        assert!(found.contains(&expected), "{attacks:?}: {expected} is not in {found:?}");
        restore(evidence).await;
    }
    // The process itself is made forgotten.
    do_to(evidence, "DELETE FROM decision_node").await;
    let found = check(app, &[]).await.problems;
    assert!(found.contains(&Problem::NodeMissing(1)), "{found:?}");
    do_to(evidence, "DELETE FROM decision_batch").await;
    let found = check(app, &heads).await.problems;
    assert_eq!(found, [Problem::CutOff { node: 1, last: 0, was: newest + 2 }]);
    restore(evidence).await;
    let node = "INSERT INTO decision_node (node, started_at) VALUES (1, 1)";
    do_to(evidence, node).await;
    assert_eq!(check(app, &heads).await.problems, []);
}

/// Goal: after five years bodies go and the chain holds. Attack: the same a day too early.
async fn deletion_by_law_is_no_problem_and_deletion_before_is(app: &mut TestApp) {
    decide(app, 3).await;
    let old = signed(app).await.decisions;
    app.clock.advance(10 * DAY);
    decide(app, 3).await;
    let evidence = &app.app.stores.evidence;
    keep(evidence).await;
    do_to(evidence, "DELETE FROM decision_batch WHERE first_number < 3").await;
    do_to(evidence, "UPDATE decision_batch SET body = '' WHERE first_number = 3").await;
    let found = check(app, &old).await.problems;
    assert!(found.contains(&Problem::Changed { node: 1, first: 3 }), "{found:?}");
    assert!(found.contains(&Problem::Unlinked { node: 1, first: 3 }), "{found:?}");
    restore(evidence).await;
    app.clock.advance(5 * 366 * DAY - 5 * DAY);
    retain(&app.app).await.unwrap();
    let report = check(app, &old).await;
    assert_eq!((report.rows, report.emptied, report.problems), (4, 1, vec![]));
    let rest = sql("SELECT body FROM decision_batch WHERE first_number = 3");
    assert_eq!(evidence.one(rest).await.unwrap().text("body").unwrap(), "");
    // What stands for the chain is found like the rest.
    do_to(evidence, "UPDATE decision_batch SET last_at = last_at - 1 WHERE first_number = 3").await;
    let found = check(app, &old).await.problems;
    assert!(found.contains(&Problem::Changed { node: 1, first: 3 }), "{found:?}");
    do_to(evidence, "UPDATE decision_batch SET last_at = last_at + 1 WHERE first_number = 3").await;
    decide(app, 1).await;
    app.clock.advance(6 * 366 * DAY);
    retain(&app.app).await.unwrap();
    let report = check(app, &[]).await;
    assert_eq!((report.rows, report.emptied, report.problems), (1, 1, vec![]));
    app.restart().await;
    decide(app, 1).await;
    assert_eq!(check(app, &[]).await.problems, []);
}

/// Goal: a closed account is taken out of the evidence and the log verifies. Attack: a body is
/// changed first, to have it sealed as scrubbed.
async fn a_person_who_was_taken_out_is_no_problem_and_anything_more_is(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let (gone, stays) = (Customer::new(&app.app).await, Customer::new(&app.app).await);
    for customer in [&gone, &stays] {
        customer.load(app, &register, 1_000).await;
        register.sell(app, &customer.device_id, &customer.code(app.now()), 1_000).await.ok();
    }
    app.clock.advance(15 * DAY);
    let before = bodies_with(app, &gone.device_id).await;
    assert!(before > 0);
    let machine = omamori::audit::Actor::machine();
    ask_for_closing(&app.app, &machine, &gone.customer_id).await.unwrap();
    let evidence = &app.app.stores.evidence;
    keep(evidence).await;
    app.clock.advance(GRACE);
    carry_out_due(&app.app).await.unwrap();
    assert_eq!(bodies_with(app, &gone.device_id).await, 0, "the phone is named no more");
    assert!(bodies_with(app, &stays.device_id).await > 0);
    assert_eq!(check(app, &[]).await.problems, []);
    do_to(evidence, "UPDATE decision_batch SET body = body || ' ' WHERE scrub_seal IS NOT NULL")
        .await;
    let found = check(app, &[]).await.problems;
    assert!(matches!(found[..], [Problem::Changed { .. }, ..]), "{found:?}");
}

async fn bodies_with(app: &TestApp, text: &str) -> i64 {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM decision_batch WHERE body LIKE $1");
    let query = query.bind(format!("%\"device\":\"{text}\"%"));
    app.app.stores.evidence.one(query).await.unwrap().int("n").unwrap()
}

/// Attack: the lines about decisions are struck out of a checkpoint.
async fn a_checkpoint_that_lost_its_decisions_is_none(app: &mut TestApp) {
    decide(app, 2).await;
    let whole = signed(app).await;
    assert_eq!(whole.decisions.len(), 1);
    let line = serde_json::to_string(&whole).unwrap();
    assert_eq!(Checkpoint::read(&line, &app.app.vault).unwrap(), Ok(whole.clone()));
    let mut bent: serde_json::Value = serde_json::from_str(&line).unwrap();
    bent["decisions"] = serde_json::json!([]);
    assert!(Checkpoint::read(&bent.to_string(), &app.app.vault).unwrap().is_err());
    let other = [Head { hash: "00".repeat(32), ..whole.decisions[0].clone() }];
    let found = check(app, &other).await.problems;
    assert_eq!(found, [Problem::NotAsSigned { node: 1, number: 2 }]);
}
