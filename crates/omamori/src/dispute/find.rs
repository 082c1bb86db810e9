//! What a customer can say they do not know: a line of their own history.

use omamori_ledger::Transfer;

use crate::app::App;
use crate::gate::chart::TransferCode;
use crate::id::Kind;
use crate::identity::Customer;
use crate::pos::{RefundDetail, detail};
use crate::send::transfers::receive_id;
use crate::wallet::entry::{Entry, EntryKind, entry};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// A line of the customer's own history, and the transfer behind it.
pub(super) struct Disputed {
    pub entry: Entry,
    pub transfer: Transfer,
}

/// The line with this id; a refund's is that of its payment. What is somebody else's, of a kind
/// that nobody can dispute, or not there at all looks the same.
pub(super) async fn find(app: &App, customer: &Customer, id: &str) -> Result<Disputed> {
    let wallet = customer.wallet_account;
    for transfer_id in transfers(app, id).await? {
        let Some(found) = app.gate.transfer(transfer_id).await? else { continue };
        let transfer = found.transfer;
        if ![transfer.debit_account_id, transfer.credit_account_id].contains(&wallet) {
            continue;
        }
        if let Some(entry) = entry(app, wallet, &transfer).await?
            && is_disputable(entry.kind)
        {
            return Ok(Disputed { entry, transfer });
        }
    }
    Err(Error::Refused(Code::PaymentNotFound))
}

/// The transfers that an id can stand for.
async fn transfers(app: &App, id: &str) -> Result<Vec<u128>> {
    if let Some(refund_id) = Kind::Refund.parse(id) {
        let Some(money) = app.gate.transfer(refund_id).await? else { return Ok(Vec::new()) };
        let codes = [TransferCode::Refund.number(), TransferCode::Cancel.number()];
        if !codes.contains(&money.transfer.code) {
            return Ok(Vec::new());
        }
        let about: RefundDetail = detail(app, &money.transfer).await?;
        return Ok(Kind::Payment.parse(&about.payment_id).into_iter().collect());
    }
    if let Some(send_id) = Kind::Send.parse(id) {
        return Ok(vec![send_id, receive_id(send_id)]);
    }
    Ok(Kind::Payment.parse(id).or_else(|| Kind::Topup.parse(id)).into_iter().collect())
}

/// Points that became balance never left the customer, and a chargeback has a case of its own.
const fn is_disputable(kind: EntryKind) -> bool {
    !matches!(
        kind,
        EntryKind::Points
            | EntryKind::Chargeback
            | EntryKind::Compensation
            | EntryKind::Reversal
            | EntryKind::RefundClaim
            | EntryKind::RefundClaimBack
            | EntryKind::Excluded
            | EntryKind::Refund
            | EntryKind::Cancel
    )
}
