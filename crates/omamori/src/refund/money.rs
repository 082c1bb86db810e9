//! What claims move in the ledger. A claim's value leaves the wallet under the claim's own id, so
//! it is set aside once, whoever does it and however often.

use omamori_db::sql;
use omamori_ledger::{Account, CreateTransferResult as R, Request, Transfer, TransferFlags};
use serde_json::{Value, json};

use super::claim::{Claim, State, needs_review};
use super::closing;
use crate::app::App;
use crate::gate::chart::{AccountCode, LEDGER_JPY, TransferCode, wallet_account};
use crate::gate::chart::{available, wallet_account_id};
use crate::gate::once::is_closed;
use crate::gate::{Act, Question};
use crate::id::derive;
use crate::notify::{Notice, tell};
use crate::pos::yen;
use crate::value::legs::operator_account;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Value that is moved for one customer.
pub(super) struct Moving<'a> {
    pub customer_id: &'a str,
    pub act: Act,
    pub about: Value,
}

/// The transfer that stands under this id: made now, or before. None if the accounts let nothing
/// move.
pub(super) async fn once(
    app: &App,
    moving: &Moving<'_>,
    accounts: Vec<Account>,
    transfer: Transfer,
) -> Result<Option<Transfer>> {
    let question = Question {
        customer: Some(moving.customer_id).filter(|id| !id.is_empty()),
        ..Question::plain(moving.act, &moving.about)
    };
    let request = Request { accounts, transfers: vec![transfer] };
    let moves_nothing = |result| is_closed(result) || result == R::ExceedsCredits;
    Ok(app.gate.once(question, request, moves_nothing).await?.ok())
}

/// All that can leave a wallet now: what is set aside for a purchase stays.
pub(super) fn all_of(wallet: u128, to: &Account, id: u128, code: TransferCode) -> Transfer {
    Transfer {
        id,
        debit_account_id: wallet,
        credit_account_id: to.id,
        amount: Transfer::AMOUNT_MAX,
        ledger: LEDGER_JPY,
        code: code.number(),
        flags: TransferFlags::BALANCING_DEBIT,
        ..Transfer::default()
    }
}

/// Yen that can leave a customer's wallet now.
pub(super) fn left(app: &App, customer_id: &str) -> i64 {
    app.gate.account(wallet_account_id(customer_id)).as_ref().map_or(0, available)
}

/// Sets the value of a claim aside. Of a claim for which there is nothing, nothing is left.
///
/// # Errors
/// [`Code::RefundNothing`]; a fault, and the claim is taken up again.
pub(super) async fn set_aside(app: &App, claim: &Claim) -> Result<Claim> {
    let wallet = wallet_account_id(&claim.customer_id);
    let payable = operator_account(AccountCode::RefundPayable);
    let moving = Moving {
        customer_id: &claim.customer_id,
        act: Act::RefundSetAside,
        about: json!({ "claim": claim.claim_id }),
    };
    let transfer = all_of(wallet, &payable, claim.number()?, TransferCode::RefundSetAside);
    let accounts = vec![wallet_account(wallet), payable];
    let moved = once(app, &moving, accounts, transfer).await?.map_or(0, |stands| yen(&stands));
    let registry = &app.stores.registry;
    if moved == 0 {
        let mut tx = registry.begin().await?;
        let delete = sql("DELETE FROM refund_claim WHERE claim_id = $1 AND state = 'asked'");
        tx.execute(delete.bind(&claim.claim_id)).await?;
        closing::reopen_in(app, &mut tx, &claim.customer_id).await?;
        tx.commit().await?;
        return Err(Code::RefundNothing.into());
    }
    let now = app.clock.now();
    // No account that closes is paid back before staff have looked.
    let is_looked_at = claim.is_of_closing() || claim.asked_by.starts_with("stf_");
    let review = is_looked_at || needs_review(registry, &claim.customer_id, now).await?;
    let state = if review { State::Review } else { State::Waiting };
    let mut tx = registry.begin().await?;
    let update = sql("UPDATE refund_claim SET state = $1, yen = $2, state_at = $3
         WHERE claim_id = $4 AND state = 'asked'");
    let update = update.bind(state.as_str()).bind(moved).bind(now).bind(&claim.claim_id);
    if tx.execute(update).await? == 1 {
        let last_digits = claim.last_digits.clone();
        let notice = if claim.is_of_closing() {
            Notice::ClosingClaimed { amount: moved, last_digits }
        } else {
            Notice::RefundClaimed { amount: moved, last_digits }
        };
        tell(app, &mut tx, &claim.customer_id, &notice).await?;
        tx.commit().await?;
    }
    Ok(Claim { state, yen: moved, ..claim.clone() })
}

/// Puts the value of a refused claim back into the wallet, and says so.
pub(super) async fn put_back(app: &App, claim: &Claim) -> Result<()> {
    let payable = operator_account(AccountCode::RefundPayable);
    let moving = Moving {
        customer_id: &claim.customer_id,
        act: Act::RefundBack,
        about: json!({ "claim": claim.claim_id }),
    };
    let transfer = Transfer {
        id: derive("refund-back", &[claim.claim_id.as_bytes()]),
        debit_account_id: payable.id,
        credit_account_id: wallet_account_id(&claim.customer_id),
        amount: claim.yen.unsigned_abs(),
        ledger: LEDGER_JPY,
        code: TransferCode::RefundBack.number(),
        ..Transfer::default()
    };
    let stands = once(app, &moving, vec![payable], transfer).await?;
    stands.ok_or(Error::fault("a refused claim did not come back"))?;
    let mut tx = app.stores.registry.begin().await?;
    let update = sql("UPDATE refund_claim SET state = 'refused', state_at = $1
         WHERE claim_id = $2 AND state = 'refusing'");
    if tx.execute(update.bind(app.clock.now()).bind(&claim.claim_id)).await? == 1 {
        // The customer took it back where nobody gives a reason.
        let notice = if claim.reason.is_empty() {
            Notice::ClosingDropped { amount: claim.yen }
        } else {
            Notice::RefundRefused { amount: claim.yen }
        };
        tell(app, &mut tx, &claim.customer_id, &notice).await?;
        closing::reopen_in(app, &mut tx, &claim.customer_id).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Moves between what is set aside and the operator's bank, once.
pub(super) async fn book(
    app: &App,
    id: u128,
    (code, amount): (TransferCode, i64),
    about: Value,
) -> Result<()> {
    let [payable, bank] =
        [AccountCode::RefundPayable, AccountCode::OperatorBank].map(operator_account);
    let (from, to) = match code {
        TransferCode::RefundReturned | TransferCode::RefundQuotaReturned => (bank, payable),
        _ => (payable, bank),
    };
    let moving = Moving { customer_id: "", act: Act::RefundBook, about };
    let transfer = Transfer {
        id,
        debit_account_id: from.id,
        credit_account_id: to.id,
        amount: amount.unsigned_abs(),
        ledger: LEDGER_JPY,
        code: code.number(),
        ..Transfer::default()
    };
    let stands = once(app, &moving, vec![payable, bank], transfer).await?;
    stands.map(drop).ok_or(Error::fault("a refund was refused by the ledger"))
}
