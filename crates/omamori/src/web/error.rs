//! The one error of the HTTP edge.
//!
//! Refusals ([`Error::Refused`], [`Error::Invalid`]) are answers: they carry a [`Code`] and texts.
//! Faults ([`Error::Fault`]) are ours: logged once with their whole chain by
//! [`crate::web::headers`], answered without detail. Another tenant's thing is a `…_not_found`.

use std::error::Error as StdError;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::codes::{Both, Code};

/// What a handler answers when it does not answer with success.
#[derive(Debug)]
pub enum Error {
    /// A rule says no.
    Refused(Code),
    /// A rule says no, and why is more than a code can say: for the one who wrote what is refused.
    Because(Code, String),
    /// Fields of the request are wrong.
    Invalid(Vec<FieldError>),
    /// Wait so many seconds ([`Code::TooManyRequests`], [`Code::Busy`], [`Code::TerminalLocked`]).
    RetryAfter(Code, u32),
    /// Something of ours broke.
    Fault(Box<dyn StdError + Send + Sync>),
}

/// The result of a handler.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One wrong field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Path in the request, as `items[0].jan`.
    pub field: String,
    /// What is wrong: `missing`, `unknown`, `wrong_type`, `out_of_range`, `too_long`, `malformed`,
    /// `too_common`.
    pub code: &'static str,
}

impl Error {
    /// One wrong field.
    #[must_use]
    pub fn field(field: &str, code: &'static str) -> Self {
        Self::Invalid(vec![FieldError { field: field.to_owned(), code }])
    }

    /// A fault that has no error type of its own.
    #[must_use]
    pub fn fault(what: &'static str) -> Self {
        Self::Fault(what.into())
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Refused(code) | Self::RetryAfter(code, _) | Self::Because(code, _) => *code,
            Self::Invalid(_) => Code::InvalidRequest,
            Self::Fault(_) => Code::Internal,
        }
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::Refused(code)
    }
}

/// Makes `?` turn a fault of ours into a 500.
macro_rules! faults {
    ($($source:ty),*) => {$(
        impl From<$source> for Error {
            fn from(source: $source) -> Self { Self::Fault(Box::new(source)) }
        }
    )*};
}
faults!(omamori_db::Error, crate::secret::CannotOpen, serde_json::Error, askama::Error);

impl IntoResponse for Error {
    /// An empty response that carries the error; [`crate::web::headers::finish`] writes the body,
    /// because only there the request id and the wanted form (JSON or page) are known.
    fn into_response(self) -> Response {
        let mut response = self.code().status().into_response();
        if let Self::RetryAfter(_, seconds) = self {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Carried(std::sync::Arc::new(self)));
        response
    }
}

/// The error on its way from the handler to the edge.
#[derive(Clone, Debug)]
pub struct Carried(pub std::sync::Arc<Error>);

/// `{"error": …}`: the one JSON envelope of every refusal.
#[derive(Debug, Serialize)]
pub struct Envelope<'a> {
    error: Body<'a>,
}

#[derive(Debug, Serialize)]
struct Body<'a> {
    code: &'static str,
    message: &'static str,
    clerk_text: Both,
    customer_text: Both,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    fields: &'a [FieldError],
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    request_id: &'a str,
}

impl<'a> Envelope<'a> {
    /// The envelope of `error` for the request `request_id`.
    #[must_use]
    pub fn new(error: &'a Error, request_id: &'a str) -> Self {
        let code = error.code();
        let fields = match error {
            Error::Invalid(fields) => fields.as_slice(),
            _ => &[],
        };
        let reason = match error {
            Error::Because(_, reason) => Some(reason.as_str()),
            _ => None,
        };
        let body = Body {
            code: code.as_str(),
            message: code.message(),
            clerk_text: code.clerk(),
            customer_text: code.customer(),
            fields,
            reason,
            request_id,
        };
        Self { error: body }
    }
}
