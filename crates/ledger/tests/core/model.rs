//! A second ledger, written to be obviously right and as unlike the first as can be: it keeps no
//! balances, only what happened, and sums when it needs one; it collects all faults of an event
//! and returns the one of highest precedence; it undoes a chain by going back to a copy.

use std::collections::BTreeMap;

use omamori_ledger::{
    Account, AccountFlags, AccountOutcome, CreateAccountResult as AccountCode,
    CreateTransferResult as Code, PendingStatus, Reply, Request, StoredTransfer, Transfer,
    TransferFlags, TransferOutcome,
};

const MAX: u128 = u64::MAX as u128;
const TIMESTAMP_MAX: u128 = i64::MAX as u128;
const SECOND: u128 = 1_000_000_000;

#[derive(Clone, Default)]
pub struct Model {
    /// As created: without balances.
    accounts: BTreeMap<u128, Account>,
    transfers: BTreeMap<u128, StoredTransfer>,
    /// The timestamp of the next fact.
    now: u64,
}

/// The four balances of an account.
#[derive(Clone, Copy, Default)]
struct Balances {
    debits_pending: u128,
    debits_posted: u128,
    credits_pending: u128,
    credits_posted: u128,
}

fn has(transfer: &Transfer, flag: TransferFlags) -> bool {
    transfer.flags.bits() & flag.bits() != 0
}

fn expires_at(transfer: &Transfer) -> Option<u128> {
    let end = u128::from(transfer.timestamp) + u128::from(transfer.timeout) * SECOND;
    (transfer.timeout > 0).then_some(end)
}

/// The fault of highest precedence among those that hold.
fn worst<C: Copy + PartialEq>(precedence: &[C], faults: &[(bool, C)]) -> Option<C> {
    let holds = |code: &&C| faults.iter().any(|(holds, fault)| *holds && fault == *code);
    precedence.iter().find(holds).copied()
}

impl Model {
    /// All accounts with their balances.
    pub fn accounts(&self) -> BTreeMap<u128, Account> {
        let account = |account: &Account| {
            let sums = self.balances(account.id);
            let narrow = |sum: u128| u64::try_from(sum).expect("balances fit in 64 bits");
            let mut account = Account {
                debits_pending: narrow(sums.debits_pending),
                debits_posted: narrow(sums.debits_posted),
                credits_pending: narrow(sums.credits_pending),
                credits_posted: narrow(sums.credits_posted),
                ..*account
            };
            if self.is_closed(account.id) {
                account.flags = account.flags | AccountFlags::CLOSED;
            }
            (account.id, account)
        };
        self.accounts.values().map(account).collect()
    }

    pub fn transfers(&self) -> &BTreeMap<u128, StoredTransfer> {
        &self.transfers
    }

    /// Applies one batch.
    pub fn commit(&mut self, timestamp: u64, requests: &[Request]) -> Vec<Reply> {
        self.now = timestamp;
        self.expire(timestamp);
        requests.iter().map(|request| self.request(request)).collect()
    }

    fn expire(&mut self, timestamp: u64) {
        let mut expired: Vec<_> = self
            .transfers
            .values()
            .filter(|stored| stored.pending_status == PendingStatus::Pending)
            .map(|stored| stored.transfer)
            .filter(|pending| expires_at(pending).is_some_and(|end| end <= timestamp.into()))
            .collect();
        expired.sort_by_key(|pending| (expires_at(pending), pending.timestamp));
        for pending in expired {
            self.set_status(pending.id, PendingStatus::Expired);
            self.now += 1;
        }
    }

    fn set_status(&mut self, id: u128, status: PendingStatus) {
        self.transfers.get_mut(&id).expect("it is there").pending_status = status;
    }

    fn request(&mut self, request: &Request) -> Reply {
        let linked = |account: &Account| account.flags.contains(AccountFlags::LINKED);
        let accounts = self.chains(
            &request.accounts,
            linked,
            [AccountCode::Ok, AccountCode::LinkedEventFailed, AccountCode::LinkedEventChainOpen],
            Self::create_account,
        );
        let linked = |transfer: &Transfer| transfer.flags.contains(TransferFlags::LINKED);
        let transfers = self.chains(
            &request.transfers,
            linked,
            [Code::Ok, Code::LinkedEventFailed, Code::LinkedEventChainOpen],
            Self::create_transfer,
        );
        let account_outcome = |(account, result): (&Account, AccountCode)| {
            let found = self.accounts.get(&account.id).filter(|_| result.is_ok_or_exists());
            AccountOutcome { result, timestamp: found.map_or(0, |found| found.timestamp) }
        };
        let transfer_outcome = |(transfer, result): (&Transfer, Code)| {
            let found = self.transfers.get(&transfer.id).filter(|_| result.is_ok_or_exists());
            let found = found.map(|found| found.transfer).unwrap_or_default();
            TransferOutcome { result, timestamp: found.timestamp, amount: found.amount }
        };
        Reply {
            accounts: request.accounts.iter().zip(accounts).map(account_outcome).collect(),
            transfers: request.transfers.iter().zip(transfers).map(transfer_outcome).collect(),
        }
    }

    fn chains<E, C: Copy + PartialEq>(
        &mut self,
        events: &[E],
        linked: impl Fn(&E) -> bool,
        [ok, failed, open]: [C; 3],
        create: impl Fn(&mut Self, &E) -> C,
    ) -> Vec<C> {
        let mut results = Vec::new();
        for chain in events.chunk_by(|before, _| linked(before)) {
            let copy = self.clone();
            let is_open = chain.last().is_some_and(&linked);
            let closed = if is_open { &chain[..chain.len() - 1] } else { chain };
            let mut codes = vec![ok; chain.len()];
            let fault = closed.iter().enumerate().find_map(|(index, event)| {
                let code = create(self, event);
                (code != ok).then_some((index, code))
            });
            if fault.is_some() || is_open {
                *self = copy;
                codes.fill(failed);
            }
            if let Some((index, code)) = fault {
                codes[index] = code;
            }
            if is_open {
                codes[chain.len() - 1] = open;
            }
            results.extend(codes);
        }
        results
    }

    fn create_account(&mut self, account: &Account) -> AccountCode {
        use AccountCode as C;
        let both = AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS
            | AccountFlags::CREDITS_MUST_NOT_EXCEED_DEBITS;
        let mut faults = vec![
            (account.timestamp != 0, C::TimestampMustBeZero),
            (account.flags.bits() & 0b1111_1111_1101_1000 != 0, C::ReservedFlag),
            (account.id == 0, C::IdMustNotBeZero),
            (account.id == u128::MAX, C::IdMustNotBeIntMax),
            (account.flags.contains(both), C::FlagsAreMutuallyExclusive),
            (account.debits_pending != 0, C::DebitsPendingMustBeZero),
            (account.debits_posted != 0, C::DebitsPostedMustBeZero),
            (account.credits_pending != 0, C::CreditsPendingMustBeZero),
            (account.credits_posted != 0, C::CreditsPostedMustBeZero),
            (account.ledger == 0, C::LedgerMustNotBeZero),
            (account.code == 0, C::CodeMustNotBeZero),
        ];
        if let Some(existing) = self.accounts().get(&account.id) {
            faults.extend([
                (account.flags != existing.flags, C::ExistsWithDifferentFlags),
                (
                    account.user_data_128 != existing.user_data_128,
                    C::ExistsWithDifferentUserData128,
                ),
                (account.user_data_64 != existing.user_data_64, C::ExistsWithDifferentUserData64),
                (account.user_data_32 != existing.user_data_32, C::ExistsWithDifferentUserData32),
                (account.ledger != existing.ledger, C::ExistsWithDifferentLedger),
                (account.code != existing.code, C::ExistsWithDifferentCode),
                (true, C::Exists),
            ]);
        }
        if let Some(code) = worst(C::ALL, &faults) {
            return code;
        }
        self.accounts.insert(account.id, Account { timestamp: self.now, ..*account });
        self.now += 1;
        C::Ok
    }

    fn create_transfer(&mut self, transfer: &Transfer) -> Code {
        let resolving = TransferFlags::POST_PENDING_TRANSFER | TransferFlags::VOID_PENDING_TRANSFER;
        let mut faults = vec![
            (transfer.timestamp != 0, Code::TimestampMustBeZero),
            (transfer.flags.bits() > 0xff, Code::ReservedFlag),
            (transfer.id == 0, Code::IdMustNotBeZero),
            (transfer.id == u128::MAX, Code::IdMustNotBeIntMax),
        ];
        if let Some(existing) = self.transfers.get(&transfer.id) {
            faults.extend(self.exists_faults(transfer, &existing.transfer));
        }
        let (more_faults, happened) = if has(transfer, resolving) {
            self.second_phase(transfer)
        } else {
            self.first_phase(transfer)
        };
        faults.extend(more_faults);
        if let Some(code) = worst(Code::ALL, &faults) {
            return code;
        }
        let pending_status = if has(transfer, TransferFlags::PENDING) {
            PendingStatus::Pending
        } else {
            PendingStatus::None
        };
        if has(transfer, TransferFlags::POST_PENDING_TRANSFER) {
            self.set_status(transfer.pending_id, PendingStatus::Posted);
        }
        if has(transfer, TransferFlags::VOID_PENDING_TRANSFER) {
            self.set_status(transfer.pending_id, PendingStatus::Voided);
        }
        self.transfers.insert(happened.id, StoredTransfer { transfer: happened, pending_status });
        self.now += 1;
        Code::Ok
    }

    /// What a retry of `existing` may not say differently.
    fn exists_faults(&self, transfer: &Transfer, existing: &Transfer) -> Vec<(bool, Code)> {
        let balancing = TransferFlags::BALANCING_DEBIT | TransferFlags::BALANCING_CREDIT;
        let first = self.transfers.get(&existing.pending_id).map(|stored| stored.transfer);
        let differs = |said: u128, then: u128, default: Option<u128>| match (said, default) {
            (0, Some(default)) => default != then,
            (said, _) => said != then,
        };
        let (t, e) = (transfer, existing);
        let amount_differs = match first {
            Some(first) if has(t, TransferFlags::POST_PENDING_TRANSFER) && t.amount == u64::MAX => {
                e.amount != first.amount
            }
            Some(first) if has(t, TransferFlags::VOID_PENDING_TRANSFER) && t.amount == 0 => {
                e.amount != first.amount
            }
            _ if has(t, balancing) => t.amount < e.amount,
            _ => t.amount != e.amount,
        };
        vec![
            (t.flags != e.flags, Code::ExistsWithDifferentFlags),
            (t.pending_id != e.pending_id, Code::ExistsWithDifferentPendingId),
            (t.timeout != e.timeout, Code::ExistsWithDifferentTimeout),
            (
                differs(t.debit_account_id, e.debit_account_id, first.map(|f| f.debit_account_id)),
                Code::ExistsWithDifferentDebitAccountId,
            ),
            (
                differs(
                    t.credit_account_id,
                    e.credit_account_id,
                    first.map(|f| f.credit_account_id),
                ),
                Code::ExistsWithDifferentCreditAccountId,
            ),
            (amount_differs, Code::ExistsWithDifferentAmount),
            (
                differs(t.user_data_128, e.user_data_128, first.map(|f| f.user_data_128)),
                Code::ExistsWithDifferentUserData128,
            ),
            (
                differs(
                    t.user_data_64.into(),
                    e.user_data_64.into(),
                    first.map(|f| f.user_data_64.into()),
                ),
                Code::ExistsWithDifferentUserData64,
            ),
            (
                differs(
                    t.user_data_32.into(),
                    e.user_data_32.into(),
                    first.map(|f| f.user_data_32.into()),
                ),
                Code::ExistsWithDifferentUserData32,
            ),
            (
                differs(t.ledger.into(), e.ledger.into(), first.map(|f| f.ledger.into())),
                Code::ExistsWithDifferentLedger,
            ),
            (
                differs(t.code.into(), e.code.into(), first.map(|f| f.code.into())),
                Code::ExistsWithDifferentCode,
            ),
            (true, Code::Exists),
        ]
    }

    /// The faults of a transfer that is not a second phase, and what happens if there is none.
    fn first_phase(&self, transfer: &Transfer) -> (Vec<(bool, Code)>, Transfer) {
        let t = transfer;
        let pending = has(t, TransferFlags::PENDING);
        let closing = TransferFlags::CLOSING_DEBIT | TransferFlags::CLOSING_CREDIT;
        let debit = self.accounts.get(&t.debit_account_id);
        let credit = self.accounts.get(&t.credit_account_id);
        let mut faults = vec![
            (t.debit_account_id == 0, Code::DebitAccountIdMustNotBeZero),
            (t.debit_account_id == u128::MAX, Code::DebitAccountIdMustNotBeIntMax),
            (t.credit_account_id == 0, Code::CreditAccountIdMustNotBeZero),
            (t.credit_account_id == u128::MAX, Code::CreditAccountIdMustNotBeIntMax),
            (t.debit_account_id == t.credit_account_id, Code::AccountsMustBeDifferent),
            (t.pending_id != 0, Code::PendingIdMustBeZero),
            (t.timeout != 0 && !pending, Code::TimeoutReservedForPendingTransfer),
            (has(t, closing) && !pending, Code::ClosingTransferMustBePending),
            (t.ledger == 0, Code::LedgerMustNotBeZero),
            (t.code == 0, Code::CodeMustNotBeZero),
            (debit.is_none(), Code::DebitAccountNotFound),
            (credit.is_none(), Code::CreditAccountNotFound),
        ];
        let mut happened = Transfer { timestamp: self.now, ..*t };
        if let (Some(debit), Some(credit)) = (debit, credit) {
            let (dr, cr) = (self.balances(debit.id), self.balances(credit.id));
            let mut amount = u128::from(t.amount);
            if has(t, TransferFlags::BALANCING_DEBIT) {
                let debits = dr.debits_pending + dr.debits_posted;
                amount = amount.min(dr.credits_posted.saturating_sub(debits));
            }
            if has(t, TransferFlags::BALANCING_CREDIT) {
                let credits = cr.credits_pending + cr.credits_posted;
                amount = amount.min(cr.debits_posted.saturating_sub(credits));
            }
            happened.amount = amount as u64;
            let debits = dr.debits_pending + dr.debits_posted + amount;
            let credits = cr.credits_pending + cr.credits_posted + amount;
            let end = u128::from(self.now) + u128::from(t.timeout) * SECOND;
            let limited = AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS;
            let debits_limited = debit.flags.contains(limited);
            let limited = AccountFlags::CREDITS_MUST_NOT_EXCEED_DEBITS;
            let credits_limited = credit.flags.contains(limited);
            faults.extend([
                (debit.ledger != credit.ledger, Code::AccountsMustHaveTheSameLedger),
                (t.ledger != debit.ledger, Code::TransferMustHaveTheSameLedgerAsAccounts),
                (self.is_closed(debit.id), Code::DebitAccountAlreadyClosed),
                (self.is_closed(credit.id), Code::CreditAccountAlreadyClosed),
                (pending && dr.debits_pending + amount > MAX, Code::OverflowsDebitsPending),
                (pending && cr.credits_pending + amount > MAX, Code::OverflowsCreditsPending),
                (dr.debits_posted + amount > MAX, Code::OverflowsDebitsPosted),
                (cr.credits_posted + amount > MAX, Code::OverflowsCreditsPosted),
                (debits > MAX, Code::OverflowsDebits),
                (credits > MAX, Code::OverflowsCredits),
                (end > TIMESTAMP_MAX, Code::OverflowsTimeout),
                (debits_limited && debits > dr.credits_posted, Code::ExceedsCredits),
                (credits_limited && credits > cr.debits_posted, Code::ExceedsDebits),
            ]);
        }
        (faults, happened)
    }

    /// The faults of a second phase, and what happens if there is none.
    fn second_phase(&self, transfer: &Transfer) -> (Vec<(bool, Code)>, Transfer) {
        let t = transfer;
        let posts = has(t, TransferFlags::POST_PENDING_TRANSFER);
        let voids = has(t, TransferFlags::VOID_PENDING_TRANSFER);
        let first = TransferFlags::from_bits(0b1111_0010);
        let found = self.transfers.get(&t.pending_id);
        let mut faults = vec![
            ((posts && voids) || has(t, first), Code::FlagsAreMutuallyExclusive),
            (t.pending_id == 0, Code::PendingIdMustNotBeZero),
            (t.pending_id == u128::MAX, Code::PendingIdMustNotBeIntMax),
            (t.pending_id == t.id, Code::PendingIdMustBeDifferent),
            (t.timeout != 0, Code::TimeoutReservedForPendingTransfer),
            (found.is_none(), Code::PendingTransferNotFound),
        ];
        let mut happened = Transfer { timestamp: self.now, ..*t };
        if let Some(StoredTransfer { transfer: p, pending_status }) = found {
            let differs = |said: u128, first: u128| said != 0 && said != first;
            let amount = match (voids, t.amount) {
                (true, 0) | (false, u64::MAX) => p.amount,
                (_, amount) => amount,
            };
            let late = expires_at(p).is_some_and(|end| end <= self.now.into());
            let status = *pending_status;
            faults.extend([
                (!has(p, TransferFlags::PENDING), Code::PendingTransferNotPending),
                (
                    differs(t.debit_account_id, p.debit_account_id),
                    Code::PendingTransferHasDifferentDebitAccountId,
                ),
                (
                    differs(t.credit_account_id, p.credit_account_id),
                    Code::PendingTransferHasDifferentCreditAccountId,
                ),
                (
                    differs(t.ledger.into(), p.ledger.into()),
                    Code::PendingTransferHasDifferentLedger,
                ),
                (differs(t.code.into(), p.code.into()), Code::PendingTransferHasDifferentCode),
                (amount > p.amount, Code::ExceedsPendingTransferAmount),
                (voids && amount != p.amount, Code::PendingTransferHasDifferentAmount),
                (status == PendingStatus::Posted, Code::PendingTransferAlreadyPosted),
                (status == PendingStatus::Voided, Code::PendingTransferAlreadyVoided),
                (status == PendingStatus::Expired || late, Code::PendingTransferExpired),
                (!voids && self.is_closed(p.debit_account_id), Code::DebitAccountAlreadyClosed),
                (!voids && self.is_closed(p.credit_account_id), Code::CreditAccountAlreadyClosed),
            ]);
            happened.debit_account_id = p.debit_account_id;
            happened.credit_account_id = p.credit_account_id;
            happened.amount = amount;
            happened.ledger = p.ledger;
            happened.code = p.code;
            happened.user_data_128 =
                if t.user_data_128 == 0 { p.user_data_128 } else { t.user_data_128 };
            happened.user_data_64 =
                if t.user_data_64 == 0 { p.user_data_64 } else { t.user_data_64 };
            happened.user_data_32 =
                if t.user_data_32 == 0 { p.user_data_32 } else { t.user_data_32 };
        }
        (faults, happened)
    }

    fn balances(&self, id: u128) -> Balances {
        let mut sums = Balances::default();
        for StoredTransfer { transfer, pending_status } in self.transfers.values() {
            let amount = u128::from(transfer.amount);
            let moved = !has(transfer, TransferFlags::VOID_PENDING_TRANSFER);
            let (pending, posted) = match pending_status {
                PendingStatus::Pending => (amount, 0),
                PendingStatus::None if moved => (0, amount),
                _ => (0, 0),
            };
            if transfer.debit_account_id == id {
                sums.debits_pending += pending;
                sums.debits_posted += posted;
            }
            if transfer.credit_account_id == id {
                sums.credits_pending += pending;
                sums.credits_posted += posted;
            }
        }
        sums
    }

    /// Closed from the start, or by a closing transfer that is still pending.
    fn is_closed(&self, id: u128) -> bool {
        let closes = |StoredTransfer { transfer, pending_status }: &StoredTransfer| {
            let debit = transfer.debit_account_id == id;
            let credit = transfer.credit_account_id == id;
            *pending_status == PendingStatus::Pending
                && (debit && has(transfer, TransferFlags::CLOSING_DEBIT)
                    || credit && has(transfer, TransferFlags::CLOSING_CREDIT))
        };
        self.accounts[&id].flags.contains(AccountFlags::CLOSED)
            || self.transfers.values().any(closes)
    }
}
