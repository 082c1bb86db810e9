//! What the ledger says of a merchant's stores in a period.

use omamori_db::sql;
use omamori_ledger::{Account, Transfer, TransferFlags};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::clock::Micros;
use crate::coupon::merchant_discount;
use crate::gate::chart::TransferCode;
use crate::pos::yen;
use crate::web::error::{Error, Result};

/// Transfers that are read at one time.
const PAGE: usize = 1_000;

/// One store in a period. Yen, none below zero.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
pub struct StoreFigures {
    /// `sto_…`.
    pub store_id: String,
    /// Its name on the day of the statement.
    pub name: String,
    /// Payments.
    pub sale_count: i64,
    /// What the store is owed for them, whichever value paid: after own discounts.
    pub sales: i64,
    /// Refunds and cancels.
    pub refund_count: i64,
    /// What went back.
    pub refunds: i64,
    /// Cash taken for top-ups.
    pub cash: i64,
    /// Cash top-ups taken back.
    pub cash_back: i64,
}

impl StoreFigures {
    /// Sales less refunds.
    #[must_use]
    pub const fn net_sales(&self) -> i64 {
        self.sales - self.refunds
    }

    /// What the store owes for cash.
    #[must_use]
    pub const fn net_cash(&self) -> i64 {
        self.cash - self.cash_back
    }
}

/// From an instant (included) to another (not included).
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// The first instant.
    pub from: Micros,
    /// The first instant after it.
    pub until: Micros,
}

/// A store's accounts.
pub(super) struct StoreAccounts {
    pub(super) store_id: String,
    pub(super) name: String,
    pub(super) sales: u128,
    pub(super) cash: u128,
}

/// The stores of a merchant, the oldest first.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn stores(app: &App, merchant_id: &str) -> Result<Vec<StoreAccounts>> {
    let query = sql("SELECT store_id, name, sales_account, cash_account FROM store
         WHERE merchant_id = $1 ORDER BY created_at, store_id");
    let mut stores = Vec::new();
    for row in app.stores.registry.all(query.bind(merchant_id)).await? {
        stores.push(StoreAccounts {
            store_id: row.text("store_id")?,
            name: row.text("name")?,
            sales: u128::from_be_bytes(row.array("sales_account")?),
            cash: u128::from_be_bytes(row.array("cash_account")?),
        });
    }
    Ok(stores)
}

/// Reads a store's figures, and makes sure that they are all there is: what the period and what
/// came after it move is what the account holds, as everything before was settled.
///
/// # Errors
/// A fault if the views fail or the figures do not add up: then nothing is settled.
pub(super) async fn of_store(
    app: &App,
    store: &StoreAccounts,
    period: Period,
) -> Result<StoreFigures> {
    let mut figures = StoreFigures {
        store_id: store.store_id.clone(),
        name: store.name.clone(),
        ..StoreFigures::default()
    };
    let sales = movements(app, store.sales, period).await?;
    for transfer in sales.iter().filter(|transfer| in_period(transfer, period)) {
        let amount = yen(transfer);
        if transfer.credit_account_id == store.sales {
            figures.sales += amount;
        } else {
            figures.refunds += amount;
        }
        match TransferCode::of(transfer.code) {
            Some(TransferCode::Payment) => figures.sale_count += 1,
            Some(TransferCode::Refund | TransferCode::Cancel) => figures.refund_count += 1,
            _ => {} // what else is given or taken back of the same payment
        }
    }
    for transfer in &movements(app, store.cash, period).await? {
        if !in_period(transfer, period) {
            continue;
        }
        if transfer.debit_account_id == store.cash {
            figures.cash += yen(transfer);
        } else {
            figures.cash_back += yen(transfer);
        }
    }
    Ok(figures)
}

/// A merchant's own discounts in a period, less what came back: not owed, told on the statement.
///
/// # Errors
/// A fault if the views fail.
pub(super) async fn own_discounts(app: &App, merchant_id: &str, period: Period) -> Result<i64> {
    let account = merchant_discount(merchant_id);
    let mut sum = 0;
    for transfer in &movements_of(app, account, period).await?.0 {
        if in_period(transfer, period) {
            sum += signed(transfer, account);
        }
    }
    Ok(sum)
}

const fn in_period(transfer: &Transfer, period: Period) -> bool {
    transfer.timestamp < nanos(period.until)
}

/// Microseconds as the ledger counts them.
pub(super) const fn nanos(at: Micros) -> u64 {
    at.unsigned_abs().saturating_mul(1_000)
}

fn signed(transfer: &Transfer, account: u128) -> i64 {
    if transfer.credit_account_id == account { yen(transfer) } else { -yen(transfer) }
}

/// Everything that moved an account since the period began, settlements left out; checked against
/// the account itself.
async fn movements(app: &App, id: u128, period: Period) -> Result<Vec<Transfer>> {
    let (movements, seen) = movements_of(app, id, period).await?;
    let sum: i64 = movements
        .iter()
        .filter(|transfer| transfer.timestamp <= seen.until)
        .map(|transfer| signed(transfer, id))
        .sum();
    if sum != net(&seen.account) {
        return Err(Error::fault("a store's account is not what its transfers add up to"));
    }
    Ok(movements)
}

/// Credits less debits, in yen.
pub(super) fn net(account: &Account) -> i64 {
    let yen = |units: u64| i64::try_from(units).unwrap_or(i64::MAX);
    yen(account.credits_posted) - yen(account.debits_posted)
}

/// An account at a moment.
struct Seen {
    account: Account,
    /// The newest fact that it has seen, in nanoseconds.
    until: u64,
}

async fn movements_of(app: &App, id: u128, period: Period) -> Result<(Vec<Transfer>, Seen)> {
    let (account, until) = app.gate.account_at(id);
    let seen = Seen { account: account.unwrap_or_default(), until };
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = app.gate.statement(id, before, PAGE).await?;
        let whole = page.len() == PAGE;
        before = page.last().map(|transfer| transfer.timestamp);
        let newer = page.iter().take_while(|transfer| transfer.timestamp >= nanos(period.from));
        let (mut kept, mut looked_at) = (Vec::new(), 0);
        for transfer in newer {
            looked_at += 1;
            if moves(transfer) {
                kept.push(*transfer);
            }
        }
        found.append(&mut kept);
        if !whole || looked_at < PAGE {
            return Ok((found, seen));
        }
    }
}

/// Whether a transfer moves value by itself, and is not a settlement.
fn moves(transfer: &Transfer) -> bool {
    let only_reserves = transfer.is_pending();
    let releases = transfer.flags.contains(TransferFlags::VOID_PENDING_TRANSFER);
    let settles = matches!(
        TransferCode::of(transfer.code),
        Some(TransferCode::SalesSettled | TransferCode::CashSettled)
    );
    !only_reserves && !releases && !settles
}
