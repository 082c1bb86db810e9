//! What came back, and the two ways to look at it: it worked, or it was refused with a code.

use axum::http::{HeaderMap, StatusCode, header};
use omamori::web::codes::Code;
use serde_json::Value;

/// An answer of the service.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {} {}", self.status, self.text()))
    }

    /// The JSON of an answer that must be 200.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        self.json()
    }

    /// Of an answer that must be 204.
    #[track_caller]
    pub fn done(&self) {
        assert_eq!(self.status, StatusCode::NO_CONTENT, "{}", self.text());
    }

    /// The `error` of an answer that must be the refusal `code`, in the envelope that every
    /// refusal has.
    #[track_caller]
    pub fn refused(&self, code: Code) -> Value {
        let error = self.error();
        assert_eq!(error["code"], code.as_str(), "{}", self.text());
        assert_eq!(self.status, code.status());
        error
    }

    /// The `error` of an answer that must be a refusal, whatever its code.
    #[track_caller]
    pub fn error(&self) -> Value {
        assert!(self.status.as_u16() >= 400, "{} {}", self.status, self.text());
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/json", "{}", self.text());
        let error = self.json()["error"].take();
        let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        for text in ["code", "message", "request_id"] {
            assert!(is_text(&error[text]), "no {text} in {error}");
        }
        for text in ["clerk_text", "customer_text"] {
            assert!(is_text(&error[text]["ja"]) && is_text(&error[text]["en"]), "{text}: {error}");
        }
        assert_eq!(error["request_id"], self.headers["x-request-id"].to_str().unwrap());
        error
    }
}
