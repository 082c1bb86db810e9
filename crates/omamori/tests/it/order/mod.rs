//! Orders: paid once, by one customer, for what the row says, or not at all.

pub mod jpqr;
mod pay;
mod races;
mod store_qr;

use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::shop::Register;

/// A register, and a customer with money.
pub async fn shop_and_customer(app: &TestApp, yen: i64) -> (Register, Customer) {
    let register = Register::new(&app.app).await;
    let customer = Customer::new(&app.app).await;
    customer.load(app, &register, yen).await;
    (register, customer)
}

/// An order of a register.
pub async fn order(node: &Node, register: &Register, id: &str, amount: i64) -> Answer {
    let wanted = json!({ "merchant_payment_id": id, "amount": amount });
    register.post(node, "/orders", &wanted).await
}

/// Its `ord_…`.
pub async fn order_id(node: &Node, register: &Register, id: &str, amount: i64) -> String {
    text(&order(node, register, id, amount).await.ok()["order"]["order_id"])
}

/// What became of it, as the register sees it.
pub async fn status(node: &Node, register: &Register, id: &str) -> String {
    text(&register.get(node, &format!("/orders/{id}")).await.ok()["order"]["status"])
}

/// Pays by a tap.
pub async fn pay(node: &Node, customer: &Customer, order_id: &str, amount: i64) -> Answer {
    let body = json!({ "request": { "amount": amount } });
    customer.post(node, &format!("/orders/{order_id}/pay"), &body).await
}

/// A member that is a text.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
