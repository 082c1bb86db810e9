//! `POST /api/wallet/v1/orders/{order_id}/pay`: a signed-in customer, on the phone that pays, pays
//! what somebody asks for.
//!
//! Up to `limits.store_qr_tap_max` a payment by a store's QR is confirmed by a tap on the page that
//! names store and amount: the session is bound to the phone's key, so whoever taps holds the
//! phone, as who shows a code at a register does. Above it, and for every online payment, it is
//! confirmed by passkey or authenticator app, bound to order, store and amount.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::row::{Order, find};
use crate::app::App;
use crate::gate::Act;
use crate::identity::stepup::{self, Intent, Proof, Risen};
use crate::identity::{Customer, DeviceEntry, Network, phone_of};
use crate::notify::fill;
use crate::pos::{PaymentView, Sale, SaleDetail, find_capture, is_tombstone, payment_view, sell};
use crate::risk::Facts;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::yen_text;
use crate::web::json::Json;
use crate::web::text::Text;

/// What the customer agrees to.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PayOrder {
    /// Yen, as the page showed it: must be the order's.
    amount: i64,
}

/// The agreement, and what shows that it is the customer, where that is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreed {
    request: PayOrder,
    #[serde(default)]
    proof: Option<Proof>,
}

/// A payment, wrapped.
#[derive(Debug, Serialize)]
pub struct Made {
    payment: PaymentView,
    store_name: String,
}

/// Who pays, and with what proof.
pub struct Paying<'a> {
    /// On the phone that the session is bound to.
    pub customer: &'a Customer,
    /// Where the request comes from.
    pub network: Network,
    /// The language of the words that were confirmed.
    pub text: Text,
    /// The answer to a step-up, if there was one.
    pub proof: Option<&'a Proof>,
}

/// Whether a tap is not enough.
#[must_use]
pub(super) fn needs_proof(app: &App, order: &Order) -> bool {
    !order.kind.is_store_qr() || order.amount > app.config.limits.store_qr_tap_max
}

fn intent(order: &Order, text: Text) -> Result<Intent> {
    let store = &order.store;
    let values = [
        ("amount", yen_text(order.amount)),
        ("store", format!("{} {}", store.merchant_name, store.name)),
    ];
    let params =
        json!({ "order": order.order_id, "store": store.store_id, "amount": order.amount });
    Intent::new(Act::Payment, &params, fill(text.t("stepup.pay_order"), &values))
}

/// The order, if it is there for this customer, who saw it right.
async fn asked(app: &App, customer: &Customer, id: &str, request: &PayOrder) -> Result<Order> {
    let order = for_customer(find(app, id).await?, customer)?;
    if request.amount != order.amount {
        return Err(Error::field("request.amount", "out_of_range"));
    }
    Ok(order)
}

/// An order that is another customer's is not there.
///
/// # Errors
/// [`Code::OrderNotFound`].
pub(super) fn for_customer(order: Option<Order>, customer: &Customer) -> Result<Order> {
    let is_mine =
        |order: &Order| order.customer_id.as_ref().is_none_or(|id| *id == customer.customer_id);
    Ok(order.filter(is_mine).ok_or(Code::OrderNotFound)?)
}

/// `POST /api/wallet/v1/orders/{order_id}/pay/options`: what to confirm with; `tap` where a tap is
/// enough.
pub async fn options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
    Path(order_id): Path<String>,
    Json(request): Json<PayOrder>,
) -> Result<Answer<Value>> {
    let order = asked(&app, &customer, &order_id, &request).await?;
    if !needs_proof(&app, &order) {
        return Ok(Answer(json!({ "tap": true })));
    }
    stepup::offer(&app, &customer, &intent(&order, text)?).await
}

/// Pays. A retry gets the same answer, without a further confirmation.
pub async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Path(order_id): Path<String>,
    Json(Agreed { request, proof }): Json<Agreed>,
) -> Result<Response> {
    let order = asked(&app, &customer, &order_id, &request).await?;
    let made = |payment| Made { payment, store_name: order.store.name.clone() };
    if let Some(payment) = earlier(&app, &customer, &order).await? {
        return Ok(Answer(made(payment)).into_response());
    }
    let paying = Paying { customer: &customer, network, text, proof: proof.as_ref() };
    let payment = made(pay(&app, &order, &paying).await?);
    if !needs_proof(&app, &order) {
        return Ok(Answer(payment).into_response());
    }
    let mut tx = app.stores.registry.begin().await?;
    let risen = Risen::new(&app, &mut tx, &customer, payment).await?;
    tx.commit().await?;
    Ok(risen.into_response())
}

/// Pays an order: the same rules, limits, coupons and points as at the register. Whoever pays it
/// again gets the payment that there is.
///
/// # Errors
/// [`Code::OrderPaid`], [`Code::PaymentCanceled`], [`Code::OrderExpired`]; what a payment at a
/// register may be refused for; a fault.
pub async fn pay(app: &Arc<App>, order: &Order, paying: &Paying<'_>) -> Result<PaymentView> {
    if let Some(payment) = earlier(app, paying.customer, order).await? {
        return Ok(payment);
    }
    match attempt(app, order, paying).await {
        Ok(()) => {}
        Err(fault @ Error::Fault(_)) => return Err(fault),
        Err(refused) => {
            // It may have been paid or canceled in between: then that is the answer.
            app.gate.catch_up().await?;
            return earlier(app, paying.customer, order).await?.ok_or(refused);
        }
    }
    let made = earlier(app, paying.customer, order).await?;
    made.ok_or_else(|| Error::fault("a payment that was made is not there"))
}

/// What this customer paid already. Refused, if nobody can pay it any more.
async fn earlier(
    app: &Arc<App>,
    customer: &Customer,
    order: &Order,
) -> Result<Option<PaymentView>> {
    let (merchant_id, payment_id) = (&order.store.merchant_id, &order.merchant_payment_id);
    let Some(capture) = find_capture(app, merchant_id, payment_id).await? else {
        return Ok(None);
    };
    if is_tombstone(&capture) {
        return Err(Code::PaymentCanceled.into());
    }
    let is_mine = capture.pending_id == order.authorization_id()
        && capture.debit_account_id == customer.wallet_account;
    if !is_mine {
        return Err(Code::OrderPaid.into());
    }
    Ok(Some(payment_view(app, &capture).await?))
}

async fn attempt(app: &Arc<App>, order: &Order, paying: &Paying<'_>) -> Result<()> {
    let Paying { customer, network, text, proof } = *paying;
    let confirmed = match proof {
        _ if !needs_proof(app, order) => Ok(()),
        Some(proof) => stepup::confirm(app, customer, &intent(order, text)?, proof).await?,
        None => Err(Code::ProofFailed),
    };
    let device = phone_of(app, customer).await?;
    let detail = SaleDetail {
        merchant_payment_id: order.merchant_payment_id.clone(),
        merchant_id: order.store.merchant_id.clone(),
        store_id: order.store.store_id.clone(),
        terminal_id: order.terminal.as_ref().map(|(_, id)| id.clone()).unwrap_or_default(),
        order_id: Some(order.order_id.clone()),
        session: Some(customer.session_id.clone()),
        ip: Some(network.address()),
        order_receipt_number: order.order_receipt_number.clone(),
        description: order.description.clone(),
        items: order.items.clone(),
        ..SaleDetail::default()
    };
    let sale = Sale {
        place: order.place(),
        store: &order.store,
        device: &device,
        authorization_id: order.authorization_id(),
        amount: order.amount,
        facts: Facts { confirmed: needs_proof(app, order), ..customer.facts(network) },
        may_wait: false,
        opinion: confirmed.and(may(app, order, &device)),
    };
    sell(app, &sale, detail).await.map(drop)
}

/// Whether the order may be paid by this phone now.
fn may(app: &App, order: &Order, device: &DeviceEntry) -> Result<(), Code> {
    if order.kind.is_store_qr() {
        app.gate.open_door(Act::StoreQr, Some(&order.place()), Some(&device.customer_id))?;
    } else {
        app.gate.open_door(Act::Checkout, Some(&order.place()), Some(&device.customer_id))?;
    }
    if !device.active {
        return Err(Code::DeviceNotEnrolled);
    }
    if device.frozen {
        return Err(Code::AccountFrozen);
    }
    if app.clock.now() >= order.expires_at {
        return Err(Code::OrderExpired);
    }
    Ok(())
}
