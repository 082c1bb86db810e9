//! What the API answers, and the details that the evidence keeps of each operation.

use std::net::IpAddr;

use omamori_ledger::Transfer;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reversal::{Reversal, claims};
use super::tombstone::is_tombstone;
use crate::app::App;
use crate::clock::Micros;
use crate::gate::purse::total;
use crate::id::Kind;
use crate::value::Made;
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;

/// One line of a sale.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemDetail {
    /// JAN/EAN, 8 or 13 digits.
    #[schema(pattern = "^([0-9]{8}|[0-9]{13})$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jan: Option<String>,
    /// At most 100 characters.
    #[schema(max_length = 100)]
    pub name: String,
    /// 1–999.
    #[schema(minimum = 1, maximum = 999)]
    pub quantity: i64,
    /// Yen, tax included.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub unit_price: i64,
}

/// What the evidence keeps of a sale.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SaleDetail {
    /// The merchant's own id.
    pub merchant_payment_id: String,
    /// `mer_…`.
    pub merchant_id: String,
    /// `sto_…`.
    pub store_id: String,
    /// `ter_…`; empty if no terminal took part.
    pub terminal_id: String,
    /// `ord_…`, if it was an order that was paid, and not a code that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// `ses_…` that paid the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The network that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// The number on the paper receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_receipt_number: Option<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What was bought.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemDetail>,
    /// The coupons that were used, in the order of their legs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coupons: Vec<CouponDetail>,
    /// The coupons that were set and did not fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_applied: Vec<NotApplied>,
}

/// A coupon that was used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouponDetail {
    /// `cmp_…`.
    pub campaign_id: String,
    /// As the customer and the clerk read it.
    pub name: String,
}

/// A coupon that the customer had set and that was not applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NotApplied {
    /// `cmp_…`.
    pub campaign_id: String,
    /// As the customer and the clerk read it.
    pub name: String,
    /// Why.
    pub reason: NotAppliedReason,
}

/// Why a coupon was not applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotAppliedReason {
    /// Another one of its kind was worth more: one coupon on the amount and one on an item.
    AnotherApplied,
    /// Its budget is used up.
    BudgetUsedUp,
    /// Not in this store.
    OtherStore,
    /// The amount is below its least amount.
    AmountTooSmall,
    /// Its item was not bought.
    ItemMissing,
}

/// A payment with all its legs.
#[derive(Clone, Debug)]
pub struct Paid {
    /// The capture, which moved the paid value.
    pub capture: Transfer,
    /// What the whole was made of.
    pub made: Made,
}

impl Paid {
    /// Reads the legs of a capture.
    ///
    /// # Errors
    /// A fault if the views fail.
    pub async fn read(app: &App, capture: Transfer) -> Result<Self> {
        Ok(Self { made: Made::read(app, &capture).await?, capture })
    }

    /// Yen before any discount.
    #[must_use]
    pub fn amount(&self) -> i64 {
        self.made.spending.amount()
    }
}

/// What the evidence keeps of a refund or cancel.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RefundDetail {
    /// The refunded payment's.
    pub merchant_payment_id: String,
    /// The merchant's own id; none for a cancel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant_refund_id: Option<String>,
    /// `pay_…`.
    pub payment_id: String,
    /// `rfd_…`: the money transfer's id.
    pub refund_id: String,
    /// `ter_…`.
    pub terminal_id: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What the evidence keeps of a top-up.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TopupDetail {
    /// The merchant's own id.
    pub merchant_topup_id: String,
    /// `sto_…`.
    pub store_id: String,
    /// `ter_…`.
    pub terminal_id: String,
}

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Paid.
    Captured,
    /// Part of it was given back.
    PartiallyRefunded,
    /// All of it was given back by refunds.
    Refunded,
    /// It was canceled, or canceled before it arrived.
    Canceled,
}

impl PaymentStatus {
    /// The word of the API and of texts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Captured => "captured",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::Canceled => "canceled",
        }
    }
}

impl std::fmt::Display for PaymentStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A payment, as the API shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PaymentView {
    /// `pay_…`.
    pub payment_id: String,
    /// The merchant's own id.
    pub merchant_payment_id: String,
    /// What became of it.
    pub status: PaymentStatus,
    /// Yen before any discount.
    pub amount: i64,
    /// What coupons took off, one line each.
    pub discounts: Vec<DiscountView>,
    /// Yen that the customer paid, of all kinds of value: the amount less the discounts.
    pub amount_due: i64,
    /// Points among them, one yen each.
    pub points_used: i64,
    /// Points that the customer got.
    pub points_earned: i64,
    /// When they come, RFC 3339, UTC; none if they came at once.
    pub points_due_at: Option<String>,
    /// Coupons that the customer had set and that did not fit, and why.
    pub coupons_not_applied: Vec<NotApplied>,
    /// Yen of the amount given back so far.
    pub refunded_amount: i64,
    /// Always `JPY`.
    pub currency: &'static str,
    /// RFC 3339, UTC.
    pub captured_at: String,
    /// `sto_…`.
    pub store_id: String,
    /// `ter_…`; none if no terminal took part: the customer scanned the store's printed QR.
    pub terminal_id: Option<String>,
    /// `ord_…`, if the customer scanned a QR of the store or paid online; none if a register read
    /// the customer's code.
    pub order_id: Option<String>,
    /// The number on the paper receipt.
    pub order_receipt_number: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// What was bought.
    pub items: Vec<ItemDetail>,
    /// What was given back, in order.
    pub refunds: Vec<RefundView>,
}

/// What a coupon took off, as the API shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct DiscountView {
    /// `cmp_…`.
    pub campaign_id: String,
    /// As the customer reads it.
    pub name: String,
    /// Yen.
    pub amount: i64,
}

/// A refund, as the API shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RefundView {
    /// `rfd_…`.
    pub refund_id: String,
    /// The merchant's own id; none for a cancel.
    pub merchant_refund_id: Option<String>,
    /// Yen of the payment's amount.
    pub amount: i64,
    /// What of it went to the customer, of all kinds of value; the rest had been a discount.
    pub amount_to_customer: i64,
    /// Free text.
    pub reason: Option<String>,
    /// RFC 3339, UTC.
    pub refunded_at: String,
}

/// A top-up, as the API shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TopupView {
    /// `top_…`.
    pub topup_id: String,
    /// The merchant's own id.
    pub merchant_topup_id: String,
    /// `completed` or `canceled`.
    pub status: &'static str,
    /// Yen.
    pub amount: i64,
    /// Always `JPY`.
    pub currency: &'static str,
    /// RFC 3339, UTC.
    pub completed_at: String,
    /// `sto_…`.
    pub store_id: String,
    /// `ter_…`.
    pub terminal_id: String,
}

/// A transfer's amount, in yen.
///
/// # Panics
/// If it is beyond what the API ever lets in: a journal that this program did not write.
#[must_use]
pub fn yen(transfer: &Transfer) -> i64 {
    i64::try_from(transfer.amount).unwrap_or_else(|_| panic!("an amount beyond all limits"))
}

/// A transfer's time, in microseconds.
#[must_use]
pub fn micros(transfer: &Transfer) -> Micros {
    i64::try_from(transfer.timestamp / 1_000).unwrap_or(i64::MAX)
}

/// The detail of the decision behind a transfer, of the kind that this operation keeps.
///
/// # Errors
/// A fault if the evidence store fails or holds something else.
pub async fn detail<D: DeserializeOwned + Default>(app: &App, transfer: &Transfer) -> Result<D> {
    let records = app.gate.evidence(std::slice::from_ref(transfer)).await?;
    detail_of(records.into_iter().next().flatten())
}

/// The detail in a record. Evidence has a retention time: what is gone is shown as empty, the
/// money stays.
///
/// # Errors
/// A fault if the record holds something else.
pub fn detail_of<D: DeserializeOwned + Default>(record: Option<Value>) -> Result<D> {
    match record {
        Some(mut record) => Ok(serde_json::from_value(record["detail"].take())?),
        None => Ok(D::default()),
    }
}

/// A payment with all that became of it.
///
/// # Errors
/// A fault if a store fails.
pub async fn payment_view(app: &App, capture: &Transfer) -> Result<PaymentView> {
    let views = payment_views(app, std::slice::from_ref(capture)).await?;
    views.into_iter().next().ok_or_else(|| Error::fault("a payment has no view"))
}

/// The same for many: one look at the evidence for all.
///
/// # Errors
/// A fault if a store fails.
pub async fn payment_views(app: &App, captures: &[Transfer]) -> Result<Vec<PaymentView>> {
    let mut transfers = captures.to_vec();
    let mut payments = Vec::with_capacity(captures.len());
    let mut claim_counts = Vec::with_capacity(captures.len());
    for capture in captures {
        let paid = Paid::read(app, *capture).await?;
        let claims = claims(app, &paid).await?;
        payments.push(paid);
        claim_counts.push(claims.len());
        transfers.extend(claims);
    }
    let mut records = app.gate.evidence(&transfers).await?;
    let mut of_claims = records.split_off(captures.len()).into_iter();
    let mut claims = transfers[captures.len()..].iter();
    let mut views = Vec::with_capacity(captures.len());
    for ((paid, record), count) in payments.iter().zip(records).zip(claim_counts) {
        let mine = claims.by_ref().take(count).zip(of_claims.by_ref());
        let reversals = mine.map(|(claim, record)| Reversal::of(claim, record));
        let reversals = reversals.collect::<Result<Vec<_>>>()?;
        views.push(view(paid, detail_of(record)?, &reversals));
    }
    Ok(views)
}

/// A payment of which nothing was given back yet.
pub fn fresh_view(paid: &Paid, sale: SaleDetail) -> PaymentView {
    view(paid, sale, &[])
}

/// The lines of what coupons took off.
#[must_use]
pub fn discounts(made: &Made, coupons: &[CouponDetail]) -> Vec<DiscountView> {
    let line = |(n, discount): (usize, &crate::value::Discount)| {
        let CouponDetail { campaign_id, name } = coupons.get(n).cloned().unwrap_or_default();
        DiscountView { campaign_id, name, amount: discount.amount }
    };
    made.spending.discounts.iter().enumerate().map(line).collect()
}

fn view(paid: &Paid, sale: SaleDetail, reversals: &[Reversal]) -> PaymentView {
    let Paid { capture, made } = paid;
    PaymentView {
        payment_id: Kind::Payment.text(capture.id),
        merchant_payment_id: sale.merchant_payment_id,
        status: status(paid, reversals),
        amount: paid.amount(),
        discounts: discounts(made, &sale.coupons),
        amount_due: made.spending.due(),
        points_used: total(&made.spending.points),
        points_earned: made.earned,
        points_due_at: made.promise.map(|promise| rfc3339(promise.due_at(micros(capture)))),
        coupons_not_applied: sale.not_applied,
        refunded_amount: reversals.iter().map(|reversal| reversal.amount).sum(),
        currency: "JPY",
        captured_at: rfc3339(micros(capture)),
        store_id: sale.store_id,
        terminal_id: Some(sale.terminal_id).filter(|id| !id.is_empty()),
        order_id: sale.order_id,
        order_receipt_number: sale.order_receipt_number,
        description: sale.description,
        items: sale.items,
        refunds: reversals.iter().map(Reversal::view).collect(),
    }
}

/// What became of a payment.
#[must_use]
pub fn status(paid: &Paid, reversals: &[Reversal]) -> PaymentStatus {
    let refunded: i64 = reversals.iter().map(|reversal| reversal.amount).sum();
    if is_tombstone(&paid.capture) || reversals.iter().any(|reversal| reversal.is_cancel) {
        PaymentStatus::Canceled
    } else if refunded == 0 {
        PaymentStatus::Captured
    } else if refunded < paid.amount() {
        PaymentStatus::PartiallyRefunded
    } else {
        PaymentStatus::Refunded
    }
}

/// The capture of a merchant's payment, or the tombstone in its place.
///
/// # Errors
/// A fault if the views fail.
pub async fn find_capture(
    app: &App,
    merchant_id: &str,
    merchant_payment_id: &str,
) -> Result<Option<Transfer>, Error> {
    let id = super::payment::capture_id(merchant_id, merchant_payment_id);
    Ok(app.gate.transfer(id).await?.map(|stored| stored.transfer))
}
