//! Sending between customers.

mod bounds;
mod link;
mod races;
mod request;
mod ways;

use omamori::clock::SECOND;
use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::app::{Node, TestApp};
use crate::support::passkey::Person;
use crate::support::shop::Register;

/// Somebody with so much in the wallet.
pub async fn rich(app: &TestApp, yen: i64) -> Person {
    let person = Person::new(&app.app).await;
    person.customer.load(app, &Register::new(&app.app).await, yen).await;
    person
}

/// A request to send to a number.
pub fn to_phone(id: &str, yen: i64, phone: &str) -> Value {
    json!({ "client_send_id": id, "amount": yen, "to": { "kind": "phone", "phone": phone, "name": "ゆき" } })
}

/// A request to send by link.
fn by_link(id: &str, yen: i64) -> Value {
    json!({ "client_send_id": id, "amount": yen, "to": { "kind": "link" } })
}

impl Person {
    /// The number that this customer signed up with.
    pub fn phone(&self) -> String {
        self.customer.phone()
    }

    pub async fn send(&mut self, node: &Node, request: &Value) -> Answer {
        self.confirmed(node, "/sends", request).await
    }

    /// What becomes of a send when this customer does `act` with it.
    pub async fn act(&self, node: &Node, send_id: &str, act: &str) -> Answer {
        self.post(node, &format!("/sends/{send_id}/{act}"), &json!({})).await
    }

    fn balance(&self, node: &Node) -> i64 {
        self.customer.balance(node)
    }
}

/// The id in an answer that must be a success.
#[track_caller]
pub fn id(answer: &Answer) -> String {
    answer.ok()["send"]["send_id"].as_str().unwrap().to_owned()
}

/// 48 hours, less a moment.
const NEARLY_48_HOURS: i64 = 48 * 3_600 * SECOND - 1;
