//! What is reserved: pending transfers that use the windows from their first phase on.

use std::collections::HashMap;

use super::Effect;
use crate::gate::reservation::handover_id;

/// What an open reservation used, and in which slot.
#[derive(Debug)]
pub(super) struct Reserved {
    pub slot: u32,
    pub yen: i64,
    pub effect: Effect,
}

/// All open reservations.
#[derive(Debug, Default)]
pub(super) struct Reservations {
    /// By the id of the pending transfer.
    by_id: HashMap<u128, Reserved>,
    /// Those ids by the account that used its windows, oldest first.
    of_account: HashMap<u128, Vec<u128>>,
}

impl Reservations {
    pub fn insert(&mut self, id: u128, reserved: Reserved) {
        if let Effect::Uses(account, _) = reserved.effect {
            self.of_account.entry(account).or_default().push(id);
        }
        self.by_id.insert(id, reserved);
    }

    pub fn remove(&mut self, id: u128) -> Option<Reserved> {
        let reserved = self.by_id.remove(&id)?;
        if let Effect::Uses(account, _) = reserved.effect
            && let Some(ids) = self.of_account.get_mut(&account)
        {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.of_account.remove(&account);
            }
        }
        Some(reserved)
    }

    /// Gives a reservation to the payment that captures it, a few transfers later in its chain.
    /// One that is older than all windows was never seen, and its payment uses none.
    pub fn hand_over(&mut self, id: u128) {
        let nothing = Reserved { slot: 0, yen: 0, effect: Effect::Nothing };
        let reserved = self.remove(id).unwrap_or(nothing);
        self.by_id.insert(handover_id(id), reserved);
    }

    pub fn of(&self, account: u128) -> &[u128] {
        self.of_account.get(&account).map_or(&[], Vec::as_slice)
    }
}
