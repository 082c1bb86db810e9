//! Customers in the registry.

use omamori_db::{Db, Query, Row, Tx, sql};

use super::phone::Phone;
use crate::clock::Micros;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::text::Lang;

/// A customer's account, as other features may see it.
#[derive(Clone, Debug)]
pub struct Account {
    /// `cus_…`.
    pub customer_id: String,
    /// Verified at sign-up.
    pub phone: Phone,
    /// Stopped by staff.
    pub frozen: bool,
    /// Of what we send.
    pub language: Lang,
    /// In the ledger.
    pub wallet_account: u128,
    /// Since when.
    pub created_at: Micros,
}

/// The account with this id.
///
/// # Errors
/// [`omamori_db::Error::RowNotFound`] as a fault: ids of customers come from our own tables.
pub async fn find(registry: &Db, customer_id: &str) -> Result<Account> {
    Ok(read(&registry.one(by_id(customer_id)).await?)?)
}

/// The same, seen from inside a transaction.
///
/// # Errors
/// As [`find`].
pub async fn find_in(tx: &mut Tx, customer_id: &str) -> Result<Account> {
    Ok(read(&tx.one(by_id(customer_id)).await?)?)
}

/// Whether the customer with this wallet may pay: the account is neither stopped nor closed.
///
/// # Errors
/// A fault if the registry fails.
pub async fn stands(registry: &Db, wallet_account: u128) -> Result<bool> {
    let query = sql("SELECT status FROM customer WHERE wallet_account = $1");
    let row = registry.optional(query.bind(wallet_account.to_be_bytes())).await?;
    Ok(row.map(|row| row.text("status")).transpose()?.is_some_and(|status| status == "active"))
}

fn by_id(customer_id: &str) -> Query {
    let query = sql("SELECT customer_id, phone, status, language, wallet_account, created_at
         FROM customer WHERE customer_id = $1");
    query.bind(customer_id)
}

/// Whose wallet it is: `cus_…`. None if they are gone.
///
/// # Errors
/// A fault if the registry fails.
pub async fn of_wallet(registry: &Db, wallet: u128) -> Result<Option<String>> {
    let query = sql("SELECT customer_id FROM customer WHERE wallet_account = $1");
    let row = registry.optional(query.bind(wallet.to_be_bytes())).await?;
    Ok(row.map(|row| row.text("customer_id")).transpose()?)
}

/// Gives the account another number, which must be verified.
///
/// # Errors
/// [`Code::ProofFailed`] if it is another account's: all that its holder may learn. A fault if
/// the registry fails.
pub async fn set_phone(tx: &mut Tx, customer_id: &str, phone: &Phone) -> Result<()> {
    let update = sql("UPDATE customer SET phone = $1 WHERE customer_id = $2");
    match tx.execute(update.bind(phone.as_str()).bind(customer_id)).await {
        Ok(_) => Ok(()),
        Err(omamori_db::Error::UniqueViolation) => Err(Code::ProofFailed.into()),
        Err(fault) => Err(fault.into()),
    }
}

/// The living account of a phone number.
pub(super) async fn find_by_phone(registry: &Db, phone: &Phone) -> Result<Option<Account>> {
    let query = sql("SELECT customer_id, phone, status, language, wallet_account, created_at
         FROM customer WHERE phone = $1 AND status <> 'closed'");
    let row = registry.optional(query.bind(phone.as_str())).await?;
    Ok(row.as_ref().map(read).transpose()?)
}

fn read(row: &Row) -> omamori_db::Result<Account> {
    Ok(Account {
        customer_id: row.text("customer_id")?,
        phone: Phone::stored(row.text("phone")?),
        frozen: row.text("status")? == "frozen",
        language: Lang::parse(&row.text("language")?).unwrap_or_default(),
        wallet_account: u128::from_be_bytes(row.array("wallet_account")?),
        created_at: row.int("created_at")?,
    })
}
