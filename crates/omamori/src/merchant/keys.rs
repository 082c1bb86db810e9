//! The key of a terminal takes the place of another. For a time both work, so that every register
//! of a shop can be given the new one; or the old one ends at once, because somebody has it.

use omamori_db::{Tx, sql};
use serde_json::json;

use super::notice::{MerchantNotice, tell};
use super::store::{KEY_PREFIX, NewTerminal, new_token};
use crate::app::App;
use crate::clock::{HOUR, Micros};
use crate::db::changes::{Subject, changed};
use crate::gate::{Act, Question};
use crate::secret::token_hash;
use crate::web::codes::Code;
use crate::web::error::Result;

/// Whose terminal, and who wants it.
#[derive(Clone, Copy)]
pub struct By<'a> {
    /// Its merchant; none for the operator's command.
    pub merchant_id: Option<&'a str>,
    /// `mus_…`, or `machine`.
    pub who: &'a str,
}

/// Gives a terminal a new key. A key that was on its way out before ends now.
///
/// # Errors
/// [`Code::NotFound`], of a revoked terminal too; a fault.
pub async fn rotate(
    app: &App,
    by: By<'_>,
    terminal_id: &str,
    at_once: bool,
) -> Result<(NewTerminal, Option<Micros>)> {
    let overlap = Micros::from(app.config.terminal_key_overlap_hours) * HOUR;
    let now = app.clock.now();
    let until = (!at_once && overlap > 0).then_some(now + overlap);
    let detail = json!({ "terminal": terminal_id, "by": by.who, "old_key_until": until });
    let _recorded = app.gate.decide(Question::plain(Act::TerminalKey, &detail), Ok(())).await?;
    let api_key = new_token(app.rng.as_ref(), KEY_PREFIX);
    let mut tx = app.stores.registry.begin().await?;
    end_sessions(&mut tx, terminal_id).await?;
    let update = sql("UPDATE terminal
         SET old_key_hash = key_hash, old_key_until = $1, old_key_seen_at = NULL,
             key_hash = $2, key_changed_at = $3
         WHERE terminal_id = $4 AND revoked_at IS NULL AND ($5 = '' OR store_id IN
             (SELECT store_id FROM store WHERE merchant_id = $5))");
    let update = update.bind(until.unwrap_or(now)).bind(token_hash(&api_key)).bind(now);
    let update = update.bind(terminal_id).bind(by.merchant_id.unwrap_or_default());
    if tx.execute(update).await? != 1 {
        return Err(Code::NotFound.into());
    }
    // What was opened with a key ends with it.
    let sessions = sql("UPDATE till_session SET expires_at = $1 WHERE terminal_number IN
         (SELECT terminal_number FROM terminal WHERE terminal_id = $2)");
    tx.execute(sessions.bind(until.unwrap_or(now)).bind(terminal_id)).await?;
    if until.is_none() {
        end(&mut tx, terminal_id).await?;
    }
    let rotated = |terminal| MerchantNotice::KeyRotated { terminal, old_until: until };
    tell_of_key(app, &mut tx, terminal_id, by.who, rotated).await?;
    tx.commit().await?;
    changed(app, Subject::Terminal(terminal_id)).await?;
    Ok((NewTerminal { terminal_id: terminal_id.to_owned(), api_key }, until))
}

/// Ends the key before at once. Repeating it changes nothing.
///
/// # Errors
/// [`Code::NotFound`]; a fault.
pub async fn end_old(app: &App, by: By<'_>, terminal_id: &str) -> Result<()> {
    let detail = json!({ "terminal": terminal_id, "by": by.who });
    let _recorded = app.gate.decide(Question::plain(Act::TerminalKeyEnd, &detail), Ok(())).await?;
    let query = sql("SELECT terminal_id FROM terminal
         WHERE terminal_id = $1 AND ($2 = '' OR store_id IN
             (SELECT store_id FROM store WHERE merchant_id = $2))");
    let query = query.bind(terminal_id).bind(by.merchant_id.unwrap_or_default());
    app.stores.registry.optional(query).await?.ok_or(Code::NotFound)?;
    let mut tx = app.stores.registry.begin().await?;
    end(&mut tx, terminal_id).await?;
    tx.commit().await?;
    Ok(changed(app, Subject::Terminal(terminal_id)).await?)
}

async fn end(tx: &mut Tx, terminal_id: &str) -> Result<()> {
    let update = sql("UPDATE terminal SET old_key_hash = NULL, old_key_until = NULL
         WHERE terminal_id = $1");
    tx.execute(update.bind(terminal_id)).await?;
    end_sessions(tx, terminal_id).await
}

/// Ends the registers' sessions that a key on its way out had opened.
async fn end_sessions(tx: &mut Tx, terminal_id: &str) -> Result<()> {
    let delete = sql("DELETE FROM till_session WHERE expires_at IS NOT NULL
         AND terminal_number IN (SELECT terminal_number FROM terminal WHERE terminal_id = $1)");
    tx.execute(delete.bind(terminal_id)).await?;
    Ok(())
}

/// Tells the merchant of a terminal of what became of its key, in the transaction of that.
pub(super) async fn tell_of_key(
    app: &App,
    tx: &mut Tx,
    terminal_id: &str,
    by: &str,
    notice: impl FnOnce(String) -> MerchantNotice,
) -> Result<()> {
    let query = sql("SELECT t.name, s.merchant_id FROM terminal t
         JOIN store s ON s.store_id = t.store_id WHERE t.terminal_id = $1");
    let row = tx.one(query.bind(terminal_id)).await?;
    tell(app, tx, &row.text("merchant_id")?, by, &notice(row.text("name")?)).await
}
