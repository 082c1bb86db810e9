//! Schemas go forward under what is stored already.

use omamori::db::{EVIDENCE, REGISTRY, Stores};
use omamori::settlement::{returned, statement};
use omamori_db::{Db, Error, Step, sql, sql_built};

use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::place::Place;
use crate::support::shop::Register;

/// Runs each of these on both engines, on a place where nothing was opened yet.
macro_rules! on_both_places {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::support::place::Place::sqlite()).await; }
        )+}
        mod postgres {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::support::place::Place::postgres().await).await;
            }
        )+}
    };
}

on_both_places!(
    a_store_of_any_earlier_step_opens_and_verifies,
    a_lower_step_that_comes_later_is_applied,
    an_edited_step_and_an_older_program_are_refused,
    sums_of_older_statements_are_filled_in,
);

/// The first registry that had customers, shops and notices.
const EARLY: i64 = 4;

async fn old(place: &Place, up_to: i64) -> Stores {
    let stores = Stores::open_as_they_are(&place.store()).await.unwrap();
    let steps: Vec<_> = REGISTRY.iter().filter(|step| step.version <= up_to).copied().collect();
    stores.registry.migrate("registry", &steps).await.unwrap();
    stores.evidence.migrate("evidence", &EVIDENCE[..1]).await.unwrap();
    stores
}

/// What the first version wrote: a customer with a phone, a shop with a register.
async fn fill(db: &Db) {
    for text in [
        "INSERT INTO customer (customer_id, phone, status, language, wallet_account, \
         signin_failures, signin_locked_until, created_at) \
         VALUES ('cus_old', '+819099990000', 'active', 'ja', $1, 0, 0, 1)",
        "INSERT INTO device (device_id, device_number, customer_id, name, sign_key_thumbprint, \
         code_secret, state, enrolled_at, last_used_at) \
         VALUES ('dev_old', 5, 'cus_old', 'Pixel', $1, $1, 'active', 1, 1)",
    ] {
        db.execute(sql(text).bind([9_u8; 16])).await.unwrap();
    }
    db.execute(sql(
        "INSERT INTO merchant (merchant_id, name, created_at) VALUES ('mer_old', 'x', 1)",
    ))
    .await
    .unwrap();
    let store =
        sql("INSERT INTO store (store_id, merchant_id, name, sales_account, cash_account, \
                     created_at) VALUES ('sto_old', 'mer_old', 'x', $1, $2, 1)");
    db.execute(store.bind([1_u8; 16]).bind([2_u8; 16])).await.unwrap();
}

/// Goal: whichever version a service was made with, this one opens it, keeps its rows, and works.
async fn a_store_of_any_earlier_step_opens_and_verifies(place: Place) {
    let stores = old(&place, EARLY).await;
    fill(&stores.registry).await;
    stores.close().await;
    // Step by step, as a service that is brought up to date with each version.
    for step in REGISTRY.iter().filter(|step| step.version > EARLY) {
        let stores = old(&place, step.version).await;
        assert_eq!(stores.registry.schema_version("registry").await.unwrap(), step.version);
        stores.close().await;
    }
    let app = TestApp::start(place).await;
    let kept = sql("SELECT c.phone, c.uses_points, s.name FROM customer c, store s \
                    WHERE c.customer_id = 'cus_old' AND s.store_id = 'sto_old'");
    let kept = app.app.stores.registry.one(kept).await.unwrap();
    assert_eq!((kept.text(0).unwrap().as_str(), kept.int(1).unwrap()), ("+819099990000", 0));
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(&app, &register, 1_000).await;
    app.finish().await;
}

/// Goal: branches are merged in another order than their steps are numbered. Whatever a store has
/// not had is applied, though higher ones are there; and again changes nothing.
async fn a_lower_step_that_comes_later_is_applied(place: Place) {
    let late = [19, 21, 22, 30];
    let stores = Stores::open_as_they_are(&place.store()).await.unwrap();
    let first: Vec<_> =
        REGISTRY.iter().filter(|step| !late.contains(&step.version)).copied().collect();
    stores.registry.migrate("registry", &first).await.unwrap();
    fill(&stores.registry).await;
    let all: Vec<i64> = REGISTRY.iter().map(|step| step.version).collect();
    for _ in 0..2 {
        stores.registry.migrate("registry", REGISTRY).await.unwrap();
        assert_eq!(stores.registry.schema_steps("registry").await.unwrap(), all);
    }
    let there = sql_built("SELECT store_id FROM store_qr".to_owned());
    assert!(stores.registry.all(there).await.unwrap().is_empty());
    stores.close().await;
    TestApp::start(place).await.finish().await;
}

/// Goal: a program never works on a schema that is not the one it was written for.
async fn an_edited_step_and_an_older_program_are_refused(place: Place) {
    let step = |version, text| Step { version, name: "step", text };
    let (one, two) = ("CREATE TABLE a (x {bigint}) {strict};", "CREATE TABLE b (x TEXT) {strict};");
    let stores = Stores::open_as_they_are(&place.store()).await.unwrap();
    let db = &stores.registry;
    db.migrate("trial", &[step(1, one), step(2, two)]).await.unwrap();
    let edited = "CREATE TABLE b (x TEXT, y TEXT) {strict};";
    for steps in [vec![step(1, one), step(2, edited)], vec![step(1, one)]] {
        let refused = db.migrate("trial", &steps).await;
        assert!(matches!(refused, Err(Error::Migration(_))), "{refused:?}");
    }
    // One that fails leaves nothing of itself, and the next try goes on from there.
    let broken = "CREATE TABLE c (x TEXT) {strict}; CREATE TABLE a (x TEXT) {strict};";
    let steps = [step(1, one), step(2, two), step(3, broken)];
    assert!(db.migrate("trial", &steps).await.is_err());
    let mended = [step(1, one), step(2, two), step(3, "CREATE TABLE c (x TEXT) {strict};")];
    db.migrate("trial", &mended).await.unwrap();
    stores.close().await;
    place.discard().await;
}

/// Goal: lists read sums that older statements did not have as columns; an older return was booked.
async fn sums_of_older_statements_are_filled_in(place: Place) {
    let stores = old(&place, 43).await;
    fill(&stores.registry).await;
    let statement =
        r#"{"net_sales":51000,"net_cash":-7,"fee":994,"tax":99,"payout":49907,"carried_out":-3}"#;
    let insert = sql("INSERT INTO settlement (settlement_id, merchant_id, closing_on, from_at,
             until_at, statement, planned_at)
         VALUES ('stl_old', 'mer_old', '2026-04-30', 0, 1, $1, 1)");
    stores.registry.execute(insert.bind(statement)).await.unwrap();
    let insert = sql("INSERT INTO payout (payout_id, settlement_id, merchant_id, yen, returned_at)
         VALUES ('pot_old', 'stl_old', 'mer_old', 49907, 5)");
    stores.registry.execute(insert).await.unwrap();
    stores.close().await;
    let app = TestApp::start(place).await;
    let said = statement::list(&app.app, "mer_old", 9).await.unwrap().remove(0);
    assert_eq!((said.net_sales, said.net_cash, said.fee_and_tax), (51_000, -7, 1_093));
    assert_eq!((said.payout, said.carried_out), (49_907, -3));
    returned::book_all(&app.app).await.unwrap();
    assert_eq!(app.journal_entries().await, 0, "it was booked when it was written");
    app.finish().await;
}
