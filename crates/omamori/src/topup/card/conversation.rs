//! A top-up by card as the registry has it: where the conversation with the gateway is. Never a
//! balance; what the money did is in the ledger.

use omamori_db::{Db, Row, sql};

use super::gateway::Reason;
use crate::clock::Micros;
use crate::web::error::{Error, Result};

/// Who started a top-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The customer.
    Customer,
    /// Their auto top-up.
    Auto,
}

impl Origin {
    /// The word of the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "card",
            Self::Auto => "auto",
        }
    }
}

/// Where a conversation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Its limits are being reserved; the gateway knows nothing that could charge.
    Asked,
    /// The gateway has a charge; whether the card has paid is not known.
    Opened {
        /// The gateway's.
        reference: String,
    },
    /// The card's bank waits for its holder.
    Challenge {
        /// The gateway's.
        reference: String,
    },
    /// The card has paid; it is not balance yet.
    Charged {
        /// The gateway's.
        reference: String,
    },
    /// The card will not pay; what was reserved is being released.
    Releasing(Reason),
    /// The card has paid; it goes back.
    Refunding {
        /// The gateway's.
        reference: String,
        /// Why.
        reason: Reason,
    },
    /// Balance.
    Credited,
    /// The card was not charged.
    Refused(Reason),
    /// The card was charged, and the money is on its way back.
    Refunded(Reason),
}

impl State {
    /// The word of the table.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Opened { .. } => "opened",
            Self::Challenge { .. } => "challenge",
            Self::Charged { .. } => "charged",
            Self::Releasing(_) => "releasing",
            Self::Refunding { .. } => "refunding",
            Self::Credited => "credited",
            Self::Refused(_) => "refused",
            Self::Refunded(_) => "refunded",
        }
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Credited | Self::Refused(_) | Self::Refunded(_))
    }

    /// Why it is not credited.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Releasing(reason)
            | Self::Refused(reason)
            | Self::Refunded(reason)
            | Self::Refunding { reason, .. } => Some(*reason),
            Self::Asked
            | Self::Opened { .. }
            | Self::Challenge { .. }
            | Self::Charged { .. }
            | Self::Credited => None,
        }
    }

    /// The gateway's reference, where the state needs it.
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        match self {
            Self::Opened { reference }
            | Self::Challenge { reference }
            | Self::Charged { reference }
            | Self::Refunding { reference, .. } => Some(reference),
            Self::Asked
            | Self::Releasing(_)
            | Self::Credited
            | Self::Refused(_)
            | Self::Refunded(_) => None,
        }
    }
}

/// A top-up by card.
#[derive(Clone, Debug)]
pub struct Topup {
    /// `top_…`.
    pub topup_id: String,
    /// `cus_…`.
    pub customer_id: String,
    /// `crd_…`.
    pub card_id: String,
    /// Who started it.
    pub origin: Origin,
    /// Yen.
    pub amount: i64,
    /// Where it is.
    pub state: State,
    /// How often it was claimed.
    pub attempts: i64,
    /// When it was asked for.
    pub created_at: Micros,
}

/// The columns of a [`Topup`].
macro_rules! topup_columns {
    () => {
        "topup_id, customer_id, card_id, kind, amount, state, reference, reason, attempts, created_at"
    };
}
pub(super) use topup_columns;

/// The top-up with this id.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find(registry: &Db, topup_id: &str) -> Result<Option<Topup>> {
    let query = sql(concat!("SELECT ", topup_columns!(), " FROM card_topup WHERE topup_id = $1"));
    registry.optional(query.bind(topup_id)).await?.as_ref().map(read).transpose()
}

/// A row of the table.
///
/// # Errors
/// A fault if it is not one that this program wrote.
pub fn read(row: &Row) -> Result<Topup> {
    let reference = || {
        let reference = row.text_optional("reference")?;
        reference.ok_or(Error::fault("a top-up by card lacks its reference"))
    };
    let reason = || {
        let reason = row.text_optional("reason")?.as_deref().and_then(Reason::parse);
        reason.ok_or(Error::fault("a top-up by card lacks its reason"))
    };
    let state = match row.text("state")?.as_str() {
        "asked" => State::Asked,
        "opened" => State::Opened { reference: reference()? },
        "challenge" => State::Challenge { reference: reference()? },
        "charged" => State::Charged { reference: reference()? },
        "releasing" => State::Releasing(reason()?),
        "refunding" => State::Refunding { reference: reference()?, reason: reason()? },
        "credited" => State::Credited,
        "refused" => State::Refused(reason()?),
        "refunded" => State::Refunded(reason()?),
        _ => return Err(Error::fault("a top-up by card is in no known state")),
    };
    let origin = match row.text("kind")?.as_str() {
        "auto" => Origin::Auto,
        _ => Origin::Customer,
    };
    Ok(Topup {
        topup_id: row.text("topup_id")?,
        customer_id: row.text("customer_id")?,
        card_id: row.text("card_id")?,
        origin,
        amount: row.int("amount")?,
        state,
        attempts: row.int("attempts")?,
        created_at: row.int("created_at")?,
    })
}

/// Writes a new top-up, claimed by whoever writes it. False if it is there already.
///
/// # Errors
/// A fault if the registry fails.
pub async fn insert(registry: &Db, topup: &Topup) -> Result<bool> {
    let insert = sql("INSERT INTO card_topup (topup_id, customer_id, card_id, kind, amount, state,
             attempts, next_at, looked_at, created_at)
         VALUES ($1, $2, $3, $4, $5, 'asked', CAST(0 AS BIGINT), $6, $7, $7)");
    let insert = insert
        .bind(&topup.topup_id)
        .bind(&topup.customer_id)
        .bind(&topup.card_id)
        .bind(topup.origin.as_str())
        .bind(topup.amount)
        .bind(topup.created_at + super::CLAIM)
        .bind(topup.created_at);
    match registry.execute(insert).await {
        Ok(_) => Ok(true),
        Err(omamori_db::Error::UniqueViolation) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Takes back a top-up whose limits could not be reserved: nobody was asked anything.
///
/// # Errors
/// A fault if the registry fails.
pub async fn withdraw(registry: &Db, topup: &Topup) -> Result<()> {
    let delete = sql("DELETE FROM card_topup WHERE topup_id = $1 AND state = 'asked'");
    registry.execute(delete.bind(&topup.topup_id)).await?;
    Ok(())
}

/// Moves on from the state in which `topup` was read. False if somebody else was faster.
///
/// # Errors
/// A fault if the registry fails.
pub async fn advance(registry: &Db, topup: &mut Topup, to: State) -> Result<bool> {
    let update = sql("UPDATE card_topup
         SET state = $1, reference = COALESCE($2, reference), reason = COALESCE($3, reason)
         WHERE topup_id = $4 AND state = $5");
    let update = update
        .bind(to.word())
        .bind(to.reference())
        .bind(to.reason().map(Reason::as_str))
        .bind(&topup.topup_id)
        .bind(topup.state.word());
    let moved = registry.execute(update).await? == 1;
    if moved {
        topup.state = to;
    }
    Ok(moved)
}
