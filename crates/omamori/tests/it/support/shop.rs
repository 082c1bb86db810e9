//! A merchant's store with one register, and what a register says.

use axum::body::Body;
use axum::http::{Request, header};
use omamori::app::App;
use omamori::merchant::{create_merchant, create_store, create_terminal};
use serde_json::{Value, json};

use super::answer::Answer;
use super::app::Node;

/// A register that holds a key.
#[derive(Clone, Debug)]
pub struct Register {
    pub merchant_id: String,
    pub store_id: String,
    pub terminal_id: String,
    pub key: String,
}

impl Register {
    /// A new merchant's, in a new store.
    pub async fn new(app: &App) -> Self {
        let merchant_id = create_merchant(app, "日の丸商店").await.unwrap();
        Self::of_merchant(app, &merchant_id).await
    }

    /// In a new store of a merchant.
    pub async fn of_merchant(app: &App, merchant_id: &str) -> Self {
        let store_id = create_store(app, merchant_id, "新宿本店").await.unwrap();
        Self::of_store(app, merchant_id, &store_id).await
    }

    /// One more in a store.
    pub async fn of_store(app: &App, merchant_id: &str, store_id: &str) -> Self {
        let made = create_terminal(app, store_id, "レジ1", "pos").await.unwrap();
        Self {
            merchant_id: merchant_id.to_owned(),
            store_id: store_id.to_owned(),
            terminal_id: made.terminal_id,
            key: made.api_key,
        }
    }

    /// Asks for something below `/api/pos/v1`.
    pub async fn get(&self, node: &Node, path: &str) -> Answer {
        node.call(self.request("GET", path, Body::empty())).await
    }

    /// Posts JSON below `/api/pos/v1`.
    pub async fn post(&self, node: &Node, path: &str, body: &Value) -> Answer {
        node.call(self.request("POST", path, Body::from(body.to_string()))).await
    }

    /// A request with the register's key.
    pub fn request(&self, method: &str, path: &str, body: Body) -> Request<Body> {
        Request::builder()
            .method(method)
            .uri(format!("/api/pos/v1{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .unwrap()
    }

    /// Sells.
    pub async fn sell(&self, node: &Node, id: &str, code: &str, amount: i64) -> Answer {
        let body = json!({ "merchant_payment_id": id, "code": code, "amount": amount });
        self.post(node, "/payments", &body).await
    }

    /// What became of a sale.
    pub async fn payment(&self, node: &Node, id: &str) -> Answer {
        self.get(node, &format!("/payments/{id}")).await
    }

    /// Cancels a sale.
    pub async fn cancel(&self, node: &Node, id: &str) -> Answer {
        self.post(node, &format!("/payments/{id}/cancel"), &Value::Null).await
    }

    /// Gives back part of a sale.
    pub async fn refund(&self, node: &Node, id: &str, payment: &str, amount: i64) -> Answer {
        let body =
            json!({ "merchant_refund_id": id, "merchant_payment_id": payment, "amount": amount });
        self.post(node, "/refunds", &body).await
    }

    /// Sets value aside, for as long as is usual.
    pub async fn authorize(&self, node: &Node, id: &str, code: &str, amount: i64) -> Answer {
        let body = json!({ "merchant_authorization_id": id, "code": code, "amount": amount });
        self.post(node, "/authorizations", &body).await
    }

    /// Takes as much of it.
    pub async fn capture(&self, node: &Node, id: &str, payment: &str, amount: i64) -> Answer {
        let body = json!({ "merchant_payment_id": payment, "amount": amount });
        self.post(node, &format!("/authorizations/{id}/capture"), &body).await
    }

    /// Gives it back.
    pub async fn void(&self, node: &Node, id: &str) -> Answer {
        self.post(node, &format!("/authorizations/{id}/void"), &Value::Null).await
    }

    /// What became of it.
    pub async fn authorization(&self, node: &Node, id: &str) -> Answer {
        self.get(node, &format!("/authorizations/{id}")).await
    }

    /// Takes cash.
    pub async fn top_up(&self, node: &Node, id: &str, code: &str, amount: i64) -> Answer {
        let body = json!({ "merchant_topup_id": id, "code": code, "amount": amount });
        self.post(node, "/topups", &body).await
    }

    /// Gives cash back.
    pub async fn cancel_top_up(&self, node: &Node, id: &str) -> Answer {
        self.post(node, &format!("/topups/{id}/cancel"), &Value::Null).await
    }
}
