//! What the bank gave back (組戻し), or refused before it took the file: the merchant is owed it
//! again. What is refused comes out of the file; the others in it are paid all the same.
//!
//! Whoever could say so alone could have any payout paid twice, so at the desk it takes two people.
//! Their word is a row of the registry; booking follows, and is done again until it is done.

use omamori_db::{Tx, sql};
use omamori_ledger::Transfer;
use serde_json::{Value, json};

use super::bank_file::BankFile;
use super::carry::payable;
use super::payout::{KEPT, book};
use crate::app::App;
use crate::audit::{self, Actor, Entry, MACHINE};
use crate::gate::Act;
use crate::gate::chart::{AccountCode, LEDGER_JPY, TransferCode};
use crate::id::derive;
use crate::merchant::notice::{MerchantNotice, tell};
use crate::value::legs::operator_account;
use crate::web::codes::Code;
use crate::web::error::Result;

/// The yen of a payout that can be given back: its file was sent, and it was not given back before.
///
/// # Errors
/// [`Code::NotFound`]; a fault.
pub async fn can_come_back(app: &App, payout_id: &str) -> Result<i64> {
    let query = sql("SELECT p.yen FROM payout p JOIN payout_file f ON f.file_id = p.file_id
         WHERE p.payout_id = $1 AND f.sent_at IS NOT NULL AND p.returned_at IS NULL");
    let row = app.stores.registry.optional(query.bind(payout_id)).await?;
    Ok(row.ok_or(Code::NotFound)?.int("yen")?)
}

/// Writes down that the bank gave a payout of so many yen back, in the transaction of those who say
/// so. [`book_all`] follows.
///
/// # Errors
/// [`Code::NotFound`]: no such payout, not sent, or given back before; a fault.
pub async fn write_in(
    app: &App,
    tx: &mut Tx,
    (payout_id, yen): (&str, i64),
    reason: &str,
) -> Result<()> {
    let update = sql("UPDATE payout SET returned_at = $1, returned_reason = $2
         WHERE payout_id = $3 AND yen = $4 AND returned_at IS NULL AND file_id IN
             (SELECT file_id FROM payout_file WHERE sent_at IS NOT NULL)");
    let update = update.bind(app.clock.now()).bind(reason).bind(payout_id).bind(yen);
    if tx.execute(update).await? != 1 {
        return Err(Code::NotFound.into());
    }
    tell_back(app, tx, payout_id, yen).await
}

/// Tells the merchant that a payout did not arrive: another account may be needed.
async fn tell_back(app: &App, tx: &mut Tx, payout_id: &str, yen: i64) -> Result<()> {
    let query = sql("SELECT p.merchant_id, s.closing_on FROM payout p
         JOIN settlement s ON s.settlement_id = p.settlement_id WHERE p.payout_id = $1");
    let row = tx.one(query.bind(payout_id)).await?;
    let notice = MerchantNotice::PayoutReturned { closing_on: row.text("closing_on")?, yen };
    tell(app, tx, &row.text("merchant_id")?, MACHINE, &notice).await
}

/// The yen of a payout that the bank can refuse: its file is booked and was not sent.
///
/// # Errors
/// [`Code::NotFound`]; a fault.
pub async fn can_be_refused(app: &App, payout_id: &str) -> Result<i64> {
    let query = sql("SELECT p.yen FROM payout p JOIN payout_file f ON f.file_id = p.file_id
         WHERE p.payout_id = $1 AND f.booked_at IS NOT NULL AND f.sent_at IS NULL
             AND p.returned_at IS NULL");
    let row = app.stores.registry.optional(query.bind(payout_id)).await?;
    Ok(row.ok_or(Code::NotFound)?.int("yen")?)
}

/// Takes a payout of so many yen that the bank refused out of its file, in the transaction of those
/// who say so: the file is written anew without its line. [`book_all`] follows.
///
/// # Errors
/// [`Code::NotFound`]: no such payout, or its file was sent meanwhile; a fault.
pub async fn refuse_in(
    app: &App,
    tx: &mut Tx,
    (payout_id, yen): (&str, i64),
    reason: &str,
) -> Result<()> {
    // The file's row first: whoever takes another line out of it, or sends it, waits.
    let lessen = sql("UPDATE payout_file
         SET payout_count = payout_count - CAST(1 AS BIGINT), total_yen = total_yen - $1
         WHERE file_id = (SELECT file_id FROM payout WHERE payout_id = $2)
             AND booked_at IS NOT NULL AND sent_at IS NULL");
    if tx.execute(lessen.bind(yen).bind(payout_id)).await? != 1 {
        return Err(Code::NotFound.into());
    }
    let mark = sql("UPDATE payout SET returned_at = $1, returned_reason = $2,
             is_refused = CAST(1 AS BIGINT)
         WHERE payout_id = $3 AND yen = $4 AND returned_at IS NULL");
    let mark = mark.bind(app.clock.now()).bind(reason).bind(payout_id).bind(yen);
    if tx.execute(mark).await? != 1 {
        return Err(Code::NotFound.into());
    }
    let query = sql("SELECT f.file_id, f.sealed, p.file_line FROM payout p
         JOIN payout_file f ON f.file_id = p.file_id WHERE p.payout_id = $1");
    let row = tx.one(query.bind(payout_id)).await?;
    let file_id = row.text("file_id")?;
    let mut file = BankFile::read(&KEPT.opened(app, &file_id, &row.bytes("sealed")?)?)?;
    file.take_out(row.int("file_line")?, yen)?;
    let text = if file.is_empty() { Vec::new() } else { file.write()? };
    let update = sql("UPDATE payout_file SET sealed = $1 WHERE file_id = $2");
    tx.execute(update.bind(KEPT.sealed(app, &file_id, &text)).bind(&file_id)).await?;
    tell_back(app, tx, payout_id, yen).await
}

/// The bank gave a payout back, at the word of a command on the server. Repeating it changes
/// nothing.
///
/// # Errors
/// [`Code::NotFound`], of a payout whose file was not sent too; a fault.
pub async fn returned(app: &App, actor: &Actor, payout_id: &str, reason: &str) -> Result<()> {
    let query = sql("SELECT payout_id FROM payout
         WHERE payout_id = $1 AND returned_at IS NOT NULL");
    if app.stores.registry.optional(query.bind(payout_id)).await?.is_some() {
        return book_all(app).await;
    }
    let yen = can_come_back(app, payout_id).await?;
    let about = json!({ "payout": payout_id, "yen": yen });
    let clearance = actor.decide(app, Act::PayoutReturned, None, &about, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    write_in(app, &mut tx, (payout_id, yen), reason).await?;
    let (act, before) = (Act::PayoutReturned, Value::Null);
    let entry = Entry { actor, act, subject: payout_id, before, after: about, reason };
    audit::commit(app, tx, &clearance, &entry).await?;
    book_all(app).await
}

/// Books all that was given back or refused and is not booked yet.
///
/// # Errors
/// A fault; what was booked until then stands.
pub async fn book_all(app: &App) -> Result<()> {
    let query = sql("SELECT payout_id, merchant_id, yen, is_refused FROM payout
         WHERE returned_at IS NOT NULL AND return_booked_at IS NULL ORDER BY payout_id");
    for row in app.stores.registry.all(query).await? {
        let (payout_id, merchant_id) = (row.text("payout_id")?, row.text("merchant_id")?);
        let to = payable(&merchant_id);
        // What was refused never left the bank account.
        let from = match row.int("is_refused")? {
            0 => AccountCode::OperatorBank,
            _ => AccountCode::PayoutTransit,
        };
        let transfer = Transfer {
            id: derive("payout-returned", &[payout_id.as_bytes()]),
            debit_account_id: operator_account(from).id,
            credit_account_id: to.id,
            amount: row.int("yen")?.unsigned_abs(),
            ledger: LEDGER_JPY,
            code: TransferCode::PayoutReturned.number(),
            ..Transfer::default()
        };
        book(app, transfer, &json!({ "payout": payout_id, "merchant": merchant_id })).await?;
        let update = sql("UPDATE payout SET return_booked_at = $1
             WHERE payout_id = $2 AND return_booked_at IS NULL");
        app.stores.registry.execute(update.bind(app.clock.now()).bind(&payout_id)).await?;
    }
    Ok(())
}
