//! All accounts, in memory.

use crate::{Account, index::IdIndex};

/// Accounts in order of creation, each at its slot for ever.
#[derive(Default)]
pub(crate) struct Accounts {
    list: Vec<Account>,
    index: IdIndex,
}

impl Accounts {
    pub(crate) fn slot(&self, id: u128) -> Option<u32> {
        self.index.find(id, |slot| self.list[slot as usize].id == id)
    }

    pub(crate) fn at(&self, slot: u32) -> &Account {
        &self.list[slot as usize]
    }

    pub(crate) fn get(&self, id: u128) -> Option<&Account> {
        self.slot(id).map(|slot| self.at(slot))
    }

    /// Two different accounts, to be changed together.
    pub(crate) fn pair_mut(
        &mut self,
        debit_slot: u32,
        credit_slot: u32,
    ) -> (&mut Account, &mut Account) {
        let pair = self.list.get_disjoint_mut([debit_slot as usize, credit_slot as usize]);
        let Ok([debit, credit]) = pair else {
            panic!("slots {debit_slot} and {credit_slot} are not two accounts");
        };
        (debit, credit)
    }

    /// Adds an account whose id is new.
    pub(crate) fn insert(&mut self, account: Account) {
        let slot = u32::try_from(self.list.len());
        let Ok(slot) = slot else { panic!("more than 2^32 accounts") };
        if self.list.len() == self.list.capacity() {
            // Doubling would leave up to half of the memory unused.
            self.list.reserve_exact((self.list.len() / 8).max(64));
        }
        self.list.push(account);
        self.index.insert(account.id, slot);
    }

    pub(crate) fn reserve(&mut self, additional: usize) {
        self.list.reserve_exact(additional);
        self.index.reserve(additional);
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Account> {
        self.list.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.list.capacity() * size_of::<Account>() + self.index.memory_bytes()
    }
}
