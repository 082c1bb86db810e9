//! The back office in a browser: people, keys, sales.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::ToSpan;
use omamori::merchant::invite;
use omamori::web::filters::japan;
use omamori::web::text::Lang;
use omamori_db::sql;
use serde_json::{Value, json};

use super::authenticator::Sensor;
use super::browser::Browser;
use super::house::House;
use super::pictures::{folder, picture};
use crate::settlement;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_runs_the_back_office_in_japanese() {
    an_owner_runs_the_back_office(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_runs_the_back_office_in_english() {
    an_owner_runs_the_back_office(Lang::En).await;
}

/// Goal: the owner sees what was sold, invites a clerk with a touch of the passkey, and gives the
/// register a new key while the old one goes on.
async fn an_owner_runs_the_back_office(lang: Lang) {
    let house = House::open().await;
    sold(&house).await;
    let invitation = invite(&house.app, &house.merchant_id, "店長").await.unwrap();
    let mut office = house.browser("back office", lang).await;
    office.screen(1280, 800, 1).await;
    office.sensor(Sensor::Owner).await;
    office.go(&format!("/merchant?invite={invitation}")).await;
    office.fill("[data-invite-form] [name=name]", "佐藤 花子").await;
    office.press("[data-invite-form] [type=submit]").await;
    office.arrives_at("/merchant").await;
    office.press(r#"[href="/merchant/sales"]"#).await;
    office.read(".table--sales tfoot", "¥").await;
    picture(&office, "sales").await;
    office.go("/merchant/sales?by=terminal").await;
    office.read(".table--sales", office.text.t("sales.no_terminal")).await;
    picture(&office, "sales-terminals").await;
    prints(&house, &office).await;
    invites_a_clerk(&office).await;
    enters_the_account(&mut office).await;
    changes_a_key(&house, &office).await;
    is_told(&house, &office).await;
    office.close().await;
    house.close().await;
}

/// A statement and the sheet with a store's QR, as paper.
async fn prints(house: &House, office: &Browser) {
    let (merchant_id, store_id) = (&house.merchant_id, &house.store_id);
    let statement = settlement::example(&house.app, merchant_id, store_id).await;
    let sheet = format!("/merchant/stores/{store_id}/qr");
    for (name, path) in [("statement", &statement), ("sheet", &sheet)] {
        office.go(path).await;
        office.see("h1").await;
        let paper = json!({ "printBackground": true, "preferCSSPageSize": true });
        let printed = office.devtools("Page.printToPDF", paper).await;
        let bytes = STANDARD.decode(printed["data"].as_str().unwrap()).unwrap();
        assert!(bytes.starts_with(b"%PDF-"), "{name}");
        picture(office, name).await;
        let file = format!("{}-{name}.pdf", office.text.lang());
        std::fs::write(folder().join(file), bytes).unwrap();
    }
}

async fn invites_a_clerk(office: &Browser) {
    office.go("/merchant/people").await;
    office.press("[data-invite-new]").await;
    office.fill("[data-person-form] [name=name]", "田中 一郎").await;
    picture(office, "people-invite").await;
    office.press("[data-person-form] [type=submit]").await;
    let address = office.see("[data-address-dialog][open] [data-address]").await;
    assert!(address.contains("/merchant?invite=inv_"), "{address}");
    picture(office, "people-address").await;
    office.press("[data-address-close]").await;
    office.read("main", "田中 一郎").await;
    picture(office, "people").await;
    assert!(!office.html().await.contains(&address), "the address is shown once");
}

async fn enters_the_account(office: &mut Browser) {
    office.go("/merchant/settlements").await;
    office.press(r#"[href="/merchant/bank"]"#).await;
    for (field, text) in [("bank", "0001"), ("branch", "240"), ("number", "1234567")] {
        office.fill(&format!("[data-bank-form] [name={field}]"), text).await;
    }
    office.fill("[data-bank-form] [name=holder]", "日の丸商店").await;
    office.press("[data-bank-form] [type=submit]").await;
    office.read("[data-bank-error]", office.text.t("payto.wrong_holder")).await;
    office.provokes("status of 400");
    picture(office, "bank-wrong").await;
    office.fill("[data-bank-form] [name=holder]", "ヒノマルショウテン").await;
    office.press("[data-bank-form] [type=submit]").await;
    office.read("[data-live=account]", "****567").await;
    picture(office, "bank").await;
    office.go("/merchant").await;
    office.read("[data-new-account]", "****567").await;
}

/// Where the owner is told by e-mail: confirmed by a touch of the passkey and by the code.
async fn is_told(house: &House, office: &Browser) {
    office.go("/merchant").await;
    office.see("[data-no-address]").await;
    office.go("/merchant/notices").await;
    office.press("[data-address-change]").await;
    office.fill("[data-mail-form] [name=email]", "hanako@example.jp").await;
    office.press("[data-mail-form] [type=submit]").await;
    office.see("[data-code-form] [name=code]").await;
    let code = house.sms_code_after("hanako@example.jp", "").await;
    office.fill("[data-code-form] [name=code]", &code).await;
    picture(office, "told-code").await;
    office.press("[data-code-form] [type=submit]").await;
    office.read("[data-live=address]", "h***@example.jp").await;
    office.press("[data-choices-form] [type=submit]").await;
    picture(office, "told").await;
}

async fn changes_a_key(house: &House, office: &Browser) {
    office.go("/merchant").await;
    office.press("[data-key-rotate]").await;
    picture(office, "key-rotate").await;
    office.press("[data-rotate-form] [type=submit]").await;
    let key = office.see("[data-key-dialog][open] [data-key]").await;
    office.press("[data-key-close]").await;
    office.read(".stores", office.text.t("terminalkey.old_until")).await;
    picture(office, "merchant-key-old").await;
    for key in [&key, &house.till_key] {
        house.pos_as(key, "GET", "/terminal", &Value::Null).await.ok();
    }
    office.press("[data-key-end]").await;
    office.gone("[data-key-end]").await;
    house.pos_as(&key, "GET", "/terminal", &Value::Null).await.ok();
    assert_eq!(house.pos_as(&house.till_key, "GET", "/terminal", &Value::Null).await.status, 401);
}

/// A month of sales, straight into the view.
async fn sold(house: &House) {
    // The follower begins with an empty table.
    while !house.app.sales.catch_up(&house.app.gate).await {}
    let query = sql("SELECT s.sales_account, t.terminal_number FROM store s
         JOIN terminal t ON t.store_id = s.store_id WHERE s.store_id = $1");
    let row = house.app.stores.registry.one(query.bind(&house.store_id)).await.unwrap();
    let account: [u8; 16] = row.array("sales_account").unwrap();
    let terminal = row.int("terminal_number").unwrap();
    let today = japan(house.app.clock.now()).date();
    for back in 0..29_i64 {
        let day = today.checked_sub(back.days()).unwrap();
        let number =
            i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day());
        let gross = 38_000 + (back * 7_919) % 23_000;
        for (terminal, share) in [(terminal, 4), (0, 1)] {
            let insert = sql("INSERT INTO sales_day (account_id, day, terminal_number, sale_count,
                     gross_yen, refund_count, refund_yen, coupon_yen, discount_yen)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
            let insert = insert.bind(account).bind(number).bind(terminal).bind(gross / 700);
            let insert = insert.bind(gross * share).bind(back % 3).bind((back % 3) * 450);
            let insert = insert.bind((back % 4) * 100).bind((back % 5) * 50);
            house.app.stores.views.execute(insert).await.unwrap();
        }
    }
}
