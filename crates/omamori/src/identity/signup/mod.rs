//! Sign-up: phone number → SMS code → passkey, or password and authenticator app → bound phone →
//! recovery codes. One file a step.
//!
//! To whoever starts it, a number with an account looks like any other; only the SMS, which goes
//! to the number's holder, says otherwise, and has no code in it. So sign-up can neither find out
//! about an account nor take it over.

pub(super) mod again;
pub(super) mod finish;
pub(super) mod options;
pub(super) mod password;
pub(super) mod start;
pub(super) mod verify;

use omamori_db::{Db, sql};

use super::phone::Phone;
use super::rate::Network;
use super::totp;
use crate::app::App;
use crate::clock::{MINUTE, Micros};
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::text::Lang;

/// How long the SMS code lives (NIST SP 800-63B-4 §3.1.3.2: at most ten minutes), and how long
/// the passkey may then take.
const STEP_LIFE: Micros = 10 * MINUTE;
/// Wrong codes that one SMS allows: a chance of 5 in a million.
const TRIES: i64 = 5;

/// A sign-up whose phone number is verified.
pub(super) struct Verified {
    pub phone: Phone,
    language: Lang,
    customer_id: String,
}

/// The sign-up with this id, if its number is verified and its time not over.
pub(super) async fn verified(registry: &Db, signup_id: &str, now: Micros) -> Result<Verified> {
    let query = sql("SELECT phone, language, customer_id FROM signup
         WHERE signup_id = $1 AND state = 'phone_verified' AND expires_at > $2");
    let query = query.bind(signup_id).bind(now);
    let row = registry.optional(query).await?.ok_or(Code::ProofFailed)?;
    Ok(Verified {
        phone: Phone::stored(row.text("phone")?),
        language: Lang::parse(&row.text("language")?).unwrap_or_default(),
        customer_id: row.text("customer_id")?,
    })
}

/// The last look of the two ways that need an authenticator app: is the code one of the secret that
/// was offered to this sign-up? Gives the id that the phone will have.
pub(super) async fn app_shown(
    app: &App,
    network: Network,
    (signup_id, signup): (&str, &Verified),
    code: totp::Code,
    step: &'static str,
) -> Result<(String, totp::Verified)> {
    let totp = totp::verified(app, signup_id, code).await?;
    let opinion = totp.as_ref().map(|_| ()).ok_or(Code::ProofFailed);
    let device_id = finish::ask(app, network, (step, signup_id, signup), opinion).await?;
    Ok((device_id, totp.ok_or(Code::ProofFailed)?))
}

/// Where the sealed SMS code lives: part of what the seal authenticates.
fn code_place(signup_id: &str) -> String {
    format!("signup.code/{signup_id}")
}
