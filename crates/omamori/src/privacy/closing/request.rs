//! Asking to close an account: in the app, confirmed by step-up, or by command.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::{Tx, sql};
use serde::Serialize;
use serde_json::{Value, json};

use super::{GRACE, PAID, STOPPED_BY, obstacle};
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::Micros;
use crate::gate::Act;
use crate::id::Kind;
use crate::identity::account::{self, Account};
use crate::identity::stepup::{self, Confirmed, Intent, Nothing};
use crate::identity::{Customer, Network, devices, moves, standing};
use crate::notify::{Notice, tell};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;
use crate::web::json::Json;
use crate::web::text::Text;

/// The account is stopped and will be closed.
#[derive(Serialize)]
pub(in crate::privacy) struct Closing {
    due_at: String,
}

fn intent(request: &Nothing, text: Text) -> Result<Intent> {
    Intent::new(Act::AccountCloseAsk, request, text.t("stepup.close").to_owned())
}

/// `POST /api/wallet/v1/account/close/options`: what forbids it is said before anything is asked.
pub(in crate::privacy) async fn options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
    Json(request): Json<Nothing>,
) -> Result<Answer<Value>> {
    let account = account::find(&app.stores.registry, &customer.customer_id).await?;
    allowed(&app, &account).await??;
    stepup::offer(&app, &customer, &intent(&request, text)?).await
}

/// `POST /api/wallet/v1/account/close`: confirmed with the passkey, on a phone that is no newcomer.
pub(in crate::privacy) async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request, proof }): Json<Confirmed<Nothing>>,
) -> Result<Answer<Closing>> {
    let registry = &app.stores.registry;
    let account = account::find(registry, &customer.customer_id).await?;
    let settled = moves::settled(registry, &customer, app.clock.now()).await?;
    let opinion = match settled {
        Ok(()) => allowed(&app, &account).await?,
        Err(code) => Err(code),
    };
    let intent = intent(&request, text)?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, opinion).await?;
    let mut tx = registry.begin().await?;
    let due_at = begin(&app, &mut tx, &account.customer_id, "customer").await?;
    tx.commit().await?;
    devices::forget(&app, &account.customer_id).await?;
    Ok(Answer(Closing { due_at: rfc3339(due_at) }))
}

/// The same by staff, at the customer's wish. Gives the instant from which it is carried out.
///
/// # Errors
/// What forbids it; a fault.
pub async fn ask_for(app: &App, actor: &Actor, customer_id: &str) -> Result<Micros> {
    let account = account::find(&app.stores.registry, customer_id).await?;
    let opinion = allowed(app, &account).await?;
    let act = Act::AccountCloseAsk;
    let clearance = actor.decide(app, act, Some(customer_id), &json!({}), opinion).await?;
    let mut tx = app.stores.registry.begin().await?;
    let due_at = begin(app, &mut tx, customer_id, "staff").await?;
    let (before, after) = (json!({ "status": "active" }), json!({ "due_at": due_at }));
    let entry = Entry { actor, act, subject: customer_id, before, after, reason: "" };
    audit::commit(app, tx, &clearance, &entry).await?;
    devices::forget(app, customer_id).await?;
    Ok(due_at)
}

/// What forbids it now, seen with what other nodes wrote.
async fn allowed(app: &App, account: &Account) -> Result<std::result::Result<(), Code>> {
    let under_way = sql("SELECT closing_id FROM account_closing
         WHERE customer_id = $1 AND state IN ('waiting', 'ending')");
    let under_way = under_way.bind(&account.customer_id);
    if app.stores.registry.optional(under_way).await?.is_some() {
        return Ok(Err(Code::ClosingUnderWay));
    }
    if account.frozen {
        return Ok(Err(Code::AccountFrozen));
    }
    app.gate.catch_up().await?;
    obstacle::look(app, account, "").await
}

/// Begins the closing of an account that `shut_by` has shut and whose rest was paid back, if
/// nothing stands against it. Nobody calls it off: the holder asked for it before the refund.
///
/// # Errors
/// A fault if the registry fails.
pub(crate) async fn begin_paid(app: &App, customer_id: &str, shut_by: &str) -> Result<()> {
    let registry = &app.stores.registry;
    let account = account::find(registry, customer_id).await?;
    app.gate.catch_up().await?;
    if obstacle::look(app, &account, PAID).await?.is_err() {
        return Ok(()); // it waits
    }
    let now = app.clock.now();
    let mut tx = registry.begin().await?;
    let update = sql("UPDATE customer SET stopped_by = $1
         WHERE customer_id = $2 AND status = 'frozen' AND stopped_by = $3");
    let update = update.bind(STOPPED_BY).bind(customer_id).bind(shut_by);
    if tx.execute(update).await? != 1 {
        return Ok(()); // another node was faster, or somebody stopped it
    }
    let insert = sql("INSERT INTO account_closing (closing_id, customer_id, state, asked_by,
                               asked_at, due_at, scrubbed_to)
         SELECT $1, customer_id, 'ending', $2, $3, $3, created_at
         FROM customer WHERE customer_id = $4");
    let insert = insert.bind(Kind::Closing.random_text(app.rng.as_ref())).bind(PAID);
    tx.execute(insert.bind(now).bind(customer_id)).await?;
    devices::note(app, &mut tx, customer_id).await?;
    let sessions = sql("DELETE FROM session WHERE customer_id = $1");
    tx.execute(sessions.bind(customer_id)).await?;
    tx.commit().await?;
    Ok(())
}

/// Stops the account, tells everyone, ends all sessions: in the caller's transaction.
async fn begin(app: &App, tx: &mut Tx, customer_id: &str, by: &'static str) -> Result<Micros> {
    let now = app.clock.now();
    let due_at = now + GRACE;
    if !standing::stop(tx, customer_id, STOPPED_BY, now).await? {
        return Err(Code::AccountFrozen.into());
    }
    let insert = sql("INSERT INTO account_closing (closing_id, customer_id, state, asked_by,
                               asked_at, due_at, scrubbed_to)
         SELECT $1, customer_id, 'waiting', $2, $3, $4, created_at
         FROM customer WHERE customer_id = $5");
    let insert = insert.bind(Kind::Closing.random_text(app.rng.as_ref())).bind(by);
    let insert = insert.bind(now).bind(due_at).bind(customer_id);
    tx.execute(insert).await.map_err(|error| match error {
        omamori_db::Error::UniqueViolation => Error::from(Code::ClosingUnderWay),
        fault => fault.into(),
    })?;
    devices::note(app, tx, customer_id).await?;
    // Before the sessions end: a phone that is signed out gets no push.
    tell(app, tx, customer_id, &Notice::ClosingAsked { due_at }).await?;
    let sessions = sql("DELETE FROM session WHERE customer_id = $1");
    tx.execute(sessions.bind(customer_id)).await?;
    Ok(due_at)
}
