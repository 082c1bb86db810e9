//! Personal data: the inventory is whole, what is past its time goes, a closing is carried out
//! once, whoever does it and wherever it was interrupted.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use omamori::app::App;
use omamori::audit::list::{Filter, newest};
use omamori::audit::{Actor, MACHINE};
use omamori::clock::DAY;
use omamori::console::access::Role;
use omamori::console::customer_acts;
use omamori::gate::Act;
use omamori::identity::account;
use omamori::privacy::{
    AtClosing, Exported, GRACE, INVENTORY, Kept, NewHold, Store, ask_for_closing, carry_out_due,
    document, export_for_staff, export_of, place_hold, release_holds, retain,
};
use omamori::web::codes::Code;
use omamori_db::{Db, sql};
use serde_json::json;

use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::shop::Register;
use crate::support::{on_both_engines, on_several_nodes};

on_both_engines!(
    every_table_is_in_the_inventory,
    a_closed_account_is_gone_and_takes_no_value,
    a_closing_goes_on_wherever_it_was_interrupted,
    value_that_came_in_the_grace_is_kept,
    what_commands_do_to_an_account_is_in_the_audit_log,
    a_customer_with_value_or_a_fresh_payment_stays,
    who_is_looked_at_in_an_incident_stays,
    sessions_and_decisions_go_after_their_time,
);
on_several_nodes!(two_nodes_close_an_account_once);

/// What names the customer whose row it is.
const OWN: [&str; 3] = ["customer_id = $1", "sender_id = $1", "asker_id = $1"];

/// Goal: a table that nobody has thought about fails here, whichever branch it came from.
async fn every_table_is_in_the_inventory(app: &mut TestApp) {
    let listed: BTreeSet<_> = INVENTORY.iter().map(|table| table.name.to_owned()).collect();
    assert_eq!(listed.len(), INVENTORY.len(), "a table is listed twice");
    let (registry, evidence) = (&app.app.stores.registry, &app.app.stores.evidence);
    let mut found: BTreeSet<String> = tables(registry).await;
    found.extend(tables(evidence).await);
    // Of the journal and the views, which on PostgreSQL are in the same database.
    let value = [
        "journal",
        "transfer",
        "snapshot",
        "account_block",
        "pending_block",
        "id_block",
        "points_due",
        "history_line",
        "sales_day",
    ];
    found.retain(|name| !value.contains(&name.as_str()));
    assert_eq!(found, listed);
    for table in INVENTORY {
        let db = if table.store == Store::Registry { registry } else { evidence };
        assert!(tables(db).await.contains(table.name), "{} is elsewhere", table.name);
        if let Exported::Rows { select, columns, .. } = table.exported {
            let head = select.split(" FROM ").next().unwrap();
            assert!(OWN.iter().any(|own| select.contains(own)), "{select}");
            assert_eq!(head.matches(',').count() + 1, columns.len(), "{}", table.name);
            for secret in ["hash", "secret", "code,", "credential", "message", "endpoint", "auth"] {
                assert!(!head.contains(secret), "{} gives away {secret}", table.name);
            }
        }
        let statement = match table.at_closing {
            AtClosing::Deleted(statement) | AtClosing::Emptied(_, statement) => statement,
            AtClosing::Otherwise(_) | AtClosing::Stays(_) => continue,
        };
        assert!(statement.contains(table.name), "{statement}");
        assert!(OWN.iter().any(|own| statement.ends_with(&format!("WHERE {own}"))), "{statement}");
    }
}

async fn tables(db: &Db) -> BTreeSet<String> {
    let query = match db {
        Db::Sqlite { .. } => sql("SELECT name FROM sqlite_master WHERE type = 'table'"),
        Db::Postgres(_) => sql("SELECT table_name::text AS name FROM information_schema.tables \
                                WHERE table_schema = current_schema()"),
    };
    let rows = db.all(query).await.unwrap();
    let names = rows.iter().map(|row| row.text("name").unwrap());
    names
        .filter(|name| !name.starts_with("schema_steps_") && !name.starts_with("sqlite_"))
        .collect()
}

/// Goal: what an operator publishes is what the program does.
#[test]
fn the_document_is_that_of_the_inventory() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/privacy.md"));
    let page = fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once("<!-- inventory").unwrap();
    let (marker, rest) = rest.split_once('\n').unwrap();
    let (_, after) = rest.split_once("<!-- end of inventory -->").unwrap();
    let table = document();
    let expected =
        format!("{before}<!-- inventory{marker}\n{table}<!-- end of inventory -->{after}");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, &expected).unwrap();
    }
    let found = fs::read_to_string(path).unwrap();
    assert!(found == expected, "docs/privacy.md is not up to date: UPDATE=1 writes it anew");
    assert!(INVENTORY.iter().any(|table| matches!(table.kept, Kept::Until { .. })));
}

async fn state(node: &Node, customer: &Customer) -> String {
    let query =
        sql("SELECT state FROM account_closing WHERE customer_id = $1 ORDER BY asked_at DESC");
    let row = node.app.stores.registry.optional(query.bind(&customer.customer_id)).await.unwrap();
    row.map_or_else(String::new, |row| row.text("state").unwrap())
}

async fn set_state(app: &App, customer: &Customer, state: &str) {
    let update = sql("UPDATE account_closing SET state = $1 WHERE customer_id = $2");
    let update = update.bind(state).bind(&customer.customer_id);
    app.stores.registry.execute(update).await.unwrap();
}

/// Somebody who has paid and has nothing left, long enough ago.
async fn spent(app: &TestApp) -> (Register, Customer) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 1_000).await;
    register.sell(app, "s-1", &customer.code(app.now()), 1_000).await.ok();
    app.clock.advance(15 * DAY);
    (register, customer)
}

async fn assert_gone(app: &TestApp, customer: &Customer) {
    assert_eq!(state(app, customer).await, "done");
    let id = &customer.customer_id;
    let kept = account::find(&app.app.stores.registry, id).await.unwrap();
    assert_eq!(kept.phone.as_str(), "");
    let copy = export_of(&app.app, id).await.unwrap();
    for section in ["sessions", "phones", "passkeys", "contacts", "notices", "messages"] {
        assert_eq!(copy[section], serde_json::json!([]), "{section}");
    }
    for decision in copy["decisions"].as_array().unwrap() {
        assert!(decision["ip"].is_null() && decision["device"].is_null(), "{decision}");
    }
    let wallet = app.app.gate.account(customer.wallet_account).unwrap();
    assert!(wallet.flags.contains(omamori_ledger::AccountFlags::CLOSED));
}

/// Goal: the phone shows no code, a refund finds no wallet, the books are whole, and the shop still
/// sees its sale.
async fn a_closed_account_is_gone_and_takes_no_value(app: &mut TestApp) {
    let (register, customer) = spent(app).await;
    ask_for_closing(&app.app, &Actor::machine(), &customer.customer_id).await.unwrap();
    let code = customer.code(app.now());
    register.top_up(app, "t-1", &code, 1_000).await.refused(Code::AccountFrozen);
    app.clock.advance(GRACE);
    carry_out_due(&app.app).await.unwrap();
    assert_gone(app, &customer).await;
    register.refund(app, "r-1", "s-1", 100).await.error();
    assert!(
        !register.top_up(app, "t-2", &customer.code(app.now()), 1_000).await.status.is_success()
    );
    assert_eq!(customer.balance(app), 0);
    let sale = register.get(app, "/payments/s-1").await.ok();
    assert_eq!(sale["payment"]["amount"], 1_000);
}

/// Goal: a process that dies between any two steps leaves what the next one finishes; a round more
/// changes nothing.
async fn a_closing_goes_on_wherever_it_was_interrupted(app: &mut TestApp) {
    let (_, customer) = spent(app).await;
    ask_for_closing(&app.app, &Actor::machine(), &customer.customer_id).await.unwrap();
    app.clock.advance(GRACE);
    // After the claim.
    set_state(&app.app, &customer, "ending").await;
    app.restart().await;
    carry_out_due(&app.app).await.unwrap();
    assert_gone(app, &customer).await;
    let entries = app.journal_entries().await;
    // After the registry; the evidence comes again from its beginning.
    set_state(&app.app, &customer, "scrubbing").await;
    app.restart().await;
    carry_out_due(&app.app).await.unwrap();
    assert_gone(app, &customer).await;
    assert_eq!(app.journal_entries().await, entries, "the ledger is closed once");

    // After the ledger: the wallet is closed, the registry does not know it yet.
    let (_, other) = spent(app).await;
    ask_for_closing(&app.app, &Actor::machine(), &other.customer_id).await.unwrap();
    app.clock.advance(GRACE);
    break_registry(&app.app, true).await;
    carry_out_due(&app.app).await.unwrap();
    assert_eq!(state(app, &other).await, "ending", "the transaction of the registry failed whole");
    let wallet = app.app.gate.account(other.wallet_account).unwrap();
    assert!(wallet.flags.contains(omamori_ledger::AccountFlags::CLOSED));
    break_registry(&app.app, false).await;
    app.restart().await;
    carry_out_due(&app.app).await.unwrap();
    assert_gone(app, &other).await;
}

/// Takes a table away in the middle of what a closing deletes, and brings it back.
async fn break_registry(app: &App, breaks: bool) {
    let rename = if breaks {
        "ALTER TABLE passkey RENAME TO passkey_away"
    } else {
        "ALTER TABLE passkey_away RENAME TO passkey"
    };
    app.stores.registry.execute_raw(rename.to_owned()).await.unwrap();
}

/// Goal: a refund that came in the seven days is not lost with the account.
async fn value_that_came_in_the_grace_is_kept(app: &mut TestApp) {
    let (register, customer) = spent(app).await;
    ask_for_closing(&app.app, &Actor::machine(), &customer.customer_id).await.unwrap();
    register.refund(app, "r-1", "s-1", 100).await.ok();
    app.clock.advance(GRACE);
    carry_out_due(&app.app).await.unwrap();
    assert_eq!((state(app, &customer).await.as_str(), customer.balance(app)), ("canceled", 100));
    let again = account::find(&app.app.stores.registry, &customer.customer_id).await.unwrap();
    assert!(!again.frozen);
    register.sell(app, "s-2", &customer.code(app.now()), 100).await.ok();
}

/// Attack: a mule whom a count found, and who is not stopped yet, closes the account, so that phone
/// and networks are taken out of the records.
async fn who_is_looked_at_in_an_incident_stays(app: &mut TestApp) {
    let (_, customer) = spent(app).await;
    let fraud = Person::new(&app.app, Role::Fraud).await;
    let new = json!({ "title": "受け子", "kind": "takeover", "first_event_at": app.now() - DAY });
    let opened = fraud.post(app, "/incidents", &new).await.ok();
    let path = |end: &str| format!("/incidents/{}/{end}", opened["incident_id"].as_str().unwrap());
    let added = json!({ "customer_id": customer.customer_id, "reason": "共犯の疑い" });
    let added = fraud.post(app, &path("members"), &added).await;
    assert!(added.status.is_success(), "{}", added.text());
    let (actor, id) = (Actor::machine(), &customer.customer_id);
    let held = ask_for_closing(&app.app, &actor, id).await.unwrap_err();
    assert_eq!(held.code(), Code::ClosingHeld);
    let cleared = json!({ "state": "cleared", "reason": "関係なし" });
    fraud.post(app, &path("review"), &cleared).await.ok();
    ask_for_closing(&app.app, &actor, id).await.unwrap();
}

/// Goal: whoever made a copy, placed a hold or asked for a closing on the server is written down.
async fn what_commands_do_to_an_account_is_in_the_audit_log(app: &mut TestApp) {
    let (_, customer) = spent(app).await;
    let (id, actor) = (&customer.customer_id, Actor::machine());
    let copy = export_for_staff(&app.app, &actor, id).await.unwrap();
    assert_eq!(copy["format"], "omamori-export/1");
    let hold = NewHold { reason: "court", until: app.now() + DAY, by: "legal" };
    place_hold(&app.app, &actor, id, &hold).await.unwrap();
    let held = ask_for_closing(&app.app, &actor, id).await.unwrap_err();
    assert_eq!(held.code(), Code::ClosingHeld);
    assert_eq!(release_holds(&app.app, &actor, id).await.unwrap(), 1);
    assert_eq!(release_holds(&app.app, &actor, id).await.unwrap(), 0, "nothing to write down");
    ask_for_closing(&app.app, &actor, id).await.unwrap();
    let registry = &app.app.stores.registry;
    let entries = newest(registry, &Filter::default(), 10).await.unwrap();
    let mine = entries.iter().filter(|entry| entry.subject == *id);
    let acts: Vec<&str> = mine.clone().map(|entry| &*entry.act).collect();
    let wanted = ["account_close_ask", "legal_hold_end", "legal_hold_place", "data_export"];
    assert_eq!(acts, wanted, "newest first");
    assert!(mine.clone().all(|entry| entry.actor == MACHINE));
    assert!(mine.clone().any(|entry| entry.reason == "court"));
}

async fn a_customer_with_value_or_a_fresh_payment_stays(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 1_000).await;
    let refused = async |app: &TestApp| {
        ask_for_closing(&app.app, &Actor::machine(), &customer.customer_id)
            .await
            .unwrap_err()
            .code()
    };
    assert_eq!(refused(app).await, Code::ClosingBalance);
    register.sell(app, "s-1", &customer.code(app.now()), 1_000).await.ok();
    assert_eq!(refused(app).await, Code::ClosingRefunds);
    app.clock.advance(14 * DAY);
    ask_for_closing(&app.app, &Actor::machine(), &customer.customer_id).await.unwrap();
    assert_eq!(refused(app).await, Code::ClosingUnderWay);
    customer_acts::unfreeze(&app.app, &Actor::machine(), &customer.customer_id).await.unwrap();
    app.clock.advance(GRACE);
    carry_out_due(&app.app).await.unwrap();
    assert_eq!(state(app, &customer).await, "canceled", "staff started it again meanwhile");
}

/// Goal: two workers at once close it once, and what nodes remember of the phone is forgotten.
async fn two_nodes_close_an_account_once(app: &mut TestApp) {
    let other = app.another_node().await;
    let (register, customer) = spent(app).await;
    let before = customer.device_number;
    assert!(other.app.identity.device(&other.app, before).await.unwrap().is_some());
    ask_for_closing(&app.app, &Actor::machine(), &customer.customer_id).await.unwrap();
    app.clock.advance(GRACE);
    let (one, two) = tokio::join!(carry_out_due(&app.app), carry_out_due(&other.app));
    one.unwrap();
    two.unwrap();
    carry_out_due(&other.app).await.unwrap();
    assert_gone(app, &customer).await;
    while other.app.identity.device(&other.app, before).await.unwrap().is_some() {
        tokio::task::yield_now().await; // until the other node has read the change
    }
    let code = customer.code(app.now());
    assert!(!register.top_up(&other, "t-1", &code, 1_000).await.status.is_success());
    other.app.close().await;
}

async fn sessions_and_decisions_go_after_their_time(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let detail = serde_json::json!({});
    let question = omamori::gate::Question::plain(Act::SignIn, &detail);
    let _cleared = app.app.gate.decide(question, Ok(())).await.unwrap();
    app.clock.advance(90 * DAY);
    retain(&app.app).await.unwrap();
    assert_eq!((rows(app, true).await, app.decisions().await), (1, 1), "they are kept whole");
    app.clock.advance(1);
    retain(&app.app).await.unwrap();
    assert_eq!((rows(app, true).await, app.decisions().await), (0, 1));
    app.clock.advance(5 * 366 * DAY);
    retain(&app.app).await.unwrap();
    assert_eq!(app.decisions().await, 0);
    assert_eq!(rows(app, false).await, 1, "{} is a customer still", customer.customer_id);
}

async fn rows(app: &TestApp, of_sessions: bool) -> i64 {
    let query = if of_sessions {
        sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM session")
    } else {
        sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM customer")
    };
    app.app.stores.registry.one(query).await.unwrap().int("n").unwrap()
}
