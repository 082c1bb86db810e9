//! A merchant's statement for one closing day: how it is reckoned, and its row.

use jiff::civil::Date;
use omamori_db::{Row, sql};
use serde::{Deserialize, Serialize};

use super::figures::StoreFigures;
use super::hold::{self, Held, HeldSale};
use super::settings::Rounding;
use super::terms::{BASIS_POINTS, Terms};
use crate::app::App;
use crate::audit::MACHINE;
use crate::clock::Micros;
use crate::id::derive;
use crate::merchant::notice::{MerchantNotice, tell};
use crate::web::error::{Error, Result};

/// The figures of a statement. Yen.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct Statement {
    /// On which terms.
    pub terms: Terms,
    /// Tax on the fee, percent.
    pub tax_percent: i64,
    /// Each store of the merchant.
    pub stores: Vec<StoreFigures>,
    /// The merchant's own discounts: not owed, and no part of any sum here.
    pub own_discounts: i64,
    /// Carried over from the statement before; below zero if the merchant owed.
    pub carried_in: i64,
    /// Payouts that the bank gave back since then.
    pub returned: i64,
    /// Sales less refunds, of all stores.
    pub net_sales: i64,
    /// Cash for top-ups, less what was taken back, of all stores.
    pub net_cash: i64,
    /// The fee without tax; below zero when refunds were more than sales.
    pub fee: i64,
    /// Consumption tax on the fee.
    pub tax: i64,
    /// Kept for refunds.
    pub holdback: i64,
    /// Paid out.
    pub payout: i64,
    /// Carried to the next statement: the holdback and what is held, or what the merchant owes.
    pub carried_out: i64,
    /// Of it, what is held: as much of the held sales as there is.
    #[serde(default)]
    pub held: i64,
    /// The sales that are not paid out for now.
    #[serde(default)]
    pub held_sales: Vec<HeldSale>,
}

/// What a statement is reckoned from.
pub struct Basis {
    /// On which terms.
    pub terms: Terms,
    /// Tax on the fee, percent.
    pub tax_percent: i64,
    /// How it is rounded.
    pub tax_rounding: Rounding,
    /// Each store of the merchant.
    pub stores: Vec<StoreFigures>,
    /// The merchant's own discounts.
    pub own_discounts: i64,
    /// What the statement before carried over.
    pub carried_in: i64,
    /// What came back from the bank since.
    pub returned: i64,
    /// What is not paid out for now.
    pub held: Held,
}

impl Basis {
    /// Reckons. Pure.
    #[must_use]
    pub fn reckon(self) -> Statement {
        let Self { terms, tax_percent, tax_rounding, stores, own_discounts, .. } = self;
        let (carried_in, returned) = (self.carried_in, self.returned);
        let net_sales = stores.iter().map(StoreFigures::net_sales).sum::<i64>();
        let net_cash = stores.iter().map(StoreFigures::net_cash).sum::<i64>();
        let (fee, tax) = terms.fee(net_sales, tax_percent, tax_rounding);
        let owed = carried_in + returned + net_sales - net_cash - fee - tax;
        let Held { sales: held_sales, fresh } = self.held;
        let held = held_sales.iter().map(HeldSale::net).sum::<i64>().clamp(0, owed.max(0));
        // What is held is kept whole already.
        let kept_of = net_sales - fresh;
        let share = Rounding::Down.share(kept_of, terms.holdback_basis_points, BASIS_POINTS);
        let holdback = (share.max(0) + terms.holdback_yen).min(owed.max(0) - held);
        let payout = (owed - holdback - held).max(0);
        Statement {
            terms,
            tax_percent,
            stores,
            own_discounts,
            carried_in,
            returned,
            net_sales,
            net_cash,
            fee,
            tax,
            holdback,
            payout,
            carried_out: owed - payout,
            held,
            held_sales,
        }
    }
}

impl Statement {
    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let still = |store: &StoreFigures| {
            (store.sales, store.refunds, store.cash, store.cash_back) == (0, 0, 0, 0)
        };
        let moved = self.returned != 0 || self.payout != 0 || self.own_discounts != 0;
        !moved && self.stores.iter().all(still)
    }
}

/// A statement that was written down.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// `stl_…`, derived from merchant and day.
    pub settlement_id: String,
    /// `mer_…`.
    pub merchant_id: String,
    /// The last day of its period.
    pub closing_on: Date,
    /// The first instant of its period.
    pub from_at: Micros,
    /// The first instant after its period.
    pub until_at: Micros,
    /// Its figures.
    pub statement: Statement,
    /// When its transfers were known to be in the ledger.
    pub settled_at: Option<Micros>,
}

/// What lists show of a statement. The whole of one may be megabytes: it has every store.
#[derive(Clone, Debug)]
pub struct Summary {
    /// `stl_…`.
    pub settlement_id: String,
    /// `mer_…`.
    pub merchant_id: String,
    /// The last day of its period.
    pub closing_on: Date,
    /// The first instant after its period.
    pub until_at: Micros,
    /// Sales less refunds, in yen.
    pub net_sales: i64,
    /// Cash for top-ups, less what was taken back.
    pub net_cash: i64,
    /// The fee with the tax on it.
    pub fee_and_tax: i64,
    /// Paid out.
    pub payout: i64,
    /// Carried to the next statement.
    pub carried_out: i64,
    /// Of it, what is held.
    pub held: i64,
}

impl Summary {
    fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            settlement_id: row.text("settlement_id")?,
            merchant_id: row.text("merchant_id")?,
            closing_on: closing_day(row)?,
            until_at: row.int("until_at")?,
            net_sales: row.int("net_sales_yen")?,
            net_cash: row.int("net_cash_yen")?,
            fee_and_tax: row.int("fee_and_tax_yen")?,
            payout: row.int("payout_yen")?,
            carried_out: row.int("carried_out_yen")?,
            held: row.int("held_yen")?,
        })
    }
}

fn closing_day(row: &Row) -> Result<Date> {
    let day = row.text("closing_on")?.parse::<Date>();
    day.map_err(|_| Error::fault("a closing day is not a day"))
}

/// The columns that make a [`Summary`].
macro_rules! summary_columns {
    () => {
        "settlement_id, merchant_id, closing_on, until_at, net_sales_yen, net_cash_yen, \
         fee_and_tax_yen, payout_yen, carried_out_yen, held_yen"
    };
}

/// A statement as it was reckoned, before it is written down.
#[derive(Clone, Debug)]
pub struct Reckoned {
    /// With its figures.
    pub settlement: Settlement,
    /// The merchant's number of holds and releases that it knew.
    pub holds: i64,
}

/// The columns that make a [`Settlement`].
macro_rules! settlement_columns {
    () => {
        "settlement_id, merchant_id, closing_on, from_at, until_at, statement, settled_at"
    };
}

impl Settlement {
    /// The number behind the id of a merchant's statement.
    #[must_use]
    pub fn number(merchant_id: &str, closing_on: Date) -> u128 {
        let day = closing_on.to_string();
        derive("settlement", &[merchant_id.as_bytes(), day.as_bytes()])
    }

    /// What lists show of it.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let statement = &self.statement;
        Summary {
            settlement_id: self.settlement_id.clone(),
            merchant_id: self.merchant_id.clone(),
            closing_on: self.closing_on,
            until_at: self.until_at,
            net_sales: statement.net_sales,
            net_cash: statement.net_cash,
            fee_and_tax: statement.fee + statement.tax,
            payout: statement.payout,
            carried_out: statement.carried_out,
            held: statement.held,
        }
    }

    fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            settlement_id: row.text("settlement_id")?,
            merchant_id: row.text("merchant_id")?,
            closing_on: closing_day(row)?,
            from_at: row.int("from_at")?,
            until_at: row.int("until_at")?,
            statement: serde_json::from_str(&row.text("statement")?)?,
            settled_at: row.int_optional("settled_at")?,
        })
    }
}

/// Writes a statement down, if the merchant has none for the day yet; gives the one that stands.
/// None if sales were held or released since it was reckoned: then it is reckoned again.
///
/// # Errors
/// A fault if the registry fails.
pub async fn write_down(app: &App, reckoned: &Reckoned) -> Result<Option<Settlement>> {
    let wanted = &reckoned.settlement;
    let mut tx = app.stores.registry.begin().await?;
    if !hold::is_still(&mut tx, &wanted.merchant_id, reckoned.holds).await? {
        drop(tx);
        return find(app, &wanted.merchant_id, &wanted.settlement_id).await;
    }
    let insert = sql("INSERT INTO settlement
             (settlement_id, merchant_id, closing_on, from_at, until_at, statement, planned_at,
              net_sales_yen, net_cash_yen, fee_and_tax_yen, payout_yen, carried_out_yen, held_yen)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING");
    let sums = wanted.summary();
    let insert = insert
        .bind(&wanted.settlement_id)
        .bind(&wanted.merchant_id)
        .bind(wanted.closing_on.to_string())
        .bind(wanted.from_at)
        .bind(wanted.until_at)
        .bind(serde_json::to_string(&wanted.statement)?)
        .bind(app.clock.now());
    let insert = insert.bind(sums.net_sales).bind(sums.net_cash).bind(sums.fee_and_tax);
    let insert = insert.bind(sums.payout).bind(sums.carried_out).bind(sums.held);
    if tx.execute(insert).await? == 1 {
        let (closing_on, payout) = (wanted.closing_on.to_string(), sums.payout);
        let notice = MerchantNotice::Statement { closing_on, payout };
        tell(app, &mut tx, &wanted.merchant_id, MACHINE, &notice).await?;
    }
    tx.commit().await?;
    let stands = find(app, &wanted.merchant_id, &wanted.settlement_id).await?;
    stands.map(Some).ok_or(Error::fault("a statement that was written down is not there"))
}

/// A merchant's statement; another's is not there.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find(app: &App, merchant_id: &str, id: &str) -> Result<Option<Settlement>> {
    let query = sql(concat!(
        "SELECT ",
        settlement_columns!(),
        " FROM settlement WHERE settlement_id = $1 AND merchant_id = $2"
    ));
    let row = app.stores.registry.optional(query.bind(id).bind(merchant_id)).await?;
    row.as_ref().map(Settlement::of).transpose()
}

/// A merchant's statements whose transfers are not known to be in the ledger, the oldest first:
/// a run that died leaves one at most.
///
/// # Errors
/// A fault if the registry fails.
pub async fn unfinished(app: &App, merchant_id: &str) -> Result<Vec<Settlement>> {
    let query = sql(concat!(
        "SELECT ",
        settlement_columns!(),
        " FROM settlement WHERE merchant_id = $1 AND settled_at IS NULL ORDER BY until_at"
    ));
    let rows = app.stores.registry.all(query.bind(merchant_id)).await?;
    rows.iter().map(Settlement::of).collect()
}

/// A merchant's statements, the newest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn list(app: &App, merchant_id: &str, limit: i64) -> Result<Vec<Summary>> {
    let query = sql(concat!(
        "SELECT ",
        summary_columns!(),
        " FROM settlement WHERE merchant_id = $1 ORDER BY until_at DESC LIMIT $2"
    ));
    let rows = app.stores.registry.all(query.bind(merchant_id).bind(limit)).await?;
    rows.iter().map(Summary::of).collect()
}

/// The newest statements of all merchants, for staff.
///
/// # Errors
/// A fault if the registry fails.
pub async fn newest(app: &App, limit: i64) -> Result<Vec<Summary>> {
    let query = sql(concat!(
        "SELECT ",
        summary_columns!(),
        " FROM settlement ORDER BY until_at DESC, settlement_id LIMIT $1"
    ));
    let rows = app.stores.registry.all(query.bind(limit)).await?;
    rows.iter().map(Summary::of).collect()
}
