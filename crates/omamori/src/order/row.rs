//! Rows of `orders`: what is asked for.

use std::sync::Arc;

use omamori_db::{Db, Row, sql};

use crate::app::App;
use crate::clock::Micros;
use crate::gate::Place;
use crate::id::{Kind, derive};
use crate::merchant::StoreEntry;
use crate::pos::{ItemDetail, capture_id, find_capture, is_tombstone};
use crate::rng::random;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Crockford's base 32: nothing that is taken for something else.
const CHARACTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 50 bits: who guesses finds, among a million open orders, one in a billion tries; and may pay it.
const CODE_LENGTH: usize = 10;

/// How an order came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderKind {
    /// A customer scanned a store's printed QR and typed the amount.
    StoreStatic,
    /// A register shows a QR for one sale.
    StoreDynamic,
    /// An online shop sent the customer.
    Checkout,
}

impl OrderKind {
    const ALL: [Self; 3] = [Self::StoreStatic, Self::StoreDynamic, Self::Checkout];

    /// The word of rows and of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StoreStatic => "store_static",
            Self::StoreDynamic => "store_dynamic",
            Self::Checkout => "checkout",
        }
    }

    fn of(word: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == word);
        found.ok_or_else(|| Error::fault("an order is of an unknown kind"))
    }

    /// Whether it begins with a QR that a store shows.
    #[must_use]
    pub const fn is_store_qr(self) -> bool {
        matches!(self, Self::StoreStatic | Self::StoreDynamic)
    }
}

/// An order.
#[derive(Clone, Debug)]
pub struct Order {
    /// `ord_…`.
    pub order_id: String,
    /// How it came to be.
    pub kind: OrderKind,
    /// Who is owed.
    pub store: Arc<StoreEntry>,
    /// The number and the id of the terminal that asked, if one did.
    pub terminal: Option<(i64, String)>,
    /// Who alone may pay it, if it is somebody's.
    pub customer_id: Option<String>,
    /// Ten characters, to be typed.
    pub code: String,
    /// The merchant's own id, of the payment that it becomes.
    pub merchant_payment_id: String,
    /// Yen, before any discount.
    pub amount: i64,
    /// The number on the paper receipt.
    pub order_receipt_number: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// What is bought.
    pub items: Vec<ItemDetail>,
    /// Since when.
    pub created_at: Micros,
    /// From then on it is not paid any more.
    pub expires_at: Micros,
}

impl Order {
    /// Where it is paid, for the gate.
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        Place {
            terminal_number: self.terminal.as_ref().map_or(0, |(number, _)| *number),
            store_id: &self.store.store_id,
            merchant_id: &self.store.merchant_id,
        }
    }

    /// The id of the payment that it becomes.
    #[must_use]
    pub fn payment_id(&self) -> u128 {
        capture_id(&self.store.merchant_id, &self.merchant_payment_id)
    }

    /// The id that uses the order up.
    #[must_use]
    pub fn authorization_id(&self) -> u128 {
        derive("order-authorization", &[self.order_id.as_bytes()])
    }
}

/// An order to be made.
pub struct NewOrder {
    /// How it comes to be.
    pub kind: OrderKind,
    /// Who is owed.
    pub store: Arc<StoreEntry>,
    /// The terminal that asks, if one does.
    pub terminal_number: Option<i64>,
    /// Who alone may pay it, if it is somebody's.
    pub customer_id: Option<String>,
    /// The merchant's own id: a retry uses it again.
    pub merchant_payment_id: String,
    /// Yen, before any discount.
    pub amount: i64,
    /// The number on the paper receipt.
    pub order_receipt_number: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// What is bought.
    pub items: Vec<ItemDetail>,
    /// How long it can be paid.
    pub lives: Micros,
}

/// Makes an order. The same again is the order that there is, whatever became of it.
///
/// # Errors
/// [`Code::PaymentIdReused`]: the id is another order's or payment's; [`Code::PaymentCanceled`]: it
/// was canceled before; a fault if a store fails.
pub async fn create(app: &App, new: NewOrder) -> Result<Order> {
    let registry = &app.stores.registry;
    let (merchant_id, payment_id) = (&new.store.merchant_id, &new.merchant_payment_id);
    let items = serde_json::to_string(&new.items)?;
    if find_by_payment(app, merchant_id, payment_id).await?.is_none() {
        match find_capture(app, merchant_id, payment_id).await? {
            Some(taken) if is_tombstone(&taken) => return Err(Code::PaymentCanceled.into()),
            Some(_) => return Err(Code::PaymentIdReused.into()),
            None => {}
        }
        insert(app, registry, &new, &items).await?;
    }
    let order = find_by_payment(app, merchant_id, payment_id).await?;
    let order = order.ok_or_else(|| Error::fault("an order that was made is not there"))?;
    let is_same = order.kind == new.kind
        && order.store.store_id == new.store.store_id
        && order.customer_id == new.customer_id
        && order.amount == new.amount
        && order.order_receipt_number == new.order_receipt_number
        && order.description == new.description
        && serde_json::to_string(&order.items)? == items;
    if is_same { Ok(order) } else { Err(Code::PaymentIdReused.into()) }
}

async fn insert(app: &App, registry: &Db, new: &NewOrder, items: &str) -> Result<()> {
    let now = app.clock.now();
    let bytes: [u8; CODE_LENGTH] = random(app.rng.as_ref());
    let character = |byte: &u8| char::from(CHARACTERS[usize::from(byte & 31)]);
    let code: String = bytes.iter().map(character).collect();
    let insert = sql("INSERT INTO orders (order_id, kind, store_id, merchant_id, terminal_number,
            customer_id, code, merchant_payment_id, wanted_yen, order_receipt_number, description,
            items, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT (merchant_id, merchant_payment_id) DO NOTHING");
    let insert = insert.bind(Kind::Order.random_text(app.rng.as_ref())).bind(new.kind.as_str());
    let insert = insert.bind(&new.store.store_id).bind(&new.store.merchant_id);
    let insert = insert.bind(new.terminal_number).bind(new.customer_id.as_deref()).bind(code);
    let insert = insert.bind(&new.merchant_payment_id).bind(new.amount);
    let insert = insert.bind(new.order_receipt_number.as_deref());
    let insert = insert.bind(new.description.as_deref()).bind(items);
    registry.execute(insert.bind(now).bind(now + new.lives)).await?;
    Ok(())
}

/// The head of each query.
macro_rules! order_columns {
    () => {
        "SELECT o.order_id, o.kind, o.terminal_number, t.terminal_id, o.customer_id, o.code,
             o.merchant_payment_id, o.wanted_yen, o.order_receipt_number, o.description, o.items,
             o.created_at, o.expires_at, s.sales_account
         FROM orders o JOIN store s ON s.store_id = o.store_id
         LEFT JOIN terminal t ON t.terminal_number = o.terminal_number"
    };
}

/// The order with this id.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find(app: &App, order_id: &str) -> Result<Option<Order>> {
    let query = sql(concat!(order_columns!(), " WHERE o.order_id = $1"));
    read(app, app.stores.registry.optional(query.bind(order_id)).await?).await
}

/// The order with this code, as people type it: lower case, gaps, and O for 0.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find_by_code(app: &App, typed: &str) -> Result<Option<Order>> {
    let query = sql(concat!(order_columns!(), " WHERE o.code = $1"));
    read(app, app.stores.registry.optional(query.bind(plain(typed))).await?).await
}

/// The order of a merchant's payment.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find_by_payment(
    app: &App,
    merchant_id: &str,
    merchant_payment_id: &str,
) -> Result<Option<Order>> {
    let query =
        sql(concat!(order_columns!(), " WHERE o.merchant_id = $1 AND o.merchant_payment_id = $2"));
    let query = query.bind(merchant_id).bind(merchant_payment_id);
    read(app, app.stores.registry.optional(query).await?).await
}

async fn read(app: &App, row: Option<Row>) -> Result<Option<Order>> {
    let Some(row) = row else { return Ok(None) };
    let account = u128::from_be_bytes(row.array("sales_account")?);
    let store = app.merchants.store_by_account(account).await?;
    let number = row.int_optional("terminal_number")?;
    Ok(Some(Order {
        order_id: row.text("order_id")?,
        kind: OrderKind::of(&row.text("kind")?)?,
        store: store.ok_or_else(|| Error::fault("an order is of no store"))?,
        terminal: number.zip(row.text_optional("terminal_id")?),
        customer_id: row.text_optional("customer_id")?,
        code: row.text("code")?,
        merchant_payment_id: row.text("merchant_payment_id")?,
        amount: row.int("wanted_yen")?,
        order_receipt_number: row.text_optional("order_receipt_number")?,
        description: row.text_optional("description")?,
        items: serde_json::from_str(&row.text("items")?)?,
        created_at: row.int("created_at")?,
        expires_at: row.int("expires_at")?,
    }))
}

fn plain(typed: &str) -> String {
    let one = |c: char| match c.to_ascii_uppercase() {
        'O' => Some('0'),
        'I' | 'L' => Some('1'),
        c if c.is_ascii_alphanumeric() => Some(c),
        _ => None,
    };
    typed.chars().take(64).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_may_be_typed_as_people_do() {
        assert_eq!(plain("abcde-f0o1l "), "ABCDEF0011");
    }

    #[test]
    fn a_kind_is_read_as_it_was_written() {
        for kind in OrderKind::ALL {
            assert_eq!(OrderKind::of(kind.as_str()).unwrap(), kind);
        }
        assert!(OrderKind::of("other").is_err());
    }
}
