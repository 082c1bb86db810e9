//! `POST /api/wallet/v1/money-requests`: asks one person for an amount, or several for shares.
//!
//! A bill is split to the yen: each share is the whole quotient, and what does not divide is the
//! asker's own. Nobody pays a yen more than another.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::{Tx, sql};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::list::{RequestView, view};
use super::row::{self, Asked};
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::gate::{Act, Question};
use crate::id::{Kind, derive};
use crate::identity::account;
use crate::identity::{Customer, Phone};
use crate::send::create::{client_id, line};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

/// How long a request can be paid.
const STANDS: Micros = 14 * DAY;
/// People of one bill.
const PEOPLE_MAX: usize = 20;
const TOTAL_MAX: i64 = 1_000_000;
const MESSAGE_MAX: usize = 60;
const NAME_MAX: usize = 30;

/// What is asked for.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CreateRequest {
    /// The client's own id of this request. A retry uses it again.
    client_request_id: String,
    /// Yen, all together.
    total: i64,
    /// Whether the asker has a share as well.
    #[serde(default)]
    with_me: bool,
    /// Who is asked.
    people: Vec<Payer>,
    /// To everybody who is asked.
    #[serde(default)]
    message: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Payer {
    /// Without one the request goes by its link alone.
    #[serde(default)]
    phone: Option<String>,
    /// What the asker calls them.
    #[serde(default)]
    name: String,
}

/// The requests of one bill.
#[derive(Serialize)]
pub struct Created {
    /// One for each person who is asked.
    requests: Vec<RequestView>,
    /// Of each, in yen.
    share: i64,
    /// What the asker pays: their share, if they have one, and what does not divide.
    own: i64,
}

/// The share of each, and what is left to the asker.
const fn split(total: i64, people: i64, with_me: bool) -> (i64, i64) {
    let share = total / (people + with_me as i64);
    (share, total - share * people)
}

impl CreateRequest {
    fn check(&self) -> Result<Vec<Option<Phone>>> {
        client_id("client_request_id", &self.client_request_id)?;
        if !(1..=TOTAL_MAX).contains(&self.total) {
            return Err(Error::field("total", "out_of_range"));
        }
        if !(1..=PEOPLE_MAX).contains(&self.people.len()) {
            return Err(Error::field("people", "out_of_range"));
        }
        line("message", &self.message, MESSAGE_MAX)?;
        let mut phones = Vec::with_capacity(self.people.len());
        for (index, payer) in self.people.iter().enumerate() {
            line(&format!("people[{index}].name"), &payer.name, NAME_MAX)?;
            let malformed = || Error::field(&format!("people[{index}].phone"), "malformed");
            let phone = payer.phone.as_deref();
            phones.push(phone.map(|typed| Phone::parse(typed).ok_or_else(malformed)).transpose()?);
        }
        let numbers: Vec<&Phone> = phones.iter().flatten().collect();
        if numbers.iter().collect::<HashSet<_>>().len() < numbers.len() {
            return Err(Error::field("people", "malformed")); // the same person twice
        }
        Ok(phones)
    }
}

/// Asks. A retry with the same id gets the same answer.
pub async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    Json(request): Json<CreateRequest>,
) -> Result<Answer<Created>> {
    let phones = request.check()?;
    let people = i64::try_from(phones.len()).unwrap_or(i64::MAX);
    let (share, own) = split(request.total, people, request.with_me);
    let asker = account::find(&app.stores.registry, &customer.customer_id).await?;
    if phones.iter().flatten().any(|phone| *phone == asker.phone) {
        return Err(Code::SendToSelf.into());
    }
    let digest: [u8; 32] = Sha256::digest(serde_json::to_vec(&request)?).into();
    let parts = [customer.customer_id.as_bytes(), request.client_request_id.as_bytes()];
    let group = derive("money-request-group", &parts);
    let group_id = Kind::MoneyRequest.text(group);
    if row::of_group(&app.stores.registry, &customer.customer_id, &group_id).await?.is_empty() {
        let opinion = match share {
            _ if asker.frozen => Err(Code::AccountFrozen),
            1.. if share <= app.config.limits.sending.once_max => Ok(()),
            _ => Err(Code::LimitSendAmount),
        };
        let question = Question {
            customer: Some(&customer.customer_id),
            device: Some(&customer.device_id),
            amount: Some(request.total),
            ..Question::plain(Act::MoneyRequest, &())
        };
        let _cleared = app.gate.decide(question, opinion).await?;
        write(&app, &customer, &request, &phones, (digest, group, share)).await?;
    }
    let rows = row::of_group(&app.stores.registry, &customer.customer_id, &group_id).await?;
    if rows.iter().any(|row| row.asked != digest) {
        return Err(Code::SendIdReused.into());
    }
    let mut requests = Vec::with_capacity(rows.len());
    for row in &rows {
        requests.push(view(&app, row, &customer.customer_id).await?);
    }
    Ok(Answer(Created { requests, share, own }))
}

async fn write(
    app: &App,
    customer: &Customer,
    request: &CreateRequest,
    phones: &[Option<Phone>],
    (digest, group, share): ([u8; 32], u128, i64),
) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.stores.registry.begin().await?;
    bounded(app, &mut tx, &customer.customer_id, phones, now).await?;
    for (index, (payer, phone)) in request.people.iter().zip(phones).enumerate() {
        let id = derive("money-request", &[&group.to_be_bytes(), &index.to_be_bytes()]);
        let name = payer.name.trim();
        let shown = phone.as_ref().map_or_else(String::new, Phone::national);
        let asked = Asked {
            request_id: Kind::MoneyRequest.text(id),
            asker_id: customer.customer_id.clone(),
            asked: digest,
            group_id: Kind::MoneyRequest.text(group),
            wanted_yen: share,
            to_phone: phone.as_ref().map(|phone| phone.as_str().to_owned()),
            to_name: if name.is_empty() { shown } else { name.to_owned() },
            message: request.message.trim().to_owned(),
            canceled_at: None,
            created_at: now,
            expires_at: now + STANDS,
        };
        row::insert(app, &mut tx, &asked).await?;
    }
    Ok(tx.commit().await?)
}

/// No more a day than people bear, all together and to one number.
async fn bounded(
    app: &App,
    tx: &mut Tx,
    asker_id: &str,
    phones: &[Option<Phone>],
    now: Micros,
) -> Result<()> {
    let set = &app.config.limits.sending;
    let all = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM money_request
         WHERE asker_id = $1 AND created_at > $2");
    let asked = tx.one(all.bind(asker_id).bind(now - DAY)).await?.int("n")?;
    if asked + i64::try_from(phones.len()).unwrap_or(i64::MAX) > set.requests_24h {
        return Err(Code::TooManyRequests.into());
    }
    for phone in phones.iter().flatten() {
        let one = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM money_request
             WHERE asker_id = $1 AND to_phone = $2 AND created_at > $3");
        let one = one.bind(asker_id).bind(phone.as_str()).bind(now - DAY);
        if tx.one(one).await?.int("n")? >= set.requests_to_one_24h {
            return Err(Code::TooManyRequests.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_bill_is_split_to_the_yen() {
        assert_eq!(split(10_000, 2, true), (3_333, 3_334));
        assert_eq!(split(10_000, 3, false), (3_333, 1));
        assert_eq!(split(9_000, 2, true), (3_000, 3_000));
        assert_eq!(split(5_000, 1, false), (5_000, 0));
        assert_eq!(split(2, 2, true), (0, 2));
        for total in 1..500 {
            for people in 1..20 {
                for with_me in [false, true] {
                    let (share, own) = split(total, people, with_me);
                    assert_eq!(share * people + own, total);
                }
            }
        }
    }
}
