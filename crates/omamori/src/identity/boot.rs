//! The page for a browser that has a session but whose service worker, which makes the proofs,
//! does not run yet: it starts it and asks again.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::web::error::Result;
use crate::web::page::page;
use crate::web::text::Text;

#[derive(askama::Template)]
#[template(path = "boot.html")]
struct BootPage {
    text: Text,
    sandbox: bool,
}

/// A 401 that a person can read (RFC 9449 §7.1): it holds nothing of the customer.
pub(super) fn response(text: Text, sandbox: bool) -> Result<Response> {
    let mut response = page(&BootPage { text, sandbox })?;
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    let scheme = HeaderValue::from_static(r#"DPoP algs="ES256""#);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    Ok(response)
}
