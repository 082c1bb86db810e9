//! The books, added up once more: small code that shares nothing with the ledger's own fold.

use std::collections::HashMap;

use omamori::app::App;
use omamori::gate::chart::TransferCode;
use omamori_ledger::{Entry, Fact, Journal, Transfer, TransferFlags};

/// The four totals of one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    ledger: u32,
    debits_pending: u64,
    debits_posted: u64,
    credits_pending: u64,
    credits_posted: u64,
}

#[derive(Default)]
struct Books {
    accounts: HashMap<u128, Totals>,
    pending: HashMap<u128, Transfer>,
}

impl Books {
    fn fact(&mut self, fact: &Fact) {
        match fact {
            Fact::AccountCreated(account) => {
                let totals = Totals { ledger: account.ledger, ..Totals::default() };
                assert!(self.accounts.insert(account.id, totals).is_none(), "an account twice");
            }
            Fact::TransferCreated(transfer) if transfer.is_pending() => {
                self.of(transfer.debit_account_id).debits_pending += transfer.amount;
                self.of(transfer.credit_account_id).credits_pending += transfer.amount;
                self.pending.insert(transfer.id, *transfer);
            }
            Fact::TransferCreated(transfer) => {
                if transfer.is_resolving() {
                    self.release(transfer.pending_id);
                }
                if !transfer.flags.contains(TransferFlags::VOID_PENDING_TRANSFER) {
                    self.of(transfer.debit_account_id).debits_posted += transfer.amount;
                    self.of(transfer.credit_account_id).credits_posted += transfer.amount;
                }
            }
            Fact::PendingTransferExpired { pending_id, .. } => self.release(*pending_id),
        }
    }

    fn release(&mut self, pending_id: u128) {
        let pending = self.pending.remove(&pending_id).unwrap();
        self.of(pending.debit_account_id).debits_pending -= pending.amount;
        self.of(pending.credit_account_id).credits_pending -= pending.amount;
    }

    fn of(&mut self, account_id: u128) -> &mut Totals {
        self.accounts.get_mut(&account_id).unwrap()
    }
}

/// Every account of the running service is what its journal adds up to, and each unit's total is
/// zero.
pub async fn check(app: &App) {
    let journal = Journal::open(app.stores.journal.clone()).await.unwrap();
    let mut books = Books::default();
    let mut seq = 1;
    loop {
        let page = journal.read_from(seq, 1_000).await.unwrap();
        let Some(last) = page.last() else { break };
        seq = last.seq + 1;
        for stored in &page {
            Entry::decode(&stored.body).unwrap().facts.iter().for_each(|fact| books.fact(fact));
        }
    }
    let mut sums: HashMap<u32, i128> = HashMap::new();
    for (id, totals) in &books.accounts {
        let account = app.gate.account(*id).unwrap();
        let in_memory = Totals {
            ledger: account.ledger,
            debits_pending: account.debits_pending,
            debits_posted: account.debits_posted,
            credits_pending: account.credits_pending,
            credits_posted: account.credits_posted,
        };
        assert_eq!(in_memory, *totals, "account {id:032x}");
        let credits = i128::from(account.credits_posted) + i128::from(account.credits_pending);
        let debits = i128::from(account.debits_posted) + i128::from(account.debits_pending);
        *sums.entry(account.ledger).or_default() += credits - debits;
    }
    assert!(sums.values().all(|sum| *sum == 0), "the books do not balance: {sums:?}");
    // What was sent or set aside may wait for days, and what closed a wallet holds no value;
    // nothing else is left open.
    let left = books.pending.values().find(|open| {
        let closes = open.amount == 0 && open.flags.contains(TransferFlags::CLOSING_DEBIT);
        let waits = [
            TransferCode::Send,
            TransferCode::Authorization,
            TransferCode::AuthorizationPart,
            TransferCode::PaymentHeld,
        ];
        !closes && !waits.iter().any(|code| code.number() == open.code)
    });
    assert!(left.is_none(), "an authorization was left open: {left:?}");
}
