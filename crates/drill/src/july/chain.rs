//! The robbers: a list, and what they do where a pair lets them in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex as Held, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::PAIRS_FOR_ONE;
use super::crowd::Crowd;
use crate::player::{API, Failure, Phone, Reply, expect_ok, look_until};
use crate::scenario::Stage;

/// Networks that the list is tried from.
const NETWORKS: usize = 2_000;
/// Three times ¥30,000 within a minute.
const TOP_UPS: usize = 3;
const TOP_UP: i64 = 30_000;
/// What a runner pays at once: six cartons of e-cigarettes at ¥5,000.
const CARTONS: i64 = 30_000;
/// A runner goes to so many registers: a phone shows four codes in thirty seconds.
const PURCHASES: usize = 4;

/// What robbers have, by the customer robbed.
#[derive(Clone, Default)]
pub(super) struct Loot {
    /// Accounts that let a stranger in.
    pub(super) entered: BTreeSet<usize>,
    /// Accounts that another phone took over.
    pub(super) moved: BTreeSet<usize>,
    /// Yen that were loaded.
    pub(super) topped_up: BTreeMap<usize, i64>,
    /// Yen for which goods were taken.
    pub(super) spent: BTreeMap<usize, i64>,
    /// How they were refused.
    pub(super) refused: BTreeMap<String, u64>,
}

/// All of them.
pub(super) struct Robbers {
    stage: Arc<Stage>,
    crowd: Arc<Crowd>,
    /// The first number that is nobody's.
    begin: usize,
    loot: Held<Loot>,
}

impl Robbers {
    pub(super) fn new(stage: Arc<Stage>, crowd: Arc<Crowd>, pairs: usize) -> Self {
        let begin = stage.first_customer + pairs * PAIRS_FOR_ONE;
        Self { stage, crowd, begin, loot: Held::default() }
    }

    pub(super) fn loot(&self) -> Loot {
        self.held().clone()
    }

    fn held(&self) -> MutexGuard<'_, Loot> {
        self.loot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, step: &str, reply: &Reply) -> bool {
        if !reply.is_ok() {
            let word = format!("{step}: {}", reply.code());
            *self.held().refused.entry(word).or_default() += 1;
        }
        reply.is_ok()
    }

    /// Tries one pair. One that is right is not given up for a refusal: its robber does the work
    /// that is asked for, and tries to bring another phone to the account all the same.
    pub(super) async fn try_pair(&self, pair: usize) -> Result<(), Failure> {
        let (stage, http) = (&*self.stage, &self.crowd.http);
        let network = 50_000 + pair % NETWORKS;
        let mut thief = Phone::new(self.begin + pair, network, &stage.server).with_tool();
        let which = pair / PAIRS_FOR_ONE;
        let is_right = pair % PAIRS_FOR_ONE == PAIRS_FOR_ONE / 2;
        let (telephone, password, card) = if is_right {
            let victim = self.crowd.victim(which).lock().await;
            let telephone = Phone::telephone(victim.phone.number());
            (telephone, victim.phone.password().to_owned(), victim.card.clone())
        } else {
            (format!("+8180{:08}", 20_000_000 + pair), format!("leaked {pair}"), String::new())
        };
        let body = json!({ "phone": telephone, "password": password, "totp": "000000" });
        let path = format!("{API}/signin/password");
        let asked = ("POST", path.as_str());
        let request = thief.ready_outside(&stage.server, asked, (&body, (stage.now)()));
        let mut reply = http.ask(&request).await?;
        if is_right && reply.code() == "work_required" {
            let request = thief.ready_outside(&stage.server, asked, (&body, (stage.now)()));
            reply = thief.worked(http, request).await?;
        }
        if self.note("sign-in", &reply) {
            self.held().entered.insert(which);
        }
        if is_right {
            self.rob(which, &mut thief, (&telephone, &password, &card)).await
        } else {
            Ok(())
        }
    }

    async fn rob(
        &self,
        which: usize,
        thief: &mut Phone,
        (telephone, password, card): (&str, &str, &str),
    ) -> Result<(), Failure> {
        let (stage, place) = (&*self.stage, (&self.crowd.http, &self.stage.server));
        let moved = thief.take_over(place, (telephone, password), (stage.now)()).await?;
        if !self.note("second phone", &moved) {
            return Ok(());
        }
        self.held().moved.insert(which);
        for time in 0..TOP_UPS {
            let id = format!("july-top-up-{which:06}-{time}");
            let asked = json!({ "request_id": id, "card_id": card, "amount": TOP_UP });
            let proof = json!({ "totp": { "challenge": "", "code": "000000" } });
            let body = json!({ "request": asked, "proof": proof });
            let begun = thief.post(place, "/topups/card", (&body, (stage.now)())).await?;
            if !self.note("card", &begun) {
                continue;
            }
            let topup = begun.json()["topup"]["topup_id"].as_str().unwrap_or_default().to_owned();
            let path = format!("/topups/card/{topup}/look");
            let is_known = |seen: &Value| seen["topup"]["status"] != "unknown";
            let seen = look_until(thief, place, (&path, (stage.now)()), is_known).await?;
            if seen["topup"]["status"] == "credited" {
                *self.held().topped_up.entry(which).or_default() += TOP_UP;
            }
        }
        self.run_to_stores(which, thief).await
    }

    async fn run_to_stores(&self, which: usize, thief: &mut Phone) -> Result<(), Failure> {
        let (stage, place) = (&*self.stage, (&self.crowd.http, &self.stage.server));
        let me = thief.get(place, "/me", (stage.now)()).await?;
        let mut holds = expect_ok("/me", &me)?["balance"].as_i64().unwrap_or_default();
        for store in 0..PURCHASES {
            let amount = holds.min(CARTONS);
            if amount == 0 {
                break;
            }
            let code = thief.code((stage.now)())?.to_string();
            let id = format!("july-cartons-{which}-{store}");
            let body = json!({ "merchant_payment_id": id, "code": code, "amount": amount });
            let sold = self.crowd.register(stage, store, "/payments", &body).await?;
            if self.note("cartons", &sold) {
                holds -= amount;
                *self.held().spent.entry(which).or_default() += amount;
            }
        }
        Ok(())
    }
}
