//! A customer closes the account and claims the paid value that is left (府令42条). There is no right
//! to it: staff decide, two of them ([`super::review`]), and refuse where the law does.
//!
//! From the claim on the account is shut: nothing is topped up, paid or sent, so that a claim is an
//! end and no way to cash. Taken back or refused, the value is balance again and the account open;
//! paid, it closes ([`super::leave`]). Whoever claims in another's place is stopped as everywhere:
//! every address is told, and a tap that stops the account stops the claim.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::{Tx, sql};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ask::Claimed;
use super::claim::{self, Claim, Made, New, State as Standing};
use super::{end, money};
use crate::app::App;
use crate::gate::Act;
use crate::identity::stepup::{self, Confirmed, Intent, Nothing};
use crate::identity::{Customer, Network, devices, moves, standing};
use crate::notify::fill;
use crate::settlement::bank::Bank;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::yen_text;
use crate::web::json::Json;
use crate::web::text::Text;

/// Who shut an account of which the rest is claimed: a word of `customer.stopped_by`.
pub(super) const SHUT_BY: &str = "refund";

/// Why an account closes, as its holder says. Words of tables: only ever added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// They move away for good, to where nothing can be paid with it (府令42条3号).
    MovesAway,
    /// They can use it no longer, by illness or the like (3号).
    CannotUse,
    /// The holder has died, and the heir asks (3号): at the desk.
    Heir,
    /// They simply wish: within the quota alone (1号, 2号).
    Wishes,
}

impl Reason {
    /// What a customer may say.
    pub const OF_CUSTOMERS: [Self; 3] = [Self::MovesAway, Self::CannotUse, Self::Wishes];
    /// What staff may write down.
    pub const ALL: [Self; 4] = [Self::MovesAway, Self::CannotUse, Self::Heir, Self::Wishes];

    /// The word of tables and texts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MovesAway => "moves_away",
            Self::CannotUse => "cannot_use",
            Self::Heir => "heir",
            Self::Wishes => "wishes",
        }
    }

    /// The reason of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    fn of_customer(word: &str) -> Result<Self> {
        let found = Self::OF_CUSTOMERS.into_iter().find(|reason| reason.as_str() == word);
        found.ok_or(Error::field("reason", if word.is_empty() { "missing" } else { "unknown" }))
    }

    /// What staff wrote down; nothing for a claim of the service's end.
    pub(super) fn of_staff(word: &str) -> Result<Option<Self>> {
        match Self::parse(word) {
            None if !word.is_empty() => Err(Error::field("closing", "unknown")),
            found => Ok(found),
        }
    }
}

/// On what ground a closing account is paid back, as two people agreed. Words of tables and of
/// proposals: only ever added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// Circumstances that the holder could not avoid (府令42条3号).
    Unavoidable,
    /// Within the quota of the base period (1号, 2号).
    Quota,
    /// The service has ended since, and it is owed (法20条1項).
    ServiceEnd,
}

impl Ground {
    /// Every ground there is.
    pub const ALL: [Self; 3] = [Self::Unavoidable, Self::Quota, Self::ServiceEnd];

    /// The word of tables and texts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unavoidable => "unavoidable",
            Self::Quota => "quota",
            Self::ServiceEnd => "service_end",
        }
    }

    /// The ground of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ground| ground.as_str() == word)
    }
}

/// What a customer asks for.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Leaving {
    /// A word of [`Reason`].
    reason: String,
    /// Where the rest goes.
    account: Bank,
}

impl Leaving {
    fn checked(&self) -> Result<Reason> {
        let reason = Reason::of_customer(&self.reason)?;
        self.account.account()?;
        Ok(reason)
    }

    /// The words that are confirmed name account and sum.
    fn intent(&self, text: Text, yen: i64) -> Result<Intent> {
        let values = [
            ("amount", yen_text(yen)),
            ("bank", self.account.bank.clone()),
            ("branch", self.account.branch.clone()),
            ("digits", self.account.last_digits().to_owned()),
        ];
        Intent::new(Act::RefundClosingAsk, self, fill(text.t("stepup.closing_claim"), &values))
    }
}

/// What forbids a claim now; the yen that would be claimed.
async fn claimable(app: &App, customer: &Customer) -> Result<Result<i64, Code>> {
    let end = end::standing(&app.stores.registry).await?;
    if end.is_some_and(|end| end.has_ended(app.clock.now())) {
        return Ok(Err(Code::ServiceEnded)); // all of it is owed then, and claimed as such
    }
    // Their own stop would hold the claim, and the claim the stop: the account is started first.
    let stopped = sql("SELECT customer_id FROM customer
         WHERE customer_id = $1 AND status = 'frozen' AND stopped_by IN ('customer', 'undo')");
    let stopped = stopped.bind(&customer.customer_id);
    if app.stores.registry.optional(stopped).await?.is_some() {
        return Ok(Err(Code::AccountFrozen));
    }
    app.gate.catch_up().await?;
    let left = money::left(app, &customer.customer_id);
    Ok(if left > 0 { Ok(left) } else { Err(Code::RefundNothing) })
}

/// `POST /api/wallet/v1/closing-claims/options`: what is wrong is said before anything is asked.
pub(super) async fn options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
    Json(leaving): Json<Leaving>,
) -> Result<Answer<Value>> {
    leaving.checked()?;
    app.gate.open_door(Act::RefundClosingAsk, None, Some(&customer.customer_id))?;
    let yen = claimable(&app, &customer).await??;
    stepup::offer(&app, &customer, &leaving.intent(text, yen)?).await
}

/// `POST /api/wallet/v1/closing-claims`: confirmed, on a phone that is no newcomer.
pub(super) async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request: leaving, proof }): Json<Confirmed<Leaving>>,
) -> Result<Answer<Claimed>> {
    let reason = leaving.checked()?;
    let registry = &app.stores.registry;
    let settled = moves::settled(registry, &customer, app.clock.now()).await?;
    let opinion = settled.and(claimable(&app, &customer).await?.map(drop));
    let intent = leaving.intent(text, 0)?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, opinion).await?;
    let new = New {
        customer_id: &customer.customer_id,
        made: Made::Closing(reason),
        bank: &leaving.account,
        asked_by: "customer",
    };
    let mut tx = registry.begin().await?;
    let claim = claim::insert(&app, &mut tx, &new).await?;
    shut_in(&app, &mut tx, &customer.customer_id).await?;
    tx.commit().await?;
    standing::forget(&app, &customer.customer_id).await?;
    let claim = money::set_aside(&app, &claim).await;
    if claim.is_err() {
        standing::forget(&app, &customer.customer_id).await?; // there was nothing: it is open again
    }
    Ok(Answer(claim?.into()))
}

/// The claims of the customer that can be taken back: those that are not on their way to the bank,
/// as long as the value could be claimed again.
async fn droppable(app: &App, customer: &Customer) -> Result<Vec<Claim>> {
    let mut claims = claim::of_customer(&app.stores.registry, &customer.customer_id).await?;
    claims.retain(|claim| claim.is_of_closing() && claim.state.takes_account());
    let end = end::standing(&app.stores.registry).await?;
    if end.is_some_and(|end| end.is_over(app.clock.now())) {
        return Err(Code::RefundNotOpen.into()); // it could not be claimed again
    }
    if claims.is_empty() { Err(Code::RefundUnderWay.into()) } else { Ok(claims) }
}

fn drop_intent(text: Text) -> Result<Intent> {
    Intent::new(Act::RefundClosingDrop, &(), text.t("stepup.closing_drop").to_owned())
}

/// `POST /api/wallet/v1/closing-claims/drop/options`
pub(super) async fn drop_options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Answer<Value>> {
    droppable(&app, &customer).await?;
    stepup::offer(&app, &customer, &drop_intent(text)?).await
}

/// How many claims were taken back.
#[derive(Serialize)]
pub(super) struct Dropped {
    claims: usize,
}

/// `POST /api/wallet/v1/closing-claims/drop`: all of them; the value is balance again and the
/// account open, if nobody else stopped it.
pub(super) async fn drop_claim(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request: Nothing {}, proof }): Json<Confirmed<Nothing>>,
) -> Result<Answer<Dropped>> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let settled = moves::settled(registry, &customer, now).await?;
    let claims = droppable(&app, &customer).await;
    let opinion = settled.and(claims.as_ref().map(drop).map_err(Error::code));
    let intent = drop_intent(text)?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, opinion).await?;
    let claims = claims?;
    let mut tx = registry.begin().await?;
    for claim in &claims {
        let update = sql("UPDATE refund_claim
             SET state = 'refusing', reason = '', ground = NULL, decided_by = 'customer',
                 state_at = $1
             WHERE claim_id = $2 AND state IN ('review', 'waiting', 'returned')");
        if tx.execute(update.bind(now).bind(&claim.claim_id)).await? != 1 {
            return Err(Code::RefundUnderWay.into()); // a file took it meanwhile
        }
    }
    tx.commit().await?;
    for claim in &claims {
        let claim = claim::find(registry, &claim.claim_id).await?;
        if claim.state == Standing::Refusing {
            money::put_back(&app, &claim).await?;
        }
    }
    Ok(Answer(Dropped { claims: claims.len() }))
}

/// Waits for whoever opens or shuts the same account, and then sees what they wrote: on PostgreSQL
/// two claims that end at once would each see the other one stand, and neither open the account.
async fn turn(tx: &mut Tx, customer_id: &str) -> Result<()> {
    let update = sql("UPDATE customer SET stopped_at = stopped_at WHERE customer_id = $1");
    tx.execute(update.bind(customer_id)).await?;
    Ok(())
}

/// Shuts the account, in the claim's transaction. One that somebody stopped before stays theirs.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn shut_in(app: &App, tx: &mut Tx, customer_id: &str) -> Result<()> {
    turn(tx, customer_id).await?;
    if standing::stop(tx, customer_id, SHUT_BY, app.clock.now()).await? {
        devices::note(app, tx, customer_id).await?;
    }
    Ok(())
}

/// Shuts an account again at once that somebody starts while its rest is claimed, or was paid: they
/// lift their own stop, and no more. In the transaction that started it. False if it stays open.
///
/// # Errors
/// A fault if the registry fails.
pub(crate) async fn keep_shut_in(app: &App, tx: &mut Tx, customer_id: &str) -> Result<bool> {
    let update = sql("UPDATE customer SET status = 'frozen', stopped_by = $1, stopped_at = $2
         WHERE customer_id = $3 AND status = 'active' AND EXISTS
             (SELECT 1 FROM refund_claim r WHERE r.customer_id = $3 AND r.basis = 'closing'
              AND r.state <> 'refused')");
    let update = update.bind(SHUT_BY).bind(app.clock.now()).bind(customer_id);
    Ok(tx.execute(update).await? == 1)
}

/// Opens an account again that was shut for claims, once none of them stands or was paid.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn reopen_in(app: &App, tx: &mut Tx, customer_id: &str) -> Result<()> {
    turn(tx, customer_id).await?;
    let update = sql("UPDATE customer SET status = 'active', stopped_by = NULL
         WHERE customer_id = $1 AND status = 'frozen' AND stopped_by = $2 AND NOT EXISTS
             (SELECT 1 FROM refund_claim r WHERE r.customer_id = $1 AND r.basis = 'closing'
              AND r.state <> 'refused')");
    if tx.execute(update.bind(customer_id).bind(SHUT_BY)).await? == 1 {
        devices::note(app, tx, customer_id).await?;
    }
    Ok(())
}
