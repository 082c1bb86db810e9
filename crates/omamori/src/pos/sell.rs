//! What every payment goes through, whether a register read the customer's code or the customer
//! pays an order: coupons are fitted, the value is planned, the gate is asked, the chain is made;
//! and again, if something changed in between.

use super::chain::Chain;
use super::model::{Paid, SaleDetail};
use super::payment::capture_id;
use crate::app::App;
use crate::coupon::{self, Basket};
use crate::gate::chart::TransferCode;
use crate::gate::{Act, Clearance, Place, Question, Use};
use crate::identity::DeviceEntry;
use crate::merchant::StoreEntry;
use crate::value::{self, Made, Offer, Outcome, Purchase};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// A sale to be paid.
pub struct Sale<'a> {
    /// Where, for the gate.
    pub place: Place<'a>,
    /// Who is owed.
    pub store: &'a StoreEntry,
    /// The phone that pays.
    pub device: &'a DeviceEntry,
    /// The id that uses up what is paid with: a code, an order.
    pub authorization_id: u128,
    /// Yen before any discount.
    pub amount: i64,
    /// What the caller found about standing and proof.
    pub opinion: Result<(), Code>,
}

/// Makes the payment whose id is that of `detail`'s merchant and `merchant_payment_id`. Gives the
/// payment, and the detail with the coupons that were used.
///
/// # Errors
/// The refusal, recorded; a fault.
pub async fn sell(
    app: &App,
    sale: &Sale<'_>,
    mut detail: SaleDetail,
) -> Result<(Paid, SaleDetail)> {
    let Sale { store, device, amount, .. } = *sale;
    let chain = Chain {
        authorization_id: sale.authorization_id,
        id: capture_id(&detail.merchant_id, &detail.merchant_payment_id),
        debit_account_id: device.wallet_account,
        credit_account_id: store.sales_account,
        amount,
        of_all_kinds: 0,
        terminal_number: sale.place.terminal_number,
        code: TransferCode::Payment,
    };
    for _ in 0..value::TRIES {
        let basket = Basket { store, amount, items: &detail.items };
        let fitted = coupon::fit(app, device, &basket).await?;
        (detail.coupons, detail.not_applied) = (fitted.used, fitted.not_applied);
        let purchase = Purchase {
            wallet: device.wallet_account,
            store,
            amount,
            discounts: fitted.discounts,
            use_points: device.uses_points,
            points_factor: fitted.points_factor,
        };
        let offer = value::offer(app, &purchase);
        let (clearance, offer) = clear(app, sale, &detail, offer).await?;
        match value::spend(app, clearance, &chain, &offer, Code::PaymentIdReused).await? {
            Outcome::Changed => {}
            Outcome::Made(capture) => {
                let made = Made::of(offer);
                return Ok((Paid { capture: *capture, made }, detail));
            }
        }
    }
    Err(Error::RetryAfter(Code::Busy, 1))
}

/// Asks the gate.
async fn clear(
    app: &App,
    sale: &Sale<'_>,
    detail: &SaleDetail,
    offer: Result<Offer, Code>,
) -> Result<(Clearance, Offer)> {
    let Sale { device, amount, .. } = *sale;
    let due = offer.as_ref().map_or(amount, |offer| offer.spending.due());
    let of = Use::Payment { enrolled_at: device.enrolled_at };
    let admission = app.gate.admission(of, device.wallet_account, due);
    let question = Question {
        act: Act::Payment,
        customer: Some(&device.customer_id),
        device: Some(&device.device_id),
        terminal: Some(sale.place),
        amount: Some(amount),
        admission: Some(admission),
        detail,
    };
    let planned = offer.as_ref().map(drop).map_err(|code| *code);
    let clearance = app.gate.decide(question, sale.opinion.and(planned)).await?;
    Ok((clearance, offer?))
}
