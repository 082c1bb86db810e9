//! `POST /api/wallet/v1/signup/start`: a phone number comes in, an SMS goes out.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::HeaderMap;
use omamori_db::sql;
use serde::{Deserialize, Serialize};

use super::{STEP_LIFE, code_place};
use crate::app::App;
use crate::crowd;
use crate::gate::Act;
use crate::id::Kind;
use crate::identity::account;
use crate::identity::attack::Scope;
use crate::identity::binding::new_code;
use crate::identity::phone::Phone;
use crate::identity::rate::Network;
use crate::notify::{Message, count_sms};
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;
use crate::web::json::Json;
use crate::web::text::Text;

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
    headers: HeaderMap,
    text: Text,
    Json(request): Json<Start>,
) -> Result<Answer<Started>> {
    let now = app.clock.now();
    app.gate.open_door(Act::SignUp, None, None)?;
    let pass = crowd::admit(&app, &headers).await?;
    app.identity.doors.signup_start.check(network, now)?;
    let phone = Phone::parse(&request.phone).ok_or_else(|| Error::field("phone", "malformed"))?;
    app.identity.doors.signup_neighbours.check(Scope::network_of(network), now)?;
    app.identity.doors.signup_block.check(phone.block(), now)?;
    let known = account::find_by_phone(&app.stores.registry, &phone).await?;

    let signup_id = Kind::Signup.random_text(app.rng.as_ref());
    let (code, sealed) = new_code(&app, &code_place(&signup_id), known.is_none());
    let issuer = &app.config.issuer_name;
    let sms = match &known {
        None => Message::SignupCode { code: &code }.text(issuer, text.lang),
        Some(account) => Message::SignupOfKnownNumber.text(issuer, account.language),
    };
    let expires_at = now + STEP_LIFE;
    let mut tx = app.stores.registry.begin().await?;
    pass.use_up(&mut tx).await?;
    tx.execute(sql("DELETE FROM signup WHERE expires_at < $1").bind(now)).await?;
    count_sms(&mut tx, &phone, "signup", now).await?;
    let insert =
        sql("INSERT INTO signup (signup_id, phone, language, state, code, tries, customer_id,
                             created_at, expires_at)
         VALUES ($1, $2, $3, 'code_sent', $4, CAST(0 AS BIGINT), $5, $6, $7)");
    let insert = insert.bind(&signup_id).bind(phone.as_str()).bind(text.lang.tag()).bind(sealed);
    let insert = insert.bind(Kind::Customer.random_text(app.rng.as_ref()));
    tx.execute(insert.bind(now).bind(expires_at)).await?;
    tx.commit().await?;
    app.identity.outbox.post(phone.to_string(), sms);
    Ok(Answer(Started { signup_id, expires_at: rfc3339(expires_at) }))
}
