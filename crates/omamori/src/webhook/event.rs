//! An event, and putting it into the outbox of those who are told.

use omamori_db::{Row, Tx, sql};
use serde_json::{Value, json};

use crate::app::App;
use crate::clock::Micros;
use crate::id::{Kind, derive};
use crate::web::error::Result;
use crate::web::filters::rfc3339;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A customer has paid.
    PaymentCompleted,
    /// Part or all of a payment went back.
    PaymentRefunded,
    /// A payment was canceled on its day.
    PaymentCanceled,
    /// An order of the online checkout is paid.
    CheckoutCompleted,
    /// Its time ran out.
    CheckoutExpired,
    /// The customer or the merchant gave it up.
    CheckoutCanceled,
    /// Nothing: the merchant wants to see whether it arrives.
    Test,
}

impl EventKind {
    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaymentCompleted => "payment.completed",
            Self::PaymentRefunded => "payment.refunded",
            Self::PaymentCanceled => "payment.canceled",
            Self::CheckoutCompleted => "checkout.completed",
            Self::CheckoutExpired => "checkout.expired",
            Self::CheckoutCanceled => "checkout.canceled",
            Self::Test => "webhook.test",
        }
    }
}

/// Something to be told.
#[derive(Clone, Debug)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// Of what it is derived: the same happening gives the same id, whoever writes it.
    pub of: String,
    /// `mer_…`.
    pub merchant_id: String,
    /// When it happened.
    pub at: Micros,
    /// What is said of it. Never anything about a customer.
    pub data: Value,
}

impl Event {
    /// `evt_…`.
    #[must_use]
    pub fn id(&self) -> String {
        Kind::Event
            .text(derive("webhook event", &[self.kind.as_str().as_bytes(), self.of.as_bytes()]))
    }

    fn body(&self) -> String {
        let Self { kind, at, data, .. } = self;
        json!({ "type": kind.as_str(), "timestamp": rfc3339(*at), "data": data }).to_string()
    }
}

/// An endpoint, as far as the outbox needs it.
pub(super) struct Listener {
    pub endpoint_id: String,
    pub merchant_id: String,
    /// What happened before is not told.
    pub since: Micros,
}

impl Listener {
    pub fn read(row: &Row) -> omamori_db::Result<Self> {
        Ok(Self {
            endpoint_id: row.text("endpoint_id")?,
            merchant_id: row.text("merchant_id")?,
            since: row.int("created_at")?,
        })
    }
}

/// Puts an event into the outbox of all endpoints of its merchant, in the transaction of what
/// happened.
///
/// # Errors
/// A fault if the registry fails.
pub async fn publish(app: &App, tx: &mut Tx, event: &Event) -> Result<()> {
    let query = sql("SELECT endpoint_id, merchant_id, created_at FROM webhook_endpoint
         WHERE merchant_id = $1");
    let rows = tx.all(query.bind(&event.merchant_id)).await?;
    let listeners = rows.iter().map(Listener::read).collect::<omamori_db::Result<Vec<_>>>()?;
    put(app, tx, listeners.iter(), event).await
}

/// The same for endpoints that are known.
pub(super) async fn put(
    app: &App,
    tx: &mut Tx,
    listeners: impl Iterator<Item = &Listener>,
    event: &Event,
) -> Result<()> {
    let (event_id, now) = (event.id(), app.clock.now());
    let mut is_stored = false;
    for listener in listeners.filter(|listener| listener.since <= event.at) {
        if !is_stored {
            let insert = sql("INSERT INTO webhook_event
                 (event_id, merchant_id, kind, body, created_at) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (event_id) DO NOTHING");
            let insert = insert.bind(&event_id).bind(&event.merchant_id);
            let insert = insert.bind(event.kind.as_str()).bind(event.body()).bind(now);
            tx.execute(insert).await?;
            is_stored = true;
        }
        let insert = sql("INSERT INTO webhook_delivery
             (endpoint_id, event_id, state, attempts, next_at, created_at)
             VALUES ($1, $2, 'waiting', CAST(0 AS BIGINT), $3, $3)
             ON CONFLICT (endpoint_id, event_id) DO NOTHING");
        tx.execute(insert.bind(&listener.endpoint_id).bind(&event_id).bind(now)).await?;
    }
    Ok(())
}
