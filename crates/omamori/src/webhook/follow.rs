//! What moved value, told from the journal: a follower with a durable position, as
//! [`crate::notify::money`] is. A payment never waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use omamori_db::{Tx, sql};
use omamori_ledger::{Entry, Fact, Follower, Transfer, TransferFlags};
use serde_json::{Value, json};

use super::event::{Event, EventKind, Listener, put};
use crate::app::App;
use crate::checkout;
use crate::gate::chart::TransferCode;
use crate::gate::windows::Position;
use crate::id::Kind;
use crate::merchant::StoreEntry;
use crate::pos::{Paid, RefundDetail, SaleDetail, detail_of, micros};
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;

/// How long it waits for more before it writes: the registry gets a few transactions a second.
const LINGER: Duration = Duration::from_millis(250);

/// Starts the follower. It ends with the ledger.
///
/// # Errors
/// [`omamori_db::Error`] if its position cannot be read.
pub async fn follow(app: &Arc<App>) -> omamori_db::Result<()> {
    let follower = WebhookEvents { app: Arc::downgrade(app) };
    app.gate.reader().follow(app.stores.registry.clone(), follower).await?;
    Ok(())
}

struct WebhookEvents {
    app: Weak<App>,
}

/// A transfer that is told, and where it was.
struct News {
    kind: EventKind,
    transfer: Transfer,
    store: Arc<StoreEntry>,
}

impl Follower for WebhookEvents {
    fn name(&self) -> &'static str {
        "webhook_events"
    }

    async fn apply(&mut self, tx: &mut Tx, entries: &[Arc<Entry>]) -> omamori_db::Result<()> {
        // Without the service the ledger is about to end too: nothing is told, and not forgotten.
        let app = self.app.upgrade().ok_or(omamori_db::Error::RowNotFound)?;
        let rows = tx
            .all(sql("SELECT endpoint_id, merchant_id, created_at FROM webhook_endpoint"))
            .await?;
        let mut listeners: HashMap<String, Vec<Listener>> = HashMap::new();
        for row in &rows {
            let listener = Listener::read(row)?;
            listeners.entry(listener.merchant_id.clone()).or_default().push(listener);
        }
        if listeners.is_empty() {
            return Ok(());
        }
        let mut news = Vec::new();
        for fact in entries.iter().flat_map(|entry| &entry.facts) {
            let Some((kind, transfer, account)) = told(fact) else { continue };
            let Some(store) = app.merchants.store_by_account(account).await? else { continue };
            if listeners.contains_key(&store.merchant_id) {
                news.push(News { kind, transfer: *transfer, store });
            }
        }
        let transfers: Vec<Transfer> = news.iter().map(|news| news.transfer).collect();
        let records = app.gate.evidence(&transfers).await.map_err(stored)?;
        for (news, record) in news.iter().zip(records) {
            let is_of_order =
                news.kind == EventKind::PaymentCompleted && has_order(record.as_ref());
            let event = event(&app, news, record).await.map_err(stored)?;
            let listeners = listeners.get(&event.merchant_id);
            let all = || listeners.into_iter().flatten();
            put(&app, tx, all(), &event).await.map_err(stored)?;
            if is_of_order
                && let Some(event) = of_checkout(tx, news, &event).await.map_err(stored)?
            {
                put(&app, tx, all(), &event).await.map_err(stored)?;
            }
        }
        Ok(())
    }

    fn linger(&self) -> Duration {
        LINGER
    }
}

/// The follower knows the store's errors alone; what went wrong is said here.
fn stored(error: Error) -> omamori_db::Error {
    match error {
        Error::Fault(fault) => tracing::warn!(%fault, "a merchant is not told yet"),
        other => tracing::warn!(code = other.code().as_str(), "a merchant is not told yet"),
    }
    omamori_db::Error::Corrupt { column: "what a webhook's event is made of".to_owned() }
}

/// What is told, and the store's account. Of a payment it is the capture, of a refund or cancel
/// its place among those of the payment, which knows the whole amount whatever it was made of.
fn told(fact: &Fact) -> Option<(EventKind, &Transfer, u128)> {
    let Fact::TransferCreated(transfer) = fact else { return None };
    let posts = transfer.flags.contains(TransferFlags::POST_PENDING_TRANSFER);
    match TransferCode::of(transfer.code)? {
        TransferCode::Payment if posts => {
            Some((EventKind::PaymentCompleted, transfer, transfer.credit_account_id))
        }
        TransferCode::RefundPosition => {
            Some((EventKind::PaymentRefunded, transfer, transfer.debit_account_id))
        }
        TransferCode::CancelPosition => {
            Some((EventKind::PaymentCanceled, transfer, transfer.debit_account_id))
        }
        _ => None,
    }
}

/// Whether a payment was made of an order: few are, and only those are looked up.
fn has_order(record: Option<&Value>) -> bool {
    record.is_some_and(|record| record["detail"]["order_id"].is_string())
}

/// What a payment says of the order that it was made of, if that was one of the online checkout.
async fn of_checkout(tx: &mut Tx, news: &News, payment: &Event) -> Result<Option<Event>> {
    let payment_id = Kind::Payment.text(news.transfer.id);
    let Some(order_id) = checkout::of_payment(tx, &payment_id).await? else { return Ok(None) };
    let id = payment.data["merchant_payment_id"].as_str().unwrap_or_default();
    let amount = payment.data["amount"].as_i64().unwrap_or_default();
    let data = checkout::told_data(&order_id, id, amount, "paid");
    Ok(Some(Event { kind: EventKind::CheckoutCompleted, of: order_id, data, ..payment.clone() }))
}

async fn event(app: &App, news: &News, record: Option<Value>) -> Result<Event> {
    let News { kind, transfer, store } = news;
    let at = micros(transfer);
    let data = match kind {
        EventKind::PaymentCompleted => {
            let sale: SaleDetail = detail_of(record)?;
            json!({
                "payment_id": Kind::Payment.text(transfer.id),
                "merchant_payment_id": sale.merchant_payment_id,
                "store_id": store.store_id, "terminal_id": sale.terminal_id,
                "amount": Paid::read(app, *transfer).await?.amount(), "currency": "JPY",
                "captured_at": rfc3339(at),
            })
        }
        _ => {
            let refund: RefundDetail = detail_of(record)?;
            json!({
                "refund_id": refund.refund_id,
                "merchant_refund_id": refund.merchant_refund_id,
                "payment_id": refund.payment_id,
                "merchant_payment_id": refund.merchant_payment_id,
                "store_id": store.store_id, "terminal_id": refund.terminal_id,
                "amount": Position::of(transfer).amount, "currency": "JPY",
                "refunded_at": rfc3339(at),
            })
        }
    };
    let of = format!("{:032x}", transfer.id);
    Ok(Event { kind: *kind, of, merchant_id: store.merchant_id.clone(), at, data })
}
