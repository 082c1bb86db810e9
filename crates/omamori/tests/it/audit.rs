//! The audit log: whatever is done to its rows is found, and two nodes write one chain.

use omamori::audit::checkpoint::{Checkpoint, NotOurs, sign};
use omamori::audit::list::Stored;
use omamori::audit::verify::{Problem, Report, verify, verify_all};
use omamori::audit::witness::verify_now;
use omamori::audit::{Actor, MACHINE};
use omamori::cli::drill::tampering::write_anew;
use omamori::console::access::Role;
use omamori::console::{customer_acts, staff};
use omamori::gate::seal::SealKey;
use omamori::secret::Vault;
use omamori_db::{Db, sql};

use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::{at_once, on_both_engines, on_several_nodes};

on_both_engines!(
    an_untouched_log_is_clean,
    a_change_of_any_column_is_found,
    what_was_taken_out_moved_or_cut_off_is_found,
    a_chain_that_was_written_anew_is_found_by_a_checkpoint,
    a_checkpoint_of_somebody_else_is_none,
    a_chain_that_was_written_anew_is_found_by_its_decisions,
    the_newest_entry_is_remembered,
);
on_several_nodes!(two_nodes_at_once_write_one_chain);

/// Ten entries: enough to be at both ends and in the middle.
async fn ten_entries(app: &TestApp) {
    for number in 0..10 {
        staff::invite(&app.app, &format!("担当 {number}"), Role::Viewer).await.unwrap();
    }
}

async fn sign_now(app: &TestApp) -> omamori::web::error::Result<Checkpoint> {
    let stores = &app.app.stores;
    sign(&stores.registry, &stores.evidence, &app.app.vault, app.now()).await
}

async fn check(app: &TestApp, checkpoints: &[Checkpoint]) -> Report {
    verify(&app.app.stores.registry, checkpoints).await.unwrap()
}

async fn do_to(db: &Db, statement: &'static str) {
    assert!(db.execute(sql(statement)).await.unwrap() > 0, "{statement}");
}

async fn an_untouched_log_is_clean(app: &mut TestApp) {
    assert_eq!(check(app, &[]).await.entries, 0);
    let empty = sign_now(app).await.unwrap();
    ten_entries(app).await;
    let signed = sign_now(app).await.unwrap();
    staff::invite(&app.app, "後から", Role::Viewer).await.unwrap();
    let report = check(app, &[empty, signed]).await;
    assert_eq!((report.entries, report.problems), (11, vec![]));
}

/// Attack: somebody with the database's password mends a line of the past.
async fn a_change_of_any_column_is_found(app: &mut TestApp) {
    ten_entries(app).await;
    let registry = &app.app.stores.registry;
    let keep = "CREATE TABLE kept AS SELECT * FROM audit_entry";
    registry.execute_raw(keep.into()).await.unwrap();
    let attacks = [
        "UPDATE audit_entry SET at = at + 1 WHERE seq = 5",
        "UPDATE audit_entry SET actor = 'stf_other' WHERE seq = 5",
        "UPDATE audit_entry SET act = 'staff_remove' WHERE seq = 5",
        "UPDATE audit_entry SET subject = 'stf_other' WHERE seq = 5",
        "UPDATE audit_entry SET before_state = '{}' WHERE seq = 5",
        "UPDATE audit_entry SET after_state = 'null' WHERE seq = 5",
        "UPDATE audit_entry SET reason = 'because' WHERE seq = 5",
        "UPDATE audit_entry SET decision_id = 'dec_other' WHERE seq = 5",
        "UPDATE audit_entry SET request_id = 'req_other' WHERE seq = 5",
        "UPDATE audit_entry SET hash = previous_hash WHERE seq = 5",
        "UPDATE audit_entry SET previous_hash = (SELECT hash FROM audit_entry WHERE seq = 10) \
         WHERE seq = 5",
    ];
    for attack in attacks {
        do_to(registry, attack).await;
        let report = check(app, &[]).await;
        assert!(report.problems.contains(&Problem::Changed(5)), "{attack}: {report:?}");
        for problem in &report.problems {
            // The next one no longer follows, if it was a hash. Nobody else is accused.
            let fair = matches!(problem, Problem::Changed(5) | Problem::Unlinked(6));
            assert!(fair, "{attack}: {problem}");
        }
        do_to(registry, "DELETE FROM audit_entry").await;
        do_to(registry, "INSERT INTO audit_entry SELECT * FROM kept").await;
        assert_eq!(check(app, &[]).await.problems, [], "{attack} was undone");
    }
    do_to(registry, "UPDATE audit_entry SET seq = 50 WHERE seq = 5").await;
    let found = check(app, &[]).await.problems;
    assert!(found.contains(&Problem::Missing { from: 5, to: 5 }), "{found:?}");
    assert!(found.contains(&Problem::Changed(50)), "{found:?}");
}

async fn what_was_taken_out_moved_or_cut_off_is_found(app: &mut TestApp) {
    ten_entries(app).await;
    let registry = &app.app.stores.registry;
    let signed = sign_now(app).await.unwrap();
    registry.execute_raw("CREATE TABLE kept AS SELECT * FROM audit_entry".into()).await.unwrap();
    let cases: [(&[&'static str], &[Problem]); 4] = [
        (&["DELETE FROM audit_entry WHERE seq IN (4, 5)"], &[Problem::Missing { from: 4, to: 5 }]),
        (
            &[
                "UPDATE audit_entry SET seq = 99 WHERE seq = 3",
                "UPDATE audit_entry SET seq = 3 WHERE seq = 7",
                "UPDATE audit_entry SET seq = 7 WHERE seq = 99",
            ],
            &[Problem::Changed(3), Problem::Changed(7)],
        ),
        (&["DELETE FROM audit_entry WHERE seq > 8"], &[Problem::CutOff { last: 8, was: 10 }]),
        (
            // The head too: now the checkpoint alone knows.
            &["DELETE FROM audit_entry WHERE seq > 8", "UPDATE audit_head SET seq = 8"],
            &[Problem::CutOff { last: 8, was: 10 }],
        ),
    ];
    for (attacks, expected) in cases {
        for attack in attacks {
            do_to(registry, attack).await;
        }
        let found = check(app, std::slice::from_ref(&signed)).await.problems;
        for problem in expected {
            assert!(found.contains(problem), "{attacks:?}: {problem} is not in {found:?}");
        }
        do_to(registry, "DELETE FROM audit_entry").await;
        do_to(registry, "INSERT INTO audit_entry SELECT * FROM kept").await;
    }
    do_to(registry, "UPDATE audit_head SET seq = 10").await;
    assert_eq!(check(app, &[signed]).await.problems, []);
    // And nothing can be appended to a log that was cut: it would hide the cut.
    do_to(registry, "DELETE FROM audit_entry WHERE seq > 8").await;
    assert!(staff::invite(&app.app, "次", Role::Viewer).await.is_err());
}

/// Attack: the whole log is written anew, with right hashes. Only what was kept elsewhere helps.
async fn a_chain_that_was_written_anew_is_found_by_a_checkpoint(app: &mut TestApp) {
    ten_entries(app).await;
    let registry = &app.app.stores.registry;
    let signed = sign_now(app).await.unwrap();
    do_to(registry, "DELETE FROM audit_entry").await;
    do_to(registry, "DELETE FROM audit_head").await;
    ten_entries(app).await;
    staff::invite(&app.app, "後から", Role::Viewer).await.unwrap();
    assert_eq!(check(app, &[]).await.problems, [], "the chain itself is sound");
    assert_eq!(check(app, &[signed]).await.problems, [Problem::NotAsSigned(10)]);
}

/// What the command says, without a checkpoint and in another process.
async fn check_all(app: &TestApp) -> Vec<Problem> {
    let (stores, key) = (&app.app.stores, SealKey::of(&app.app.vault));
    verify_all(stores, &key, &[], app.now()).await.unwrap().problems
}

/// Attack: from a changed entry on the chain is written anew, with right hashes, by somebody with
/// the databases' passwords; the decisions that the entries name are bent to fit, or others named.
async fn a_chain_that_was_written_anew_is_found_by_its_decisions(app: &mut TestApp) {
    ten_entries(app).await;
    assert_eq!(check_all(app).await, []);
    let (registry, evidence) = (&app.app.stores.registry, &app.app.stores.evidence);
    registry.execute_raw("CREATE TABLE kept AS SELECT * FROM audit_entry".into()).await.unwrap();
    type Change = fn(&mut Stored);
    let changes: [(Change, Problem); 4] = [
        (|entry| entry.reason = "別の理由".to_owned(), Problem::NotAsWitnessed(4)),
        (|entry| entry.actor = "stf_other".to_owned(), Problem::NotAsDecided(4)),
        (|entry| entry.at += 3_600_000_000, Problem::NotAsDecided(4)),
        (|entry| entry.decision_id = "dec_other".to_owned(), Problem::NotAsDecided(4)),
    ];
    for (change, problem) in changes {
        assert!(write_anew(registry, 4, change).await.unwrap());
        assert_eq!(check(app, &[]).await.problems, [], "the chain itself is sound");
        let found = check_all(app).await;
        assert!(found.contains(&problem), "{problem} is not in {found:?}");
        do_to(registry, "DELETE FROM audit_entry").await;
        do_to(registry, "INSERT INTO audit_entry SELECT * FROM kept").await;
    }
    assert_eq!(check_all(app).await, []);
    do_to(evidence, "UPDATE decision_batch SET body = REPLACE(body, 'machine', 'stf_1')").await;
    let found = check_all(app).await;
    assert!(found.contains(&Problem::NotAsDecided(1)), "{found:?}");
}

/// Attack: the newest entry, which no later act has seen, is written anew or cut off with the head.
/// The process that wrote it remembers; an alert says so.
async fn the_newest_entry_is_remembered(app: &mut TestApp) {
    ten_entries(app).await;
    assert_eq!(verify_now(&app.app).await.unwrap().problems, []);
    let registry = &app.app.stores.registry;
    registry.execute_raw("CREATE TABLE kept AS SELECT * FROM audit_entry".into()).await.unwrap();
    assert!(write_anew(registry, 10, |entry| entry.reason = "別の理由".to_owned()).await.unwrap());
    assert_eq!(verify_now(&app.app).await.unwrap().problems, [Problem::NotAsWitnessed(10)]);
    do_to(registry, "DELETE FROM audit_entry").await;
    do_to(registry, "INSERT INTO audit_entry SELECT * FROM kept").await;
    assert_eq!(verify_now(&app.app).await.unwrap().problems, []);
    do_to(registry, "DELETE FROM audit_entry WHERE seq = 10").await;
    do_to(registry, "UPDATE audit_head SET seq = 9").await;
    assert_eq!(verify_now(&app.app).await.unwrap().problems, [Problem::NotAsWitnessed(10)]);
    // Another process, which was not there, reads what there is.
    let other = app.another_node().await;
    assert_eq!(verify_now(&other.app).await.unwrap().problems, []);
    other.app.close().await;
}

/// Attack: a checkpoint that was mended, or signed with a key of one's own.
async fn a_checkpoint_of_somebody_else_is_none(app: &mut TestApp) {
    ten_entries(app).await;
    let (registry, vault) = (&app.app.stores.registry, &app.app.vault);
    let signed = sign_now(app).await.unwrap();
    let line = serde_json::to_string(&signed).unwrap();
    assert_eq!(Checkpoint::read(&line, vault).unwrap(), Ok(signed));
    let read = |line: &str| Checkpoint::read(line, vault).unwrap();
    assert_eq!(read(&line.replace("\"seq\":10", "\"seq\":9")), Err(NotOurs::Signature));
    assert_eq!(read(&line.replace("2026-", "2027-")), Err(NotOurs::Signature));
    assert_eq!(read("{}"), Err(NotOurs::Malformed));
    assert_eq!(read(&line.replace("-v1", "-v2")), Err(NotOurs::Malformed));
    let other = Vault::new(&[8; 32]);
    let theirs = sign(registry, &app.app.stores.evidence, &other, app.now()).await.unwrap();
    let theirs = serde_json::to_string(&theirs).unwrap();
    assert_eq!(read(&theirs), Err(NotOurs::Signature));
}

/// Race: two nodes act at once; each entry follows the one before, none is lost, nothing fails.
async fn two_nodes_at_once_write_one_chain(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await.customer_id;
    let other = app.another_node().await;
    let nodes = [app.app.clone(), other.app.clone()];
    let acts = (0..24).map(|number| {
        let (app, customer) = (nodes[number % 2].clone(), customer.clone());
        async move {
            if number % 3 == 0 {
                customer_acts::freeze(&app, &Actor::machine(), &customer, "演習").await
            } else {
                staff::invite(&app, "担当", Role::Viewer).await.map(drop)
            }
        }
    });
    for done in at_once(acts).await {
        done.unwrap();
    }
    let report = check(app, &[]).await;
    assert_eq!((report.entries, report.problems), (24, vec![]));
    let by_machine = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM audit_entry WHERE actor = $1");
    let row = app.app.stores.registry.one(by_machine.bind(MACHINE)).await.unwrap();
    assert_eq!(row.int("n").unwrap(), 24);
    other.app.close().await;
}
