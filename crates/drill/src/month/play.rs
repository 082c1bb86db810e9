//! Plays the script. What different people do within a few minutes happens at once; what one person
//! does happens in its order.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex as Held, MutexGuard, PoisonError};

use indicatif::ProgressBar;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::http::{Http, Reply};
use super::phone::{Phone, expect_ok};
use super::script::{Act, Event, Refused, Sale, Script};
use super::tally::{StoreTally, Tally};
use super::{Failure, Settings};
use crate::load::Request;

/// What happens within so many seconds may happen at one time.
const AT_ONCE_SECONDS: u64 = 240;
/// People at a time.
const AT_ONCE: usize = 32;
/// The screenshot of a code is so many seconds old.
const OLD_SECONDS: u64 = 300;
/// Days of the progress are those of Japan.
const JAPAN_SECONDS: u64 = 9 * 3_600;

/// Everyone who takes part, and what they keep.
pub(super) struct Player {
    settings: Settings,
    http: Http,
    phones: Vec<Mutex<Phone>>,
    kept: Held<Kept>,
    tally: Held<Tally>,
}

/// What one act leaves for a later one, by the script's numbers.
#[derive(Default)]
struct Kept {
    /// Of each customer: the registration that the bank works on, then the card.
    setups: HashMap<usize, String>,
    cards: HashMap<usize, String>,
    /// Top-ups by card whose answer is to come.
    top_ups: HashMap<usize, String>,
    sends: HashMap<usize, (String, i64)>,
}

impl Player {
    pub(super) fn new(settings: Settings) -> Arc<Self> {
        let phones = (0..settings.scale.customers)
            .map(|number| Mutex::new(Phone::new(number, &settings.server)))
            .collect();
        let stores = vec![StoreTally::default(); settings.terminal_keys.len()];
        Arc::new(Self {
            http: Http::new(settings.server.address),
            phones,
            kept: Held::default(),
            tally: Held::new(Tally { stores, ..Tally::default() }),
            settings,
        })
    }

    pub(super) async fn play(
        self: Arc<Self>,
        script: Script,
        progress: &ProgressBar,
    ) -> Result<Tally, Failure> {
        progress.set_length(script.events.len() as u64);
        let mut events = script.events.into_iter().peekable();
        while let Some(first) = events.next() {
            let now = first.at;
            (self.settings.clock)(now);
            let hour = (now + JAPAN_SECONDS) / 3_600;
            let days = hour / 24 + self.settings.scale.days + 1;
            let day = days.saturating_sub((self.settings.until + JAPAN_SECONDS) / 86_400);
            progress.set_message(format!("day {day:2}, {:02}:00", hour % 24));
            let mut busy = HashSet::new();
            let mut tasks = JoinSet::new();
            let mut next = Some(first);
            while let Some(event) = next {
                busy.insert(event.customer);
                busy.extend(event.act.other());
                let player = self.clone();
                tasks.spawn(async move { player.act(&event, now).await });
                next = events.next_if(|event| {
                    let others = [Some(event.customer), event.act.other()];
                    event.at < now + AT_ONCE_SECONDS
                        && tasks.len() < AT_ONCE
                        && !others.into_iter().flatten().any(|person| busy.contains(&person))
                });
            }
            while let Some(done) = tasks.join_next().await {
                done??;
                progress.inc(1);
            }
        }
        (self.settings.clock)(self.settings.until);
        Ok(self.tally().clone())
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks as the register of a store.
    async fn register(&self, store: usize, path: &str, body: &Value) -> Result<Reply, Failure> {
        let key = &self.settings.terminal_keys[store];
        let path = format!("/api/pos/v1{path}");
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        Ok(self.http.ask(&Request::post_json(&path, key, body)).await?)
    }

    /// Asks as a customer's phone.
    async fn wallet(
        &self,
        customer: usize,
        path: &str,
        body: &Value,
        now: u64,
    ) -> Result<Reply, Failure> {
        let mut phone = self.phones[customer].lock().await;
        phone.post((&self.http, &self.settings.server), path, (body, now)).await
    }

    /// The same, confirmed with the passkey.
    async fn confirmed(
        &self,
        customer: usize,
        path: &str,
        body: &Value,
        now: u64,
    ) -> Result<Reply, Failure> {
        let mut phone = self.phones[customer].lock().await;
        phone.confirmed((&self.http, &self.settings.server), path, (body, now)).await
    }

    /// The answer, unless it is a refusal, which is counted as one that nobody expected.
    fn expected(&self, act: &str, reply: &Reply) -> Option<Value> {
        if reply.is_ok() {
            return Some(reply.json());
        }
        self.tally().miss(act, &reply.code());
        None
    }

    async fn act(&self, event: &Event, now: u64) -> Result<(), Failure> {
        let customer = event.customer;
        match &event.act {
            Act::SignUp => {
                let mut phone = self.phones[customer].lock().await;
                phone.sign_up((&self.http, &self.settings.server), now).await?;
                self.tally().signups += 1;
            }
            Act::SetCoupons => self.set_coupons(customer, now).await?,
            Act::UsePoints => {
                let body = json!({ "use_points": true });
                let reply = self.wallet(customer, "/points/use", &body, now).await?;
                self.expected("use points", &reply);
            }
            Act::ConvertPoints => self.convert_points(customer, now).await?,
            Act::RegisterCard { asks } => self.register_card(customer, *asks, now).await?,
            Act::LookAtCard => self.look_at_card(customer, now).await?,
            Act::TopUp { number, store, amount } => {
                self.top_up(customer, (*number, *store, *amount), now).await?;
            }
            Act::CancelTopUp { number, store } => self.cancel_top_up(*number, *store).await?,
            Act::TopUpByCard { number, amount } => {
                self.top_up_by_card(customer, (*number, *amount), now).await?;
            }
            Act::LookAtTopUp { number } => self.look_at_top_up(customer, *number, now).await?,
            Act::Buy(sale) => self.buy(customer, sale, now).await?,
            Act::Refund { number, sale, store, amount } => {
                self.refund(*number, (*sale, *store, *amount)).await?;
            }
            Act::Cancel { sale, store, amount } => {
                let path = format!("/payments/m{sale}/cancel");
                let reply = self.register(*store, &path, &Value::Null).await?;
                if self.expected("cancel", &reply).is_some() {
                    self.tally().stores[*store].cancels.add(*amount);
                }
            }
            Act::Send { number, to, amount } => {
                self.send(customer, (*number, *to, *amount), now).await?;
            }
            Act::Take { number } => self.take(customer, *number, now).await?,
        }
        Ok(())
    }

    async fn set_coupons(&self, customer: usize, now: u64) -> Result<(), Failure> {
        let offered = {
            let mut phone = self.phones[customer].lock().await;
            phone.get((&self.http, &self.settings.server), "/coupons", now).await?
        };
        let offered = expect_ok("/coupons", &offered)?;
        for coupon in offered["coupons"].as_array().into_iter().flatten() {
            let id = coupon["campaign_id"].as_str().unwrap_or_default();
            let path = format!("/coupons/{id}/set");
            let reply = self.wallet(customer, &path, &json!({}), now).await?;
            if self.expected("set a coupon", &reply).is_some() {
                self.tally().coupons_set += 1;
            }
        }
        Ok(())
    }

    async fn convert_points(&self, customer: usize, now: u64) -> Result<(), Failure> {
        let held = {
            let mut phone = self.phones[customer].lock().await;
            phone.get((&self.http, &self.settings.server), "/points", now).await?
        };
        let points = expect_ok("/points", &held)?["points"].as_i64().unwrap_or_default();
        if points == 0 {
            return Ok(());
        }
        let body = json!({ "conversion_id": "month", "points": points });
        let reply = self.wallet(customer, "/points/convert", &body, now).await?;
        if self.expected("convert points", &reply).is_some() {
            self.tally().points_converted.add(points);
        }
        Ok(())
    }

    async fn register_card(&self, customer: usize, asks: bool, now: u64) -> Result<(), Failure> {
        let reply = self.confirmed(customer, "/cards/register", &json!({}), now).await?;
        let Some(begun) = self.expected("register a card", &reply) else { return Ok(()) };
        let text = |name: &str| begun[name].as_str().unwrap_or_default().to_owned();
        let (gateway, path) = place_of(&text("url"))?;
        let number = card_number(if asks { "400002" } else { "424242" }, customer);
        let form = format!("act=register&number={number}&expiry=12%2F34&code=123");
        gateway.ask(&form_request(&path, &form)).await?;
        if asks {
            let bank = path.replace("/checkout/", "/bank/card/");
            gateway.ask(&form_request(&bank, "answer=right")).await?;
        }
        self.kept().setups.insert(customer, text("setup_id"));
        Ok(())
    }

    async fn look_at_card(&self, customer: usize, now: u64) -> Result<(), Failure> {
        let Some(setup_id) = self.kept().setups.remove(&customer) else { return Ok(()) };
        let path = format!("/cards/setups/{setup_id}/look");
        let reply = self.wallet(customer, &path, &json!({}), now).await?;
        let Some(setup) = self.expected("look at a card", &reply) else { return Ok(()) };
        match setup["card_id"].as_str() {
            Some(card_id) => {
                self.kept().cards.insert(customer, card_id.to_owned());
                self.tally().cards += 1;
            }
            None => self.tally().miss("register a card", "not there"),
        }
        Ok(())
    }

    async fn top_up(
        &self,
        customer: usize,
        (number, store, amount): (usize, usize, i64),
        now: u64,
    ) -> Result<(), Failure> {
        let code = self.phones[customer].lock().await.code(now)?.to_string();
        let id = format!("t{number}");
        let body = json!({ "merchant_topup_id": id, "code": code, "amount": amount });
        let reply = self.register(store, "/topups", &body).await?;
        if self.expected("top up", &reply).is_some() {
            self.tally().stores[store].top_ups.add(amount);
        }
        Ok(())
    }

    async fn cancel_top_up(&self, number: usize, store: usize) -> Result<(), Failure> {
        let path = format!("/topups/t{number}/cancel");
        let reply = self.register(store, &path, &Value::Null).await?;
        if let Some(canceled) = self.expected("cancel a top-up", &reply) {
            let yen = canceled["topup"]["amount"].as_i64().unwrap_or_default();
            self.tally().stores[store].top_ups_canceled.add(yen);
        }
        Ok(())
    }

    async fn top_up_by_card(
        &self,
        customer: usize,
        (number, amount): (usize, i64),
        now: u64,
    ) -> Result<(), Failure> {
        let card_id = self.kept().cards.get(&customer).cloned().unwrap_or_default();
        let request_id = format!("month-{number:010}");
        let body = json!({ "request_id": request_id, "card_id": card_id, "amount": amount });
        let reply = self.confirmed(customer, "/topups/card", &body, now).await?;
        let Some(answer) = self.expected("top up by card", &reply) else { return Ok(()) };
        let topup = &answer["topup"];
        if let Some(url) = topup["url"].as_str() {
            let (gateway, path) = place_of(url)?;
            gateway.ask(&form_request(&path, "answer=right")).await?;
        }
        let topup_id = topup["topup_id"].as_str().unwrap_or_default().to_owned();
        self.kept().top_ups.insert(number, topup_id);
        Ok(())
    }

    async fn look_at_top_up(
        &self,
        customer: usize,
        number: usize,
        now: u64,
    ) -> Result<(), Failure> {
        let Some(topup_id) = self.kept().top_ups.remove(&number) else { return Ok(()) };
        let path = format!("/topups/card/{topup_id}/look");
        let reply = self.wallet(customer, &path, &json!({}), now).await?;
        let Some(answer) = self.expected("look at a top-up", &reply) else { return Ok(()) };
        let topup = &answer["topup"];
        if topup["status"] == "credited" {
            let yen = topup["amount"].as_i64().unwrap_or_default();
            self.tally().card_top_ups.add(yen);
        } else {
            self.tally().miss("top up by card", topup["status"].as_str().unwrap_or_default());
        }
        Ok(())
    }

    async fn buy(&self, customer: usize, sale: &Sale, now: u64) -> Result<(), Failure> {
        let code = {
            let mut phone = self.phones[customer].lock().await;
            match sale.refused {
                Some(Refused::OldCode) => phone.old_code(now - OLD_SECONDS)?,
                Some(Refused::UsedCode) => phone.last_code()?,
                Some(Refused::TooLittle) | None => phone.code(now)?,
            }
        };
        let line = |(place, quantity): &(usize, i64)| {
            let product = &self.settings.shelf[*place];
            json!({ "jan": product.jan, "name": product.name, "quantity": quantity,
                "unit_price": product.unit_price })
        };
        let items: Vec<_> = sale.lines.iter().map(line).collect();
        let body = json!({ "merchant_payment_id": format!("m{}", sale.number),
            "code": code.to_string(), "amount": sale.amount, "items": items });
        let reply = self.register(sale.store, "/payments", &body).await?;
        if sale.refused.is_some() {
            let mut tally = self.tally();
            match reply.is_ok() {
                true => tally.miss("a sale that should be refused", "paid"),
                false => *tally.refused.entry(reply.code()).or_default() += 1,
            }
            return Ok(());
        }
        let Some(answer) = self.expected("buy", &reply) else { return Ok(()) };
        let payment = &answer["payment"];
        let yen = |name: &str| payment[name].as_i64().unwrap_or_default();
        let mut tally = self.tally();
        tally.stores[sale.store].sales.add(yen("amount"));
        for discount in payment["discounts"].as_array().into_iter().flatten() {
            tally.discounts.add(discount["amount"].as_i64().unwrap_or_default());
        }
        if yen("points_used") > 0 {
            tally.points_used.add(yen("points_used"));
        }
        tally.points_earned += yen("points_earned");
        Ok(())
    }

    async fn refund(
        &self,
        number: usize,
        (sale, store, amount): (usize, usize, i64),
    ) -> Result<(), Failure> {
        let body = json!({ "merchant_refund_id": format!("r{number}"),
            "merchant_payment_id": format!("m{sale}"), "amount": amount });
        let reply = self.register(store, "/refunds", &body).await?;
        if self.expected("refund", &reply).is_some() {
            self.tally().stores[store].refunds.add(amount);
        }
        Ok(())
    }

    async fn send(
        &self,
        customer: usize,
        (number, to, amount): (usize, usize, i64),
        now: u64,
    ) -> Result<(), Failure> {
        let body = json!({ "client_send_id": format!("s{number}"), "amount": amount,
            "to": { "kind": "phone", "phone": Phone::telephone(to), "name": "" } });
        let reply = self.confirmed(customer, "/sends", &body, now).await?;
        let Some(answer) = self.expected("send", &reply) else { return Ok(()) };
        let send_id = answer["send"]["send_id"].as_str().unwrap_or_default().to_owned();
        self.kept().sends.insert(number, (send_id, amount));
        self.tally().sends.add(amount);
        Ok(())
    }

    async fn take(&self, customer: usize, number: usize, now: u64) -> Result<(), Failure> {
        let Some((send_id, amount)) = self.kept().sends.remove(&number) else { return Ok(()) };
        let path = format!("/sends/{send_id}/take");
        let reply = self.wallet(customer, &path, &json!({}), now).await?;
        if self.expected("take", &reply).is_some() {
            self.tally().taken.add(amount);
        }
        Ok(())
    }
}

/// The gateway behind an address that the service gave, and the path there.
fn place_of(url: &str) -> Result<(Http, String), Failure> {
    let not = || Failure::NotUnderstood("the address of a page of the card gateway");
    let rest = url.strip_prefix("http://").ok_or_else(not)?;
    let (host, path) = rest.split_once('/').ok_or_else(not)?;
    let address: SocketAddr = host.parse().map_err(|_| not())?;
    Ok((Http::new(address), format!("/{path}")))
}

fn form_request(path: &str, form: &str) -> Request {
    let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
    let body = form.as_bytes().to_vec();
    Request { method: "POST", path: path.to_owned(), headers, body }
}

/// A test card of one's own: what begins like a test card and has a right check digit (ISO/IEC
/// 7812-1, Luhn) is one at the sandbox.
fn card_number(begin: &str, customer: usize) -> String {
    let digits = format!("{begin}{customer:09}");
    let sum: u32 = (digits.bytes().rev().enumerate())
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_have_a_right_check_digit() {
        assert_eq!(card_number("424242", 424_242_424), "4242424242424242");
        assert_eq!(card_number("453201", 511_283_036), "4532015112830366");
    }

    #[test]
    fn the_gateway_is_found_by_its_address() {
        let (_, path) = place_of("http://127.0.0.1:8081/checkout/cs_1").unwrap();
        assert_eq!(path, "/checkout/cs_1");
        assert!(place_of("https://bank.example/").is_err());
    }
}
