//! What the operator's desk asks of merchants: a store with its terminals, a merchant's stores.

use omamori_db::{Db, sql};

use crate::clock::Micros;
use crate::web::error::Result;

/// A store of a merchant.
pub struct Store {
    /// `sto_…`.
    pub store_id: String,
    /// Its name.
    pub name: String,
    /// The ledger account of what the merchant is owed.
    pub sales_account: u128,
    /// The ledger account of cash taken for top-ups.
    pub cash_account: u128,
    /// Since when.
    pub created_at: Micros,
    /// The oldest first.
    pub terminals: Vec<Terminal>,
}

/// A terminal of a store.
pub struct Terminal {
    /// `ter_…`.
    pub terminal_id: String,
    /// Its name in the store.
    pub name: String,
    /// `pos` or `till`.
    pub kind: String,
    /// To the nearest minutes.
    pub last_seen_at: Option<Micros>,
    /// Since when its key no longer works.
    pub revoked_at: Option<Micros>,
}

/// A merchant with all its stores.
pub struct Merchant {
    /// `mer_…`.
    pub merchant_id: String,
    /// Its name.
    pub name: String,
    /// The oldest first.
    pub stores: Vec<Store>,
}

/// The merchant with this id, of this store or of this terminal.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find(registry: &Db, id: &str) -> Result<Option<Merchant>> {
    let query =
        sql("SELECT merchant_id, name FROM merchant WHERE merchant_id = $1 OR merchant_id IN
         (SELECT s.merchant_id FROM store s LEFT JOIN terminal t ON t.store_id = s.store_id
          WHERE s.store_id = $1 OR t.terminal_id = $1)");
    let Some(row) = registry.optional(query.bind(id)).await? else { return Ok(None) };
    let merchant_id = row.text("merchant_id")?;
    let stores = stores(registry, &merchant_id).await?;
    Ok(Some(Merchant { name: row.text("name")?, merchant_id, stores }))
}

async fn stores(registry: &Db, merchant_id: &str) -> Result<Vec<Store>> {
    let query = sql("SELECT store_id, name, sales_account, cash_account, created_at FROM store
         WHERE merchant_id = $1 ORDER BY created_at, store_id");
    let mut stores = Vec::new();
    for row in registry.all(query.bind(merchant_id)).await? {
        let store_id = row.text("store_id")?;
        stores.push(Store {
            name: row.text("name")?,
            sales_account: u128::from_be_bytes(row.array("sales_account")?),
            cash_account: u128::from_be_bytes(row.array("cash_account")?),
            created_at: row.int("created_at")?,
            terminals: terminals(registry, &store_id).await?,
            store_id,
        });
    }
    Ok(stores)
}

async fn terminals(registry: &Db, store_id: &str) -> Result<Vec<Terminal>> {
    let query = sql("SELECT terminal_id, name, kind, last_seen_at, revoked_at FROM terminal
         WHERE store_id = $1 ORDER BY created_at, terminal_id");
    let mut terminals = Vec::new();
    for row in registry.all(query.bind(store_id)).await? {
        terminals.push(Terminal {
            terminal_id: row.text("terminal_id")?,
            name: row.text("name")?,
            kind: row.text("kind")?,
            last_seen_at: row.int_optional("last_seen_at")?,
            revoked_at: row.int_optional("revoked_at")?,
        });
    }
    Ok(terminals)
}
