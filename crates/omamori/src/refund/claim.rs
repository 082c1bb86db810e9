//! A claim: whose value is paid back, to which account, and how far it is.

use std::collections::HashMap;

use omamori_db::{Db, Row, Tx, sql, sql_built};
use omamori_zengin::{Account, Kana};
use serde::{Deserialize, Serialize};

use super::closing::{Ground, Reason};
use crate::app::App;
use crate::case::list::is_looked_into;
use crate::clock::Micros;
use crate::id::Kind;
use crate::identity::account;
use crate::settlement::bank::Bank;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Claims, or customers, of one statement.
pub(super) const AT_ONCE: usize = 500;

/// Where a claim stands. Words of tables: only ever added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Written down; its value is being set aside.
    Asked,
    /// Staff look at it first.
    Review,
    /// For the next file.
    Waiting,
    /// In a file for the bank.
    InFile,
    /// The bank has taken it.
    Sent,
    /// The bank gave it back: another account is needed.
    Returned,
    /// Staff refuse it; its value is on its way back into the wallet.
    Refusing,
    /// Its value is balance again.
    Refused,
}

impl State {
    const ALL: [Self; 8] = [
        Self::Asked,
        Self::Review,
        Self::Waiting,
        Self::InFile,
        Self::Sent,
        Self::Returned,
        Self::Refusing,
        Self::Refused,
    ];

    /// The word of tables and texts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Review => "review",
            Self::Waiting => "waiting",
            Self::InFile => "in_file",
            Self::Sent => "sent",
            Self::Returned => "returned",
            Self::Refusing => "refusing",
            Self::Refused => "refused",
        }
    }

    fn of(word: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == word);
        found.ok_or(Error::fault("a claim's state is none"))
    }

    /// Whether its account may be changed.
    #[must_use]
    pub const fn takes_account(self) -> bool {
        matches!(self, Self::Review | Self::Waiting | Self::Returned)
    }
}

/// Why value is paid back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The service ends (法20条1項).
    ServiceEnd,
    /// The account closes (府令42条), for this reason.
    Closing(Reason),
}

/// A claim.
#[derive(Clone, Debug)]
pub struct Claim {
    /// `rcl_…`.
    pub claim_id: String,
    /// `cus_…`.
    pub customer_id: String,
    /// Why.
    pub basis: Basis,
    /// Of a closing: on what ground two people agreed last.
    pub ground: Option<Ground>,
    /// Where it stands.
    pub state: State,
    /// Yen set aside; 0 until it is.
    pub yen: i64,
    /// The end of the account's number.
    pub last_digits: String,
    /// `customer`, `stf_…`, or `later`: it follows from an earlier one.
    pub asked_by: String,
    /// When.
    pub asked_at: Micros,
    /// When the account was told or changed.
    pub account_at: Micros,
    /// Whether somebody of the staff has let it be paid since.
    pub is_released: bool,
    /// Why it was refused, for the customer.
    pub reason: String,
    /// In which file.
    pub file_id: Option<String>,
    /// When the bank took it.
    pub sent_at: Option<Micros>,
    /// Since when it stands where it stands.
    pub state_at: Micros,
}

impl Claim {
    fn read(row: &Row) -> Result<Self> {
        let basis = match row.text_optional("closing_reason")? {
            None => Basis::ServiceEnd,
            Some(word) => Basis::Closing(Reason::parse(&word).ok_or(unknown())?),
        };
        let ground = row.text_optional("ground")?;
        let ground = ground.map(|word| Ground::parse(&word).ok_or(unknown())).transpose()?;
        Ok(Self {
            claim_id: row.text("claim_id")?,
            customer_id: row.text("customer_id")?,
            basis,
            ground,
            state: State::of(&row.text("state")?)?,
            yen: row.int("yen")?,
            last_digits: row.text("last_digits")?,
            asked_by: row.text("asked_by")?,
            asked_at: row.int("asked_at")?,
            account_at: row.int("account_at")?,
            is_released: row.text_optional("decided_by")?.is_some(),
            reason: row.text("reason")?,
            file_id: row.text_optional("file_id")?,
            sent_at: row.int_optional("sent_at")?,
            state_at: row.int("state_at")?,
        })
    }

    /// Why the account closes, if it does.
    #[must_use]
    pub const fn closing_reason(&self) -> Option<Reason> {
        match self.basis {
            Basis::ServiceEnd => None,
            Basis::Closing(reason) => Some(reason),
        }
    }

    /// Whether the customer took it back: who refuses says why.
    #[must_use]
    pub fn is_taken_back(&self) -> bool {
        let is_over = matches!(self.state, State::Refusing | State::Refused);
        self.is_of_closing() && is_over && self.reason.is_empty()
    }

    /// Whether it is one of an account that closes.
    #[must_use]
    pub const fn is_of_closing(&self) -> bool {
        matches!(self.basis, Basis::Closing(_))
    }

    /// The id of the transfer that sets its value aside.
    ///
    /// # Errors
    /// A fault: the claim's id is none.
    pub fn number(&self) -> Result<u128> {
        Kind::RefundClaim.parse(&self.claim_id).ok_or(Error::fault("a claim's id is none"))
    }
}

fn unknown() -> Error {
    Error::fault("why a claim is paid is no known word")
}

macro_rules! claim_columns {
    () => {
        "claim_id, customer_id, state, yen, last_digits, asked_by, asked_at, account_at, reason, \
         decided_by, file_id, sent_at, state_at, closing_reason, ground"
    };
}

/// What a new claim is made on.
pub(super) enum Made<'a> {
    /// This end of the service.
    Of(&'a str),
    /// The closing of the account.
    Closing(Reason),
}

/// A claim to be written down.
pub(super) struct New<'a> {
    pub customer_id: &'a str,
    pub made: Made<'a>,
    pub bank: &'a Bank,
    pub asked_by: &'a str,
}

fn place(claim_id: &str) -> String {
    format!("refund_claim.sealed/{claim_id}")
}

fn sealed(app: &App, claim_id: &str, bank: &Bank) -> Result<Vec<u8>> {
    let plain = serde_json::to_vec(bank)?;
    Ok(app.vault.seal(app.rng.as_ref(), &place(claim_id), &plain))
}

/// Writes a claim down. Of one customer one at a time is being set aside.
///
/// # Errors
/// [`Code::RefundUnderWay`]: there is such a one; a fault.
pub(super) async fn insert(app: &App, tx: &mut Tx, new: &New<'_>) -> Result<Claim> {
    let claim_id = Kind::RefundClaim.random_text(app.rng.as_ref());
    let now = app.clock.now();
    let (word, end_id, basis) = match new.made {
        Made::Of(end_id) => ("service_end", Some(end_id), Basis::ServiceEnd),
        Made::Closing(reason) => ("closing", None, Basis::Closing(reason)),
    };
    let insert = sql("INSERT INTO refund_claim (claim_id, customer_id, basis, end_id,
             closing_reason, state, yen, sealed, last_digits, asked_by, asked_at, account_at,
             reason, state_at)
         VALUES ($1, $2, $3, $4, $5, 'asked', CAST(0 AS BIGINT), $6, $7, $8, $9, $9, '', $9)");
    let insert = insert.bind(&claim_id).bind(new.customer_id).bind(word).bind(end_id);
    let reason = match new.made {
        Made::Of(_) => None,
        Made::Closing(reason) => Some(reason.as_str()),
    };
    let insert = insert.bind(reason).bind(sealed(app, &claim_id, new.bank)?);
    let insert = insert.bind(new.bank.last_digits()).bind(new.asked_by);
    tx.execute(insert.bind(now)).await.map_err(|error| match error {
        omamori_db::Error::UniqueViolation => Error::from(Code::RefundUnderWay),
        fault => fault.into(),
    })?;
    Ok(Claim {
        claim_id,
        customer_id: new.customer_id.to_owned(),
        basis,
        ground: None,
        state: State::Asked,
        yen: 0,
        last_digits: new.bank.last_digits().to_owned(),
        asked_by: new.asked_by.to_owned(),
        asked_at: now,
        account_at: now,
        is_released: false,
        reason: String::new(),
        file_id: None,
        sent_at: None,
        state_at: now,
    })
}

/// Another account for a claim that is not being paid: one that came back waits for the next file
/// again. Written down for staff to look at, if `state` says so.
///
/// # Errors
/// [`Code::RefundUnderWay`]: it is in a file, or was paid; a fault.
pub(super) async fn set_account(
    app: &App,
    tx: &mut Tx,
    claim: &Claim,
    bank: &Bank,
    (state, by): (State, &str),
) -> Result<()> {
    let update = sql("UPDATE refund_claim
         SET sealed = $1, last_digits = $2, account_at = $3, state_at = $3, reason = '',
             decided_by = NULL,
             state = CASE WHEN state = 'review' THEN 'review' ELSE $4 END,
             asked_by = CASE WHEN $5 = 'customer' THEN asked_by ELSE $5 END
         WHERE claim_id = $6 AND state IN ('review', 'waiting', 'returned')");
    let update = update.bind(sealed(app, &claim.claim_id, bank)?).bind(bank.last_digits());
    let update = update.bind(app.clock.now()).bind(state.as_str()).bind(by);
    match tx.execute(update.bind(&claim.claim_id)).await? {
        1 => Ok(()),
        _ => Err(Code::RefundUnderWay.into()),
    }
}

/// To which account a claim is paid.
///
/// # Errors
/// A fault if the registry fails or the sealed account does not open.
pub(super) async fn bank(app: &App, claim_id: &str) -> Result<Bank> {
    let query = sql("SELECT sealed FROM refund_claim WHERE claim_id = $1").bind(claim_id);
    opened(app, claim_id, &app.stores.registry.one(query).await?.bytes("sealed")?)
}

fn opened(app: &App, claim_id: &str, sealed: &[u8]) -> Result<Bank> {
    let opened = app.vault.open(&place(claim_id), sealed);
    let opened = opened.map_err(|_| Error::fault("the account of a claim does not open"))?;
    Ok(serde_json::from_slice(&opened)?)
}

/// To which accounts claims are paid, as the file to the bank has them, in their order: one query
/// for each few hundred.
pub(super) async fn accounts(app: &App, claims: &[Claim]) -> Result<Vec<(Account, Kana)>> {
    let mut accounts = Vec::with_capacity(claims.len());
    for some in claims.chunks(AT_ONCE) {
        let marks: Vec<_> = (1..=some.len()).map(|place| format!("${place}")).collect();
        let mut query = sql_built(format!(
            "SELECT claim_id, sealed FROM refund_claim WHERE claim_id IN ({})",
            marks.join(", ")
        ));
        for claim in some {
            query.push(claim.claim_id.as_str());
        }
        let mut sealed = HashMap::with_capacity(some.len());
        for row in app.stores.registry.all(query).await? {
            sealed.insert(row.text("claim_id")?, row.bytes("sealed")?);
        }
        for claim in some {
            let sealed = sealed.remove(&claim.claim_id);
            let sealed = sealed.ok_or(Error::fault("a claim has no account"))?;
            accounts.push(opened(app, &claim.claim_id, &sealed)?.account()?);
        }
    }
    Ok(accounts)
}

/// The claim with this id.
///
/// # Errors
/// [`Code::NotFound`]; a fault.
pub async fn find(registry: &Db, claim_id: &str) -> Result<Claim> {
    let query = sql(concat!("SELECT ", claim_columns!(), " FROM refund_claim WHERE claim_id = $1"));
    Claim::read(&registry.optional(query.bind(claim_id)).await?.ok_or(Code::NotFound)?)
}

/// The claims of a customer, the newest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn of_customer(registry: &Db, customer_id: &str) -> Result<Vec<Claim>> {
    let query = sql(concat!(
        "SELECT ",
        claim_columns!(),
        " FROM refund_claim WHERE customer_id = $1
         ORDER BY asked_at DESC, claim_id LIMIT CAST(100 AS BIGINT)"
    ));
    registry.all(query.bind(customer_id)).await?.iter().map(Claim::read).collect()
}

/// The oldest claims in a state.
///
/// # Errors
/// A fault if the registry fails.
pub async fn in_state(registry: &Db, state: State, limit: i64) -> Result<Vec<Claim>> {
    let query = sql(concat!(
        "SELECT ",
        claim_columns!(),
        " FROM refund_claim WHERE state = $1 ORDER BY asked_at, claim_id LIMIT $2"
    ));
    registry.all(query.bind(state.as_str()).bind(limit)).await?.iter().map(Claim::read).collect()
}

/// The claims in a file that was not sent.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn in_file(registry: &Db, file_id: &str) -> Result<Vec<Claim>> {
    let query = sql(concat!(
        "SELECT ",
        claim_columns!(),
        " FROM refund_claim WHERE file_id = $1 AND state = 'in_file' ORDER BY claim_id"
    ));
    registry.all(query.bind(file_id)).await?.iter().map(Claim::read).collect()
}

/// The oldest claims that staff look at: of accounts that close, or of the service's end.
///
/// # Errors
/// A fault if the registry fails.
pub async fn in_review(registry: &Db, of_closing: bool, limit: i64) -> Result<Vec<Claim>> {
    let query = sql(concat!(
        "SELECT ",
        claim_columns!(),
        " FROM refund_claim WHERE state = 'review' AND basis = $1
         ORDER BY asked_at, claim_id LIMIT $2"
    ));
    let basis = if of_closing { "closing" } else { "service_end" };
    registry.all(query.bind(basis).bind(limit)).await?.iter().map(Claim::read).collect()
}

/// How many claims are for the next file, and their yen.
///
/// # Errors
/// A fault if the registry fails.
pub async fn waiting(registry: &Db) -> Result<(i64, i64)> {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n,
             CAST(COALESCE(SUM(yen), 0) AS BIGINT) AS yen
         FROM refund_claim WHERE state = 'waiting'");
    let row = registry.one(query).await?;
    Ok((row.int("n")?, row.int("yen")?))
}

/// How many claims of the service's end are in each state, and their yen.
///
/// # Errors
/// A fault if the registry fails.
pub async fn counts(registry: &Db) -> Result<Vec<(State, i64, i64)>> {
    let query = sql("SELECT state, CAST(COUNT(*) AS BIGINT) AS n,
             CAST(COALESCE(SUM(yen), 0) AS BIGINT) AS yen
         FROM refund_claim WHERE basis = 'service_end' GROUP BY state");
    let mut found = Vec::new();
    for row in registry.all(query).await? {
        found.push((State::of(&row.text("state")?)?, row.int("n")?, row.int("yen")?));
    }
    Ok(found)
}

/// Whether staff look at a customer's claim before it is paid: the account is stopped, a case about
/// them is open, they are in an open incident, or a hold stands.
///
/// # Errors
/// A fault if the registry fails.
pub async fn needs_review(registry: &Db, customer_id: &str, now: Micros) -> Result<bool> {
    let is_stopped = account::find(registry, customer_id).await?.frozen;
    Ok(is_stopped || is_looked_into(registry, customer_id, now).await?)
}

/// Everybody with a claim of the service's end that was not refused.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn claimants(registry: &Db) -> Result<Vec<String>> {
    let query = sql("SELECT DISTINCT customer_id FROM refund_claim
         WHERE basis = 'service_end' AND state NOT IN ('asked', 'refusing', 'refused')
         ORDER BY customer_id");
    let rows = registry.all(query).await?;
    let ids: omamori_db::Result<Vec<_>> = rows.iter().map(|row| row.text("customer_id")).collect();
    Ok(ids?)
}

/// Whether a customer has a claim that is not paid yet.
///
/// # Errors
/// A fault if the registry fails.
pub async fn is_open(registry: &Db, customer_id: &str) -> Result<bool> {
    let query = sql("SELECT claim_id FROM refund_claim
         WHERE customer_id = $1 AND state NOT IN ('sent', 'refused') LIMIT CAST(1 AS BIGINT)");
    Ok(registry.optional(query.bind(customer_id)).await?.is_some())
}
