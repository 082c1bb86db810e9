//! Rows of `send`: who sent to whom. What became of the value is the ledger's to say.

use omamori_db::{Db, Row, sql};

use super::transfers::{WAITS_SECONDS, receive_id};
use crate::clock::{Micros, SECOND};
use crate::identity::account::Account;
use crate::web::error::Result;

/// A send as the registry explains it.
#[derive(Clone, Debug)]
pub struct Send {
    /// `snd_…`.
    pub send_id: String,
    /// Who sent it.
    pub sender_id: String,
    /// The digest of what was asked for.
    pub asked: [u8; 32],
    /// `phone`, `friend`, `link` or `request`.
    pub to_kind: String,
    /// For `phone`, in E.164.
    pub to_phone: Option<String>,
    /// For `friend` and `request`.
    pub to_customer_id: Option<String>,
    /// What the sender calls the receiver.
    pub to_name: String,
    /// Of a link's token.
    pub link_hash: Option<Vec<u8>>,
    /// From sender to receiver.
    pub message: String,
    /// What it pays.
    pub request_id: Option<String>,
    /// When it was asked for.
    pub created_at: Micros,
}

/// Rows of one list.
const LISTED: i64 = 50;
/// A row that is older than this waits no more.
const WAITS: Micros = WAITS_SECONDS as Micros * SECOND + 600 * SECOND;

/// The head of each query.
macro_rules! send_columns {
    () => {
        "SELECT send_id, sender_id, asked, to_kind, to_phone, to_customer_id, to_name, link_hash,
             message, request_id, created_at FROM send"
    };
}

fn read(row: &Row) -> omamori_db::Result<Send> {
    Ok(Send {
        send_id: row.text("send_id")?,
        sender_id: row.text("sender_id")?,
        asked: row.array("asked")?,
        to_kind: row.text("to_kind")?,
        to_phone: row.text_optional("to_phone")?,
        to_customer_id: row.text_optional("to_customer_id")?,
        to_name: row.text("to_name")?,
        link_hash: row.bytes_optional("link_hash")?,
        message: row.text("message")?,
        request_id: row.text_optional("request_id")?,
        created_at: row.int("created_at")?,
    })
}

fn read_all(rows: &[Row]) -> Result<Vec<Send>> {
    Ok(rows.iter().map(read).collect::<omamori_db::Result<_>>()?)
}

/// Writes it, unless a row with this id is there. Gives the digest that the row has.
///
/// # Errors
/// A fault if the registry fails.
pub async fn insert(registry: &Db, send: &Send) -> Result<[u8; 32]> {
    let insert = sql("INSERT INTO send (send_id, sender_id, asked, to_kind, to_phone,
            to_customer_id, to_name, link_hash, link_tries, message, request_id,
            receive_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CAST(0 AS BIGINT), $9, $10, $11, $12)
         ON CONFLICT DO NOTHING");
    let insert = insert.bind(&send.send_id).bind(&send.sender_id).bind(send.asked);
    let insert = insert.bind(&send.to_kind).bind(send.to_phone.as_deref());
    let insert = insert.bind(send.to_customer_id.as_deref()).bind(&send.to_name);
    let insert = insert.bind(send.link_hash.clone()).bind(&send.message);
    let receive_id = receive_id(send.transfer_id()).to_be_bytes();
    let insert = insert.bind(send.request_id.as_deref()).bind(receive_id);
    registry.execute(insert.bind(send.created_at)).await?;
    let asked = sql("SELECT asked FROM send WHERE send_id = $1");
    Ok(registry.one(asked.bind(&send.send_id)).await?.array("asked")?)
}

/// The row with this id.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find(registry: &Db, send_id: &str) -> Result<Option<Send>> {
    let query = sql(concat!(send_columns!(), " WHERE send_id = $1"));
    Ok(registry.optional(query.bind(send_id)).await?.as_ref().map(read).transpose()?)
}

/// The row of what somebody received.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find_by_receive(registry: &Db, receive_id: u128) -> Result<Option<Send>> {
    let query = sql(concat!(send_columns!(), " WHERE receive_id = $1"));
    let query = query.bind(receive_id.to_be_bytes());
    Ok(registry.optional(query).await?.as_ref().map(read).transpose()?)
}

/// The row of a link's token.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find_by_link(registry: &Db, link_hash: [u8; 32]) -> Result<Option<Send>> {
    let query = sql(concat!(send_columns!(), " WHERE link_hash = $1"));
    Ok(registry.optional(query.bind(link_hash)).await?.as_ref().map(read).transpose()?)
}

/// What a customer sent, the newest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn sent_by(registry: &Db, customer_id: &str) -> Result<Vec<Send>> {
    let query = sql(concat!(
        send_columns!(),
        " WHERE sender_id = $1 ORDER BY created_at DESC, send_id LIMIT $2"
    ));
    read_all(&registry.all(query.bind(customer_id).bind(LISTED)).await?)
}

/// What may wait for a customer, the newest first; nothing of people whom they blocked.
///
/// # Errors
/// A fault if the registry fails.
pub async fn waiting_for(registry: &Db, account: &Account, now: Micros) -> Result<Vec<Send>> {
    let query = sql(concat!(
        send_columns!(),
        " WHERE (to_customer_id = $1 OR to_phone = $2) AND created_at > $3
           AND NOT EXISTS (SELECT 1 FROM send_block b
                           WHERE b.customer_id = $1 AND b.blocked_id = send.sender_id)
         ORDER BY created_at DESC, send_id LIMIT $4"
    ));
    let query = query.bind(&account.customer_id).bind(account.phone.as_str());
    read_all(&registry.all(query.bind(now - WAITS).bind(LISTED)).await?)
}

/// What was sent to pay a request.
///
/// # Errors
/// A fault if the registry fails.
pub async fn paying(registry: &Db, request_id: &str) -> Result<Vec<Send>> {
    let query = sql(concat!(send_columns!(), " WHERE request_id = $1 ORDER BY created_at DESC"));
    read_all(&registry.all(query.bind(request_id)).await?)
}

/// What nobody was told of yet.
///
/// # Errors
/// A fault if the registry fails.
pub async fn untold(registry: &Db, now: Micros) -> Result<Vec<Send>> {
    let query = sql(concat!(
        send_columns!(),
        " WHERE told_at IS NULL AND created_at > $1 ORDER BY created_at LIMIT $2"
    ));
    read_all(&registry.all(query.bind(now - WAITS).bind(LISTED)).await?)
}

/// What may have run out without its sender hearing of it.
///
/// # Errors
/// A fault if the registry fails.
pub async fn unended(registry: &Db, now: Micros) -> Result<Vec<Send>> {
    let query = sql(concat!(
        send_columns!(),
        " WHERE ended_at IS NULL AND created_at <= $1 ORDER BY created_at LIMIT $2"
    ));
    let oldest = now - Micros::from(WAITS_SECONDS) * SECOND;
    read_all(&registry.all(query.bind(oldest).bind(LISTED)).await?)
}
