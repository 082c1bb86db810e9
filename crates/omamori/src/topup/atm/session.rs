//! A session as the registry has it, and the number that leads to it.

use hmac::{Hmac, KeyInit, Mac};
use omamori_db::{Db, Row, sql};
use sha2::Sha256;

use crate::app::App;
use crate::clock::{HOUR, MINUTE, Micros};
use crate::id::{Kind, derive};
use crate::identity::guesses::{Guesses, Policy};
use crate::web::error::Result;

/// How long a number leads to its session.
pub const NUMBER_LIFE: Micros = 3 * MINUTE;
/// How long the ATM has to take the cash once its number was typed.
pub const CLAIM_LIFE: Micros = 5 * MINUTE;
/// Numbers have eight digits: with a handful open at a time, a guess hits one in millions.
const NUMBERS: u64 = 100_000_000;

/// Wrong numbers in a row of one customer.
const BY_CUSTOMER: Policy = Policy { allowed: 5, first_lock: 5 * MINUTE, longest_lock: 24 * HOUR };

/// Who guesses numbers: by the customer's account.
pub struct Numbers(pub Guesses<u128>);

impl Default for Numbers {
    fn default() -> Self {
        Self(Guesses::new(BY_CUSTOMER))
    }
}

/// Where a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its number is on the ATM's screen.
    Waiting,
    /// A customer has typed it.
    Claimed,
    /// The cash is balance.
    Loaded,
    /// The customer or the ATM called it off.
    Ended,
    /// Nobody did anything in time.
    Expired,
}

impl State {
    /// The word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Claimed => "claimed",
            Self::Loaded => "completed",
            Self::Ended => "ended",
            Self::Expired => "expired",
        }
    }
}

/// A session.
#[derive(Clone, Debug)]
pub struct Session {
    /// `ats_…`.
    pub session_id: String,
    /// `ter_…`.
    pub terminal_id: String,
    /// The ATM's own id of the top-up.
    pub merchant_topup_id: String,
    /// `cus_…`, once claimed.
    pub customer_id: Option<String>,
    /// `dev_…`, once claimed.
    pub device_id: Option<String>,
    /// Until when the number, or the claim, is good.
    pub expires_at: Micros,
    attempt: i64,
    ended: bool,
}

macro_rules! session_columns {
    () => {
        "session_id, terminal_id, merchant_topup_id, customer_id, device_id, attempt, expires_at, \
         ended_at"
    };
}
pub(super) use session_columns;

/// A row of the table.
///
/// # Errors
/// [`omamori_db::Error`].
pub fn read(row: &Row) -> omamori_db::Result<Session> {
    Ok(Session {
        session_id: row.text("session_id")?,
        terminal_id: row.text("terminal_id")?,
        merchant_topup_id: row.text("merchant_topup_id")?,
        customer_id: row.text_optional("customer_id")?,
        device_id: row.text_optional("device_id")?,
        attempt: row.int("attempt")?,
        expires_at: row.int("expires_at")?,
        ended: row.int_optional("ended_at")?.is_some(),
    })
}

/// The id of the session for a top-up.
pub fn id_of(merchant_id: &str, merchant_topup_id: &str) -> String {
    let parts = [merchant_id.as_bytes(), merchant_topup_id.as_bytes()];
    Kind::AtmSession.text(derive("atm-session", &parts))
}

/// The session with this id.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find(registry: &Db, session_id: &str) -> Result<Option<Session>> {
    let query =
        sql(concat!("SELECT ", session_columns!(), " FROM atm_session WHERE session_id = $1"));
    Ok(registry.optional(query.bind(session_id)).await?.as_ref().map(read).transpose()?)
}

impl Session {
    /// The id of the transfer that uses it up.
    pub fn authorization_id(&self) -> u128 {
        derive("atm-authorization", &[self.session_id.as_bytes()])
    }

    /// Where it is.
    ///
    /// # Errors
    /// A fault if a store fails.
    pub async fn state(&self, app: &App) -> Result<State> {
        if self.customer_id.is_some() && app.gate.transfer(self.authorization_id()).await?.is_some()
        {
            return Ok(State::Loaded);
        }
        Ok(match (self.ended, self.expires_at > app.clock.now(), &self.customer_id) {
            (true, ..) => State::Ended,
            (_, false, _) => State::Expired,
            (_, _, Some(_)) => State::Claimed,
            (_, _, None) => State::Waiting,
        })
    }

    /// The digits that the ATM shows.
    pub fn number(&self, app: &App) -> String {
        number(app, &self.session_id, self.attempt)
    }
}

/// The digits of a session: computed, so that they are kept nowhere.
pub fn number(app: &App, session_id: &str, attempt: i64) -> String {
    let code = mac(app, &[b"number", session_id.as_bytes(), &attempt.to_be_bytes()]);
    let head = code.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    format!("{:08}", head % NUMBERS)
}

/// What is kept of the digits.
pub fn number_hash(app: &App, digits: &str) -> [u8; 32] {
    mac(app, &[b"hash", digits.as_bytes()])
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn mac(app: &App, parts: &[&[u8]]) -> [u8; 32] {
    let key = app.vault.derive("atm numbers");
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_slice()).expect("any length");
    for part in parts {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
