//! `POST /api/wallet/v1/external/…`: linking an account elsewhere to a customer's own, and taking
//! the link away. Each is confirmed by step-up, in words that name the issuer, and told on every
//! channel.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};
use omamori_db::{Tx, sql};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::flow::{Flow, Purpose};
use super::{begin, has_totp, insert};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::Act;
use crate::identity::binding::taken;
use crate::identity::customer::Customer;
use crate::identity::rate::Network;
use crate::identity::stepup::{self, Confirmed, Intent, Risen};
use crate::identity::{devices, moves};
use crate::notify::{Change, Factor, Notice, fill, tell};
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::json::Json;
use crate::web::text::Text;

/// An issuer, as the settings page shows it.
pub struct Linkable {
    /// Its id in the settings.
    pub id: String,
    /// What customers call it.
    pub name: String,
    /// Since when it is linked.
    pub linked_at: Option<Micros>,
}

/// What is linked and what could be. Without an authenticator app nothing can: `None` if there is
/// nothing to show.
///
/// # Errors
/// A fault if the registry fails.
pub async fn linkable(app: &App, customer_id: &str, text: Text) -> Result<Option<Vec<Linkable>>> {
    let (registry, external) = (&app.stores.registry, &app.identity.external);
    let query = sql("SELECT provider, linked_at FROM external_identity
         WHERE customer_id = $1 ORDER BY linked_at");
    let mut all = Vec::new();
    for row in registry.all(query.bind(customer_id)).await? {
        let id = row.text("provider")?;
        let name = external.name(&id, text);
        all.push(Linkable { id, name, linked_at: Some(row.int("linked_at")?) });
    }
    if has_totp(registry, customer_id).await? {
        for settings in external.opened() {
            if !all.iter().any(|linked| linked.id == settings.id) {
                let (id, name) = (settings.id.clone(), settings.name.of(text.lang).to_owned());
                all.push(Linkable { id, name, linked_at: None });
            }
        }
    }
    Ok((!all.is_empty()).then_some(all))
}

/// Which issuer.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Which {
    provider: String,
}

fn intent(app: &App, act: Act, which: &Which, text: Text) -> Result<Intent> {
    let key = match act {
        Act::ExternalLink => "stepup.external_link",
        _ => "stepup.external_unlink",
    };
    let name = app.identity.external.name(&which.provider, text);
    Intent::new(act, which, fill(text.t(key), &[("name", name)]))
}

/// The subject of a trip to link.
fn session(customer: &Customer) -> String {
    format!("{} {}", customer.customer_id, customer.session_id)
}

/// `…/link/options`
pub(in crate::identity) async fn link_options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
    Json(which): Json<Which>,
) -> Result<Answer<Value>> {
    app.gate.open_door(Act::ExternalLink, None, Some(&customer.customer_id))?;
    app.gate.open_issuer_door(Act::ExternalLink, &which.provider)?;
    app.identity.external.open(&which.provider)?;
    stepup::offer(&app, &customer, &intent(&app, Act::ExternalLink, &which, text)?).await
}

/// Where the browser goes.
#[derive(Serialize)]
pub(in crate::identity) struct Begun {
    address: String,
}

/// `…/link`: confirmed, the browser may go to the issuer.
pub(in crate::identity) async fn link(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request, proof }): Json<Confirmed<Which>>,
) -> Result<impl IntoResponse> {
    let intent = intent(&app, Act::ExternalLink, &request, text)?;
    let opinion = may_link(&app, &customer).await?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, opinion).await?;
    let purpose = (Purpose::Link, &*session(&customer));
    let begun = begin::begin(&app, &request.provider, purpose).await?;
    let mut tx = app.stores.registry.begin().await?;
    let risen = Risen::new(&app, &mut tx, &customer, Begun { address: begun.address }).await?;
    tx.commit().await?;
    Ok((AppendHeaders([(header::SET_COOKIE, begun.cookie)]), risen))
}

/// Not from a phone that came by a move today, and not without an app, which it would need.
async fn may_link(app: &App, customer: &Customer) -> Result<Result<(), Code>> {
    let registry = &app.stores.registry;
    if !has_totp(registry, &customer.customer_id).await? {
        return Ok(Err(Code::Forbidden));
    }
    moves::settled(registry, customer, app.clock.now()).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Finish {}

/// `…/link/finish`: back from the issuer, in the session that confirmed it.
pub(in crate::identity) async fn finish(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    headers: HeaderMap,
    Json(Finish {}): Json<Finish>,
) -> Result<StatusCode> {
    let proven = Flow::proven(&app, &headers, Purpose::Link).await?;
    let mine = proven.filter(|(flow, _)| flow.subject == session(&customer));
    let opinion = match &mine {
        Some((flow, _)) => match app.identity.external.open(&flow.provider) {
            Ok(_) => may_link(&app, &customer).await?,
            Err(closed) => Err(closed),
        },
        None => Err(Code::ProofFailed),
    };
    let provider = mine.as_ref().map(|(flow, _)| &flow.provider);
    let detail = json!({ "ip": network.address(), "step": "finish", "provider": provider });
    let _cleared = app.gate.decide(customer.asks(Act::ExternalLink, &detail), opinion).await?;
    let (flow, identity) = mine.ok_or(Code::ProofFailed)?;
    let mut tx = app.stores.registry.begin().await?;
    if !flow.use_up(&mut tx).await? {
        return Err(Code::ProofFailed.into());
    }
    let id = &customer.customer_id;
    insert(&mut tx, id, (&flow.provider, identity), app.clock.now()).await.map_err(taken)?;
    told(&app, &mut tx, &customer, Change::Added).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `…/unlink/options`
pub(in crate::identity) async fn unlink_options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
    Json(which): Json<Which>,
) -> Result<Answer<Value>> {
    stepup::offer(&app, &customer, &intent(&app, Act::ExternalUnlink, &which, text)?).await
}

#[derive(Serialize)]
pub(in crate::identity) struct Unlinked {}

/// `…/unlink`: also for an issuer that is closed or gone.
pub(in crate::identity) async fn unlink(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request, proof }): Json<Confirmed<Which>>,
) -> Result<Risen<Unlinked>> {
    let intent = intent(&app, Act::ExternalUnlink, &request, text)?;
    let settled = moves::settled(&app.stores.registry, &customer, app.clock.now()).await?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, settled).await?;
    let mut tx = app.stores.registry.begin().await?;
    delete(&mut tx, &customer.customer_id, &request.provider).await?;
    told(&app, &mut tx, &customer, Change::Removed).await?;
    let risen = Risen::new(&app, &mut tx, &customer, Unlinked {}).await?;
    tx.commit().await?;
    Ok(risen)
}

/// Takes a link away, unless nothing would be left that stands where it stood. The customer's row
/// is written first, so that two of these at once wait for each other and the second one sees what
/// the first one left.
pub(in crate::identity) async fn delete(
    tx: &mut Tx,
    customer_id: &str,
    provider: &str,
) -> Result<()> {
    let alone = sql("UPDATE customer SET status = status WHERE customer_id = $1");
    tx.execute(alone.bind(customer_id)).await?;
    let delete = sql("DELETE FROM external_identity
         WHERE customer_id = $1 AND provider = $2
           AND (EXISTS (SELECT 1 FROM passkey WHERE customer_id = $1)
                OR EXISTS (SELECT 1 FROM password WHERE customer_id = $1)
                OR EXISTS (SELECT 1 FROM external_identity
                           WHERE customer_id = $1 AND provider <> $2))");
    match tx.execute(delete.bind(customer_id).bind(provider)).await? {
        1 => Ok(()),
        _ => Err(Code::Forbidden.into()),
    }
}

async fn told(app: &App, tx: &mut Tx, customer: &Customer, change: Change) -> Result<()> {
    let device = devices::name(tx, &customer.device_id).await?;
    let notice = Notice::FactorChanged { factor: Factor::External, change, device };
    tell(app, tx, &customer.customer_id, &notice).await
}
