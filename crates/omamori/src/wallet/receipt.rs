//! One payment with its lines and refunds, for the customer who made it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use omamori_ledger::Transfer;
use serde::Serialize;

use crate::app::App;
use crate::clock::Micros;
use crate::gate::chart::TransferCode;
use crate::gate::purse::total;
use crate::id::Kind;
use crate::identity::{Customer, PageCustomer};
use crate::pos::{
    DiscountView, Paid, PaymentStatus, RefundDetail, Reversal, SaleDetail, detail, discounts,
    micros, reversals, status,
};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

#[derive(Serialize)]
struct Item {
    name: String,
    quantity: i64,
    unit_price: i64,
    total: i64,
}

#[derive(Serialize)]
struct Refund {
    amount: i64,
    reason: Option<String>,
    #[serde(serialize_with = "filters::as_rfc3339")]
    refunded_at: Micros,
}

/// A payment, as its customer sees it. Instants are microseconds UTC; RFC 3339 in JSON.
#[derive(Serialize)]
pub struct Payment {
    payment_id: String,
    merchant_payment_id: String,
    status: PaymentStatus,
    /// Yen before any discount.
    amount: i64,
    discounts: Vec<DiscountView>,
    /// What the customer paid, of all kinds of value.
    amount_due: i64,
    points_used: i64,
    free_used: i64,
    paid_used: i64,
    points_earned: i64,
    #[serde(serialize_with = "filters::as_rfc3339_or_null")]
    points_due_at: Option<Micros>,
    /// What the customer paid, less what came back.
    net_amount: i64,
    #[serde(serialize_with = "filters::as_rfc3339")]
    captured_at: Micros,
    merchant_name: String,
    store_name: String,
    order_receipt_number: Option<String>,
    description: Option<String>,
    items: Vec<Item>,
    refunds: Vec<Refund>,
}

#[derive(Template)]
#[template(path = "receipt.html")]
struct ReceiptPage {
    text: Text,
    sandbox: bool,
    payment: Payment,
}

/// `/receipt/pay_…`, and `/receipt/rfd_…` for the payment that was refunded.
pub async fn receipt_page(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
    Path(id): Path<String>,
) -> Result<Response> {
    let payment = find(&app, &customer, &id).await?;
    page(&ReceiptPage { text, sandbox: app.sandbox(), payment })
}

/// The receipt as JSON.
pub async fn api(
    State(app): State<Arc<App>>,
    customer: Customer,
    Path(id): Path<String>,
) -> Result<axum::Json<Payment>> {
    Ok(axum::Json(find(&app, &customer, &id).await?))
}

async fn find(app: &App, customer: &Customer, id: &str) -> Result<Payment> {
    let not_found = || Error::Refused(Code::PaymentNotFound);
    let capture = match Kind::Refund.parse(id) {
        Some(refund_id) => {
            let money = app.gate.transfer(refund_id).await?.ok_or_else(not_found)?.transfer;
            let about: RefundDetail = detail(app, &money).await?;
            Kind::Payment.parse(&about.payment_id)
        }
        None => Kind::Payment.parse(id),
    };
    let capture = app.gate.transfer(capture.ok_or_else(not_found)?).await?;
    let capture = capture.ok_or_else(not_found)?.transfer;
    // Another customer's payment is not there.
    let is_payment = capture.code == TransferCode::Payment.number() && capture.is_resolving();
    if !is_payment || capture.debit_account_id != customer.wallet_account {
        return Err(not_found());
    }
    payment(app, &capture).await
}

async fn payment(app: &App, capture: &Transfer) -> Result<Payment> {
    let sale: SaleDetail = detail(app, capture).await?;
    let paid = Paid::read(app, *capture).await?;
    let given_back: Vec<Reversal> = reversals(app, &paid).await?;
    let made = &paid.made;
    let store = app.merchants.store_by_account(capture.credit_account_id).await?;
    let names =
        |store: &crate::merchant::StoreEntry| (store.merchant_name.clone(), store.name.clone());
    let (merchant_name, store_name) = store.as_deref().map(names).unwrap_or_default();
    let refunded: i64 = given_back.iter().map(|reversal| reversal.to_customer).sum();
    let items = sale.items.into_iter().map(|item| Item {
        total: item.unit_price * item.quantity,
        name: item.name,
        quantity: item.quantity,
        unit_price: item.unit_price,
    });
    Ok(Payment {
        payment_id: Kind::Payment.text(capture.id),
        merchant_payment_id: sale.merchant_payment_id,
        status: status(&paid, &given_back),
        amount: paid.amount(),
        discounts: discounts(made, &sale.coupons),
        amount_due: made.spending.due(),
        points_used: total(&made.spending.points),
        free_used: total(&made.spending.free),
        paid_used: made.spending.paid,
        points_earned: made.earned,
        points_due_at: made.promise.map(|promise| promise.due_at(micros(capture))),
        net_amount: made.spending.due() - refunded,
        captured_at: micros(capture),
        merchant_name,
        store_name,
        order_receipt_number: sale.order_receipt_number,
        description: sale.description,
        items: items.collect(),
        refunds: given_back
            .into_iter()
            .map(|reversal| Refund {
                amount: reversal.to_customer,
                reason: reversal.reason,
                refunded_at: reversal.at,
            })
            .collect(),
    })
}
