//! `POST /api/wallet/v1/signup/finish`: the passkey and the phone's keys come in, and the account
//! comes to be, whole, in one transaction.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omamori_db::{Tx, sql};
use omamori_paycode::code::DeviceNumber;
use p256::PublicKey;
use serde::{Deserialize, Serialize};
use serde_json::json;
use webauthn_rs::prelude::{Passkey, RegisterPublicKeyCredential};

use super::{Verified, again, verified};
use crate::app::App;
use crate::clock::Micros;
use crate::config::Config;
use crate::gate::chart::wallet_account_id;
use crate::gate::{Act, Question};
use crate::id::Kind;
use crate::identity::customer::FreshProof;
use crate::identity::directory::secret_place;
use crate::identity::enrol::{Agreement, agree};
use crate::identity::jwk::{Jwk, Thumbprint};
use crate::identity::passkey::Purpose;
use crate::identity::rate::Network;
use crate::identity::session::{self, Opened};
use crate::identity::{passkeys_of, recovery};
use crate::rng::random_below;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

const NAME_CHARACTERS: std::ops::RangeInclusive<usize> = 1..=64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Finish {
    signup_id: String,
    credential: RegisterPublicKeyCredential,
    device: Phone,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Phone {
    name: String,
    sign_key: Jwk,
    agree_key: Jwk,
}

#[derive(Serialize)]
pub(in crate::identity) struct Finished {
    pub(super) customer_id: String,
    pub(super) device: Enrolled,
    pub(super) recovery_codes: Vec<String>,
    pub(super) session: Opened,
}

/// What the phone needs to make codes.
#[derive(Serialize)]
pub(in crate::identity) struct Enrolled {
    device_id: String,
    device_number: u32,
    prefix: String,
    server_agree_key: Jwk,
    salt: String,
}

/// A phone whose request was looked at and found sound.
pub(super) struct Checked {
    name: String,
    pub(super) thumbprint: Thumbprint,
    pub(super) agree_key: PublicKey,
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    network: Network,
    FreshProof(proof): FreshProof,
    Json(request): Json<Finish>,
) -> Result<impl IntoResponse> {
    let now = app.clock.now();
    let phone = check(&request.device)?;
    if phone.thumbprint != proof.thumbprint {
        return Err(Code::ProofFailed.into());
    }
    if let Some(finished) = again::finish(&app, &request.signup_id, &phone, &proof).await? {
        return Ok(answer(finished));
    }
    let signup = verified(&app.stores.registry, &request.signup_id, now).await?;
    let accepted =
        app.identity.passkeys.accept_registration(Purpose::Signup, &request.credential, now).await;
    let (opinion, passkey) = match accepted {
        Ok((subject, passkey)) if subject == request.signup_id => (Ok(()), Some(passkey)),
        Ok(_) | Err(Error::Refused(_)) => (Err(Code::ProofFailed), None),
        Err(fault) => return Err(fault),
    };
    let device_id = Kind::Device.random_text(app.rng.as_ref());
    let question = Question {
        act: Act::SignUp,
        customer: Some(&signup.customer_id),
        device: Some(&device_id),
        terminal: None,
        amount: None,
        admission: None,
        detail: &json!({ "ip": network.address(), "step": "passkey", "signup": request.signup_id }),
    };
    let _cleared = app.gate.decide(question, opinion).await?;
    let passkey = passkey.ok_or(Code::ProofFailed)?;
    let finished = create(&app, &request.signup_id, &signup, &passkey, device_id, &phone).await?;
    Ok(answer(finished))
}

fn answer(finished: Finished) -> impl IntoResponse {
    ([(header::SET_COOKIE, finished.session.cookie.clone())], Answer(finished))
}

fn check(device: &Phone) -> Result<Checked> {
    let name = device.name.trim();
    if !NAME_CHARACTERS.contains(&name.chars().count()) || name.contains(char::is_control) {
        return Err(Error::field("device.name", "out_of_range"));
    }
    let bad = |field: &str| Error::field(field, "malformed");
    device.sign_key.key().ok_or_else(|| bad("device.sign_key"))?;
    let agree_key = device.agree_key.key().ok_or_else(|| bad("device.agree_key"))?;
    if device.agree_key == device.sign_key {
        return Err(bad("device.agree_key")); // one key, one use
    }
    Ok(Checked { name: name.to_owned(), thumbprint: device.sign_key.thumbprint(), agree_key })
}

/// Writes the account. Two sign-ups of one number at once: the second finds the number taken.
async fn create(
    app: &App,
    signup_id: &str,
    signup: &Verified,
    passkey: &Passkey,
    device_id: String,
    phone: &Checked,
) -> Result<Finished> {
    let (now, customer_id) = (app.clock.now(), signup.customer_id.clone());
    let mut tx = app.stores.registry.begin().await?;
    let number = free_number(app, &mut tx).await?;
    let agreement = agree(app.rng.as_ref(), &phone.agree_key, number);
    let finish = sql(
        "UPDATE signup SET state = 'finished' WHERE signup_id = $1 AND state = 'phone_verified'",
    );
    if tx.execute(finish.bind(signup_id)).await? != 1 {
        return Err(Code::ProofFailed.into());
    }
    insert_customer(&mut tx, signup, now).await.map_err(taken)?;
    insert_passkey(&mut tx, &customer_id, passkey, &phone.name, now).await.map_err(taken)?;
    let device = Device { id: &device_id, number, phone, agreement: &agreement };
    insert_device(app, &mut tx, &customer_id, &device, now).await.map_err(taken)?;
    let recovery_codes = recovery::replace(&mut tx, app.rng.as_ref(), &customer_id, now).await?;
    let session = session::open(app, &mut tx, &customer_id, &device_id).await?;
    tx.commit().await?;
    let device = Enrolled::new(&app.config, device_id, number, agreement);
    Ok(Finished { customer_id, device, recovery_codes, session })
}

impl Enrolled {
    pub(super) fn new(
        config: &Config,
        id: String,
        number: DeviceNumber,
        agreement: Agreement,
    ) -> Self {
        Self {
            device_id: id,
            device_number: number.get(),
            prefix: config.code_prefix.clone(),
            server_agree_key: agreement.server_key,
            salt: URL_SAFE_NO_PAD.encode(agreement.salt),
        }
    }
}

/// The number, the passkey or the key belongs to an account already. The same answer as to a
/// wrong proof: it is all that a stranger may learn.
fn taken(error: Error) -> Error {
    match error {
        Error::Fault(source)
            if matches!(
                source.downcast_ref::<omamori_db::Error>(),
                Some(omamori_db::Error::UniqueViolation)
            ) =>
        {
            Code::ProofFailed.into()
        }
        other => other,
    }
}

/// Nine digits at random, so that a number tells nothing and most numbers are nobody's.
async fn free_number(app: &App, tx: &mut Tx) -> Result<DeviceNumber> {
    let numbers = u64::from(DeviceNumber::MAX.get()) + 1;
    loop {
        let number = u32::try_from(random_below(app.rng.as_ref(), numbers)).unwrap_or_default();
        let query = sql("SELECT device_number FROM device WHERE device_number = $1");
        if tx.optional(query.bind(i64::from(number))).await?.is_none()
            && let Some(number) = DeviceNumber::new(number)
        {
            return Ok(number);
        }
    }
}

async fn insert_customer(tx: &mut Tx, signup: &Verified, now: Micros) -> Result<()> {
    let insert = sql("INSERT INTO customer (customer_id, phone, status, language, wallet_account,
                               signin_failures, signin_locked_until, created_at)
         VALUES ($1, $2, 'active', $3, $4, CAST(0 AS BIGINT), CAST(0 AS BIGINT), $5)");
    let insert = insert.bind(&signup.customer_id).bind(signup.phone.as_str());
    let wallet_account = wallet_account_id(&signup.customer_id).to_be_bytes();
    tx.execute(insert.bind(signup.language.tag()).bind(wallet_account).bind(now)).await?;
    Ok(())
}

async fn insert_passkey(
    tx: &mut Tx,
    customer_id: &str,
    passkey: &Passkey,
    name: &str,
    now: Micros,
) -> Result<()> {
    let credential = serde_json::to_value(passkey)?;
    let insert = sql(
        "INSERT INTO passkey (credential_id, customer_id, credential, counter, name, created_at,
                              last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)",
    );
    let insert = insert.bind(passkey.cred_id().as_slice()).bind(customer_id);
    let counter = passkeys_of::counter(&credential);
    tx.execute(insert.bind(credential.to_string()).bind(counter).bind(name).bind(now)).await?;
    Ok(())
}

struct Device<'a> {
    id: &'a str,
    number: DeviceNumber,
    phone: &'a Checked,
    agreement: &'a Agreement,
}

async fn insert_device(
    app: &App,
    tx: &mut Tx,
    customer_id: &str,
    device: &Device<'_>,
    now: Micros,
) -> Result<()> {
    let place = secret_place(device.id);
    let sealed = app.vault.seal(app.rng.as_ref(), &place, device.agreement.secret.as_slice());
    let insert =
        sql("INSERT INTO device (device_id, device_number, customer_id, name, sign_key_thumbprint,
                             code_secret, state, enrolled_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'active', $7, $7)");
    let insert = insert.bind(device.id).bind(i64::from(device.number.get())).bind(customer_id);
    let insert = insert.bind(&*device.phone.name).bind(device.phone.thumbprint).bind(sealed);
    tx.execute(insert.bind(now)).await?;
    Ok(())
}
