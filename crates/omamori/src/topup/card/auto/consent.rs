//! The consent to charges without their holder, and the bank's word on who gave it. Asked by the
//! page that its holder comes back to, by the gateway's message, and by the worker for who never
//! came back.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State as Shared};
use omamori_db::{Db, Row, sql};
use serde::Serialize;
use serde_json::json;

use super::{Terms, setting};
use crate::app::App;
use crate::clock::{MINUTE, Micros};
use crate::gate::{Act, Question};
use crate::identity::{Customer, account, rested};
use crate::notify::{Notice, tell};
use crate::topup::card::cards::{self, Card};
use crate::topup::card::due::{self, Due};
use crate::topup::card::gateway::{ConsentOrder, ConsentState, GatewayError, Reason};
use crate::topup::card::look::Nothing;
use crate::topup::card::{CLAIM, LOOK_EVERY};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

/// How long the card's bank waits for its holder.
const LIFE: Micros = 15 * MINUTE;
/// A consent.
#[derive(Clone, Debug)]
pub struct Consent {
    /// `aco_…`.
    pub consent_id: String,
    /// `cus_…`.
    pub customer_id: String,
    /// What is agreed to.
    pub terms: Terms,
    /// `asked`, `opened`, `done` or `refused`.
    pub state: String,
    /// Why it was refused.
    pub reason: Option<Reason>,
    reference: Option<String>,
    attempts: i64,
    created_at: Micros,
}

macro_rules! consent_columns {
    () => {
        "consent_id, customer_id, card_id, threshold, amount, month_max, state, reference, reason, \
         attempts, created_at"
    };
}

fn read(row: &Row) -> omamori_db::Result<Consent> {
    Ok(Consent {
        consent_id: row.text("consent_id")?,
        customer_id: row.text("customer_id")?,
        terms: Terms {
            card_id: row.text("card_id")?,
            threshold: row.int("threshold")?,
            amount: row.int("amount")?,
            month_max: row.int("month_max")?,
        },
        state: row.text("state")?,
        reason: row.text_optional("reason")?.as_deref().and_then(Reason::parse),
        reference: row.text_optional("reference")?,
        attempts: row.int("attempts")?,
        created_at: row.int("created_at")?,
    })
}

/// The consent with this id.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find(registry: &Db, consent_id: &str) -> Result<Option<Consent>> {
    let query =
        sql(concat!("SELECT ", consent_columns!(), " FROM auto_consent WHERE consent_id = $1"));
    Ok(registry.optional(query.bind(consent_id)).await?.as_ref().map(read).transpose()?)
}

/// The customer's own.
///
/// # Errors
/// [`Code::NotFound`]; a fault if the registry fails.
pub async fn own(app: &App, customer: &Customer, consent_id: &str) -> Result<Consent> {
    let found = find(&app.stores.registry, consent_id).await?;
    let mine = found.filter(|consent| consent.customer_id == customer.customer_id);
    Ok(mine.ok_or(Code::NotFound)?)
}

impl Consent {
    /// The word for the customer: `open`, `done` or `refused`.
    pub fn status(&self) -> &'static str {
        match self.state.as_str() {
            "done" => "done",
            "refused" => "refused",
            _ => "open",
        }
    }

    /// As its customer sees it.
    pub fn view(self, url: Option<String>) -> ConsentView {
        let url = url.filter(|_| self.status() == "open");
        ConsentView { status: self.status(), consent_id: self.consent_id, reason: self.reason, url }
    }
}

/// What became of a consent.
#[derive(Serialize)]
pub struct ConsentView {
    consent_id: String,
    /// `open`, `done` or `refused`.
    status: &'static str,
    reason: Option<Reason>,
    /// The page of the card's bank, if it waits for its holder.
    url: Option<String>,
}

/// Asks the bank. What the gateway does not answer ends the consent: nothing was charged, and it
/// can be given again. Gives the page of the card's bank, if that waits for its holder.
///
/// # Errors
/// A fault if a store fails.
pub async fn ask(app: &App, consent: &Consent, card: &Card) -> Result<Option<String>> {
    let order = ConsentOrder {
        id: consent.consent_id.clone(),
        holder: card.holder.clone(),
        token: card.token.clone(),
        return_url: format!("{}/topup/auto/consent/{}", app.config.public_url, consent.consent_id),
    };
    let opened = match app.topups.gateway()?.open_consent(&order).await {
        Ok(opened) => opened,
        Err(error) => {
            tracing::warn!(consent_id = consent.consent_id, %error, "a consent was not opened");
            let reason = match error {
                GatewayError::Unknown(_) => Reason::Unreachable,
                GatewayError::Refused { .. } => Reason::GatewayRefused,
            };
            refuse(app, consent, reason).await?;
            return Ok(None);
        }
    };
    let update = sql("UPDATE auto_consent SET state = 'opened', reference = $1
         WHERE consent_id = $2 AND state = 'asked'");
    let update = update.bind(opened.reference).bind(&consent.consent_id);
    if app.stores.registry.execute(update).await? != 1 {
        return Ok(None); // turned off meanwhile, or it took too long
    }
    settle(app, consent, opened.state).await
}

/// Ends a consent that has ended at the gateway.
async fn settle(app: &App, consent: &Consent, state: ConsentState) -> Result<Option<String>> {
    let too_old = consent.created_at + LIFE <= app.clock.now();
    match state {
        ConsentState::Given { authenticated: true } => accept(app, consent).await?,
        ConsentState::Given { authenticated: false } => {
            refuse(app, consent, Reason::AuthenticationFailed).await?;
        }
        ConsentState::Failed(reason) => refuse(app, consent, reason).await?,
        ConsentState::Challenge { .. } | ConsentState::Waiting if too_old => {
            refuse(app, consent, Reason::Abandoned).await?;
        }
        ConsentState::Challenge { url } => return Ok(Some(url)),
        ConsentState::Waiting => {}
    }
    Ok(None)
}

/// Asks the gateway what became of it. Gives the page on which it can go on.
///
/// # Errors
/// A fault if a store fails.
pub async fn resolve(app: &App, consent: &Consent) -> Result<Option<String>> {
    match (consent.state.as_str(), &consent.reference) {
        ("asked", _) => {
            if consent.created_at + CLAIM <= app.clock.now() {
                refuse(app, consent, Reason::Unreachable).await?;
            }
            Ok(None)
        }
        ("opened", Some(reference)) => match app.topups.gateway()?.find_consent(reference).await {
            Ok(state) => settle(app, consent, state).await,
            Err(error) => {
                let consent_id = &consent.consent_id;
                tracing::warn!(consent_id, %error, "the card gateway did not answer");
                Ok(None)
            }
        },
        _ => Ok(None),
    }
}

async fn refuse(app: &App, consent: &Consent, reason: Reason) -> Result<()> {
    let update = sql("UPDATE auto_consent
         SET state = 'refused', reason = $1, next_at = NULL, done_at = $2
         WHERE consent_id = $3 AND done_at IS NULL");
    let update = update.bind(reason.as_str()).bind(app.clock.now()).bind(&consent.consent_id);
    app.stores.registry.execute(update).await?;
    Ok(())
}

/// The bank has shown who it is: the setting holds from now on, unless the account's standing has
/// changed meanwhile.
async fn accept(app: &App, consent: &Consent) -> Result<()> {
    let (registry, id, now) = (&app.stores.registry, &consent.customer_id, app.clock.now());
    let account = account::find(registry, id).await?;
    let opinion = match account.frozen {
        true => Err(Code::AccountFrozen),
        false => rested(registry, id, now).await?,
    };
    let card = match cards::find(registry, id, &consent.terms.card_id).await {
        Err(Error::Refused(_)) => return refuse(app, consent, Reason::TooLate).await,
        found => found?,
    };
    let detail = json!({ "consent": consent.consent_id, "terms": consent.terms });
    let question = Question { customer: Some(id), ..Question::plain(Act::AutoTopupSet, &detail) };
    match app.gate.decide(question, opinion).await {
        Ok(_cleared) => {}
        Err(Error::Refused(Code::AccountFrozen)) => {
            return refuse(app, consent, Reason::AccountFrozen).await;
        }
        Err(Error::Refused(_)) => return refuse(app, consent, Reason::TooLate).await,
        Err(fault) => return Err(fault),
    }
    let mut tx = registry.begin().await?;
    let done = sql("UPDATE auto_consent SET state = 'done', next_at = NULL, done_at = $1
         WHERE consent_id = $2 AND done_at IS NULL");
    if tx.execute(done.bind(now).bind(&consent.consent_id)).await? != 1 {
        return Ok(()); // another node was faster, or it was turned off
    }
    let given = (consent.consent_id.as_str(), &consent.terms);
    setting::turn_on(&mut tx, id, account.wallet_account, given, now).await?;
    let Terms { threshold, amount, month_max, .. } = consent.terms;
    let notice = Notice::AutoTopupOn { card: card.name(), threshold, amount, month_max };
    tell(app, &mut tx, id, &notice).await?;
    Ok(tx.commit().await?)
}

/// `POST /api/wallet/v1/topups/auto/consents/{consent_id}/look`: asks the gateway, at most once a
/// second.
pub async fn look(
    Shared(app): Shared<Arc<App>>,
    customer: Customer,
    Path(consent_id): Path<String>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Answer<ConsentView>> {
    let consent = own(&app, &customer, &consent_id).await?;
    let now = app.clock.now();
    let update = sql("UPDATE auto_consent SET looked_at = $1
         WHERE consent_id = $2 AND looked_at <= $3 AND done_at IS NULL");
    let update = update.bind(now).bind(&consent_id).bind(now - LOOK_EVERY);
    let mut url = None;
    if app.stores.registry.execute(update).await? == 1 {
        url = resolve(&app, &consent).await?;
    }
    Ok(Answer(own(&app, &customer, &consent_id).await?.view(url)))
}

/// Looks at the consent that the gateway calls so, if there is one.
///
/// # Errors
/// A fault if a store fails.
pub async fn resolve_by_reference(app: &App, reference: &str) -> Result<()> {
    let query =
        sql(concat!("SELECT ", consent_columns!(), " FROM auto_consent WHERE reference = $1"));
    if let Some(row) = app.stores.registry.optional(query.bind(reference)).await? {
        resolve(app, &read(&row)?).await?;
    }
    Ok(())
}

impl Due for Consent {
    const DUE: &'static str = concat!(
        "SELECT ",
        consent_columns!(),
        " FROM auto_consent WHERE next_at IS NOT NULL AND next_at <= $1 ORDER BY next_at LIMIT $2"
    );
    const CLAIMED: &'static str = "UPDATE auto_consent SET attempts = attempts + 1, next_at = $1
         WHERE consent_id = $2 AND attempts = $3 AND next_at IS NOT NULL";

    fn read(row: &Row) -> omamori_db::Result<Self> {
        read(row)
    }

    fn id(&self) -> &str {
        &self.consent_id
    }

    fn attempts(&self) -> i64 {
        self.attempts
    }

    async fn go_on(&self, app: &App) -> Result<()> {
        resolve(app, self).await.map(drop)
    }
}

/// Takes up consents that are due, once. Gives how many were taken up by this node.
///
/// # Errors
/// A fault if the registry fails.
pub async fn resolve_consents_due(app: &App) -> Result<usize> {
    due::take_up::<Consent>(app).await
}
