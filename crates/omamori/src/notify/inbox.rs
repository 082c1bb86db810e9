//! Notices in the app: `/notices`, and how many are new.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json as Answer, Router};
use omamori_db::{Db, Row, sql};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::notice::Notice;
use super::{money, push};
use crate::app::App;
use crate::clock::Micros;
use crate::id::Kind;
use crate::identity::{Customer, PageCustomer};
use crate::web::error::{Error, Result};
use crate::web::filters;
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::Text;

/// The newest that the page shows: more than anyone gets in a year of ordinary days.
const SHOWN: i64 = 100;

/// The page and the API of notices and of push.
pub fn router() -> Router<Arc<App>> {
    let api = Router::new()
        .route("/notices/unread", get(unread))
        .route("/notices/seen", post(seen))
        .route("/notices/money-mail", post(money::choose))
        .route("/push", get(push::offer).post(push::subscribe).delete(push::unsubscribe));
    Router::new().route("/notices", get(show)).nest("/api/wallet/v1", api)
}

#[derive(Template)]
#[template(path = "notices.html")]
struct NoticesPage {
    text: Text,
    sandbox: bool,
    notices: Vec<Shown>,
    offers_push: bool,
}

/// A notice as its page shows it.
pub struct Shown {
    /// `ntc_…`.
    pub id: String,
    /// A few words.
    pub title: String,
    /// A sentence or two.
    pub body: String,
    /// When.
    pub at: Micros,
    /// Whether the customer has seen it.
    pub seen: bool,
}

/// `GET /notices`.
async fn show(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    let notices = newest(&app.stores.registry, &customer.customer_id, text).await?;
    let offers_push = app.identity.outbox().offers_push();
    page(&NoticesPage { text, sandbox: app.sandbox(), notices, offers_push })
}

/// The newest notices of a customer, in a language.
///
/// # Errors
/// A fault if the registry fails.
pub async fn newest(registry: &Db, customer_id: &str, text: Text) -> Result<Vec<Shown>> {
    let query = sql("SELECT notice_id, kind, params, at, seen_at FROM notice
         WHERE customer_id = $1 ORDER BY at DESC, notice_id DESC LIMIT $2");
    let rows = registry.all(query.bind(customer_id).bind(SHOWN)).await?;
    rows.iter().map(|row| shown(row, text)).collect()
}

fn shown(row: &Row, text: Text) -> Result<Shown> {
    let params: Value = serde_json::from_str(&row.text("params")?)?;
    let kept = json!({ "kind": row.text("kind")?, "params": params });
    let words = serde_json::from_value::<Notice>(kept)?.words(text);
    Ok(Shown {
        id: row.text("notice_id")?,
        title: words.title,
        body: words.body,
        at: row.int("at")?,
        seen: row.int_optional("seen_at")?.is_some(),
    })
}

#[derive(Serialize)]
struct Unread {
    unread: i64,
}

/// `GET /api/wallet/v1/notices/unread`
async fn unread(State(app): State<Arc<App>>, customer: Customer) -> Result<Answer<Unread>> {
    let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM notice
         WHERE customer_id = $1 AND seen_at IS NULL");
    let row = app.stores.registry.one(count.bind(&customer.customer_id)).await?;
    Ok(Answer(Unread { unread: row.int("n")? }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    /// The newest that was on the screen.
    notice_id: String,
}

/// `POST /api/wallet/v1/notices/seen`: this one and all before it were on the screen. A notice
/// that came meanwhile stays new; another customer's id marks nothing.
async fn seen(
    State(app): State<Arc<App>>,
    customer: Customer,
    Json(request): Json<Seen>,
) -> Result<StatusCode> {
    Kind::Notice.parse(&request.notice_id).ok_or_else(|| Error::field("notice_id", "malformed"))?;
    let mark = sql("UPDATE notice SET seen_at = $1
         WHERE customer_id = $2 AND seen_at IS NULL
           AND at <= (SELECT n.at FROM notice n WHERE n.notice_id = $3 AND n.customer_id = $2)");
    let mark = mark.bind(app.clock.now()).bind(&customer.customer_id).bind(request.notice_id);
    app.stores.registry.execute(mark).await?;
    Ok(StatusCode::NO_CONTENT)
}
