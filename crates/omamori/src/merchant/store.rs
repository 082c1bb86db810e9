//! The merchant's rows in the registry: created by the demo, by command and by the back office.

use omamori_db::sql;
use omamori_ledger::Request;

use super::access::Role;
use super::keys::tell_of_key;
use super::notice::{MerchantNotice, tell};
use crate::app::App;
use crate::audit::MACHINE;
use crate::clock::DAY;
use crate::gate::chart::store_accounts;
use crate::gate::{Act, Question};
use crate::id::{Kind, derive};
use crate::rng::{Rng, random, random_below};
use crate::secret::token_hash;
use crate::web::error::{Error, Result};
use crate::web::text::is_hidden;

/// Keys are told apart from other secrets by their first letters, for scanners of leaked keys.
pub(super) const KEY_PREFIX: &str = "omk_";

/// A terminal just made. The key is nowhere else.
pub struct NewTerminal {
    /// `ter_…`.
    pub terminal_id: String,
    /// The key, to be shown once.
    pub api_key: String,
}

/// A name that customers will read.
fn readable(name: &str) -> Result<()> {
    if name.chars().any(is_hidden) { Err(Error::field("name", "malformed")) } else { Ok(()) }
}

/// Adds a merchant.
///
/// # Errors
/// Hidden characters in the name; a fault if the registry fails.
pub async fn create_merchant(app: &App, name: &str) -> Result<String> {
    readable(name)?;
    let merchant_id = Kind::Merchant.random_text(app.rng.as_ref());
    app.stores
        .registry
        .execute(
            sql("INSERT INTO merchant (merchant_id, name, created_at) VALUES ($1, $2, $3)")
                .bind(&merchant_id)
                .bind(name)
                .bind(app.clock.now()),
        )
        .await?;
    Ok(merchant_id)
}

/// Adds a store and its two ledger accounts.
///
/// # Errors
/// Hidden characters in the name; a fault if a store fails.
pub async fn create_store(app: &App, merchant_id: &str, name: &str) -> Result<String> {
    readable(name)?;
    let store_id = Kind::Store.random_text(app.rng.as_ref());
    let sales = derive("store-sales", &[store_id.as_bytes()]);
    let cash = derive("store-cash", &[store_id.as_bytes()]);
    let clearance = app
        .gate
        .decide(Question::plain(Act::StoreCreate, &Subject { subject: &store_id }), Ok(()))
        .await?;
    let accounts = store_accounts(sales, cash).to_vec();
    // The accounts first: a store without accounts could take no payment, accounts without a
    // store are merely unused.
    app.gate.commit(clearance, Request { accounts, transfers: Vec::new() }).await?;
    app.stores
        .registry
        .execute(
            sql("INSERT INTO store \
                 (store_id, merchant_id, name, sales_account, cash_account, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(&store_id)
            .bind(merchant_id)
            .bind(name)
            .bind(sales.to_be_bytes())
            .bind(cash.to_be_bytes())
            .bind(app.clock.now()),
        )
        .await?;
    Ok(store_id)
}

/// Adds a terminal to a store and makes its key, at the operator's word.
///
/// # Errors
/// A fault if a store fails.
pub async fn create_terminal(
    app: &App,
    store_id: &str,
    name: &str,
    kind: &str,
) -> Result<NewTerminal> {
    create_terminal_by(app, MACHINE, store_id, name, kind).await
}

/// The same; `by` is who wants it.
///
/// # Errors
/// A fault if a store fails.
pub async fn create_terminal_by(
    app: &App,
    by: &str,
    store_id: &str,
    name: &str,
    kind: &str,
) -> Result<NewTerminal> {
    let rng = app.rng.as_ref();
    let terminal_id = Kind::Terminal.random_text(rng);
    // Random, so that a number tells nothing about how many terminals there are.
    let number = random_below(rng, 1 << 53).max(1);
    let api_key = new_token(rng, KEY_PREFIX);
    // What was decided stays true if the insert fails: a terminal that does not exist does nothing.
    let _ = app
        .gate
        .decide(Question::plain(Act::TerminalCreate, &Subject { subject: &terminal_id }), Ok(()))
        .await?;
    let mut tx = app.stores.registry.begin().await?;
    tx.execute(
        sql("INSERT INTO terminal \
             (terminal_number, terminal_id, store_id, name, kind, key_hash, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(i64::try_from(number).unwrap_or(i64::MAX))
        .bind(&terminal_id)
        .bind(store_id)
        .bind(name)
        .bind(kind)
        .bind(token_hash(&api_key))
        .bind(app.clock.now()),
    )
    .await?;
    let created = |terminal| MerchantNotice::KeyCreated { terminal };
    tell_of_key(app, &mut tx, &terminal_id, by, created).await?;
    tx.commit().await?;
    Ok(NewTerminal { terminal_id, api_key })
}

/// Puts a product on the merchant's shelf, or changes its name and price.
///
/// # Errors
/// A fault if the registry fails.
pub async fn put_product(
    app: &App,
    merchant_id: &str,
    jan: &str,
    name: &str,
    unit_price: i64,
) -> Result<()> {
    app.stores
        .registry
        .execute(
            sql("INSERT INTO product (merchant_id, jan, name, unit_price) \
                 VALUES ($1, $2, $3, $4) ON CONFLICT (merchant_id, jan) \
                 DO UPDATE SET name = excluded.name, unit_price = excluded.unit_price")
            .bind(merchant_id)
            .bind(jan)
            .bind(name)
            .bind(unit_price),
        )
        .await?;
    Ok(())
}

/// Invites an owner of the merchant. Returns the one-time invitation, good for seven days.
///
/// # Errors
/// A fault if the registry fails.
pub async fn invite(app: &App, merchant_id: &str, name: &str) -> Result<String> {
    invite_as(app, merchant_id, name, Role::Owner, None).await
}

/// Invites a person of the merchant; `by` is the owner who does, none for the operator. Returns the
/// one-time invitation, good for seven days.
///
/// # Errors
/// A fault if the registry fails.
pub async fn invite_as(
    app: &App,
    merchant_id: &str,
    name: &str,
    role: Role,
    by: Option<&str>,
) -> Result<String> {
    let invitation = new_token(app.rng.as_ref(), "inv_");
    let now = app.clock.now();
    let insert = sql("INSERT INTO merchant_user (merchant_user_id, merchant_id, name, role,
             invited_by, invite_hash, invite_expires_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    let insert = insert.bind(Kind::MerchantUser.random_text(app.rng.as_ref()));
    let insert = insert.bind(merchant_id).bind(name).bind(role.as_str()).bind(by);
    let insert = insert.bind(token_hash(&invitation)).bind(now + 7 * DAY).bind(now);
    let mut tx = app.stores.registry.begin().await?;
    tx.execute(insert).await?;
    let notice = MerchantNotice::PersonInvited { name: name.to_owned(), role };
    tell(app, &mut tx, merchant_id, by.unwrap_or(MACHINE), &notice).await?;
    tx.commit().await?;
    Ok(invitation)
}

/// A token of 160 random bits, told apart by its first letters.
#[must_use]
pub fn new_token(rng: &dyn Rng, prefix: &str) -> String {
    let high = u32::from_be_bytes(random(rng));
    let low = Kind::Request.random_text(rng);
    format!("{prefix}{high:08x}{}", low.rsplit('_').next().unwrap_or_default())
}

/// What the acts of this file are about, for their records.
#[derive(serde::Serialize)]
struct Subject<'a> {
    subject: &'a str,
}
