//! `POST /language`: a person's choice of language, kept in a cookie.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;

use crate::app::App;
use crate::web::error::{Error, Result};
use crate::web::text::{LANGUAGE_COOKIE, Lang};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    lang: String,
}

/// The route.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/language", post(choose))
}

async fn choose(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    form: std::result::Result<Form<Choice>, FormRejection>,
) -> Result<Response> {
    let Form(choice) = form.map_err(|_| Error::field("lang", "malformed"))?;
    let lang = Lang::parse(&choice.lang).ok_or_else(|| Error::field("lang", "out_of_range"))?;
    let secure = if app.config.is_https() { "; Secure" } else { "" };
    let cookie =
        format!("{LANGUAGE_COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Lax{secure}", lang.tag());
    let mut response = StatusCode::SEE_OTHER.into_response();
    let back = HeaderValue::from_str(&back(&app.config.public_url, &headers));
    let cookie = HeaderValue::from_str(&cookie);
    if let (Ok(back), Ok(cookie)) = (back, cookie) {
        response.headers_mut().insert(header::LOCATION, back);
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The page the choice was made on, if it is one of ours: never a redirect to elsewhere.
fn back(origin: &str, headers: &HeaderMap) -> String {
    let referer = headers.get(header::REFERER).and_then(|value| value.to_str().ok());
    let path = referer.and_then(|referer| referer.strip_prefix(origin)).unwrap_or("/");
    let ours = path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/\\");
    if ours { path.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_never_leads_elsewhere() {
        let back_from = |referer: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::REFERER, HeaderValue::from_str(referer).unwrap());
            back("https://pay.example.jp", &headers)
        };
        assert_eq!(back_from("https://pay.example.jp/settings"), "/settings");
        assert_eq!(back_from("https://pay.example.jp"), "/");
        for elsewhere in [
            "https://evil.example/",
            "https://pay.example.jp.evil.example/",
            "https://pay.example.jp//evil.example/",
            "https://pay.example.jp/\\evil.example/",
        ] {
            assert_eq!(back_from(elsewhere), "/", "{elsewhere}");
        }
    }
}
