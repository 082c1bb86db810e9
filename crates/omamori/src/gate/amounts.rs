//! What is on accounts now, and what of the limits is used.

use omamori_ledger::Account;

use super::Gate;
use super::chart::available;
use super::purse::{self, Purse};
use super::windows::{Class, Used};

impl Gate {
    /// What the customer sees as the balance, in yen: paid and free value of a wallet.
    #[must_use]
    pub fn balance(&self, wallet: u128) -> i64 {
        let now = self.clock.now();
        self.ledger.read(|state| purse::balance(|id| state.account(id).copied(), wallet, now))
    }

    /// [`Gate::balance`] with what is on its way: the largest balance bounds this.
    #[must_use]
    pub fn expected(&self, wallet: u128) -> i64 {
        let now = self.clock.now();
        self.ledger.read(|state| purse::expected(|id| state.account(id).copied(), wallet, now))
    }

    /// Whether a part of a customer's value, of any kind, is set aside or under way.
    #[must_use]
    pub fn is_pending(&self, wallet: u128) -> bool {
        let now = self.clock.now();
        self.ledger.read(|state| purse::is_pending(|id| state.account(id).copied(), wallet, now))
    }

    /// The paid value of a wallet alone, in yen; 0 for an account that has never held value.
    #[must_use]
    pub fn paid(&self, account: u128) -> i64 {
        self.ledger.account(account).as_ref().map_or(0, available)
    }

    /// All that a customer holds, at one moment.
    #[must_use]
    pub fn purse(&self, wallet: u128) -> Purse {
        let now = self.clock.now();
        self.ledger.read(|state| Purse::read(|id| state.account(id).copied(), wallet, now))
    }

    /// An account of the ledger.
    #[must_use]
    pub fn account(&self, id: u128) -> Option<Account> {
        self.ledger.account(id)
    }

    /// What is used of a customer's windows now.
    #[must_use]
    pub fn used(&self, account: u128, class: Class) -> Used {
        let now = self.clock.now_nanos();
        self.ledger.companion(|windows| windows.used(account, class, now))
    }

    /// The pending transfers that use a customer's windows, oldest first: authorizations, what was
    /// sent and not taken, top-ups by card under way.
    #[must_use]
    pub fn reservations(&self, account: u128) -> Vec<u128> {
        self.ledger.companion(|windows| windows.reservations(account).to_vec())
    }
}
