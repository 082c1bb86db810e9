//! Stopping an account, and starting it again.
//!
//! A stopped account pays and loads nothing; its codes are refused at every register. One tap
//! stops it, on the phone that is bound or on the one that was. To start it again takes a
//! step-up, on a phone that is no newcomer; what staff stopped, only staff start.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use omamori_db::{Tx, sql};
use serde::Serialize;
use serde_json::{Value, json};

use super::customer::{Customer, Holder};
use super::phone::Phone;
use super::rate::Network;
use super::stepup::{self, Confirmed, Intent, Nothing, Risen};
use super::{account, devices, moves};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::Act;
use crate::notify::{AccountStopper, Notice, tell};
use crate::refund::closing::keep_shut_in;
use crate::refund::review::is_leaving;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::json::Json;
use crate::web::text::Text;

/// The customer of an id or a phone number, as support has it.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find(app: &App, who: &str) -> Result<Option<String>> {
    let registry = &app.stores.registry;
    if let Some(phone) = Phone::parse(who) {
        return Ok(account::find_by_phone(registry, &phone).await?.map(|found| found.customer_id));
    }
    let query = sql("SELECT customer_id FROM customer WHERE customer_id = $1");
    let row = registry.optional(query.bind(who)).await?;
    Ok(row.map(|row| row.text("customer_id")).transpose()?)
}

/// Freezes the account, if it is not. False if it was.
pub(crate) async fn stop(
    tx: &mut Tx,
    customer_id: &str,
    by: &'static str,
    now: Micros,
) -> Result<bool> {
    let update = sql("UPDATE customer SET status = 'frozen', stopped_by = $1, stopped_at = $2
         WHERE customer_id = $3 AND status = 'active'");
    Ok(tx.execute(update.bind(by).bind(now).bind(customer_id)).await? == 1)
}

/// Whoever stops an account that is shut for a claim says that the claim is not theirs: it is
/// stopped, and not paid. False if it was not shut for one.
pub(crate) async fn stop_over_claim(
    tx: &mut Tx,
    customer_id: &str,
    by: &'static str,
    now: Micros,
) -> Result<bool> {
    let update = sql("UPDATE customer SET stopped_by = $1, stopped_at = $2
         WHERE customer_id = $3 AND status = 'frozen' AND stopped_by = 'refund'");
    Ok(tx.execute(update.bind(by).bind(now).bind(customer_id)).await? == 1)
}

/// When the account was last stopped, if it ever was.
///
/// # Errors
/// A fault if the registry fails or there is no such customer.
pub async fn stopped_at(app: &App, customer_id: &str) -> Result<Option<Micros>> {
    let query = sql("SELECT stopped_at FROM customer WHERE customer_id = $1").bind(customer_id);
    Ok(app.stores.registry.one(query).await?.int_optional("stopped_at")?)
}

/// `POST /api/wallet/v1/account/stop`: no factor is asked, for a thief may be at work.
pub(super) async fn stop_own(
    State(app): State<Arc<App>>,
    Holder { customer, .. }: Holder,
    network: Network,
) -> Result<StatusCode> {
    let detail = json!({ "ip": network.address(), "session": customer.session_id });
    let _cleared = app.gate.decide(customer.asks(Act::AccountStop, &detail), Ok(())).await?;
    freeze(&app, &customer.customer_id, AccountStopper::Customer).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stops an account, tells its holder, and makes all nodes forget that it was not stopped. Does
/// nothing to one that is stopped, unless staff do it: their word outlasts the customer's.
///
/// # Errors
/// A fault if the registry fails or there is no such customer.
pub async fn freeze(app: &App, customer_id: &str, by: AccountStopper) -> Result<()> {
    let mut tx = app.stores.registry.begin().await?;
    freeze_in(app, &mut tx, customer_id, by).await?;
    tx.commit().await?;
    forget(app, customer_id).await
}

/// [`freeze`] in a transaction of the caller's, who calls [`forget`] after it.
///
/// # Errors
/// As [`freeze`].
pub async fn freeze_in(
    app: &App,
    tx: &mut Tx,
    customer_id: &str,
    by: AccountStopper,
) -> Result<()> {
    let word = match by {
        AccountStopper::Customer => "customer",
        AccountStopper::Staff => "staff",
    };
    let now = app.clock.now();
    if stop(tx, customer_id, word, now).await? {
        devices::note(app, tx, customer_id).await?;
        tell(app, tx, customer_id, &Notice::AccountStopped { by }).await?;
    } else if by == AccountStopper::Customer {
        if stop_over_claim(tx, customer_id, word, now).await? {
            tell(app, tx, customer_id, &Notice::AccountStopped { by }).await?;
        }
    } else {
        let update = sql("UPDATE customer SET stopped_by = 'staff', stopped_at = $1
             WHERE customer_id = $2 AND status = 'frozen'");
        tx.execute(update.bind(now).bind(customer_id)).await?;
    }
    Ok(())
}

/// Starts an account again, whoever stopped it, and tells its holder: for staff, in a transaction
/// of theirs, with [`forget`] after it. Gives how it stands then: one whose rest is claimed stays
/// shut, and nobody is told. None if it was not stopped.
///
/// # Errors
/// A fault if the registry fails.
pub async fn unfreeze_in(
    app: &App,
    tx: &mut Tx,
    customer_id: &str,
) -> Result<Option<&'static str>> {
    let update = sql("UPDATE customer SET status = 'active', stopped_by = NULL
         WHERE customer_id = $1 AND status = 'frozen'");
    let started = tx.execute(update.bind(customer_id)).await? == 1;
    resumed_if(app, tx, customer_id, started).await
}

/// The same, if no stop came after the one of `stopped_at`: who agreed did not know of a later one.
///
/// # Errors
/// A fault if the registry fails.
pub async fn unfreeze_known_in(
    app: &App,
    tx: &mut Tx,
    customer_id: &str,
    stopped_at: Option<Micros>,
) -> Result<Option<&'static str>> {
    let update = sql("UPDATE customer SET status = 'active', stopped_by = NULL
         WHERE customer_id = $1 AND status = 'frozen'
         AND COALESCE(stopped_at, CAST(0 AS BIGINT)) = $2");
    let update = update.bind(customer_id).bind(stopped_at.unwrap_or(0));
    let started = tx.execute(update).await? == 1;
    resumed_if(app, tx, customer_id, started).await
}

async fn resumed_if(
    app: &App,
    tx: &mut Tx,
    customer_id: &str,
    started: bool,
) -> Result<Option<&'static str>> {
    if !started {
        return Ok(None);
    }
    devices::note(app, tx, customer_id).await?;
    if keep_shut_in(app, tx, customer_id).await? {
        return Ok(Some("frozen"));
    }
    let notice = Notice::AccountResumed { by: AccountStopper::Staff };
    tell(app, tx, customer_id, &notice).await?;
    Ok(Some("active"))
}

/// Makes this node forget at once how the account stood; the others do within a second.
///
/// # Errors
/// A fault if the registry fails.
pub async fn forget(app: &App, customer_id: &str) -> Result<()> {
    devices::forget(app, customer_id).await
}

fn intent(text: Text) -> Result<Intent> {
    Intent::new(Act::AccountResume, &(), text.t("stepup.resume").to_owned())
}

/// `POST /api/wallet/v1/account/resume/options`
pub(super) async fn options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
) -> Result<Answer<Value>> {
    stepup::offer(&app, &customer, &intent(text)?).await
}

/// The answer.
#[derive(Serialize)]
pub(super) struct Resumed {}

/// Refuses for an account that is stopped still.
async fn still_stopped(tx: &mut Tx, customer_id: &str) -> Result<()> {
    let query = sql("SELECT stopped_by FROM customer
         WHERE customer_id = $1 AND status = 'frozen'");
    let Some(row) = tx.optional(query.bind(customer_id)).await? else { return Ok(()) };
    Err(match row.text_optional("stopped_by")?.as_deref() {
        Some("refund") => Code::ClosingUnderWay.into(),
        _ => Code::AccountFrozen.into(),
    })
}

/// `POST /api/wallet/v1/account/resume`: confirmed by step-up.
pub(super) async fn resume(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request: Nothing {}, proof }): Json<Confirmed<Nothing>>,
) -> Result<Risen<Resumed>> {
    let registry = &app.stores.registry;
    let query = sql("SELECT stopped_by FROM customer WHERE customer_id = $1");
    let by = registry.one(query.bind(&customer.customer_id)).await?.text_optional("stopped_by")?;
    let opinion = match by.as_deref() {
        Some("staff") => Err(Code::AccountFrozen),
        // It closes, and the rest is claimed: that is taken back first, or refused.
        _ if is_leaving(registry, &customer.customer_id).await? => Err(Code::ClosingUnderWay),
        _ => moves::settled(registry, &customer, app.clock.now()).await?,
    };
    let intent = intent(text)?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, opinion).await?;
    let mut tx = registry.begin().await?;
    let update = sql("UPDATE customer SET status = 'active', stopped_by = NULL
         WHERE customer_id = $1 AND status = 'frozen' AND stopped_by NOT IN ('staff', 'refund')");
    let started = tx.execute(update.bind(&customer.customer_id)).await? == 1;
    if !started {
        // Staff stopped it, or its rest was claimed, since it was looked at; or it is open.
        still_stopped(&mut tx, &customer.customer_id).await?;
    }
    devices::note(&app, &mut tx, &customer.customer_id).await?;
    if started {
        let notice = Notice::AccountResumed { by: AccountStopper::Customer };
        tell(&app, &mut tx, &customer.customer_id, &notice).await?;
    }
    let risen = Risen::new(&app, &mut tx, &customer, Resumed {}).await?;
    tx.commit().await?;
    devices::forget(&app, &customer.customer_id).await?;
    Ok(risen)
}
