//! Going on with a top-up by card from wherever it is, until it is done or the gateway has to be
//! asked again later. Any number of nodes may do this at once: each step may be done twice.

use std::sync::Arc;

use omamori_db::sql;
use tokio::task::JoinSet;

use super::conversation::{self, Origin, State, Topup, topup_columns};
use super::gateway::{ChargeState, End, GatewayError, Reason};
use super::{CLAIM, auto, cards, due, ledger, pause};
use crate::app::App;
use crate::clock::{MINUTE, Micros};
use crate::notify::{Notice, tell};
use crate::web::error::{Error, Result};

/// How long the card's bank waits for its holder.
const CHALLENGE_LIFE: Micros = 15 * MINUTE;
/// A conversation has fewer steps.
const STEPS_MAX: usize = 12;

/// Takes up what is due, once. Gives how many were taken up by this node.
///
/// # Errors
/// A fault if a store fails.
pub async fn resolve_due(app: &Arc<App>) -> Result<usize> {
    let query = sql(concat!(
        "SELECT ",
        topup_columns!(),
        " FROM card_topup WHERE next_at IS NOT NULL AND next_at <= $1 ORDER BY next_at LIMIT $2"
    ));
    let rows = app.stores.registry.all(query.bind(app.clock.now()).bind(due::BATCH)).await?;
    let mut tasks = JoinSet::new();
    for row in &rows {
        let (app, topup) = (app.clone(), conversation::read(row)?);
        tasks.spawn(async move { take_up(&app, topup).await });
    }
    Ok(due::all(tasks).await)
}

/// Claims a row and goes on with it; false if another node was faster.
async fn take_up(app: &App, mut topup: Topup) -> Result<bool> {
    let claim = sql("UPDATE card_topup SET attempts = attempts + 1, next_at = $1
         WHERE topup_id = $2 AND attempts = $3 AND next_at IS NOT NULL");
    let claim = claim.bind(app.clock.now() + CLAIM).bind(&topup.topup_id).bind(topup.attempts);
    if app.stores.registry.execute(claim).await? != 1 {
        return Ok(false);
    }
    topup.attempts += 1;
    go_on(app, &mut topup).await?;
    Ok(true)
}

/// Goes on as far as possible, and says when to look again.
///
/// # Errors
/// A fault if a store fails; the row stays due.
pub async fn go_on(app: &App, topup: &mut Topup) -> Result<()> {
    for _ in 0..STEPS_MAX {
        if topup.state.is_final() {
            return Ok(());
        }
        if !step(app, topup).await? {
            break;
        }
    }
    if !topup.state.is_final() {
        let later = sql("UPDATE card_topup SET next_at = $1
             WHERE topup_id = $2 AND next_at IS NOT NULL");
        let later = later.bind(app.clock.now() + pause(topup.attempts)).bind(&topup.topup_id);
        app.stores.registry.execute(later).await?;
    }
    Ok(())
}

/// One step. False if there is nothing to do now.
async fn step(app: &App, topup: &mut Topup) -> Result<bool> {
    match topup.state.clone() {
        State::Asked => {
            // Whoever began it is gone, and the gateway has nothing that could charge.
            if app.clock.now() < topup.created_at + CLAIM {
                return Ok(false);
            }
            to(app, topup, State::Releasing(Reason::Unreachable)).await
        }
        State::Opened { reference } | State::Challenge { reference } => {
            let asked = app.topups.gateway()?.find_charge(&reference).await;
            match heard(topup, asked) {
                Some(charge) => follow(app, topup, &reference, charge).await,
                None => Ok(false),
            }
        }
        State::Charged { reference } => match ledger::credit(app, topup).await? {
            Ok(()) => finish(app, topup, State::Credited).await,
            Err(reason) => to(app, topup, State::Refunding { reference, reason }).await,
        },
        State::Releasing(reason) => match ledger::release(app, topup).await? {
            true => finish(app, topup, State::Refused(reason)).await,
            false => finish(app, topup, State::Credited).await,
        },
        State::Refunding { reference, reason } => refund(app, topup, &reference, reason).await,
        State::Credited | State::Refused(_) | State::Refunded(_) => Ok(false),
    }
}

/// Follows what the gateway says of a charge. False if it must be asked again.
///
/// # Errors
/// A fault if a store fails.
pub async fn follow(
    app: &App,
    topup: &mut Topup,
    reference: &str,
    charge: ChargeState,
) -> Result<bool> {
    let reference = reference.to_owned();
    let age = app.clock.now() - topup.created_at;
    match charge {
        ChargeState::Paid { authenticated } => {
            // The card of an auto top-up was authenticated with the consent.
            let enough = authenticated || topup.origin == Origin::Auto;
            let reason = Reason::AuthenticationFailed;
            let next = match enough {
                true => State::Charged { reference },
                false => State::Refunding { reference, reason },
            };
            to(app, topup, next).await
        }
        // Nobody is there to answer.
        ChargeState::Challenge { .. } if topup.origin == Origin::Auto => {
            end(app, topup, &reference, Reason::AuthenticationFailed).await
        }
        ChargeState::Challenge { .. } if age < CHALLENGE_LIFE => {
            if matches!(topup.state, State::Opened { .. }) {
                to(app, topup, State::Challenge { reference }).await?;
            }
            Ok(false)
        }
        // The request that began it may be asking the card right now.
        ChargeState::Open if age < CLAIM => Ok(false),
        ChargeState::Processing => Ok(false),
        ChargeState::Canceled => to(app, topup, State::Releasing(Reason::Abandoned)).await,
        ChargeState::Challenge { .. } | ChargeState::Open => {
            end(app, topup, &reference, Reason::Abandoned).await
        }
        ChargeState::Failed(reason) => end(app, topup, &reference, reason).await,
    }
}

/// Ends a charge at the gateway, so that nobody can pay it later; only then it is given up here.
async fn end(app: &App, topup: &mut Topup, reference: &str, reason: Reason) -> Result<bool> {
    let asked = app.topups.gateway()?.cancel_charge(reference).await;
    match heard(topup, asked) {
        Some(ChargeState::Canceled) => to(app, topup, State::Releasing(reason)).await,
        Some(paid @ ChargeState::Paid { .. }) => {
            Box::pin(follow(app, topup, reference, paid)).await
        }
        Some(_) | None => Ok(false),
    }
}

async fn refund(app: &App, topup: &mut Topup, reference: &str, reason: Reason) -> Result<bool> {
    // The ledger decides first: what was credited meanwhile does not go back too.
    if !ledger::release(app, topup).await? {
        return finish(app, topup, State::Credited).await;
    }
    let id = format!("{}-refund", topup.topup_id);
    let asked = app.topups.gateway()?.refund(&id, reference).await;
    match heard(topup, asked) {
        Some(()) => finish(app, topup, State::Refunded(reason)).await,
        None => Ok(false),
    }
}

/// What the gateway said; what it did not say is logged and asked again.
fn heard<T>(topup: &Topup, asked: std::result::Result<T, GatewayError>) -> Option<T> {
    match asked {
        Ok(answer) => Some(answer),
        Err(error) => {
            let (topup_id, attempts) = (&topup.topup_id, topup.attempts);
            tracing::warn!(topup_id, attempts, %error, "the card gateway did not answer");
            None
        }
    }
}

/// Moves on; if somebody else did first, takes over where they are.
async fn to(app: &App, topup: &mut Topup, next: State) -> Result<bool> {
    let registry = &app.stores.registry;
    if !conversation::advance(registry, topup, next).await? {
        reload(app, topup).await?;
    }
    Ok(true)
}

async fn reload(app: &App, topup: &mut Topup) -> Result<()> {
    let now = conversation::find(&app.stores.registry, &topup.topup_id).await?;
    topup.state = now.ok_or(Error::fault("a top-up by card is not there any more"))?.state;
    Ok(())
}

/// Ends a conversation and tells the customer, once.
async fn finish(app: &App, topup: &mut Topup, end: State) -> Result<bool> {
    let card = cards::name(&app.stores.registry, &topup.card_id).await?;
    let told = match end {
        State::Refused(reason) => End::Refused(reason),
        State::Refunded(reason) => End::Refunded(reason),
        _ => End::Credited,
    };
    let amount = topup.amount;
    let notice = match topup.origin {
        Origin::Customer => Notice::CardTopup { amount, card, end: told },
        Origin::Auto => Notice::AutoTopup { amount, card, end: told },
    };
    let mut tx = app.stores.registry.begin().await?;
    let update = sql("UPDATE card_topup
         SET state = $1, reason = $2, next_at = NULL, done_at = $3
         WHERE topup_id = $4 AND done_at IS NULL");
    let update = update.bind(end.word()).bind(end.reason().map(Reason::as_str));
    let update = update.bind(app.clock.now()).bind(&topup.topup_id);
    if tx.execute(update).await? != 1 {
        drop(tx);
        reload(app, topup).await?;
        return Ok(true);
    }
    tell(app, &mut tx, &topup.customer_id, &notice).await?;
    if topup.origin == Origin::Auto {
        auto::ended(app, &mut tx, topup, told).await?;
    }
    tx.commit().await?;
    tracing::info!(topup_id = topup.topup_id, state = end.word(), "a top-up by card ended");
    topup.state = end;
    Ok(true)
}
