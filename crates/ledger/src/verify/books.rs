//! Balances, added up in ordinary maps, and every rule that the facts alone can show broken.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};
use thiserror::Error;

use super::Report;
use crate::{Account, Fact, Transfer};

const LIMIT_DEBITS: u16 = 1 << 1;
const LIMIT_CREDITS: u16 = 1 << 2;
const CLOSED: u16 = 1 << 5;
const ACCOUNT_FLAGS: u16 = 1 | LIMIT_DEBITS | LIMIT_CREDITS | CLOSED;
const PENDING: u16 = 1 << 1;
const POST: u16 = 1 << 2;
const VOID: u16 = 1 << 3;
const FIRST_PHASE: u16 = PENDING | 0b1111 << 4;
const CLOSING_DEBIT: u16 = 1 << 6;
const CLOSING_CREDIT: u16 = 1 << 7;
const TRANSFER_FLAGS: u16 = 0xff;
const NANOSECONDS_PER_SECOND: u128 = 1_000_000_000;

/// Everything that the facts read so far add up to.
#[derive(Default)]
pub(super) struct Books {
    accounts: HashMap<u128, Balances>,
    open: HashMap<u128, Transfer>,
    transfer_ids: HashSet<u128>,
}

/// An account; balances have room to be wrong.
struct Balances {
    created: Account,
    flags: u16,
    debits_pending: i128,
    debits_posted: i128,
    credits_pending: i128,
    credits_posted: i128,
}

/// A rule that a fact breaks.
#[derive(Debug, Error)]
pub(super) enum Fault {
    #[error("{0} has an id, a ledger or a code that none may have")]
    Zero(&'static str),
    #[error("the id was used before")]
    Repeated,
    #[error("{0} is not an account")]
    NoAccount(&'static str),
    #[error("both accounts are the same, or of another ledger than the transfer")]
    Accounts,
    #[error("the flags contradict each other, or the rest of the record")]
    Flags,
    #[error("the pending transfer is not open")]
    NotOpen,
    #[error("it does not agree with its pending transfer")]
    Differs,
    #[error("the pending transfer had expired, or had not")]
    Expiry,
    #[error("an account of it is closed")]
    Closed,
    #[error("account {0} is beyond its limit or its range")]
    Limit(u128),
}

impl Books {
    pub(super) fn account_count(&self) -> u64 {
        self.accounts.len() as u64
    }

    pub(super) fn transfer_count(&self) -> u64 {
        self.transfer_ids.len() as u64
    }

    /// Books a fact. What can be booked is, even if a rule is broken, so that one fault does not
    /// drown the others.
    pub(super) fn fact(&mut self, fact: &Fact) -> Result<(), Fault> {
        match fact {
            Fact::AccountCreated(account) => self.account(account),
            Fact::TransferCreated(transfer) => self.transfer(transfer),
            Fact::PendingTransferExpired { pending_id, timestamp } => {
                let pending = self.open.remove(pending_id).ok_or(Fault::NotOpen)?;
                self.book(&pending, |debit, credit| release(&pending, debit, credit))?;
                let in_time = expires_at(&pending).is_some_and(|at| at <= u128::from(*timestamp));
                if in_time { Ok(()) } else { Err(Fault::Expiry) }
            }
        }
    }

    fn account(&mut self, account: &Account) -> Result<(), Fault> {
        let flags = account.flags.bits();
        let balances = Balances {
            created: *account,
            flags,
            debits_pending: 0,
            debits_posted: 0,
            credits_pending: 0,
            credits_posted: 0,
        };
        if self.accounts.insert(account.id, balances).is_some() {
            return Err(Fault::Repeated);
        }
        if [0, u128::MAX].contains(&account.id) || account.ledger == 0 || account.code == 0 {
            return Err(Fault::Zero("the account"));
        }
        if flags & !ACCOUNT_FLAGS != 0 || flags & LIMIT_DEBITS != 0 && flags & LIMIT_CREDITS != 0 {
            return Err(Fault::Flags);
        }
        Ok(())
    }

    fn transfer(&mut self, transfer: &Transfer) -> Result<(), Fault> {
        if !self.transfer_ids.insert(transfer.id) {
            return Err(Fault::Repeated);
        }
        let flags = transfer.flags.bits();
        let resolves = flags & (POST | VOID) != 0;
        let outcome =
            if resolves { self.second_phase(transfer) } else { self.first_phase(transfer) };
        outcome?;
        if [0, u128::MAX].contains(&transfer.id) || transfer.ledger == 0 || transfer.code == 0 {
            return Err(Fault::Zero("the transfer"));
        }
        let contradicts = flags & !TRANSFER_FLAGS != 0
            || flags & POST != 0 && flags & VOID != 0
            || resolves && flags & FIRST_PHASE != 0
            || resolves == (transfer.pending_id == 0)
            || transfer.timeout != 0 && flags & PENDING == 0
            || flags & (CLOSING_DEBIT | CLOSING_CREDIT) != 0 && flags & PENDING == 0;
        if contradicts { Err(Fault::Flags) } else { Ok(()) }
    }

    fn first_phase(&mut self, transfer: &Transfer) -> Result<(), Fault> {
        let flags = transfer.flags.bits();
        let closed = self.any_closed(transfer);
        let amount = i128::from(transfer.amount);
        if flags & PENDING != 0 {
            self.open.insert(transfer.id, *transfer);
        }
        self.book(transfer, |debit, credit| {
            if flags & PENDING != 0 {
                debit.debits_pending += amount;
                credit.credits_pending += amount;
            } else {
                debit.debits_posted += amount;
                credit.credits_posted += amount;
            }
            if flags & CLOSING_DEBIT != 0 {
                debit.flags |= CLOSED;
            }
            if flags & CLOSING_CREDIT != 0 {
                credit.flags |= CLOSED;
            }
        })?;
        if closed { Err(Fault::Closed) } else { Ok(()) }
    }

    fn second_phase(&mut self, transfer: &Transfer) -> Result<(), Fault> {
        let posts = transfer.flags.bits() & POST != 0;
        let closed = posts && self.any_closed(transfer);
        let amount = i128::from(transfer.amount);
        let pending = self.open.remove(&transfer.pending_id).ok_or(Fault::NotOpen)?;
        self.book(&pending, |debit, credit| {
            if posts {
                let reserved = i128::from(pending.amount);
                debit.debits_pending -= reserved;
                credit.credits_pending -= reserved;
                debit.debits_posted += amount;
                credit.credits_posted += amount;
            } else {
                release(&pending, debit, credit);
            }
        })?;
        let agrees = transfer.debit_account_id == pending.debit_account_id
            && transfer.credit_account_id == pending.credit_account_id
            && transfer.ledger == pending.ledger
            && transfer.code == pending.code
            && (transfer.amount == pending.amount || posts && transfer.amount < pending.amount);
        if !agrees {
            return Err(Fault::Differs);
        }
        if expires_at(&pending).is_some_and(|at| at <= u128::from(transfer.timestamp)) {
            return Err(Fault::Expiry);
        }
        if closed { Err(Fault::Closed) } else { Ok(()) }
    }

    fn any_closed(&self, transfer: &Transfer) -> bool {
        let ids = [transfer.debit_account_id, transfer.credit_account_id];
        ids.iter().filter_map(|id| self.accounts.get(id)).any(|account| account.flags & CLOSED != 0)
    }

    /// Changes the two accounts of a transfer, and looks at them afterwards.
    fn book(
        &mut self,
        transfer: &Transfer,
        change: impl FnOnce(&mut Balances, &mut Balances),
    ) -> Result<(), Fault> {
        let (debit_id, credit_id) = (transfer.debit_account_id, transfer.credit_account_id);
        if debit_id == credit_id {
            return Err(Fault::Accounts);
        }
        let [debit, credit] = self.accounts.get_disjoint_mut([&debit_id, &credit_id]);
        let debit = debit.ok_or(Fault::NoAccount("debit_account_id"))?;
        let credit = credit.ok_or(Fault::NoAccount("credit_account_id"))?;
        change(debit, credit);
        if [debit.created.ledger, credit.created.ledger] != [transfer.ledger; 2] {
            return Err(Fault::Accounts);
        }
        for account in [debit, credit] {
            if !account.is_within_limits() {
                return Err(Fault::Limit(account.created.id));
            }
        }
        Ok(())
    }

    /// In each ledger, the debits of all accounts equal the credits.
    pub(super) fn check_sums(&self, seq: u64, report: &mut Report) {
        let mut sums: BTreeMap<u32, (i128, i128)> = BTreeMap::new();
        for account in self.accounts.values() {
            let (pending, posted) = sums.entry(account.created.ledger).or_default();
            *pending += account.debits_pending - account.credits_pending;
            *posted += account.debits_posted - account.credits_posted;
        }
        for (ledger, sums) in sums {
            if sums != (0, 0) {
                let what = "debits and credits of all accounts are not equal";
                report.add(seq, format!("ledger {ledger}"), what);
            }
        }
    }

    /// Compares the accounts that somebody holds as of entry `seq` with the books.
    pub(super) fn compare(
        &self,
        accounts: impl IntoIterator<Item = Account>,
        seq: u64,
        report: &mut Report,
    ) -> u64 {
        let mut count = 0;
        for account in accounts {
            count += 1;
            let place = || format!("account {}", account.id);
            match self.accounts.get(&account.id).map(Balances::account) {
                None => report.add(seq, place(), "the journal does not know it"),
                Some(None) => report.add(seq, place(), "its balances are out of range"),
                Some(Some(booked)) if booked != account => {
                    let what = format!("it is {account:?}, but the journal says {booked:?}");
                    report.add(seq, place(), what);
                }
                Some(Some(_)) => {}
            }
        }
        count
    }

    /// Compares the accounts of a running ledger, which stands at entry `seq`.
    pub(super) fn compare_live<'a>(
        &self,
        accounts: impl IntoIterator<Item = &'a Account>,
        seq: u64,
        report: &mut Report,
    ) {
        let count = self.compare(accounts.into_iter().copied(), seq, report);
        if count != self.account_count() {
            report.add(seq, "the ledger in memory", "it has another number of accounts");
        }
        report.live_account_count = count;
    }
}

impl Balances {
    fn is_within_limits(&self) -> bool {
        let in_range = |balance: i128| u64::try_from(balance).is_ok();
        let debits = self.debits_pending + self.debits_posted;
        let credits = self.credits_pending + self.credits_posted;
        in_range(self.debits_pending)
            && in_range(self.debits_posted)
            && in_range(self.credits_pending)
            && in_range(self.credits_posted)
            && (self.flags & LIMIT_DEBITS == 0 || debits <= self.credits_posted)
            && (self.flags & LIMIT_CREDITS == 0 || credits <= self.debits_posted)
    }

    fn account(&self) -> Option<Account> {
        Some(Account {
            debits_pending: u64::try_from(self.debits_pending).ok()?,
            debits_posted: u64::try_from(self.debits_posted).ok()?,
            credits_pending: u64::try_from(self.credits_pending).ok()?,
            credits_posted: u64::try_from(self.credits_posted).ok()?,
            flags: crate::AccountFlags::from_bits(self.flags),
            ..self.created
        })
    }
}

/// Frees what was reserved, and opens what was closed by the reservation.
fn release(pending: &Transfer, debit: &mut Balances, credit: &mut Balances) {
    debit.debits_pending -= i128::from(pending.amount);
    credit.credits_pending -= i128::from(pending.amount);
    if pending.flags.bits() & CLOSING_DEBIT != 0 {
        debit.flags &= !CLOSED;
    }
    if pending.flags.bits() & CLOSING_CREDIT != 0 {
        credit.flags &= !CLOSED;
    }
}

fn expires_at(pending: &Transfer) -> Option<u128> {
    let timeout = u128::from(pending.timeout) * NANOSECONDS_PER_SECOND;
    (pending.timeout != 0).then_some(u128::from(pending.timestamp) + timeout)
}
