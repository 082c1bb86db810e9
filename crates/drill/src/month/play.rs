//! Plays the script. What different people do within a few minutes happens at once; what one person
//! does happens in its order.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex as Held, MutexGuard, PoisonError};

use indicatif::ProgressBar;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::script::{Act, Event};
use super::tally::{Label, StoreTally, Tally};
use super::{Failure, Settings};
use crate::player::{Http, Phone};

/// What happens within so many seconds may happen at one time.
const AT_ONCE_SECONDS: u64 = 240;
/// People at a time.
const AT_ONCE: usize = 32;
/// What a risk rule answers with.
const BY_RULES: [&str; 4] =
    ["confirmation_required", "held_for_review", "payment_held", "risk_refused"];
/// Days of the progress are those of Japan.
const JAPAN_SECONDS: u64 = 9 * 3_600;

/// Everyone who takes part, and what they keep.
pub(super) struct Player {
    pub(super) settings: Settings,
    pub(super) http: Http,
    pub(super) phones: Vec<Mutex<Phone>>,
    kept: Held<Kept>,
    tally: Held<Tally>,
}

/// What one act leaves for a later one, by the script's numbers.
#[derive(Default)]
pub(super) struct Kept {
    /// Of each customer: the registration that the bank works on, then the card.
    pub(super) setups: HashMap<usize, String>,
    pub(super) cards: HashMap<usize, String>,
    /// Top-ups by card whose answer is to come.
    pub(super) top_ups: HashMap<usize, String>,
    pub(super) sends: HashMap<usize, (String, i64)>,
}

impl Player {
    pub(super) fn new(settings: Settings, networks: &[Option<usize>]) -> Arc<Self> {
        let phone = |(number, network): (usize, &Option<usize>)| {
            Mutex::new(Phone::new(number, network.unwrap_or(number), &settings.server))
        };
        let stores = vec![StoreTally::default(); settings.terminal_keys.len()];
        Arc::new(Self {
            http: Http::new(settings.server.address),
            phones: networks.iter().enumerate().map(phone).collect(),
            kept: Held::default(),
            tally: Held::new(Tally { stores, ..Tally::default() }),
            settings,
        })
    }

    pub(super) async fn play(
        self: Arc<Self>,
        events: Vec<Event>,
        progress: &ProgressBar,
    ) -> Result<Tally, Failure> {
        progress.set_length(events.len() as u64);
        let mut events = events.into_iter().peekable();
        while let Some(first) = events.next() {
            let now = first.at;
            (self.settings.clock)(now);
            progress.set_message(self.moment(now));
            let mut busy = HashSet::new();
            let mut tasks = JoinSet::new();
            let mut next = Some(first);
            while let Some(event) = next {
                busy.insert(event.customer);
                busy.extend(event.act.other());
                let player = self.clone();
                tasks.spawn(async move { player.act(&event, now).await });
                next = events.next_if(|event| {
                    let people = [Some(event.customer), event.act.other()];
                    event.at < now + AT_ONCE_SECONDS
                        && tasks.len() < AT_ONCE
                        && !people.into_iter().flatten().any(|person| busy.contains(&person))
                });
            }
            while let Some(done) = tasks.join_next().await {
                done??;
                progress.inc(1);
            }
        }
        (self.settings.clock)(self.settings.until);
        let mut tally = self.tally().clone();
        tally.labels.sort_by_key(|label| label.at);
        Ok(tally)
    }

    /// `day 17, 12:00`
    fn moment(&self, now: u64) -> String {
        let hour = (now + JAPAN_SECONDS) / 3_600;
        let days = hour / 24 + self.settings.scale.days + 1;
        let day = days.saturating_sub((self.settings.until + JAPAN_SECONDS) / 86_400);
        format!("day {day:2}, {:02}:00", hour % 24)
    }

    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn act(&self, event: &Event, now: u64) -> Result<(), Failure> {
        let refused = self.carry_out(event, now).await?;
        self.count(event, refused.as_deref());
        if let Some(kind) = event.label {
            let customer_id = match event.act {
                Act::TryPair { .. } => None,
                _ => Some(self.phones[event.customer].lock().await.customer_id().to_owned()),
            };
            let merchant_payment_id = event.act.sale().map(|number| format!("m{number}"));
            let (act, at, amount) = (event.act.name(), now, event.act.yen());
            let label = Label { kind, act, at, customer_id, merchant_payment_id, amount, refused };
            self.tally().labels.push(label);
        }
        Ok(())
    }

    /// A refusal is planned, or a risk rule's, or it should not be. What fraud meets is its own
    /// matter, and so is what is written for somebody whom a rule stopped before.
    fn count(&self, event: &Event, refused: Option<&str>) {
        let is_planned = event.act.is_to_be_refused();
        let mut tally = self.tally();
        match refused {
            Some(code) if is_planned || event.label.is_some() => {
                *tally.refused.entry(code.to_owned()).or_default() += 1;
            }
            None if !is_planned => {}
            Some(code) if BY_RULES.contains(&code) => {
                let what = format!("{}: {code}", event.act.name());
                *tally.stopped.entry(what).or_default() += 1;
                tally.bothered.insert(event.customer);
            }
            _ if tally.bothered.contains(&event.customer) => tally.in_consequence += 1,
            _ => {
                let what = format!("{}: {}", event.act.name(), refused.unwrap_or("not refused"));
                *tally.unexpected.entry(what).or_default() += 1;
            }
        }
    }
}
