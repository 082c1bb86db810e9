//! What the sandbox knows: customers, sessions, cards, charges; and what happens to them.

mod refunds;

use std::collections::HashMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::cards::{Plastic, Script};
use crate::clock::{MINUTE, Micros, SECOND};

/// After so many wrong cards a session ends.
const TRIES: u32 = 3;
const LATE: Micros = 20 * SECOND;
const CHARGEBACK: Micros = MINUTE;

/// Where a session for a card is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Form,
    Bank,
    Complete,
    Expired,
}

pub struct Session {
    pub return_url: String,
    pub ja: bool,
    pub step: Step,
    pub error: bool,
    pub authenticated: bool,
    pub card: Option<Plastic>,
    holder: String,
    setup_id: String,
    tries: u32,
    token: String,
}

impl Session {
    /// A card was tried, and is not taken.
    fn failed(&self, session_id: &str, code: &'static str) -> Value {
        event(
            "setup_intent.setup_failed",
            &json!({ "id": format!("seti_{session_id}"), "object": "setup_intent",
                "status": "requires_payment_method", "last_setup_error": card_error(code),
                "metadata": { "setup_id": self.setup_id } }),
        )
    }

    /// The same, for the last time.
    fn fail_and_end(&mut self, session_id: &str) -> Vec<Value> {
        let code = match self.step {
            Step::Bank => "setup_intent_authentication_failure",
            Step::Form | Step::Complete | Step::Expired => "card_declined",
        };
        let failed = self.failed(session_id, code);
        self.step = Step::Expired;
        vec![failed, event("checkout.session.expired", &json!({ "id": session_id }))]
    }
}

pub struct Intent {
    pub amount: i64,
    pub return_url: String,
    pub status: &'static str,
    card: Plastic,
    authenticated: bool,
    error: Option<&'static str>,
    pays_at: Option<Micros>,
    disputed_at: Option<Micros>,
    /// Refunds: ours of each, and its yen.
    back: Vec<(String, i64)>,
    /// What is booked of it: how, yen, when.
    booked: Vec<(&'static str, i64, Micros)>,
}

/// Something on the account at the gateway.
pub struct Booked {
    pub id: String,
    /// `charge`, `refund` or `dispute`.
    pub kind: &'static str,
    intent: String,
    yen: i64,
    pub at: Micros,
}

/// Of a charge, per thousand.
const FEE: i64 = 36;

impl Booked {
    /// As a balance transaction with its source.
    pub fn json(&self) -> Value {
        let Self { id, kind, intent, yen, at } = self;
        let fee = if *kind == "charge" { yen * FEE / 1_000 } else { 0 };
        let of = if *kind == "dispute" { "adjustment" } else { kind };
        json!({ "id": id, "object": "balance_transaction", "amount": yen, "currency": "jpy",
            "created": at / SECOND, "fee": fee, "net": yen - fee, "type": of,
            "reporting_category": kind, "status": "available",
            "source": { "id": intent.replace("pi_", kind.get(..2).unwrap_or_default()),
                "object": kind, "payment_intent": intent } })
    }
}

/// A consent to charges without their holder.
pub struct Consent {
    pub return_url: String,
    pub status: &'static str,
    authenticated: bool,
    error: Option<&'static str>,
}

#[derive(Default)]
pub struct World {
    pub down: bool,
    /// Refunds are not shown: as if the key had lost the right to read them.
    pub hides_refunds: bool,
    /// Answers by idempotency key.
    pub answered: HashMap<String, Value>,
    pub sessions: HashMap<String, Session>,
    pub intents: HashMap<String, Intent>,
    pub consents: HashMap<String, Consent>,
    methods: HashMap<String, Plastic>,
    started_at: Micros,
    count: u64,
}

impl World {
    /// Empty, from now on.
    pub fn new(now: Micros) -> Self {
        Self { started_at: now, ..Self::default() }
    }

    /// A name that no world before it gave: it is forgotten at a restart, what the service wrote
    /// down of it is not.
    pub fn name(&mut self, prefix: &str) -> String {
        self.count += 1;
        format!("{prefix}_sandbox{:x}{:08}", self.started_at, self.count)
    }

    pub fn open_session(
        &mut self,
        (holder, setup_id): (&str, &str),
        return_url: &str,
        ja: bool,
    ) -> String {
        let id = self.name("cs_test");
        let session = Session {
            return_url: return_url.to_owned(),
            ja,
            step: Step::Form,
            error: false,
            authenticated: false,
            card: None,
            holder: holder.to_owned(),
            setup_id: setup_id.to_owned(),
            tries: 0,
            token: String::new(),
        };
        self.sessions.insert(id.clone(), session);
        id
    }

    /// A card was typed. Gives what is to be told.
    pub fn card_typed(&mut self, session_id: &str, number: &str) -> Vec<Value> {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let known = Plastic::find(&digits);
        let Some(session) = self.sessions.get_mut(session_id) else { return Vec::new() };
        if session.step != Step::Form {
            return Vec::new();
        }
        let card = known.filter(|card| card.script != Script::RefusedAtOnce);
        session.error = card.is_none();
        let script = card.as_ref().map(|card| card.script);
        session.card = card;
        match script {
            None => {
                session.tries += 1;
                if session.tries >= TRIES {
                    return session.fail_and_end(session_id);
                }
                vec![session.failed(session_id, "card_declined")]
            }
            Some(Script::Challenge | Script::AlwaysAsks) => {
                session.step = Step::Bank;
                Vec::new()
            }
            Some(_) => self.complete(session_id),
        }
    }

    /// The bank's question about a registration was answered.
    pub fn session_answered(&mut self, session_id: &str, right: bool) -> Vec<Value> {
        let Some(session) = self.sessions.get_mut(session_id) else { return Vec::new() };
        if session.step != Step::Bank {
            return Vec::new();
        }
        if right {
            return self.complete(session_id);
        }
        session.fail_and_end(session_id)
    }

    fn complete(&mut self, session_id: &str) -> Vec<Value> {
        let token = self.name("pm");
        let Some(session) = self.sessions.get_mut(session_id) else { return Vec::new() };
        let Some(card) = session.card.clone() else { return Vec::new() };
        session.step = Step::Complete;
        session.authenticated = true;
        session.token.clone_from(&token);
        self.methods.insert(token, card);
        vec![event("checkout.session.completed", &json!({ "id": session_id }))]
    }

    pub fn forget(&mut self, token: &str) {
        self.methods.remove(token);
    }

    pub fn session_json(&self, id: &str, address: &str) -> Option<Value> {
        let session = self.sessions.get(id)?;
        let status = match session.step {
            Step::Form | Step::Bank => "open",
            Step::Complete => "complete",
            Step::Expired => "expired",
        };
        let mut object = json!({
            "id": id, "object": "checkout.session", "mode": "setup", "status": status,
            "customer": session.holder, "url": format!("{address}/checkout/{id}"),
            "setup_intent": null,
        });
        if let (Step::Complete, Some(card)) = (session.step, &session.card) {
            object["url"] = Value::Null;
            object["setup_intent"] = json!({
                "id": format!("seti_{id}"), "object": "setup_intent", "status": "succeeded",
                "payment_method": {
                    "id": session.token, "object": "payment_method", "type": "card",
                    "card": card_json(card),
                },
                "latest_attempt": {
                    "object": "setup_attempt", "status": "succeeded",
                    "payment_method_details": { "type": "card", "card": {
                        "three_d_secure": three_d_secure(session.authenticated),
                    } },
                },
            });
        }
        Some(object)
    }

    pub fn open_intent(&mut self, token: &str, amount: i64) -> Option<String> {
        let card = self.methods.get(token)?.clone();
        let id = self.name("pi");
        let intent = Intent {
            amount,
            return_url: String::new(),
            status: "requires_confirmation",
            card,
            authenticated: false,
            error: None,
            pays_at: None,
            disputed_at: None,
            back: Vec::new(),
            booked: Vec::new(),
        };
        self.intents.insert(id.clone(), intent);
        Some(id)
    }

    /// The card is asked. Gives its script, and what is to be told.
    pub fn confirm(
        &mut self,
        id: &str,
        return_url: Option<&str>,
        now: Micros,
    ) -> Option<(Script, Vec<Value>)> {
        let intent = self.intents.get_mut(id)?;
        let script = intent.card.script;
        if intent.status != "requires_confirmation" {
            return Some((script, Vec::new()));
        }
        let is_there = return_url.is_some();
        return_url.unwrap_or_default().clone_into(&mut intent.return_url);
        let events = match script {
            Script::AlwaysAsks if !is_there => fail(id, intent, "authentication_required"),
            Script::Challenge | Script::AlwaysAsks if is_there => {
                intent.status = "requires_action";
                Vec::new()
            }
            Script::Declined => fail(id, intent, "card_declined"),
            Script::Late => {
                intent.status = "processing";
                intent.authenticated = is_there;
                intent.pays_at = Some(now + LATE);
                Vec::new()
            }
            _ => pay(id, intent, is_there && script != Script::NotAuthenticated, now),
        };
        Some((script, events))
    }

    /// A holder is asked whether they consent. Gives its name.
    pub fn open_consent(&mut self, token: &str, return_url: &str) -> Option<String> {
        let script = self.methods.get(token)?.script;
        let id = self.name("seti");
        let asks = matches!(script, Script::Challenge | Script::AlwaysAsks);
        let consent = Consent {
            return_url: return_url.to_owned(),
            status: if asks { "requires_action" } else { "succeeded" },
            authenticated: !asks && script != Script::NotAuthenticated,
            error: None,
        };
        self.consents.insert(id.clone(), consent);
        Some(id)
    }

    /// The bank's question about a consent was answered.
    pub fn consent_answered(&mut self, id: &str, right: bool) -> Vec<Value> {
        let Some(consent) = self.consents.get_mut(id) else { return Vec::new() };
        if consent.status != "requires_action" {
            return Vec::new();
        }
        consent.authenticated = right;
        if right {
            consent.status = "succeeded";
            return vec![event("setup_intent.succeeded", &json!({ "id": id }))];
        }
        consent.status = "requires_payment_method";
        consent.error = Some("setup_intent_authentication_failure");
        vec![event("setup_intent.setup_failed", &json!({ "id": id }))]
    }

    pub fn consent_json(&self, id: &str, address: &str) -> Option<Value> {
        let consent = self.consents.get(id)?;
        let mut object = json!({
            "id": id, "object": "setup_intent", "status": consent.status, "usage": "off_session",
            "next_action": null, "last_setup_error": consent.error.map(card_error),
            "latest_attempt": { "object": "setup_attempt",
                "payment_method_details": { "type": "card", "card": {
                    "three_d_secure": three_d_secure(consent.authenticated),
                } } },
        });
        if consent.status == "requires_action" {
            object["next_action"] = json!({ "type": "redirect_to_url", "redirect_to_url": {
                "url": format!("{address}/bank/consent/{id}"), "return_url": consent.return_url,
            } });
        }
        Some(object)
    }

    /// The bank's question about a charge was answered.
    pub fn intent_answered(&mut self, id: &str, right: bool, now: Micros) -> Vec<Value> {
        match self.intents.get_mut(id) {
            Some(intent) if intent.status == "requires_action" && right => {
                pay(id, intent, true, now)
            }
            Some(intent) if intent.status == "requires_action" => {
                fail(id, intent, "payment_intent_authentication_failure")
            }
            _ => Vec::new(),
        }
    }

    /// Whether it could be canceled.
    pub fn cancel(&mut self, id: &str) -> bool {
        match self.intents.get_mut(id) {
            Some(intent) if !matches!(intent.status, "succeeded" | "processing") => {
                intent.status = "canceled";
                true
            }
            _ => false,
        }
    }

    /// What is due by now happens.
    pub fn happen(&mut self, now: Micros) -> Vec<Value> {
        let mut events = Vec::new();
        for (id, intent) in &mut self.intents {
            if intent.status == "processing" && intent.pays_at.is_some_and(|at| at <= now) {
                events.extend(pay(id, intent, intent.authenticated, now));
            }
            if intent.disputed_at.is_some_and(|at| at <= now) {
                intent.disputed_at = None;
                intent.booked.push(("dispute", -intent.amount, now));
                events.push(event(
                    "charge.dispute.created",
                    &json!({ "id": id.replace("pi_", "dp_"), "object": "dispute",
                        "amount": intent.amount, "currency": "jpy", "payment_intent": id,
                        "reason": "fraudulent", "status": "needs_response" }),
                ));
            }
        }
        events
    }

    /// Everything that is booked, the newest first.
    pub fn booked(&self) -> Vec<Booked> {
        let of = |(id, intent): (&String, &Intent)| {
            let one = |(n, (kind, yen, at)): (usize, &(&'static str, i64, Micros))| Booked {
                id: format!("txn_{}_{n}_{kind}", id.trim_start_matches("pi_")),
                kind,
                intent: id.clone(),
                yen: *yen,
                at: *at,
            };
            intent.booked.iter().enumerate().map(one).collect::<Vec<_>>()
        };
        let mut all: Vec<Booked> = self.intents.iter().flat_map(of).collect();
        all.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
        all
    }

    pub fn taken(&self) -> (i64, i64) {
        let paid = self.intents.values().filter(|intent| intent.status == "succeeded");
        let back = self.intents.values().flat_map(|intent| &intent.back);
        (paid.map(|intent| intent.amount).sum(), back.map(|(_, yen)| yen).sum())
    }

    pub fn intent_json(&self, id: &str, address: &str) -> Option<Value> {
        let intent = self.intents.get(id)?;
        let mut object = json!({
            "id": id, "object": "payment_intent", "amount": intent.amount, "currency": "jpy",
            "status": intent.status, "latest_charge": null, "next_action": null,
            "last_payment_error": intent.error.map(card_error),
        });
        if intent.status == "requires_action" {
            object["next_action"] = json!({ "type": "redirect_to_url", "redirect_to_url": {
                "url": format!("{address}/bank/charge/{id}"), "return_url": intent.return_url,
            } });
        }
        if intent.status == "succeeded" {
            let mut card = card_json(&intent.card);
            card["three_d_secure"] = three_d_secure(intent.authenticated);
            object["latest_charge"] = json!({
                "id": id.replace("pi_", "ch_"), "object": "charge", "paid": true,
                "captured": true, "refunded": intent.is_refunded(), "status": "succeeded",
                "payment_method_details": { "type": "card", "card": card },
            });
        }
        Some(object)
    }
}

fn pay(id: &str, intent: &mut Intent, authenticated: bool, now: Micros) -> Vec<Value> {
    intent.status = "succeeded";
    intent.authenticated = authenticated;
    intent.booked.push(("charge", intent.amount, now));
    if intent.card.script == Script::ChargedBack {
        intent.disputed_at = Some(now + CHARGEBACK);
    }
    let told = event("payment_intent.succeeded", &json!({ "id": id }));
    let times = if intent.card.script == Script::Twice { 2 } else { 1 };
    vec![told; times]
}

fn fail(id: &str, intent: &mut Intent, code: &'static str) -> Vec<Value> {
    intent.status = "requires_payment_method";
    intent.error = Some(code);
    vec![event("payment_intent.payment_failed", &json!({ "id": id }))]
}

/// The `error` of a card that says no.
pub fn card_error(code: &'static str) -> Value {
    json!({ "type": "card_error", "code": code, "message": "The sandbox says no." })
}

fn event(kind: &str, object: &Value) -> Value {
    json!({ "object": "event", "api_version": "2024-06-20", "type": kind,
        "data": { "object": object } })
}

fn card_json(card: &Plastic) -> Value {
    let fingerprint = Sha256::digest(&card.number);
    let fingerprint: String = fingerprint[..8].iter().map(|b| format!("{b:02x}")).collect();
    json!({ "brand": card.brand, "last4": &card.number[12..], "exp_month": 12, "exp_year": 2034,
        "fingerprint": fingerprint, "funding": "credit", "country": "JP" })
}

fn three_d_secure(authenticated: bool) -> Value {
    match authenticated {
        true => json!({ "result": "authenticated", "result_reason": null, "version": "2.2.0",
            "authentication_flow": "frictionless" }),
        false => Value::Null,
    }
}
