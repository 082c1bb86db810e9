//! What the end of a top-up that auto top-up started means for the next one.

use omamori_db::{Tx, sql};

use super::FAILURES_MAX;
use crate::app::App;
use crate::notify::{Notice, tell};
use crate::topup::card::conversation::Topup;
use crate::topup::card::gateway::{End, Reason};
use crate::web::error::Result;

/// Whether it is the card's or its bank's doing, so that the next time would end the same.
const fn counts(reason: Reason) -> bool {
    match reason {
        Reason::Declined
        | Reason::AuthenticationFailed
        | Reason::Abandoned
        | Reason::GatewayRefused => true,
        Reason::Unreachable | Reason::AccountFrozen | Reason::TooLate => false,
    }
}

/// Counts a failure, in the transaction that ends the top-up. A bank that wants to see the holder
/// pauses auto top-up at once, others after some failures in a row; and the customer is told.
///
/// # Errors
/// A fault if the registry fails.
pub async fn ended(app: &App, tx: &mut Tx, topup: &Topup, end: End) -> Result<()> {
    let Some(reason) = end.reason() else {
        let update = sql("UPDATE auto_topup SET failures = 0 WHERE customer_id = $1");
        tx.execute(update.bind(&topup.customer_id)).await?;
        return Ok(());
    };
    if !counts(reason) {
        return Ok(());
    }
    // Of a card that it charges no more, nothing follows.
    let update = sql("UPDATE auto_topup SET failures = failures + 1, changed_at = $1
         WHERE customer_id = $2 AND card_id = $3 AND state = 'on'");
    let update = update.bind(app.clock.now()).bind(&topup.customer_id).bind(&topup.card_id);
    if tx.execute(update).await? != 1 {
        return Ok(());
    }
    let query = sql("SELECT failures FROM auto_topup WHERE customer_id = $1");
    let failures = tx.one(query.bind(&topup.customer_id)).await?.int("failures")?;
    if reason == Reason::AuthenticationFailed || failures >= FAILURES_MAX {
        let update =
            sql("UPDATE auto_topup SET state = 'paused', reason = $1 WHERE customer_id = $2");
        tx.execute(update.bind(reason.as_str()).bind(&topup.customer_id)).await?;
        tell(app, tx, &topup.customer_id, &Notice::AutoTopupPaused { reason }).await?;
    }
    Ok(())
}
