//! The acts of the script, as requests of a phone or a register.

use std::time::Duration;

use serde_json::{Value, json};

use super::Failure;
use super::play::Player;
use super::script::{Act, Event, Refused, Sale};
use crate::load::Request;
use crate::player::{Phone, Reply, card_number, expect_ok, form_request, place_of};

/// The screenshot of a code is so many seconds old.
const OLD_SECONDS: u64 = 300;

/// A page that waits for the gateway asks so often.
const LOOKS_MAX: u32 = 200;
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Who finds the gateway busy tries again so often.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// The API's word for a refusal; none if it was done.
type Outcome = Result<Option<String>, Failure>;

/// Who does it, and when.
#[derive(Clone, Copy)]
struct Who {
    customer: usize,
    now: u64,
}

/// What an answer must be for an act to go on: else the act is over with the refusal.
macro_rules! done {
    ($reply:expr) => {{
        let reply: Reply = $reply;
        if !reply.is_ok() {
            return Ok(Some(reply.code()));
        }
        reply.json()
    }};
}

impl Player {
    /// Does it. A planned refusal is one like any other here.
    pub(super) async fn carry_out(&self, event: &Event, now: u64) -> Outcome {
        let who = Who { customer: event.customer, now };
        let is_of_account = !matches!(event.act, Act::SignUp | Act::TryPair { .. });
        if is_of_account && self.phones[who.customer].lock().await.customer_id().is_empty() {
            return Ok(Some("no_account".to_owned())); // the sign-up was refused
        }
        match &event.act {
            Act::SignUp => self.sign_up(who).await,
            Act::SetCoupons => self.set_coupons(who).await,
            Act::UsePoints => {
                done!(self.wallet(who, "/points/use", &json!({ "use_points": true })).await?);
                Ok(None)
            }
            Act::ConvertPoints => self.convert_points(who).await,
            Act::RegisterCard { asks } => {
                let begin = if *asks { "400002" } else { "424242" };
                self.register_card(who, &card_number(begin, who.customer), *asks).await
            }
            Act::TryCard { number } => match self.register_card(who, number, false).await? {
                None => self.look_at_card(who).await, // does it work?
                refused => Ok(refused),
            },
            Act::LookAtCard => self.look_at_card(who).await,
            Act::TopUp { number, store, amount } => {
                self.top_up(who, *number, (*store, *amount)).await
            }
            Act::CancelTopUp { number, store } => self.cancel_top_up(*number, *store).await,
            Act::TopUpByCard { number, amount } => self.top_up_by_card(who, *number, *amount).await,
            Act::LookAtTopUp { number } => self.look_at_top_up(who, *number).await,
            Act::Buy(sale) => self.buy(who, sale).await,
            Act::Refund { number, sale, store, amount } => {
                self.refund(*number, *sale, (*store, *amount)).await
            }
            Act::Cancel { sale, store, .. } => self.cancel(*sale, *store).await,
            Act::Send { number, to, amount } => self.send(who, *number, (*to, *amount)).await,
            Act::Take { number } => self.take(who, *number).await,
            Act::TryPair { pair } => self.try_pair(*pair, now).await,
        }
    }

    /// Asks as the register of a store.
    async fn register(&self, store: usize, path: &str, body: &Value) -> Result<Reply, Failure> {
        let key = &self.settings.terminal_keys[store];
        let path = format!("/api/pos/v1{path}");
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        Ok(self.http.ask(&Request::post_json(&path, key, body)).await?)
    }

    /// Asks as a customer's phone.
    async fn wallet(&self, who: Who, path: &str, body: &Value) -> Result<Reply, Failure> {
        let mut phone = self.phones[who.customer].lock().await;
        phone.post((&self.http, &self.settings.server), path, (body, who.now)).await
    }

    /// Asks again, as the page does, while the gateway's word is on its way.
    async fn until(
        &self,
        who: Who,
        path: &str,
        is_known: impl Fn(&Value) -> bool,
    ) -> Result<Reply, Failure> {
        let mut reply = self.wallet(who, path, &json!({})).await?;
        for _ in 0..LOOKS_MAX {
            if !reply.is_ok() || is_known(&reply.json()) {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
            reply = self.wallet(who, path, &json!({})).await?;
        }
        Ok(reply)
    }

    async fn look(&self, who: Who, path: &str) -> Result<Reply, Failure> {
        let mut phone = self.phones[who.customer].lock().await;
        phone.get((&self.http, &self.settings.server), path, who.now).await
    }

    /// Asks as a customer's phone, confirmed with the passkey.
    async fn confirmed(&self, who: Who, path: &str, body: &Value) -> Result<Reply, Failure> {
        let mut phone = self.phones[who.customer].lock().await;
        phone.confirmed((&self.http, &self.settings.server), path, (body, who.now)).await
    }

    /// The same, again while the gateway does not answer: on a busy machine it may be slow.
    async fn patiently(&self, who: Who, path: &str, body: &Value) -> Result<Reply, Failure> {
        let mut reply = self.confirmed(who, path, body).await?;
        for _ in 0..TRIES {
            if reply.is_ok() || reply.code() != "gateway_unavailable" {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            reply = self.confirmed(who, path, body).await?;
        }
        Ok(reply)
    }

    async fn sign_up(&self, who: Who) -> Outcome {
        let mut phone = self.phones[who.customer].lock().await;
        match phone.sign_up((&self.http, &self.settings.server), who.now).await {
            Err(Failure::Refused { code, .. }) => return Ok(Some(code)),
            signed_up => signed_up?,
        }
        self.tally().signups += 1;
        Ok(None)
    }

    async fn set_coupons(&self, who: Who) -> Outcome {
        let offered = expect_ok("/coupons", &self.look(who, "/coupons").await?)?;
        for coupon in offered["coupons"].as_array().into_iter().flatten() {
            let id = coupon["campaign_id"].as_str().unwrap_or_default();
            done!(self.wallet(who, &format!("/coupons/{id}/set"), &json!({})).await?);
            self.tally().coupons_set += 1;
        }
        Ok(None)
    }

    async fn convert_points(&self, who: Who) -> Outcome {
        let held = expect_ok("/points", &self.look(who, "/points").await?)?;
        let points = held["points"].as_i64().unwrap_or_default();
        if points == 0 {
            return Ok(None);
        }
        let body = json!({ "conversion_id": "month", "points": points });
        done!(self.wallet(who, "/points/convert", &body).await?);
        self.tally().points_converted.add(points);
        Ok(None)
    }

    async fn register_card(&self, who: Who, number: &str, asks: bool) -> Outcome {
        let begun = done!(self.patiently(who, "/cards/register", &json!({})).await?);
        let text = |name: &str| begun[name].as_str().unwrap_or_default().to_owned();
        let (gateway, path) = place_of(&text("url"))?;
        let form = format!("act=register&number={number}&expiry=12%2F34&code=123");
        gateway.ask(&form_request(&path, &form)).await?;
        if asks {
            let bank = path.replace("/checkout/", "/bank/card/");
            gateway.ask(&form_request(&bank, "answer=right")).await?;
        }
        self.kept().setups.insert(who.customer, text("setup_id"));
        Ok(None)
    }

    async fn look_at_card(&self, who: Who) -> Outcome {
        let Some(setup_id) = self.kept().setups.remove(&who.customer) else { return Ok(None) };
        let path = format!("/cards/setups/{setup_id}/look");
        let is_known = |setup: &Value| setup["status"] != "open";
        let setup = done!(self.until(who, &path, is_known).await?);
        let Some(card_id) = setup["card_id"].as_str() else {
            return Ok(Some("no card came".to_owned()));
        };
        self.kept().cards.insert(who.customer, card_id.to_owned());
        self.tally().cards += 1;
        Ok(None)
    }

    async fn top_up(&self, who: Who, number: usize, (store, amount): (usize, i64)) -> Outcome {
        let code = self.phones[who.customer].lock().await.code(who.now)?.to_string();
        let id = format!("t{number}");
        let body = json!({ "merchant_topup_id": id, "code": code, "amount": amount });
        done!(self.register(store, "/topups", &body).await?);
        self.tally().stores[store].top_ups.add(amount);
        Ok(None)
    }

    async fn cancel_top_up(&self, number: usize, store: usize) -> Outcome {
        let path = format!("/topups/t{number}/cancel");
        let canceled = done!(self.register(store, &path, &Value::Null).await?);
        let yen = canceled["topup"]["amount"].as_i64().unwrap_or_default();
        self.tally().stores[store].top_ups_canceled.add(yen);
        Ok(None)
    }

    async fn top_up_by_card(&self, who: Who, number: usize, amount: i64) -> Outcome {
        let card_id = self.kept().cards.get(&who.customer).cloned().unwrap_or_default();
        let request_id = format!("month-{number:010}");
        let body = json!({ "request_id": request_id, "card_id": card_id, "amount": amount });
        let answer = done!(self.patiently(who, "/topups/card", &body).await?);
        let topup = &answer["topup"];
        if let Some(url) = topup["url"].as_str() {
            let (gateway, path) = place_of(url)?;
            gateway.ask(&form_request(&path, "answer=right")).await?;
        }
        let topup_id = topup["topup_id"].as_str().unwrap_or_default().to_owned();
        self.kept().top_ups.insert(number, topup_id);
        Ok(None)
    }

    async fn look_at_top_up(&self, who: Who, number: usize) -> Outcome {
        let Some(topup_id) = self.kept().top_ups.remove(&number) else { return Ok(None) };
        let path = format!("/topups/card/{topup_id}/look");
        let is_known = |answer: &Value| {
            !matches!(answer["topup"]["status"].as_str(), Some("unknown" | "challenge"))
        };
        let answer = done!(self.until(who, &path, is_known).await?);
        let topup = &answer["topup"];
        if topup["status"] != "credited" {
            return Ok(topup["status"].as_str().map(str::to_owned));
        }
        self.tally().card_top_ups.add(topup["amount"].as_i64().unwrap_or_default());
        Ok(None)
    }

    async fn buy(&self, who: Who, sale: &Sale) -> Outcome {
        let code = {
            let mut phone = self.phones[who.customer].lock().await;
            match sale.refused {
                Some(Refused::OldCode) => phone.old_code(who.now - OLD_SECONDS)?,
                Some(Refused::UsedCode) => phone.last_code()?,
                Some(Refused::TooLittle) | None => phone.code(who.now)?,
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
        let answer = done!(self.register(sale.store, "/payments", &body).await?);
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
        Ok(None)
    }

    async fn refund(&self, number: usize, sale: usize, (store, amount): (usize, i64)) -> Outcome {
        let body = json!({ "merchant_refund_id": format!("r{number}"),
            "merchant_payment_id": format!("m{sale}"), "amount": amount });
        done!(self.register(store, "/refunds", &body).await?);
        self.tally().stores[store].refunds.add(amount);
        Ok(None)
    }

    /// Of a sale that was refused, nothing is taken back.
    async fn cancel(&self, sale: usize, store: usize) -> Outcome {
        let path = format!("/payments/m{sale}/cancel");
        let canceled = done!(self.register(store, &path, &Value::Null).await?);
        let yen = canceled["payment"]["amount"].as_i64().unwrap_or_default();
        if yen > 0 {
            self.tally().stores[store].cancels.add(yen);
        }
        Ok(None)
    }

    async fn send(&self, who: Who, number: usize, (to, amount): (usize, i64)) -> Outcome {
        let body = json!({ "client_send_id": format!("s{number}"), "amount": amount,
            "to": { "kind": "phone", "phone": Phone::telephone(to), "name": "" } });
        let answer = done!(self.confirmed(who, "/sends", &body).await?);
        let send_id = answer["send"]["send_id"].as_str().unwrap_or_default().to_owned();
        self.kept().sends.insert(number, (send_id, amount));
        self.tally().sends.add(amount);
        Ok(None)
    }

    async fn take(&self, who: Who, number: usize) -> Outcome {
        let Some((send_id, amount)) = self.kept().sends.remove(&number) else { return Ok(None) };
        done!(self.wallet(who, &format!("/sends/{send_id}/take"), &json!({})).await?);
        self.tally().taken.add(amount);
        Ok(None)
    }

    /// With the tool of July 2019, from one of twenty machines.
    async fn try_pair(&self, pair: usize, now: u64) -> Outcome {
        let request = crate::signin::leaked_pair(&self.settings.server.origin, pair, now);
        done!(self.http.ask(&request).await?);
        Ok(None)
    }
}
