//! `POST /api/pos/v1/payments`: a sale by the code on the customer's phone.
//!
//! The chain is [`super::chain`]'s; the capture's id is the payment's.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Terminal;
use super::authorization::held;
use super::chain::Chain;
use super::code::{self, Verified};
use super::fields::{AMOUNT_MAX, Fields};
use super::model::{
    ItemDetail, Paid, PaymentView, SaleDetail, find_capture, fresh_view, micros, payment_view,
};
use super::tombstone::is_tombstone;
use crate::app::App;
use crate::clock::DAY;
use crate::coupon::{self, Basket};
use crate::gate::chart::TransferCode;
use crate::gate::windows::{Admission, Bound, Class, Flow};
use crate::gate::{Act, Clearance, Question};
use crate::id::derive;
use crate::identity::DeviceEntry;
use crate::value::{self, Made, Offer, Outcome, Purchase};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

/// More lines than a receipt has.
const ITEMS_MAX: usize = 200;

/// A sale.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreatePayment {
    /// The merchant's own id of this sale: 1–64 of `A–Z a–z 0–9 . _ -`. A retry uses it again.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    merchant_payment_id: String,
    /// The 24 digits of the customer's barcode or QR.
    #[schema(pattern = "^[0-9]{24}$")]
    code: String,
    /// Yen, tax included.
    #[schema(minimum = 1, maximum = 1_000_000)]
    amount: i64,
    /// Only `JPY`.
    #[serde(default)]
    #[schema(pattern = "^JPY$")]
    currency: Option<String>,
    /// The number on the paper receipt, at most 64 characters.
    #[serde(default)]
    #[schema(max_length = 64)]
    order_receipt_number: Option<String>,
    /// At most 255 characters.
    #[serde(default)]
    #[schema(max_length = 255)]
    description: Option<String>,
    /// What is bought, at most 200 lines.
    #[serde(default)]
    #[schema(max_items = 200)]
    items: Vec<ItemDetail>,
}

/// A payment, wrapped.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentAnswer {
    /// The payment.
    pub payment: PaymentView,
}

/// The id of a payment: of its capture transfer.
#[must_use]
pub fn capture_id(merchant_id: &str, merchant_payment_id: &str) -> u128 {
    derive("capture", &[merchant_id.as_bytes(), merchant_payment_id.as_bytes()])
}

/// What makes two requests the same sale.
struct Asked {
    merchant_payment_id: String,
    code: String,
    amount: i64,
}

impl CreatePayment {
    fn check(&self) -> Result<()> {
        let mut fields = Fields::default();
        fields.id("merchant_payment_id", &self.merchant_payment_id);
        fields.code(&self.code);
        fields.range("amount", self.amount, 1..=AMOUNT_MAX);
        fields.currency(self.currency.as_deref());
        fields.text_optional("order_receipt_number", self.order_receipt_number.as_deref(), 64);
        fields.text_optional("description", self.description.as_deref(), 255);
        check_items(&self.items, fields)
    }

    fn asked(&self) -> Asked {
        Asked {
            merchant_payment_id: self.merchant_payment_id.clone(),
            code: self.code.clone(),
            amount: self.amount,
        }
    }

    fn detail(self, terminal: &Terminal) -> SaleDetail {
        SaleDetail {
            merchant_payment_id: self.merchant_payment_id,
            merchant_id: terminal.store.merchant_id.clone(),
            store_id: terminal.store.store_id.clone(),
            terminal_id: terminal.terminal_id.clone(),
            order_receipt_number: self.order_receipt_number,
            description: self.description,
            items: self.items,
            ..SaleDetail::default()
        }
    }
}

/// Checks the lines of a sale, and ends the check of its fields.
///
/// # Errors
/// [`Error::Invalid`].
pub(super) fn check_items(items: &[ItemDetail], mut fields: Fields) -> Result<()> {
    if items.len() > ITEMS_MAX {
        return Err(Error::field("items", "too_long"));
    }
    for (index, item) in items.iter().enumerate() {
        let field = |name: &str| format!("items[{index}].{name}");
        if let Some(jan) = &item.jan {
            fields.jan(&field("jan"), jan);
        }
        fields.text(&field("name"), &item.name, 100);
        fields.range(&field("quantity"), item.quantity, 1..=999);
        fields.range(&field("unit_price"), item.unit_price, 0..=AMOUNT_MAX);
    }
    fields.done()
}

/// Takes a payment.
#[utoipa::path(post, path = "/api/pos/v1/payments", tag = "payments",
    operation_id = "create_payment",
    request_body = CreatePayment,
    responses((status = 200, body = PaymentAnswer), (status = "4XX", body = super::shelf::ErrorAnswer),
        (status = "5XX", body = super::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn create(
    State(app): State<Arc<App>>,
    terminal: Terminal,
    Json(sale): Json<CreatePayment>,
) -> Result<axum::Json<PaymentAnswer>> {
    sale.check()?;
    let asked = sale.asked();
    if let Some(payment) = same_sale(&app, &terminal, &asked).await? {
        return Ok(axum::Json(PaymentAnswer { payment }));
    }
    let payment = match pay(&app, &terminal, sale).await {
        Ok(payment) => payment,
        Err(fault @ Error::Fault(_)) => return Err(fault),
        Err(refused) => {
            // The same request may have been carried out in between, on another connection or
            // another node: then what refuses this one is its own money, limit or code.
            app.gate.catch_up().await?;
            match same_sale(&app, &terminal, &asked).await? {
                Some(payment) => payment,
                None => {
                    let sale = Some((&*asked.code, asked.amount));
                    let merchant_id = &terminal.store.merchant_id;
                    held::look(&app, merchant_id, &asked.merchant_payment_id, sale).await?;
                    return Err(refused);
                }
            }
        }
    };
    Ok(axum::Json(PaymentAnswer { payment }))
}

async fn pay(app: &App, terminal: &Terminal, sale: CreatePayment) -> Result<PaymentView> {
    let verified = code::verify(app, &sale.code, terminal.terminal_number).await;
    let amount = sale.amount;
    let mut detail = sale.detail(terminal);
    let verified = match verified {
        Ok(verified) => verified,
        Err(refused) => return Err(refuse(app, terminal, amount, &detail, refused).await),
    };
    let chain = Chain {
        authorization_id: verified.authorization_id,
        id: capture_id(&detail.merchant_id, &detail.merchant_payment_id),
        debit_account_id: verified.device.wallet_account,
        credit_account_id: terminal.store.sales_account,
        amount,
        of_all_kinds: 0,
        terminal_number: terminal.terminal_number,
        code: TransferCode::Payment,
    };
    for _ in 0..value::TRIES {
        let basket = Basket { store: &terminal.store, amount, items: &detail.items };
        let fitted = coupon::fit(app, &verified.device, &basket).await?;
        (detail.coupons, detail.not_applied) = (fitted.used, fitted.not_applied);
        let purchase = Purchase {
            wallet: verified.device.wallet_account,
            store: &terminal.store,
            amount,
            discounts: fitted.discounts,
            use_points: verified.device.uses_points,
            points_factor: fitted.points_factor,
        };
        let offer = value::offer(app, &purchase);
        let (clearance, offer) = clear(app, terminal, &verified, amount, &detail, offer).await?;
        match value::spend(app, clearance, &chain, &offer, Code::PaymentIdReused).await? {
            Outcome::Changed => {}
            Outcome::Made(capture) => {
                let made = Made::of(offer);
                return Ok(fresh_view(&Paid { capture: *capture, made }, detail));
            }
        }
    }
    Err(Error::RetryAfter(Code::Busy, 1))
}

/// The payment that an earlier request like this one made.
async fn same_sale(
    app: &Arc<App>,
    terminal: &Terminal,
    asked: &Asked,
) -> Result<Option<PaymentView>> {
    let merchant_id = &terminal.store.merchant_id;
    let Some(capture) = find_capture(app, merchant_id, &asked.merchant_payment_id).await? else {
        return Ok(None);
    };
    if is_tombstone(&capture) {
        return Err(Code::PaymentCanceled.into());
    }
    let paid = Paid::read(app, capture).await?;
    let same_code = match paid.made.authorization {
        None => code::is_same(app, &asked.code, capture.pending_id, micros(&capture)).await?,
        Some(id) => held::is_code_of(app, &asked.code, id).await?,
    };
    if paid.amount() != asked.amount || !same_code {
        return Err(Code::PaymentIdReused.into());
    }
    Ok(Some(payment_view(app, &capture).await?))
}

/// Records the refusal of a code, and gives what the caller is told: it says more than the gate's
/// answer, when to come back.
async fn refuse(
    app: &App,
    terminal: &Terminal,
    amount: i64,
    detail: &SaleDetail,
    refused: Error,
) -> Error {
    let question = Question {
        terminal: Some(terminal.place()),
        amount: Some(amount),
        ..Question::plain(Act::Payment, detail)
    };
    if let Error::Fault(_) = refused {
        return refused;
    }
    match app.gate.decide(question, Err(refused.code())).await {
        Err(fault @ Error::Fault(_)) => fault,
        _ => refused,
    }
}

/// Asks the gate.
async fn clear(
    app: &App,
    terminal: &Terminal,
    verified: &Verified,
    amount: i64,
    detail: &SaleDetail,
    offer: Result<Offer, Code>,
) -> Result<(Clearance, Offer)> {
    let device = &verified.device;
    let due = offer.as_ref().map_or(amount, |offer| offer.spending.due());
    let admission = admission(app, device, due);
    let question = Question {
        act: Act::Payment,
        customer: Some(&device.customer_id),
        device: Some(&device.device_id),
        terminal: Some(terminal.place()),
        amount: Some(amount),
        admission: Some(admission),
        detail,
    };
    let opinion = offer.as_ref().map(drop).map_err(|code| *code);
    let clearance = app.gate.decide(question, opinion).await?;
    Ok((clearance, offer?))
}

/// The limits that a payment of `due` yen must keep, or what is set aside for one.
pub(super) fn admission(app: &App, device: &DeviceEntry, due: i64) -> Admission {
    let limits = &app.config.limits;
    let first_day = app.clock.now() < device.enrolled_at + DAY;
    let day = if first_day && limits.payment_first_day < limits.payment_24h {
        Bound::day(Class::Out, limits.payment_first_day, Code::LimitNewDevice)
    } else {
        Bound::day(Class::Payment, limits.payment_24h, Code::LimitPayment24h)
    };
    Admission {
        account: device.wallet_account,
        amount: due,
        bounds: vec![day, Bound::month(Class::Payment, limits.payment_30d, Code::LimitPayment30d)],
        flow: Flow::Spend,
    }
}
