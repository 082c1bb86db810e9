//! What forbids to close an account.

use crate::app::App;
use crate::case::list::is_looked_into;
use crate::clock::DAY;
use crate::gate::chart::TransferCode;
use crate::identity::account::Account;
use crate::refund::claim;
use crate::web::codes::Code;
use crate::web::error::Result;

/// For so long after a payment the shop may still give it back into the wallet.
const REFUNDS: i64 = 14 * DAY;
/// Transfers of the statement that are looked at for the latest payment.
const LOOKED_AT: usize = 200;

/// What holders give up who were paid back for closing the account: free value, which is not their
/// money. Who was not spends it first.
pub(super) fn gives_up_free(asked_by: &str) -> bool {
    asked_by == super::PAID
}

/// `Err` with what the customer must do first. What only the operator may know is said as one
/// thing: that the account cannot be closed.
pub(super) async fn look(
    app: &App,
    account: &Account,
    asked_by: &str,
) -> Result<std::result::Result<(), Code>> {
    let now = app.clock.now();
    let (registry, id) = (&app.stores.registry, account.customer_id.as_str());
    // A thief who closes the account they emptied must not take the evidence with them; nor a mule
    // whom a count found and who knows nothing of it.
    if is_looked_into(registry, id, now).await? {
        return Ok(Err(Code::ClosingHeld));
    }
    if let Err(code) = value(app, account.wallet_account, asked_by) {
        return Ok(Err(code));
    }
    if claim::is_open(registry, id).await? {
        return Ok(Err(Code::ClosingPending)); // its value is to be paid to the bank account
    }
    let statement = app.gate.statement(account.wallet_account, None, LOOKED_AT).await?;
    let refundable = statement.iter().any(|transfer| {
        let is_payment = transfer.code == TransferCode::Payment.number();
        is_payment && crate::pos::micros(transfer) > now - REFUNDS
    });
    Ok(if refundable { Err(Code::ClosingRefunds) } else { Ok(()) })
}

/// Whether the customer holds no paid value, no free value unless it is given up, and nothing is on
/// its way. Points and coupons end with the account: whoever spends the last yen earns points
/// again, and could never leave.
pub(super) fn value(
    app: &App,
    wallet_account: u128,
    asked_by: &str,
) -> std::result::Result<(), Code> {
    let account = app.gate.account(wallet_account).unwrap_or_default();
    if app.gate.is_pending(wallet_account) {
        return Err(Code::ClosingPending);
    }
    let has_no_free = gives_up_free(asked_by) || app.gate.purse(wallet_account).free.is_empty();
    let is_empty = account.credits_posted == account.debits_posted && has_no_free;
    if is_empty { Ok(()) } else { Err(Code::ClosingBalance) }
}
