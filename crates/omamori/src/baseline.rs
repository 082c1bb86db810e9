//! The service as 7pay was in July 2019: the switches that take away the controls it lacked, so
//! that `omamori drill july-2019` has something to compare with.
//!
//! All of them are the one compile-time feature `baseline-2019`. It is in no release: there it
//! does not compile. What is built with it says so on each page and listens on this machine alone.
//! Off, which it is unless somebody asks for it by name, each switch is the constant `false`, and
//! nothing of this is in the program. A test counts the places that ask
//! (`tests/it/census/baseline.rs`).

use std::io;
use std::net::SocketAddr;

use omamori_db::{Db, sql};

use crate::gate::limits::Limits;
use crate::identity::Phone;
use crate::web::error::Result;

#[cfg(all(feature = "baseline-2019", not(debug_assertions)))]
compile_error!("baseline-2019 takes controls away: it is for the drill, never for a release");

/// Whether this is the baseline.
pub const IS_ON: bool = cfg!(feature = "baseline-2019");

/// Any phone may sign in to any account, and the password is enough.
pub(crate) const ANY_PHONE_SIGNS_IN: bool = IS_ON;
/// A second phone takes an account over with the password, without the code of an SMS, and may at
/// once do what the first one did.
pub(crate) const ANY_PHONE_TAKES_OVER: bool = IS_ON;
/// A reset goes to any address, for a birth date that everybody has; a user's id and the two digits
/// of a provider are a sign-in.
pub(crate) const RESET_AND_EXTERNAL_HOLES: bool = IS_ON;
/// Nobody confirms a top-up by card.
pub(crate) const CARD_UNCONFIRMED: bool = IS_ON;
/// No risk rule is asked.
pub(crate) const NO_RISK_RULES: bool = IS_ON;
/// Wrong sign-ins are not looked at together.
pub(crate) const NO_WATCH: bool = IS_ON;

/// In yen; more than anybody pays.
const NO_LIMIT: i64 = 100_000_000;

/// The limits that hold: as they are, or as 7pay had them (¥300,000 of top-ups a day, none known
/// for payments or for a new phone).
#[must_use]
pub(crate) fn limits(usual: Limits) -> Limits {
    if !IS_ON {
        return usual;
    }
    Limits {
        topup_24h: 300_000,
        topup_card_24h: 300_000,
        topup_card_30d: NO_LIMIT,
        payment_24h: NO_LIMIT,
        payment_30d: NO_LIMIT,
        payment_first_day: NO_LIMIT,
        ..usual
    }
}

/// Whether the service may listen there.
///
/// # Errors
/// The baseline, at an address that others reach.
pub(crate) fn may_listen(address: SocketAddr) -> io::Result<()> {
    if IS_ON && !address.ip().is_loopback() {
        return Err(io::Error::other("baseline-2019 listens on this machine alone"));
    }
    Ok(())
}

/// The key of the phone that a number is bound to, as if whoever asks had it.
///
/// # Errors
/// A fault if the registry fails.
pub(crate) async fn key_of(registry: &Db, number: &Phone) -> Result<Option<[u8; 32]>> {
    let query = sql("SELECT d.sign_key_thumbprint
         FROM device d JOIN customer c ON c.customer_id = d.customer_id
         WHERE c.phone = $1 AND d.state = 'active'");
    let row = registry.optional(query.bind(number.as_str())).await?;
    Ok(row.map(|row| row.array("sign_key_thumbprint")).transpose()?)
}
