//! The incident desk, as honest staff work there; and attacks on what it does.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::file::Params;
use super::super::world::{Whose, World};
use super::cards::{begin, look, own_card};
use super::desk::ask;
use super::insider::{DESK, at_desk, enter_as};
use crate::player::{Failure, Passkey, Reply, expect_ok};

/// The sandbox's cards that are charged back after a minute.
const CHARGED_BACK: &str = "400003";
const CHARGEBACK_SECONDS: u64 = 90;
/// How often somebody looks whether a worker is done.
const LOOKS_MAX: u32 = 600;
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// An incident and the two people who work on it.
pub(super) struct Room {
    first: String,
    second: String,
    finger: Passkey,
    incident: String,
    /// When it began, in microseconds.
    from: u64,
}

impl Room {
    /// Two of staff open one that begins now, so that what was before is none of it.
    pub(super) async fn open(world: &mut World<'_>) -> Result<Self, Failure> {
        let from = world.now() * 1_000_000;
        let (first, _) = enter_as(world, "incident").await?;
        let (second, finger) = enter_as(world, "incident-second").await?;
        let new = json!({ "title": "drill", "kind": "takeover", "first_event_at": from });
        let opened = ask(world, &first, ("/incidents", &new)).await?;
        let incident = opened["incident_id"].as_str().unwrap_or_default().to_owned();
        Ok(Self { first, second, finger, incident, from })
    }

    fn path(&self, end: &str) -> String {
        format!("/incidents/{}{end}", self.incident)
    }

    pub(super) async fn read(&self, world: &World<'_>, end: &str) -> Result<Value, Failure> {
        let path = format!("{DESK}{}", self.path(end));
        let request = at_desk(world, &self.first, "GET", &path, &Value::Null);
        expect_ok(&path, &world.http.ask(&request).await?)
    }

    async fn until(
        &self,
        world: &World<'_>,
        is_so: impl Fn(&Value) -> bool,
    ) -> Result<Value, Failure> {
        for _ in 0..LOOKS_MAX {
            let seen = self.read(world, "").await?;
            if is_so(&seen) {
                return Ok(seen);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(Failure::NotUnderstood("a worker of the incident desk, which is not done"))
    }

    /// Whom it touched: counted, and confirmed.
    pub(super) async fn count(
        &self,
        world: &World<'_>,
        (conditions, money): (&str, &str),
    ) -> Result<(), Failure> {
        let question = json!({ "from": self.from, "money": money, "conditions": conditions });
        ask(world, &self.first, (&self.path("/cohort"), &question)).await?;
        ask(world, &self.first, (&self.path("/count"), &json!({}))).await?;
        let is_made = |seen: &Value| {
            let waits = seen["counting"]["is_waiting"].as_bool().unwrap_or(true);
            !waits && seen["counts"].as_array().is_some_and(|counts| !counts.is_empty())
        };
        self.until(world, is_made).await?;
        let all = json!({ "state": "confirmed", "reason": "drill" });
        ask(world, &self.first, (&self.path("/review"), &all)).await?;
        Ok(())
    }

    /// An act that two people agree on, carried out to its end; or the refusal of its plan.
    pub(super) async fn act(
        &mut self,
        world: &World<'_>,
        (kind, on): (&str, &str),
    ) -> Result<Option<Reply>, Failure> {
        let path = format!("{DESK}{}", self.path("/acts"));
        let wish = json!({ "kind": kind, "on": on });
        let planned = world.http.ask(&at_desk(world, &self.first, "POST", &path, &wish)).await?;
        if !planned.is_ok() {
            return Ok(Some(planned));
        }
        let act = planned.json()["act_id"].as_str().unwrap_or_default().to_owned();
        let why = json!({ "reason": "drill" });
        let asked = ask(world, &self.first, (&format!("/incident-acts/{act}/ask"), &why)).await?;
        let approval = asked["approval_id"].as_str().unwrap_or_default().to_owned();
        let give = json!({ "verdict": "give" });
        let path = format!("/approvals/{approval}");
        let offered = ask(world, &self.second, (&format!("{path}/options"), &give)).await?;
        let word = json!({ "verdict": "give", "credential": self.finger.get(&offered) });
        ask(world, &self.second, (&format!("{path}/decide"), &word)).await?;
        ask(world, &self.first, (&format!("{path}/carry-out"), &json!({}))).await?;
        let is_done = |seen: &Value| {
            let acts = seen["acts"].as_array().into_iter().flatten();
            acts.into_iter().any(|one| one["act_id"] == act.as_str() && one["state"] == "done")
        };
        self.until(world, is_done).await?;
        Ok(None)
    }
}

/// A card is charged by somebody else, and the value carried out of a store. The victim has the
/// loss made good by the operator, and the bank takes the charge back too: in both orders, only one
/// of the two is kept.
pub(super) async fn be_made_whole_twice(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let amount = params.int("amount", 9_000);
    let mut room = robbed(world, 0, amount).await?;
    if let Some(refused) = room.act(world, ("compensate", "confirmed")).await? {
        return Err(Failure::Refused { path: "compensate".to_owned(), code: refused.code() });
    }
    if world.balance(Whose::Victim, 0).await? < amount {
        return Err(Failure::NotUnderstood("a compensation that did not arrive"));
    }
    charged_back(world, 0).await?;
    kept(world, 0).await?;

    let mut room = robbed(world, 1, amount).await?;
    charged_back(world, 1).await?;
    world.tally.attempts += 1;
    if let Some(refused) = room.act(world, ("compensate", "confirmed")).await? {
        world.note(&refused);
    }
    kept(world, 1).await
}

/// A victim's card is charged and the value spent; staff have counted and confirmed it.
async fn robbed(world: &mut World<'_>, place: usize, amount: i64) -> Result<Room, Failure> {
    let who = (Whose::Victim, place);
    let room = Room::open(world).await?;
    let card = own_card(world, who, CHARGED_BACK).await?;
    let begun = expect_ok("/topups/card", &begin(world, who, (&card, amount)).await?)?;
    let topup = begun["topup"]["topup_id"].as_str().unwrap_or_default();
    let path = format!("/topups/card/{topup}/look");
    let seen = look(world, who, &path, &["unknown", "challenge"]).await?;
    if seen["topup"]["status"] != "credited" {
        return Err(Failure::NotUnderstood("the top-up that is charged back"));
    }
    world.actor(who.0, who.1).yen += amount;
    world.buy(who, (0, amount)).await?;
    let customer = world.actor(who.0, who.1).phone.customer_id().to_owned();
    let conditions = format!("customer:{customer} act:topup_card\ncustomer:{customer} act:payment");
    room.count(world, (&conditions, "after")).await?;
    Ok(room)
}

/// The bank takes the charge back, and the account is stopped for it.
async fn charged_back(world: &mut World<'_>, place: usize) -> Result<(), Failure> {
    (world.stage.pass)(CHARGEBACK_SECONDS);
    for _ in 0..LOOKS_MAX {
        let (code, id) = (world.code(Whose::Victim, place)?, world.id("stopped"));
        let body = json!({ "merchant_payment_id": id, "code": code, "amount": 100 });
        let reply = world.register(0, "/payments", &body).await?;
        if reply.code() == "account_frozen" {
            world.note(&reply);
            return Ok(());
        }
        if reply.is_ok() {
            world.actor(Whose::Victim, place).yen -= 100;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Err(Failure::NotUnderstood("a chargeback that stops nobody"))
}

/// What a victim who had nothing must hold in the end: nothing, for the card is not charged.
async fn kept(world: &mut World<'_>, place: usize) -> Result<(), Failure> {
    let owned = world.actor(Whose::Victim, place).yen.max(0);
    for _ in 0..LOOKS_MAX / 4 {
        if world.balance(Whose::Victim, place).await? <= owned {
            world.stopped("made_whole_once");
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    world.breach("a victim has the compensation and the card's money");
    Ok(())
}

/// A balance leaves one account in pieces below every single bound, is passed on at once and comes
/// together at another, which carries goods out. The money is the attackers' own; what must hold
/// are the bounds, and that staff find every account of it.
pub(super) async fn split_and_collect(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let amount = params.int("amount", 6_500);
    let last = world.thieves.len().saturating_sub(1);
    let mut room = Room::open(world).await?;
    let (mut passed_on, mut through) = (Vec::new(), 0);
    for place in 1..last {
        if passes(world, (0, place), amount).await? {
            through += amount;
            passed_on.push(place);
        }
    }
    if through > params.int("at_most", 50_000) {
        world.breach(&format!("¥{through} left an account in a day, in pieces"));
    }
    let mut collected = 0;
    for place in &passed_on {
        collected += if passes(world, (*place, last), amount).await? { amount } else { 0 };
    }
    let goods = params.int("goods", 9_000);
    world.buy((Whose::Thief, last), (0, goods)).await?;
    goods_again(world, last, goods, "a mule went on carrying goods out").await?;

    let first = world.actor(Whose::Thief, 0).phone.customer_id().to_owned();
    let conditions = format!("customer:{first} act:send");
    room.count(world, (&conditions, "matched")).await?;
    let listed = room.read(world, "/receivers").await?;
    let yen_of = |id: &str| {
        let all = listed["receivers"].as_array().into_iter().flatten();
        let one = all.into_iter().find(|one| one["customer_id"] == id);
        one.and_then(|one| one["yen"].as_i64()).unwrap_or_default()
    };
    let mut is_whole = true;
    for place in &passed_on {
        is_whole &= yen_of(world.thieves[*place].phone.customer_id()) == amount;
    }
    is_whole &= yen_of(world.thieves[last].phone.customer_id()) == collected;
    match is_whole && !passed_on.is_empty() {
        true => world.stopped("receivers_listed"),
        false => world.breach("staff lost track of what was sent on"),
    }
    room.act(world, ("freeze", "receivers")).await?;
    goods_again(world, last, 100, "an account that staff stopped paid").await
}

/// Somebody of the thieves sends to another, who takes it. False if a bound stops it.
async fn passes(
    world: &mut World<'_>,
    (from, to): (usize, usize),
    amount: i64,
) -> Result<bool, Failure> {
    let number = world.actor(Whose::Thief, to).phone.number();
    let id = world.id("chain");
    let body = json!({ "client_send_id": id, "amount": amount,
        "to": { "kind": "phone", "phone": crate::player::Phone::telephone(number), "name": "" } });
    let sent = world.confirmed((Whose::Thief, from), "/sends", &body).await?;
    world.note(&sent);
    let Some(send) = sent.json()["send"]["send_id"].as_str().map(str::to_owned) else {
        return Ok(false);
    };
    let take = format!("/sends/{send}/take");
    let taken = world.ready((Whose::Thief, to), "POST", &take, &json!({}));
    if world.attack(&taken).await?.is_ok() {
        return Ok(true);
    }
    world.post((Whose::Thief, from), &format!("/sends/{send}/call-back"), &json!({})).await?;
    Ok(false)
}

async fn goods_again(
    world: &mut World<'_>,
    place: usize,
    amount: i64,
    what: &str,
) -> Result<(), Failure> {
    let (code, id) = (world.code(Whose::Thief, place)?, world.id("goods"));
    let body = json!({ "merchant_payment_id": id, "code": code, "amount": amount });
    let request = world.till(1, "/payments", &body);
    if world.attack(&request).await?.is_ok() {
        world.tally.goods += amount;
        world.breach(what);
    }
    Ok(())
}
