//! Terminals and stores in memory: read by every payment.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use omamori_db::{Db, Row, sql};
use parking_lot::RwLock;

use crate::clock::{Clock, MINUTE, Micros};
use crate::gate::Place;
use crate::secret::token_hash;

/// How exactly the back office knows when a terminal last called.
const SEEN_EVERY: Micros = 10 * MINUTE;

/// A store, as payments need it.
#[derive(Debug)]
pub struct StoreEntry {
    /// `sto_…`.
    pub store_id: String,
    /// The store's name.
    pub name: String,
    /// `mer_…`.
    pub merchant_id: String,
    /// The merchant's name.
    pub merchant_name: String,
    /// The ledger account of what the merchant is owed.
    pub sales_account: u128,
    /// The ledger account of cash taken for top-ups.
    pub cash_account: u128,
    /// Points for ¥10,000; none is the operator's rate.
    pub points_rate: Option<i64>,
}

impl StoreEntry {
    /// A terminal of it, for the gate; 0 where none took part.
    #[must_use]
    pub fn place(&self, terminal_number: i64) -> Place<'_> {
        Place { terminal_number, store_id: &self.store_id, merchant_id: &self.merchant_id }
    }
}

/// A terminal that may call the POS API.
#[derive(Debug)]
pub struct TerminalEntry {
    /// Carried in the transfers of its operations.
    pub terminal_number: i64,
    /// `ter_…`.
    pub terminal_id: String,
    /// Its name in the store.
    pub name: String,
    /// `pos`, `till` or `atm`.
    pub kind: String,
    /// Where it stands.
    pub store: Arc<StoreEntry>,
    /// When this key or session ends, if it is one on its way out.
    pub until: Option<Micros>,
    last_seen_at: AtomicI64,
}

impl TerminalEntry {
    /// Where it stands, for the gate.
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        self.store.place(self.terminal_number)
    }
}

/// The terminals and stores that were asked for, by what they are asked by.
pub struct Merchants {
    registry: Db,
    clock: Arc<dyn Clock>,
    /// By the hash of a key or of a till's session token.
    terminals: RwLock<HashMap<[u8; 32], Arc<TerminalEntry>>>,
    /// By either account.
    stores: RwLock<HashMap<u128, Arc<StoreEntry>>>,
}

/// The columns that make a [`StoreEntry`].
macro_rules! store_columns {
    () => {
        "s.store_id, s.name AS store_name, s.merchant_id, m.name AS merchant_name, \
         s.sales_account, s.cash_account, s.points_rate"
    };
}

impl Merchants {
    /// An empty directory over the registry.
    #[must_use]
    pub fn new(registry: Db, clock: Arc<dyn Clock>) -> Self {
        Self { registry, clock, terminals: RwLock::default(), stores: RwLock::default() }
    }

    /// The terminal whose key or session token this is. Unknown and revoked look alike.
    ///
    /// # Errors
    /// [`omamori_db::Error`].
    pub async fn terminal(&self, token: &str) -> omamori_db::Result<Option<Arc<TerminalEntry>>> {
        self.terminal_of(token_hash(token)).await
    }

    /// The same, by the hash of the key or token.
    ///
    /// # Errors
    /// [`omamori_db::Error`].
    pub async fn terminal_of(
        &self,
        hash: [u8; 32],
    ) -> omamori_db::Result<Option<Arc<TerminalEntry>>> {
        let now = self.clock.now();
        if let Some(known) = self.terminals.read().get(&hash) {
            return Ok(Some(known.clone()).filter(|known| known.until.is_none_or(|end| now < end)));
        }
        let row = self
            .registry
            .optional(
                sql(concat!(
                    "SELECT t.terminal_number, t.terminal_id, t.name, t.kind, \
                     CAST(COALESCE(t.last_seen_at, 0) AS BIGINT) AS last_seen_at, \
                     CASE WHEN t.old_key_hash = $1 THEN t.old_key_until ELSE \
                     (SELECT expires_at FROM till_session WHERE token_hash = $1) END AS until_at, ",
                    store_columns!(),
                    " FROM terminal t JOIN store s ON s.store_id = t.store_id \
                      JOIN merchant m ON m.merchant_id = s.merchant_id \
                      WHERE t.revoked_at IS NULL AND (t.key_hash = $1 \
                      OR (t.old_key_hash = $1 AND t.old_key_until > $2) OR t.terminal_number IN \
                      (SELECT terminal_number FROM till_session WHERE token_hash = $1 \
                      AND (expires_at IS NULL OR expires_at > $2)))"
                ))
                .bind(hash)
                .bind(now),
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let until = row.int_optional("until_at")?;
        let entry = Arc::new(TerminalEntry {
            terminal_number: row.int("terminal_number")?,
            terminal_id: row.text("terminal_id")?,
            name: row.text("name")?,
            kind: row.text("kind")?,
            store: self.remember(store_of(&row)?),
            until,
            last_seen_at: AtomicI64::new(if until.is_some() {
                0
            } else {
                row.int("last_seen_at")?
            }),
        });
        self.terminals.write().insert(hash, entry.clone());
        Ok(Some(entry))
    }

    /// Notes that a terminal called: to the nearest minutes, so that a sale costs no write.
    ///
    /// # Errors
    /// [`omamori_db::Error`].
    pub async fn seen(&self, terminal: &TerminalEntry, now: Micros) -> omamori_db::Result<()> {
        let known = terminal.last_seen_at.load(Ordering::Relaxed);
        let due = now - known >= SEEN_EVERY;
        let order = Ordering::Relaxed;
        if !due || terminal.last_seen_at.compare_exchange(known, now, order, order).is_err() {
            return Ok(());
        }
        let update = sql("UPDATE terminal SET last_seen_at = $1,
                 old_key_seen_at = CASE WHEN $2 = 1 THEN $1 ELSE old_key_seen_at END
             WHERE terminal_number = $3");
        let update = update.bind(now).bind(i64::from(terminal.until.is_some()));
        self.registry.execute(update.bind(terminal.terminal_number)).await?;
        Ok(())
    }

    /// The store that has this ledger account, for sales or for cash.
    ///
    /// # Errors
    /// [`omamori_db::Error`].
    pub async fn store_by_account(
        &self,
        account: u128,
    ) -> omamori_db::Result<Option<Arc<StoreEntry>>> {
        if let Some(known) = self.stores.read().get(&account) {
            return Ok(Some(known.clone()));
        }
        let row = self
            .registry
            .optional(
                sql(concat!(
                    "SELECT ",
                    store_columns!(),
                    " FROM store s JOIN merchant m ON m.merchant_id = s.merchant_id \
                      WHERE s.sales_account = $1 OR s.cash_account = $1"
                ))
                .bind(account.to_be_bytes()),
            )
            .await?;
        row.map(|row| Ok(self.remember(store_of(&row)?))).transpose()
    }

    /// The store with this id.
    ///
    /// # Errors
    /// [`omamori_db::Error`].
    pub async fn store(&self, store_id: &str) -> omamori_db::Result<Option<Arc<StoreEntry>>> {
        let query = sql(concat!(
            "SELECT ",
            store_columns!(),
            " FROM store s JOIN merchant m ON m.merchant_id = s.merchant_id WHERE s.store_id = $1"
        ));
        let row = self.registry.optional(query.bind(store_id)).await?;
        row.map(|row| Ok(self.remember(store_of(&row)?))).transpose()
    }

    /// Forgets a terminal whose row changed.
    pub fn forget_terminal(&self, terminal_id: &str) {
        self.terminals.write().retain(|_, entry| entry.terminal_id != terminal_id);
    }

    /// Keeps one copy of each store, so that its terminals share it.
    fn remember(&self, store: StoreEntry) -> Arc<StoreEntry> {
        let mut stores = self.stores.write();
        if let Some(known) = stores.get(&store.sales_account) {
            return known.clone();
        }
        let store = Arc::new(store);
        stores.insert(store.sales_account, store.clone());
        stores.insert(store.cash_account, store.clone());
        store
    }
}

fn store_of(row: &Row) -> omamori_db::Result<StoreEntry> {
    Ok(StoreEntry {
        store_id: row.text("store_id")?,
        name: row.text("store_name")?,
        merchant_id: row.text("merchant_id")?,
        merchant_name: row.text("merchant_name")?,
        sales_account: u128::from_be_bytes(row.array("sales_account")?),
        cash_account: u128::from_be_bytes(row.array("cash_account")?),
        points_rate: row.int_optional("points_rate")?,
    })
}
