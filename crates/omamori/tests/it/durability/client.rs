//! A register that writes down what was acknowledged, and repeats what was not.

use std::sync::mpsc::Sender;

use omamori::clock::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::support::customer::Customer;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sale,
    Refund,
    Topup,
}

/// A request, to be sent again with the same bytes until there is an answer.
#[derive(Clone, Debug)]
pub struct Wish {
    pub kind: Kind,
    pub id: String,
    pub body: Value,
    /// Whose money, by the place in the client's list.
    pub customer: usize,
    /// Yen, as the wallet sees it.
    pub signed_amount: i64,
}

impl Wish {
    /// Where it is sent to.
    pub fn path(&self) -> &'static str {
        match self.kind {
            Kind::Sale => "/payments",
            Kind::Refund => "/refunds",
            Kind::Topup => "/topups",
        }
    }

    /// The part of an answer that never changes: a payment's refunds may grow.
    pub fn lasting(&self, answer: &Value) -> Value {
        match self.kind {
            Kind::Refund => answer["refund"].clone(),
            Kind::Topup => answer["topup"].clone(),
            Kind::Sale => {
                let mut payment = answer["payment"].clone();
                for growing in ["status", "refunded_amount", "refunds"] {
                    payment[growing].take();
                }
                payment
            }
        }
    }
}

/// A wish and its first answer.
pub struct Acknowledged {
    pub wish: Wish,
    pub answer: Value,
}

/// One register with customers of its own.
pub struct Client {
    pub customers: Vec<Customer>,
    /// What was answered with 200.
    pub acknowledged: Vec<Acknowledged>,
    /// What was not answered before its code expired, and refused when it was repeated.
    pub given_up: Vec<Wish>,
    /// What was sent and not answered.
    pub open: Option<Wish>,
    /// Sales of which nothing was asked back yet: id, customer, amount.
    refundable: Vec<(String, usize, i64)>,
    number: usize,
    wishes: usize,
    random: u64,
}

impl Client {
    /// The `number`th client.
    pub fn new(number: usize, customers: Vec<Customer>) -> Self {
        Self {
            customers,
            acknowledged: Vec::new(),
            given_up: Vec::new(),
            open: None,
            refundable: Vec::new(),
            number,
            wishes: 0,
            random: 0x9e37_79b9_7f4a_7c15 ^ (number as u64 + 1),
        }
    }

    /// Sends one wish after the other until the connection breaks; tells of every answer.
    pub fn work(&mut self, address: &str, key: &str, answers: &Sender<()>) {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        loop {
            let Some(wish) = self.open.take().or_else(|| self.wish()) else { return };
            let sent = agent
                .post(format!("http://{address}/api/pos/v1{}", wish.path()))
                .header("authorization", format!("Bearer {key}"))
                .content_type("application/json")
                .send(wish.body.to_string());
            let text = sent.and_then(|mut answer| {
                let status = answer.status().as_u16();
                answer.body_mut().read_to_string().map(|text| (status, text))
            });
            match text {
                Ok((status, text)) => self.answered(wish, status, &text),
                Err(_broken) => {
                    self.open = Some(wish);
                    return;
                }
            }
            if answers.send(()).is_err() {
                return; // the process was killed; the next request would only tell that
            }
        }
    }

    /// Notes an answer.
    pub fn answered(&mut self, wish: Wish, status: u16, text: &str) {
        let answer: Value = serde_json::from_str(text).unwrap();
        match status {
            200 => {
                if wish.kind == Kind::Sale {
                    let amount = -wish.signed_amount;
                    self.refundable.push((wish.id.clone(), wish.customer, amount));
                }
                self.acknowledged.push(Acknowledged { wish, answer });
            }
            // Not an answer to what became of it.
            500.. => self.open = Some(wish),
            _ => {
                let why = answer["error"]["code"].as_str().unwrap();
                // A register that refunds the same few customers again and again is looked at.
                let is_held = wish.kind == Kind::Refund && why == "held_for_review";
                assert!(is_held || why == "code_expired", "{wish:?}: {text}");
                self.given_up.push(wish);
            }
        }
    }

    /// The next wish; `None` when every phone has shown all its codes of the moment.
    fn wish(&mut self) -> Option<Wish> {
        self.wishes += 1;
        let id = format!("c{}-{}", self.number, self.wishes);
        let dice = self.below(10);
        if dice < 2 && !self.refundable.is_empty() {
            return Some(self.refund(id));
        }
        let first = self.below(self.customers.len());
        let mut order = (first..self.customers.len()).chain(0..first);
        let now = SystemClock.now();
        let (customer, code) =
            order.find_map(|place| Some((place, self.customers[place].code_if_any(now)?)))?;
        if dice == 9 {
            let body = json!({ "merchant_topup_id": id, "code": code, "amount": 1_000 });
            return Some(Wish { kind: Kind::Topup, id, body, customer, signed_amount: 1_000 });
        }
        let amount = 1 + i64::try_from(self.below(50)).unwrap();
        let body = json!({ "merchant_payment_id": id, "code": code, "amount": amount });
        Some(Wish { kind: Kind::Sale, id, body, customer, signed_amount: -amount })
    }

    fn refund(&mut self, id: String) -> Wish {
        let place = self.below(self.refundable.len());
        let (payment, customer, paid) = self.refundable.swap_remove(place);
        let amount = 1 + i64::try_from(self.below(usize::try_from(paid).unwrap())).unwrap();
        let body = json!({
            "merchant_refund_id": id, "merchant_payment_id": payment, "amount": amount,
        });
        Wish { kind: Kind::Refund, id, body, customer, signed_amount: amount }
    }

    /// xorshift64: the same in every run.
    fn below(&mut self, bound: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random % bound as u64).unwrap()
    }
}
