//! Rows of `money_request`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omamori_db::{Db, Row, Tx, sql};

use crate::app::App;
use crate::clock::Micros;
use crate::identity::account::Account;
use crate::secret::token_hash;
use crate::send::row as sends;
use crate::send::row::Send;
use crate::send::transfers::{self, Known, State};
use crate::web::error::Result;

/// Money that somebody asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `ask_…`.
    pub request_id: String,
    /// Who asks.
    pub asker_id: String,
    /// The digest of what was asked for.
    pub asked: [u8; 32],
    /// The shares of one bill have one.
    pub group_id: String,
    /// Yen.
    pub wanted_yen: i64,
    /// Whom, if by number: E.164.
    pub to_phone: Option<String>,
    /// What the asker calls them.
    pub to_name: String,
    /// From the asker.
    pub message: String,
    /// When it was called off.
    pub canceled_at: Option<Micros>,
    /// When it was asked.
    pub created_at: Micros,
    /// Until when it can be paid.
    pub expires_at: Micros,
}

/// Rows of one list.
const LISTED: i64 = 50;
/// Bytes of a token.
const TOKEN_BYTES: usize = 20;

impl Asked {
    /// Whether it can be paid.
    #[must_use]
    pub const fn stands(&self, now: Micros) -> bool {
        self.canceled_at.is_none() && now < self.expires_at
    }
}

/// The token of a request's link: derived, so that nothing but its hash is kept.
#[must_use]
pub fn token(app: &App, request_id: &str) -> String {
    let bytes = app.vault.derive(&format!("request.link/{request_id}"));
    URL_SAFE_NO_PAD.encode(&bytes[..TOKEN_BYTES])
}

/// The link. What is after `#` stays in the browser.
#[must_use]
pub fn address(app: &App, request_id: &str) -> String {
    format!("{}/send#ask={}", app.config.public_url, token(app, request_id))
}

/// The head of each query.
macro_rules! money_request_columns {
    () => {
        "SELECT request_id, asker_id, asked, group_id, wanted_yen, to_phone, to_name, message,
             canceled_at, created_at, expires_at FROM money_request"
    };
}

fn read(row: &Row) -> omamori_db::Result<Asked> {
    Ok(Asked {
        request_id: row.text("request_id")?,
        asker_id: row.text("asker_id")?,
        asked: row.array("asked")?,
        group_id: row.text("group_id")?,
        wanted_yen: row.int("wanted_yen")?,
        to_phone: row.text_optional("to_phone")?,
        to_name: row.text("to_name")?,
        message: row.text("message")?,
        canceled_at: row.int_optional("canceled_at")?,
        created_at: row.int("created_at")?,
        expires_at: row.int("expires_at")?,
    })
}

fn read_all(rows: &[Row]) -> Result<Vec<Asked>> {
    Ok(rows.iter().map(read).collect::<omamori_db::Result<_>>()?)
}

/// Writes it.
///
/// # Errors
/// A fault if the registry fails.
pub async fn insert(app: &App, tx: &mut Tx, asked: &Asked) -> Result<()> {
    let insert =
        sql("INSERT INTO money_request (request_id, asker_id, asked, group_id, wanted_yen,
            to_phone, to_name, link_hash, message, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT DO NOTHING");
    let insert = insert.bind(&asked.request_id).bind(&asked.asker_id).bind(asked.asked);
    let insert = insert.bind(&asked.group_id).bind(asked.wanted_yen);
    let insert = insert.bind(asked.to_phone.as_deref()).bind(&asked.to_name);
    let insert = insert.bind(token_hash(&token(app, &asked.request_id))).bind(&asked.message);
    tx.execute(insert.bind(asked.created_at).bind(asked.expires_at)).await?;
    Ok(())
}

/// The request with this id.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find(registry: &Db, request_id: &str) -> Result<Option<Asked>> {
    let query = sql(concat!(money_request_columns!(), " WHERE request_id = $1"));
    Ok(registry.optional(query.bind(request_id)).await?.as_ref().map(read).transpose()?)
}

/// The request of a link's token.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find_by_token(app: &App, token: &str) -> Result<Option<Asked>> {
    let query =
        sql(concat!(money_request_columns!(), " WHERE link_hash = $1")).bind(token_hash(token));
    Ok(app.stores.registry.optional(query).await?.as_ref().map(read).transpose()?)
}

/// The shares of one bill.
///
/// # Errors
/// A fault if the registry fails.
pub async fn of_group(registry: &Db, asker_id: &str, group_id: &str) -> Result<Vec<Asked>> {
    let query = sql(concat!(
        money_request_columns!(),
        " WHERE asker_id = $1 AND group_id = $2 ORDER BY created_at, request_id"
    ));
    read_all(&registry.all(query.bind(asker_id).bind(group_id)).await?)
}

/// What a customer asked for, the newest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn asked_by(registry: &Db, customer_id: &str) -> Result<Vec<Asked>> {
    let query = sql(concat!(
        money_request_columns!(),
        " WHERE asker_id = $1 ORDER BY created_at DESC, request_id LIMIT $2"
    ));
    read_all(&registry.all(query.bind(customer_id).bind(LISTED)).await?)
}

/// What a customer is asked for by their number; nothing of people whom they blocked.
///
/// # Errors
/// A fault if the registry fails.
pub async fn asked_of(registry: &Db, account: &Account, now: Micros) -> Result<Vec<Asked>> {
    let query = sql(concat!(
        money_request_columns!(),
        " WHERE to_phone = $1 AND canceled_at IS NULL AND expires_at > $2
           AND NOT EXISTS (SELECT 1 FROM send_block b
                           WHERE b.customer_id = $3 AND b.blocked_id = money_request.asker_id)
         ORDER BY created_at DESC, request_id LIMIT $4"
    ));
    let query = query.bind(account.phone.as_str()).bind(now).bind(&account.customer_id);
    read_all(&registry.all(query.bind(LISTED)).await?)
}

/// What paid a request, or is about to: the one send for it that did not come back.
///
/// # Errors
/// A fault if a store fails.
pub async fn payment(app: &App, request_id: &str) -> Result<Option<(Send, Known)>> {
    for row in sends::paying(&app.stores.registry, request_id).await? {
        let Some(known) = transfers::known(app, row.transfer_id()).await? else { continue };
        if !matches!(known.state, State::Returned { .. }) {
            return Ok(Some((row, known)));
        }
    }
    Ok(None)
}
