//! Random batches, applied to the ledger and to the model: same answers, same balances.

use std::collections::BTreeSet;

use omamori_ledger::{
    Account, AccountFlags, PendingStatus, Reply, Request, Transfer, TransferFlags,
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};

use super::{
    model::Model,
    world::{World, sorted_accounts},
};

const ACCOUNTS: u128 = 6;
const TRANSFERS: u128 = 24;
const SECOND: u64 = 1_000_000_000;
const TIMESTAMP_MAX: u64 = i64::MAX as u64;

/// One event of a transfer list.
#[derive(Clone, Debug)]
pub enum Event {
    New(Transfer),
    /// A second phase of one of the pending transfers so far.
    Resolve {
        which: usize,
        transfer: Transfer,
    },
    /// An event from before, again; `change` may alter one field.
    Again {
        which: usize,
        change: Change,
    },
}

#[derive(Clone, Copy, Debug)]
pub enum Change {
    Nothing,
    Flags(u16),
    Amount(u64),
    PendingId(u128),
    DebitAccount(u128),
    CreditAccount(u128),
    UserData(u8),
    Timeout(u32),
    Ledger(u32),
    Code(u16),
}

#[derive(Clone, Debug)]
pub struct Step {
    pub elapsed: u64,
    forget: Option<u64>,
    requests: Vec<(Vec<Account>, Vec<Event>)>,
}

fn account_id() -> impl Strategy<Value = u128> {
    prop_oneof![40 => 1..=ACCOUNTS, 1 => select(vec![0, u128::MAX, ACCOUNTS + 1])]
}

fn transfer_id() -> impl Strategy<Value = u128> {
    prop_oneof![60 => 1..=TRANSFERS, 1 => select(vec![0, u128::MAX])]
}

fn amount() -> impl Strategy<Value = u64> {
    prop_oneof![
        12 => 0_u64..20,
        2 => Just(u64::MAX),
        1 => select(vec![u64::MAX - 1, u64::MAX - 20, u64::MAX / 2]),
    ]
}

fn small<N: Copy + std::fmt::Debug + From<u8> + 'static>(usual: u8) -> impl Strategy<Value = N> {
    prop_oneof![20 => Just(N::from(usual)), 1 => select(vec![N::from(0_u8), N::from(2_u8)])]
}

fn account() -> impl Strategy<Value = Account> {
    let flags = prop_oneof![
        6 => select(vec![0_u16, 0, 0, 2, 2, 4]),
        3 => select(vec![1_u16, 3, 5]),
        1 => select(vec![6_u16, 8, 16, 32, 0x8000]),
    ];
    let balances = prop_oneof![30 => Just([0; 5]), 1 => prop::array::uniform5(0_u64..2)];
    (account_id(), flags, small(1), small(1), small::<u8>(0), balances).prop_map(
        |(id, flags, ledger, code, user_data, balances)| Account {
            id,
            flags: AccountFlags::from_bits(flags),
            ledger,
            code,
            user_data_128: user_data.into(),
            user_data_64: user_data.into(),
            user_data_32: user_data.into(),
            debits_pending: balances[0],
            debits_posted: balances[1],
            credits_pending: balances[2],
            credits_posted: balances[3],
            timestamp: balances[4],
        },
    )
}

fn first_phase() -> impl Strategy<Value = Transfer> {
    let flags = prop_oneof![
        8 => select(vec![0_u16, 0, 2, 2, 2]),
        3 => select(vec![1_u16, 3, 3]),
        3 => select(vec![0x10_u16, 0x20, 0x30, 0x12, 0x22, 0x11]),
        1 => select(vec![0x42_u16, 0x82, 0xc2, 0x40, 0x100, 0x8000]),
    ];
    let values = (amount(), select(vec![0_u32, 0, 0, 1, 3, u32::MAX]), small(1), small(1));
    let ids = (transfer_id(), account_id(), account_id(), small::<u8>(0));
    (ids, flags, values, small::<u8>(0)).prop_map(
        |((id, debit, credit, pending), flags, (amount, timeout, ledger, code), timestamp)| {
            let flags = TransferFlags::from_bits(flags);
            Transfer {
                id,
                debit_account_id: debit,
                credit_account_id: credit,
                amount,
                pending_id: pending.into(),
                user_data_128: amount.into(),
                user_data_64: amount,
                user_data_32: amount as u32,
                timeout: if flags.contains(TransferFlags::PENDING) { timeout } else { timeout & 1 },
                ledger,
                code,
                flags,
                timestamp: if timestamp == 2 { 1 } else { 0 },
            }
        },
    )
}

fn second_phase() -> impl Strategy<Value = Transfer> {
    let flags = prop_oneof![
        8 => select(vec![4_u16, 4, 8]),
        3 => select(vec![5_u16, 9]),
        1 => select(vec![0xc_u16, 6, 0x14, 0x28, 0x48, 0x84, 0x104]),
    ];
    let said = prop_oneof![6 => Just(0_u128), 1 => account_id()];
    let all = prop_oneof![5 => select(vec![0, u64::MAX]), 4 => amount()];
    (transfer_id(), transfer_id(), said.clone(), said, all, flags, small::<u8>(0)).prop_map(
        |(id, pending_id, debit, credit, amount, flags, other)| Transfer {
            id,
            debit_account_id: debit,
            credit_account_id: credit,
            amount,
            pending_id,
            user_data_128: other.into(),
            user_data_64: other.into(),
            user_data_32: other.into(),
            ledger: other.into(),
            code: other.into(),
            flags: TransferFlags::from_bits(flags),
            ..Transfer::default()
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        8 => Just(Change::Nothing),
        1 => select(vec![1_u16, 2, 4, 0x10]).prop_map(Change::Flags),
        1 => amount().prop_map(Change::Amount),
        1 => transfer_id().prop_map(Change::PendingId),
        1 => account_id().prop_map(Change::DebitAccount),
        1 => account_id().prop_map(Change::CreditAccount),
        1 => (0_u8..3).prop_map(Change::UserData),
        1 => (0_u32..3).prop_map(Change::Timeout),
        1 => (0_u32..3).prop_map(Change::Ledger),
        1 => (0_u16..3).prop_map(Change::Code),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => first_phase().prop_map(Event::New),
        1 => second_phase().prop_map(Event::New),
        5 => (0_usize..1000, second_phase())
            .prop_map(|(which, transfer)| Event::Resolve { which, transfer }),
        3 => (0_usize..1000, change()).prop_map(|(which, change)| Event::Again { which, change }),
    ]
}

pub fn step() -> impl Strategy<Value = Step> {
    let elapsed = prop_oneof![5 => 1_u64..9, 3 => Just(SECOND), 1 => Just(4 * SECOND)];
    let forget = prop_oneof![2 => Just(None), 1 => (0_u64..12).prop_map(Some)];
    let accounts = prop_oneof![4 => Just(Vec::new()), 1 => vec(account(), 1..4)];
    (elapsed, forget, vec((accounts, vec(event(), 0..6)), 0..3))
        .prop_map(|(elapsed, forget, requests)| Step { elapsed, forget, requests })
}

/// The ledger and the model side by side.
#[derive(Default)]
pub struct Both {
    pub world: World,
    pub model: Model,
    past: Vec<Transfer>,
    /// Names of the results that occurred.
    seen: BTreeSet<&'static str>,
}

impl Both {
    /// Accounts of each kind; the last two of all may be created later.
    pub fn opening() -> Request {
        let limits = [0, 2, 4, 0];
        let accounts = limits.into_iter().zip(1..).map(|(flags, id)| Account {
            id,
            flags: AccountFlags::from_bits(flags),
            ledger: if id == 4 { 2 } else { 1 },
            code: 1,
            ..Account::default()
        });
        Request { accounts: accounts.collect(), ..Request::default() }
    }

    /// Starts with the opening accounts, at `timestamp`.
    pub fn new(timestamp: u64) -> Self {
        let mut both = Self::default();
        both.commit(timestamp, &[Self::opening()]);
        both
    }

    /// Commits one batch to both.
    pub fn commit(&mut self, timestamp: u64, requests: &[Request]) -> Vec<Reply> {
        let replies = self.world.commit(timestamp, requests);
        let expected = self.model.commit(timestamp, requests);
        assert_eq!(replies, expected);
        for reply in &replies {
            self.seen.extend(reply.transfers.iter().map(|outcome| outcome.result.name()));
        }
        assert_eq!(sorted_accounts(&self.world.state), self.model.accounts());
        for (id, stored) in self.model.transfers() {
            assert_eq!(self.world.folded.transfer(*id).as_ref(), Some(stored));
        }
        replies
    }

    /// The requests of a step, with what they say of the past filled in.
    pub fn requests(&mut self, step: &Step) -> Vec<Request> {
        let requests: Vec<_> = step
            .requests
            .iter()
            .map(|(accounts, events)| Request {
                accounts: accounts.clone(),
                transfers: events.iter().map(|event| self.resolve(event)).collect(),
            })
            .collect();
        self.past.extend(requests.iter().flat_map(|request| &request.transfers));
        requests
    }

    fn step(&mut self, step: &Step) {
        let last = self.world.state.position().timestamp;
        if let Some(back) = step.forget {
            self.world.forget_until(last.saturating_sub(back));
        }
        // At the end of time there is no room for a batch.
        let timestamp = (last + step.elapsed).min(TIMESTAMP_MAX - 100);
        if timestamp <= last {
            return;
        }
        let requests = self.requests(step);
        self.commit(timestamp, &requests);
    }

    fn resolve(&self, event: &Event) -> Transfer {
        match event {
            Event::New(transfer) => *transfer,
            Event::Resolve { which, transfer } => {
                let stored = self.model.transfers().values();
                let pending: Vec<_> =
                    stored.filter(|s| s.pending_status != PendingStatus::None).collect();
                let pending_id = match pending.len() {
                    0 => transfer.pending_id,
                    len => pending[which % len].transfer.id,
                };
                Transfer { pending_id, ..*transfer }
            }
            Event::Again { which, change } => {
                let mut transfer = match self.past.len() {
                    0 => Transfer::default(),
                    len => self.past[which % len],
                };
                match *change {
                    Change::Nothing => {}
                    Change::Flags(bits) => {
                        transfer.flags = TransferFlags::from_bits(transfer.flags.bits() ^ bits);
                    }
                    Change::Amount(amount) => transfer.amount = amount,
                    Change::PendingId(id) => transfer.pending_id = id,
                    Change::DebitAccount(id) => transfer.debit_account_id = id,
                    Change::CreditAccount(id) => transfer.credit_account_id = id,
                    Change::UserData(0) => transfer.user_data_128 ^= 1,
                    Change::UserData(1) => transfer.user_data_64 ^= 1,
                    Change::UserData(_) => transfer.user_data_32 ^= 1,
                    Change::Timeout(timeout) => transfer.timeout = timeout,
                    Change::Ledger(ledger) => transfer.ledger = ledger,
                    Change::Code(code) => transfer.code = code,
                }
                transfer
            }
        }
    }
}

fn start() -> impl Strategy<Value = u64> {
    prop_oneof![9 => Just(SECOND), 1 => Just(TIMESTAMP_MAX - 20 * SECOND)]
}

proptest! {
    #![proptest_config(Config { cases: 192, failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_ledger_answers_as_the_model_does(
        start in start(),
        steps in vec(step(), 1..40),
    ) {
        let mut both = Both::new(start);
        for step in &steps {
            both.step(step);
        }
    }
}

/// Guards the test above against going hollow: its events reach these results.
#[test]
fn the_random_events_reach_what_matters() {
    let mut seen = BTreeSet::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..200 {
        let steps = vec(step(), 40).new_tree(&mut runner).expect("steps").current();
        let mut both = Both::new(SECOND);
        for step in &steps {
            both.step(step);
        }
        seen.extend(both.seen);
    }
    for name in [
        "ok",
        "linked_event_failed",
        "linked_event_chain_open",
        "exists",
        "exists_with_different_flags",
        "exists_with_different_amount",
        "exists_with_different_pending_id",
        "exists_with_different_user_data_128",
        "pending_transfer_already_posted",
        "pending_transfer_already_voided",
        "pending_transfer_expired",
        "exceeds_pending_transfer_amount",
        "pending_transfer_has_different_amount",
        "debit_account_already_closed",
        "credit_account_already_closed",
        "overflows_debits_pending",
        "overflows_credits_posted",
        "overflows_debits",
        "exceeds_credits",
        "exceeds_debits",
    ] {
        assert!(seen.contains(name), "{name} never occurred");
    }
}
