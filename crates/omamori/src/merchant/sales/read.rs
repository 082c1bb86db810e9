//! Reading sums of days, and adding them up by what somebody wants to know.

use std::collections::{BTreeMap, HashMap};
use std::ops::AddAssign;

use jiff::civil::Date;
use omamori_db::{sql, sql_built};

use crate::app::App;
use crate::settlement::terms;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Stores of one question to the views.
const ACCOUNTS: usize = 500;
/// Days, stores and terminals of one file: about 20 MB of it.
pub const ROWS_MAX: usize = 200_000;
/// The longest period: a year and what makes it comparable.
pub const DAYS_MAX: i32 = 400;

/// What was sold. Yen; refunds are not below zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Payments.
    pub sale_count: i64,
    /// What the store is owed for them: after its own discounts.
    pub gross: i64,
    /// Refunds and cancels.
    pub refund_count: i64,
    /// What went back.
    pub refunds: i64,
    /// Of gross less refunds, what the operator's coupons paid.
    pub coupons: i64,
    /// The merchant's own discounts: not owed, and no part of gross.
    pub discounts: i64,
}

impl Figures {
    /// Gross less refunds.
    #[must_use]
    pub const fn net(&self) -> i64 {
        self.gross - self.refunds
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.sale_count += other.sale_count;
        self.gross += other.gross;
        self.refund_count += other.refund_count;
        self.refunds += other.refunds;
        self.coupons += other.coupons;
        self.discounts += other.discounts;
    }
}

/// From a day to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first day in Japan.
    pub from: Date,
    /// The last.
    pub until: Date,
}

impl Period {
    /// Refuses what ends before it begins or is too long.
    ///
    /// # Errors
    /// The field.
    pub fn new(from: Date, until: Date) -> Result<Self> {
        let period = Self { from, until };
        if (1..=DAYS_MAX).contains(&period.days()) {
            Ok(period)
        } else {
            Err(Error::field("until", "out_of_range"))
        }
    }

    /// How many days.
    #[must_use]
    pub fn days(&self) -> i32 {
        self.until.since(self.from).map_or(0, |span| span.get_days()) + 1
    }
}

/// `20260401`.
pub(super) fn number(day: Date) -> i64 {
    i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day())
}

fn day_of(number: i64) -> Result<Date> {
    let part = |number: i64| i8::try_from(number % 100).unwrap_or(-1);
    let year = i16::try_from(number / 10_000).unwrap_or(-1);
    Date::new(year, part(number / 100), part(number))
        .map_err(|_| Error::fault("a row of sales is of no day"))
}

/// A store of the merchant.
#[derive(Clone, Debug)]
pub struct Store {
    /// `sto_…`.
    pub store_id: String,
    /// Its name.
    pub name: String,
    account: u128,
}

/// The stores of a merchant, the oldest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn stores(app: &App, merchant_id: &str) -> Result<Vec<Store>> {
    let query = sql("SELECT store_id, name, sales_account FROM store
         WHERE merchant_id = $1 ORDER BY created_at, store_id");
    let mut stores = Vec::new();
    for row in app.stores.registry.all(query.bind(merchant_id)).await? {
        stores.push(Store {
            store_id: row.text("store_id")?,
            name: row.text("name")?,
            account: u128::from_be_bytes(row.array("sales_account")?),
        });
    }
    Ok(stores)
}

/// What a terminal of a store sold on a day.
#[derive(Clone, Debug)]
pub struct Row {
    /// In Japan.
    pub day: Date,
    /// Its place among the stores.
    pub store: usize,
    /// The terminal's number; 0 where none took part.
    pub terminal_number: i64,
    /// What it sold.
    pub figures: Figures,
}

/// Places of stores by their accounts.
fn places(stores: &[Store]) -> HashMap<u128, usize> {
    stores.iter().enumerate().map(|(place, store)| (store.account, place)).collect()
}

fn figures(row: &omamori_db::Row) -> Result<Figures> {
    Ok(Figures {
        sale_count: row.int("sale_count")?,
        gross: row.int("gross_yen")?,
        refund_count: row.int("refund_count")?,
        refunds: row.int("refund_yen")?,
        coupons: row.int("coupon_yen")?,
        discounts: row.int("discount_yen")?,
    })
}

/// A question about some stores in a period.
fn about(text: &str, rest: &str, stores: &[Store], period: Period) -> omamori_db::Query {
    let marks: Vec<_> = (3..3 + stores.len()).map(|place| format!("${place}")).collect();
    let mut query = sql_built(format!(
        "SELECT {text} FROM sales_day WHERE day >= $1 AND day <= $2 AND account_id IN ({}) {rest}",
        marks.join(", ")
    ));
    query = query.bind(number(period.from)).bind(number(period.until));
    for store in stores {
        query.push(store.account.to_be_bytes());
    }
    query
}

/// Every day, store and terminal of a period in which something was sold or given back, in the
/// order of days, stores and terminals: for a file. Pages have the sums below.
///
/// # Errors
/// The period has more than [`ROWS_MAX`] of them: the field; a fault if the views fail.
pub async fn rows(app: &App, stores: &[Store], period: Period) -> Result<Vec<Row>> {
    let _shown_anyway = app.sales.catch_up(&app.gate).await;
    let places = places(stores);
    let mut rows = Vec::new();
    for some in stores.chunks(ACCOUNTS) {
        let text = "account_id, day, terminal_number, sale_count, gross_yen, refund_count,
             refund_yen, coupon_yen, discount_yen";
        let rest = format!("LIMIT {}", ROWS_MAX + 1 - rows.len());
        for row in app.stores.views.all(about(text, &rest, some, period)).await? {
            let account = u128::from_be_bytes(row.array("account_id")?);
            rows.push(Row {
                day: day_of(row.int("day")?)?,
                store: places.get(&account).copied().unwrap_or_default(),
                terminal_number: row.int("terminal_number")?,
                figures: figures(&row)?,
            });
        }
        if rows.len() > ROWS_MAX {
            return Err(Error::field("until", "out_of_range"));
        }
    }
    rows.sort_by_key(|row| (row.day, row.store, row.terminal_number));
    Ok(rows)
}

/// Sums by days, in their order.
///
/// # Errors
/// A fault if the views fail.
pub async fn by_day(
    app: &App,
    stores: &[Store],
    period: Period,
) -> Result<BTreeMap<Date, Figures>> {
    sums(app, stores, period, "day", |row| day_of(row.int("day")?)).await
}

/// Sums by places of stores.
///
/// # Errors
/// A fault if the views fail.
pub async fn by_store(
    app: &App,
    stores: &[Store],
    period: Period,
) -> Result<BTreeMap<usize, Figures>> {
    let places = places(stores);
    sums(app, stores, period, "account_id", |row| place(&places, row)).await
}

/// Sums by places of stores and numbers of terminals.
///
/// # Errors
/// A fault if the views fail.
pub async fn by_terminal(
    app: &App,
    stores: &[Store],
    period: Period,
) -> Result<BTreeMap<(usize, i64), Figures>> {
    let places = places(stores);
    let key = |row: &omamori_db::Row| Ok((place(&places, row)?, row.int("terminal_number")?));
    sums(app, stores, period, "account_id, terminal_number", key).await
}

fn place(places: &HashMap<u128, usize>, row: &omamori_db::Row) -> Result<usize> {
    let account = u128::from_be_bytes(row.array("account_id")?);
    Ok(places.get(&account).copied().unwrap_or_default())
}

/// Sums that the engine makes: a chain has millions of rows a year, and a page few.
async fn sums<K: Ord>(
    app: &App,
    stores: &[Store],
    period: Period,
    columns: &str,
    key: impl Fn(&omamori_db::Row) -> Result<K>,
) -> Result<BTreeMap<K, Figures>> {
    let _shown_anyway = app.sales.catch_up(&app.gate).await;
    let text = format!(
        "{columns}, CAST(SUM(sale_count) AS BIGINT) AS sale_count,
             CAST(SUM(gross_yen) AS BIGINT) AS gross_yen,
             CAST(SUM(refund_count) AS BIGINT) AS refund_count,
             CAST(SUM(refund_yen) AS BIGINT) AS refund_yen,
             CAST(SUM(coupon_yen) AS BIGINT) AS coupon_yen,
             CAST(SUM(discount_yen) AS BIGINT) AS discount_yen"
    );
    let rest = format!("GROUP BY {columns}");
    let mut sums: BTreeMap<K, Figures> = BTreeMap::new();
    for some in stores.chunks(ACCOUNTS) {
        for row in app.stores.views.all(about(&text, &rest, some, period)).await? {
            *sums.entry(key(&row)?).or_default() += figures(&row)?;
        }
    }
    Ok(sums)
}

/// A terminal by its number.
#[derive(Clone, Debug)]
pub struct Terminal {
    /// `ter_…`.
    pub terminal_id: String,
    /// Its name in the store.
    pub name: String,
}

/// The terminals of a merchant's stores by number, those that no longer work too.
///
/// # Errors
/// A fault if the registry fails.
pub async fn terminals(app: &App, merchant_id: &str) -> Result<HashMap<i64, Terminal>> {
    let query = sql("SELECT t.terminal_number, t.terminal_id, t.name FROM terminal t
         JOIN store s ON s.store_id = t.store_id WHERE s.merchant_id = $1");
    let mut terminals = HashMap::new();
    for row in app.stores.registry.all(query.bind(merchant_id)).await? {
        let terminal = Terminal { terminal_id: row.text("terminal_id")?, name: row.text("name")? };
        terminals.insert(row.int("terminal_number")?, terminal);
    }
    Ok(terminals)
}

/// The fee on net sales at today's terms, and the tax on it: about what statements will take,
/// which round once each.
///
/// # Errors
/// A fault if the registry fails.
pub async fn fee(app: &App, merchant_id: &str) -> Result<impl Fn(i64) -> (i64, i64) + use<>> {
    let terms = terms::of(app, merchant_id).await?;
    let settings = (app.config.settlement.tax_percent, app.config.settlement.tax_rounding);
    Ok(move |net| terms.fee(net, settings.0, settings.1))
}

/// The stores that are asked for: all, or one of them.
///
/// # Errors
/// [`Code::NotFound`]: another merchant's store is not there.
pub fn chosen(stores: Vec<Store>, store_id: &str) -> Result<Vec<Store>> {
    if store_id.is_empty() {
        return Ok(stores);
    }
    let found: Vec<_> = stores.into_iter().filter(|store| store.store_id == store_id).collect();
    if found.is_empty() { Err(Code::NotFound.into()) } else { Ok(found) }
}
