//! Online checkout, from a shop's page to ours and back, with its wrong turns.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::response::Html;
use axum::routing::get;
use omamori::audit::MACHINE;
use omamori::checkout::shop;
use omamori::server;
use omamori::web::text::Lang;
use omamori_db::sql;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::authenticator::Sensor;
use super::house::House;
use super::phone::Phone;
use super::pictures::picture;
use super::reader::read_qr;

/// A web shop on a port of its own: another site to the browser.
struct Shop {
    origin: String,
    key: String,
    /// Where its "buy" button leads now.
    checkout: Arc<Mutex<String>>,
}

impl Shop {
    async fn open(house: &House) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let made = shop::create(&house.app, MACHINE, &house.store_id, "EC", &origin).await.unwrap();
        let checkout = Arc::new(Mutex::new(String::new()));
        let link = checkout.clone();
        let page = |words: &str, link: &str| {
            Html(format!(
                "<!doctype html><link rel=icon href=data:,><h1>{words}</h1><a href='{link}'>buy</a>"
            ))
        };
        let routes = Router::new()
            .route(
                "/",
                get(move || {
                    let link = link.lock().clone();
                    async move { page("手ぬぐい", &link) }
                }),
            )
            .route("/done", get(move || async move { page("thank you", "/") }))
            .route("/cart", get(move || async move { page("your cart", "/") }));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { origin, key: made.api_key, checkout }
    }

    async fn ask(&self, house: &House, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/checkout/v1/orders{path}"))
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .body(body)
            .unwrap();
        let answer = server::router(house.app.clone()).oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        serde_json::from_slice(&to_bytes(answer.into_body(), 1 << 20).await.unwrap()).unwrap()
    }

    /// Makes an order. Gives the path of our page; the shop's button leads there from now on.
    async fn order(&self, house: &House, id: &str, amount: i64) -> String {
        let wanted = json!({ "merchant_payment_id": id, "amount": amount,
            "description": "ご注文 0042",
            "items": [{ "name": "手ぬぐい 藍", "quantity": 1, "unit_price": amount }],
            "success_url": format!("{}/done", self.origin),
            "cancel_url": format!("{}/cart", self.origin) });
        let made = self.ask(house, "POST", "", &wanted).await;
        let url = made["order"]["checkout_url"].as_str().unwrap().to_owned();
        let path = url.strip_prefix(&house.origin).unwrap().to_owned();
        *self.checkout.lock() = url;
        path
    }

    async fn status(&self, house: &House, id: &str) -> Value {
        self.ask(house, "GET", &format!("/{id}"), &Value::Null).await["order"]["status"].take()
    }
}

/// A phone with ¥9,000.
async fn phone_with_money(house: &House, lang: Lang) -> Phone {
    let phone = Phone::signed_up(house, "phone", lang).await;
    let cash = json!({ "merchant_topup_id": "t-1", "code": phone.code().await, "amount": 9_000 });
    house.pos("POST", "/topups", &cash).await.ok();
    phone.is_told("happened.topup", "¥9,000", "¥9,000").await;
    phone
}

/// Goal: a desk without a wallet shows a QR, the phone that reads it sees who and how much,
/// another's finger does not approve it, its owner's does; both are led back to the shop.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desk_shows_it_and_a_phone_approves_it_in_japanese() {
    a_desk_shows_it_and_a_phone_approves_it(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desk_shows_it_and_a_phone_approves_it_in_english() {
    a_desk_shows_it_and_a_phone_approves_it(Lang::En).await;
}

async fn a_desk_shows_it_and_a_phone_approves_it(lang: Lang) {
    let house = House::open().await;
    let shop = Shop::open(&house).await;
    let mut phone = phone_with_money(&house, lang).await;
    let path = shop.order(&house, "o-1", 3_980).await;

    let desk = house.browser("desk", lang).await;
    desk.screen(1280, 800, 1).await;
    desk.go("/status").await;
    desk.run(&format!("location.assign('{}/')", shop.origin)).await;
    desk.press("a").await;
    desk.arrives_at(&path).await;
    desk.read("main", "¥3,980").await;
    picture(&desk, "pay-guest").await;
    desk.screen(1280, 800, 1).await;
    desk.run("document.querySelector('.checkout__qr').scrollIntoView({block:'center'})").await;
    let address = read_qr(&desk.screenshot().await);
    assert_eq!(address, format!("{}{path}", house.origin));

    phone.go(&path).await;
    phone.read("main", "手ぬぐい 藍").await;
    picture(&phone, "pay-open").await;
    let passkey = phone.passkeys().await.remove(0);
    phone.sensor(Sensor::SomebodyElse).await;
    phone.import_passkey(&passkey).await;
    phone.press("[data-pay-do]").await;
    phone.read("[data-stepup-words]", "¥3,980").await;
    picture(&phone, "pay-approve").await;
    phone.press("[data-stepup-confirm]").await;
    phone.see("[data-pay-error]:not(:empty)").await;
    assert_eq!(shop.status(&house, "o-1").await, "open");
    phone.press("[data-pay-do]").await;
    phone.press("[data-stepup-cancel]").await;
    phone.read("[data-pay-error]", phone.text.t("passkey.cancelled")).await;
    assert_eq!(house.balance().await, 9_000);
    desk.arrives_at(&path).await;
    phone.sensor(Sensor::Owner).await;
    phone.import_passkey(&passkey).await;
    phone.press("[data-pay-do]").await;
    phone.press("[data-stepup-confirm]").await;
    phone.read("h1", "thank you").await;
    let at = phone.run("return location.pathname + location.search").await;
    assert_eq!(at, "/done?merchant_payment_id=o-1&status=paid");
    desk.read("h1", "thank you").await;
    assert_eq!(shop.status(&house, "o-1").await, "paid");

    phone.go(&path).await;
    phone.see("[data-pay-back]").await;
    picture(&phone, "pay-paid").await;
    assert_eq!(phone.path().await, path, "who comes back later is not sent away");
    phone.go("/history").await;
    phone.read(".entry", "¥3,980").await;
    phone.tolerates("status of 4");
    phone.close().await;
    desk.close().await;
    house.close().await;
}

/// Goal: who is not signed in comes back to the same page; who gives up comes back to the cart, and
/// the browser's back button shows that it is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_in_comes_back_to_the_page_and_giving_up_to_the_cart() {
    let house = House::open().await;
    let shop = Shop::open(&house).await;
    let mut phone = phone_with_money(&house, Lang::En).await;
    let path = shop.order(&house, "o-1", 500).await;
    phone.go("/settings").await;
    phone.press("[data-signout]").await;
    phone.press("[data-signout-confirm]").await;
    phone.read("h1", phone.text.t("welcome.headline")).await;
    phone.go(&path).await;
    phone.press(r#"[href="/signin"][data-pay-signin]"#).await;
    phone.press("[data-signin-start]").await;
    phone.arrives_at(&path).await;
    phone.see("[data-pay-do]").await;
    phone.press("[data-pay-cancel]").await;
    phone.read("h1", "your cart").await;
    let at = phone.run("return location.pathname + location.search").await;
    assert_eq!(at, "/cart?merchant_payment_id=o-1&status=canceled");
    assert_eq!(shop.status(&house, "o-1").await, "canceled");
    phone.run("history.back()").await;
    phone.arrives_at(&path).await;
    phone.read("main", phone.text.t("pay.canceled")).await;
    phone.gone("[data-pay-do]").await;
    picture(&phone, "pay-canceled").await;

    let dear = shop.order(&house, "o-2", 50_000).await;
    phone.go(&dear).await;
    phone.read("main", phone.text.t("pay.short")).await;
    phone.gone("[data-pay-do]").await;
    picture(&phone, "pay-short").await;

    let late = shop.order(&house, "o-3", 500).await;
    expire(&house).await;
    phone.go(&late).await;
    phone.read("main", phone.text.t("pay.expired")).await;
    picture(&phone, "pay-expired").await;
    assert_eq!(house.balance().await, 9_000);
    phone.tolerates("status of 4");
    phone.close().await;
    house.close().await;
}

/// The time of all orders is over.
async fn expire(house: &House) {
    let registry = &house.app.stores.registry;
    registry.execute(sql("UPDATE orders SET expires_at = created_at")).await.unwrap();
    registry.execute(sql("UPDATE checkout SET expires_at = created_at")).await.unwrap();
}

/// Goal: two tabs with one order take the money once, and the other one says that it is paid.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_pay_once() {
    let house = House::open().await;
    let shop = Shop::open(&house).await;
    let mut phone = phone_with_money(&house, Lang::Ja).await;
    let path = shop.order(&house, "o-1", 500).await;
    // The sensor belongs to the first tab.
    let first = phone.tab().await;
    phone.another_tab().await;
    phone.go(&path).await;
    phone.see("[data-pay-do]").await;
    let second = phone.tab().await;
    phone.to_tab(first).await;
    phone.go(&path).await;
    phone.press("[data-pay-do]").await;
    phone.press("[data-stepup-confirm]").await;
    phone.read("h1", "thank you").await;
    phone.to_tab(second).await;
    phone.see("[data-pay-back]").await;
    assert_eq!(house.balance().await, 8_500);
    assert_eq!(shop.status(&house, "o-1").await, "paid");
    phone.tolerates("status of 4");
    phone.close().await;
    house.close().await;
}
