//! `POST /api/wallet/v1/signup/start`: a phone number comes in, an SMS goes out.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::{Tx, sql};
use serde::{Deserialize, Serialize};

use super::{STEP_LIFE, code_place};
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::gate::Act;
use crate::id::Kind;
use crate::identity::account;
use crate::identity::attack::Scope;
use crate::identity::phone::Phone;
use crate::identity::rate::Network;
use crate::notify::Message;
use crate::rng::random_below;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;
use crate::web::json::Json;
use crate::web::text::Text;

/// SMS to one number in 24 hours: what a person needs, and no business for whoever is paid by
/// the message (SMS pumping).
const SMS_PER_DAY: i64 = 5;

/// In the place of a code where none was sent: no six digits are equal to it.
pub(in crate::identity) const NO_CODE: &str = "------";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Start {
    phone: String,
}

#[derive(Serialize)]
pub(in crate::identity) struct Started {
    signup_id: String,
    expires_at: String,
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    network: Network,
    text: Text,
    Json(request): Json<Start>,
) -> Result<Answer<Started>> {
    let now = app.clock.now();
    app.gate.open_door(Act::SignUp, None, None)?;
    app.identity.doors.signup_start.check(network, now)?;
    let phone = Phone::parse(&request.phone).ok_or_else(|| Error::field("phone", "malformed"))?;
    app.identity.doors.signup_neighbours.check(Scope::network_of(network), now)?;
    app.identity.doors.signup_block.check(phone.block(), now)?;
    let known = account::find_by_phone(&app.stores.registry, &phone).await?;

    let code = format!("{:06}", random_below(app.rng.as_ref(), 1_000_000));
    let (kept, sms) = match &known {
        None => {
            (&*code, Message::SignupCode { code: &code }.text(&app.config.issuer_name, text.lang))
        }
        Some(account) => {
            let text = Message::SignupOfKnownNumber.text(&app.config.issuer_name, account.language);
            (NO_CODE, text)
        }
    };
    let signup_id = Kind::Signup.random_text(app.rng.as_ref());
    let expires_at = now + STEP_LIFE;
    let mut tx = app.stores.registry.begin().await?;
    count_sms(&mut tx, &phone, "signup", now).await?;
    let insert =
        sql("INSERT INTO signup (signup_id, phone, language, state, code, tries, customer_id,
                             created_at, expires_at)
         VALUES ($1, $2, $3, 'code_sent', $4, CAST(0 AS BIGINT), $5, $6, $7)");
    let sealed = app.vault.seal(app.rng.as_ref(), &code_place(&signup_id), kept.as_bytes());
    let insert = insert.bind(&signup_id).bind(phone.as_str()).bind(text.lang.tag()).bind(sealed);
    let insert = insert.bind(Kind::Customer.random_text(app.rng.as_ref()));
    tx.execute(insert.bind(now).bind(expires_at)).await?;
    tx.commit().await?;
    app.identity.outbox.post(phone.to_string(), sms);
    Ok(Answer(Started { signup_id, expires_at: rfc3339(expires_at) }))
}

/// Counts one more SMS to a number for a purpose, and sweeps what is past. Each purpose has a quota
/// of its own, so that who uses up one does not close the others.
pub(in crate::identity) async fn count_sms(
    tx: &mut Tx,
    phone: &Phone,
    purpose: &'static str,
    now: Micros,
) -> Result<()> {
    let yesterday = now - DAY;
    tx.execute(sql("DELETE FROM signup WHERE expires_at < $1").bind(now)).await?;
    let past = sql("DELETE FROM sms_sent WHERE phone = $1 AND sent_at <= $2");
    tx.execute(past.bind(phone.as_str()).bind(yesterday)).await?;
    let insert = sql("INSERT INTO sms_sent (phone, sent_at, purpose)
         SELECT $1, CAST($2 AS BIGINT), $3
         WHERE (SELECT CAST(COUNT(*) AS BIGINT) FROM sms_sent
                WHERE phone = $1 AND purpose = $3) < $4");
    let insert = insert.bind(phone.as_str()).bind(now).bind(purpose).bind(SMS_PER_DAY);
    if tx.execute(insert).await? != 1 {
        return Err(Error::RetryAfter(Code::TooManyRequests, 3_600));
    }
    Ok(())
}
