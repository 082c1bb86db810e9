//! One byte changed in the journal is found, by the start and by `omamori verify`, which name the
//! entry.

use omamori::app::App;
use omamori::cli::open::open;
use omamori_db::{Db, Durability, sql};
use omamori_ledger::verify;

use super::child::{free_port, omamori, run_on};
use crate::support::app::{MASTER_KEY, TestApp};
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(a_changed_byte_is_found_and_the_entry_named, a_missing_entry_is_found);

/// A day's business: some entries in the journal.
async fn business(app: &App, node: &crate::support::app::Node) {
    let (register, customer) = (Register::new(app).await, Customer::new(app).await);
    let now = app.clock.now();
    register.top_up(node, "t-1", &customer.code(now), 10_000).await.ok();
    for number in 0..4 {
        register.sell(node, &format!("s-{number}"), &customer.code(now), 500).await.ok();
    }
}

async fn body_of(journal: &Db, seq: i64) -> Vec<u8> {
    let query = sql("SELECT body FROM journal WHERE seq = $1").bind(seq);
    journal.one(query).await.unwrap().bytes("body").unwrap()
}

async fn put_body(journal: &Db, seq: i64, body: &[u8]) {
    let update = sql("UPDATE journal SET body = $1 WHERE seq = $2").bind(body.to_vec()).bind(seq);
    assert_eq!(journal.execute(update).await.unwrap(), 1);
}

/// Goal: whichever entry and whichever byte: header, fact or hash.
async fn a_changed_byte_is_found_and_the_entry_named(app: &mut TestApp) {
    business(&app.app, app).await;
    let last = app.journal_entries().await;
    let (journal, views) = (app.app.stores.journal.clone(), app.app.stores.views.clone());
    app.app.gate.close().await;
    for seq in [1, 2, last / 2, last] {
        let whole = body_of(&journal, seq).await;
        let size = whole.len();
        for place in [0, 8, 20, 70, size / 2, size - 33, size - 32, size - 1] {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            put_body(&journal, seq, &changed).await;
            let report = verify(&journal, &views).await.unwrap();
            assert!(report.problems.iter().any(|problem| problem.seq == seq.unsigned_abs()));
            assert_refuses_to_start(app, seq).await;
        }
        put_body(&journal, seq, &whole).await;
    }
    assert!(verify(&journal, &views).await.unwrap().is_clean());
    app.restart().await;
}

async fn assert_refuses_to_start(app: &TestApp, seq: i64) {
    let config = app.app.config.clone();
    let outcome = open(config, &MASTER_KEY, app.app.clock.clone(), app.app.rng.clone()).await;
    let Err(error) = outcome else { panic!("it starts on a changed journal") };
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    assert!(text.contains(&format!("entry {seq}")), "{text}");
}

/// Goal: an entry taken out of the middle, or two that changed places, break the chain.
async fn a_missing_entry_is_found(app: &mut TestApp) {
    business(&app.app, app).await;
    let (journal, views) = (app.app.stores.journal.clone(), app.app.stores.views.clone());
    app.app.gate.close().await;
    let move_entry = async |from: i64, to: i64| {
        let update = sql("UPDATE journal SET seq = $1 WHERE seq = $2").bind(to).bind(from);
        assert_eq!(journal.execute(update).await.unwrap(), 1);
    };
    move_entry(4, 1_000).await;
    assert!(!verify(&journal, &views).await.unwrap().is_clean());
    move_entry(5, 4).await;
    move_entry(1_000, 5).await;
    assert!(!verify(&journal, &views).await.unwrap().is_clean());
    assert_refuses_to_start(app, 4).await;
    move_entry(4, 1_000).await;
    move_entry(5, 4).await;
    move_entry(1_000, 5).await;
    app.restart().await;
}

/// Goal: the two commands that an operator has say it: the demo does not start, `verify` fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_tell_which_entry_was_changed() {
    let place = crate::support::place::Place::sqlite();
    let omamori::config::Store::Sqlite { folder } = place.store() else { panic!("a folder") };
    let mut app = TestApp::start(place).await;
    business(&app.app, &app).await;
    app.app.close().await;
    let clean = run_on(&folder, "verify");
    assert!(clean.status.success(), "{}", String::from_utf8_lossy(&clean.stderr));

    let file = format!("sqlite:{}", folder.join("journal.sqlite").display());
    let journal = Db::open(&file, Durability::Full).await.unwrap();
    let whole = body_of(&journal, 3).await;
    let mut changed = whole.clone();
    changed[100] ^= 0x40;
    put_body(&journal, 3, &changed).await;
    let verified = run_on(&folder, "verify");
    assert!(!verified.status.success());
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(said.contains("entry 3"), "{said}");
    let port = free_port().to_string();
    let demo = omamori().args(["demo", "--port", &port, "--data"]).arg(&folder).output().unwrap();
    assert!(!demo.status.success());
    let said = String::from_utf8_lossy(&demo.stderr);
    assert!(said.contains("entry 3"), "{said}");

    put_body(&journal, 3, &whole).await;
    journal.close().await;
    app.restart().await;
    app.finish().await;
}
