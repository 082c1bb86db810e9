//! No insert that names one unique index can meet another.
//!
//! PostgreSQL looks for a conflict in the index that `ON CONFLICT (…)` names; two inserts of the
//! same row at once may meet at another one first, and then the second fails instead of doing
//! nothing.
//! Seen with settlement runs and with orders of online shops, once in hundreds of runs.

use std::collections::HashMap;

use omamori_db::{Db, sql};

use super::statements::{Statement, statements};
use crate::support::app::TestApp;
use crate::support::place::Place;

/// Tables whose other unique columns are random: two rows that meet there are two things, and the
/// fault is right.
const OTHERS_ARE_RANDOM: [&str; 4] = ["alert", "orders", "review_flag", "store_qr"];

/// How many ways there are to be unique in each table.
async fn unique_indexes(store: &Db) -> HashMap<String, i64> {
    let query = sql("SELECT m.name AS tab, CAST(COUNT(*) AS BIGINT) AS ways
         FROM sqlite_master m JOIN pragma_index_list(m.name) i
         WHERE m.type = 'table' AND i.\"unique\" = 1 GROUP BY m.name");
    let rows = store.all(query).await.unwrap();
    rows.iter().map(|row| (row.text("tab").unwrap(), row.int("ways").unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_insert_names_an_index_only_where_there_is_one() {
    let app = TestApp::start(Place::sqlite()).await;
    let stores = &app.app.stores;
    let mut ways = HashMap::new();
    for store in [&stores.registry, &stores.evidence, &stores.journal, &stores.views] {
        ways.extend(unique_indexes(store).await);
    }
    let mut looked_at = 0;
    for Statement { file, text } in statements() {
        let Some(rest) = text.strip_prefix("INSERT INTO ") else { continue };
        if !text.contains("ON CONFLICT (") {
            continue;
        }
        looked_at += 1;
        let table = rest.split([' ', '(']).next().unwrap();
        let is_one = ways.get(table).is_none_or(|ways| *ways == 1);
        assert!(is_one || OTHERS_ARE_RANDOM.contains(&table), "{file}: {text}");
    }
    assert!(looked_at > 20, "the statements are not read: {looked_at}");
    app.finish().await;
}
