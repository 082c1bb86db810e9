//! The transfers that are in memory: all open pending ones, and the recent past.

use std::collections::{BTreeMap, VecDeque};

use hashbrown::HashMap;

use crate::{PendingStatus, StoredTransfer, Transfer, index::IdIndex};

/// A transfer, and when and how it was resolved if it was pending.
#[derive(Clone, Copy)]
struct Record {
    transfer: Transfer,
    pending_status: PendingStatus,
    /// 0 while the transfer is not resolved.
    resolved_at: u64,
}

impl Record {
    fn new(transfer: Transfer) -> Self {
        Self { transfer, pending_status: transfer.initial_status(), resolved_at: 0 }
    }

    fn is_open(&self) -> bool {
        self.pending_status == PendingStatus::Pending
    }

    /// Whether all that happened to it happened at or before `timestamp`.
    fn is_settled_by(&self, timestamp: u64) -> bool {
        !self.is_open() && self.resolved_at <= timestamp
    }

    fn stored(&self) -> StoredTransfer {
        StoredTransfer { transfer: self.transfer, pending_status: self.pending_status }
    }
}

/// `recent` is a queue in order of time. A transfer leaves at its front when it is forgotten;
/// one that is still open then, or was resolved after the time up to which all is forgotten,
/// moves to `held` and stays there until its resolution is forgotten too. So what memory does
/// not have is settled for good, and a store that is behind cannot tell an outdated status.
#[derive(Default)]
pub(crate) struct Transfers {
    recent: VecDeque<Record>,
    /// Position of the front of `recent`, modulo 2³².
    front: u32,
    index: IdIndex,
    held: HashMap<u128, Record>,
    /// Open pending transfers that expire, by time of expiry and then of creation.
    expiries: BTreeMap<(u64, u64), u128>,
    /// Expired transfers not forgotten yet, as (time of expiry, id); second phases are in `recent`.
    expired: VecDeque<(u64, u128)>,
    open_count: usize,
}

impl Transfers {
    fn recent_at(&self, position: u32) -> usize {
        position.wrapping_sub(self.front) as usize
    }

    fn record(&self, id: u128) -> Option<&Record> {
        let holds_id = |position| self.recent[self.recent_at(position)].transfer.id == id;
        match self.index.find(id, holds_id) {
            Some(position) => self.recent.get(self.recent_at(position)),
            None => self.held.get(&id),
        }
    }

    fn record_mut(&mut self, id: u128) -> Option<&mut Record> {
        let holds_id = |position| self.recent[self.recent_at(position)].transfer.id == id;
        match self.index.find(id, holds_id) {
            Some(position) => {
                let at = self.recent_at(position);
                self.recent.get_mut(at)
            }
            None => self.held.get_mut(&id),
        }
    }

    pub(crate) fn get(&self, id: u128) -> Option<StoredTransfer> {
        self.record(id).map(Record::stored)
    }

    pub(crate) fn contains(&self, id: u128) -> bool {
        self.record(id).is_some()
    }

    /// Adds the newest transfer, whose id is new.
    pub(crate) fn insert(&mut self, transfer: Transfer) {
        assert!(self.recent.len() < u32::MAX as usize, "more than 2^32 recent transfers");
        self.index.insert(transfer.id, self.front.wrapping_add(self.recent.len() as u32));
        self.recent.push_back(Record::new(transfer));
        self.note_open(&transfer);
    }

    /// Adds an open pending transfer of a snapshot.
    pub(crate) fn insert_held(&mut self, pending: Transfer) {
        self.held.insert(pending.id, Record::new(pending));
        self.note_open(&pending);
    }

    fn note_open(&mut self, transfer: &Transfer) {
        if transfer.is_pending() {
            self.open_count += 1;
            if let Some(expires_at) = transfer.expires_at() {
                self.expiries.insert((expires_at, transfer.timestamp), transfer.id);
            }
        }
    }

    /// Gives an open pending transfer its final status; `None` if there is no such one.
    pub(crate) fn resolve(
        &mut self,
        pending_id: u128,
        status: PendingStatus,
        resolved_at: u64,
    ) -> Option<Transfer> {
        let record = self.record_mut(pending_id).filter(|record| record.is_open())?;
        record.pending_status = status;
        record.resolved_at = resolved_at;
        let pending = record.transfer;
        self.open_count -= 1;
        if let Some(expires_at) = pending.expires_at() {
            self.expiries.remove(&(expires_at, pending.timestamp));
        }
        if status == PendingStatus::Expired {
            self.expired.push_back((resolved_at, pending_id));
        }
        Some(pending)
    }

    /// Drops what happened, and was resolved, at or before `timestamp`; tells `forgotten` each id.
    pub(crate) fn forget_until(&mut self, timestamp: u64, mut forgotten: impl FnMut(u128)) {
        while let Some(record) = self.recent.front().copied()
            && record.transfer.timestamp <= timestamp
        {
            self.recent.pop_front();
            self.index.remove(record.transfer.id, self.front);
            self.front = self.front.wrapping_add(1);
            if record.is_settled_by(timestamp) {
                forgotten(record.transfer.id);
            } else {
                self.held.insert(record.transfer.id, record);
            }
            if record.transfer.is_resolving()
                && self.held.remove(&record.transfer.pending_id).is_some()
            {
                forgotten(record.transfer.pending_id);
            }
        }
        while let Some((expired_at, pending_id)) = self.expired.front().copied()
            && expired_at <= timestamp
        {
            self.expired.pop_front();
            if self.held.remove(&pending_id).is_some() {
                forgotten(pending_id);
            }
        }
    }

    /// The open pending transfers that expire at or before `timestamp`, by time of expiry.
    pub(crate) fn expired_by(&self, timestamp: u64) -> impl Iterator<Item = u128> {
        self.expiries.range(..=(timestamp, u64::MAX)).map(|(_, pending_id)| *pending_id)
    }

    pub(crate) fn next_expiry(&self) -> Option<u64> {
        self.expiries.first_key_value().map(|((expires_at, _), _)| *expires_at)
    }

    /// The open pending transfers, in no order.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Transfer> {
        self.recent
            .iter()
            .chain(self.held.values())
            .filter(|record| record.is_open())
            .map(|record| &record.transfer)
    }

    pub(crate) fn len(&self) -> usize {
        self.recent.len() + self.held.len()
    }

    pub(crate) fn open_count(&self) -> usize {
        self.open_count
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        /// A B-tree node of eleven slots is at least half full.
        const EXPIRY_BYTES: usize = 2 * size_of::<((u64, u64), u128)>();
        self.recent.capacity() * size_of::<Record>()
            + self.index.memory_bytes()
            + self.held.allocation_size()
            + self.expiries.len() * EXPIRY_BYTES
            + self.expired.capacity() * size_of::<(u64, u128)>()
    }
}
