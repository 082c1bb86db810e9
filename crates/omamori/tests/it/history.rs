//! Search, months and files of a history: the same lines as the history itself, and only one's own.

use axum::http::StatusCode;
use omamori::clock::{DAY, SECOND};
use omamori::web::codes::Code;
use omamori_db::{Db, sql};
use serde_json::Value;

use crate::send::{id, rich, to_phone};
use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::passkey::Person;
use crate::support::shop::Register;

on_both_engines!(
    a_search_for_everything_is_the_history,
    the_view_is_made_again,
    a_search_finds_what_was_asked_for,
    no_character_of_a_search_means_more_than_itself,
    a_search_that_cannot_be_meant_is_refused,
    a_file_has_the_lines_and_runs_nothing,
    months_are_summed_up,
    a_search_uses_the_index,
);

async fn named(app: &TestApp, register: &Register, name: &str) {
    let update = sql("UPDATE store SET name = $1 WHERE store_id = $2");
    let update = update.bind(name).bind(&register.store_id);
    app.app.stores.registry.execute(update).await.unwrap();
}

async fn entries(node: &Node, customer: &Customer, query: &str) -> Vec<Value> {
    let answer = customer.get(node, &format!("/api/wallet/v1/history?{query}")).await.ok();
    answer["entries"].as_array().unwrap().clone()
}

fn ids(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["id"].as_str().unwrap()).collect()
}

/// Somebody with a line of each kind that a register and a friend can make.
async fn lived(app: &TestApp) -> (Register, Person) {
    let register = Register::new(&app.app).await;
    let mut person = rich(app, 20_000).await;
    let friend = Person::new(&app.app).await;
    let code = |app: &TestApp| person.customer.code(app.now());
    register.sell(app, "s-1", &code(app), 700).await.ok();
    register.refund(app, "r-1", "s-1", 200).await.ok();
    app.clock.advance(31 * SECOND);
    register.sell(app, "s-2", &code(app), 300).await.ok();
    register.cancel(app, "s-2").await.ok();
    register.top_up(app, "t-1", &code(app), 1_000).await.ok();
    register.cancel_top_up(app, "t-1").await.ok();
    let taken = id(&person.send(app, &to_phone("a", 400, &friend.phone())).await);
    friend.act(app, &taken, "take").await.ok();
    let back = id(&person.send(app, &to_phone("b", 500, &friend.phone())).await);
    person.act(app, &back, "call-back").await.ok();
    id(&person.send(app, &to_phone("c", 600, &friend.phone())).await);
    (register, person)
}

const ALL: &str = "from=2000-01-01&limit=100";

/// Goal: rows of a follower and lines of the ledger tell the same, to the yen and the name.
async fn a_search_for_everything_is_the_history(app: &mut TestApp) {
    let (_, person) = lived(app).await;
    let history = entries(app, &person.customer, "limit=100").await;
    let found = entries(app, &person.customer, ALL).await;
    assert_eq!(found, history);
    let kinds: Vec<_> = history.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    for kind in ["send_waiting", "send_returned", "send", "topup_cancel", "cancel", "refund"] {
        assert!(kinds.contains(&kind), "{kind} is not tried: {kinds:?}");
    }
    // Page by page it is the same, each line once.
    let (mut paged, mut next) = (Vec::new(), String::new());
    loop {
        let query = format!("/api/wallet/v1/history?from=2000-01-01&limit=2{next}");
        let answer = person.customer.get(app, &query).await.ok();
        paged.extend(answer["entries"].as_array().unwrap().clone());
        let Some(before) = answer["next"].as_str() else { break };
        next = format!("&before={before}");
    }
    assert_eq!(paged, history);
    let stranger = Customer::new(&app.app).await;
    assert!(entries(app, &stranger, ALL).await.is_empty());
}

async fn the_view_is_made_again(app: &mut TestApp) {
    let (_, person) = lived(app).await;
    let before = entries(app, &person.customer, ALL).await;
    app.restart_without_views().await;
    assert_eq!(entries(app, &person.customer, ALL).await, before);
    let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM history_line");
    let rows = app.app.stores.views.one(count.clone()).await.unwrap().int("n").unwrap();
    app.restart().await;
    assert_eq!(app.app.stores.views.one(count).await.unwrap().int("n").unwrap(), rows);
}

async fn a_search_finds_what_was_asked_for(app: &mut TestApp) {
    let (one, two) = (Register::new(&app.app).await, Register::new(&app.app).await);
    named(app, &one, "Café 100%_OFF").await;
    named(app, &two, "新宿<script>").await;
    let customer = Customer::new(&app.app).await;
    customer.load(app, &two, 9_000).await;
    one.sell(app, "s-1", &customer.code(app.now()), 700).await.ok();
    app.clock.advance(DAY);
    two.sell(app, "s-2", &customer.code(app.now()), 1_500).await.ok();
    let count = async |query: &str| entries(app, &customer, query).await.len();
    for (query, found) in [
        ("q=caf%C3%A9", 1),
        ("q=CAF%C3%89", 1),
        ("q=%E6%96%B0%E5%AE%BF", 2),
        ("q=%E6%97%A5%E3%81%AE%E4%B8%B8", 3), // the merchant's name
        ("kind=paid", 2),
        ("kind=topup", 1),
        ("kind=sent", 0),
        ("min=1000", 2),
        ("max=700", 1),
        ("min=700&max=1500", 2),
        ("from=2026-04-02", 1),
        ("to=2026-04-01", 2),
        ("from=2026-04-01&to=2026-04-02", 3),
        ("from=2026-04-03", 0),
        ("from=2026-04-02&to=2026-04-01", 0),
        ("q=%E6%96%B0%E5%AE%BF&kind=paid&min=1500&from=2026-04-02", 1),
        ("q=&kind=&min=&max=&from=&to=", 3),
    ] {
        assert_eq!(count(query).await, found, "{query}");
    }
    let page = customer.get(app, "/history?q=%3Cscript%3E&kind=paid").await;
    assert!(page.text().contains("−¥1,500") && !page.text().contains("−¥700"));
    assert!(!page.text().contains("<script>\""), "what was typed is a text");
}

/// Attack: wildcards, SQL and markup in the box.
async fn no_character_of_a_search_means_more_than_itself(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let customer = Customer::new(&app.app).await;
    customer.load(app, &register, 9_000).await;
    register.sell(app, "s-1", &customer.code(app.now()), 700).await.ok();
    for text in ["%25", "_", "%27%20OR%201%3D1%20--", "%3Cscript%3E", ".*", "%00", "%5C", "*"] {
        assert!(entries(app, &customer, &format!("q={text}")).await.is_empty(), "{text}");
        let page = customer.get(app, &format!("/history?q={text}")).await;
        assert_eq!(page.status, StatusCode::OK, "{text}");
        assert!(!page.text().contains("value=\"<script>"), "{text}");
    }
}

async fn a_search_that_cannot_be_meant_is_refused(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let long = format!("q={}", "x".repeat(65));
    for query in [
        "kind=x",
        "min=-1",
        "min=abc",
        "max=1.5",
        "min=99999999999",
        "from=2026-13-01",
        "to=yesterday",
        "from=99999-01-01",
        "limit=0",
        "limit=101",
        "unknown=1",
        &long,
    ] {
        for path in ["/api/wallet/v1/history", "/api/wallet/v1/history.csv"] {
            if query.starts_with("limit") && path.ends_with("csv") {
                continue;
            }
            let answer = customer.get(app, &format!("{path}?{query}")).await;
            answer.refused(Code::InvalidRequest);
        }
    }
    for month in ["x", "2026-13", "0000-01", "99999-01", "2026-04-01", "%27"] {
        let page = customer.get(app, &format!("/history/months?month={month}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{month}");
    }
}

/// Attack: a store's name that a spreadsheet would run.
async fn a_file_has_the_lines_and_runs_nothing(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let attack = "=HYPERLINK(\"https://evil.example\",\"お得\")";
    named(app, &register, attack).await;
    let (customer, other) = (Customer::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 9_000).await;
    other.load(app, &register, 4_000).await;
    register.sell(app, "s-1", &customer.code(app.now()), 700).await.ok();
    let answer =
        customer.get(app, "/api/wallet/v1/history.csv?from=2026-04-01&to=2026-04-01").await;
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
    assert!(answer.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    let text = answer.text().strip_prefix('\u{feff}').unwrap();
    let mut file = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(file.headers().unwrap().get(0), Some("日時"));
    let rows: Vec<csv::StringRecord> = file.records().map(|row| row.unwrap()).collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert_eq!(&rows[0][0], "2026-04-01 12:00:00");
    assert_eq!((&rows[0][1], &rows[0][3], &rows[0][4]), ("支払い", "-700", "3"));
    assert_eq!(&rows[0][2], format!("'{attack}"));
    let history = entries(app, &customer, "").await;
    assert_eq!(&rows[0][5], ids(&history)[0]);
    assert!(!text.contains("4000"));
    let empty = customer.get(app, "/api/wallet/v1/history.csv?from=2030-01-01").await;
    assert_eq!(empty.text().lines().count(), 1);
}

async fn months_are_summed_up(app: &mut TestApp) {
    let (_, person) = lived(app).await;
    let page = person.customer.get(app, "/history/months").await;
    let text = page.text();
    // Paid 700 and 300, of which 200 and 300 came back; sent 400 and 600.
    for part in ["data-paid>¥500<", "¥20,000", "¥1,000", "2026-04", "<svg", "class=\"bar--paid\""]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let before = person.customer.get(app, "/history/months?month=2026-03").await;
    assert!(before.text().contains("data-paid>¥0<"));
    let stranger = Customer::new(&app.app).await;
    assert!(stranger.get(app, "/history/months").await.text().contains("data-paid>¥0<"));
}

/// Goal: neither a search nor the sums look at anybody else's rows.
async fn a_search_uses_the_index(app: &mut TestApp) {
    let views = &app.app.stores.views;
    let search = "SELECT timestamp FROM history_line WHERE account_id = $1 AND timestamp >= $2 \
                  AND timestamp < $3 ORDER BY timestamp DESC LIMIT 31";
    let sums = "SELECT month, SUM(amount_yen) FROM history_line WHERE account_id = $1 \
                AND timestamp >= $2 AND timestamp < $3 GROUP BY month";
    for text in [search, sums] {
        let mut tx = views.begin().await.unwrap();
        let (head, column) = match views {
            Db::Sqlite { .. } => ("EXPLAIN QUERY PLAN ", "detail"),
            Db::Postgres(_) => {
                // A table of a few rows is read whole, index or not.
                tx.execute(sql("SET LOCAL enable_seqscan = off")).await.unwrap();
                ("EXPLAIN ", "QUERY PLAN")
            }
        };
        let explain = omamori_db::sql_built(format!("{head}{text}"));
        let explain = explain.bind([0; 16]).bind(0_i64).bind(i64::MAX);
        let rows = tx.all(explain).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.text(column).unwrap()).collect();
        let plan = plan.join("\n");
        let by_key = match views {
            Db::Sqlite { .. } => {
                plan.contains("SEARCH history_line USING PRIMARY KEY (account_id=?")
            }
            Db::Postgres(_) => plan.contains("history_line_pkey") && plan.contains("account_id ="),
        };
        assert!(by_key, "{plan}");
    }
}
