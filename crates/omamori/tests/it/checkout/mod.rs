//! Online checkout: an order of a shop's server is approved on our page and told, and no address,
//! no body and no race makes it anything else.

mod attacks;
mod orders;

use axum::body::Body;
use axum::http::{Request, header};
use omamori::app::App;
use omamori::audit::MACHINE;
use omamori::checkout::shop;
use omamori::merchant::create_store;
use omamori_db::sql;
use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::app::{Node, TestApp};
use crate::support::passkey::Person;
use crate::support::shop::Register;

/// Where the shop's pages are.
pub const ORIGIN: &str = "https://shop.example.jp";

/// A web shop's server, with its key.
#[derive(Clone, Debug)]
pub struct Web {
    pub register: Register,
}

impl Web {
    /// Of a new merchant.
    pub async fn new(app: &App) -> Self {
        let register = Register::new(app).await;
        Self::of_merchant(app, &register.merchant_id).await
    }

    /// Of a merchant, in a new store.
    pub async fn of_merchant(app: &App, merchant_id: &str) -> Self {
        let store_id = create_store(app, merchant_id, "オンライン店").await.unwrap();
        let made = shop::create(app, MACHINE, &store_id, "EC", ORIGIN).await.unwrap();
        let (terminal_id, key) = (made.terminal_id, made.api_key);
        let merchant_id = merchant_id.to_owned();
        Self { register: Register { merchant_id, store_id, terminal_id, key } }
    }

    /// A good order.
    pub fn wants(&self, id: &str, amount: i64) -> Value {
        json!({
            "merchant_payment_id": id, "amount": amount, "currency": "JPY",
            "description": "ご注文 0042",
            "items": [{ "name": "手ぬぐい", "quantity": 1, "unit_price": amount }],
            "success_url": format!("{ORIGIN}/done?cart=7"),
            "cancel_url": format!("{ORIGIN}/cart"),
        })
    }

    /// A request below `/api/checkout/v1`, with a key.
    pub fn request_as(key: &str, method: &str, path: &str, body: &Value) -> Request<Body> {
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        Request::builder()
            .method(method)
            .uri(format!("/api/checkout/v1{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .unwrap()
    }

    pub async fn create(&self, node: &Node, wanted: &Value) -> Answer {
        node.call(Self::request_as(&self.register.key, "POST", "/orders", wanted)).await
    }

    /// Makes a good order.
    pub async fn order(&self, node: &Node, id: &str, amount: i64) -> Order {
        Order::of(&self.create(node, &self.wants(id, amount)).await.ok())
    }

    pub async fn look(&self, node: &Node, id: &str) -> Answer {
        let path = format!("/orders/{id}");
        node.call(Self::request_as(&self.register.key, "GET", &path, &Value::Null)).await
    }

    pub async fn status(&self, node: &Node, id: &str) -> String {
        self.look(node, id).await.ok()["order"]["status"].as_str().unwrap().to_owned()
    }

    pub async fn cancel(&self, node: &Node, id: &str) -> Answer {
        let path = format!("/orders/{id}/cancel");
        node.call(Self::request_as(&self.register.key, "POST", &path, &Value::Null)).await
    }
}

/// An order, as its customer has it.
#[derive(Clone, Debug)]
pub struct Order {
    pub order_id: String,
    pub token: String,
    pub amount: i64,
}

impl Order {
    pub fn of(answer: &Value) -> Self {
        let order = &answer["order"];
        let url = order["checkout_url"].as_str().unwrap();
        Self {
            order_id: order["order_id"].as_str().unwrap().to_owned(),
            token: url.strip_prefix("http://localhost:8080/pay/").unwrap().to_owned(),
            amount: order["amount"].as_i64().unwrap(),
        }
    }

    /// Where the wallet pays it.
    pub fn pay_path(&self) -> String {
        format!("/orders/{}/pay", self.order_id)
    }

    /// The page.
    pub fn page(&self) -> String {
        format!("/pay/{}", self.token)
    }

    pub async fn pay(&self, node: &Node, person: &mut Person) -> Answer {
        person.confirmed(node, &self.pay_path(), &json!({ "amount": self.amount })).await
    }

    /// What a browser that waits learns.
    pub async fn state(&self, node: &Node) -> Value {
        node.get(&format!("/api/pay/v1/{}", self.token)).await.ok()
    }

    pub async fn give_up(&self, node: &Node) -> Answer {
        let request = Request::post(format!("/api/pay/v1/{}/cancel", self.token));
        node.call(request.body(Body::empty()).unwrap()).await
    }
}

/// A customer with a passkey and ¥10,000.
pub async fn person(app: &TestApp, web: &Web) -> Person {
    let register =
        Register::of_store(&app.app, &web.register.merchant_id, &web.register.store_id).await;
    let person = Person::new(&app.app).await;
    person.customer.load(app, &register, 10_000).await;
    person
}

/// The kinds of the events that the merchants have to be told, sorted.
pub async fn told(node: &Node) -> Vec<String> {
    crate::webhook::followed(node).await;
    let rows = sql("SELECT kind FROM webhook_event ORDER BY kind");
    let rows = node.app.stores.registry.all(rows).await.unwrap();
    rows.iter().map(|row| row.text("kind").unwrap()).collect()
}
