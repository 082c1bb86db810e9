//! Strict JSON in: right content type, bounded body, valid UTF-8, no unknown field, and the path
//! of the first wrong field in the answer.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use serde::de::DeserializeOwned;

use super::codes::Code;
use super::error::{Error, FieldError};

/// The largest JSON body that any address takes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// The body of a request, parsed. The types it parses into say `deny_unknown_fields`.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|v| v.to_str().ok()).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(Code::UnsupportedMediaType.into());
        }
        let body =
            Bytes::from_request(request, state).await.map_err(|rejection| {
                match rejection.into_response_status() {
                    413 => Error::from(Code::BodyTooLarge),
                    _ => Error::field("", "malformed"),
                }
            })?;
        parse(&body).map(Self)
    }
}

trait Status {
    fn into_response_status(self) -> u16;
}

impl Status for axum::extract::rejection::BytesRejection {
    fn into_response_status(self) -> u16 {
        self.status().as_u16()
    }
}

/// Parses one JSON value and nothing behind it.
///
/// # Errors
/// [`Error::Invalid`] with the path of the first wrong field.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        let inner = error.into_inner();
        Error::Invalid(vec![describe(path, &inner)])
    })?;
    reader.end().map_err(|_| Error::field("", "malformed"))?;
    Ok(value)
}

/// serde tells by its message only what went wrong; its words are stable.
fn describe(path: String, error: &serde_json::Error) -> FieldError {
    let message = error.to_string();
    let quoted = || message.split('`').nth(1).unwrap_or_default().to_owned();
    let within = |name: String| {
        if path.is_empty() || path == name { name } else { format!("{path}.{name}") }
    };
    if message.starts_with("missing field") {
        FieldError { field: within(quoted()), code: "missing" }
    } else if message.starts_with("unknown field") {
        FieldError { field: path, code: "unknown" }
    } else if message.starts_with("duplicate field") {
        FieldError { field: within(quoted()), code: "malformed" }
    } else if error.is_data() {
        FieldError { field: path, code: "wrong_type" }
    } else {
        FieldError { field: String::new(), code: "malformed" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Item {
        #[expect(dead_code, reason = "only its parsing is tested")]
        quantity: u32,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its parsing is tested")]
    struct Sale {
        amount: i64,
        items: Vec<Item>,
    }

    fn error_of(body: &[u8]) -> (String, &'static str) {
        match parse::<Sale>(body) {
            Err(Error::Invalid(mut fields)) => {
                let field = fields.remove(0);
                (field.field, field.code)
            }
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    #[test]
    fn the_first_wrong_field_is_named() {
        assert_eq!(error_of(br#"{"items":[]}"#), ("amount".into(), "missing"));
        assert_eq!(error_of(br#"{"amount":"1","items":[]}"#), ("amount".into(), "wrong_type"));
        assert_eq!(error_of(br#"{"amount":1.5,"items":[]}"#), ("amount".into(), "wrong_type"));
        assert_eq!(error_of(br#"{"amount":1,"items":[],"x":1}"#), ("x".into(), "unknown"));
        assert_eq!(
            error_of(br#"{"amount":1,"items":[{"quantity":-1}]}"#),
            ("items[0].quantity".into(), "wrong_type")
        );
        assert_eq!(
            error_of(br#"{"amount":1,"items":[{}]}"#),
            ("items[0].quantity".into(), "missing")
        );
        assert_eq!(error_of(b"{\"amount\":\xff}"), (String::new(), "malformed"));
        assert_eq!(error_of(br#"{"amount":1,"items":[]} x"#), (String::new(), "malformed"));
    }
}
