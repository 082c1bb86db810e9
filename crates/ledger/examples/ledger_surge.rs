//! How fast the embedded ledger is: sales a second by batch size, and how long it takes to start.
//!
//! `cargo run --release -p omamori-ledger --example ledger_surge -- [FOLDER] [SECONDS]`
//!
//! Durable (`synchronous=FULL`), 1,000,000 customers and 20,000 stores with skewed choice; a sale
//! is a chain of two transfers (authorise, capture). Each of N callers waits for its answer before
//! it sends the next sale, so N requests share an entry. The views are kept at the same time, on
//! the same processors. Nothing here is asserted: it prints.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::float_arithmetic, reason = "rates are for reading, not for money")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot go on stops")]
#![expect(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use omamori_db::{Db, Durability};
use omamori_ledger::{
    Account, AccountFlags, ChainCheck, Ledger, NoCompanion, Options, Request, Submission, Transfer,
    TransferFlags,
};

const CUSTOMERS: u64 = 1_000_000;
const STORES: u64 = 20_000;
const YEN: u32 = 392;
const OPERATOR: u128 = 1;
const STORE_FIRST: u128 = 1 << 32;
const CUSTOMER_FIRST: u128 = 1 << 40;
const SALE_FIRST: u128 = 1 << 64;
/// Accounts of one request while the accounts are made.
const ACCOUNTS_PER_REQUEST: u64 = 8_000;
const TOP_UP_YEN: u64 = 100_000;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().map_or_else(|| PathBuf::from("data/surge"), PathBuf::from);
    let seconds = arguments.next().map_or(5, |text| text.parse().expect("seconds"));
    std::fs::create_dir_all(&folder).expect("the folder");

    let store = folder.join("sales");
    let ledger = fresh(&store).await;
    make_accounts(&ledger, CUSTOMERS, true).await;
    println!("| callers | sales/s | sales an entry | p50 ms | p99 ms | views behind |");
    println!("|---:|---:|---:|---:|---:|---:|");
    let next_sale = Arc::new(AtomicU64::new(0));
    for callers in [1, 16, 64, 256] {
        sell(&ledger, callers, Duration::from_secs(seconds), &next_sale).await;
    }
    let memory = ledger.memory_use();
    println!("\nin memory: {memory:?}");
    ledger.close().await;
    for check in [ChainCheck::Read, ChainCheck::Whole] {
        start(&store, check).await;
    }
    for accounts in [1_000_000, 10_000_000] {
        let store = folder.join(format!("accounts-{accounts}"));
        let ledger = fresh(&store).await;
        make_accounts(&ledger, accounts, false).await;
        ledger.close().await;
        start(&store, ChainCheck::Read).await;
    }
}

async fn fresh(store: &Path) -> Ledger<NoCompanion> {
    if store.exists() {
        std::fs::remove_dir_all(store).expect("the folder of the last run");
    }
    std::fs::create_dir_all(store).expect("the folder");
    open(store, ChainCheck::Read).await
}

async fn open(store: &Path, chain_check: ChainCheck) -> Ledger<NoCompanion> {
    let file = |name: &str| format!("sqlite:{}", store.join(name).display());
    let journal = Db::open(&file("journal.sqlite"), Durability::Full).await.expect("journal");
    let views = Db::open(&file("views.sqlite"), Durability::Rebuildable).await.expect("views");
    let now_nanos = Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        u64::try_from(since.as_nanos()).expect("a clock before 2554")
    });
    let unviewed_transfers_max = 20_000_000;
    let options = Options::new(journal, views, now_nanos);
    let options = Options { chain_check, unviewed_transfers_max, ..options };
    Ledger::open(options, NoCompanion).await.expect("the ledger opens")
}

/// Customers with money, stores, and the operator.
async fn make_accounts(ledger: &Ledger<NoCompanion>, customers: u64, with_money: bool) {
    let account = |id, flags| Account { id, ledger: YEN, code: 1, flags, ..Account::default() };
    let mut first = vec![account(OPERATOR, AccountFlags::NONE)];
    first.extend((0..STORES).map(|n| account(STORE_FIRST + u128::from(n), AccountFlags::NONE)));
    commit(ledger, Request { accounts: first, transfers: Vec::new() }).await;
    for start in (0..customers).step_by(ACCOUNTS_PER_REQUEST as usize) {
        let numbers = start..(start + ACCOUNTS_PER_REQUEST).min(customers);
        let customer = |n| {
            let limited = AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS;
            account(CUSTOMER_FIRST + u128::from(n), limited)
        };
        let accounts = numbers.clone().map(customer).collect();
        let top_up = |n| Transfer {
            id: u128::from(n) + 1,
            debit_account_id: OPERATOR,
            credit_account_id: CUSTOMER_FIRST + u128::from(n),
            amount: TOP_UP_YEN,
            ledger: YEN,
            code: 20,
            ..Transfer::default()
        };
        let transfers = if with_money { numbers.map(top_up).collect() } else { Vec::new() };
        commit(ledger, Request { accounts, transfers }).await;
    }
    assert!(ledger.views_reach(ledger.position().seq).await, "the views work");
}

async fn commit(ledger: &Ledger<NoCompanion>, request: Request) {
    let reply = ledger.commit(Submission::unchecked(request)).await.expect("a reply");
    assert!(reply.accounts.iter().all(|outcome| outcome.result.is_ok_or_exists()));
    assert!(reply.transfers.iter().all(|outcome| outcome.result.is_ok_or_exists()));
}

/// Lets `callers` sell for a while, and prints a line.
async fn sell(
    ledger: &Ledger<NoCompanion>,
    callers: u64,
    period: Duration,
    next_sale: &Arc<AtomicU64>,
) {
    let seq_before = ledger.position().seq;
    let began = Instant::now();
    let mut tasks = Vec::new();
    for caller in 0..callers {
        let (ledger, next_sale) = (ledger.clone(), Arc::clone(next_sale));
        tasks.push(tokio::spawn(async move {
            let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (caller + 1) << 32);
            let mut latencies = Vec::new();
            while began.elapsed() < period {
                let number = next_sale.fetch_add(1, Ordering::Relaxed);
                let request = sale(number, &mut random);
                let asked = Instant::now();
                let reply = ledger.commit(Submission::unchecked(request)).await.expect("a reply");
                assert!(reply.transfers.iter().all(|outcome| outcome.result.is_ok_or_exists()));
                latencies.push(asked.elapsed());
            }
            latencies
        }));
    }
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.expect("a caller ends"));
    }
    let seconds = began.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let quantile = |percent: usize| latencies[latencies.len() * percent / 100].as_secs_f64() * 1e3;
    let position = ledger.position();
    println!(
        "| {callers} | {:.0} | {:.1} | {:.2} | {:.2} | {} entries |",
        latencies.len() as f64 / seconds,
        latencies.len() as f64 / (position.seq - seq_before) as f64,
        quantile(50),
        quantile(99),
        position.seq - ledger.views_position().seq,
    );
    let waited = Instant::now();
    assert!(ledger.views_reach(position.seq).await, "the views work");
    println!("  (the views caught up after {:.1} s)", waited.elapsed().as_secs_f64());
}

fn sale(number: u64, random: &mut Random) -> Request {
    let id = SALE_FIRST + 2 * scrambled(number);
    let authorization = Transfer {
        id,
        debit_account_id: CUSTOMER_FIRST + u128::from(random.skewed(CUSTOMERS)),
        credit_account_id: STORE_FIRST + u128::from(random.skewed(STORES)),
        amount: 1 + random.next() % 3,
        timeout: 60,
        ledger: YEN,
        code: 10,
        flags: TransferFlags::PENDING | TransferFlags::LINKED,
        ..Transfer::default()
    };
    let capture = Transfer {
        id: id + 1,
        pending_id: id,
        amount: Transfer::AMOUNT_MAX,
        code: 0,
        flags: TransferFlags::POST_PENDING_TRANSFER,
        ..Transfer::default()
    };
    Request { accounts: Vec::new(), transfers: vec![authorization, capture] }
}

/// Ids are hashes in the product, so they are spread here too.
fn scrambled(number: u64) -> u128 {
    u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834) >> 2
}

/// A small generator (SplitMix64): the choice has to be skewed, not secret.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `count`, small numbers more often: the product of two even choices. The busiest
    /// tenth is chosen in a third of the cases.
    fn skewed(&mut self, count: u64) -> u64 {
        let even = |random: u64| (u128::from(random) * u128::from(count)) >> 64;
        let (first, second) = (even(self.next()), even(self.next()));
        u64::try_from(first * second / u128::from(count)).expect("below the count")
    }
}

/// Opens the store again, and prints how long it took.
async fn start(store: &Path, check: ChainCheck) {
    let began = Instant::now();
    let ledger = open(store, check).await;
    let seconds = began.elapsed().as_secs_f64();
    let memory = ledger.memory_use().state;
    println!(
        "start with {} accounts, {} old ids, {} transfers to fold, chain check {check:?}: \
         {seconds:.2} s; accounts take {} MiB",
        memory.account_count,
        memory.old_id_count,
        memory.transfer_count,
        memory.account_bytes >> 20,
    );
    ledger.close().await;
}
