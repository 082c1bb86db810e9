//! Passkeys of customers in the registry.

use omamori_db::{Db, Tx, sql};
use webauthn_rs::prelude::Passkey;

use super::ceremony::to_text;
use crate::clock::Micros;
use crate::web::error::Result;

/// A passkey and whose it is.
pub(super) struct Owned {
    pub passkey: Passkey,
    pub customer_id: String,
}

/// The passkey with this credential id, of an account that is not closed.
pub(super) async fn find(registry: &Db, credential_id: &[u8]) -> Result<Option<Owned>> {
    let query = sql("SELECT p.credential, p.customer_id FROM passkey p
         JOIN customer c ON c.customer_id = p.customer_id AND c.status <> 'closed'
         WHERE p.credential_id = $1");
    let Some(row) = registry.optional(query.bind(credential_id)).await? else { return Ok(None) };
    let passkey = serde_json::from_str(&row.text("credential")?)?;
    Ok(Some(Owned { passkey, customer_id: row.text("customer_id")? }))
}

/// All passkeys of a customer, the oldest first.
pub(super) async fn customer(registry: &Db, customer_id: &str) -> Result<Vec<Passkey>> {
    let query = sql("SELECT credential FROM passkey WHERE customer_id = $1 ORDER BY created_at");
    let rows = registry.all(query.bind(customer_id)).await?;
    rows.iter().map(|row| Ok(serde_json::from_str(&row.text("credential")?)?)).collect()
}

/// A passkey, for people.
pub(super) struct Listed {
    /// The credential id, base64url.
    pub id: String,
    /// Of the phone that it was made on.
    pub name: String,
    pub created_at: Micros,
    pub last_used_at: Micros,
}

/// The passkeys of a customer, the oldest first.
pub(super) async fn list(registry: &Db, customer_id: &str) -> Result<Vec<Listed>> {
    let query = sql("SELECT credential_id, name, created_at, last_used_at FROM passkey
         WHERE customer_id = $1 ORDER BY created_at");
    let rows = registry.all(query.bind(customer_id)).await?;
    let listed = |row: &omamori_db::Row| {
        Ok(Listed {
            id: to_text(&row.bytes("credential_id")?),
            name: row.text("name")?,
            created_at: row.int("created_at")?,
            last_used_at: row.int("last_used_at")?,
        })
    };
    rows.iter().map(listed).collect()
}

/// A new passkey of a customer, made on the phone `name`.
pub(super) async fn insert(
    tx: &mut Tx,
    customer_id: &str,
    passkey: &Passkey,
    name: &str,
    now: Micros,
) -> Result<()> {
    let credential = serde_json::to_value(passkey)?;
    let insert = sql(
        "INSERT INTO passkey (credential_id, customer_id, credential, counter, name, created_at,
                              last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)",
    );
    let insert = insert.bind(passkey.cred_id().as_slice()).bind(customer_id);
    let insert = insert.bind(credential.to_string()).bind(counter(&credential)).bind(name);
    tx.execute(insert.bind(now)).await?;
    Ok(())
}

/// Stores a passkey after its use. False if its counter did not rise although it counts: a copy
/// of the authenticator was used in between. (Most passkeys do not count: theirs stays 0.)
pub(super) async fn store_use(registry: &Db, passkey: &Passkey, now: Micros) -> Result<bool> {
    let credential = serde_json::to_value(passkey)?;
    let counter = counter(&credential);
    let update = sql("UPDATE passkey SET credential = $1, counter = $2, last_used_at = $3
         WHERE credential_id = $4 AND (counter < $2 OR $2 = 0)");
    let update = update.bind(credential.to_string()).bind(counter).bind(now);
    Ok(registry.execute(update.bind(passkey.cred_id().as_slice())).await? == 1)
}

/// The signature counter in the stored form of a passkey, which the library does not show.
fn counter(credential: &serde_json::Value) -> i64 {
    credential["cred"]["counter"].as_i64().unwrap_or_default()
}
