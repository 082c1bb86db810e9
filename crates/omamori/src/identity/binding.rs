//! Binding a phone to an account: what sign-up, a move and a recovery have in common.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omamori_db::{Row, Tx, sql};
use omamori_paycode::code::DeviceNumber;
use p256::PublicKey;
use serde::{Deserialize, Serialize};

use super::directory::secret_place;
use super::dpop::Proof;
use super::enrol::{Agreement, agree};
use super::jwk::{Jwk, Thumbprint};
use super::session::{self, Opened, Strength};
use crate::app::App;
use crate::config::Config;
use crate::db::changes::{self, Subject};
use crate::rng::random_below;
use crate::secret::constant_time_eq;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::text::is_hidden;

const NAME_CHARACTERS: std::ops::RangeInclusive<usize> = 1..=64;

/// In the place of a code where none was sent: no six digits are equal to it.
const NO_CODE: &str = "------";

/// A phone as it introduces itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PhoneKeys {
    name: String,
    sign_key: Jwk,
    agree_key: Jwk,
}

/// A phone whose introduction was looked at and found sound.
pub(super) struct Checked {
    pub name: String,
    pub thumbprint: Thumbprint,
    pub agree_key: PublicKey,
}

/// What the phone needs to make codes.
#[derive(Serialize)]
pub(super) struct Enrolled {
    pub device_id: String,
    device_number: u32,
    prefix: String,
    server_agree_key: Jwk,
    salt: String,
}

impl PhoneKeys {
    /// The phone, if it is the one that made the proof.
    pub(super) fn check(&self, proof: &Proof) -> Result<Checked> {
        let name = sound_name(&self.name, "device.name")?;
        let bad = |field: &str| Error::field(field, "malformed");
        self.sign_key.key().ok_or_else(|| bad("device.sign_key"))?;
        let agree_key = self.agree_key.key().ok_or_else(|| bad("device.agree_key"))?;
        if self.agree_key == self.sign_key {
            return Err(bad("device.agree_key")); // one key, one use
        }
        let thumbprint = self.sign_key.thumbprint();
        if thumbprint != proof.thumbprint {
            return Err(Code::ProofFailed.into());
        }
        Ok(Checked { name, thumbprint, agree_key })
    }
}

/// The name of a phone, as people type it.
pub(super) fn sound_name(typed: &str, field: &str) -> Result<String> {
    let name = typed.trim();
    if !NAME_CHARACTERS.contains(&name.chars().count()) || name.contains(is_hidden) {
        return Err(Error::field(field, "out_of_range"));
    }
    Ok(name.to_owned())
}

impl Enrolled {
    fn new(config: &Config, id: String, number: DeviceNumber, agreement: Agreement) -> Self {
        Self {
            device_id: id,
            device_number: number.get(),
            prefix: config.code_prefix.clone(),
            server_agree_key: agreement.server_key,
            salt: URL_SAFE_NO_PAD.encode(agreement.salt),
        }
    }
}

/// Makes `phone` the one that pays, from now on. The customer must have no other one: a unique
/// index refuses a second.
pub(super) async fn bind(
    app: &App,
    tx: &mut Tx,
    customer_id: &str,
    device_id: String,
    phone: &Checked,
) -> Result<Enrolled> {
    let number = free_number(app, tx).await?;
    let agreement = agree(app.rng.as_ref(), &phone.agree_key, number);
    let place = secret_place(&device_id);
    let sealed = app.vault.seal(app.rng.as_ref(), &place, agreement.secret.as_slice());
    let insert =
        sql("INSERT INTO device (device_id, device_number, customer_id, name, sign_key_thumbprint,
                             code_secret, state, enrolled_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'active', $7, $7)");
    let insert = insert.bind(&device_id).bind(i64::from(number.get())).bind(customer_id);
    let insert = insert.bind(&*phone.name).bind(phone.thumbprint).bind(sealed);
    tx.execute(insert.bind(app.clock.now())).await?;
    app.identity.directory.know(&phone.thumbprint);
    Ok(Enrolled::new(&app.config, device_id, number, agreement))
}

/// A phone that introduced itself in an earlier request, as the tables of what is under way keep
/// it.
pub(super) fn kept(row: &Row) -> Result<Checked> {
    let agree_key = PublicKey::from_sec1_bytes(&row.bytes("agree_key")?)
        .map_err(|_| Error::fault("the key of a phone in the registry is none"))?;
    let thumbprint = row.array("sign_key_thumbprint")?;
    Ok(Checked { name: row.text("name")?, thumbprint, agree_key })
}

/// Six digits to be sent, and as a table keeps them at `place`. Where nothing is sent, what is kept
/// is equal to no six digits.
pub(super) fn new_code(app: &App, place: &str, is_sent: bool) -> (String, Vec<u8>) {
    let code = format!("{:06}", random_below(app.rng.as_ref(), 1_000_000));
    let kept = if is_sent { &*code } else { NO_CODE };
    let sealed = app.vault.seal(app.rng.as_ref(), place, kept.as_bytes());
    (code, sealed)
}

/// Whether `typed` is the code that is kept at `place`. A try must have been used up before.
pub(super) fn is_code(app: &App, place: &str, kept: &[u8], typed: &str) -> Result<bool> {
    Ok(constant_time_eq(&app.vault.open(place, kept)?, typed.as_bytes()))
}

/// The answer of a finish once more, for the phone that it got lost on the way to: a new secret
/// and a new session. What the lost answer held works no more.
pub(super) async fn again(
    app: &App,
    tx: &mut Tx,
    customer_id: &str,
    phone: &Checked,
    strength: Strength,
) -> Result<(Enrolled, Opened)> {
    let query = sql("SELECT device_id, device_number FROM device
         WHERE customer_id = $1 AND sign_key_thumbprint = $2 AND state = 'active'");
    let row = tx.optional(query.bind(customer_id).bind(phone.thumbprint)).await?;
    let row = row.ok_or(Code::ProofFailed)?;
    let device_id = row.text("device_id")?;
    let number = u32::try_from(row.int("device_number")?).ok().and_then(DeviceNumber::new);
    let number = number.ok_or_else(|| Error::fault("a device number has more than nine digits"))?;
    let agreement = agree(app.rng.as_ref(), &phone.agree_key, number);
    let place = secret_place(&device_id);
    let sealed = app.vault.seal(app.rng.as_ref(), &place, agreement.secret.as_slice());
    let update = sql("UPDATE device SET code_secret = $1 WHERE device_id = $2");
    tx.execute(update.bind(sealed).bind(&device_id)).await?;
    let lost = sql("DELETE FROM session WHERE device_id = $1");
    tx.execute(lost.bind(&device_id)).await?;
    changes::note(app, tx, Subject::Device(number)).await?;
    let session = session::open(app, tx, customer_id, &device_id, strength).await?;
    Ok((Enrolled::new(&app.config, device_id, number, agreement), session))
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

/// The number, the passkey or the key belongs to an account already, or another request was
/// faster. The same answer as to a wrong proof: it is all that a stranger may learn.
pub(super) fn taken(error: Error) -> Error {
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
