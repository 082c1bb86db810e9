//! What the pure core costs: nanoseconds per sale (a linked chain of a pending transfer and its
//! post) over many accounts, and bytes per account. No storage is involved.
//!
//! `cargo run --release -p omamori-ledger --example core_speed -- [ACCOUNTS] [SALES] [BATCH]`
#![expect(
    clippy::print_stdout,
    clippy::float_arithmetic,
    clippy::expect_used,
    reason = "a program that measures and prints"
)]

use std::time::{Duration, Instant};

use omamori_ledger::{
    Account, AccountFlags, Applying, OlderTransfers, Request, State, Transfer, TransferFlags,
};

const LEDGER: u32 = 392;
const MERCHANTS: u64 = 10_000;
const ACCOUNTS_PER_BATCH: u64 = 4096;
/// How many transfers stay in memory at most.
const RECENT_TRANSFERS_MAX: usize = 200_000;

/// SplitMix64: well spread and reproducible.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn id(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next() | 1)
    }
}

/// Where the time of a batch goes.
#[derive(Default)]
struct Spent {
    look_up: Duration,
    apply: Duration,
    encode: Duration,
    merge: Duration,
    forget: Duration,
}

fn account_id(n: u64) -> u128 {
    Numbers(n).id()
}

fn account(n: u64, flags: AccountFlags) -> Account {
    Account { id: account_id(n), ledger: LEDGER, code: 1, flags, ..Account::default() }
}

fn transfer(id: u128, debit: u64, credit: u64, amount: u64, flags: TransferFlags) -> Transfer {
    Transfer {
        id,
        debit_account_id: account_id(debit),
        credit_account_id: account_id(credit),
        amount,
        ledger: LEDGER,
        code: 1,
        flags,
        ..Transfer::default()
    }
}

fn sale(numbers: &mut Numbers, customers: u64) -> Request {
    let pending_id = numbers.id();
    let customer = MERCHANTS + 1 + numbers.next() % customers;
    let merchant = 1 + numbers.next() % MERCHANTS;
    let pending_flags = TransferFlags::PENDING | TransferFlags::LINKED;
    let mut authorize = transfer(pending_id, customer, merchant, 1, pending_flags);
    authorize.timeout = 60;
    let capture = Transfer {
        id: numbers.id(),
        amount: Transfer::AMOUNT_MAX,
        pending_id,
        flags: TransferFlags::POST_PENDING_TRANSFER,
        ..Transfer::default()
    };
    Request { accounts: Vec::new(), transfers: vec![authorize, capture] }
}

fn commit(state: &mut State, requests: &[Request], spent: &mut Spent) {
    let start = Instant::now();
    let mut older = OlderTransfers::default();
    for id in requests.iter().flat_map(|request| state.older_ids(request)) {
        older.insert(id, None);
    }
    let looked_up = Instant::now();
    state.read_ahead(requests);
    let mut applying = Applying::new(state, &older, state.position().timestamp + 1);
    for request in requests {
        let reply = applying.request(request);
        assert!(reply.accounts.iter().all(|outcome| outcome.result.is_ok_or_exists()));
        assert!(reply.transfers.iter().all(|outcome| outcome.result.is_ok_or_exists()));
    }
    let delta = applying.finish();
    let applied = Instant::now();
    let entry = delta.encode();
    let encoded = Instant::now();
    state.merge(delta, entry.position);
    let merged = Instant::now();
    if state.memory_use().transfer_count > RECENT_TRANSFERS_MAX {
        state.forget_transfers_until(state.position().timestamp);
    }
    spent.look_up += looked_up - start;
    spent.apply += applied - looked_up;
    spent.encode += encoded - applied;
    spent.merge += merged - encoded;
    spent.forget += merged.elapsed();
}

/// Creates the accounts and gives each customer a balance.
fn load(state: &mut State, numbers: &mut Numbers, customers: u64) {
    let operator = account(0, AccountFlags::NONE);
    let merchants = (1..=MERCHANTS).map(|n| account(n, AccountFlags::NONE));
    let accounts = std::iter::once(operator).chain(merchants).collect();
    let mut unmeasured = Spent::default();
    commit(state, &[Request { accounts, transfers: Vec::new() }], &mut unmeasured);
    let customer_numbers: Vec<u64> = (MERCHANTS + 1..=MERCHANTS + customers).collect();
    for chunk in customer_numbers.chunks(ACCOUNTS_PER_BATCH as usize) {
        let limit = AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS;
        let accounts = chunk.iter().map(|&n| account(n, limit)).collect();
        let top_up = |&n| transfer(numbers.id(), 0, n, 1_000_000, TransferFlags::NONE);
        let transfers = chunk.iter().map(top_up).collect();
        commit(state, &[Request { accounts, transfers }], &mut unmeasured);
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse().expect("a number"));
    let customers: u64 = arguments.next().unwrap_or(1_000_000);
    let sales: u64 = arguments.next().unwrap_or(2_000_000);
    let batch: u64 = arguments.next().unwrap_or(64);

    let mut numbers = Numbers(7);
    let mut state = State::new();
    let start = Instant::now();
    load(&mut state, &mut numbers, customers);
    let memory = state.memory_use();
    let bytes_per_account = memory.account_bytes / memory.account_count;
    println!("{} accounts in {:.1?}", memory.account_count, start.elapsed());
    println!("{bytes_per_account} bytes per account");

    let mut spent = Spent::default();
    let mut made = 0;
    while made < sales {
        let requests: Vec<_> = (0..batch).map(|_| sale(&mut numbers, customers)).collect();
        commit(&mut state, &requests, &mut spent);
        made += batch;
    }
    let each = |duration: Duration| duration.as_secs_f64() * 1e9 / made as f64;
    let Spent { look_up, apply, encode, merge, forget } = spent;
    let all = look_up + apply + encode + merge + forget;
    println!("{made} sales in batches of {batch}: {:.0} ns per sale", each(all));
    println!(
        "  look up {:.0}, apply {:.0}, encode and hash {:.0}, merge {:.0}, forget {:.0}",
        each(look_up),
        each(apply),
        each(encode),
        each(merge),
        each(forget)
    );
    println!("{:#?}", state.memory_use());
}
