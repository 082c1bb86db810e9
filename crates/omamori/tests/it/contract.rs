//! What integrators read is what the service does.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use omamori::web::codes::Code;
use serde_json::{Value, json};

use crate::atm;
use crate::input::values::good_body;
use crate::input::{document, operations, resolved};
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(answers_are_as_the_document_says);

/// A file of `docs/`.
fn docs(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs")).join(name)
}

/// True if the files are to be written anew instead of compared.
fn update() -> bool {
    std::env::var_os("UPDATE").is_some()
}

/// The file holds `expected`, or is made to.
#[track_caller]
fn assert_file(path: &Path, expected: &str) {
    if update() {
        fs::write(path, expected).unwrap();
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    let name = path.file_name().unwrap();
    assert!(found == expected, "docs/{name:?} is not up to date: UPDATE=1 writes it anew");
}

/// Goal: a change of the API is a change of a file that somebody reviews.
#[test]
fn the_document_is_the_committed_one() {
    assert_file(&docs("openapi.json"), &format!("{}\n", omamori::openapi::document()));
}

/// Goal: the document is OpenAPI 3.1 in shape: ids are unique, references lead somewhere, every
/// parameter of an address is described, and every operation names its credential and refusals.
#[test]
fn the_document_is_whole() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    let mut ids = HashSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "two operations are called {id}");
            assert!(operation["summary"].is_string(), "{id}");
            assert_eq!(operation["security"], json!([{ "terminal_key": [] }]), "{id}");
            for status in ["200", "4XX", "5XX"] {
                assert!(operation["responses"][status].is_object(), "{id} has no {status}");
            }
        }
        let in_path = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
        for name in in_path {
            for operation in operations().iter().filter(|operation| operation.path == *path) {
                assert!(operation.parameters.iter().any(|known| known == name), "{path}");
            }
        }
    }
    let scheme = &document["components"]["securitySchemes"]["terminal_key"];
    assert_eq!(scheme, &json!({ "type": "http", "scheme": "bearer" }));
    follow_references(&document, &document);
}

pub fn follow_references(document: &Value, part: &Value) {
    match part {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref") {
                let reference = reference.as_str().unwrap();
                let place = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(place).is_some(), "{reference} leads nowhere");
            }
            members.values().for_each(|part| follow_references(document, part));
        }
        Value::Array(parts) => parts.iter().for_each(|part| follow_references(document, part)),
        _ => {}
    }
}

/// Goal: each code with its status and meaning is in the page for integrators.
#[test]
fn the_page_for_integrators_lists_every_code() {
    let path = docs("API.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once("<!-- codes").unwrap();
    let (marker, rest) = rest.split_once('\n').unwrap();
    let (_, after) = rest.split_once("<!-- end of codes -->").unwrap();
    let mut table = String::from("| code | HTTP | meaning | to the clerk |\n|---|---|---|---|\n");
    for code in Code::ALL {
        let (word, status) = (code.as_str(), code.status().as_u16());
        let (meaning, clerk) = (code.message(), code.clerk().en);
        table.push_str(&format!("| `{word}` | {status} | {meaning} | {clerk} |\n"));
    }
    let expected = format!("{before}<!-- codes{marker}\n{table}<!-- end of codes -->{after}");
    assert_file(&path, &expected);
}

/// A schema that is all of several objects, as one.
fn joined(document: &Value, schema: &Value) -> Value {
    let schema = resolved(document, schema);
    let Some(parts) = schema["allOf"].as_array() else { return schema };
    let (mut properties, mut required) = (serde_json::Map::new(), Vec::new());
    for part in parts.iter().map(|part| joined(document, part)) {
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
        required.extend(part["required"].as_array().cloned().unwrap_or_default());
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

/// Whether a value is one of a schema: as much of JSON Schema as our documents use.
pub fn assert_conforms(document: &Value, schema: &Value, value: &Value, place: &str) {
    let schema = &joined(document, schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        assert!(choices.iter().any(|choice| choice["type"] == "null") || !value.is_null());
        return;
    }
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{place} is {value}");
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        kinds => kinds.as_array().unwrap().iter().map(|kind| kind.as_str().unwrap()).collect(),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(kinds.contains(&kind), "{place} is {value}, and not {kinds:?}");
    for (index, part) in value.as_array().into_iter().flatten().enumerate() {
        assert_conforms(document, &schema["items"], part, &format!("{place}[{index}]"));
    }
    let Some(members) = value.as_object() else { return };
    for (name, member) in members {
        let schema = &schema["properties"][name];
        assert!(schema.is_object(), "{place}.{name} is not in the document");
        assert_conforms(document, schema, member, &format!("{place}.{name}"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(members.contains_key(name.as_str().unwrap()), "{place} has no {name}");
    }
}

/// A payment or an order that an operation finds.
fn known_payment(path: &str) -> &'static str {
    match (path.starts_with("/orders"), path.ends_with("cancel")) {
        (true, true) => "o-2",
        (true, false) => "o-1",
        (false, true) => "s-2",
        (false, false) => "s-1",
    }
}

/// Goal: every operation's answer, and its refusal, has the fields of the document, no more and
/// no fewer.
async fn answers_are_as_the_document_says(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    let put = omamori::merchant::put_product;
    put(&app.app, &register.merchant_id, "4901234567894", "おにぎり", 160).await.unwrap();
    customer.load(app, &register, 10_000).await;
    register.top_up(app, "t-1", &customer.code(app.now()), 1_000).await.ok();
    for id in ["s-1", "s-2"] {
        let mut body = good_body("/api/pos/v1/payments", "");
        body["merchant_payment_id"] = json!(id);
        body["code"] = json!(customer.code(app.now()));
        register.post(app, "/payments", &body).await.ok();
    }
    register.refund(app, "r-1", "s-1", 100).await.ok();
    let second = Customer::new(&app.app).await;
    second.load(app, &register, 5_000).await;
    for id in ["a-1", "a-2"] {
        register.authorize(app, id, &second.code(app.now()), 500).await.ok();
    }
    for id in ["o-1", "o-2"] {
        let mut body = good_body("/api/pos/v1/orders", "");
        body["merchant_payment_id"] = json!(id);
        register.post(app, "/orders", &body).await.ok();
    }
    let (atm, other) = (atm::atm(app).await, atm::atm(app).await);
    atm::session(app, &atm, "t-1").await.ok();
    let session = atm::session(app, &other, "new").await.ok();
    atm::claim(app, &customer, session["session"]["number"].as_str().unwrap()).await;
    let document = document();
    for operation in operations() {
        let path = operation.path.strip_prefix("/api/pos/v1").unwrap();
        let register = match path {
            "/atm-topups" => &other,
            path if path.starts_with("/atm-") => &atm,
            _ => &register,
        };
        let path = path
            .replace("{merchant_payment_id}", known_payment(path))
            .replace(
                "{merchant_authorization_id}",
                if path.ends_with("void") { "a-2" } else { "a-1" },
            )
            .replace("{merchant_refund_id}", "r-1")
            .replace("{merchant_topup_id}", "t-1");
        let answer = if operation.body.is_some() {
            let mut body = good_body(&operation.path, "");
            if body["code"].is_string() {
                body["code"] = json!(customer.code(app.now()));
            }
            let ids = ["payment", "authorization", "refund", "topup"];
            for id in ids.map(|kind| format!("merchant_{kind}_id")) {
                if body[&id].is_string() {
                    let is_capture = operation.path.ends_with("capture");
                    body[&id] = json!(if is_capture { "captured" } else { "new" });
                }
            }
            if operation.path.ends_with("refunds") {
                body["merchant_payment_id"] = json!("s-1");
            }
            register.post(app, &path, &body).await
        } else if operation.method == "POST" {
            register.post(app, &path, &Value::Null).await
        } else {
            register.get(app, &path).await
        };
        let method = operation.method.to_lowercase();
        let responses = &document["paths"][&operation.path][&method]["responses"];
        let schema = |status: &str| &responses[status]["content"]["application/json"]["schema"];
        assert_conforms(&document, schema("200"), &answer.ok(), &operation.path);
        let nobody = Register { key: "omk_nobody".to_owned(), ..register.clone() };
        let refused = nobody.get(app, "/payments?limit=0").await.json();
        assert_conforms(&document, schema("4XX"), &refused, &operation.path);
    }
    let invalid = register.get(app, "/payments?limit=0").await.json();
    let error = json!({ "$ref": "#/components/schemas/ErrorAnswer" });
    assert_conforms(&document, &error, &invalid, "error");
}
