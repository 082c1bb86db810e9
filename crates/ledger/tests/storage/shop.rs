//! A small shop to commit with: customers with money, a store, and sales.

use omamori_ledger::{
    Account, AccountFlags, Companion, CreateTransferResult, Ledger, Reply, Request, Submission,
    Transfer, TransferFlags,
};

pub const YEN: u32 = 392;
pub const OPERATOR: u128 = 1;
pub const STORE: u128 = 2;
const CUSTOMER_FIRST: u128 = 1000;

pub fn customer(number: u128) -> u128 {
    CUSTOMER_FIRST + number
}

fn account(id: u128, flags: AccountFlags) -> Account {
    Account { id, ledger: YEN, code: 1, flags, ..Account::default() }
}

/// The accounts, and money for each customer.
pub fn opening(customer_count: u128, yen_each: u64) -> Request {
    let limited = AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS;
    let mut accounts =
        vec![account(OPERATOR, AccountFlags::NONE), account(STORE, AccountFlags::NONE)];
    accounts.extend((0..customer_count).map(|number| account(customer(number), limited)));
    let top_up = |number| transfer(1_000_000 + number, OPERATOR, customer(number), yen_each);
    let transfers = (0..customer_count).map(top_up).collect();
    Request { accounts, transfers }
}

pub fn transfer(id: u128, from: u128, to: u128, amount: u64) -> Transfer {
    Transfer {
        id,
        debit_account_id: from,
        credit_account_id: to,
        amount,
        ledger: YEN,
        code: 20,
        ..Transfer::default()
    }
}

/// A sale: authorisation and capture in one chain. `number` makes both ids.
pub fn sale(number: u128, from: u128, amount: u64) -> Request {
    let authorization = Transfer {
        timeout: 60,
        flags: TransferFlags::PENDING | TransferFlags::LINKED,
        ..transfer(10_000_000 + 2 * number, from, STORE, amount)
    };
    let capture = Transfer {
        id: authorization.id + 1,
        pending_id: authorization.id,
        amount,
        flags: TransferFlags::POST_PENDING_TRANSFER,
        ..Transfer::default()
    };
    Request { accounts: Vec::new(), transfers: vec![authorization, capture] }
}

pub fn codes(reply: &Reply) -> Vec<CreateTransferResult> {
    reply.transfers.iter().map(|outcome| outcome.result).collect()
}

/// Commits a request that must be answered.
pub async fn commit<C: Companion>(ledger: &Ledger<C>, request: Request) -> Reply {
    match ledger.commit(Submission::unchecked(request)).await {
        Ok(reply) => reply,
        Err(error) => panic!("the commit was not answered: {}", error_name(&error)),
    }
}

pub fn error_name<R>(error: &omamori_ledger::CommitError<R>) -> &'static str {
    use omamori_ledger::CommitError as E;
    match error {
        E::Refused(_) => "refused",
        E::Busy => "busy",
        E::Unavailable(_) => "unavailable",
        E::Stopped => "stopped",
        E::Unknown(_) => "unknown",
    }
}

pub fn balance<C: Companion>(ledger: &Ledger<C>, id: u128) -> u64 {
    let account = ledger.account(id).expect("the account is there");
    account.credits_posted.abs_diff(account.debits_posted)
}
