//! Payouts that are in no file yet, and why. They are read in pages: however many cannot be paid,
//! those that can are reached.

use omamori_db::{Row, sql};
use omamori_zengin as zengin;

use super::bank;
use super::carry::at;
use super::payout::Payout;
use crate::app::App;
use crate::gate::Act;
use crate::web::error::Result;

/// What one line of a file for the bank can hold: ten digits.
pub const YEN_MAX: i64 = 9_999_999_999;

/// Why a payout is in no file yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// The merchant has no account, or a new one that is not used yet.
    Account,
    /// Staff hold the merchant's payouts.
    Held,
    /// It is more than one line of a file can hold: [`YEN_MAX`].
    TooLarge,
    /// The sealed account does not open, or no bank would take what is in it.
    Unreadable,
    /// The gate refused it.
    Refused,
}

impl Waiting {
    /// The word of texts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Held => "held",
            Self::TooLarge => "too_large",
            Self::Unreadable => "unreadable",
            Self::Refused => "refused",
        }
    }
}

/// A payout in no file, with the account that it would go to.
pub(super) struct Candidate {
    pub(super) payout: Payout,
    /// The instant of its statement, by which candidates are sorted.
    until_at: i64,
    /// The merchant's account, sealed, if it can be used now.
    sealed: Option<Vec<u8>>,
}

impl Candidate {
    fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            payout: Payout::of(row)?,
            until_at: row.int("until_at")?,
            sealed: row.bytes_optional("sealed")?,
        })
    }

    /// After which one to go on.
    pub(super) fn place(&self) -> (i64, String) {
        (self.until_at, self.payout.payout_id.clone())
    }
}

/// Candidates after a place, the oldest statements first.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn page(
    app: &App,
    (until_at, payout_id): &(i64, String),
    limit: i64,
) -> Result<Vec<Candidate>> {
    let query = sql("SELECT p.payout_id, p.merchant_id, s.closing_on, p.yen, p.file_id,
             f.sent_at, p.returned_at, s.until_at, a.sealed
         FROM payout p JOIN settlement s ON s.settlement_id = p.settlement_id
         LEFT JOIN payout_file f ON f.file_id = p.file_id
         LEFT JOIN payout_account a ON a.merchant_id = p.merchant_id AND a.usable_at <= $1
         WHERE p.file_id IS NULL AND (s.until_at > $2 OR (s.until_at = $2 AND p.payout_id > $3))
         ORDER BY s.until_at, p.payout_id LIMIT $4");
    let query = query.bind(app.clock.now()).bind(*until_at).bind(payout_id).bind(limit);
    app.stores.registry.all(query).await?.iter().map(Candidate::of).collect()
}

/// To which account it can be paid, or why it waits; asks and records nothing.
pub(super) fn look(app: &App, of: &Candidate) -> Result<(zengin::Account, zengin::Kana), Waiting> {
    let Some(sealed) = &of.sealed else { return Err(Waiting::Account) };
    if of.payout.yen > YEN_MAX {
        return Err(Waiting::TooLarge);
    }
    let merchant_id = of.payout.merchant_id.as_str();
    app.gate.open_door(Act::Payout, Some(&at(merchant_id)), None).map_err(|_| Waiting::Held)?;
    bank::opened(app, merchant_id, sealed).map_err(|_| {
        tracing::error!(merchant_id, "an account for payouts does not open");
        Waiting::Unreadable
    })
}

/// Payouts in no file, the oldest statements first, and why each one waits; nothing where it can go
/// into the next file.
///
/// # Errors
/// A fault if the registry fails.
pub async fn listed(app: &App, limit: i64) -> Result<Vec<(Payout, Option<Waiting>)>> {
    let found = page(app, &(0, String::new()), limit).await?;
    Ok(found.into_iter().map(|of| (look(app, &of).err(), of.payout)).map(|(w, p)| (p, w)).collect())
}

/// How many payouts are in no file, and their yen.
///
/// # Errors
/// A fault if the registry fails.
pub async fn total(app: &App) -> Result<(i64, i64)> {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS waiting,
             CAST(COALESCE(SUM(yen), 0) AS BIGINT) AS yen
         FROM payout WHERE file_id IS NULL");
    let row = app.stores.registry.one(query).await?;
    Ok((row.int("waiting")?, row.int("yen")?))
}
