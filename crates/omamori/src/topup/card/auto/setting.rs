//! What a customer has set, as the registry has it.

use omamori_db::{Db, Row, Tx, sql};

use super::Terms;
use crate::app::App;
use crate::clock::Micros;
use crate::notify::{Notice, tell};
use crate::topup::card::gateway::Reason;
use crate::web::error::{Error, Result};

/// Whether it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does.
    On,
    /// Not until its customer consents again.
    Paused(Reason),
    /// Its customer turned it off.
    Off,
}

/// A customer's auto top-up.
#[derive(Clone, Debug)]
pub struct Setting {
    /// What was agreed.
    pub terms: Terms,
    /// Whether it works.
    pub state: State,
    /// When its customer was last told that a limit holds it.
    pub held_at: Option<Micros>,
}

fn read(row: &Row) -> Result<Setting> {
    let reason = row.text_optional("reason")?.as_deref().and_then(Reason::parse);
    let state = match (row.text("state")?.as_str(), reason) {
        ("on", _) => State::On,
        ("paused", Some(reason)) => State::Paused(reason),
        ("off", _) => State::Off,
        _ => return Err(Error::fault("an auto top-up is in no known state")),
    };
    let terms = Terms {
        card_id: row.text("card_id")?,
        threshold: row.int("threshold")?,
        amount: row.int("amount")?,
        month_max: row.int("month_max")?,
    };
    Ok(Setting { terms, state, held_at: row.int_optional("held_at")? })
}

/// What a customer has set, if ever.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find(registry: &Db, customer_id: &str) -> Result<Option<Setting>> {
    let query = sql("SELECT card_id, threshold, amount, month_max, state, reason, held_at
         FROM auto_topup WHERE customer_id = $1");
    registry.optional(query.bind(customer_id)).await?.as_ref().map(read).transpose()
}

/// Turns it on with these terms, whatever was set before.
///
/// # Errors
/// A fault if the registry fails.
pub async fn turn_on(
    tx: &mut Tx,
    customer_id: &str,
    wallet: u128,
    (consent_id, terms): (&str, &Terms),
    now: Micros,
) -> Result<()> {
    // Not one statement: the wallet's account is unique too, and a conflict names one index only.
    let insert = sql("INSERT INTO auto_topup (customer_id, wallet_account, consent_id, card_id,
             threshold, amount, month_max, state, failures, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'on', CAST(0 AS BIGINT), $8) ON CONFLICT DO NOTHING");
    let insert = insert.bind(customer_id).bind(wallet.to_be_bytes()).bind(consent_id);
    let insert = insert.bind(&terms.card_id).bind(terms.threshold).bind(terms.amount);
    if tx.execute(insert.bind(terms.month_max).bind(now)).await? == 1 {
        return Ok(());
    }
    let update = sql("UPDATE auto_topup SET consent_id = $1, card_id = $2, threshold = $3,
             amount = $4, month_max = $5, state = 'on', reason = NULL, failures = 0,
             held_at = NULL, changed_at = $6
         WHERE customer_id = $7");
    let update = update.bind(consent_id).bind(&terms.card_id).bind(terms.threshold);
    let update = update.bind(terms.amount).bind(terms.month_max).bind(now);
    tx.execute(update.bind(customer_id)).await?;
    Ok(())
}

/// Turns it off, and with it what would turn it on or has been ordered; tells its customer if it
/// was on.
///
/// # Errors
/// A fault if the registry fails.
pub async fn turn_off(app: &App, tx: &mut Tx, customer_id: &str) -> Result<()> {
    let now = app.clock.now();
    let consents = sql("UPDATE auto_consent
         SET state = 'refused', reason = 'abandoned', next_at = NULL, done_at = $1
         WHERE customer_id = $2 AND done_at IS NULL");
    tx.execute(consents.bind(now).bind(customer_id)).await?;
    let orders = sql("DELETE FROM auto_order WHERE customer_id = $1");
    tx.execute(orders.bind(customer_id)).await?;
    let update = sql("UPDATE auto_topup SET state = 'off', reason = NULL, changed_at = $1
         WHERE customer_id = $2 AND state <> 'off'");
    if tx.execute(update.bind(now).bind(customer_id)).await? == 1 {
        tell(app, tx, customer_id, &Notice::AutoTopupOff {}).await?;
    }
    Ok(())
}

/// A card is gone: what charges it ends.
///
/// # Errors
/// A fault if the registry fails.
pub async fn card_gone(app: &App, tx: &mut Tx, customer_id: &str, card_id: &str) -> Result<()> {
    let query = sql("SELECT card_id FROM auto_topup
         WHERE customer_id = $1 AND card_id = $2 AND state <> 'off'
         UNION SELECT card_id FROM auto_consent
         WHERE customer_id = $1 AND card_id = $2 AND done_at IS NULL");
    if tx.optional(query.bind(customer_id).bind(card_id)).await?.is_some() {
        turn_off(app, tx, customer_id).await?;
    }
    Ok(())
}
