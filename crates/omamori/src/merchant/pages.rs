//! `/merchant`: the back office's first page, with stores and terminals, and what its buttons ask.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use omamori_db::sql;
use serde::{Deserialize, Serialize};

use super::access::Manager;
use super::frame::Frame;
use super::keys::{self, By};
use super::notice::{self, MerchantNotice};
use super::people;
use super::session::{MerchantUser, find};
use super::signin;
use super::store::create_terminal_by;
use crate::app::App;
use crate::checkout::shop::{self, ONLINE};
use crate::clock::Micros;
use crate::db::changes::{Subject, changed};
use crate::gate::{Act, Question};
use crate::settlement::bank::{self, Shown};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters;
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::{Text, is_hidden};
use crate::webhook;

/// The routes.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .merge(notice::router())
        .route("/merchant", get(back_office))
        .route("/merchant/authorizations", get(super::authorizations::show))
        .route("/merchant/sales", get(super::sales::page::show))
        .route("/merchant/sales.csv", get(super::sales::page::csv))
        .route("/merchant/people", get(people::show))
        .route("/api/merchant/v1/people", post(people::invite))
        .route("/api/merchant/v1/people/options", post(people::invite_options))
        .route("/api/merchant/v1/people/{merchant_user_id}/role", post(people::change_role))
        .route(
            "/api/merchant/v1/people/{merchant_user_id}/role/options",
            post(people::role_options),
        )
        .route("/api/merchant/v1/people/{merchant_user_id}/remove", post(people::remove))
        .route(
            "/api/merchant/v1/people/{merchant_user_id}/remove/options",
            post(people::remove_options),
        )
        .route("/api/merchant/v1/invites/options", post(signin::invite_options))
        .route("/api/merchant/v1/invites/finish", post(signin::invite_finish))
        .route("/api/merchant/v1/signin/options", post(signin::signin_options))
        .route("/api/merchant/v1/signin/finish", post(signin::signin_finish))
        .route("/api/merchant/v1/signout", post(signin::sign_out))
        .route("/api/merchant/v1/terminals", post(add_terminal))
        .route("/api/merchant/v1/terminals/{terminal_id}/revoke", post(revoke_terminal))
        .route("/api/merchant/v1/terminals/{terminal_id}/rotate", post(rotate_key))
        .route("/api/merchant/v1/terminals/{terminal_id}/end-old-key", post(end_old_key))
}

struct Invite {
    token: String,
    merchant_name: String,
}

#[derive(Template)]
#[template(path = "merchant_signin.html")]
struct MerchantSigninPage {
    text: Text,
    sandbox: bool,
    invite: Option<Invite>,
}

struct Store {
    store_id: String,
    name: String,
    terminals: Vec<Terminal>,
}

struct Terminal {
    terminal_id: String,
    name: String,
    kind: String,
    created_at: Micros,
    last_seen_at: Option<Micros>,
    revoked_at: Option<Micros>,
    key_changed_at: Option<Micros>,
    /// The key before still works until then.
    old_key_until: Option<Micros>,
    old_key_seen_at: Option<Micros>,
}

#[derive(Template)]
#[template(path = "merchant.html")]
struct MerchantPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    overlap_hours: u16,
    stores: Vec<Store>,
    /// The account for payouts was changed, and is not paid to yet: all of the merchant's people
    /// see it, whoever did it.
    new_account: Option<Shown>,
    /// A webhook was switched off because nobody took it.
    webhook_failed: bool,
    /// Letters could be sent to this person, and nobody knows where.
    no_address: bool,
}

async fn back_office(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    text: Text,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response> {
    let sandbox = app.sandbox();
    if let Some(user) = find(&app, &headers).await? {
        let stores = stores(&app, &user.merchant_id).await?;
        let webhook_failed = webhook::any_failed(&app.stores.registry, &user.merchant_id).await?;
        let account = bank::shown(&app, &user.merchant_id).await?;
        let now = app.clock.now();
        let can_be_told = app.identity.outbox().offers_email();
        let no_address = can_be_told && !notice::has_address(&app, &user).await?;
        return page(&MerchantPage {
            new_account: account.filter(|account| account.usable_at > now),
            text,
            sandbox,
            frame: Frame::new(&user, "stores"),
            overlap_hours: app.config.terminal_key_overlap_hours,
            stores,
            webhook_failed,
            no_address,
        });
    }
    // An invitation is good once and for a week; it is the one secret that an address carries,
    // because it has to reach a person who has nothing yet.
    let invite = match query.get("invite") {
        Some(token) => signin::invited(&app, token)
            .await?
            .map(|invited| Invite { token: token.clone(), merchant_name: invited.merchant_name }),
        None => None,
    };
    page(&MerchantSigninPage { text, sandbox, invite })
}

async fn stores(app: &App, merchant_id: &str) -> Result<Vec<Store>> {
    let rows = app
        .stores
        .registry
        .all(
            sql("SELECT s.store_id, s.name AS store_name, t.terminal_id, t.name, t.kind, \
                 t.created_at, t.last_seen_at, t.revoked_at, t.key_changed_at, \
                 t.old_key_until, t.old_key_seen_at \
                 FROM store s LEFT JOIN terminal t ON t.store_id = s.store_id \
                 WHERE s.merchant_id = $1 ORDER BY s.created_at, s.store_id, t.created_at")
            .bind(merchant_id),
        )
        .await?;
    let now = app.clock.now();
    let mut stores: Vec<Store> = Vec::new();
    for row in rows {
        let store_id = row.text("store_id")?;
        if stores.last().is_none_or(|store| store.store_id != store_id) {
            stores.push(Store { store_id, name: row.text("store_name")?, terminals: Vec::new() });
        }
        let Some(terminal_id) = row.text_optional("terminal_id")? else { continue };
        let terminal = Terminal {
            terminal_id,
            name: row.text("name")?,
            kind: row.text("kind")?,
            created_at: row.int("created_at")?,
            last_seen_at: row.int_optional("last_seen_at")?,
            revoked_at: row.int_optional("revoked_at")?,
            key_changed_at: row.int_optional("key_changed_at")?,
            old_key_until: row.int_optional("old_key_until")?.filter(|until| *until > now),
            old_key_seen_at: row.int_optional("old_key_seen_at")?,
        };
        if let Some(store) = stores.last_mut() {
            store.terminals.push(terminal);
        }
    }
    Ok(stores)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddTerminal {
    store_id: String,
    name: String,
    kind: String,
    /// Of an online shop alone: where its pages are.
    #[serde(default)]
    origin: Option<String>,
}

#[derive(Serialize)]
struct TerminalBody {
    terminal_id: String,
    name: String,
    kind: String,
}

#[derive(Serialize)]
struct TerminalAdded {
    terminal: TerminalBody,
    /// Shown this once.
    api_key: String,
}

async fn add_terminal(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    Json(request): Json<AddTerminal>,
) -> Result<axum::Json<TerminalAdded>> {
    let name = request.name.trim();
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(is_hidden) {
        return Err(Error::field("name", "malformed"));
    }
    if !matches!(request.kind.as_str(), "pos" | "till" | ONLINE) {
        return Err(Error::field("kind", "out_of_range"));
    }
    if request.origin.is_some() != (request.kind == ONLINE) {
        return Err(Error::field("origin", "malformed"));
    }
    let mine = sql("SELECT store_id FROM store WHERE store_id = $1 AND merchant_id = $2")
        .bind(&request.store_id)
        .bind(&user.merchant_id);
    app.stores.registry.optional(mine).await?.ok_or(Code::NotFound)?;
    let (by, store_id) = (user.merchant_user_id.as_str(), request.store_id.as_str());
    let made = match &request.origin {
        Some(origin) => shop::create(&app, by, store_id, name, origin).await?,
        None => create_terminal_by(&app, by, store_id, name, &request.kind).await?,
    };
    let terminal =
        TerminalBody { terminal_id: made.terminal_id, name: name.to_owned(), kind: request.kind };
    Ok(axum::Json(TerminalAdded { terminal, api_key: made.api_key }))
}

#[derive(Serialize)]
struct Revoked {
    terminal_id: String,
    merchant_user_id: String,
}

async fn revoke_terminal(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    Path(terminal_id): Path<String>,
) -> Result<axum::Json<Revoked>> {
    let detail =
        Revoked { terminal_id: terminal_id.clone(), merchant_user_id: user.merchant_user_id };
    let _recorded = app.gate.decide(Question::plain(Act::TerminalRevoke, &detail), Ok(())).await?;
    // Revoking twice keeps the first time; another merchant's terminal is not there.
    let mut tx = app.stores.registry.begin().await?;
    let mine = sql("SELECT terminal_id FROM terminal WHERE terminal_id = $1 AND store_id IN
         (SELECT store_id FROM store WHERE merchant_id = $2)");
    tx.optional(mine.bind(&terminal_id).bind(&user.merchant_id)).await?.ok_or(Code::NotFound)?;
    let revoke = sql("UPDATE terminal SET revoked_at = $1
         WHERE terminal_id = $2 AND revoked_at IS NULL");
    if tx.execute(revoke.bind(app.clock.now()).bind(&terminal_id)).await? == 1 {
        let revoked = |terminal| MerchantNotice::KeyRevoked { terminal };
        let by = &detail.merchant_user_id;
        keys::tell_of_key(&app, &mut tx, &terminal_id, by, revoked).await?;
    }
    tx.execute(
        sql("DELETE FROM till_session WHERE terminal_number IN \
             (SELECT terminal_number FROM terminal WHERE terminal_id = $1)")
        .bind(&terminal_id),
    )
    .await?;
    tx.commit().await?;
    changed(&app, Subject::Terminal(&terminal_id)).await?;
    Ok(axum::Json(detail))
}

/// How a key takes the place of another.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotate {
    /// Whether the old one ends at once.
    at_once: bool,
}

#[derive(Serialize)]
struct Rotated {
    terminal_id: String,
    /// Shown this once.
    api_key: String,
    /// The old one works until then; none if it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_key_until: Option<String>,
}

fn by(user: &MerchantUser) -> By<'_> {
    By { merchant_id: Some(&user.merchant_id), who: &user.merchant_user_id }
}

/// `POST /api/merchant/v1/terminals/{terminal_id}/rotate`
async fn rotate_key(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    Path(terminal_id): Path<String>,
    Json(request): Json<Rotate>,
) -> Result<axum::Json<Rotated>> {
    let (made, until) = keys::rotate(&app, by(&user), &terminal_id, request.at_once).await?;
    let old_key_until = until.map(filters::rfc3339);
    Ok(axum::Json(Rotated { terminal_id, api_key: made.api_key, old_key_until }))
}

/// `POST /api/merchant/v1/terminals/{terminal_id}/end-old-key`
async fn end_old_key(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    Path(terminal_id): Path<String>,
) -> Result<StatusCode> {
    keys::end_old(&app, by(&user), &terminal_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
