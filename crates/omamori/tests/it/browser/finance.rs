//! Finance at the desk: a run that works beside the request, payouts, and what others say of money.

use omamori::audit::Actor;
use omamori::console::access::Role;
use omamori::reconcile::{Period, run};
use omamori::settlement::bank;
use omamori::web::filters::japan;
use omamori::web::text::Lang;
use omamori_db::sql;

use super::console::{desk, does};
use super::house::House;
use super::pictures::{picture, whole_picture};
use crate::settlement;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finance_settles_and_compares_in_japanese() {
    finance_settles_and_compares(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finance_settles_and_compares_in_english() {
    finance_settles_and_compares(Lang::En).await;
}

/// A statement whose payout waits, one whose payout was sent, and a new account.
async fn books(house: &House) {
    let registry = &house.app.stores.registry;
    let (file_id, at) = ("pof_01hzy3v0q8e9k2m4n6p8r0s2t4", 1_775_000_000_000_000_i64);
    let file = sql("INSERT INTO payout_file (file_id, pay_on, sealed, payout_count, total_yen,
             made_at, booked_at, sent_at)
         VALUES ($1, '2026-03-05', $2, 1, 48000, $3, $3, $3)");
    registry.execute(file.bind(file_id).bind(vec![0_u8; 40]).bind(at)).await.unwrap();
    for (id, day, in_file) in [
        ("01hzy3v0q8e9k2m4n6p8r0s2t4", "2026-02-28", Some(file_id)),
        ("01hzy3v0q8e9k2m4n6p8r0s2t5", "2026-03-31", None),
    ] {
        let settled =
            sql("INSERT INTO settlement (settlement_id, merchant_id, closing_on, from_at,
                 until_at, statement, planned_at, settled_at, net_sales_yen, net_cash_yen,
                 fee_and_tax_yen, payout_yen, carried_out_yen, held_yen)
             VALUES ($1, $2, $3, 0, $4, '{}', $4, $4, 49000, 0, 1000, 48000, 0, 0)");
        let settled = settled.bind(format!("stl_{id}")).bind(&house.merchant_id).bind(day);
        registry.execute(settled.bind(at + i64::from(in_file.is_none()))).await.unwrap();
        let paid = sql("INSERT INTO payout (payout_id, settlement_id, merchant_id, yen, file_id,
                 file_line)
             VALUES ($1, $2, $3, 48000, $4, 1)");
        let paid = paid.bind(format!("pot_{id}")).bind(format!("stl_{id}"));
        registry.execute(paid.bind(&house.merchant_id).bind(in_file)).await.unwrap();
    }
    let account = settlement::payouts::account("1234567");
    bank::set(&house.app, &Actor::machine(), &house.merchant_id, &account).await.unwrap();
}

/// Goal: finance asks for a run and sees it end without doing anything; says that the bank gave a
/// payout back and is told that a second person is asked; sees what a partner's file did not agree
/// with; and the law's figures.
async fn finance_settles_and_compares(lang: Lang) {
    let house = House::open().await;
    books(&house).await;
    let finance = desk(&house, "財務 一郎", Role::Finance, lang).await;
    finance.go("/console/settlements").await;
    finance.read("[data-live=payouts]", finance.text.t("settlement.waits_account")).await;
    does(&finance, "[data-act='/api/admin/v1/settlements/run']", "月次の締め").await;
    finance.read("[data-live=run]", finance.text.t("settlement.run_done")).await;
    finance.read("[data-live=statements]", "2026/02/28").await;
    whole_picture(&finance, "console-settlements").await;
    finance.screen(1280, 800, 1).await;
    finance.press("[data-act$='/returned']").await;
    finance.see("[data-act-dialog][open]").await;
    picture(&finance, "console-payout-returned").await;
    finance.screen(1280, 800, 1).await;
    finance.press("[data-act-cancel]").await;
    does(&finance, "[data-act$='/returned']", "口座相違").await;
    finance.go("/console/approvals").await;
    finance.read(".cards", "¥48,000").await;
    picture(&finance, "console-approvals-payout").await;
    finance.screen(1280, 800, 1).await;

    let yesterday = japan(house.app.clock.now()).date().yesterday().unwrap();
    let csv = format!("day,terminal_id,yen\n{yesterday},ter_01hzy3v0q8e9k2m4n6p8r0s2t4,700\n");
    let file = run::File { name: "konbini-april.csv", csv: &csv, reason: "" };
    let period = Period::new(yesterday, yesterday, house.app.clock.now()).unwrap();
    let (actor, of) = (Actor::machine(), &house.merchant_id);
    run::cash(&house.app, &actor, of, period, file).await.unwrap();
    finance.go("/console/reconciliation").await;
    finance.read("[data-live=differences]", "¥700").await;
    whole_picture(&finance, "console-reconciliation").await;
    finance.screen(1280, 800, 1).await;
    finance.go("/console/law").await;
    finance.read("[data-live=law]", finance.text.t("law.paid_only")).await;
    whole_picture(&finance, "console-law").await;
    finance.close().await;
    house.close().await;
}
