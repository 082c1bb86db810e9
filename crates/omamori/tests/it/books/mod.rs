//! The journal as books: somebody else's accounting program agrees with every balance.

pub mod busy;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use omamori::app::App;
use omamori::books::accounting::{Grain, export};
use omamori::books::{Event, read};
use omamori::gate::chart::{TransferCode, available};
use tempfile::TempDir;

use crate::durability::child::omamori;
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::shop::Register;
use busy::busy;

on_both_engines!(
    hledger_finds_our_balances,
    an_export_ends_where_it_is_told_and_cuts_no_chain,
    an_export_holds_nothing_of_a_person,
);

/// What the busy world does not do. Auto top-up is a top-up like any other, the note of a gift is
/// of amount 0; what is authorized for later is set aside and given back, and never posted under
/// these codes.
const UNUSED: [TransferCode; 6] = [
    TransferCode::FreeGivenNote,
    TransferCode::TopupAuto,
    TransferCode::Authorization,
    TransferCode::AuthorizationPart,
    TransferCode::PaymentHeld,
    TransferCode::CodeClaim,
];

async fn write(app: &App, until: Option<u64>, grain: Grain, path: &Path) -> u64 {
    let file = std::fs::File::create(path).unwrap();
    export(&app.stores.journal, until, grain, file).await.unwrap().transactions
}

/// Debian's hledger on a file.
fn hledger(file: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("hledger");
    command.env("LC_ALL", "C.UTF-8").arg("--file").arg(file).args(arguments);
    let output = command.output();
    output.unwrap_or_else(|error| panic!("tools/packages test installs hledger: {error}"))
}

/// Account and unit to balance, as hledger adds it up; debits are positive.
fn balances(file: &Path) -> BTreeMap<(String, String), i128> {
    let found = hledger(file, &["balance", "--flat", "--no-total", "--output-format", "csv"]);
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    let text = String::from_utf8(found.stdout).unwrap();
    let mut balances = BTreeMap::new();
    for line in text.lines().skip(1) {
        let (account, amount) = line.split_once(',').unwrap();
        let amount = amount.trim_matches('"').replace("\"\"", "\"");
        let (number, unit) = amount.split_once(' ').unwrap();
        let key = (account.trim_matches('"').to_owned(), unit.trim_matches('"').to_owned());
        assert!(balances.insert(key, number.parse().unwrap()).is_none(), "{line}");
    }
    balances
}

fn unit(ledger: u32) -> &'static str {
    match ledger {
        392 => "JPY",
        1_392 => "free JPY",
        2_001 => "points",
        3_001 => "pieces",
        other => panic!("unit {other}"),
    }
}

/// Goal: every kind of transfer that there is; hledger finds no fault, and the balance of each
/// account, with what is held and without.
async fn hledger_finds_our_balances(app: &mut TestApp) {
    busy(app).await;
    let (mut accounts, mut codes) = (Vec::new(), BTreeSet::new());
    let journal = &app.app.stores.journal;
    read(journal, None, |_, event| {
        match event {
            Event::Opened(account) => accounts.push(account.id),
            Event::Chain(chain) => codes.extend(chain.iter().map(|transfer| transfer.code)),
            Event::Expired { .. } => {}
        }
        Ok(())
    })
    .await
    .unwrap();
    let all: BTreeSet<u16> = (0..u16::MAX).filter(|n| TransferCode::of(*n).is_some()).collect();
    let unused: BTreeSet<u16> = UNUSED.iter().map(|code| code.number()).collect();
    let missing: Vec<_> = all.difference(&codes).filter(|n| !unused.contains(n)).collect();
    assert!(missing.is_empty(), "the busy world does not use {missing:?}");

    let folder = TempDir::new().unwrap();
    let file = folder.path().join("all.journal");
    assert!(write(&app.app, None, Grain::Accounts, &file).await > 30);
    let checked = hledger(&file, &["check", "--strict"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let mut found = balances(&file);
    let mut held = 0;
    for id in accounts {
        let account = app.app.gate.account(id).unwrap();
        let posted = i128::from(account.debits_posted) - i128::from(account.credits_posted);
        let unit = unit(account.ledger).to_owned();
        let name = |suffix: &str| format!("{id:032x}{suffix}");
        let mut take = |suffix: &str| {
            let key = found.keys().find(|(account, _)| account.ends_with(&name(suffix))).cloned();
            key.map_or(0, |key| {
                assert_eq!(key.1, unit);
                found.remove(&key).unwrap()
            })
        };
        let (free, set_aside) = (take(""), take(":held"));
        assert_eq!(free + set_aside, posted, "{id:032x}");
        assert_eq!(set_aside, -i128::from(account.debits_pending), "{id:032x}");
        if free < 0 {
            assert_eq!(-free, i128::from(available(&account)), "what can be spent");
        }
        held += account.debits_pending;
    }
    assert!(found.is_empty(), "accounts that we do not have: {found:?}");
    assert!(held > 0, "nothing was set aside");

    // The general ledger has the same in less: each kind is the sum of its accounts.
    let kinds = folder.path().join("kinds.journal");
    write(&app.app, None, Grain::Kinds, &kinds).await;
    assert!(hledger(&kinds, &["check", "--strict"]).status.success());
    let mut sums: BTreeMap<(String, String), i128> = BTreeMap::new();
    for ((name, unit), amount) in balances(&file) {
        let kind: Vec<_> = name.split(':').filter(|part| part.len() != 32).collect();
        *sums.entry((kind.join(":"), unit)).or_default() += amount;
    }
    sums.retain(|_, amount| *amount != 0);
    assert_eq!(balances(&kinds), sums);
    assert!(!sums.keys().any(|(name, _)| name.contains("kind-")), "a kind has no name: {sums:?}");
}

/// Goal: the command writes what was before an instant; a chain is there whole or not at all.
async fn an_export_ends_where_it_is_told_and_cuts_no_chain(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 10_000).await;
    app.clock.advance(omamori::clock::HOUR);
    register.sell(app, "s-1", &customer.code(app.now()), 1_000).await.ok();
    let mut chains = Vec::new();
    read(&app.app.stores.journal, None, |_, event| {
        if let Event::Chain(chain) = event {
            chains.push((chain[0].timestamp, chain.len() as u64));
        }
        Ok(())
    })
    .await
    .unwrap();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("part.journal");
    for (number, (first, length)) in (1_u64..).zip(&chains) {
        assert_eq!(write(&app.app, Some(*first), Grain::Accounts, &file).await, number - 1);
        for inside in 1..=*length {
            let until = Some(first + inside);
            assert_eq!(write(&app.app, until, Grain::Accounts, &file).await, number);
            assert!(hledger(&file, &["check", "--strict"]).status.success());
        }
    }
    assert_eq!(chains.len(), 2);
}

/// Goal: what goes to an accountant names nobody: no number, no address, no id of a customer.
async fn an_export_holds_nothing_of_a_person(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 10_000).await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("all.journal");
    write(&app.app, None, Grain::Accounts, &file).await;
    let text = std::fs::read_to_string(file).unwrap();
    let phone = customer.phone();
    for person in [&customer.customer_id, &phone, &customer.token, &register.store_id] {
        assert!(!text.contains(person.as_str()), "{person}");
    }
}

/// Goal: the command, on a store on disk, with a day in Japan as its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_writes_to_its_standard_output() {
    let place = crate::support::place::Place::sqlite();
    let omamori::config::Store::Sqlite { folder } = place.store() else { unreachable!() };
    let app = TestApp::start(place).await;
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(&app, &register, 10_000).await;
    let run = |arguments: &[&str]| {
        let mut command = omamori();
        command.args(["export", "ledger", "--data"]).arg(&folder).args(arguments);
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let (ok, text) = run(&["--until", "2026-04-01"]);
    assert!(ok && text.contains("liabilities:wallet:") && text.contains("-10000 JPY"), "{text}");
    let (ok, text) = run(&["--until", "2026-03-31", "--accounting"]);
    assert!(ok && text.contains("commodity") && !text.contains("10000 JPY"), "{text}");
    assert!(!run(&["--until", "soon"]).0);
    app.finish().await;
}
