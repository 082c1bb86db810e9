//! What a store shows: texts that are read strictly, stores that are named by the registry, and
//! registers that hear at once.

use axum::body::Body;
use axum::http::{Request, header};
use http_body_util::BodyExt;
use omamori::merchant::create_store;
use omamori::order::store_qr::{Details, of_store, set_details};
use omamori::web::codes::Code;
use omamori_db::sql;
use omamori_paycode::draw::{Level, qr};
use omamori_paycode::mpm::{Amount, Initiation, MerchantCode};
use serde_json::{Value, json};

use super::{order_id, pay, shop_and_customer, text};
use crate::support::answer::Answer;
use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::shop::Register;
use crate::support::staff::Staff;

on_both_engines!(
    a_printed_qr_leads_to_the_store_and_the_typed_amount_is_paid,
    a_registers_qr_leads_to_its_order,
    a_code_can_be_typed,
    a_sticker_shows_the_registered_name_and_never_its_own,
    an_altered_text_is_refused,
    codes_of_others_are_told_apart,
    what_somebody_began_is_theirs_alone,
    a_store_hears_of_payments_until_its_key_ends,
    pictures_are_read_and_bounded,
    a_sheet_is_its_merchants,
    only_pages_that_read_codes_may_film,
    codes_cannot_be_tried_without_end,
);

async fn look(node: &Node, customer: &Customer, scanned: &str) -> Answer {
    customer.post(node, "/store-codes/look", &json!({ "text": scanned })).await
}

/// What is printed for a store.
pub async fn static_text(app: &TestApp, register: &Register) -> String {
    let qr = of_store(&app.app, &register.store_id).await.unwrap();
    let sales = sql("SELECT sales_account FROM store WHERE store_id = $1").bind(&register.store_id);
    let row = app.app.stores.registry.one(sales).await.unwrap();
    let account = u128::from_be_bytes(row.array("sales_account").unwrap());
    let store = app.app.merchants.store_by_account(account).await.unwrap().unwrap();
    qr.static_text(&store).unwrap()
}

/// What a register shows for an order.
pub async fn dynamic_text(app: &TestApp, register: &Register, id: &str, amount: i64) -> String {
    text(&super::order(app, register, id, amount).await.ok()["order"]["qr_text"])
}

/// An order at a store whose printed QR was scanned.
async fn began(node: &Node, customer: &Customer, store_id: &str, amount: i64) -> Answer {
    let wanted = json!({ "store_id": store_id, "amount": amount });
    customer.post(node, "/store-orders", &wanted).await
}

async fn a_printed_qr_leads_to_the_store_and_the_typed_amount_is_paid(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let printed = static_text(app, &register).await;
    assert_eq!(static_text(app, &register).await, printed, "what is on paper stays right");
    let parsed = MerchantCode::parse(&printed).unwrap();
    assert_eq!((parsed.initiation, parsed.amount.clone()), (Some(Initiation::Static), None));
    assert!(parsed.jpqr().is_ok());
    let found = look(app, &customer, &printed).await.ok();
    let store = json!({ "store": { "store_id": register.store_id, "merchant_name": "日の丸商店",
        "store_name": "新宿本店" } });
    assert_eq!(found, store);
    for amount in [0, -1, 1_000_001] {
        let refused = began(app, &customer, &register.store_id, amount).await;
        refused.refused(Code::InvalidRequest);
    }
    let order = began(app, &customer, &register.store_id, 780).await.ok()["order"].take();
    assert_eq!(order["store_name"], "新宿本店");
    let paid = pay(app, &customer, &text(&order["order_id"]), 780).await.ok();
    assert_eq!(paid["payment"]["terminal_id"], Value::Null);
    assert_eq!(customer.balance(app), 4_220);
    let listed = register.get(app, "/payments").await.ok()["payments"][0].take();
    assert_eq!(listed, paid["payment"]);
    let payment_id = text(&listed["merchant_payment_id"]);
    register.refund(app, "r-1", &payment_id, 80).await.ok();
    assert_eq!(customer.balance(app), 4_300);
}

async fn a_registers_qr_leads_to_its_order(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let shown = dynamic_text(app, &register, "s-1", 498).await;
    let parsed = MerchantCode::parse(&shown).unwrap();
    assert_eq!(parsed.initiation, Some(Initiation::Dynamic));
    assert_eq!(parsed.amount, Amount::yen(498));
    let found = look(app, &customer, &format!(" {shown}\n")).await.ok()["order"].take();
    assert_eq!((&found["amount"], &found["status"]), (&json!(498), &json!("open")));
    pay(app, &customer, &text(&found["order_id"]), 498).await.ok();
    let again = look(app, &customer, &shown).await.ok()["order"].take();
    assert_eq!(again["status"], "paid");
    assert!(text(&again["payment_id"]).starts_with("pay_"));
    let stranger = Customer::new(&app.app).await;
    let seen = look(app, &stranger, &shown).await.ok()["order"].take();
    assert_eq!((&seen["status"], &seen["payment_id"]), (&json!("paid"), &Value::Null));
}

async fn a_code_can_be_typed(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let made = super::order(app, &register, "s-1", 300).await.ok();
    let code = text(&made["order"]["code"]).to_lowercase();
    let typed = format!(" {}-{} ", &code[..5], &code[5..]);
    let found = look(app, &customer, &typed).await.ok();
    assert_eq!(found["order"]["order_id"], made["order"]["order_id"]);
    for wrong in ["", "ABCDE-12345", "000000", "0002010102"] {
        look(app, &customer, wrong).await.refused(Code::OrderNotFound);
    }
}

/// Goal: whoever puts a sticker over a store's QR can lead money to a store of ours only, and then
/// that store's own name is on the screen, whatever the sticker's text says.
async fn a_sticker_shows_the_registered_name_and_never_its_own(app: &mut TestApp) {
    let (victim, customer) = shop_and_customer(app, 5_000).await;
    let thief = Register::of_merchant(
        &app.app,
        &omamori::merchant::create_merchant(&app.app, "盗人商会").await.unwrap(),
    )
    .await;
    let mut sticker = MerchantCode::parse(&static_text(app, &thief).await).unwrap();
    let honest = MerchantCode::parse(&static_text(app, &victim).await).unwrap();
    sticker.local_language = honest.local_language.clone();
    (sticker.name, sticker.city) = ("SHINJUKU HONTEN".to_owned(), honest.city.clone());
    let found = look(app, &customer, &sticker.write().unwrap()).await.ok();
    assert_eq!(found["store"]["merchant_name"], "盗人商会");
    assert_eq!(found["store"]["store_id"], thief.store_id.as_str());
    // The victim's number with the thief's order, and the other way round, are no codes at all.
    let mut mixed = MerchantCode::parse(&dynamic_text(app, &thief, "s-1", 100).await).unwrap();
    mixed.accounts = honest.accounts.clone();
    look(app, &customer, &mixed.write().unwrap()).await.refused(Code::QrUnreadable);
}

async fn an_altered_text_is_refused(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let shown = dynamic_text(app, &register, "s-1", 4_980).await;
    let broken = shown.replace("54044980", "54044981");
    assert_ne!(broken, shown);
    look(app, &customer, &broken).await.refused(Code::QrUnreadable);
    let code = MerchantCode::parse(&shown).unwrap();
    let with = |change: &dyn Fn(&mut MerchantCode)| {
        let mut code = code.clone();
        change(&mut code);
        code.write().unwrap()
    };
    let altered = [
        with(&|code| code.amount = Amount::yen(49)), // with a right CRC
        with(&|code| code.amount = None),
        with(&|code| code.initiation = Some(Initiation::Static)),
        with(&|code| code.initiation = None),
        with(&|code| code.additional_data.clear()),
    ];
    for text in altered {
        look(app, &customer, &text).await.refused(Code::QrUnreadable);
    }
    let mut printed = MerchantCode::parse(&static_text(app, &register).await).unwrap();
    printed.amount = Amount::yen(100);
    look(app, &customer, &printed.write().unwrap()).await.refused(Code::QrUnreadable);
    for nonsense in [
        "https://evil.example/pay",
        "000201010212266800",
        "12345678901234567890",
        "あいうえおかきくけこさしすせそたちつ",
    ] {
        look(app, &customer, nonsense).await.refused(Code::QrUnreadable);
    }
    look(app, &customer, &"9".repeat(60_000)).await.refused(Code::QrUnreadable);
    assert_eq!(customer.balance(app), 5_000);
}

/// Goal: the JPQR of another operator and a code of no Japanese store get a message of their own
/// (the texts are those of go-emv-code and of EMVCo; the last has a wrong CRC).
async fn codes_of_others_are_told_apart(app: &mut TestApp) {
    let (_, customer) = shop_and_customer(app, 1_000).await;
    let jpqr = "0002016003xxx01021129300012D156000000000510A93FO3230Q31280012D1560000000103081234567826680019jp.or.paymentsjapan01130000000000001020400010306000001040600000153033925903xxx64180002JA0108メルペイ カフェ520441115802JP610710661436304DEE9";
    let emv = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A";
    look(app, &customer, jpqr).await.refused(Code::QrOfOthers);
    look(app, &customer, emv).await.refused(Code::QrOfOthers);
    look(app, &customer, &jpqr.replace("DEE9", "DEE8")).await.refused(Code::QrUnreadable);
}

async fn what_somebody_began_is_theirs_alone(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let order = began(app, &customer, &register.store_id, 500).await.ok()["order"].take();
    let id = text(&order["order_id"]);
    let other = Customer::new(&app.app).await;
    other.load(app, &register, 1_000).await;
    pay(app, &other, &id, 500).await.refused(Code::OrderNotFound);
    let seen = other.get(app, &format!("/api/wallet/v1/orders/{id}")).await;
    assert_eq!(seen.status, 404);
    began(app, &customer, "sto_x", 500).await.refused(Code::NotFound);
    assert_eq!((customer.balance(app), other.balance(app)), (5_000, 1_000));
}

async fn a_store_hears_of_payments_until_its_key_ends(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 9_000).await;
    let sister = Register::of_merchant(&app.app, &register.merchant_id).await;
    let open = |register: &Register| app.open(register.request("GET", "/events", Body::empty()));
    let (stream, other) = (open(&register).await, open(&sister).await);
    assert_eq!(stream.headers()[header::CONTENT_TYPE], "text/event-stream");
    let (mut stream, mut other) = (stream.into_body(), other.into_body());
    let order = began(app, &customer, &register.store_id, 500).await.ok()["order"].take();
    let paid = pay(app, &customer, &text(&order["order_id"]), 500).await.ok();
    assert_eq!(next_payment(&mut stream).await, paid["payment"]);
    let id = order_id(app, &sister, "s-1", 300).await;
    let elsewhere = pay(app, &customer, &id, 300).await.ok();
    assert_eq!(next_payment(&mut other).await, elsewhere["payment"], "its own store's only");
    let revoke = sql("UPDATE terminal SET revoked_at = $1 WHERE terminal_id = $2");
    let revoke = revoke.bind(app.now()).bind(&register.terminal_id);
    app.app.stores.registry.execute(revoke).await.unwrap();
    app.app.merchants.forget_terminal(&register.terminal_id);
    let order = began(app, &customer, &register.store_id, 400).await.ok()["order"].take();
    pay(app, &customer, &text(&order["order_id"]), 400).await.ok();
    assert!(stream.frame().await.is_none(), "it says nothing more");
}

async fn next_payment(stream: &mut Body) -> Value {
    let mut text = String::new();
    while !text.contains("\n\n") {
        let frame = stream.frame().await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
    }
    assert!(text.contains("event: payment\n"), "{text}");
    serde_json::from_str(text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap())
        .unwrap()
}

/// A picture as the page sends it: a code in the middle of `side` × `side` pixels.
fn picture(text: &str, side: usize) -> Vec<u8> {
    let matrix = qr(text, Level::M).unwrap();
    let scale = side / (matrix.rows().len() + 8);
    let edge = (side - matrix.rows().len() * scale) / 2;
    let mut pixels = vec![230; side * side];
    for (y, row) in matrix.rows().iter().enumerate() {
        for (x, _) in row.iter().enumerate().filter(|(_, dark)| **dark) {
            for dy in 0..scale {
                let start = (edge + y * scale + dy) * side + edge + x * scale;
                pixels[start..start + scale].fill(30);
            }
        }
    }
    pixels
}

fn frame_request(app: &Node, customer: &Customer, size: &str, pixels: Vec<u8>) -> Request<Body> {
    let path = format!("/api/wallet/v1/scan-frames{size}");
    let proof = customer.proof("POST", &path, app.app.clock.now());
    let mut request = customer.request("POST", &path, Some(&proof));
    let bytes = header::HeaderValue::from_static("application/octet-stream");
    request.headers_mut().insert(header::CONTENT_TYPE, bytes);
    *request.body_mut() = Body::from(pixels);
    request
}

async fn pictures_are_read_and_bounded(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 1_000).await;
    let send = async |size: &str, pixels: Vec<u8>| {
        app.call(frame_request(app, &customer, size, pixels)).await
    };
    for shown in [static_text(app, &register).await, dynamic_text(app, &register, "s-1", 980).await]
    {
        let read = send("?width=480&height=480", picture(&shown, 480)).await.ok();
        assert_eq!(read["text"], shown.as_str());
    }
    let nothing = send("?width=100&height=10", vec![0; 1_000]).await.ok();
    assert_eq!(nothing["text"], Value::Null);
    for size in [
        "",
        "?width=10",
        "?width=0&height=10",
        "?width=641&height=1",
        "?width=-1&height=1",
        "?width=10&height=10&x=1",
        "?width=9999999999999999999&height=1",
    ] {
        send(size, vec![0; 100]).await.refused(Code::InvalidRequest);
    }
    send("?width=10&height=10", vec![0; 99]).await.refused(Code::InvalidRequest);
    send("?width=640&height=640", vec![0; 640 * 640 + 1]).await.refused(Code::BodyTooLarge);
    let mut json = frame_request(app, &customer, "?width=1&height=1", vec![0]);
    let kind = header::HeaderValue::from_static("application/json");
    json.headers_mut().insert(header::CONTENT_TYPE, kind);
    app.call(json).await.refused(Code::UnsupportedMediaType);
    let mut refused = 0;
    for _ in 0..60 {
        let answer = send("?width=1&height=1", vec![0]).await;
        refused += i32::from(answer.status == 429);
    }
    assert!(refused >= 20, "pictures come one by one after a while: {refused}");
}

async fn a_sheet_is_its_merchants(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 1_000).await;
    let staff = Staff::new(&app.app, &register.merchant_id).await;
    let page = format!("/merchant/stores/{}/qr", register.store_id);
    let sheet = app.call(staff.request("GET", &page, &Value::Null)).await;
    assert!(sheet.text().contains("新宿本店") && sheet.text().contains("<svg"));
    let stranger = Register::new(&app.app).await;
    let theirs = Staff::new(&app.app, &stranger.merchant_id).await;
    let api = format!("/api/merchant/v1/stores/{}/qr", register.store_id);
    let good = json!({ "name": "SHINJUKU HONTEN", "city": "SHINJUKU", "postal_code": "1600022",
        "category_code": 5411 });
    app.call(theirs.request("POST", &api, &good)).await.refused(Code::NotFound);
    assert_eq!(app.call(theirs.request("GET", &page, &Value::Null)).await.status, 404);
    let printed = static_text(app, &register).await;
    app.call(staff.request("POST", &api, &good)).await.ok();
    let renewed = static_text(app, &register).await;
    assert!(renewed.contains("5915SHINJUKU HONTEN6008SHINJUKU61071600022"), "{renewed}");
    let found = look(app, &customer, &printed).await.ok();
    assert_eq!(found, look(app, &customer, &renewed).await.ok(), "old paper goes on working");
    for (field, value) in [
        ("name", json!("新宿")),
        ("city", json!("")),
        ("postal_code", json!("16")),
        ("category_code", json!(10_000)),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        app.call(staff.request("POST", &api, &bad)).await.refused(Code::InvalidRequest);
    }
    // A name that is long, or that would be markup, is on the sheet and in the code all the same.
    let long = create_store(&app.app, &register.merchant_id, &"<店>".repeat(20)).await.unwrap();
    set_details(&app.app, &long, &Details::default()).await.unwrap();
    let path = format!("/merchant/stores/{long}/qr");
    let sheet = app.call(staff.request("GET", &path, &Value::Null)).await;
    assert!(sheet.text().contains("&#60;店&#62;"));
}

async fn only_pages_that_read_codes_may_film(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    for (path, may) in [("/scan", true), ("/send", true), ("/", false), ("/history", false)] {
        let answer = customer.get(app, path).await;
        let policy = answer.headers["permissions-policy"].to_str().unwrap();
        assert_eq!(policy.contains("camera=(self)"), may, "{path}");
        assert_eq!(policy.contains("camera=()"), !may, "{path}");
    }
}

async fn codes_cannot_be_tried_without_end(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 1_000).await;
    let mut refused = 0;
    for n in 0..40 {
        let answer = look(app, &customer, &format!("AAAAAAAA{n:02}")).await;
        refused += i32::from(answer.status == 429);
    }
    assert_eq!(refused, 10);
    let other = Customer::new(&app.app).await;
    look(app, &other, &static_text(app, &register).await).await.ok();
}
