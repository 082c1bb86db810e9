//! Sales as tills send them: a customer's code is scanned, an amount is charged.
//!
//! The traffic is skewed as in life: few stores sell much, few customers buy often. A phone shows
//! at most four codes in thirty seconds and each works once, so the keenest customers are held
//! back by their phones, here as there.

use omamori_paycode::code::{
    CodeSecret, CustomerCode, DeviceNumber, Prefix, RefreshCount, TimeStep, one_time,
};
use serde::Deserialize;

use crate::load::{Answer, Request, Source};
use crate::random::Random;

/// Amounts are from ¥1 to this, or what the customer has left.
pub const AMOUNT_YEN_MAX: u32 = 300;
/// How often a customer is drawn who cannot pay now before they are taken in turn.
const DRAWS_MAX: u32 = 64;
const PATH: &str = "/api/pos/v1/payments";

/// A customer's enrolled phone.
#[derive(Clone, Debug)]
pub struct Phone {
    /// Its public number.
    pub device: DeviceNumber,
    /// The secret that it shares with the server.
    pub secret: CodeSecret,
    /// What its owner may spend in all, in yen: the balance, or a limit below it.
    pub yen: u32,
}

/// Everyone who takes part.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The operator's code prefix.
    pub prefix: Prefix,
    /// The customers' phones.
    pub phones: Vec<Phone>,
    /// The keys of the tills, one for each store.
    pub terminal_keys: Vec<String>,
}

/// What one run of sales is told.
pub struct Settings<'a> {
    /// Makes the payments' ids unlike those of any other run against the same server.
    pub run: &'a str,
    /// Where the random choices start: the same seed makes the same choices.
    pub seed: u64,
    /// The seconds since 1970-01-01 UTC, as phones show them.
    pub unix_seconds: Box<dyn Fn() -> u64 + Send>,
}

/// A source of sales.
pub struct Sales {
    prefix: Prefix,
    phones: Vec<Phone>,
    used: Vec<Used>,
    terminal_keys: Vec<String>,
    run: String,
    number: u64,
    next_in_turn: usize,
    random: Random,
    unix_seconds: Box<dyn Fn() -> u64 + Send>,
}

/// Which codes of a phone have been shown: those of `step` below `count`, and all before.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    step: u64,
    count: u8,
}

/// What the answer must say.
pub struct Ticket {
    merchant_payment_id: String,
    amount: u32,
}

impl Sales {
    /// Sales among the `cast`.
    ///
    /// # Panics
    /// If there is no phone or no terminal.
    #[must_use]
    pub fn new(mut cast: Cast, settings: Settings<'_>) -> Self {
        assert!(!cast.phones.is_empty() && !cast.terminal_keys.is_empty(), "nobody takes part");
        let mut random = Random::new(settings.seed);
        // Who is keen has nothing to do with who came first, nor where in the tables they are.
        random.shuffle(&mut cast.phones);
        random.shuffle(&mut cast.terminal_keys);
        Self {
            prefix: cast.prefix,
            used: vec![Used::default(); cast.phones.len()],
            phones: cast.phones,
            terminal_keys: cast.terminal_keys,
            run: settings.run.to_owned(),
            number: 0,
            next_in_turn: 0,
            random,
            unix_seconds: settings.unix_seconds,
        }
    }

    /// Begins another run with the same phones: what they used up stays used up.
    pub fn restart(&mut self, run: &str) {
        run.clone_into(&mut self.run);
        self.number = 0;
    }

    /// A customer who can show a fresh code and pay; `None` if there is none in this step.
    fn customer(&mut self, step: u64) -> Option<usize> {
        for _ in 0..DRAWS_MAX {
            let drawn = self.random.skewed_below(self.phones.len());
            if self.can_pay(drawn, step) {
                return Some(drawn);
            }
        }
        let from = self.next_in_turn;
        let count = self.phones.len();
        let found = (from..from + count).map(|i| i % count).find(|i| self.can_pay(*i, step))?;
        self.next_in_turn = (found + 1) % count;
        Some(found)
    }

    fn can_pay(&self, index: usize, step: u64) -> bool {
        let used = self.used[index];
        let fresh = used.step < step || RefreshCount::new(used.count).is_some();
        fresh && self.phones[index].yen > 0
    }

    /// The next code of a phone that can pay.
    fn show_code(&mut self, index: usize, step: u64) -> Option<CustomerCode> {
        let used = &mut self.used[index];
        if used.step < step {
            *used = Used { step, count: 0 };
        }
        let count = RefreshCount::new(used.count)?;
        used.count += 1;
        let Phone { device, secret, .. } = &self.phones[index];
        let one_time = one_time(secret, TimeStep::new(used.step), count);
        Some(CustomerCode { prefix: self.prefix, device: *device, one_time })
    }
}

impl Source for Sales {
    type Ticket = Ticket;

    fn next(&mut self) -> Option<(Request, Ticket)> {
        let step = TimeStep::at((self.unix_seconds)()).get();
        let customer = self.customer(step)?;
        let code = self.show_code(customer, step)?;
        let wanted = self.random.below(AMOUNT_YEN_MAX as usize) as u32 + 1;
        let amount = wanted.min(self.phones[customer].yen);
        self.phones[customer].yen -= amount;
        let store = self.random.skewed_below(self.terminal_keys.len());
        self.number += 1;
        let merchant_payment_id = format!("{}-{}", self.run, self.number);
        let body = format!(
            r#"{{"merchant_payment_id":"{merchant_payment_id}","code":"{code}","amount":{amount}}}"#
        );
        let request = Request::post_json(PATH, &self.terminal_keys[store], body.into_bytes());
        Some((request, Ticket { merchant_payment_id, amount }))
    }

    fn judge(&mut self, ticket: Ticket, answer: &Answer<'_>) -> Result<(), String> {
        if answer.status != 200 {
            return Err(error_name(answer));
        }
        let Ok(Sold { payment }) = serde_json::from_slice(answer.body) else {
            return Err("answer_not_understood".to_owned());
        };
        let as_asked = payment.merchant_payment_id == ticket.merchant_payment_id
            && payment.amount == ticket.amount
            && payment.status == "captured";
        if as_asked { Ok(()) } else { Err("another_payment_answered".to_owned()) }
    }
}

/// `422 insufficient_funds`: the status and the API's own code, if the answer has one.
pub(crate) fn error_name(answer: &Answer<'_>) -> String {
    let status = answer.status;
    match serde_json::from_slice::<Refused<'_>>(answer.body) {
        Ok(Refused { error }) => format!("{status} {}", error.code),
        Err(_) => status.to_string(),
    }
}

#[derive(Deserialize)]
struct Sold<'a> {
    #[serde(borrow)]
    payment: Payment<'a>,
}

#[derive(Deserialize)]
struct Payment<'a> {
    merchant_payment_id: &'a str,
    status: &'a str,
    amount: u32,
}

#[derive(Deserialize)]
struct Refused<'a> {
    #[serde(borrow)]
    error: Refusal<'a>,
}

#[derive(Deserialize)]
struct Refusal<'a> {
    code: &'a str,
}
