//! Web push: a phone's browser subscribes, and messages go to it through its vendor's push
//! service, encrypted so that the vendor reads nothing.

mod encrypt;
mod endpoint;
mod vapid;
mod web;

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omamori_db::{Tx, sql};
use p256::PublicKey;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use encrypt::BrowserKeys;
pub use endpoint::Endpoint;
pub(crate) use endpoint::{is_public, is_public_name};
pub use vapid::KeyCell;
pub(crate) use web::Filtered;
pub use web::WebPush;

use super::{SendError, Sending};
use crate::app::App;
use crate::clock::Micros;
use crate::id::{Kind, derive};
use crate::identity::{Customer, SESSION_IDLE_MAX};
use crate::rng::random;
use crate::secret::random_key;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

/// A message for one browser, ready to be posted.
pub struct PushMessage {
    /// Where to.
    pub endpoint: Endpoint,
    /// The body (RFC 8291).
    pub encrypted: Vec<u8>,
    /// Who we are (RFC 8292).
    pub authorization: String,
    /// The same at every try, so that the push service keeps one of them (RFC 8030 §5.4).
    pub topic: String,
    /// What is in the body, for the sandbox.
    pub title: String,
    /// What is in the body, for the sandbox.
    pub body: String,
}

/// A way to send web push.
pub trait Push: Send + Sync {
    /// Hands over one message.
    ///
    /// # Errors
    /// [`SendError`]; [`SendError::Gone`] if the browser has unsubscribed.
    fn send<'a>(&'a self, message: &'a PushMessage) -> Sending<'a>;
}

/// What a browser shows.
pub(super) struct Note {
    pub title: String,
    pub body: String,
    /// The page of ours that a tap opens.
    pub path: String,
    pub topic: String,
}

/// The subscriptions of a customer's phones that are signed in. A phone that signed out, or that
/// another took the place of, is told nothing.
pub(super) async fn subscribed(
    tx: &mut Tx,
    customer_id: &str,
    now: Micros,
) -> omamori_db::Result<Vec<String>> {
    let query = sql("SELECT subscription_id FROM push_subscription p
         WHERE p.customer_id = $1 AND EXISTS (
             SELECT s.session_id FROM session s
             JOIN device d ON d.device_id = s.device_id AND d.state = 'active'
             WHERE s.device_id = p.device_id AND s.expires_at > $2 AND s.last_used_at > $3)");
    let query = query.bind(customer_id).bind(now).bind(now - SESSION_IDLE_MAX);
    tx.all(query).await?.iter().map(|row| row.text("subscription_id")).collect()
}

/// Sends to one subscription. The outer error is ours, the inner one the other side's.
pub(super) async fn deliver(
    app: &App,
    way: &dyn Push,
    subscription_id: &str,
    note: Note,
) -> Result<std::result::Result<(), SendError>> {
    let registry = &app.stores.registry;
    let query =
        sql("SELECT endpoint, p256dh, auth FROM push_subscription WHERE subscription_id = $1");
    let Some(row) = registry.optional(query.bind(subscription_id)).await? else {
        return Ok(Err(SendError::Gone));
    };
    let endpoint = Endpoint::parse(&row.text("endpoint")?);
    let p256dh = PublicKey::from_sec1_bytes(&row.bytes("p256dh")?);
    let (Some(endpoint), Ok(p256dh)) = (endpoint, p256dh) else {
        return Ok(Err(SendError::Unsendable));
    };
    let keys = BrowserKeys { p256dh, auth: row.array("auth")? };
    let Some(message) = message(app, endpoint, &keys, note).await? else {
        return Ok(Err(SendError::Unsendable));
    };
    let sent = way.send(&message).await;
    if matches!(sent, Err(SendError::Gone)) {
        let forget = sql("DELETE FROM push_subscription WHERE subscription_id = $1");
        registry.execute(forget.bind(subscription_id)).await?;
    }
    Ok(sent)
}

/// None if it says more than a push message holds.
async fn message(
    app: &App,
    endpoint: Endpoint,
    to: &BrowserKeys,
    note: Note,
) -> Result<Option<PushMessage>> {
    let Note { title, body, path, topic } = note;
    let text = json!({ "title": title, "body": body, "path": path, "tag": topic }).to_string();
    if text.len() > encrypt::TEXT_BYTES_MAX {
        return Ok(None);
    }
    let ours = random_key(app.rng.as_ref());
    let encrypted = encrypt::encrypt(text.as_bytes(), to, &ours, &random(app.rng.as_ref()));
    let key = vapid::key(app).await?;
    let authorization = vapid::authorization(key, &endpoint, vapid::contact(app), app.clock.now());
    Ok(Some(PushMessage { endpoint, encrypted, authorization, topic, title, body }))
}

/// The request of [`subscribe`]: a `PushSubscription` of the browser.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subscribe {
    endpoint: String,
    keys: Keys,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    p256dh: String,
    auth: String,
}

#[derive(Serialize)]
pub(super) struct Offer {
    application_server_key: String,
    subscribed: bool,
}

/// `GET /api/wallet/v1/push`: what to subscribe with, and whether this phone is subscribed.
pub(super) async fn offer(
    State(app): State<Arc<App>>,
    customer: Customer,
) -> Result<Answer<Offer>> {
    offered(&app)?;
    let query = sql("SELECT subscription_id FROM push_subscription WHERE device_id = $1");
    let row = app.stores.registry.optional(query.bind(&customer.device_id)).await?;
    let application_server_key = vapid::public_key(&app).await?;
    Ok(Answer(Offer { application_server_key, subscribed: row.is_some() }))
}

/// `POST /api/wallet/v1/push`: this phone takes push, there and nowhere else.
pub(super) async fn subscribe(
    State(app): State<Arc<App>>,
    customer: Customer,
    Json(request): Json<Subscribe>,
) -> Result<StatusCode> {
    offered(&app)?;
    let malformed = |field| Error::field(field, "malformed");
    let endpoint = Endpoint::parse(&request.endpoint).ok_or_else(|| malformed("endpoint"))?;
    let p256dh = URL_SAFE_NO_PAD.decode(&request.keys.p256dh).unwrap_or_default();
    let key = (p256dh.len() == 65).then(|| PublicKey::from_sec1_bytes(&p256dh).ok()).flatten();
    let key = key.ok_or_else(|| malformed("keys.p256dh"))?;
    let auth = URL_SAFE_NO_PAD.decode(&request.keys.auth).unwrap_or_default();
    let auth: [u8; 16] = auth.try_into().map_err(|_| malformed("keys.auth"))?;

    let subscription_id =
        Kind::PushSubscription.text(derive("push subscription", &[endpoint.as_str().as_bytes()]));
    let mut tx = app.stores.registry.begin().await?;
    // One subscription a phone; and a browser belongs to whoever used it last.
    let old = sql("DELETE FROM push_subscription WHERE device_id = $1 OR subscription_id = $2");
    tx.execute(old.bind(&customer.device_id).bind(&subscription_id)).await?;
    let insert = sql("INSERT INTO push_subscription (subscription_id, customer_id, device_id,
                               endpoint, p256dh, auth, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)");
    let insert = insert.bind(subscription_id).bind(&customer.customer_id);
    let insert = insert.bind(&customer.device_id).bind(endpoint.as_str());
    let insert = insert.bind(encrypt::uncompressed(&key)).bind(auth).bind(app.clock.now());
    tx.execute(insert).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/wallet/v1/push`: this phone takes none.
pub(super) async fn unsubscribe(
    State(app): State<Arc<App>>,
    customer: Customer,
) -> Result<StatusCode> {
    let delete = sql("DELETE FROM push_subscription WHERE device_id = $1");
    app.stores.registry.execute(delete.bind(&customer.device_id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn offered(app: &App) -> Result<()> {
    if app.identity.outbox().offers_push() { Ok(()) } else { Err(Code::NotFound.into()) }
}
