//! Bad input: a 4xx with a stable code, nothing stored, and the server lives.
//!
//! What can be sent is taken from the OpenAPI document: an operation or a field that is new there
//! and has no bad values here fails.

mod addresses;
mod bodies;
mod connection;
pub mod values;

pub use connection::Listening;
use omamori::openapi;
use serde_json::Value;

/// An operation of the document.
pub struct Operation {
    pub method: String,
    pub path: String,
    /// The schema of its body, if it takes one.
    pub body: Option<Value>,
    /// The names of the parameters in its path and query.
    pub parameters: Vec<String>,
}

/// All operations of the document.
pub fn operations() -> Vec<Operation> {
    let document = document();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                body: schema.is_object().then(|| resolved(&document, schema)),
                parameters: parameters
                    .iter()
                    .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
                    .collect(),
            });
        }
    }
    operations
}

/// The document as JSON.
pub fn document() -> Value {
    serde_json::from_str(openapi::document()).unwrap()
}

/// A schema, or the one that it refers to.
pub fn resolved(document: &Value, schema: &Value) -> Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap().clone(),
        None => schema.clone(),
    }
}
