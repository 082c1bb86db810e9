//! Free value that a campaign gives: taken once, out of its budget, into a lot that ends like any
//! other and is told of before.
//!
//! The budget's yen go to the operator's account that pays stores for free value: what is given is
//! covered from that moment on, and what nobody spends stays there.

use omamori_ledger::{CreateTransferResult as R, Request, Transfer};

use super::campaign::Campaign;
use super::set::Detail;
use crate::app::App;
use crate::gate::chart::{AccountCode, LEDGER_JPY, TransferCode, available, wallet_account};
use crate::gate::purse::{Lot, LotKind, Month};
use crate::gate::{Act, Use};
use crate::identity::{Customer, Network};
use crate::value::legs::{Leg, Legs, operator_id};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Others that may take from the same budget in between.
const TRIES: usize = 8;

/// Gives it, once. `opinion` is what the campaign says to this customer.
///
/// # Errors
/// The refusal of `opinion`, the budget, limits or rules; a fault.
pub(super) async fn take(
    app: &App,
    (customer, network): (&Customer, Network),
    campaign: &Campaign,
    yen: i64,
    opinion: std::result::Result<(), Code>,
) -> Result<()> {
    let wallet = customer.wallet_account;
    let id = campaign.taken(wallet);
    for _ in 0..TRIES {
        if app.gate.transfer_certainly(id).await?.is_some() {
            return Ok(());
        }
        let left = app.gate.account(campaign.budget_account()).as_ref().map_or(0, available);
        let opinion = if left < yen { Err(Code::CouponNotOffered) } else { opinion };
        let detail = Detail { campaign_id: &campaign.campaign_id };
        let mut question = customer.asks(Act::CouponSet, &detail);
        question.facts.address = Some(network.address());
        question.amount = Some(yen);
        question.admission = Some(app.gate.admission(Use::Convert, wallet, yen));
        let clearance = app.gate.decide(question, opinion).await?;
        let reply = app.gate.commit(clearance, chain(app, campaign, wallet, yen)).await?;
        if reply.transfers.iter().all(|transfer| transfer.result == R::Ok) {
            return Ok(());
        }
    }
    Err(Error::RetryAfter(Code::Busy, 1))
}

fn chain(app: &App, campaign: &Campaign, wallet: u128, yen: i64) -> Request {
    let id = campaign.taken(wallet);
    let note = Transfer {
        id,
        debit_account_id: operator_id(AccountCode::FreeFunding),
        credit_account_id: wallet,
        user_data_64: yen.unsigned_abs(),
        ledger: LEDGER_JPY,
        code: TransferCode::FreeGivenNote.number(),
        ..Transfer::default()
    };
    let mut legs = Legs::after(&[note], id, wallet, 0);
    legs.accounts.push(wallet_account(wallet));
    let funding = legs.operator(AccountCode::FreeFunding);
    legs.push(Leg {
        code: TransferCode::CouponDiscount,
        from: campaign.budget_account(),
        to: funding,
        ledger: LEDGER_JPY,
        amount: yen,
        user_data_32: 0,
    });
    let month = Month::of(app.clock.now()).plus(app.config.value.free_months);
    legs.into_lot(LotKind::Free, TransferCode::FreeGiven, Lot { month, amount: yen });
    legs.close(app)
}
