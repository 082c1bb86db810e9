//! A backup that is taken while sales go on, and what is made of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use omamori::backup::{BackupError, FOLLOWERS_OF_VIEWS, restore, take};
use omamori::clock::{ManualClock, SECOND};
use omamori::config::Config;
use omamori::db::Stores;
use omamori::secret::Vault;
use omamori_db::sql;
use tempfile::TempDir;

use crate::books::busy::busy;
use crate::durability::child::omamori;
use crate::support::app::{MASTER_KEY, Node, TestApp};
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::place::Place;
use crate::support::rng::TestRng;
use crate::support::shop::Register;

on_both_engines!(
    a_backup_under_load_has_every_sale_that_was_answered_before_it,
    everything_comes_back_on_the_same_engine_and_on_the_other,
    a_changed_byte_is_refused_before_anything_is_written,
    a_backup_of_another_key_or_a_newer_version_is_refused,
    followers_of_the_views_are_told_from_the_others,
);

/// A second place, on the same engine or on the other.
async fn another(app: &TestApp, same: bool) -> Place {
    if app.app.stores.journal.is_embedded() == same {
        Place::sqlite()
    } else {
        Place::postgres().await
    }
}

/// A backup as the command takes it: on connections of its own.
async fn backup(app: &TestApp, folder: &Path) -> Result<omamori::backup::Manifest, BackupError> {
    let stores = Stores::open_as_they_are(&app.app.config.store).await.unwrap();
    let vault = Vault::new(&MASTER_KEY);
    let taken = take(&stores, folder, &vault, app.clock.as_ref(), |_, _| {}).await;
    stores.close().await;
    taken
}

async fn restored(app: &TestApp, folder: &Path, place: &Place) -> Result<(), BackupError> {
    let (store, vault) = (place.store(), Vault::new(&MASTER_KEY));
    restore(folder, &store, &vault, app.clock.as_ref(), |_, _| {}).await.map(|_| ())
}

/// The service on what was restored.
async fn open(app: &TestApp, place: &Place) -> Node {
    let config = Config { store: place.store(), starter_rules: false, ..Config::default() };
    let clock = Arc::new(ManualClock::at(app.now() + SECOND));
    let rng = Arc::new(TestRng::default());
    Node::new(omamori::cli::open::open(config, &MASTER_KEY, clock, rng).await.unwrap())
}

async fn verified(node: &Node) {
    let (journal, views) = (&node.app.stores.journal, &node.app.stores.views);
    let report = omamori_ledger::verify(journal, views).await.unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
    crate::support::fold::check(&node.app).await;
}

/// Goal: registers go on selling while the backup is taken; every sale that was answered before it
/// began is in it, and of the later ones those that are there are there whole.
async fn a_backup_under_load_has_every_sale_that_was_answered_before_it(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let answered: Arc<Vec<AtomicUsize>> = Arc::new((0..4).map(|_| AtomicUsize::new(0)).collect());
    let is_over = Arc::new(AtomicBool::new(false));
    // The clock stands still from the showing of a code to the answer of its sale.
    let showing = Arc::new(tokio::sync::RwLock::new(()));
    let mut customers = Vec::new();
    let mut lines = Vec::new();
    for line in 0..4 {
        let customer = Customer::new(&app.app).await;
        customer.load(app, &register, 20_000).await;
        customers.push(customer.wallet_account);
        let (node, clock, register) = ((**app).clone(), app.clock.clone(), register.clone());
        let (answered, is_over, showing) = (answered.clone(), is_over.clone(), showing.clone());
        lines.push(tokio::spawn(async move {
            let mut sale = 0;
            while !is_over.load(Ordering::SeqCst) {
                let shown = showing.read().await;
                let Some(code) = customer.code_if_any(omamori::clock::Clock::now(&*clock)) else {
                    // All codes of this step were shown.
                    drop(shown);
                    let _alone = showing.write().await;
                    clock.advance(30 * SECOND);
                    continue;
                };
                register.sell(&node, &format!("l{line}-{sale}"), &code, 1).await.ok();
                sale += 1;
                answered[line].store(sale, Ordering::SeqCst);
            }
        }));
    }
    let folder = TempDir::new().unwrap();
    crate::support::wait_until(|| answered.iter().all(|n| n.load(Ordering::SeqCst) > 5)).await;
    let before: Vec<_> = answered.iter().map(|n| n.load(Ordering::SeqCst)).collect();
    let manifest = backup(app, folder.path()).await.unwrap();
    let after: Vec<_> = answered.iter().map(|n| n.load(Ordering::SeqCst)).collect();
    let enough = |n: &AtomicUsize, was: usize| n.load(Ordering::SeqCst) > was + 2;
    crate::support::wait_until(|| answered.iter().zip(&after).all(|(n, was)| enough(n, *was)))
        .await;
    is_over.store(true, Ordering::SeqCst);
    for line in lines {
        line.await.unwrap();
    }
    assert!(manifest.journal.seq < app.journal_entries().await, "sales went on");

    let place = another(app, true).await;
    restored(app, folder.path(), &place).await.unwrap();
    let node = open(app, &place).await;
    verified(&node).await;
    for (line, count) in before.iter().enumerate() {
        let mut found = 0;
        loop {
            let sale = register.payment(&node, &format!("l{line}-{found}")).await;
            if !sale.status.is_success() {
                break;
            }
            assert_eq!(sale.json()["payment"]["status"], "captured", "{}", sale.text());
            found += 1;
        }
        assert!(found >= *count, "line {line}: {found} of {count} sales");
        assert_eq!(node.app.gate.balance(customers[line]), 20_000 - i64::try_from(found).unwrap());
    }
    node.app.close().await;
    place.discard().await;
}

/// Goal: every table, on both engines; a service of before goes on after: with its phones, its keys
/// and its money; a second restore into the same place is refused.
async fn everything_comes_back_on_the_same_engine_and_on_the_other(app: &mut TestApp) {
    busy(app).await;
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 5_000).await;
    let folder = TempDir::new().unwrap();
    let manifest = backup(app, folder.path()).await.unwrap();
    assert!(manifest.rows() > 100 && manifest.bytes() > 10_000);
    backup(app, folder.path()).await.unwrap_err(); // not over another one
    for same in [true, false] {
        let place = another(app, same).await;
        restored(app, folder.path(), &place).await.unwrap();
        let again = restored(app, folder.path(), &place).await;
        assert!(matches!(again, Err(BackupError::NotEmpty(_))), "{again:?}");
        let node = open(app, &place).await;
        verified(&node).await;
        assert_eq!(node.app.gate.balance(customer.wallet_account), 5_000);
        for table in ["customer", "passkey", "device", "store", "campaign", "send", "audit_entry"] {
            assert_eq!(count(&node, table).await, count(app, table).await, "{table}");
        }
        let code = customer.code(node.app.clock.now());
        register.sell(&node, "after", &code, 1_000).await.ok();
        assert_eq!(node.app.gate.balance(customer.wallet_account), 4_000);
        node.app.close().await;
        place.discard().await;
    }
}

async fn count(node: &Node, table: &str) -> i64 {
    let query = format!("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM {table}");
    let query = omamori_db::sql_built(query);
    node.app.stores.registry.one(query).await.unwrap().int("n").unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect()
}

/// Attack: somebody who can write the backup changes a balance, a name, the manifest or its seal,
/// or takes a file away.
async fn a_changed_byte_is_refused_before_anything_is_written(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 5_000).await;
    let folder = TempDir::new().unwrap();
    backup(app, folder.path()).await.unwrap();
    let place = another(app, true).await;
    let mut tried = 0;
    for file in files(folder.path()) {
        let whole = fs::read(&file).unwrap();
        if whole.is_empty() {
            continue;
        }
        let mut changed = whole.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        fs::write(&file, &changed).unwrap();
        let refused = restored(app, folder.path(), &place).await.unwrap_err();
        let of_manifest = file.to_string_lossy().contains("manifest");
        let right = match refused {
            BackupError::Seal => of_manifest,
            BackupError::Changed(_) => !of_manifest,
            _ => false,
        };
        assert!(right, "{}: {refused:?}", file.display());
        fs::remove_file(&file).unwrap();
        assert!(restored(app, folder.path(), &place).await.is_err(), "{}", file.display());
        fs::write(&file, &whole).unwrap();
        tried += 1;
    }
    assert!(tried > 10, "{tried} files");
    restored(app, folder.path(), &place).await.unwrap();
    place.discard().await;
}

/// Goal: without the installation's master key nothing is made of a backup, and an older program
/// does not guess at a newer schema.
async fn a_backup_of_another_key_or_a_newer_version_is_refused(app: &mut TestApp) {
    let folder = TempDir::new().unwrap();
    backup(app, folder.path()).await.unwrap();
    let place = another(app, true).await;
    let (clock, store) = (app.clock.as_ref(), place.store());
    let other = restore(folder.path(), &store, &Vault::new(&[8; 32]), clock, |_, _| {}).await;
    assert!(matches!(other, Err(BackupError::Seal)), "{other:?}");
    let add = sql("INSERT INTO schema_steps_registry (version, description, success, checksum, \
                   execution_time) VALUES (9999, 'of the future', true, $1, 0)");
    app.app.stores.registry.execute(add.bind([0_u8; 4])).await.unwrap();
    let newer = TempDir::new().unwrap();
    backup(app, newer.path()).await.unwrap();
    let refused = restored(app, newer.path(), &place).await;
    assert!(matches!(refused, Err(BackupError::Newer { step: 9999, .. })), "{refused:?}");
    let remove = sql("DELETE FROM schema_steps_registry WHERE version = 9999");
    app.app.stores.registry.execute(remove).await.unwrap();
    fs::remove_file(folder.path().join("manifest.seal")).unwrap();
    let unfinished = restored(app, folder.path(), &place).await;
    assert!(matches!(unfinished, Err(BackupError::NoManifest(_))), "{unfinished:?}");
    place.discard().await;
}

/// Goal: a follower that somebody adds to the views is listed: its position must not be restored
/// without its rows. One of the registry is not listed: it must not tell everything again.
async fn followers_of_the_views_are_told_from_the_others(app: &mut TestApp) {
    app.restart_with(|config| config.value.points.after_days = 3).await;
    if !app.app.stores.journal.is_embedded() {
        return; // where they share a table, nothing tells them apart but their names
    }
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 5_000).await;
    app.restart().await; // all have written where they stand
    let names = async |db: &omamori_db::Db| -> Vec<String> {
        let rows = db.all(sql("SELECT name FROM ledger_follower ORDER BY name")).await.unwrap();
        rows.iter().map(|row| row.text("name").unwrap()).collect()
    };
    let stores = &app.app.stores;
    assert_eq!(names(&stores.views).await, FOLLOWERS_OF_VIEWS);
    let of_registry = names(&stores.registry).await;
    assert!(!of_registry.is_empty());
    assert!(of_registry.iter().all(|name| !FOLLOWERS_OF_VIEWS.contains(&name.as_str())));
}

/// Goal: the commands, beside the running demo; the restored folder verifies with the command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_work_beside_the_running_service() {
    let folder = TempDir::new().unwrap();
    let port = crate::durability::child::free_port();
    let mut demo = crate::durability::child::Demo::start(folder.path(), port);
    demo.ready();
    let (copy, new) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let run = |command: &str, at: &Path, rest: &[&str], other: &Path| {
        let output = omamori().arg(command).arg("--data").arg(at).args(rest).arg(other).output();
        let output = output.unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|b| String::from_utf8(b).unwrap());
        (output.status.success(), format!("{out}{err}"))
    };
    let (ok, said) = run("backup", folder.path(), &["--to"], copy.path());
    assert!(ok && said.contains("journal   entry"), "{said}");
    let (ok, said) = run("restore", new.path(), &["--from"], copy.path());
    assert!(!ok && said.contains("master key"), "the key is not in it: {said}");
    fs::copy(folder.path().join("master.key"), new.path().join("master.key")).unwrap();
    let (ok, said) = run("restore", new.path(), &["--from"], copy.path());
    assert!(ok && said.contains("clean\n"), "{said}");
    demo.kill();
    let verified = crate::durability::child::run_on(new.path(), "verify");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}
