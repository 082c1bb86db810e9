//! Risk in the gate: what is known of an act, what the operator's rules say to it, and the rolling
//! windows behind both.
//!
//! The gate asks [`Risk::judge`] last, after controls, standing, proof and limits. The windows are
//! a fold of the decision records: rebuilt from them at start, led on by what this node decides,
//! and by what the other nodes wrote, a moment later ([`follow`]). So they hold hashes only, and
//! nothing has to be stored for them.

pub mod backtest;
pub mod confirm;
mod facts;
pub mod follow;
mod hits;
pub mod label;
pub mod label_file;
pub(crate) mod log;
mod record;
pub mod rules;
pub mod watch;
mod whence;

use std::net::IpAddr;
use std::sync::Arc;

use omamori_db::Db;
pub use omamori_risk::act::Act;
use omamori_risk::engine::RuleSet;
use omamori_risk::event::{Event, Outcome, Parties};
use omamori_risk::rule::Effect;
use omamori_risk::signal::{Signal, Signals};
use omamori_risk::window::{Windows, fill_from};
use parking_lot::{Mutex, RwLock};

pub use facts::Facts;
use follow::Taken;
use hits::Hits;
pub use record::{Part, Past};
use rules::LoadError;
use watch::Watch;
use whence::Whence;

use crate::clock::{MINUTE, Micros};
use crate::config::Config;
use crate::db::Stores;
use crate::gate::Place;
use crate::id::derive;
use crate::networks::Networks;
use crate::web::codes::Code;
use crate::web::error::Error;

/// The rules that a new service begins with.
pub const STARTER: &str = include_str!("../../../risk/rules/starter.toml");

/// The rules in force.
pub struct InForce {
    /// Their version; 0 if there are none.
    pub version: i64,
    /// Compiled.
    pub set: RuleSet,
}

/// What the gate asks about, as risk sees it.
pub struct Asked<'a> {
    /// When.
    pub at: Micros,
    /// What.
    pub act: Act,
    /// `cus_…`
    pub customer: Option<&'a str>,
    /// `dev_…`
    pub device: Option<&'a str>,
    /// At which terminal.
    pub terminal: Option<Place<'a>>,
    /// Yen.
    pub amount: Option<i64>,
    /// What the customer could spend after it, if it is known.
    pub balance_after: Option<i64>,
    /// What else is known.
    pub facts: &'a Facts<'a>,
}

/// What may become of an act beside yes and no.
#[derive(Clone, Copy, Debug)]
pub struct May {
    /// It can be held: done, but for what a person of staff must say.
    pub hold: bool,
    /// Whether the customer confirmed it at the phone; none if nobody looked yet.
    pub confirmed: Option<bool>,
}

/// The verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is done.
    Free,
    /// It is done, and held.
    Held,
    /// It needs a confirmation, and one may exist: look, and ask again. Nothing was counted.
    Ask,
    /// It is not done.
    No(Code),
}

/// What rules say to acts, and what they look at.
pub struct Risk {
    registry: Db,
    networks: Arc<Networks>,
    in_force: RwLock<Arc<InForce>>,
    memory: Mutex<Memory>,
    watch: Watch,
}

/// What is folded of the decision log.
#[derive(Default)]
struct Memory {
    windows: Windows,
    hits: Hits,
    whence: Whence,
}

impl Risk {
    /// Reads the rules in force and rebuilds the windows.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn open(
        stores: &Stores,
        config: &Config,
        networks: Arc<Networks>,
        now: Micros,
    ) -> Result<(Self, Taken), LoadError> {
        let (memory, taken) = follow::rebuild(&stores.evidence, now).await?;
        let in_force = rules::load(&stores.registry, config.starter_rules, now).await?;
        let (in_force, memory) = (RwLock::new(Arc::new(in_force)), Mutex::new(memory));
        let (registry, watch) = (stores.registry.clone(), Watch::default());
        Ok((Self { registry, networks, in_force, memory, watch }, taken))
    }

    /// The rules in force.
    #[must_use]
    pub fn in_force(&self) -> Arc<InForce> {
        self.in_force.read().clone()
    }

    /// Counters of the windows in memory.
    #[must_use]
    pub fn counters(&self) -> usize {
        self.memory.lock().windows.len()
    }

    /// How often a rule hit in the last hours, 168 at most.
    #[must_use]
    pub fn hits(&self, rule: &str, now: Micros, hours: i64) -> i64 {
        i64::try_from(self.memory.lock().hits.since(rule, now, hours)).unwrap_or(i64::MAX)
    }

    /// What staff are to see.
    pub(crate) const fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Reads the rules in force anew.
    ///
    /// # Errors
    /// [`LoadError`]: what was in force stays so.
    pub async fn reload(&self) -> Result<(), LoadError> {
        let loaded = rules::load(&self.registry, false, 0).await?;
        *self.in_force.write() = Arc::new(loaded);
        Ok(())
    }

    /// Judges an act. `before` is what everything that comes before risk said.
    ///
    /// The windows stay locked from looking to counting, so that of acts at one moment the second
    /// sees the first.
    pub fn judge(
        &self,
        asked: &Asked<'_>,
        before: Result<(), Code>,
        may: May,
    ) -> (Verdict, Box<Part>) {
        let rules = self.in_force();
        let mut memory = self.memory.lock();
        let mut event = Event {
            at: asked.at,
            act: asked.act,
            outcome: Outcome::Done,
            parties: self.parties(asked),
            amount: asked.amount.unwrap_or_default(),
        };
        memory.whence.fill(&mut event);
        let mut signals = Signals::default();
        self.fill_known(asked, &event, &mut signals);
        let mut part = Box::new(Part {
            version: None,
            act: asked.act,
            outcome: Outcome::Done,
            step: asked.facts.is_step,
            coupon: asked.facts.uses_coupon,
            parties: event.parties,
            signals,
            effect: None,
            score: 0,
            hits: Vec::new(),
        });
        memory.windows.fill(&event, &mut part.signals);
        let verdict = match before {
            Err(code) => Verdict::No(code),
            Ok(()) if asked.facts.failed => Verdict::Free,
            Ok(()) => {
                let mut says = rules.set.assess(asked.act, &mut part.signals);
                if asked.facts.uses_coupon {
                    says.merge(rules.set.assess(Act::CouponUse, &mut part.signals));
                }
                let effect = says.effect;
                part.says(rules.version, says);
                verdict(asked, effect, may)
            }
        };
        event.outcome = match verdict {
            Verdict::Ask => return (verdict, part),
            _ if asked.facts.failed => Outcome::Failed,
            Verdict::Free | Verdict::Held => Outcome::Done,
            Verdict::No(code) if is_wrong_proof(code) => Outcome::Failed,
            Verdict::No(_) => Outcome::Refused,
        };
        part.outcome = event.outcome;
        record::observe(&mut memory, &event, part.step, part.coupon);
        for hit in &part.hits {
            memory.hits.count(&hit.rule, event.at);
        }
        (verdict, part)
    }

    /// Whether the customer has confirmed such an act, at the phone.
    ///
    /// # Errors
    /// A fault if the registry fails.
    pub async fn is_confirmed(&self, asked: &Asked<'_>) -> Result<bool, Error> {
        confirm::is_confirmed(&self.registry, asked).await
    }

    /// Counts what another node decided.
    pub(crate) fn fold(&self, body: &str) {
        let mut memory = self.memory.lock();
        for line in body.lines() {
            record::fold(&mut memory, line);
        }
    }

    fn parties(&self, asked: &Asked<'_>) -> Parties {
        let facts = asked.facts;
        Parties {
            account: asked.customer.map(account),
            device: asked.device.map(|id| hash("risk device", id.as_bytes())),
            network: facts.address.map(network),
            asn: facts.address.and_then(|address| self.networks.asn(address)).map(u64::from),
            card: facts.card.map(|card| hash("risk card", card.as_bytes())),
            store: asked.terminal.map(|place| hash("risk store", place.store_id.as_bytes())),
            terminal: asked
                .terminal
                .filter(|place| place.terminal_number != 0)
                .map(|place| hash("risk terminal", &place.terminal_number.to_be_bytes())),
            receiver: facts.receiver.map(account),
            sender: facts.sender.map(account),
            sale: facts.sale.map(|id| hash("risk sale", &id.to_be_bytes())),
        }
    }

    fn fill_known(&self, asked: &Asked<'_>, event: &Event, signals: &mut Signals) {
        let facts = asked.facts;
        fill_from(event, signals);
        let minutes = |since: Micros| ((asked.at - since) / MINUTE).max(0);
        for (signal, value) in [
            (Signal::DeviceAgeMinutes, facts.device_since.map(minutes)),
            (Signal::AccountAgeMinutes, facts.account_since.map(minutes)),
            (Signal::CardAgeMinutes, facts.card_since.map(minutes)),
            (Signal::ReceiverAgeMinutes, facts.receiver_since.map(minutes)),
            (Signal::SaleLargestItem, facts.largest_item),
            (Signal::SaleMostPieces, facts.most_pieces),
            (Signal::BalanceAfter, asked.balance_after),
            (Signal::IpAsn, event.parties.asn.and_then(|asn| i64::try_from(asn).ok())),
        ] {
            if let Some(value) = value {
                signals.set_int(signal, value);
            }
        }
        if let Some(factor) = facts.session_factor {
            signals.set_text(Signal::SessionFactor, factor);
        }
        if let Some(country) = facts.address.and_then(|address| self.networks.country(address)) {
            signals.set_text(Signal::IpCountry, country.as_str());
        }
    }
}

fn verdict(asked: &Asked<'_>, effect: Option<Effect>, may: May) -> Verdict {
    match effect {
        None | Some(Effect::Score(_) | Effect::Alert) => Verdict::Free,
        Some(Effect::StepUp) if asked.facts.confirmed => Verdict::Free,
        Some(Effect::StepUp) => match may.confirmed {
            Some(true) => Verdict::Free,
            None if asked.customer.is_some() && is_confirmed_at_the_phone(asked.act) => {
                Verdict::Ask
            }
            _ => Verdict::No(Code::ConfirmationRequired),
        },
        Some(Effect::Hold) if may.hold => Verdict::Held,
        Some(Effect::Hold) => Verdict::No(Code::HeldForReview),
        Some(Effect::Refuse) => Verdict::No(Code::RiskRefused),
    }
}

/// At these the customer is asked on the phone, because the request comes from a register.
#[must_use]
pub const fn is_confirmed_at_the_phone(act: Act) -> bool {
    matches!(act, Act::Payment | Act::TopupCash | Act::TopupAtm)
}

/// Codes that say that a proof was wrong, not that the act is not allowed.
const fn is_wrong_proof(code: Code) -> bool {
    matches!(
        code,
        Code::ProofFailed
            | Code::DeviceNotEnrolled
            | Code::CodeWrong
            | Code::CodeCheckDigit
            | Code::CodeUnknownPrefix
            | Code::CodeExpired
            | Code::CodeAlreadyUsed
    )
}

fn hash(purpose: &str, id: &[u8]) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "half of a hash is one")]
    let half = derive(purpose, &[id]) as u64;
    half
}

/// The customer, as windows know them.
#[must_use]
pub fn account(customer_id: &str) -> u64 {
    hash("risk account", customer_id.as_bytes())
}

/// /24 of IPv4, /48 of IPv6: what one household or office has, and a mobile network's gateway.
fn network(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(v4) => hash("risk network", &v4.octets()[..3]),
        IpAddr::V6(v6) => hash("risk network", &v6.octets()[..6]),
    }
}
