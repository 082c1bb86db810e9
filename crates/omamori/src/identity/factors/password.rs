//! `POST /api/wallet/v1/factors/password` and `/remove`: another password takes the place of the
//! one before; or password and app go together, where a passkey stays.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use hmac::Mac;
use omamori_db::sql;
use serde::Deserialize;
use serde_json::Value;

use super::{Done, changed, one_at_a_time};
use crate::app::App;
use crate::gate::Act;
use crate::identity::customer::Customer;
use crate::identity::password::Password;
use crate::identity::rate::Network;
use crate::identity::stepup::{self, Confirmed, Intent, Nothing, Risen};
use crate::identity::{account, moves, password, totp};
use crate::notify::{Change, Factor};
use crate::secret::{Secret, hmac_sha256};
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::json::Json;
use crate::web::text::Text;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct New {
    password: Secret,
}

/// Bound to the new password by a keyed hash: a plain one would be a password that can be guessed
/// at great speed, in a table.
fn intent(app: &App, password: &Password, text: Text) -> Result<Intent> {
    let key = app.vault.derive("step-up password");
    let mut mac = hmac_sha256(key.as_slice());
    mac.update(password.as_bytes());
    let tag: [u8; 32] = mac.finalize().into_bytes().into();
    let words = text.t("stepup.password_change").to_owned();
    Intent::new(Act::FactorChange, &("password_change", tag), words)
}

/// The new password, if it may be one.
async fn accept(app: &App, customer: &Customer, request: &New) -> Result<Password> {
    let account = account::find(&app.stores.registry, &customer.customer_id).await?;
    password::accept(app, &request.password, &account.phone).await
}

/// `…/options`
pub(in crate::identity) async fn options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
    Json(request): Json<New>,
) -> Result<Answer<Value>> {
    let password = accept(&app, &customer, &request).await?;
    stepup::offer(&app, &customer, &intent(&app, &password, text)?).await
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request, proof }): Json<Confirmed<New>>,
) -> Result<Risen<Done>> {
    let (registry, id, now) = (&app.stores.registry, &customer.customer_id, app.clock.now());
    let password = accept(&app, &customer, &request).await?;
    let intent = intent(&app, &password, text)?;
    let opinion = match totp::since(registry, id).await? {
        Some(_) => moves::settled(registry, &customer, now).await?,
        None => Err(Code::Forbidden),
    };
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, opinion).await?;
    let hash = app.identity.passwords.hash(&app, password).await?;
    let mut tx = registry.begin().await?;
    one_at_a_time(&mut tx, id).await?;
    if !totp::has(&mut tx, id).await? {
        return Err(Code::Forbidden.into()); // turned off a moment ago
    }
    password::set(&mut tx, id, &hash, now).await?;
    changed(&app, &mut tx, &customer, Factor::Password, Change::Replaced).await?;
    let risen = Risen::new(&app, &mut tx, &customer, Done {}).await?;
    tx.commit().await?;
    Ok(risen)
}

fn removal(text: Text) -> Result<Intent> {
    Intent::new(Act::FactorChange, &"password_remove", text.t("stepup.password_remove").to_owned())
}

/// `…/remove/options`
pub(in crate::identity) async fn removal_options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
) -> Result<Answer<Value>> {
    stepup::offer(&app, &customer, &removal(text)?).await
}

/// `…/remove`: who has a passkey needs neither.
pub(in crate::identity) async fn remove(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request: Nothing {}, proof }): Json<Confirmed<Nothing>>,
) -> Result<Risen<Done>> {
    let (registry, id) = (&app.stores.registry, &customer.customer_id);
    let settled = moves::settled(registry, &customer, app.clock.now()).await?;
    let intent = removal(text)?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, settled).await?;
    let mut tx = registry.begin().await?;
    one_at_a_time(&mut tx, id).await?;
    let delete = sql("DELETE FROM password WHERE customer_id = $1
           AND EXISTS (SELECT 1 FROM passkey WHERE customer_id = $1)");
    if tx.execute(delete.bind(id)).await? != 1 {
        return Err(Code::Forbidden.into()); // the passkey is gone, or there was no password
    }
    // An account elsewhere that stands in for a password needs the app as well.
    let app_alone = sql("DELETE FROM totp WHERE customer_id = $1
           AND NOT EXISTS (SELECT 1 FROM external_identity WHERE customer_id = $1)");
    tx.execute(app_alone.bind(id)).await?;
    changed(&app, &mut tx, &customer, Factor::Password, Change::Removed).await?;
    let risen = Risen::new(&app, &mut tx, &customer, Done {}).await?;
    tx.commit().await?;
    Ok(risen)
}
