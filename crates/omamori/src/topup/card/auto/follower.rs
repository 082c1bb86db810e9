//! The follower of the journal that sees a balance fall below its threshold.
//!
//! It orders, and starts nothing: an order is one row, in the transaction that moves the follower's
//! position, so a payment orders once, whichever node reads it and however often the process dies.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use omamori_db::{Tx, sql, sql_built};
use omamori_ledger::{Entry, Fact, Follower, Transfer};

use crate::app::App;
use crate::clock::{HOUR, Micros};
use crate::gate::chart::TransferCode;
use crate::pos::micros;

/// What is older starts nothing: nobody expects a charge for a payment of long ago, as after a
/// stop.
const NEWS: Micros = HOUR;
/// How long it waits for more before it writes.
const LINGER: Duration = Duration::from_millis(250);
/// Accounts looked up by one statement.
const ACCOUNTS_PER_STATEMENT: usize = 256;

/// Starts the follower, where cards can be charged. It ends with the ledger.
///
/// # Errors
/// [`omamori_db::Error`] if its position cannot be read.
pub async fn follow(app: &Arc<App>) -> omamori_db::Result<()> {
    if app.topups.offers_cards() {
        let follower = Thresholds { app: Arc::downgrade(app) };
        app.gate.reader().follow(app.stores.registry.clone(), follower).await?;
    }
    Ok(())
}

struct Thresholds {
    app: Weak<App>,
}

/// Whether a transfer took value out of the wallet on its debit side, for good or to be taken.
fn spends(transfer: &Transfer) -> bool {
    match TransferCode::of(transfer.code) {
        Some(TransferCode::Payment) => !transfer.is_pending(),
        Some(TransferCode::Send) => transfer.is_pending(),
        _ => false,
    }
}

impl Follower for Thresholds {
    fn name(&self) -> &'static str {
        "auto_topups"
    }

    async fn apply(&mut self, tx: &mut Tx, entries: &[Arc<Entry>]) -> omamori_db::Result<()> {
        let app = self.app.upgrade().ok_or(omamori_db::Error::RowNotFound)?;
        let now = app.clock.now();
        let facts = entries.iter().flat_map(|entry| &entry.facts);
        let spent: Vec<&Transfer> = facts
            .filter_map(|fact| match fact {
                Fact::TransferCreated(transfer)
                    if spends(transfer) && micros(transfer) > now - NEWS =>
                {
                    Some(transfer)
                }
                _ => None,
            })
            .collect();
        let thresholds = thresholds(tx, &spent).await?;
        for transfer in spent {
            let wallet = transfer.debit_account_id;
            let Some((customer_id, threshold)) = thresholds.get(&wallet) else { continue };
            if app.gate.expected(wallet) < *threshold {
                let insert = sql("INSERT INTO auto_order (customer_id, trigger_id, next_at,
                         created_at)
                     VALUES ($1, $2, $3, $3) ON CONFLICT (customer_id) DO NOTHING");
                let insert = insert.bind(customer_id).bind(transfer.id.to_be_bytes()).bind(now);
                tx.execute(insert).await?;
            }
        }
        Ok(())
    }

    fn linger(&self) -> Duration {
        LINGER
    }
}

/// Whose auto top-up is on, and below how many yen, by account.
async fn thresholds(
    tx: &mut Tx,
    spent: &[&Transfer],
) -> omamori_db::Result<HashMap<u128, (String, i64)>> {
    let accounts: HashSet<u128> = spent.iter().map(|spent| spent.debit_account_id).collect();
    let accounts: Vec<u128> = accounts.into_iter().collect();
    let mut found = HashMap::new();
    for accounts in accounts.chunks(ACCOUNTS_PER_STATEMENT) {
        let places: Vec<_> = (1..=accounts.len()).map(|place| format!("${place}")).collect();
        let mut query = sql_built(format!(
            "SELECT customer_id, wallet_account, threshold FROM auto_topup
             WHERE wallet_account IN ({}) AND state = 'on'",
            places.join(", ")
        ));
        for account in accounts {
            query.push(account.to_be_bytes());
        }
        for row in tx.all(query).await? {
            let account = u128::from_be_bytes(row.array("wallet_account")?);
            found.insert(account, (row.text("customer_id")?, row.int("threshold")?));
        }
    }
    Ok(found)
}
