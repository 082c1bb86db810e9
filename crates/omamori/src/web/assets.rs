//! Scripts, styles and images, compiled into the binary.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

use super::codes::Code;
use super::error::{Error, Result};

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Assets;

/// `/assets/…`, and the two files that browsers want at the root.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/assets/{*path}", get(|Path(path): Path<String>, headers: HeaderMap| async move {
            serve(&path, &headers)
        }))
        // A service worker governs the folder it is served from.
        .route("/sw.js", get(|headers: HeaderMap| async move { serve("js/sw.js", &headers) }))
        .route("/manifest.webmanifest", get(|headers: HeaderMap| async move {
            serve("manifest.webmanifest", &headers)
        }))
        .route("/favicon.ico", get(|headers: HeaderMap| async move {
            serve("img/icon-192.png", &headers)
        }))
}

/// The paths of all assets, for the tests.
pub fn paths() -> impl Iterator<Item = String> {
    Assets::iter().map(|path| path.into_owned())
}

fn serve(path: &str, headers: &HeaderMap) -> Result<Response> {
    let file = Assets::get(path).ok_or(Error::Refused(Code::NotFound))?;
    let hash = file.metadata.sha256_hash();
    let etag =
        hash[..12].iter().fold(String::from("\""), |text, byte| format!("{text}{byte:02x}")) + "\"";
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    let mut response = file.data.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    // Always ask again, nearly always answered with 304: a new release is seen at once.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(value) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, value);
    }
    Ok(response)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}
