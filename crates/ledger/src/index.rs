//! Positions in a list, found by 128-bit id.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// A hash table of positions; the ids themselves are only in the list that it points into.
///
/// A slot keeps 32 bits of its id's hash. So growing the table does not read the list, which at
/// ten million accounts would be ten million cache misses in one step, and an unequal id is told
/// without touching the list. The hash is seeded at random against chosen ids; no result depends
/// on the seed, because the table is never iterated.
#[derive(Default)]
pub(crate) struct IdIndex {
    hasher: DefaultHashBuilder,
    table: HashTable<Slot>,
}

#[derive(Clone, Copy)]
struct Slot {
    hash: u32,
    position: u32,
}

impl Slot {
    /// Spreads the kept bits over 64: the table takes its buckets from the lowest bits and its
    /// tags from the highest.
    fn table_hash(self) -> u64 {
        u64::from(self.hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl IdIndex {
    fn slot(&self, id: u128, position: u32) -> Slot {
        Slot { hash: (self.hasher.hash_one(id) >> 32) as u32, position }
    }

    /// The position for which `holds_id` says that the list has `id` there.
    pub(crate) fn find(&self, id: u128, holds_id: impl Fn(u32) -> bool) -> Option<u32> {
        let wanted = self.slot(id, 0);
        self.table
            .find(wanted.table_hash(), |slot| slot.hash == wanted.hash && holds_id(slot.position))
            .map(|slot| slot.position)
    }

    /// Adds an id that is not in the index.
    pub(crate) fn insert(&mut self, id: u128, position: u32) {
        let slot = self.slot(id, position);
        self.table.insert_unique(slot.table_hash(), slot, |slot| slot.table_hash());
    }

    /// Removes an id that is in the index at `position`.
    pub(crate) fn remove(&mut self, id: u128, position: u32) {
        let slot = self.slot(id, position);
        let entry = self.table.find_entry(slot.table_hash(), |other| other.position == position);
        assert!(entry.is_ok(), "id {id} is not in the index at {position}");
        if let Ok(entry) = entry {
            entry.remove();
        }
    }

    pub(crate) fn reserve(&mut self, additional: usize) {
        self.table.reserve(additional, |slot| slot.table_hash());
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.table.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_only_where_the_list_holds_it() {
        let mut index = IdIndex::default();
        index.insert(7, 3);
        assert_eq!(index.find(7, |position| position == 3), Some(3));
        assert_eq!(index.find(7, |_| false), None);
        assert_eq!(index.find(8, |_| true), None);
        index.remove(7, 3);
        assert_eq!(index.find(7, |_| true), None);
    }
}
