//! `POST /api/wallet/v1/factors/passkeys/remove`: a passkey works no more; not the last strong
//! factor.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::sql;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Done, changed, one_at_a_time};
use crate::app::App;
use crate::gate::Act;
use crate::identity::ceremony::from_text;
use crate::identity::customer::Customer;
use crate::identity::rate::Network;
use crate::identity::stepup::{self, Confirmed, Intent, Risen};
use crate::identity::{moves, passkeys_of};
use crate::notify::{Change, Factor, fill};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;
use crate::web::text::Text;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Remove {
    /// As the page lists it: base64url.
    passkey: String,
}

async fn intent(app: &App, customer: &Customer, request: &Remove, text: Text) -> Result<Intent> {
    let passkeys = passkeys_of::list(&app.stores.registry, &customer.customer_id).await?;
    let listed = passkeys.into_iter().find(|listed| listed.id == request.passkey);
    let name = listed.ok_or(Code::NotFound)?.name;
    let words = fill(text.t("stepup.passkey_remove"), &[("name", name)]);
    Intent::new(Act::FactorChange, &("passkey_remove", request), words)
}

/// `…/options`
pub(in crate::identity) async fn options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
    Json(request): Json<Remove>,
) -> Result<Answer<Value>> {
    stepup::offer(&app, &customer, &intent(&app, &customer, &request, text).await?).await
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request, proof }): Json<Confirmed<Remove>>,
) -> Result<Risen<Done>> {
    let (registry, id) = (&app.stores.registry, &customer.customer_id);
    let intent = intent(&app, &customer, &request, text).await?;
    let settled = moves::settled(registry, &customer, app.clock.now()).await?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, settled).await?;
    let credential_id =
        from_text(&request.passkey).ok_or_else(|| Error::field("passkey", "malformed"))?;
    let mut tx = registry.begin().await?;
    one_at_a_time(&mut tx, id).await?;
    let delete = sql("DELETE FROM passkey WHERE credential_id = $1 AND customer_id = $2
           AND ((EXISTS (SELECT 1 FROM totp WHERE customer_id = $2)
                 AND (EXISTS (SELECT 1 FROM password WHERE customer_id = $2)
                      OR EXISTS (SELECT 1 FROM external_identity WHERE customer_id = $2)))
                OR EXISTS (SELECT 1 FROM passkey
                           WHERE customer_id = $2 AND credential_id <> $1))");
    if tx.execute(delete.bind(credential_id).bind(id)).await? != 1 {
        return Err(Code::Forbidden.into()); // it is the last
    }
    changed(&app, &mut tx, &customer, Factor::Passkey, Change::Removed).await?;
    let risen = Risen::new(&app, &mut tx, &customer, Done {}).await?;
    tx.commit().await?;
    Ok(risen)
}
