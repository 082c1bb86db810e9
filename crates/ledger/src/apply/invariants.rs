//! What must hold after every batch, checked in production.

use super::batch::{Batch, BatchAccount};
use crate::Account;

/// What a batch changed in one ledger, debits less credits.
#[derive(Default)]
struct Net {
    ledger: u32,
    pending: i128,
    posted: i128,
}

impl Batch<'_> {
    /// Value is neither made nor lost in any unit, and no account has passed its limit. That no
    /// balance is negative, and none wraps, is the work of unsigned checked arithmetic.
    pub(super) fn assert_invariants(&self) {
        let mut nets: Vec<Net> = Vec::new();
        for BatchAccount { before, after } in &self.accounts {
            assert_eq!(before.id, after.id, "an account keeps its id");
            assert_eq!(before.ledger, after.ledger, "an account keeps its ledger");
            assert!(!after.debits_exceed_credits(0), "debits of {} exceed credits", after.id);
            assert!(!after.credits_exceed_debits(0), "credits of {} exceed debits", after.id);
            let at = nets.iter().position(|net| net.ledger == after.ledger).unwrap_or_else(|| {
                nets.push(Net { ledger: after.ledger, ..Net::default() });
                nets.len() - 1
            });
            nets[at].pending += net_pending(after) - net_pending(before);
            nets[at].posted += net_posted(after) - net_posted(before);
        }
        for Net { ledger, pending, posted } in nets {
            assert_eq!((pending, posted), (0, 0), "the batch does not net to zero in {ledger}");
        }
    }
}

fn net_pending(account: &Account) -> i128 {
    i128::from(account.debits_pending) - i128::from(account.credits_pending)
}

fn net_posted(account: &Account) -> i128 {
    i128::from(account.debits_posted) - i128::from(account.credits_posted)
}

#[cfg(test)]
mod tests {
    use crate::{Account, AccountFlags, OlderTransfers, State, apply::batch::Batch};

    /// Checks a batch that creates two accounts with these balances.
    fn check(debit: Account, credit: Account) {
        let (state, older) = (State::new(), OlderTransfers::default());
        let mut batch = Batch::new(&state, &older, 1);
        batch.create_account(Account { id: 1, ledger: 1, ..debit });
        batch.create_account(Account { id: 2, ledger: 1, ..credit });
        batch.assert_invariants();
    }

    #[test]
    fn what_nets_to_zero_passes() {
        check(
            Account { debits_posted: 5, debits_pending: 2, ..Account::default() },
            Account { credits_posted: 5, credits_pending: 2, ..Account::default() },
        );
    }

    #[test]
    #[should_panic(expected = "does not net to zero")]
    fn posted_value_from_nowhere_stops_the_batch() {
        check(
            Account { debits_posted: 5, ..Account::default() },
            Account { credits_posted: 6, ..Account::default() },
        );
    }

    #[test]
    #[should_panic(expected = "does not net to zero")]
    fn pending_value_from_nowhere_stops_the_batch() {
        check(Account { debits_pending: 5, ..Account::default() }, Account::default());
    }

    #[test]
    #[should_panic(expected = "debits of 1 exceed credits")]
    fn a_passed_limit_of_debits_stops_the_batch() {
        let flags = AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS;
        check(
            Account { debits_posted: 5, flags, ..Account::default() },
            Account { credits_posted: 5, ..Account::default() },
        );
    }

    #[test]
    #[should_panic(expected = "credits of 2 exceed debits")]
    fn a_passed_limit_of_credits_stops_the_batch() {
        let flags = AccountFlags::CREDITS_MUST_NOT_EXCEED_DEBITS;
        check(
            Account { debits_pending: 5, ..Account::default() },
            Account { credits_pending: 5, flags, ..Account::default() },
        );
    }
}
