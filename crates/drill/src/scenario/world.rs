//! Who takes part in a scenario, and what becomes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::file::Cast;
use super::stage::Stage;
use crate::load::Request;
use crate::player::{API, Failure, Http, Phone, Reply, Server, TOOL, expect_ok};

/// Customers who do nothing but buy something when it is over.
const BYSTANDERS: usize = 2;
const BYSTANDER_YEN: i64 = 2_000;
/// The largest amount that a register takes at once, and its unit.
const CASH_MAX: i64 = 49_000;
const CASH_UNIT: i64 = 1_000;

/// Somebody with a phone and a wallet.
pub(crate) struct Actor {
    pub(crate) phone: Phone,
    /// What the wallet must hold by all that its owner did, in yen.
    pub(crate) yen: i64,
}

/// What happened.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) attempts: u64,
    /// Accounts that a stranger was let into.
    pub(crate) entered: BTreeSet<String>,
    /// Yen that attackers loaded without paying it in.
    pub(crate) topped_up: i64,
    /// Yen for which attackers took goods away.
    pub(crate) goods: i64,
    /// Yen that attackers had paid in.
    pub(crate) paid_in: i64,
    pub(crate) refused: BTreeMap<String, u64>,
    pub(crate) breaches: Vec<String>,
}

/// The world of one scenario.
pub(crate) struct World<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) http: Arc<Http>,
    pub(crate) victims: Vec<Actor>,
    pub(crate) thieves: Vec<Actor>,
    pub(crate) bystanders: Vec<Actor>,
    pub(crate) tally: Tally,
    numbers: u64,
}

impl<'a> World<'a> {
    /// Signs everybody up and lets them load money.
    pub(crate) async fn new(stage: &'a Stage, cast: &Cast) -> Result<Self, Failure> {
        let mut world = Self {
            stage,
            http: Arc::new(Http::new(stage.server.address)),
            victims: Vec::new(),
            thieves: Vec::new(),
            bystanders: Vec::new(),
            tally: Tally::default(),
            numbers: 0,
        };
        let mut number = stage.first_customer;
        for _ in 0..BYSTANDERS {
            let actor = world.join(number, BYSTANDER_YEN, None).await?;
            world.bystanders.push(actor);
            number += 1;
        }
        for _ in 0..cast.victims {
            let password = cast.passwords.then(|| format!("hanako no himitsu {number}"));
            let actor = world.join(number, cast.victim_yen, password.as_deref()).await?;
            world.victims.push(actor);
            number += 1;
        }
        for _ in 0..cast.thieves {
            let actor = world.join(number, cast.thief_yen, None).await?;
            world.tally.paid_in += cast.thief_yen;
            world.thieves.push(actor);
            number += 1;
        }
        Ok(world)
    }

    async fn join(
        &mut self,
        number: usize,
        yen: i64,
        password: Option<&str>,
    ) -> Result<Actor, Failure> {
        let mut phone = self.phone(number);
        let place = (&*self.http, &self.stage.server);
        match password {
            None => phone.sign_up(place, self.now()).await?,
            Some(password) => phone.sign_up_with(place, password, self.now()).await?,
        }
        let mut actor = Actor { phone, yen: 0 };
        while actor.yen < yen {
            let amount = (yen - actor.yen).min(CASH_MAX) / CASH_UNIT * CASH_UNIT;
            let code = actor.phone.code(self.now())?.to_string();
            let id = self.id("cash");
            let body = json!({ "merchant_topup_id": id, "code": code, "amount": amount });
            expect_ok("/topups", &self.register(0, "/topups", &body).await?)?;
            actor.yen += amount;
        }
        Ok(actor)
    }

    /// A phone fresh out of its box, which belongs to nobody here.
    pub(crate) fn phone(&self, number: usize) -> Phone {
        Phone::new(number, number, self.server())
    }

    /// A phone of an attacker without an account.
    pub(crate) fn burner(&mut self) -> Phone {
        self.numbers += 1;
        let many = usize::try_from(self.numbers).unwrap_or_default();
        self.phone(self.stage.first_customer + 500 + many)
    }

    /// The service's time.
    pub(crate) fn now(&self) -> u64 {
        (self.stage.now)()
    }

    /// Where the service is.
    pub(crate) fn server(&self) -> &'a Server {
        &self.stage.server
    }

    /// An id of a merchant's or customer's own that was not used before.
    pub(crate) fn id(&mut self, of: &str) -> String {
        self.numbers += 1;
        format!("{of}-{}-{:08}", self.stage.first_customer, self.numbers)
    }

    /// Asks as a register of the shop.
    pub(crate) async fn register(
        &self,
        store: usize,
        path: &str,
        body: &Value,
    ) -> Result<Reply, Failure> {
        Ok(self.http.ask(&self.till(store, path, body)).await?)
    }

    /// A request of a register of the shop, ready to be sent.
    pub(crate) fn till(&self, store: usize, path: &str, body: &Value) -> Request {
        let key = &self.stage.registers[store % self.stage.registers.len()];
        till(key, path, body)
    }

    /// Sends one request of an attack.
    pub(crate) async fn attack(&mut self, request: &Request) -> Result<Reply, Failure> {
        let reply = self.http.ask(request).await?;
        self.note(&reply);
        Ok(reply)
    }

    /// Sends one request of an attack, which must be refused.
    pub(crate) async fn refused(&mut self, what: &str, request: &Request) -> Result<(), Failure> {
        let reply = self.attack(request).await?;
        self.must_refuse(what, &reply);
        Ok(())
    }

    /// Counts an answer to an attack that was sent already.
    pub(crate) fn note(&mut self, reply: &Reply) {
        self.tally.attempts += 1;
        if !reply.is_ok() {
            *self.tally.refused.entry(reply.code()).or_default() += 1;
        }
    }

    /// What was done although it must not be.
    pub(crate) fn must_refuse(&mut self, what: &str, reply: &Reply) {
        if reply.is_ok() {
            self.breach(what);
        }
    }

    /// A control that answers with no refusal did what it is for; counted as one under `word`.
    pub(crate) fn stopped(&mut self, word: &str) {
        *self.tally.refused.entry(word.to_owned()).or_default() += 1;
    }

    /// Something happened that must not.
    pub(crate) fn breach(&mut self, what: &str) {
        self.tally.breaches.push(what.to_owned());
    }

    /// Sends all at one time; the answers in their order.
    pub(crate) async fn at_once(&mut self, requests: Vec<Request>) -> Result<Vec<Reply>, Failure> {
        let mut asked = JoinSet::new();
        for (place, request) in requests.into_iter().enumerate() {
            let http = self.http.clone();
            asked.spawn(async move { (place, http.ask(&request).await) });
        }
        let mut replies = BTreeMap::new();
        while let Some(answered) = asked.join_next().await {
            let (place, reply) = answered?;
            let reply = reply?;
            self.note(&reply);
            replies.insert(place, reply);
        }
        Ok(replies.into_values().collect())
    }

    /// A request from a machine of the attackers, in a network of its own.
    pub(crate) fn stranger(&self, machine: usize, method: &'static str, path: &str) -> Request {
        let network = u32::try_from(machine).unwrap_or_default() & 0xffff;
        let address = Ipv4Addr::from(0x2d00_0000 + (network << 8) + 7);
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("user-agent", TOOL.to_owned()),
            ("x-forwarded-for", address.to_string()),
        ];
        Request { method, path: path.to_owned(), headers, body: Vec::new() }
    }

    /// One of the people.
    pub(crate) fn actor(&mut self, whose: Whose, place: usize) -> &mut Actor {
        let side = match whose {
            Whose::Victim => &mut self.victims,
            Whose::Thief => &mut self.thieves,
        };
        let count = side.len().max(1);
        &mut side[place % count]
    }

    /// A request below the wallet's API by somebody's own phone, in their own session.
    pub(crate) fn ready(
        &mut self,
        (whose, place): (Whose, usize),
        method: &'static str,
        path: &str,
        body: &Value,
    ) -> Request {
        let (server, now) = (self.server(), self.now());
        let path = format!("{API}{path}");
        self.actor(whose, place).phone.ready(server, (method, &path), (body, now))
    }

    /// Posts as somebody does who has the phone in hand.
    pub(crate) async fn post(
        &mut self,
        who: (Whose, usize),
        path: &str,
        body: &Value,
    ) -> Result<Reply, Failure> {
        let request = self.ready(who, "POST", path, body);
        Ok(self.http.ask(&request).await?)
    }

    /// Posts as somebody does who has the phone in hand, and confirms it.
    pub(crate) async fn confirmed(
        &mut self,
        (whose, place): (Whose, usize),
        path: &str,
        body: &Value,
    ) -> Result<Reply, Failure> {
        let (http, server, now) = (self.http.clone(), self.server(), self.now());
        self.actor(whose, place).phone.confirmed((&http, server), path, (body, now)).await
    }

    /// The next code of somebody's phone.
    pub(crate) fn code(&mut self, whose: Whose, place: usize) -> Result<String, Failure> {
        let now = self.now();
        Ok(self.actor(whose, place).phone.code(now)?.to_string())
    }

    /// Somebody buys something at a register with their own phone.
    pub(crate) async fn buy(
        &mut self,
        (whose, place): (Whose, usize),
        (store, amount): (usize, i64),
    ) -> Result<String, Failure> {
        let (code, id) = (self.code(whose, place)?, self.id("buy"));
        let body = json!({ "merchant_payment_id": id, "code": code, "amount": amount });
        expect_ok("/payments", &self.register(store, "/payments", &body).await?)?;
        match whose {
            Whose::Victim => self.actor(whose, place).yen -= amount,
            Whose::Thief => self.tally.goods += amount,
        }
        Ok(id)
    }

    /// What a wallet holds, as its owner sees it; with what was given free.
    pub(crate) async fn balance(&mut self, whose: Whose, place: usize) -> Result<i64, Failure> {
        let request = self.ready((whose, place), "GET", "/me", &Value::Null);
        let me = expect_ok("/me", &self.http.ask(&request).await?)?;
        me["balance"].as_i64().ok_or(Failure::NotUnderstood("a balance"))
    }
}

/// On which side somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Attacked.
    Victim,
    /// Attacking.
    Thief,
}

/// A request with a register's key; a `GET` if there is no body, a `POST` of nothing if it is `{}`.
pub(crate) fn till(key: &str, path: &str, body: &Value) -> Request {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let mut request = Request::post_json(&format!("/api/pos/v1{path}"), key, text.into_bytes());
    if body.is_null() && !path.ends_with("/cancel") {
        request.method = "GET";
    }
    request
}

/// Forgives nothing: the customers buy something with their own phones when it is over.
pub(crate) async fn bothered(world: &mut World<'_>) -> Result<u64, Failure> {
    let (mut bothered, now) = (0, world.now());
    let honest = world.bystanders.len() + world.victims.len();
    for place in 0..honest {
        let bystanders = world.bystanders.len();
        let actor = match place.checked_sub(bystanders) {
            None => &mut world.bystanders[place],
            Some(place) => &mut world.victims[place],
        };
        if actor.yen < 100 {
            continue;
        }
        let code = actor.phone.code(now).map(|code| code.to_string()).unwrap_or_default();
        let id = world.id("own");
        let body = json!({ "merchant_payment_id": id, "code": code, "amount": 100 });
        let reply = world.register(1, "/payments", &body).await?;
        if !reply.is_ok() {
            bothered += 1;
            *world.tally.refused.entry(format!("customer: {}", reply.code())).or_default() += 1;
        } else if let Some(place) = place.checked_sub(bystanders) {
            world.victims[place].yen -= 100;
        }
    }
    Ok(bothered)
}
