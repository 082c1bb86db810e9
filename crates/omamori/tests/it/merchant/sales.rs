//! What a page says was sold is what the ledger holds.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use omamori::clock::{DAY, HOUR, MINUTE, SECOND};
use omamori::coupon::Gift;
use omamori::merchant::sales::read::{self, Figures, Period, Row};
use omamori::settlement::{run, statement};
use omamori_db::sql;
use serde_json::{Value, json};

use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::shop::Register;
use crate::support::staff::Staff;
use crate::support::{on_both_engines, on_several_nodes};
use crate::value::{begin, coupon, register_with_rate};

on_both_engines!(
    sums_are_the_ledgers_to_the_yen,
    a_capture_of_what_was_set_aside_is_a_sale_of_the_statement,
    a_day_is_a_day_in_japan,
    the_page_and_its_csv_say_the_same,
    what_is_asked_for_is_checked_and_others_stores_are_not_there,
);
on_several_nodes!(nodes_count_a_sale_once);

const APRIL_FIRST: Date = date(2026, 4, 1);

/// All that a merchant sold in a period.
async fn rows(node: &Node, merchant_id: &str, from: Date, until: Date) -> Vec<Row> {
    let stores = read::stores(&node.app, merchant_id).await.unwrap();
    let period = Period::new(from, until).unwrap();
    read::rows(&node.app, &stores, period).await.unwrap()
}

/// The sum of rows.
fn sum_of(rows: &[Row]) -> Figures {
    let mut total = Figures::default();
    rows.iter().for_each(|row| total += row.figures);
    total
}

/// Sums by a key, in its order.
fn by<K: Ord>(rows: &[Row], key: impl Fn(&Row) -> K) -> BTreeMap<K, Figures> {
    let mut sums: BTreeMap<K, Figures> = BTreeMap::new();
    for row in rows {
        *sums.entry(key(row)).or_default() += row.figures;
    }
    sums
}

/// The engine's sums of a period are those of its rows, by whatever they are made.
async fn sums_agree(node: &Node, merchant_id: &str, from: Date, until: Date) {
    let stores = read::stores(&node.app, merchant_id).await.unwrap();
    let period = Period::new(from, until).unwrap();
    let rows = read::rows(&node.app, &stores, period).await.unwrap();
    let of = (&node.app, stores.as_slice());
    assert_eq!(read::by_day(of.0, of.1, period).await.unwrap(), by(&rows, |row| row.day));
    assert_eq!(read::by_store(of.0, of.1, period).await.unwrap(), by(&rows, |row| row.store));
    let terminals = read::by_terminal(of.0, of.1, period).await.unwrap();
    assert_eq!(terminals, by(&rows, |row| (row.store, row.terminal_number)));
}

/// What the sales account of a register's store holds.
async fn held(node: &Node, register: &Register) -> i64 {
    let store = node.app.merchants.store(&register.store_id).await.unwrap().unwrap();
    let account = node.app.gate.account(store.sales_account).unwrap_or_default();
    account.credits_posted.cast_signed() - account.debits_posted.cast_signed()
}

/// Sells for a code of its own.
async fn sell(app: &TestApp, register: &Register, customer: &Customer, id: &str, amount: i64) {
    app.clock.advance(30 * SECOND);
    register.sell(app, id, &customer.code(app.now()), amount).await.ok();
}

/// Goal: a sale in balance; one in points, free value and balance; one with the merchant's own
/// discount and one with the operator's; a part given back of a mixed one; a cancel; a capture of
/// less than was set aside; another store. Each store's gross less refunds is what its account
/// holds, before a settlement and, less what it took, after it; and again from the journal alone.
async fn sums_are_the_ledgers_to_the_yen(app: &mut TestApp) {
    let register = register_with_rate(app, 1_000).await;
    let merchant_id = register.merchant_id.clone();
    let second = Register::of_store(&app.app, &merchant_id, &register.store_id).await;
    let branch = Register::of_merchant(&app.app, &merchant_id).await;
    let (elsewhere, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &elsewhere, 49_000).await;

    sell(app, &register, &customer, "s-1", 10_000).await;
    customer.use_points(app, true).await;
    customer.convert(app, "c-1", 300).await.ok();
    sell(app, &second, &customer, "s-2", 2_000).await;
    second.refund(app, "r-1", "s-2", 1_500).await.ok();
    customer.use_points(app, false).await;
    let own = begin(app, Some(&merchant_id), coupon(Gift::AmountOff { yen: 50 }, 1_000)).await;
    customer.set_coupon(app, &own).await;
    sell(app, &register, &customer, "s-3", 1_050).await;
    let operators = begin(app, None, coupon(Gift::AmountOff { yen: 100 }, 1_000)).await;
    customer.set_coupon(app, &operators).await;
    sell(app, &register, &customer, "s-4", 600).await;
    sell(app, &register, &customer, "s-5", 333).await;
    register.cancel(app, "s-5").await.ok();
    app.clock.advance(30 * SECOND);
    register.authorize(app, "a-1", &customer.code(app.now()), 3_000).await.ok();
    register.capture(app, "a-1", "s-6", 2_500).await.ok();
    sell(app, &branch, &customer, "s-7", 777).await;

    let found = rows(app, &merchant_id, APRIL_FIRST, APRIL_FIRST).await;
    let total = sum_of(&found);
    assert_eq!((total.sale_count, total.refund_count), (7, 2));
    assert_eq!(total.gross, 10_000 + 2_000 + 1_000 + 600 + 333 + 2_500 + 777);
    assert_eq!(total.refunds, 1_500 + 333);
    assert_eq!((total.coupons, total.discounts), (100, 50));
    let both = held(app, &register).await;
    let stores = read::stores(&app.app, &merchant_id).await.unwrap();
    let by_store = by(&found, |row| stores[row.store].store_id.clone());
    assert_eq!(by_store[&register.store_id].net(), both);
    assert_eq!(by_store[&branch.store_id].net(), held(app, &branch).await);
    assert_eq!(by(&found, |row| (row.store, row.terminal_number)).len(), 3);

    app.clock.advance(31 * DAY);
    run::settle(&app.app, date(2026, 4, 30)).await.unwrap();
    assert_eq!(held(app, &register).await, 0);
    register.refund(app, "r-2", "s-1", 4_000).await.ok();
    let may = rows(app, &merchant_id, date(2026, 5, 1), date(2026, 5, 31)).await;
    assert_eq!(sum_of(&may).net(), -4_000);
    assert_eq!(held(app, &register).await, -4_000);

    sums_agree(app, &merchant_id, APRIL_FIRST, date(2026, 5, 31)).await;
    app.restart_without_views().await;
    let again = rows(app, &merchant_id, APRIL_FIRST, date(2026, 5, 31)).await;
    let mut whole = total;
    whole += sum_of(&may);
    assert_eq!(sum_of(&again), whole);
}

/// Goal: ¥3,000 set aside of which ¥2,500 are captured, and ¥500 that are given back: one sale of
/// ¥2,500 on the merchant's statement and in its sales.
async fn a_capture_of_what_was_set_aside_is_a_sale_of_the_statement(app: &mut TestApp) {
    let (register, elsewhere) = (Register::new(&app.app).await, Register::new(&app.app).await);
    let customer = Customer::new(&app.app).await;
    customer.load(app, &elsewhere, 10_000).await;
    register.authorize(app, "a-1", &customer.code(app.now()), 3_000).await.ok();
    register.capture(app, "a-1", "s-1", 2_500).await.ok();
    app.clock.advance(30 * SECOND);
    register.authorize(app, "a-2", &customer.code(app.now()), 500).await.ok();
    register.void(app, "a-2").await.ok();
    let sold = sum_of(&rows(app, &register.merchant_id, APRIL_FIRST, APRIL_FIRST).await);
    assert_eq!((sold.sale_count, sold.gross, sold.refund_count), (1, 2_500, 0));
    app.clock.advance(31 * DAY);
    run::settle(&app.app, date(2026, 4, 30)).await.unwrap();
    let said = statement::list(&app.app, &register.merchant_id, 10).await.unwrap().remove(0);
    let said = statement::find(&app.app, &register.merchant_id, &said.settlement_id).await;
    let said = said.unwrap().unwrap();
    let store = &said.statement.stores[0];
    assert_eq!((store.sale_count, store.sales, store.refund_count), (1, 2_500, 0));
}

/// Goal: a sale in the last second before midnight in Japan is of the day, one a second later of
/// the next; a refund of it is of the day on which it is made.
async fn a_day_is_a_day_in_japan(app: &mut TestApp) {
    let (register, elsewhere) = (Register::new(&app.app).await, Register::new(&app.app).await);
    let customer = Customer::new(&app.app).await;
    customer.load(app, &elsewhere, 10_000).await;
    app.clock.advance(12 * HOUR - SECOND);
    register.sell(app, "s-1", &customer.code(app.now()), 100).await.ok();
    app.clock.advance(SECOND);
    register.sell(app, "s-2", &customer.code(app.now()), 20).await.ok();
    app.clock.advance(DAY);
    register.refund(app, "r-1", "s-1", 7).await.ok();
    let found = rows(app, &register.merchant_id, APRIL_FIRST, date(2026, 4, 9)).await;
    let days = by(&found, |row| row.day);
    let said: Vec<_> = days.values().map(|of| (of.gross, of.refunds)).collect();
    assert_eq!(said, [(100, 0), (20, 0), (0, 7)]);
    let only = rows(app, &register.merchant_id, date(2026, 4, 2), date(2026, 4, 2)).await;
    assert_eq!(sum_of(&only), Figures { sale_count: 1, gross: 20, ..Figures::default() });
}

/// The yen of a column of a CSV, added up.
fn column(text: &str, number: usize) -> i64 {
    let cells = |line: &str| line.split(',').nth(number).unwrap().parse::<i64>().unwrap();
    text.lines().skip(1).map(cells).sum()
}

/// Goal: what the page says in sum is what the lines of the CSV add up to; a name that a
/// spreadsheet would take for a formula does not reach it as one.
async fn the_page_and_its_csv_say_the_same(app: &mut TestApp) {
    let (register, elsewhere) = (Register::new(&app.app).await, Register::new(&app.app).await);
    let rename = sql("UPDATE store SET name = '=1+1' WHERE store_id = $1");
    app.app.stores.registry.execute(rename.bind(&register.store_id)).await.unwrap();
    let second = Register::of_merchant(&app.app, &register.merchant_id).await;
    let customer = Customer::new(&app.app).await;
    customer.load(app, &elsewhere, 40_000).await;
    sell(app, &register, &customer, "s-1", 12_345).await;
    sell(app, &second, &customer, "s-2", 1_000).await;
    second.refund(app, "r-1", "s-2", 300).await.ok();
    let staff = Staff::new(&app.app, &register.merchant_id).await;
    let page = staff.call(app, "GET", "/merchant/sales", &Value::Null).await.text().to_owned();
    assert!(page.contains("¥13,345") && page.contains("¥300") && page.contains("¥13,045"));
    let file = staff.call(app, "GET", "/merchant/sales.csv", &Value::Null).await;
    assert_eq!(file.status, 200);
    let text = file.text().to_owned();
    assert_eq!((column(&text, 6), column(&text, 8), column(&text, 9)), (13_345, 300, 13_045));
    assert!(text.contains("\"'=1+1\""), "{text}");
    let one = format!("/merchant/sales.csv?store={}", second.store_id);
    let text = staff.call(app, "GET", &one, &Value::Null).await.text().to_owned();
    assert_eq!(column(&text, 9), 700);
    let by_terminal = "/merchant/sales?by=terminal";
    let page = staff.call(app, "GET", by_terminal, &Value::Null).await.text().to_owned();
    assert!(page.contains("レジ1"), "{page}");
}

/// Goal: a period that ends before it begins, is too long or is none is refused by its field;
/// another merchant's store is not there, on the page and in the CSV.
async fn what_is_asked_for_is_checked_and_others_stores_are_not_there(app: &mut TestApp) {
    let (register, other) = (Register::new(&app.app).await, Register::new(&app.app).await);
    let staff = Staff::new(&app.app, &register.merchant_id).await;
    for bad in [
        "from=2026-04-02&until=2026-04-01",
        "from=2024-01-01&until=2026-04-01",
        "from=yesterday",
        "from=20260401&until=20260401",
        "until=9999-12-31&from=9999-12-32",
        "by=week",
        "nothing=1",
    ] {
        for page in ["/merchant/sales", "/merchant/sales.csv"] {
            let asked = staff.call(app, "GET", &format!("{page}?{bad}"), &Value::Null).await;
            assert_eq!(asked.status, 400, "{page}?{bad}");
        }
    }
    for page in ["/merchant/sales", "/merchant/sales.csv"] {
        let path = format!("{page}?store={}", other.store_id);
        assert_eq!(staff.call(app, "GET", &path, &Value::Null).await.status, 404);
    }
}

/// Goal: sales on two nodes that share their views are counted once each, whichever node follows.
async fn nodes_count_a_sale_once(app: &mut TestApp) {
    let other = app.another_node().await;
    let (register, elsewhere) = (Register::new(&app.app).await, Register::new(&app.app).await);
    let customer = Customer::new(&app.app).await;
    customer.load(app, &elsewhere, 49_000).await;
    for number in 0..20 {
        app.clock.advance(MINUTE);
        let node: &Node = if number % 2 == 0 { app } else { &other };
        node.app.gate.catch_up().await.unwrap();
        let (id, code) = (format!("s-{number}"), customer.code(app.now()));
        register.sell(node, &id, &code, 100 + number).await.ok();
    }
    let body = json!({ "merchant_refund_id": "r", "merchant_payment_id": "s-3", "amount": 3 });
    register.post(&other, "/refunds", &body).await.ok();
    for node in [&**app, &other] {
        node.app.gate.catch_up().await.unwrap();
        let sold = sum_of(&rows(node, &register.merchant_id, APRIL_FIRST, APRIL_FIRST).await);
        assert_eq!((sold.sale_count, sold.gross), (20, 2_190));
        assert_eq!((sold.refund_count, sold.refunds), (1, 3));
    }
    other.app.close().await;
}
