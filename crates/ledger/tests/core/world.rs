//! A ledger without storage: one state that applies and merges, a second one that only folds the
//! encoded entries, and a late view of the transfers that the first one may forget.

use std::collections::BTreeMap;

use omamori_ledger::{
    Account, Applying, Entry, Fact, OlderTransfers, PendingStatus, Reply, Request, State,
    StoredTransfer, Transfer, TransferFlags,
};

#[derive(Default)]
pub struct World {
    pub state: State,
    pub folded: State,
    /// All entries so far.
    pub entries: Vec<Vec<u8>>,
    /// Facts that the view has not taken in.
    unseen: Vec<Fact>,
    /// What a store that is behind knows.
    view: BTreeMap<u128, StoredTransfer>,
}

impl World {
    /// Applies one batch at `timestamp`, "stores" its entry, and merges it.
    pub fn commit(&mut self, timestamp: u64, requests: &[Request]) -> Vec<Reply> {
        let mut older = OlderTransfers::default();
        for id in requests.iter().flat_map(|request| self.state.older_ids(request)) {
            older.insert(id, self.view.get(&id).copied());
        }
        self.state.read_ahead(requests);
        let mut applying = Applying::new(&self.state, &older, timestamp);
        let replies = requests.iter().map(|request| applying.request(request)).collect();
        let delta = applying.finish();
        if !delta.is_empty() {
            let encoded = delta.encode();
            let entry = Entry::decode(&encoded.bytes).expect("an entry that was just encoded");
            assert_eq!(entry.facts, delta.facts());
            assert_eq!(entry.position(), encoded.position);
            self.unseen.extend(&entry.facts);
            self.folded.fold(&entry).expect("the entry follows");
            self.state.merge(delta, encoded.position);
            self.entries.push(encoded.bytes);
        }
        self.check();
        replies
    }

    /// Brings the view up to `timestamp`, and lets the state forget what the view now holds.
    pub fn forget_until(&mut self, timestamp: u64) {
        let seen = self.unseen.partition_point(|fact| fact.timestamp() <= timestamp);
        for fact in self.unseen.drain(..seen) {
            see(&mut self.view, &fact);
        }
        self.state.forget_transfers_until(timestamp);
        self.check();
    }

    /// The transfer with this id, from memory or else from the view.
    pub fn transfer(&self, id: u128) -> Option<StoredTransfer> {
        self.state.transfer(id).or_else(|| self.view.get(&id).copied())
    }

    /// Both states are the same, and value is neither made nor lost.
    fn check(&self) {
        assert_eq!(self.state.position(), self.folded.position());
        assert_eq!(sorted_accounts(&self.state), sorted_accounts(&self.folded));
        assert_eq!(sorted_pending(&self.state), sorted_pending(&self.folded));
        assert_eq!(self.state.next_expiry(), self.folded.next_expiry());
        assert_eq!(self.state.memory_use().pending_count, sorted_pending(&self.state).len());
        let mut nets: BTreeMap<u32, (i128, i128)> = BTreeMap::new();
        for account in self.state.accounts() {
            let net = nets.entry(account.ledger).or_default();
            net.0 += i128::from(account.debits_pending) - i128::from(account.credits_pending);
            net.1 += i128::from(account.debits_posted) - i128::from(account.credits_posted);
        }
        assert!(nets.values().all(|net| *net == (0, 0)), "{nets:?}");
    }
}

/// All accounts of a state, by id.
pub fn sorted_accounts(state: &State) -> BTreeMap<u128, Account> {
    state.accounts().map(|account| (account.id, *account)).collect()
}

/// All open pending transfers of a state, by id.
pub fn sorted_pending(state: &State) -> BTreeMap<u128, Transfer> {
    state.pending_transfers().map(|pending| (pending.id, *pending)).collect()
}

fn see(view: &mut BTreeMap<u128, StoredTransfer>, fact: &Fact) {
    let mut resolve = |pending_id: &u128, status| {
        view.get_mut(pending_id).expect("facts come in order").pending_status = status;
    };
    match fact {
        Fact::AccountCreated(_) => {}
        Fact::PendingTransferExpired { pending_id, .. } => {
            resolve(pending_id, PendingStatus::Expired);
        }
        Fact::TransferCreated(transfer) => {
            let flags = transfer.flags;
            if flags.contains(TransferFlags::POST_PENDING_TRANSFER) {
                resolve(&transfer.pending_id, PendingStatus::Posted);
            }
            if flags.contains(TransferFlags::VOID_PENDING_TRANSFER) {
                resolve(&transfer.pending_id, PendingStatus::Voided);
            }
            let pending_status = match flags.contains(TransferFlags::PENDING) {
                true => PendingStatus::Pending,
                false => PendingStatus::None,
            };
            view.insert(transfer.id, StoredTransfer { transfer: *transfer, pending_status });
        }
    }
}
