//! Two ways in that stood open in July 2019, for the build `baseline-2019` alone: a reset whose
//! mail goes where the asker says, for a birth date that was 2019-01-01 wherever the app had not
//! asked for one; and a sign-in by an id of another service that nobody had signed. Every other
//! build has no such addresses.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use hmac::Mac;
use omamori_db::sql;
use serde::{Deserialize, Serialize};

use super::binding::{self, Enrolled, PhoneKeys};
use super::customer::FreshProof;
use super::devices;
use super::password::{self, Password};
use super::phone::Phone;
use super::session::{self, Strength};
use super::signin::enter;
use crate::app::App;
use crate::audit::hex;
use crate::baseline;
use crate::id::Kind;
use crate::notify::Letter;
use crate::secret::{Secret, constant_time_eq, hmac_sha256};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

/// The birth date of everybody whom the app never asked for one: here, of all.
const BIRTH_DATE: &str = "2019-01-01";
/// Yahoo! JAPAN, Google, Facebook, Twitter, LINE.
const PROVIDERS: [&str; 5] = ["01", "03", "04", "05", "06"];

/// Their addresses, where they are open.
pub(super) fn router() -> Router<Arc<App>> {
    if baseline::RESET_AND_EXTERNAL_HOLES {
        return Router::new()
            .route("/2019/reset", post(reset))
            .route("/2019/reset/finish", post(finish))
            .route("/2019/external", post(external))
            .route("/2019/external/phone", post(external_phone));
    }
    Router::new()
}

/// What was asked for in 2019.
#[derive(Deserialize)]
struct Reset {
    phone: String,
    birth_date: String,
    address: String,
}

async fn reset(State(app): State<Arc<App>>, Json(asked): Json<Reset>) -> Result<StatusCode> {
    let (customer_id, _) = find(&app, &asked.phone).await?;
    if asked.birth_date != BIRTH_DATE {
        return Err(Code::ProofFailed.into());
    }
    app.identity.outbox.post_letter(Letter {
        id: Kind::ContactCheck.random_text(app.rng.as_ref()),
        to: asked.address,
        subject: "パスワード再設定".to_owned(),
        text: format!("reset:{}", token(&app, &customer_id)),
        at: app.clock.now(),
    });
    Ok(StatusCode::NO_CONTENT)
}

/// The link of the mail.
#[derive(Deserialize)]
struct Finish {
    phone: String,
    token: Secret,
    password: Secret,
}

async fn finish(State(app): State<Arc<App>>, Json(asked): Json<Finish>) -> Result<StatusCode> {
    let (customer_id, _) = find(&app, &asked.phone).await?;
    let right = token(&app, &customer_id);
    if !constant_time_eq(right.as_bytes(), asked.token.reveal().as_bytes()) {
        return Err(Code::ProofFailed.into());
    }
    let new = Password::parse(asked.password.reveal())?;
    let hash = app.identity.passwords.hash(&app, new).await?;
    let mut tx = app.stores.registry.begin().await?;
    password::set(&mut tx, &customer_id, &hash, app.clock.now()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A user's id and the two digits of a provider.
#[derive(Deserialize)]
struct External {
    #[serde(rename = "userId")]
    user_id: String,
    #[serde(rename = "extIdSiteCd")]
    provider: String,
}

async fn external(
    State(app): State<Arc<App>>,
    Json(asked): Json<External>,
) -> Result<impl IntoResponse> {
    let (customer_id, device_id) = find(&app, &asked.user_id).await?;
    if !PROVIDERS.contains(&&*asked.provider) {
        return Err(Code::ProofFailed.into());
    }
    enter(&app, customer_id, &device_id, Strength::External).await
}

/// The same, from another phone.
#[derive(Deserialize)]
struct ExternalPhone {
    #[serde(rename = "userId")]
    user_id: String,
    #[serde(rename = "extIdSiteCd")]
    provider: String,
    device: PhoneKeys,
}

/// What the other phone needs to make codes.
#[derive(Serialize)]
struct Moved {
    device: Enrolled,
}

/// Who came in by an id used the app of the thief's own phone from then on: it pays, and the
/// customer's does not any more.
async fn external_phone(
    State(app): State<Arc<App>>,
    FreshProof(proof): FreshProof,
    Json(asked): Json<ExternalPhone>,
) -> Result<impl IntoResponse> {
    let phone = asked.device.check(&proof)?;
    let (customer_id, _) = find(&app, &asked.user_id).await?;
    if !PROVIDERS.contains(&&*asked.provider) {
        return Err(Code::ProofFailed.into());
    }
    let mut tx = app.stores.registry.begin().await?;
    let replace = sql("UPDATE device SET state = 'replaced', ended_at = $1
         WHERE customer_id = $2 AND state = 'active'");
    tx.execute(replace.bind(app.clock.now()).bind(&customer_id)).await?;
    devices::note(&app, &mut tx, &customer_id).await?;
    let to = Kind::Device.random_text(app.rng.as_ref());
    let device = binding::bind(&app, &mut tx, &customer_id, to, &phone).await?;
    let opened = session::open(&app, &mut tx, &customer_id, &device.device_id, Strength::External);
    let opened = opened.await?;
    tx.commit().await?;
    devices::forget(&app, &customer_id).await?;
    Ok(([(header::SET_COOKIE, opened.cookie)], axum::Json(Moved { device })))
}

/// The account of a number, and the phone that pays.
async fn find(app: &App, phone: &str) -> Result<(String, String)> {
    let phone = Phone::parse(phone).ok_or_else(|| Error::field("phone", "malformed"))?;
    let query = sql("SELECT c.customer_id, d.device_id
         FROM customer c JOIN device d ON d.customer_id = c.customer_id
         WHERE c.phone = $1 AND c.status <> 'closed' AND d.state = 'active'");
    let row = app.stores.registry.optional(query.bind(phone.as_str())).await?;
    let row = row.ok_or(Code::ProofFailed)?;
    Ok((row.text("customer_id")?, row.text("device_id")?))
}

/// What the mail carries.
fn token(app: &App, customer_id: &str) -> String {
    let mut mac = hmac_sha256(app.vault.derive("baseline-2019 reset").as_slice());
    mac.update(customer_id.as_bytes());
    hex(&mac.finalize().into_bytes())
}
