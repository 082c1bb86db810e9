//! Carrying out the closings that are due. Every step may be done twice.

use omamori_db::{Row, Tx, sql};
use omamori_ledger::{AccountFlags, CreateTransferResult as R, Request, Transfer, TransferFlags};
use serde_json::json;

use super::{PAID, STOPPED_BY, obstacle, reopen};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::chart::{LEDGER_JPY, TransferCode, closings_account, wallet_account};
use crate::gate::seal::SealKey;
use crate::gate::{Act, Clearance, Question};
use crate::id::derive;
use crate::identity::{account, devices};
use crate::notify::ClosingEnd;
use crate::privacy::evidence;
use crate::privacy::inventory::{AtClosing, INVENTORY};
use crate::web::error::{Error, Result};

/// Closings of one round.
const BATCH: i64 = 100;

struct Closing {
    closing_id: String,
    customer_id: String,
    state: String,
    asked_by: String,
    scrubbed_to: Micros,
}

/// Carries out what is due. One that fails is left for the next round and stops no other.
///
/// # Errors
/// A fault if the registry fails.
pub async fn carry_out_due(app: &App) -> Result<()> {
    let query =
        sql("SELECT closing_id, customer_id, state, asked_by, scrubbed_to FROM account_closing
         WHERE state IN ('waiting', 'ending', 'scrubbing') AND due_at <= $1
         ORDER BY due_at LIMIT $2");
    let rows = app.stores.registry.all(query.bind(app.clock.now()).bind(BATCH)).await?;
    for row in &rows {
        let closing = read(row)?;
        if let Err(error) = carry_out(app, &closing).await {
            let (closing_id, code) = (&closing.closing_id, error.code().as_str());
            tracing::error!(closing_id, code, "an account was not closed; it is tried again");
        }
    }
    Ok(())
}

fn read(row: &Row) -> omamori_db::Result<Closing> {
    Ok(Closing {
        closing_id: row.text("closing_id")?,
        customer_id: row.text("customer_id")?,
        state: row.text("state")?,
        asked_by: row.text("asked_by")?,
        scrubbed_to: row.int("scrubbed_to")?,
    })
}

async fn carry_out(app: &App, closing: &Closing) -> Result<()> {
    if closing.state != "scrubbing" && !end(app, closing).await? {
        return Ok(());
    }
    scrub(app, closing).await
}

/// Everything but the evidence. False if the account stays.
async fn end(app: &App, closing: &Closing) -> Result<bool> {
    let claim = sql("UPDATE account_closing SET state = 'ending'
         WHERE closing_id = $1 AND state IN ('waiting', 'ending')");
    if app.stores.registry.execute(claim.bind(&closing.closing_id)).await? != 1 {
        return Ok(false); // called off by a sign-in, or another node was faster
    }
    app.gate.catch_up().await?;
    let account = account::find(&app.stores.registry, &closing.customer_id).await?;
    let stopped = sql("SELECT customer_id FROM customer
         WHERE customer_id = $1 AND status = 'frozen' AND stopped_by = $2");
    let stopped = stopped.bind(&closing.customer_id).bind(STOPPED_BY);
    let as_left = app.stores.registry.optional(stopped).await?.is_some();
    if !as_left || obstacle::look(app, &account, &closing.asked_by).await?.is_err() {
        return cancel(app, closing).await;
    }
    let made = app.gate.transfer_certainly(closing_transfer_id(closing)).await?.is_some();
    if !made {
        close_wallet(app, closing, account.wallet_account).await?;
    } else if !is_closed(app, account.wallet_account) {
        return cancel(app, closing).await; // a round before opened it again, and got no further
    }
    // Nothing moves on a closed account: what is seen now is so for good. What came between the
    // look and the closing is the customer's, so the account opens again.
    if obstacle::value(app, account.wallet_account, &closing.asked_by).is_err() {
        open_wallet(app, closing).await?;
        return cancel(app, closing).await;
    }
    forget_person(app, closing).await
}

async fn cancel(app: &App, closing: &Closing) -> Result<bool> {
    let mut tx = app.stores.registry.begin().await?;
    let update = sql("UPDATE account_closing SET state = 'canceled', ended_at = $1
         WHERE closing_id = $2 AND state = 'ending'");
    if tx.execute(update.bind(app.clock.now()).bind(&closing.closing_id)).await? == 1 {
        if closing.asked_by == PAID {
            shut_again(&mut tx, &closing.customer_id).await?;
        } else {
            reopen(app, &mut tx, &closing.customer_id, ClosingEnd::Forbidden).await?;
        }
        tx.commit().await?;
    }
    Ok(false)
}

/// Who was paid back does not get the account back: once nothing stands against it, it closes.
async fn shut_again(tx: &mut Tx, customer_id: &str) -> Result<()> {
    let update = sql("UPDATE customer SET stopped_by = $1
         WHERE customer_id = $2 AND status = 'frozen' AND stopped_by = $3");
    tx.execute(update.bind(PAID).bind(customer_id).bind(STOPPED_BY)).await?;
    Ok(())
}

fn is_closed(app: &App, wallet: u128) -> bool {
    app.gate.account(wallet).is_some_and(|wallet| wallet.flags.contains(AccountFlags::CLOSED))
}

fn closing_transfer_id(closing: &Closing) -> u128 {
    derive("wallet-close", &[closing.closing_id.as_bytes()])
}

async fn cleared(app: &App, closing: &Closing, opens: bool) -> Result<Clearance> {
    let detail = json!({ "closing": closing.closing_id, "opens_again": opens });
    let customer = Some(closing.customer_id.as_str());
    let question = Question { customer, ..Question::plain(Act::AccountClose, &detail) };
    app.gate.decide(question, Ok(())).await
}

/// From here on no value arrives, whoever sends it: the ledger itself refuses it.
async fn close_wallet(app: &App, closing: &Closing, wallet: u128) -> Result<()> {
    let close = Transfer {
        id: closing_transfer_id(closing),
        debit_account_id: wallet,
        credit_account_id: closings_account().id,
        ledger: LEDGER_JPY,
        code: TransferCode::WalletClose.number(),
        flags: TransferFlags::PENDING | TransferFlags::CLOSING_DEBIT,
        ..Transfer::default()
    };
    let request = Request {
        // A wallet that never held value has no account yet; it could come to be later.
        accounts: vec![wallet_account(wallet), closings_account()],
        transfers: vec![close],
    };
    let clearance = cleared(app, closing, false).await?;
    match app.gate.commit(clearance, request).await?.transfers[0].result {
        // Another node was faster; its decision is another one.
        R::Ok | R::DebitAccountAlreadyClosed | R::ExistsWithDifferentUserData128 => Ok(()),
        _ => Err(Error::fault("the ledger did not close a wallet")),
    }
}

async fn open_wallet(app: &App, closing: &Closing) -> Result<()> {
    let open = Transfer {
        id: derive("wallet-open", &[closing.closing_id.as_bytes()]),
        pending_id: closing_transfer_id(closing),
        flags: TransferFlags::VOID_PENDING_TRANSFER,
        ..Transfer::default()
    };
    let clearance = cleared(app, closing, true).await?;
    let request = Request { accounts: Vec::new(), transfers: vec![open] };
    match app.gate.commit(clearance, request).await?.transfers[0].result {
        R::Ok | R::ExistsWithDifferentUserData128 | R::PendingTransferAlreadyVoided => Ok(()),
        _ => Err(Error::fault("the ledger did not open a wallet again")),
    }
}

/// Takes the person out of the registry, in one transaction; the number is free from then on.
async fn forget_person(app: &App, closing: &Closing) -> Result<bool> {
    let mut tx = app.stores.registry.begin().await?;
    let step = sql("UPDATE account_closing SET state = 'scrubbing'
         WHERE closing_id = $1 AND state = 'ending'");
    if tx.execute(step.bind(&closing.closing_id)).await? != 1 {
        return Ok(false); // another node was faster and goes on
    }
    devices::note(app, &mut tx, &closing.customer_id).await?;
    for table in INVENTORY {
        if let AtClosing::Deleted(statement) | AtClosing::Emptied(_, statement) = table.at_closing {
            tx.execute(sql(statement).bind(&closing.customer_id)).await?;
        }
    }
    tx.commit().await?;
    Ok(true)
}

/// Takes the person out of the evidence, a step at a time; where it is, is kept.
async fn scrub(app: &App, closing: &Closing) -> Result<()> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let key = SealKey::of(&app.vault);
    let mut from = closing.scrubbed_to - evidence::BATCH_SPAN;
    while from <= now {
        evidence::scrub(&app.stores.evidence, &key, &closing.customer_id, from).await?;
        from += evidence::STEP;
        let step = sql("UPDATE account_closing SET scrubbed_to = $1 WHERE closing_id = $2");
        registry.execute(step.bind(from).bind(&closing.closing_id)).await?;
    }
    let done = sql("UPDATE account_closing SET state = 'done', ended_at = $1
         WHERE closing_id = $2 AND state = 'scrubbing'");
    registry.execute(done.bind(now).bind(&closing.closing_id)).await?;
    Ok(())
}
