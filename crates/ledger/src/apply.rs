//! Applying requests to a state: the rules, and the batch that keeps what they let happen.

mod batch;
mod create_account;
mod create_transfer;
mod invariants;
mod post_or_void;
mod transfer_exists;

use batch::{Batch, BatchAccount};

use crate::{
    Account, AccountOutcome, CreateAccountResult, CreateTransferResult, EncodedEntry, Fact,
    OlderTransfers, Position, Reply, Request, State, Transfer, TransferOutcome,
    entry::{TIMESTAMP_MAX, encode},
};

/// At most so many pending transfers expire at the head of one batch; the rest wait for the next,
/// and cannot be posted or voided meanwhile.
pub const EXPIRIES_PER_BATCH_MAX: usize = 8192;

/// A batch being made: many independent requests, which will be durable together.
///
/// The state is only read. What a refused request did is undone at once, so it harms no other.
pub struct Applying<'a> {
    batch: Batch<'a>,
}

/// What a batch did: nothing of it counts before its entry is durable.
#[derive(Debug)]
pub struct Delta {
    pub(crate) base: Position,
    pub(crate) facts: Vec<Fact>,
    /// The accounts that the batch changed or created, as they are after it.
    pub(crate) accounts: Vec<Account>,
}

impl Delta {
    /// Whether nothing happened: then there is nothing to append or to merge.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// What happened, in order.
    #[must_use]
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// The entry to append after the state's position.
    ///
    /// # Panics
    /// If the delta is empty.
    #[must_use]
    pub fn encode(&self) -> EncodedEntry {
        encode(&self.base, &self.facts)
    }
}

/// One kind of event, for the handling of chains.
trait Event {
    type Code: ChainCode;

    fn is_linked(&self) -> bool;
    /// Applies the event to the batch, or leaves the batch as it was.
    fn create(&self, batch: &mut Batch<'_>) -> Result<(), Self::Code>;
}

/// The result codes that the handling of chains gives itself.
trait ChainCode: Copy + PartialEq {
    const OK: Self;
    const LINKED_EVENT_FAILED: Self;
    const LINKED_EVENT_CHAIN_OPEN: Self;
}

/// A chain whose last event is not reached.
struct Chain {
    start: usize,
    broken: bool,
}

impl<'a> Applying<'a> {
    /// Begins a batch whose facts happen at `timestamp_first` and each nanosecond after. The
    /// pending transfers that have expired by then are its first facts.
    ///
    /// `older` must know every id that [`State::older_ids`] names for the requests to come.
    ///
    /// # Panics
    /// If `timestamp_first` is not after the state's last timestamp, or is 2⁶³ or later.
    #[must_use]
    pub fn new(state: &'a State, older: &'a OlderTransfers, timestamp_first: u64) -> Self {
        assert!(timestamp_first > state.position.timestamp, "time must rise");
        assert!(timestamp_first <= TIMESTAMP_MAX, "timestamps fit in 63 bits");
        let mut batch = Batch::new(state, older, timestamp_first);
        batch.expire_pending_transfers(EXPIRIES_PER_BATCH_MAX);
        Self { batch }
    }

    /// Applies one request.
    ///
    /// # Panics
    /// If a transfer of the request may have left memory and nobody looked for it.
    pub fn request(&mut self, request: &Request) -> Reply {
        let accounts = self.run(&request.accounts);
        let transfers = self.run(&request.transfers);
        let account_outcome =
            |(account, result): (&Account, _)| self.account_outcome(account, result);
        let transfer_outcome =
            |(transfer, result): (&Transfer, _)| self.transfer_outcome(transfer, result);
        Reply {
            accounts: request.accounts.iter().zip(accounts).map(account_outcome).collect(),
            transfers: request.transfers.iter().zip(transfers).map(transfer_outcome).collect(),
        }
    }

    /// How many facts the batch has so far.
    #[must_use]
    pub fn fact_count(&self) -> usize {
        self.batch.facts.len()
    }

    /// Ends the batch.
    ///
    /// # Panics
    /// If the batch would break an invariant of the ledger: in each unit the changes of all
    /// accounts net to zero, and no account passes its limit. Only a bug can.
    #[must_use]
    pub fn finish(self) -> Delta {
        self.batch.assert_invariants();
        let accounts =
            self.batch.accounts.iter().map(|BatchAccount { after, .. }| *after).collect();
        Delta { base: self.batch.state.position, facts: self.batch.facts, accounts }
    }

    /// Applies a list of events, chain by chain.
    fn run<E: Event>(&mut self, events: &[E]) -> Vec<E::Code> {
        let mut results = Vec::with_capacity(events.len());
        let mut chain: Option<Chain> = None;
        for (index, event) in events.iter().enumerate() {
            let is_last = index + 1 == events.len();
            if event.is_linked() && chain.is_none() {
                self.batch.open_chain();
                chain = Some(Chain { start: index, broken: false });
            }
            let result = if event.is_linked() && is_last {
                E::Code::LINKED_EVENT_CHAIN_OPEN
            } else if chain.as_ref().is_some_and(|chain| chain.broken) {
                E::Code::LINKED_EVENT_FAILED
            } else {
                event.create(&mut self.batch).err().unwrap_or(E::Code::OK)
            };
            results.push(result);
            if let Some(chain) = &mut chain
                && result != E::Code::OK
                && !chain.broken
            {
                chain.broken = true;
                self.batch.roll_back_chain();
                results[chain.start..index].fill(E::Code::LINKED_EVENT_FAILED);
            }
            if !event.is_linked() {
                chain = None;
                self.batch.close_chain();
            }
        }
        self.batch.close_chain();
        results
    }

    fn account_outcome(&self, account: &Account, result: CreateAccountResult) -> AccountOutcome {
        let found = if result.is_ok_or_exists() { self.batch.account(account.id) } else { None };
        AccountOutcome { result, timestamp: found.map_or(0, |found| found.timestamp) }
    }

    fn transfer_outcome(
        &self,
        transfer: &Transfer,
        result: CreateTransferResult,
    ) -> TransferOutcome {
        let found = if result.is_ok_or_exists() { self.batch.transfer(transfer.id) } else { None };
        let (timestamp, amount) =
            found.map_or((0, 0), |found| (found.transfer.timestamp, found.transfer.amount));
        TransferOutcome { result, timestamp, amount }
    }
}
