//! Paying by what a store shows: the camera of a phone sees what stands on a register or on paper.

use std::path::{Path, PathBuf};

use omamori::clock::DAY;
use omamori::merchant::invite;
use omamori::order::store_qr::of_store;
use omamori::web::codes::Code;
use omamori::web::text::Lang;
use omamori_db::sql;
use omamori_paycode::code::DeviceNumber;
use omamori_paycode::draw::{Level, qr};
use omamori_paycode::mpm::{Initiation, MerchantCode};
use serde_json::json;

use super::authenticator::Sensor;
use super::browser::Browser;
use super::counter::Counter;
use super::house::{House, LUNCH, MERCHANT, STORE, TEA};
use super::phone::Phone;
use super::pictures::picture;
use super::reader::read_qr;
use crate::order::jpqr;

/// The size of the film, as cheap cameras have it.
const WIDE: usize = 640;
const HIGH: usize = 480;
/// The JPQR of another operator's store (the vector of go-emv-code).
const OF_OTHERS: &str = "0002016003xxx01021129300012D156000000000510A93FO3230Q31280012D1560000000103081234567826680019jp.or.paymentsjapan01130000000000001020400010306000001040600000153033925903xxx64180002JA0108メルペイ カフェ520441115802JP610710661436304DEE9";

/// Grey pixels with a QR code in the middle.
fn grey(text: &str) -> Vec<u8> {
    let matrix = qr(text, Level::M).unwrap();
    let modules = matrix.rows().len();
    let scale = (HIGH - 40) / (modules + 8);
    let (left, top) = ((WIDE - modules * scale) / 2, (HIGH - modules * scale) / 2);
    let mut pixels = vec![225; WIDE * HIGH];
    for (y, row) in matrix.rows().iter().enumerate() {
        for (x, _) in row.iter().enumerate().filter(|(_, dark)| **dark) {
            for dy in 0..scale {
                let start = (top + y * scale + dy) * WIDE + left + x * scale;
                pixels[start..start + scale].fill(30);
            }
        }
    }
    pixels
}

/// A film in which a code is held still (YUV4MPEG2).
fn film(folder: &Path, text: &str) -> PathBuf {
    let mut film =
        format!("YUV4MPEG2 W{WIDE} H{HIGH} F10:1 Ip A1:1 C420jpeg\nFRAME\n").into_bytes();
    film.extend(grey(text));
    film.extend(vec![128; WIDE * HIGH / 2]); // no colour
    let file = folder.join("camera.y4m");
    std::fs::write(&file, film).unwrap();
    file
}

/// A photo of a code, as a browser opens it (BMP, 24 bits, from the bottom up).
fn photo(folder: &Path, name: &str, text: &str) -> PathBuf {
    let pixels = grey(text);
    let mut file = b"BM".to_vec();
    let bytes = u32::try_from(WIDE * HIGH * 3).unwrap();
    for word in [54 + bytes, 0, 54, 40, WIDE as u32, HIGH as u32] {
        file.extend(word.to_le_bytes());
    }
    file.extend([1, 0, 24, 0]); // one plane, 24 bits
    for word in [0, bytes, 2_835, 2_835, 0, 0] {
        file.extend(u32::to_le_bytes(word));
    }
    for row in pixels.chunks(WIDE).rev() {
        file.extend(row.iter().flat_map(|grey| [*grey; 3]));
    }
    let path = folder.join(name);
    std::fs::write(&path, file).unwrap();
    path
}

async fn static_text(house: &House) -> String {
    let qr = of_store(&house.app, &house.store_id).await.unwrap();
    let row = house
        .app
        .stores
        .registry
        .one(sql("SELECT sales_account FROM store WHERE store_id = $1").bind(&house.store_id));
    let account = u128::from_be_bytes(row.await.unwrap().array("sales_account").unwrap());
    let store = house.app.merchants.store_by_account(account).await.unwrap().unwrap();
    qr.static_text(&store).unwrap()
}

async fn load(house: &House, phone: &Phone, amount: i64) {
    let cash = json!({ "merchant_topup_id": format!("t-{amount}"), "code": phone.code().await,
        "amount": amount });
    house.pos("POST", "/topups", &cash).await.ok();
    phone.press("[data-happened-close]").await;
}

/// Goal: the till shows a QR, an independent reader reads it, the camera of a phone sees it, the
/// customer pays; both screens say so without a reload; taken away, it cannot be paid.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registers_qr_is_scanned_and_paid_in_japanese() {
    a_registers_qr_is_scanned_and_paid(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registers_qr_is_scanned_and_paid_in_english() {
    a_registers_qr_is_scanned_and_paid(Lang::En).await;
}

async fn a_registers_qr_is_scanned_and_paid(lang: Lang) {
    let (house, folder) = (House::open().await, tempfile::tempdir().unwrap());
    let mut counter = Counter::opened(&house, lang).await;
    counter.add(TEA).await;
    counter.add(LUNCH).await;
    counter.press("[data-cart-qr]").await;
    counter.see("[data-order][open] [data-order-qr]").await;
    picture(&counter, "till-qr").await;
    counter.screen(1280, 800, 1).await;
    let shown = read_qr(&counter.screenshot().await);
    assert_eq!(jpqr::value(&jpqr::read(&shown), "54"), Some("756"), "as others read it");
    let parsed = MerchantCode::parse(&shown).unwrap();
    assert_eq!(parsed.initiation, Some(Initiation::Dynamic));
    assert_eq!(parsed.amount.unwrap().as_str(), "756");

    let mut phone = Phone::that_sees(&house, lang, &film(folder.path(), &shown)).await;
    load(&house, &phone, 1_000).await;
    phone.go("/").await;
    phone.press(".shortcut--scan").await;
    phone.read("[data-confirm][open]", STORE).await;
    for part in [MERCHANT, "¥756", TEA.1, "¥598"] {
        phone.read("[data-confirm][open]", part).await;
    }
    picture(&phone, "scan-confirm").await;
    phone.press("[data-confirm-do]").await;
    phone.read(r#"[data-step="done"]"#, "¥756").await;
    phone.read("[data-done-store]", STORE).await;
    picture(&phone, "scan-done").await;
    let said = counter.answers("accepted").await;
    assert!(said.contains("¥756"), "{said}");
    assert_eq!(house.balance().await, 244);
    counter.next_customer().await;
    counter.read("[data-cart-total]", "¥0").await;
    counter.press(r#"[data-mode="qr"]"#).await;
    counter.read("[data-qr-paid]", "¥756").await;
    picture(&counter, "till-qr-list").await;
    // The camera still sees the code: it is known to be paid, and is not paid again.
    phone.go("/scan").await;
    phone.read("[data-error]", phone.text.t("scan.is_paid")).await;
    picture(&phone, "scan-is-paid").await;
    taken_away(&house, &mut counter, &mut phone).await;
    counter.close().await;
    phone.close().await;
    house.close().await;
}

/// The clerk takes the QR away while the customer looks at it; then the phone is told.
async fn taken_away(house: &House, counter: &mut Counter, phone: &mut Phone) {
    counter.screen(1280, 800, 1).await;
    counter.press(r#"[data-mode="sale"]"#).await;
    counter.add(TEA).await;
    counter.press("[data-cart-qr]").await;
    let code = counter.see("[data-order-code]").await;
    counter.reload().await;
    assert_eq!(counter.see("[data-order-code]").await, code, "a reload forgets no QR");
    phone.fill("[data-code] [name=code]", &code.to_lowercase()).await;
    phone.press("[data-code] [type=submit]").await;
    phone.read("[data-confirm][open]", "¥158").await;
    counter.press("[data-order-cancel]").await;
    counter.gone("[data-order][open]").await;
    phone.press("[data-confirm-do]").await;
    let canceled = Code::PaymentCanceled.customer();
    let canceled = if phone.text.lang() == "ja" { canceled.ja } else { canceled.en };
    phone.read("[data-confirm-error]", canceled).await;
    assert_eq!(house.balance().await, 244);
    phone.provokes("status of 409");
}

/// Goal: the printed sheet, read off the screen by an independent reader; wrong codes with their
/// messages; a large amount confirmed by the passkey; the counter sees it at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_printed_qr_is_paid_in_japanese() {
    a_printed_qr_is_paid(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_printed_qr_is_paid_in_english() {
    a_printed_qr_is_paid(Lang::En).await;
}

async fn a_printed_qr_is_paid(lang: Lang) {
    let (house, folder) = (House::open().await, tempfile::tempdir().unwrap());
    let printed = static_text(&house).await;
    the_sheet(&house, lang, &printed).await;
    let counter = Counter::opened(&house, lang).await;
    let broken = printed[..printed.len() - 1].to_owned() + "?";
    let mut phone = Phone::that_sees(&house, lang, &film(folder.path(), &broken)).await;
    load(&house, &phone, 20_000).await;
    the_first_day_is_over(&house).await;
    phone.go("/scan").await;
    let say = |code: Code| if lang == Lang::Ja { code.customer().ja } else { code.customer().en };
    phone.read("[data-error]", say(Code::QrUnreadable)).await;
    picture(&phone, "scan-unreadable").await;
    phone.choose_file("[data-photo]", &photo(folder.path(), "others.bmp", OF_OTHERS)).await;
    phone.read("[data-error]", say(Code::QrOfOthers)).await;
    picture(&phone, "scan-others").await;
    let blank = folder.path().join("blank.bmp");
    std::fs::write(&blank, b"no picture").unwrap();
    phone.choose_file("[data-photo]", &blank).await;
    phone.read("[data-error]", phone.text.t("scan.photo_empty")).await;

    phone.choose_file("[data-photo]", &photo(folder.path(), "store.bmp", &printed)).await;
    phone.read(r#"[data-step="amount"]"#, STORE).await;
    assert!(!phone.is_enabled("[data-amount-next]").await, "nothing is no amount");
    pays(&phone, &["1", "2", "00", "0"], "¥12,000").await;
    phone.read("[data-stepup-words]", "¥12,000").await;
    phone.press("[data-stepup-confirm]").await;
    phone.read(r#"[data-step="done"]"#, "¥12,000").await;
    counter.read("[data-paid]", "¥12,000").await;
    picture(&counter, "till-qr-paid").await;

    phone.go("/scan").await;
    phone.read("[data-error]", say(Code::QrUnreadable)).await;
    phone.choose_file("[data-photo]", &photo(folder.path(), "again.bmp", &printed)).await;
    phone.read(r#"[data-step="amount"]"#, STORE).await;
    pays(&phone, &["9", "00", "0"], "¥9,000").await;
    phone.read("[data-confirm-error]", say(Code::InsufficientFunds)).await;
    assert_eq!(house.balance().await, 8_000);
    phone.provokes("status of 422");
    counter.close().await;
    phone.close().await;
    house.close().await;
}

/// On a phone's first day less than this may be paid.
async fn the_first_day_is_over(house: &House) {
    let registry = &house.app.stores.registry;
    let number = registry.one(sql("SELECT device_number FROM device")).await.unwrap();
    let number = u32::try_from(number.int("device_number").unwrap()).unwrap();
    let earlier = sql("UPDATE device SET enrolled_at = enrolled_at - $1").bind(2 * DAY);
    registry.execute(earlier).await.unwrap();
    house.app.identity.forget(DeviceNumber::new(number).unwrap());
}

async fn pays(phone: &Phone, keys: &[&str], yen: &str) {
    for key in keys {
        phone.press(&format!(r#"[data-step="amount"] [data-key="{key}"]"#)).await;
    }
    phone.read("[data-amount-shown]", yen).await;
    picture(phone, "scan-amount").await;
    phone.press("[data-amount-next]").await;
    phone.read("[data-confirm][open]", yen).await;
    phone.press("[data-confirm-do]").await;
}

async fn the_sheet(house: &House, lang: Lang, printed: &str) {
    let invitation = invite(&house.app, &house.merchant_id, "店長").await.unwrap();
    let mut office = house.browser("back office", lang).await;
    office.screen(1280, 800, 1).await;
    office.sensor(Sensor::Owner).await;
    office.go(&format!("/merchant?invite={invitation}")).await;
    office.fill("[data-invite-form] [name=name]", "佐藤 花子").await;
    office.press("[data-invite-form] [type=submit]").await;
    office.arrives_at("/merchant").await;
    office.press("[data-store-qr]").await;
    office.read("[data-sheet-store]", STORE).await;
    picture(&office, "store-qr").await;
    assert_eq!(off_the_screen(&office).await, printed);
    let pdf = office.devtools("Page.printToPDF", json!({ "preferCSSPageSize": true })).await;
    let pdf = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        pdf["data"].as_str().unwrap(),
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/screenshots");
    std::fs::write(folder.join(format!("store-qr-{}.pdf", lang.tag())), pdf.unwrap()).unwrap();
    office.fill("[data-details] [name=name]", "SHINJUKU HONTEN").await;
    office.fill("[data-details] [name=city]", "SHINJUKU").await;
    office.fill("[data-details] [name=postal_code]", "160-0022").await;
    office.press("[data-details] [type=submit]").await;
    let renewed = office.until("the new text", async || {
        let text = off_the_screen(&office).await;
        (text != printed).then_some(text)
    });
    let read = jpqr::read(&renewed.await);
    assert_eq!(jpqr::value(&read, "59"), Some("SHINJUKU HONTEN"), "as others read it");
    office.close().await;
}

async fn off_the_screen(office: &Browser) -> String {
    office.screen(1280, 1600, 1).await;
    office.see("[data-store-qr]").await;
    office.run("document.querySelector('[data-store-qr]').scrollIntoView({block:'center'})").await;
    read_qr(&office.screenshot().await)
}
