//! Sales that are held: settled like any other, and not paid out. Each statement carries them on
//! until they are released; what is refunded of them is gone from what is held.
//!
//! A hold and a statement take the merchant's row first, so that a sale is either in a statement
//! that holds it, or was paid before and cannot be held any more.

use std::collections::{HashMap, HashSet};

use omamori_db::{Tx, sql};
use omamori_ledger::Transfer;
use serde::{Deserialize, Serialize};

use super::figures::{Period, nanos};
use super::settings::Rounding;
use super::statement::{self, Statement, Summary};
use super::terms::Terms;
use crate::app::App;
use crate::clock::Micros;
use crate::gate::windows::Position;
use crate::id::Kind;
use crate::pos::{Paid, claims, micros};
use crate::value::Spending;
use crate::web::codes::Code;
use crate::web::error::Result;

/// A sale that a statement holds. Yen.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
pub struct HeldSale {
    /// `pay_…`.
    pub payment_id: String,
    /// `sto_…`.
    pub store_id: String,
    /// When it was sold.
    pub at: Micros,
    /// What the store is owed for it, less what was refunded.
    pub gross: i64,
    /// The fee on that.
    pub fee: i64,
    /// The tax on the fee.
    pub tax: i64,
}

impl HeldSale {
    /// What is not paid out because of it.
    #[must_use]
    pub const fn net(&self) -> i64 {
        self.gross - self.fee - self.tax
    }

    /// With its fee: as the statement before reckoned it, its share where something was refunded
    /// since; else by these terms.
    #[must_use]
    pub fn with_fee(
        self,
        before: Option<&Self>,
        terms: &Terms,
        (tax_percent, tax_rounding): (i64, Rounding),
    ) -> Self {
        let (fee, tax) = match before {
            Some(before) if before.gross > 0 => {
                let share = |yen| Rounding::Down.share(self.gross, yen, before.gross);
                (share(before.fee), share(before.tax))
            }
            _ => terms.fee(self.gross, tax_percent, tax_rounding),
        };
        Self { fee, tax, ..self }
    }
}

/// What a statement holds.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// The sales, the oldest first.
    pub sales: Vec<HeldSale>,
    /// What the stores are owed for those that were sold in the statement's own period.
    pub fresh: i64,
}

/// A sale as somebody wants to hold it.
#[derive(Clone, Debug)]
pub struct Sale {
    /// The payment.
    pub transfer_id: u128,
    /// `mer_…`.
    pub merchant_id: String,
    /// `sto_…`.
    pub store_id: String,
    /// When it was sold.
    pub sold_at: Micros,
    /// What the store is owed for it, less what was refunded until now.
    pub yen: i64,
}

/// What came of a wish to hold a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is held from now on.
    Held,
    /// The same incident holds it.
    Already,
    /// A statement has it: nothing is held.
    Settled,
}

/// What a store is owed of a payment's parts: own discounts are the merchant's.
fn owed(spending: &Spending, sales_account: u128) -> i64 {
    let paid_by_others = spending.discounts.iter().filter(|part| part.to == sales_account);
    spending.due() + paid_by_others.map(|part| part.amount).sum::<i64>()
}

/// What a store is owed for a payment, less what was refunded before an instant in nanoseconds.
async fn left(app: &App, capture: Transfer, until: u64) -> Result<i64> {
    let paid = Paid::read(app, capture).await?;
    let claims = claims(app, &paid).await?;
    let claims = claims.iter().filter(|claim| claim.timestamp < until);
    let back = claims.map(|claim| Position::of(claim).amount).sum();
    let (all, sales) = (&paid.made.spending, capture.credit_account_id);
    Ok(owed(all, sales) - owed(&all.share(back), sales))
}

/// A payment to one of our stores; none if it is not one.
///
/// # Errors
/// A fault if a store fails.
pub async fn sale(app: &App, transfer_id: u128) -> Result<Option<Sale>> {
    let Some(stored) = app.gate.transfer_certainly(transfer_id).await? else { return Ok(None) };
    let capture = stored.transfer;
    let store = app.merchants.store_by_account(capture.credit_account_id).await?;
    let Some(store) = store else { return Ok(None) };
    Ok(Some(Sale {
        transfer_id,
        merchant_id: store.merchant_id.clone(),
        store_id: store.store_id.clone(),
        sold_at: micros(&capture),
        yen: left(app, capture, u64::MAX).await?,
    }))
}

/// Up to where each merchant's statements go.
///
/// # Errors
/// A fault if the registry fails.
pub async fn settled_until(app: &App) -> Result<HashMap<String, Micros>> {
    let query = sql("SELECT merchant_id, CAST(MAX(until_at) AS BIGINT) AS until_at
         FROM settlement GROUP BY merchant_id");
    let mut until = HashMap::new();
    for row in app.stores.registry.all(query).await? {
        until.insert(row.text("merchant_id")?, row.int("until_at")?);
    }
    Ok(until)
}

/// A merchant's number of holds and releases.
pub(super) async fn version(app: &App, merchant_id: &str) -> Result<i64> {
    let query = sql("SELECT sale_holds FROM merchant WHERE merchant_id = $1").bind(merchant_id);
    let row = app.stores.registry.optional(query).await?.ok_or(Code::NotFound)?;
    Ok(row.int("sale_holds")?)
}

/// Takes the merchant's row, if nothing was held or released since a version was read.
pub(super) async fn is_still(tx: &mut Tx, merchant_id: &str, version: i64) -> Result<bool> {
    let take = sql("UPDATE merchant SET sale_holds = sale_holds
         WHERE merchant_id = $1 AND sale_holds = $2");
    Ok(tx.execute(take.bind(merchant_id).bind(version)).await? == 1)
}

async fn take(tx: &mut Tx, merchant_id: &str) -> Result<()> {
    let rise = sql("UPDATE merchant SET sale_holds = sale_holds + 1 WHERE merchant_id = $1");
    tx.execute(rise.bind(merchant_id)).await?;
    Ok(())
}

/// Holds a sale, if no statement has it yet.
///
/// # Errors
/// A fault if the registry fails.
pub async fn hold_in(
    tx: &mut Tx,
    sale: &Sale,
    (incident_id, act_id): (&str, &str),
    now: Micros,
) -> Result<Outcome> {
    take(tx, &sale.merchant_id).await?;
    let id = sale.transfer_id.to_be_bytes();
    let held = sql("SELECT act_id FROM sale_hold
         WHERE transfer_id = $1 AND incident_id = $2 AND released_at IS NULL");
    if tx.optional(held.bind(id).bind(incident_id)).await?.is_some() {
        return Ok(Outcome::Already);
    }
    if !is_unpaid(tx, sale).await? {
        return Ok(Outcome::Settled);
    }
    let insert = sql("INSERT INTO sale_hold (transfer_id, incident_id, merchant_id, store_id,
             sold_at, act_id, held_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (transfer_id, incident_id) DO UPDATE SET act_id = excluded.act_id,
             held_at = excluded.held_at, released_by = NULL, released_at = NULL");
    let insert = insert.bind(id).bind(incident_id).bind(&sale.merchant_id).bind(&sale.store_id);
    tx.execute(insert.bind(sale.sold_at).bind(act_id).bind(now)).await?;
    Ok(Outcome::Held)
}

/// Whether no statement has a sale yet, or the newest one carries it on as held.
async fn is_unpaid(tx: &mut Tx, sale: &Sale) -> Result<bool> {
    let newest = sql("SELECT until_at, statement FROM settlement
         WHERE merchant_id = $1 ORDER BY until_at DESC LIMIT 1");
    let Some(row) = tx.optional(newest.bind(&sale.merchant_id)).await? else { return Ok(true) };
    if row.int("until_at")? <= sale.sold_at {
        return Ok(true);
    }
    let statement: Statement = serde_json::from_str(&row.text("statement")?)?;
    let payment_id = Kind::Payment.text(sale.transfer_id);
    Ok(statement.held_sales.iter().any(|held| held.payment_id == payment_id))
}

/// Releases a sale. False if this incident does not hold it.
///
/// # Errors
/// A fault if the registry fails.
pub async fn release_in(
    tx: &mut Tx,
    sale: &Sale,
    (incident_id, act_id): (&str, &str),
    now: Micros,
) -> Result<bool> {
    take(tx, &sale.merchant_id).await?;
    let update = sql("UPDATE sale_hold SET released_by = $1, released_at = $2
         WHERE transfer_id = $3 AND incident_id = $4 AND released_at IS NULL");
    let update = update.bind(act_id).bind(now).bind(sale.transfer_id.to_be_bytes());
    Ok(tx.execute(update.bind(incident_id)).await? == 1)
}

/// The sales that an incident holds: their payments.
///
/// # Errors
/// A fault if the registry fails.
pub async fn of_incident(app: &App, incident_id: &str) -> Result<Vec<u128>> {
    let query = sql("SELECT transfer_id FROM sale_hold
         WHERE incident_id = $1 AND released_at IS NULL ORDER BY sold_at, transfer_id");
    let rows = app.stores.registry.all(query.bind(incident_id)).await?;
    rows.iter().map(|row| Ok(u128::from_be_bytes(row.array("transfer_id")?))).collect()
}

/// What a merchant's statement of a period holds, with what is left of each sale at its end.
pub(super) async fn of(
    app: &App,
    merchant_id: &str,
    period: Period,
    (terms, tax): (&Terms, (i64, Rounding)),
    last: Option<&Summary>,
) -> Result<Held> {
    let query = sql("SELECT transfer_id, store_id, sold_at FROM sale_hold
         WHERE merchant_id = $1 AND released_at IS NULL AND sold_at < $2
         ORDER BY sold_at, transfer_id");
    let rows = app.stores.registry.all(query.bind(merchant_id).bind(period.until)).await?;
    let (mut held, mut seen) = (Held::default(), HashSet::new());
    let last = match last {
        Some(last) if !rows.is_empty() => {
            statement::find(app, merchant_id, &last.settlement_id).await?
        }
        _ => None,
    };
    let before = last.iter().flat_map(|last| &last.statement.held_sales);
    let before: HashMap<&str, &HeldSale> =
        before.map(|sale| (sale.payment_id.as_str(), sale)).collect();
    for row in rows {
        let id = u128::from_be_bytes(row.array("transfer_id")?);
        let Some(stored) = app.gate.transfer(id).await? else { continue };
        if !seen.insert(id) {
            continue; // two incidents hold it
        }
        let gross = left(app, stored.transfer, nanos(period.until)).await?;
        if gross <= 0 {
            continue; // refunded whole
        }
        let (payment_id, at) = (Kind::Payment.text(id), row.int("sold_at")?);
        let sale = HeldSale {
            payment_id,
            store_id: row.text("store_id")?,
            at,
            gross,
            ..HeldSale::default()
        };
        if at >= period.from {
            held.fresh += gross;
        }
        let known = before.get(sale.payment_id.as_str()).copied();
        held.sales.push(sale.with_fee(known, terms, tax));
    }
    Ok(held)
}
