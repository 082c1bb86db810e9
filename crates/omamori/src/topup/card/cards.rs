//! The cards of a customer, and forgetting one.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use omamori_db::{Db, Row, sql};
use serde_json::json;

use super::auto;
use super::look::Nothing;
use crate::app::App;
use crate::clock::Micros;
use crate::gate::Act;
use crate::identity::{Customer, Network};
use crate::notify::{Notice, tell};
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::json::Json;

/// Cards that wait to be forgotten at the gateway and are tried at once.
const FORGET_BATCH: i64 = 8;

/// A registered card.
#[derive(Clone, Debug)]
pub struct Card {
    /// `crd_…`.
    pub card_id: String,
    /// As the gateway calls it: `visa`.
    pub brand: String,
    /// The last four digits.
    pub last4: String,
    /// 1–12.
    pub exp_month: i64,
    /// As 2031.
    pub exp_year: i64,
    /// Since when.
    pub created_at: Micros,
    /// The same for the same card, whoever registers it; says nothing of its number.
    pub(super) fingerprint: String,
    pub(super) holder: String,
    pub(super) token: String,
}

impl Card {
    /// `Visa •••• 4242`.
    #[must_use]
    pub fn name(&self) -> String {
        label(&self.brand, &self.last4)
    }

    /// `12/34`, as on the card.
    #[must_use]
    pub fn expiry(&self) -> String {
        format!("{:02}/{:02}", self.exp_month, self.exp_year % 100)
    }
}

/// Brand and digits, as people know their card.
#[must_use]
pub fn label(brand: &str, last4: &str) -> String {
    let brand = match brand {
        "visa" => "Visa",
        "mastercard" => "Mastercard",
        "jcb" => "JCB",
        "amex" => "American Express",
        "diners" => "Diners Club",
        "discover" => "Discover",
        "unionpay" => "UnionPay",
        _ => "Card",
    };
    format!("{brand} •••• {last4}")
}

/// A fingerprint as text.
pub(super) fn hex(fingerprint: &[u8]) -> String {
    fingerprint.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(row: &Row) -> omamori_db::Result<Card> {
    Ok(Card {
        card_id: row.text("card_id")?,
        brand: row.text("brand")?,
        last4: row.text("last4")?,
        exp_month: row.int("exp_month")?,
        exp_year: row.int("exp_year")?,
        created_at: row.int("created_at")?,
        fingerprint: hex(&row.bytes("fingerprint")?),
        holder: row.text("holder")?,
        token: row.text_optional("token")?.unwrap_or_default(),
    })
}

/// The cards that a customer can use, the oldest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn of_customer(registry: &Db, customer_id: &str) -> Result<Vec<Card>> {
    let query = sql("SELECT card_id, brand, last4, exp_month, exp_year, created_at, holder, token,
                fingerprint
         FROM card WHERE customer_id = $1 AND state = 'active' ORDER BY created_at");
    let rows = registry.all(query.bind(customer_id)).await?;
    Ok(rows.iter().map(read).collect::<omamori_db::Result<_>>()?)
}

/// One of them.
///
/// # Errors
/// [`Code::CardNotFound`]; a fault if the registry fails.
pub async fn find(registry: &Db, customer_id: &str, card_id: &str) -> Result<Card> {
    let query = sql("SELECT card_id, brand, last4, exp_month, exp_year, created_at, holder, token,
                fingerprint
         FROM card WHERE card_id = $1 AND customer_id = $2 AND state = 'active'");
    let row = registry.optional(query.bind(card_id).bind(customer_id)).await?;
    Ok(read(&row.ok_or(Code::CardNotFound)?)?)
}

/// The name of a card, usable or not.
///
/// # Errors
/// A fault if the registry fails or there is no such card.
pub async fn name(registry: &Db, card_id: &str) -> Result<String> {
    let query = sql("SELECT brand, last4 FROM card WHERE card_id = $1");
    let row = registry.one(query.bind(card_id)).await?;
    Ok(label(&row.text("brand")?, &row.text("last4")?))
}

/// `POST /api/wallet/v1/cards/{card_id}/remove`: no factor is asked, for it only protects.
pub async fn remove(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    Path(card_id): Path<String>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<StatusCode> {
    let card = find(&app.stores.registry, &customer.customer_id, &card_id).await?;
    let detail = json!({ "ip": network.address(), "card": card_id });
    let _cleared = app.gate.decide(customer.asks(Act::CardRemove, &detail), Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let update = sql("UPDATE card SET state = 'removed', removed_at = $1
         WHERE card_id = $2 AND state = 'active'");
    if tx.execute(update.bind(app.clock.now()).bind(&card_id)).await? == 1 {
        tell(&app, &mut tx, &customer.customer_id, &Notice::CardRemoved { card: card.name() })
            .await?;
        auto::card_gone(&app, &mut tx, &customer.customer_id, &card_id).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes the gateway forget cards that were removed here.
///
/// # Errors
/// A fault if the registry fails.
pub async fn forget_removed(app: &App) -> Result<()> {
    let Ok(gateway) = app.topups.gateway() else { return Ok(()) };
    let registry = &app.stores.registry;
    let query = sql("SELECT card_id, token FROM card
         WHERE state = 'removed' AND token IS NOT NULL AND gateway = $1
         ORDER BY removed_at LIMIT $2");
    for row in registry.all(query.bind(gateway.name()).bind(FORGET_BATCH)).await? {
        if let Err(error) = gateway.forget_card(&row.text("token")?).await {
            tracing::warn!(%error, "the gateway did not forget a card");
            return Ok(()); // asked again soon
        }
        let update = sql("UPDATE card SET token = NULL WHERE card_id = $1");
        registry.execute(update.bind(row.text("card_id")?)).await?;
    }
    Ok(())
}
