//! Cookies and rendered pages.

use askama::Template;
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Response};

use super::error::Error;
use crate::config::Config;

/// The value of a cookie of the request.
#[must_use]
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).find_map(
        |line| {
            line.split(';').find_map(|pair| {
                let (key, value) = pair.trim().split_once('=')?;
                (key == name).then_some(value)
            })
        },
    )
}

/// Whether a page of ours asks. Browsers say where a request comes from; a cross-site page cannot
/// say otherwise.
#[must_use]
pub fn is_same_origin(config: &Config, headers: &HeaderMap) -> bool {
    headers.get(header::ORIGIN).is_some_and(|origin| origin == config.public_url.as_str())
}

/// A template as an answer.
///
/// # Errors
/// [`Error::Fault`] if the template fails to render.
pub fn page(template: &impl Template) -> Result<Response, Error> {
    Ok(Html(template.render()?).into_response())
}
