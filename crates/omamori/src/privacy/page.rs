//! `/privacy`: what is kept, for everyone; a copy of it and the closing, for who is signed in.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::identity::Visitor;
use crate::web::error::Result;
use crate::web::page::page;
use crate::web::text::Text;

/// What is kept, by what a person would call it: title, what, until when. The tables of the
/// inventory are behind it.
const TOPICS: [[&str; 3]; 6] = [
    ["privacy.profile", "privacy.profile_what", "privacy.profile_kept"],
    ["privacy.signin", "privacy.signin_what", "privacy.signin_kept"],
    ["privacy.phones", "privacy.phones_what", "privacy.phones_kept"],
    ["privacy.payments", "privacy.payments_what", "privacy.payments_kept"],
    ["privacy.notices", "privacy.notices_what", "privacy.notices_kept"],
    ["privacy.safety", "privacy.safety_what", "privacy.safety_kept"],
];

struct Topic {
    title: &'static str,
    what: &'static str,
    kept: &'static str,
}

#[derive(Template)]
#[template(path = "privacy.html")]
struct PrivacyPage {
    text: Text,
    sandbox: bool,
    signed_in: bool,
    topics: Vec<Topic>,
}

/// `GET /privacy`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    text: Text,
) -> Result<Response> {
    let topics = TOPICS.map(|[title, what, kept]| Topic {
        title: text.t(title),
        what: text.t(what),
        kept: text.t(kept),
    });
    let signed_in = matches!(visitor, Visitor::Customer(_));
    page(&PrivacyPage { text, sandbox: app.sandbox(), signed_in, topics: topics.into() })
}
