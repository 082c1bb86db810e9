//! The migrations make the same tables on both engines.

use std::collections::BTreeSet;

use omamori_db::{Db, sql};

use crate::support::app::TestApp;
use crate::support::place::Place;

/// Table, column, type, and whether it may be NULL; or an index with its columns.
type Facts = BTreeSet<String>;

/// Goal: what one engine has, the other has: tables, columns, types, NULLs, indexes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_engines_have_the_same_tables() {
    let embedded = TestApp::start(Place::sqlite()).await;
    let shared = TestApp::start(Place::postgres().await).await;
    let stores = &embedded.app.stores;
    let mut of_sqlite = Facts::new();
    for store in [&stores.registry, &stores.evidence, &stores.journal, &stores.views] {
        of_sqlite.extend(sqlite_facts(store).await);
    }
    let of_postgres = postgres_facts(&shared.app.stores.registry).await;
    assert!(of_sqlite.len() > 100, "the schemas are not read");
    assert_eq!(of_sqlite, of_postgres);
    embedded.finish().await;
    shared.finish().await;
}

/// The tables in which an engine keeps which migrations it has had are not ours.
fn is_ours(table: &str) -> bool {
    !table.starts_with("schema_steps_") && !table.starts_with("sqlite_")
}

async fn sqlite_facts(db: &Db) -> Facts {
    let columns = sql("SELECT m.name AS tab, c.name AS col, c.type AS kind, \
                       CAST(c.\"notnull\" AS BIGINT) AS required \
                       FROM sqlite_master m JOIN pragma_table_info(m.name) c \
                       WHERE m.type = 'table'");
    let mut facts = Facts::new();
    for row in db.all(columns).await.unwrap() {
        let table = row.text("tab").unwrap();
        if !is_ours(&table) {
            continue;
        }
        let kind = match row.text("kind").unwrap().as_str() {
            "INTEGER" => "bigint",
            "TEXT" => "text",
            "BLOB" => "bytea",
            other => panic!("a column of type {other}"),
        };
        let required = row.int("required").unwrap() == 1;
        facts.insert(format!("{table}.{} {kind} {required}", row.text("col").unwrap()));
    }
    let indexes = sql("SELECT m.tbl_name AS tab, m.name AS idx, c.name AS col, \
                       CAST(c.seqno AS BIGINT) AS place \
                       FROM sqlite_master m JOIN pragma_index_info(m.name) c \
                       WHERE m.type = 'index' AND m.sql IS NOT NULL");
    for row in db.all(indexes).await.unwrap() {
        let (table, index) = (row.text("tab").unwrap(), row.text("idx").unwrap());
        let (place, column) = (row.int("place").unwrap(), row.text("col").unwrap());
        facts.insert(format!("{table} index {index} {place} {column}"));
    }
    facts
}

async fn postgres_facts(db: &Db) -> Facts {
    let columns = sql("SELECT table_name::text AS tab, column_name::text AS col, \
                       data_type::text AS kind, is_nullable = 'NO' AS required \
                       FROM information_schema.columns WHERE table_schema = current_schema()");
    let mut facts = Facts::new();
    for row in db.all(columns).await.unwrap() {
        let (table, column) = (row.text("tab").unwrap(), row.text("col").unwrap());
        let (kind, required) = (row.text("kind").unwrap(), row.bool("required").unwrap());
        if is_ours(&table) {
            facts.insert(format!("{table}.{column} {kind} {required}"));
        }
    }
    let indexes = sql("SELECT t.relname::text AS tab, i.relname::text AS idx, \
                       a.attname::text AS col, CAST(k.place - 1 AS BIGINT) AS place \
                       FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid \
                       JOIN pg_class t ON t.oid = x.indrelid \
                       JOIN pg_namespace n ON n.oid = t.relnamespace \
                       CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS k (number, place) \
                       JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number \
                       LEFT JOIN pg_constraint c ON c.conindid = i.oid \
                       WHERE n.nspname = current_schema() AND c.oid IS NULL");
    for row in db.all(indexes).await.unwrap() {
        let (table, index) = (row.text("tab").unwrap(), row.text("idx").unwrap());
        let (place, column) = (row.int("place").unwrap(), row.text("col").unwrap());
        facts.insert(format!("{table} index {index} {place} {column}"));
    }
    facts
}
