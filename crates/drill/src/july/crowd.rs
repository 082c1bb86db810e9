//! Ordinary people: they sign up, pay cash in at a register, and later buy something or sign in
//! again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as Held, MutexGuard, PoisonError};

use indicatif::ProgressBar;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::ONE_LEAKED_IN;
use crate::load::Request;
use crate::player::{
    Failure, Http, Phone, Reply, card_number, expect_ok, form_request, look_until, place_of,
};
use crate::scenario::Stage;

/// What everybody pays in, in yen.
const CASH: i64 = 3_000;
/// So many sign up at one time: they wait for messages, of which the sandbox shows a hundred.
const SIGN_UPS_AT_ONCE: usize = 40;
/// One customer in so many signs in again instead of buying.
const ONE_SIGNS_IN: usize = 10;
/// A code of an app works once in thirty seconds.
const NEXT_CODE_SECONDS: u64 = 60;

/// Somebody with a phone.
pub(super) struct Person {
    pub(super) phone: Phone,
    /// What the wallet must hold by all that its owner did, in yen.
    pub(super) yen: i64,
    /// The id of the card on file.
    pub(super) card: String,
}

/// All of them, by their place. The leaked ones are every hundredth.
pub(super) struct Crowd {
    pub(super) http: Http,
    people: Vec<Mutex<Person>>,
    refused: Held<Refused>,
}

#[derive(Default)]
struct Refused {
    people: BTreeSet<usize>,
    answers: BTreeMap<String, u64>,
}

/// Whether the customer at a place has a password that leaked.
pub(super) const fn is_leaked(place: usize) -> bool {
    place.is_multiple_of(ONE_LEAKED_IN)
}

impl Crowd {
    /// Signs everybody up; those whose passwords leaked put a card on file.
    pub(super) async fn gather(
        stage: &Arc<Stage>,
        customers: usize,
        progress: &ProgressBar,
    ) -> Result<Self, Failure> {
        progress.set_length((customers + customers.div_ceil(ONE_LEAKED_IN)) as u64);
        let person = |place: usize| {
            let number = stage.first_customer + place;
            let phone = Phone::new(number, number, &stage.server);
            Mutex::new(Person { phone, yen: 0, card: String::new() })
        };
        let crowd = Arc::new(Self {
            http: Http::new(stage.server.address),
            people: (0..customers).map(person).collect(),
            refused: Held::default(),
        });
        each(&crowd, stage, progress, 1, |crowd, stage, place| async move {
            crowd.join(&stage, place).await
        })
        .await?;
        (stage.pass)(NEXT_CODE_SECONDS);
        each(&crowd, stage, progress, ONE_LEAKED_IN, |crowd, stage, place| async move {
            crowd.register_card(&stage, place).await
        })
        .await?;
        Arc::into_inner(crowd).ok_or(Failure::NotUnderstood("a crowd that is not all there"))
    }

    /// How many passwords leaked.
    pub(super) fn leaked(&self) -> usize {
        self.people.len().div_ceil(ONE_LEAKED_IN)
    }

    /// Somebody whose password leaked.
    pub(super) fn victim(&self, which: usize) -> &Mutex<Person> {
        &self.people[which * ONE_LEAKED_IN % self.people.len().max(1)]
    }

    async fn join(&self, stage: &Stage, place: usize) -> Result<(), Failure> {
        let mut person = self.people[place].lock().await;
        let (server, now) = ((&self.http, &stage.server), (stage.now)());
        if is_leaked(place) {
            let password = format!("issho no pasuwado {place}");
            person.phone.sign_up_with(server, &password, now).await?;
        } else {
            person.phone.sign_up(server, now).await?;
        }
        let code = person.phone.code((stage.now)())?.to_string();
        let id = format!("july-cash-{place}");
        let body = json!({ "merchant_topup_id": id, "code": code, "amount": CASH });
        expect_ok("/topups", &self.register(stage, place, "/topups", &body).await?)?;
        person.yen = CASH;
        Ok(())
    }

    async fn register_card(&self, stage: &Stage, place: usize) -> Result<(), Failure> {
        let mut person = self.people[place].lock().await;
        let (server, now) = ((&self.http, &stage.server), (stage.now)());
        let phone = &mut person.phone;
        let begun = phone.confirmed(server, "/cards/register", (&json!({}), now)).await?;
        let begun = expect_ok("/cards/register", &begun)?;
        let (gateway, path) = place_of(begun["url"].as_str().unwrap_or_default())?;
        let number = card_number("424242", phone.number());
        let form = format!("act=register&number={number}&expiry=12%2F34&code=123");
        gateway.ask(&form_request(&path, &form)).await?;
        let setup = begun["setup_id"].as_str().unwrap_or_default();
        let path = format!("/cards/setups/{setup}/look");
        let is_known = |setup: &Value| setup["status"] != "open";
        let setup = look_until(phone, server, (&path, now), is_known).await?;
        person.card = setup["card_id"].as_str().unwrap_or_default().to_owned();
        Ok(())
    }

    /// Asks as a register.
    pub(super) async fn register(
        &self,
        stage: &Stage,
        store: usize,
        path: &str,
        body: &Value,
    ) -> Result<Reply, Failure> {
        let key = &stage.registers[store % stage.registers.len()];
        let body = body.to_string().into_bytes();
        Ok(self.http.ask(&Request::post_json(&format!("/api/pos/v1{path}"), key, body)).await?)
    }

    /// Buys something, or signs in again; whoever is refused is bothered.
    pub(super) async fn live(&self, stage: &Stage, place: usize) -> Result<(), Failure> {
        let mut person = self.people[place].lock().await;
        let now = (stage.now)();
        let reply = if is_leaked(place) || place % ONE_SIGNS_IN == 1 {
            let phone = &mut person.phone;
            phone.sign_in_again((&self.http, &stage.server), now).await?
        } else {
            let amount = 100 + i64::try_from(place % 9).unwrap_or_default() * 100;
            let code = person.phone.code(now)?.to_string();
            let id = format!("july-buy-{place}");
            let body = json!({ "merchant_payment_id": id, "code": code, "amount": amount });
            let reply = self.register(stage, place, "/payments", &body).await?;
            person.yen -= if reply.is_ok() { amount } else { 0 };
            reply
        };
        if !reply.is_ok() {
            let mut refused = self.refused();
            refused.people.insert(place);
            *refused.answers.entry(reply.code()).or_default() += 1;
        }
        Ok(())
    }

    /// Ordinary customers who were refused something, then those whose password leaked; and how.
    pub(super) fn bothered(&self) -> (usize, usize, BTreeMap<String, u64>) {
        let refused = self.refused();
        let leaked = refused.people.iter().filter(|place| is_leaked(**place)).count();
        (refused.people.len() - leaked, leaked, refused.answers.clone())
    }

    /// What the wallets of those whose password leaked miss, as their owners see it. One that its
    /// owner cannot open any more misses all.
    pub(super) async fn missing(&self, stage: &Stage) -> Result<i64, Failure> {
        let mut missing = 0;
        for which in 0..self.leaked() {
            let mut person = self.victim(which).lock().await;
            let server = (&self.http, &stage.server);
            let me = person.phone.get(server, "/me", (stage.now)()).await?;
            let holds = me.json()["balance"].as_i64().unwrap_or_default();
            missing += (person.yen - holds).max(0);
        }
        Ok(missing)
    }

    /// Whether the service's pages say that its controls are absent.
    pub(super) async fn is_baseline(&self, stage: &Stage) -> Result<bool, Failure> {
        let phone = Phone::new(stage.first_customer, stage.first_customer, &stage.server);
        phone.meets_baseline(&self.http).await
    }

    fn refused(&self) -> MutexGuard<'_, Refused> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does something with every `step`-th of the crowd, some at a time.
async fn each<F, D>(
    crowd: &Arc<Crowd>,
    stage: &Arc<Stage>,
    progress: &ProgressBar,
    step: usize,
    act: F,
) -> Result<(), Failure>
where
    F: Fn(Arc<Crowd>, Arc<Stage>, usize) -> D + Copy + Send + 'static,
    D: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let next = Arc::new(AtomicUsize::new(0));
    let mut working = JoinSet::new();
    for _ in 0..SIGN_UPS_AT_ONCE {
        let (next, progress) = (next.clone(), progress.clone());
        let (crowd, stage) = (crowd.clone(), stage.clone());
        working.spawn(async move {
            loop {
                let place = next.fetch_add(step, Ordering::Relaxed);
                if place >= crowd.people.len() {
                    return Ok::<_, Failure>(());
                }
                act(crowd.clone(), stage.clone(), place).await?;
                progress.inc(1);
            }
        });
    }
    while let Some(worked) = working.join_next().await {
        worked??;
    }
    Ok(())
}
