//! Rows of `checkout`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omamori_db::{Db, Row, Tx, sql};
use serde_json::{Value, json};

use crate::app::App;
use crate::clock::Micros;
use crate::id::Kind;
use crate::order::{self, Order, State};
use crate::secret::token_hash;
use crate::web::error::{Error, Result};

/// Bytes of a token: nobody finds one.
const TOKEN_BYTES: usize = 20;

/// An order with the ways to it and back.
pub struct Checkout {
    /// What is to be paid.
    pub order: Order,
    /// Where the customer goes when it is paid.
    pub success_url: String,
    /// And when not.
    pub cancel_url: String,
    /// What was told of its end, if it was.
    pub outcome: Option<String>,
}

/// What became of it, for pages and the API.
pub enum Became {
    /// It can be paid.
    Open,
    /// Paid.
    Paid(Box<omamori_ledger::Transfer>),
    /// Given up by the customer or the shop.
    Canceled,
    /// Its time ran out.
    Expired,
}

impl Became {
    /// The word of the API.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid(_) => "paid",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }
}

impl Checkout {
    /// What became of it, by the ledger. That it ran out is made sure by taking its id, so then the
    /// row says which of the two ends it was.
    ///
    /// # Errors
    /// A fault if a store fails; busy.
    pub async fn became(&self, app: &App) -> Result<Became> {
        Ok(match order::state(app, &self.order).await? {
            State::Open => Became::Open,
            State::Paid(capture) => Became::Paid(capture),
            State::Expired => Became::Expired,
            State::Canceled if self.outcome.as_deref() == Some("expired") => Became::Expired,
            State::Canceled => Became::Canceled,
        })
    }
}

/// The token in the address of an order's page: derived, so that a retry of the shop's request is
/// answered as the first one.
pub fn token(app: &App, order_id: &str) -> String {
    let bytes = app.vault.derive(&format!("checkout.page/{order_id}"));
    URL_SAFE_NO_PAD.encode(&bytes[..TOKEN_BYTES])
}

/// The address of an order's page.
pub fn address(app: &App, order_id: &str) -> String {
    format!("{}/pay/{}", app.config.public_url, token(app, order_id))
}

/// Stores the ways of an order, once.
pub async fn insert(app: &App, order: &Order, success_url: &str, cancel_url: &str) -> Result<()> {
    // Two requests at once may meet at any of its unique columns, which all follow from the order.
    let insert = sql("INSERT INTO checkout (order_id, merchant_id, payment_id, token_hash,
                success_url, cancel_url, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING");
    let insert = insert.bind(&order.order_id).bind(&order.store.merchant_id);
    let insert = insert.bind(Kind::Payment.text(order.payment_id()));
    let insert = insert.bind(token_hash(&token(app, &order.order_id)));
    let insert = insert.bind(success_url).bind(cancel_url);
    let insert = insert.bind(order.created_at).bind(order.expires_at);
    app.stores.registry.execute(insert).await?;
    Ok(())
}

/// The head of each query.
macro_rules! checkout_columns {
    () => {
        "SELECT order_id, success_url, cancel_url, outcome FROM checkout"
    };
}

/// By its token.
pub async fn find_by_token(app: &App, token: &str) -> Result<Option<Checkout>> {
    let query = sql(concat!(checkout_columns!(), " WHERE token_hash = $1"));
    let row = app.stores.registry.optional(query.bind(token_hash(token))).await?;
    read(app, row).await
}

/// By its order.
pub async fn find(app: &App, order_id: &str) -> Result<Option<Checkout>> {
    let query = sql(concat!(checkout_columns!(), " WHERE order_id = $1"));
    let row = app.stores.registry.optional(query.bind(order_id)).await?;
    read(app, row).await
}

async fn read(app: &App, row: Option<Row>) -> Result<Option<Checkout>> {
    let Some(row) = row else { return Ok(None) };
    let order = order::find(app, &row.text("order_id")?).await?;
    Ok(Some(Checkout {
        order: order.ok_or_else(|| Error::fault("a checkout has no order"))?,
        success_url: row.text("success_url")?,
        cancel_url: row.text("cancel_url")?,
        outcome: row.text_optional("outcome")?,
    }))
}

/// The orders whose end nobody was told of and whose time is over, the oldest first.
pub async fn over(registry: &Db, now: Micros, limit: i64) -> Result<Vec<String>> {
    let query = sql("SELECT order_id FROM checkout WHERE outcome IS NULL AND expires_at <= $1
         ORDER BY expires_at LIMIT $2");
    let rows = registry.all(query.bind(now).bind(limit)).await?;
    Ok(rows.iter().map(|row| row.text("order_id")).collect::<omamori_db::Result<_>>()?)
}

/// Writes down how it ended; false if that was written before.
pub async fn settle(tx: &mut Tx, order_id: &str, outcome: &str) -> Result<bool> {
    let update = sql("UPDATE checkout SET outcome = $1 WHERE order_id = $2 AND outcome IS NULL");
    Ok(tx.execute(update.bind(outcome).bind(order_id)).await? == 1)
}

/// What a webhook says of an order.
#[must_use]
pub fn told_data(order_id: &str, merchant_payment_id: &str, amount: i64, status: &str) -> Value {
    json!({ "order_id": order_id, "merchant_payment_id": merchant_payment_id,
        "amount": amount, "currency": "JPY", "status": status })
}

/// The order that a payment was made of, if it is one of the online checkout.
///
/// # Errors
/// A fault if the registry fails.
pub async fn of_payment(tx: &mut Tx, payment_id: &str) -> Result<Option<String>> {
    let query = sql("SELECT order_id FROM checkout WHERE payment_id = $1");
    let row = tx.optional(query.bind(payment_id)).await?;
    Ok(row.map(|row| row.text("order_id")).transpose()?)
}
