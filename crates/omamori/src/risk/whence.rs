//! Where accounts were last seen. A register and a card gateway do not say from which network the
//! customer came; the wallet on the customer's phone did, a moment before.

use std::collections::HashMap;

use omamori_risk::act::Act;
use omamori_risk::event::{Event, Outcome};

use crate::clock::{DAY, Micros};

/// For so long it is worth something.
const LIFE: Micros = DAY;
/// Entries beyond which the old ones are looked for and dropped.
const SWEEP_AT_FIRST: usize = 1 << 16;

/// The network of each account's last act by its wallet, as hashes: a fold of the decision log, as
/// the windows are.
pub(super) struct Whence {
    seen: HashMap<u64, (u64, Micros)>,
    sweep_at: usize,
}

impl Default for Whence {
    fn default() -> Self {
        Self { seen: HashMap::new(), sweep_at: SWEEP_AT_FIRST }
    }
}

impl Whence {
    /// Takes in what happened. What was refused, or proven wrongly, may be somebody else's.
    pub fn observe(&mut self, event: &Event) {
        let (Some(account), Some(network)) = (event.parties.account, event.parties.network) else {
            return;
        };
        if event.outcome != Outcome::Done {
            return;
        }
        let entry = self.seen.entry(account).or_insert((network, event.at));
        if entry.1 <= event.at {
            *entry = (network, event.at);
        }
        if self.seen.len() >= self.sweep_at {
            self.seen.retain(|_, (_, at)| *at + LIFE > event.at);
            self.sweep_at = (self.seen.len() * 2).max(SWEEP_AT_FIRST);
        }
    }

    /// Says whence an act came that its request does not tell, if that is known.
    pub fn fill(&self, event: &mut Event) {
        let is_told_elsewhere = matches!(event.act, Act::Payment | Act::CardRegister);
        if event.parties.network.is_some() || !is_told_elsewhere {
            return;
        }
        let seen = event.parties.account.and_then(|account| self.seen.get(&account));
        let fresh = seen.filter(|(_, at)| *at + LIFE > event.at);
        event.parties.network = fresh.map(|(network, _)| *network);
    }
}

#[cfg(test)]
mod tests {
    use omamori_risk::event::Parties;

    use super::*;

    fn event(act: Act, at: Micros, network: Option<u64>) -> Event {
        let parties = Parties { account: Some(1), network, ..Parties::default() };
        Event { at, act, outcome: Outcome::Done, parties, amount: 0 }
    }

    fn told(whence: &Whence, act: Act, at: Micros) -> Option<u64> {
        let mut event = event(act, at, None);
        whence.fill(&mut event);
        event.parties.network
    }

    #[test]
    fn a_payment_comes_from_where_its_customer_was_last_seen_that_day() {
        let mut whence = Whence::default();
        whence.observe(&event(Act::SignIn, 10, Some(7)));
        whence.observe(&event(Act::SignIn, 5, Some(6))); // another node's, a little late
        whence.observe(&Event { outcome: Outcome::Failed, ..event(Act::SignIn, 20, Some(8)) });
        assert_eq!(told(&whence, Act::Payment, 30), Some(7));
        assert_eq!(told(&whence, Act::Refund, 30), None, "a clerk's");
        assert_eq!(told(&whence, Act::Payment, 10 + LIFE), None);
        let mut own = event(Act::Payment, 30, Some(9));
        whence.fill(&mut own);
        assert_eq!(own.parties.network, Some(9), "what is told is not guessed");
    }
}
