//! For each field of the API: a good value, and values that are not.

use serde_json::{Value, json};

/// A good body of each operation that takes one, every field filled.
pub fn good_body(path: &str, code: &str) -> Value {
    match path {
        "/api/pos/v1/payments" => json!({
            "merchant_payment_id": "s-1",
            "code": code,
            "amount": 1_000,
            "currency": "JPY",
            "order_receipt_number": "0042-7",
            "description": "朝食",
            "items": [
                { "jan": "4901234567894", "name": "おにぎり", "quantity": 1, "unit_price": 160 },
            ],
        }),
        "/api/pos/v1/authorizations" => json!({
            "merchant_authorization_id": "a-1",
            "code": code,
            "amount": 1_000,
            "currency": "JPY",
            "expires_in_seconds": 3_600,
            "order_receipt_number": "0042-7",
            "description": "宿泊",
            "items": [
                { "jan": "4901234567894", "name": "宿泊", "quantity": 1, "unit_price": 1_000 },
            ],
        }),
        "/api/pos/v1/authorizations/{merchant_authorization_id}/capture" => json!({
            "merchant_payment_id": "c-1",
            "amount": 100,
            "order_receipt_number": "0042-8",
            "description": "清算",
        }),
        "/api/pos/v1/orders" => json!({
            "merchant_payment_id": "o-1",
            "amount": 1_000,
            "currency": "JPY",
            "order_receipt_number": "0042-7",
            "description": "朝食",
            "items": [
                { "jan": "4901234567894", "name": "おにぎり", "quantity": 1, "unit_price": 160 },
            ],
            "expires_in_seconds": 300,
        }),
        "/api/pos/v1/refunds" => json!({
            "merchant_refund_id": "r-1",
            "merchant_payment_id": "s-0",
            "amount": 100,
            "reason": "返品",
        }),
        "/api/pos/v1/topups" => json!({
            "merchant_topup_id": "t-1",
            "code": code,
            "amount": 1_000,
            "currency": "JPY",
        }),
        "/api/pos/v1/atm-topups" => json!({
            "merchant_topup_id": "t-1",
            "amount": 1_000,
            "currency": "JPY",
        }),
        _ => panic!("{path} takes a body and has no good and bad values here"),
    }
}

/// Values of the right type that a field refuses, and the word for what is wrong with them.
pub fn out_of_bounds(field: &str) -> Vec<(Value, &'static str)> {
    let long = |count: usize| json!("あ".repeat(count));
    let all = |code: &'static str, values: &[Value]| -> Vec<_> {
        values.iter().map(|value| (value.clone(), code)).collect()
    };
    match field {
        "merchant_payment_id"
        | "merchant_authorization_id"
        | "merchant_refund_id"
        | "merchant_topup_id" => {
            let malformed = ["", " ", "a b", "あ", "a/b", "a\\b", "a\n", "a\0", "a%2F", "a'--"];
            let mut values = all("malformed", &malformed.map(Value::from));
            values.push((json!("x".repeat(65)), "too_long"));
            values.push((json!("x".repeat(60_000)), "too_long"));
            values
        }
        "code" => all(
            "malformed",
            &[
                json!(""),
                json!("1".repeat(23)),
                json!("1".repeat(25)),
                json!("１".repeat(24)),
                json!("x".repeat(24)),
                json!(format!("-{}", "1".repeat(23))),
                json!(format!("{} {}", "1".repeat(12), "1".repeat(11))),
                json!("1".repeat(50_000)),
            ],
        ),
        "amount" => {
            let values = [json!(0), json!(-1), json!(1_000_001), json!(i64::MAX), json!(i64::MIN)];
            all("out_of_range", &values)
        }
        "expires_in_seconds" => {
            all("out_of_range", &[json!(0), json!(59), json!(2_592_001), json!(i64::MIN)])
        }
        "currency" => all("out_of_range", &["", "USD", "jpy", "JPY ", "円"].map(Value::from)),
        "order_receipt_number" => text(&long(65)),
        "description" | "reason" => text(&long(256)),
        "items" => {
            let line = json!({ "name": "袋", "quantity": 1, "unit_price": 5 });
            all("too_long", &[json!(vec![line; 201])])
        }
        "items[0].jan" => {
            let values = ["", "490123456789", "4901234567895", "490123456789x", "４９０１２３４５"];
            all("malformed", &values.map(Value::from))
        }
        "items[0].name" => text(&long(101)),
        "items[0].quantity" => {
            all("out_of_range", &[json!(0), json!(-1), json!(1_000), json!(i64::MAX)])
        }
        "items[0].unit_price" => {
            all("out_of_range", &[json!(-1), json!(1_000_001), json!(i64::MAX)])
        }
        _ => panic!("the field {field} has no bad values here"),
    }
}

/// What a free text refuses: one character too many, and control characters.
fn text(too_long: &Value) -> Vec<(Value, &'static str)> {
    let mut values = vec![(too_long.clone(), "too_long")];
    for control in ["a\0b", "\u{7}", "a\nb", "\u{1b}[31m", "\u{85}", "\u{7f}"] {
        values.push((json!(control), "malformed"));
    }
    values
}

/// Values of another type than the schema's.
pub fn of_another_type(schema: &Value) -> Vec<Value> {
    let (kind, may_be_null) = match &schema["type"] {
        Value::String(kind) => (kind.as_str(), false),
        kinds => (kinds[0].as_str().unwrap(), kinds[1] == "null"),
    };
    let mut values = match kind {
        "string" => vec![json!(1), json!(1.5), json!(true), json!([]), json!({}), json!(["x"])],
        "integer" => vec![
            json!("1"),
            json!(1.5),
            json!(1.0),
            json!(1e3),
            json!(true),
            json!([1]),
            json!({}),
            json!(u64::MAX),
        ],
        "array" => vec![json!("x"), json!(1), json!({}), json!([1]), json!([[]]), json!([null])],
        _ => panic!("no values of another type than {kind} here"),
    };
    if !may_be_null {
        values.push(Value::Null);
    }
    values
}
