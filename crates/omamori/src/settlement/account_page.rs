//! `/merchant/bank`: the owner says to which account the merchant is paid, and confirms just that
//! account with the passkey. Everybody else of the merchant sees that it changed.

use std::sync::Arc;

use askama::Template;
use axum::Json as Answer;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;

use super::bank::{self, Bank, Shown};
use crate::app::App;
use crate::audit::Actor;
use crate::clock::Micros;
use crate::gate::Act;
use crate::identity::Network;
use crate::merchant::Frame;
use crate::merchant::access::{Manager, Owner};
use crate::merchant::confirm::{self, Confirmed};
use crate::web::error::Result;
use crate::web::filters::{self, as_rfc3339};
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::Text;

#[derive(Template)]
#[template(path = "merchant_bank.html")]
struct BankPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    account: Option<Shown>,
    now: Micros,
    wait_days: i64,
}

/// `GET /merchant/bank`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    text: Text,
) -> Result<Response> {
    page(&BankPage {
        text,
        sandbox: app.sandbox(),
        account: bank::shown(&app, &user.merchant_id).await?,
        frame: Frame::new(&user, "settlements"),
        now: app.clock.now(),
        wait_days: app.config.settlement.account_wait_days,
    })
}

/// `POST /api/merchant/v1/bank/options`: what is wrong is said before the passkey is asked.
pub(super) async fn options(
    State(app): State<Arc<App>>,
    Owner(user): Owner,
    Json(request): Json<Bank>,
) -> Result<Answer<Value>> {
    request.account()?;
    Ok(Answer(confirm::offer(&app, &user, Act::PayoutAccountChange, &request).await?))
}

/// What came of it.
#[derive(Serialize)]
pub(super) struct Changed {
    /// From when on payouts go there.
    #[serde(serialize_with = "as_rfc3339")]
    usable_at: Micros,
}

/// `POST /api/merchant/v1/bank`
pub(super) async fn change(
    State(app): State<Arc<App>>,
    Owner(user): Owner,
    network: Network,
    Json(asked): Json<Confirmed<Bank>>,
) -> Result<Answer<Changed>> {
    let act = Act::PayoutAccountChange;
    asked.request.account()?;
    let proved = confirm::accept(&app, &user, act, &asked.request, &asked.credential).await?;
    let actor = Actor::staff(user.merchant_user_id, None, network.address());
    let usable_at = bank::set_as(&app, &actor, &user.merchant_id, &asked.request, proved).await?;
    Ok(Answer(Changed { usable_at }))
}
