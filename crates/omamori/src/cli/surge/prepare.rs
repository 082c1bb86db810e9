//! Filling a data folder: the registry in bulk, value through the ledger's engine.
//!
//! The rows are those that sign-up and the back office write, without what no payment reads
//! (passkeys, sessions, recovery codes).

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use omamori_db::{Db, Query, sql_rows};
use omamori_ledger::{
    Account, CreateAccountResult, CreateTransferResult, Ledger, NoCompanion, Options, Request,
    Submission, Transfer,
};

use super::world::{BALANCE_YEN, Store, World};
use super::{SurgeError, bar, spinner};
use crate::cli::open::read_or_make_key;
use crate::clock::{Clock, DAY, Micros};
use crate::config;
use crate::db::Stores;
use crate::gate::chart::{LEDGER_JPY, TransferCode, store_accounts, wallet_account};
use crate::identity::{phc, secret_place, totp_place};
use crate::rng::{SystemRng, random};
use crate::secret::{Vault, token_hash};

/// Rows of one statement: eight columns stay well below the engines' bounds for values.
const ROWS_PER_STATEMENT: u32 = 500;
const ROWS_PER_TRANSACTION: u32 = 50_000;
/// Customers or stores of one request to the ledger.
const ACCOUNTS_PER_REQUEST: u32 = 4_000;
/// Long enough ago that the limits of a new phone's first day are over.
const ENROLLED_AGO: Micros = 2 * DAY;

const MERCHANTS: &str = "INSERT INTO merchant (\
    merchant_id, name, created_at)";
const STORES: &str = "INSERT INTO store (\
    store_id, merchant_id, name, sales_account, cash_account, created_at)";
const TERMINALS: &str = "INSERT INTO terminal (\
    terminal_number, terminal_id, store_id, name, kind, key_hash, created_at)";
const CUSTOMERS: &str = "INSERT INTO customer (\
    customer_id, phone, status, language, wallet_account, signin_failures, \
    signin_locked_until, created_at)";
const DEVICES: &str = "INSERT INTO device (\
    device_id, device_number, customer_id, name, sign_key_thumbprint, \
    code_secret, state, enrolled_at, last_used_at)";
const PASSWORDS: &str = "INSERT INTO password (\
    customer_id, hash, failures, locked_until, changed_at)";
const AUTHENTICATORS: &str = "INSERT INTO totp (\
    customer_id, secret, last_step, created_at)";

/// How long filling took.
pub(super) struct Prepared {
    pub(super) registry: Duration,
    pub(super) ledger: Duration,
    pub(super) views: Duration,
}

/// The file with the master key, inside the data folder.
pub(super) const KEY_FILE: &str = "master.key";

pub(super) async fn prepare(
    folder: &Path,
    world: &World,
    clock: &Arc<dyn Clock>,
) -> Result<Prepared, SurgeError> {
    let master_key = read_or_make_key(&folder.join(KEY_FILE)).map_err(SurgeError::Key)?;
    let stores = Stores::open(&config::Store::Sqlite { folder: folder.to_owned() }).await?;
    let at = clock.now() - ENROLLED_AGO;

    let started = Instant::now();
    fill_merchants(&stores.registry, world, at).await?;
    let vault = Vault::new(&master_key);
    fill_customers(&stores.registry, world, &vault, at).await?;
    fill_members(&stores.registry, world, &vault, at).await?;
    let registry = started.elapsed();

    let now = clock.clone();
    let long_ago = Arc::new(move || now.now_nanos() - ENROLLED_AGO.unsigned_abs() * 1_000);
    let options = Options::new(stores.journal.clone(), stores.views.clone(), long_ago);
    let ledger = Ledger::open(options, NoCompanion).await?;
    let (in_ledger, in_views) = fill_ledger(&ledger, world).await?;
    ledger.close().await;
    stores.close().await;
    Ok(Prepared { registry, ledger: in_ledger, views: in_views })
}

async fn fill_merchants(registry: &Db, world: &World, at: Micros) -> Result<(), SurgeError> {
    fill(registry, MERCHANTS, world.merchants(), |number, row| {
        row.push(World::merchant_id(number));
        row.push(format!("Merchant {number}"));
        row.push(at);
    })
    .await?;
    fill(registry, STORES, world.stores, |number, row| {
        let store = world.store(number);
        row.push(store.store_id);
        row.push(store.merchant_id);
        row.push(format!("Store {number} of merchant {}", store.merchant_number));
        row.push(store.sales_account.to_be_bytes());
        row.push(store.cash_account.to_be_bytes());
        row.push(at);
    })
    .await?;
    fill(registry, TERMINALS, world.stores, |number, row| {
        let store = world.store(number);
        row.push(store.terminal_number);
        row.push(store.terminal_id);
        row.push(store.store_id);
        row.push("POS 1");
        row.push("pos");
        row.push(token_hash(&store.api_key));
        row.push(at);
    })
    .await
}

async fn fill_customers(
    registry: &Db,
    world: &World,
    vault: &Vault,
    at: Micros,
) -> Result<(), SurgeError> {
    fill(registry, CUSTOMERS, world.customers, |number, row| {
        let customer = world.customer(number);
        row.push(customer.customer_id);
        row.push(customer.phone);
        row.push("active");
        row.push("ja");
        row.push(customer.wallet_account.to_be_bytes());
        row.push(0);
        row.push(0);
        row.push(at);
    })
    .await?;
    fill(registry, DEVICES, world.customers, |number, row| {
        let customer = world.customer(number);
        let place = secret_place(&customer.device_id);
        row.push(customer.device_id);
        row.push(customer.device_number.get());
        row.push(customer.customer_id);
        row.push("Phone");
        row.push(customer.sign_key_thumbprint);
        row.push(vault.seal(&SystemRng, &place, &customer.code_secret));
        row.push("active");
        row.push(at);
        row.push(at);
    })
    .await
}

/// Passwords, each with a salt of its own, and authenticator apps.
async fn fill_members(
    registry: &Db,
    world: &World,
    vault: &Vault,
    at: Micros,
) -> Result<(), SurgeError> {
    let hashes: Result<Vec<String>, _> = (0..world.members)
        .map(|number| phc(vault, &world.member(number).password, &random(&SystemRng)))
        .collect();
    let hashes = hashes.map_err(SurgeError::Key)?;
    fill(registry, PASSWORDS, world.members, |number, row| {
        row.push(world.customer(number).customer_id);
        row.push(&hashes[number as usize]);
        row.push(0);
        row.push(0);
        row.push(at);
    })
    .await?;
    fill(registry, AUTHENTICATORS, world.members, |number, row| {
        let customer_id = world.customer(number).customer_id;
        let place = totp_place(&customer_id);
        row.push(customer_id);
        row.push(vault.seal(&SystemRng, &place, &world.member(number).totp_secret));
        row.push(0);
        row.push(at);
    })
    .await
}

/// Inserts rows by the hundred.
async fn fill(
    db: &Db,
    insert: &'static str,
    count: u32,
    values: impl Fn(u32, &mut Query),
) -> Result<(), SurgeError> {
    let (table, columns) = insert.split_once('(').unwrap_or((insert, ""));
    let column_count = columns.split(',').count();
    let bar = bar(table.trim_start_matches("INSERT INTO "), count.into());
    let mut number = 0;
    while number < count {
        let mut tx = db.begin().await?;
        let transaction_end = (number + ROWS_PER_TRANSACTION).min(count);
        while number < transaction_end {
            let end = (number + ROWS_PER_STATEMENT).min(transaction_end);
            let mut rows = sql_rows(insert, column_count);
            (number..end).for_each(|number| values(number, &mut rows));
            tx.execute(rows).await?;
            number = end;
            bar.set_position(number.into());
        }
        tx.commit().await?;
    }
    bar.finish_and_clear();
    Ok(())
}

/// Creates every account and gives every customer their balance. Returns how long it took until
/// all was durable, and how much longer until the views had it.
pub(super) async fn fill_ledger(
    ledger: &Ledger<NoCompanion>,
    world: &World,
) -> Result<(Duration, Duration), SurgeError> {
    let started = Instant::now();
    let progress = bar("ledger: accounts", u64::from(world.stores) + u64::from(world.customers));
    for numbers in chunks(world.stores) {
        progress.inc(numbers.len() as u64);
        let accounts = |number| {
            let Store { sales_account, cash_account, .. } = world.store(number);
            store_accounts(sales_account, cash_account)
        };
        let accounts = numbers.flat_map(accounts).collect();
        commit(ledger, Request { accounts, transfers: Vec::new() }).await?;
    }
    let funded_at = world.store(0).cash_account;
    for numbers in chunks(world.customers) {
        progress.inc(numbers.len() as u64);
        let wallet = |number| wallet_account(world.customer(number).wallet_account);
        let accounts: Vec<Account> = numbers.clone().map(wallet).collect();
        let topup = |(number, wallet): (u32, &Account)| Transfer {
            id: u128::from(number) + 1,
            debit_account_id: funded_at,
            credit_account_id: wallet.id,
            amount: BALANCE_YEN.into(),
            ledger: LEDGER_JPY,
            code: TransferCode::TopupCash.number(),
            ..Transfer::default()
        };
        let transfers = numbers.zip(&accounts).map(topup).collect();
        commit(ledger, Request { accounts, transfers }).await?;
    }
    progress.finish_and_clear();
    let durable = started.elapsed();
    let waiting = spinner("views: catching up");
    ledger.views_reach(ledger.position().seq).await;
    waiting.finish_and_clear();
    Ok((durable, started.elapsed().saturating_sub(durable)))
}

fn chunks(count: u32) -> impl Iterator<Item = std::ops::Range<u32>> {
    (0..count)
        .step_by(ACCOUNTS_PER_REQUEST as usize)
        .map(move |start| start..(start + ACCOUNTS_PER_REQUEST).min(count))
}

async fn commit(ledger: &Ledger<NoCompanion>, request: Request) -> Result<(), SurgeError> {
    let reply = ledger.commit(Submission::unchecked(request)).await;
    let reply = reply.map_err(|error| SurgeError::Refused(error.to_string()))?;
    let accounts = reply.accounts.iter().all(|outcome| outcome.result == CreateAccountResult::Ok);
    let transfers =
        reply.transfers.iter().all(|outcome| outcome.result == CreateTransferResult::Ok);
    if accounts && transfers {
        Ok(())
    } else {
        Err(SurgeError::Refused("an account or a transfer that should be new".to_owned()))
    }
}
