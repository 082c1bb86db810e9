//! Planning a payment and making it.

use omamori_ledger::{CreateTransferResult as R, Reply, Transfer};

use super::legs::{self, Earning};
use super::plan::{Bill, Discount, Spending, plan};
use crate::app::App;
use crate::clock::DAY;
use crate::gate::Clearance;
use crate::gate::chart::{TransferCode, wallet_account};
use crate::gate::purse::{Lot, Month};
use crate::merchant::StoreEntry;
use crate::pos::Chain;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// How often a payment is planned anew when the customer's value changed in between.
pub const TRIES: usize = 8;

/// A payment to be planned.
pub struct Purchase<'a> {
    /// The customer's account for paid value.
    pub wallet: u128,
    /// Where.
    pub store: &'a StoreEntry,
    /// Yen before any discount.
    pub amount: i64,
    /// What campaigns take off.
    pub discounts: Vec<Discount>,
    /// Whether the customer uses points.
    pub use_points: bool,
    /// By what a campaign multiplies the points; 1 if none does.
    pub points_factor: i64,
}

/// A payment as it would be made now.
#[derive(Clone, Debug)]
pub struct Offer {
    /// What it takes.
    pub spending: Spending,
    /// The points that it earns.
    pub earning: Earning,
    /// Points owed, which earned ones pay first.
    pub debt: i64,
}

/// Plans a payment from what the customer holds now.
///
/// # Errors
/// Insufficient funds.
pub fn offer(app: &App, purchase: &Purchase<'_>) -> Result<Offer, Code> {
    let settings = &app.config.value;
    let purse = app.gate.purse(purchase.wallet);
    let Purchase { amount, use_points, .. } = *purchase;
    let bill = Bill { amount, discounts: &purchase.discounts, use_points };
    let spending = plan(&purse, &bill, settings.spending_order).ok_or(Code::InsufficientFunds)?;
    let earning = earning(app, purchase.store, &spending, purchase.points_factor);
    Ok(Offer { spending, earning, debt: purse.points_debt })
}

/// The points that a payment earns now.
#[must_use]
pub fn earning(app: &App, store: &StoreEntry, spending: &Spending, factor: i64) -> Earning {
    let settings = &app.config.value.points;
    let paid = spending.due() - crate::gate::purse::total(&spending.points);
    let rate = store.points_rate.unwrap_or(settings.rate);
    let after_days = settings.after_days;
    let earned_at = app.clock.now() + i64::from(after_days) * DAY;
    let lot = Lot {
        month: Month::of(earned_at).plus(settings.months),
        amount: settings.earned(paid, rate, factor),
    };
    Earning { lot, after_days }
}

/// What became of an attempt to pay.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Paid: the capture.
    Made(Box<Transfer>),
    /// The customer's value, a coupon or a budget changed since the plan: plan again.
    Changed,
}

/// Makes a planned payment. `chain` says which, from whom and to whom; the amount is the plan's.
///
/// # Errors
/// A refusal: the code is used up, the id is another payment's (`reused`), the account stopped.
pub async fn spend(
    app: &App,
    clearance: Clearance,
    chain: &Chain,
    offer: &Offer,
    reused: Code,
) -> Result<Outcome> {
    let decision = clearance.decision().to_u128();
    let mut legs = legs::payment(chain, &offer.spending, offer.earning, offer.debt);
    // A customer who has only points or coupons has no account for paid value yet.
    legs.accounts.push(wallet_account(chain.debit_account_id));
    let request = legs.close(app);
    let capture = request.transfers[1];
    let reply = app.gate.commit(clearance, request).await?;
    match culprit(&reply) {
        None => Ok(Outcome::Made(Box::new(Transfer {
            timestamp: reply.transfers[1].timestamp,
            user_data_128: decision,
            ..capture
        }))),
        // Authorize first: it would also fail because an equal request was carried out before.
        Some((0, R::ExceedsCredits)) => Ok(Outcome::Changed),
        Some((0, R::DebitAccountAlreadyClosed | R::CreditAccountAlreadyClosed)) => {
            Err(Code::AccountFrozen.into())
        }
        Some((0, _)) => Err(Code::CodeAlreadyUsed.into()),
        Some((1, _)) => Err(reused.into()),
        Some((_, R::ExceedsCredits | R::ExceedsDebits)) => Ok(Outcome::Changed),
        Some((_, other)) => {
            tracing::error!(?other, code = TransferCode::Payment.number(), "a leg was refused");
            Err(Error::fault("a leg of a payment was refused"))
        }
    }
}

/// The transfer that broke the chain.
pub(crate) fn culprit(reply: &Reply) -> Option<(usize, R)> {
    let mut results = reply.transfers.iter().map(|outcome| outcome.result).enumerate();
    results.find(|(_, result)| !matches!(result, R::Ok | R::LinkedEventFailed))
}
