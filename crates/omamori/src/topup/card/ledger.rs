//! What a top-up by card does in the ledger: reserve, post or void. Which of the last two comes
//! first decides, for all nodes and for ever, whether it is credited or goes back.

use omamori_ledger::{CreateTransferResult as R, Request, Transfer, TransferFlags};
use serde_json::json;

use super::conversation::{Origin, Topup};
use super::gateway::Reason;
use crate::app::App;
use crate::gate::chart::{
    LEDGER_JPY, TransferCode, card_accounts, card_clearing_id, wallet_account,
};
use crate::gate::{Act, Clearance, Question};
use crate::id::{Kind, derive};
use crate::identity::account;
use crate::risk::Facts;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// A reservation that nobody resolves, because the gateway is gone, ends by itself: what the card
/// paid goes back then.
const RESERVATION_SECONDS: u32 = 7 * 24 * 3_600;

/// The id of the transfer that credits; the top-up's own.
pub fn credit_id(topup_id: &str) -> Result<u128> {
    Kind::Topup.parse(topup_id).ok_or(Error::fault("a top-up's id is none"))
}

/// The id of the pending transfer.
pub fn reservation_id(topup_id: &str) -> u128 {
    derive("card-topup-reservation", &[topup_id.as_bytes()])
}

fn release_id(topup_id: &str) -> u128 {
    derive("card-topup-release", &[topup_id.as_bytes()])
}

const fn code(origin: Origin) -> TransferCode {
    match origin {
        Origin::Customer => TransferCode::TopupCard,
        Origin::Auto => TransferCode::TopupAuto,
    }
}

/// Uses the limits, before any card is asked.
///
/// # Errors
/// A limit; the account takes no value; a fault.
pub async fn reserve(app: &App, clearance: Clearance, topup: &Topup, wallet: u128) -> Result<()> {
    let pending = Transfer {
        id: reservation_id(&topup.topup_id),
        debit_account_id: card_clearing_id(),
        credit_account_id: wallet,
        amount: topup.amount.unsigned_abs(),
        timeout: RESERVATION_SECONDS,
        ledger: LEDGER_JPY,
        code: code(topup.origin).number(),
        flags: TransferFlags::PENDING,
        ..Transfer::default()
    };
    let mut accounts = card_accounts().to_vec();
    accounts.push(wallet_account(wallet));
    let request = Request { accounts, transfers: vec![pending] };
    match app.gate.commit(clearance, request).await?.transfers[0].result {
        R::Ok => Ok(()),
        R::CreditAccountAlreadyClosed => Err(Code::AccountFrozen.into()),
        _ => Err(Error::fault("a top-up by card could not be reserved")),
    }
}

/// Makes it balance. `Err` inside: it cannot be any more, and the reason.
///
/// # Errors
/// A fault, with the state unknown: ask again.
pub async fn credit(app: &App, topup: &Topup) -> Result<Result<(), Reason>> {
    let id = credit_id(&topup.topup_id)?;
    if app.gate.transfer_certainly(id).await?.is_some() {
        return Ok(Ok(()));
    }
    let account = account::find(&app.stores.registry, &topup.customer_id).await?;
    let opinion = if account.frozen { Err(Code::AccountFrozen) } else { Ok(()) };
    let clearance = match decide(app, Act::TopupCardCredit, topup, opinion).await {
        Ok(clearance) => clearance,
        Err(Error::Refused(_)) => return Ok(Err(Reason::AccountFrozen)),
        Err(error) => return Err(error),
    };
    let post = Transfer {
        id,
        pending_id: reservation_id(&topup.topup_id),
        amount: Transfer::AMOUNT_MAX,
        flags: TransferFlags::POST_PENDING_TRANSFER,
        ..Transfer::default()
    };
    let request = Request { accounts: Vec::new(), transfers: vec![post] };
    let result = app.gate.commit(clearance, request).await?.transfers[0].result;
    if result == R::Ok || app.gate.transfer(id).await?.is_some() {
        return Ok(Ok(()));
    }
    match result {
        R::PendingTransferAlreadyVoided
        | R::PendingTransferExpired
        | R::PendingTransferNotFound
        | R::CreditAccountAlreadyClosed => Ok(Err(Reason::TooLate)),
        _ => Err(Error::fault("a top-up by card could not be credited")),
    }
}

/// Frees what was reserved. False if it was credited meanwhile: then it stays so.
///
/// # Errors
/// A fault, with the state unknown: ask again.
pub async fn release(app: &App, topup: &Topup) -> Result<bool> {
    let id = release_id(&topup.topup_id);
    if app.gate.transfer_certainly(id).await?.is_some() {
        return Ok(true);
    }
    let clearance = decide(app, Act::TopupCardRelease, topup, Ok(())).await?;
    let void = Transfer {
        id,
        pending_id: reservation_id(&topup.topup_id),
        flags: TransferFlags::VOID_PENDING_TRANSFER,
        ..Transfer::default()
    };
    let request = Request { accounts: Vec::new(), transfers: vec![void] };
    match app.gate.commit(clearance, request).await?.transfers[0].result {
        R::PendingTransferAlreadyPosted => Ok(false),
        R::Ok
        | R::PendingTransferAlreadyVoided
        | R::PendingTransferExpired
        | R::PendingTransferNotFound => Ok(true),
        _ if app.gate.transfer(id).await?.is_some() => Ok(true),
        _ => Err(Error::fault("a top-up by card could not be released")),
    }
}

async fn decide(
    app: &App,
    act: Act,
    topup: &Topup,
    opinion: Result<(), Code>,
) -> Result<Clearance> {
    let detail = json!({
        "topup": topup.topup_id, "card": topup.card_id, "reference": topup.state.reference(),
        "reason": topup.state.reason(),
    });
    let refused = [Reason::Declined, Reason::AuthenticationFailed].map(Some);
    let failed = act == Act::TopupCardRelease;
    // A release for another reason is no failure of the card: no window counts it.
    let is_step = failed && !refused.contains(&topup.state.reason());
    let facts = Facts { failed, is_step, ..Facts::NONE };
    let question = Question {
        customer: Some(&topup.customer_id),
        amount: Some(topup.amount),
        facts,
        ..Question::plain(act, &detail)
    };
    app.gate.decide(question, opinion).await
}
