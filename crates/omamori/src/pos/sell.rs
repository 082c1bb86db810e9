//! What every payment goes through, whether a register read the customer's code or the customer
//! pays an order: coupons are fitted, the value is planned, the gate is asked, the chain is made;
//! and again, if something changed in between.

use super::chain::Chain;
use super::held;
use super::model::{ItemDetail, Paid, SaleDetail};
use super::payment::capture_id;
use crate::app::App;
use crate::coupon::{self, Basket};
use crate::gate::chart::TransferCode;
use crate::gate::{Act, Clearance, Place, Question, Use};
use crate::identity::DeviceEntry;
use crate::merchant::StoreEntry;
use crate::risk::{self, Facts, confirm};
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
    /// What is known of the request, for risk rules; the sale's own lines are added.
    pub facts: Facts<'a>,
    /// Whether the caller can be told to wait for staff; else what is to wait is refused.
    pub may_wait: bool,
    /// What the caller found about standing and proof.
    pub opinion: Result<(), Code>,
}

/// Makes the payment whose id is that of `detail`'s merchant and `merchant_payment_id`. Gives the
/// payment, and the detail with the coupons that were used.
///
/// # Errors
/// The refusal, recorded; [`Code::PaymentHeld`] for what waits for staff now; a fault.
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
    let customer = Some(&*device.customer_id);
    let points_are_open = app.gate.open_door(Act::PointsConvert, None, customer).is_ok();
    for _ in 0..value::TRIES {
        let basket = Basket { store, amount, items: &detail.items };
        let fitted = coupon::fit(app, device, &basket).await?;
        (detail.coupons, detail.not_applied) = (fitted.used, fitted.not_applied);
        let purchase = Purchase {
            wallet: device.wallet_account,
            store,
            amount,
            discounts: fitted.discounts,
            use_points: device.uses_points && points_are_open,
            points_factor: fitted.points_factor,
        };
        let offer = value::offer(app, &purchase);
        let (clearance, offer) = clear(app, sale, &detail, offer).await?;
        if clearance.is_held() {
            let hold = held::Hold { sale, purchase: &purchase, detail: &detail };
            match hold.make(app, clearance).await? {
                Some(_) => return Err(held::still_held()),
                None => continue,
            }
        }
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
        facts: Facts {
            largest_item: detail.items.iter().map(ItemDetail::sum).max(),
            most_pieces: detail.items.iter().map(|item| item.quantity).max(),
            uses_coupon: !detail.coupons.is_empty(),
            ..sale.facts
        },
        detail,
    };
    let planned = offer.as_ref().map(drop).map_err(|code| *code);
    let opinion = sale.opinion.and(planned);
    let decided = if sale.may_wait {
        app.gate.decide_or_hold(question, opinion).await
    } else {
        app.gate.decide(question, opinion).await
    };
    if let Err(Error::Refused(Code::ConfirmationRequired)) = &decided {
        confirm::ask(app, &device.customer_id, sale.store, risk::Act::Payment, amount).await?;
    }
    Ok((decided?, offer?))
}
