//! Bodies of every operation that takes one, with every field of the document wrong in turn.

use axum::body::Body;
use axum::http::header;
use omamori::web::codes::Code;
use serde_json::{Map, Value, json};

use super::values::{good_body, of_another_type, out_of_bounds};
use super::{Operation, document, operations, resolved};
use crate::atm;
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(every_field_is_checked_and_named, what_is_no_json_of_ours_is_refused);

/// A register, a customer with money, a payment `s-0` and an authorization `a-0`; and an ATM.
async fn parties(app: &TestApp) -> (Register, Customer, Register) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 10_000).await;
    register.sell(app, "s-0", &customer.code(app.now()), 1_000).await.ok();
    register.authorize(app, "a-0", &customer.code(app.now()), 1_000).await.ok();
    // What an ATM takes is for its session `t-1`.
    let atm = atm::atm(app).await;
    let session = atm::session(app, &atm, "t-1").await.ok();
    atm::claim(app, &customer, session["session"]["number"].as_str().unwrap()).await;
    (register, customer, atm)
}

/// Who calls an operation.
fn caller<'a>(path: &str, register: &'a Register, atm: &'a Register) -> &'a Register {
    if path.starts_with("/atm-") { atm } else { register }
}

fn operations_with_body() -> Vec<(Operation, Value)> {
    let with_body = operations().into_iter().filter_map(|mut operation| {
        let schema = operation.body.take()?;
        Some((operation, schema))
    });
    with_body.collect()
}

/// One body, and what must be said of it.
struct Case {
    body: Value,
    field: String,
    code: &'static str,
}

/// Every way in which the object at `place` of a good body can be wrong.
fn cases(schema: &Value, good: &Value, place: &str, name: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let object = good.pointer(place).unwrap().as_object().unwrap();
    let mut case = |changed: Map<String, Value>, field: String, code| {
        let mut body = good.clone();
        *body.pointer_mut(place).unwrap() = Value::Object(changed);
        cases.push(Case { body, field, code });
    };
    let named = |field: &str| {
        if name.is_empty() { field.to_owned() } else { format!("{name}.{field}") }
    };
    let properties = schema["properties"].as_object().unwrap();
    assert_eq!(object.len(), properties.len(), "the good body lacks a field of the document");
    for (field, schema) in properties {
        let with = |value: Value| {
            let mut changed = object.clone();
            changed.insert(field.clone(), value);
            changed
        };
        for value in of_another_type(schema) {
            // A wrong line of a list is named by its place.
            let line = value.as_array().is_some_and(|list| !list.is_empty());
            let inner = if line && schema["type"] == "array" { "[0]" } else { "" };
            case(with(value), named(field) + inner, "wrong_type");
        }
        for (value, code) in out_of_bounds(&named(field)) {
            case(with(value), named(field), code);
        }
    }
    for field in schema["required"].as_array().unwrap() {
        let field = field.as_str().unwrap();
        let mut changed = object.clone();
        changed.remove(field);
        case(changed, named(field), "missing");
    }
    for unknown in ["x", "Amount", "amount ", "__proto__", ""] {
        let mut changed = object.clone();
        changed.insert(unknown.to_owned(), json!({ "deep": [[[1]]] }));
        case(changed, named(unknown), "unknown");
    }
    cases
}

/// Goal: missing, unknown, of another type or out of its bounds: each field is refused by its
/// name, before anything is decided or stored; the good body beside them is taken.
async fn every_field_is_checked_and_named(app: &mut TestApp) {
    let (register, customer, atm) = parties(app).await;
    let document = document();
    for (operation, schema) in operations_with_body() {
        let path = operation.path.strip_prefix("/api/pos/v1").unwrap();
        let path = &path.replace("{merchant_authorization_id}", "a-0");
        let register = caller(path, &register, &atm);
        let good = good_body(&operation.path, &customer.code(app.now()));
        let mut all = cases(&schema, &good, "", "");
        if good["items"].is_array() {
            let line = resolved(&document, &schema["properties"]["items"]["items"]);
            all.extend(cases(&line, &good, "/items/0", "items[0]"));
        }
        let stored = (app.journal_entries().await, app.decisions().await);
        for Case { body, field, code } in &all {
            let answer = register.post(app, path, body).await;
            let error = answer.refused(Code::InvalidRequest);
            let named = &error["fields"][0];
            assert_eq!((&named["field"], &named["code"]), (&json!(field), &json!(code)), "{body}");
        }
        assert_eq!((app.journal_entries().await, app.decisions().await), stored, "{path}");
        register.post(app, path, &good).await.ok();
    }
}

/// Texts that are no JSON object, or that say something twice.
fn junk(good: &str) -> Vec<(Vec<u8>, Code)> {
    let deep = |open: &str, count: usize| open.repeat(count);
    let texts = [
        String::new(),
        " ".to_owned(),
        "null".to_owned(),
        "true".to_owned(),
        "1".to_owned(),
        "\"x\"".to_owned(),
        "[]".to_owned(),
        "{".to_owned(),
        "}".to_owned(),
        format!("[{good}]"),
        format!("{good}{good}"),
        format!("{good} x"),
        format!("\u{feff}{good}"),
        good[..good.len() - 1].to_owned(),
        good.replacen('{', "{\"amount\":1,", 1),
        good.replacen('{', "{\"amount\":1,\"amount\":1,", 1),
        good.replacen(":1000", ":1e400", 1).replacen(":100,", ":1e400,", 1),
        good.replacen(":1000", &format!(":{}", "9".repeat(400)), 1).replacen(":100,", ":-,", 1),
        good.replacen(":1000", ":0x10", 1).replacen(":100,", ":0x10,", 1),
        good.replacen(":1000", ":NaN", 1).replacen(":100,", ":NaN,", 1),
        good.replacen(":1000", ":01000", 1).replacen(":100,", ":0100,", 1),
        good.replacen('{', "{\"x\":\"\\ud800\",", 1),
        good.replace('"', "'"),
        deep("[", 30_000),
        deep("{\"a\":", 10_000),
        good.replacen(":1000", &format!(":{}", deep("[", 30_000)), 1).replacen(":100,", ":[[,", 1),
    ];
    let mut junk: Vec<(Vec<u8>, Code)> =
        texts.into_iter().map(|text| (text.into_bytes(), Code::InvalidRequest)).collect();
    let mut bad_utf8 = good.as_bytes().to_vec();
    bad_utf8.insert(good.find("_id\":\"").unwrap() + 6, 0xff);
    junk.push((bad_utf8, Code::InvalidRequest));
    let utf16 = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    junk.push((utf16, Code::InvalidRequest));
    let spaces = |size: usize| [good.as_bytes(), &vec![b' '; size - good.len()]].concat();
    junk.push((spaces(64 * 1024 + 1), Code::BodyTooLarge));
    junk.push((spaces(10 << 20), Code::BodyTooLarge));
    junk
}

/// Goal: whatever the bytes are, the answer is a refusal in the envelope; nothing is stored.
async fn what_is_no_json_of_ours_is_refused(app: &mut TestApp) {
    let (register, customer, atm) = parties(app).await;
    for (operation, _) in operations_with_body() {
        let path = operation.path.strip_prefix("/api/pos/v1").unwrap();
        let path = &path.replace("{merchant_authorization_id}", "a-0");
        let register = caller(path, &register, &atm);
        let good = good_body(&operation.path, &customer.code(app.now())).to_string();
        let stored = (app.journal_entries().await, app.decisions().await);
        for (bytes, code) in junk(&good) {
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
            let answer = app.call(register.request("POST", path, Body::from(bytes))).await;
            assert_eq!(answer.error()["code"], code.as_str(), "{shown}");
            assert_eq!(answer.status, code.status(), "{shown}");
        }
        let types = [
            None,
            Some("text/plain"),
            Some("application/xml"),
            Some("application/jsonx"),
            Some("application/x-www-form-urlencoded"),
            Some("application/json\u{7f}"),
        ];
        for content_type in types {
            let mut request = register.request("POST", path, Body::from(good.clone()));
            request.headers_mut().remove(header::CONTENT_TYPE);
            if let Some(Ok(value)) = content_type.map(str::parse) {
                request.headers_mut().insert(header::CONTENT_TYPE, value);
            }
            app.call(request).await.refused(Code::UnsupportedMediaType);
        }
        assert_eq!((app.journal_entries().await, app.decisions().await), stored, "{path}");
        let padded = format!("{good}{}", " ".repeat(64 * 1024 - good.len()));
        let mut request = register.request("POST", path, Body::from(padded));
        let value = "Application/JSON; charset=utf-8".parse().unwrap();
        request.headers_mut().insert(header::CONTENT_TYPE, value);
        app.call(request).await.ok();
    }
}
