//! The end of the service: announced by two people, called off by two as long as use goes on.

use jiff::ToSpan;
use jiff::civil::Date;
use omamori_db::{Db, Row, Tx, sql};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app::App;
use crate::clock::Micros;
use crate::db::changes::{self, Subject};
use crate::id::Kind;
use crate::law::base::day_end;
use crate::merchant::notice::{MerchantNotice, tell_all};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::japan;

/// The least that holders have to claim, in days (法20条2項: 60日を下らない一定の期間). The day of the
/// notice, and that on which use ends, are not counted: all of them are whole days in which a
/// claim can be made.
pub const CLAIM_DAYS: i32 = 60;
const CONTACT_CHARACTERS: usize = 300;

/// What is to be announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// From here on nothing is topped up or paid: microseconds.
    pub ends_at: Micros,
    /// The day of the public notice in Japan, `2026-12-01`.
    pub noticed_on: String,
    /// The last day of claims in Japan.
    pub last_day: String,
    /// Whom to ask about refunds: office and telephone, as the notice says it (府令41条).
    pub contact: String,
}

fn day(text: &str, field: &'static str) -> Result<Date> {
    text.parse().map_err(|_| Error::field(field, "malformed"))
}

impl Plan {
    /// Whether it keeps the law and makes sense at an instant.
    ///
    /// # Errors
    /// The field that is wrong.
    pub fn check(&self, now: Micros) -> Result<()> {
        let out = |field: &'static str| Error::field(field, "out_of_range");
        let (noticed_on, last_day) =
            (day(&self.noticed_on, "noticed_on")?, day(&self.last_day, "last_day")?);
        if self.ends_at <= now {
            return Err(out("ends_at"));
        }
        // Who reads the notice on its day reads that use goes on, or ends just then.
        let end_day = japan(self.ends_at).date();
        if noticed_on < japan(now).date() || noticed_on > end_day {
            return Err(out("noticed_on"));
        }
        let first = noticed_on.max(end_day).checked_add(CLAIM_DAYS.days());
        if first.map_or(true, |least| last_day < least) {
            return Err(out("last_day"));
        }
        if self.contact.trim().is_empty() {
            return Err(Error::field("contact", "missing"));
        }
        if self.contact.chars().count() > CONTACT_CHARACTERS {
            return Err(Error::field("contact", "too_long"));
        }
        Ok(())
    }

    fn claims_until(&self) -> Result<Micros> {
        Ok(day_end(day(&self.last_day, "last_day")?).as_microsecond())
    }
}

/// An end of the service.
#[derive(Clone, Debug)]
pub struct ServiceEnd {
    /// `eos_…`.
    pub end_id: String,
    /// What was announced.
    pub plan: Plan,
    /// The first instant after the last day of claims.
    pub claims_until: Micros,
    /// `stf_…`, who asked for it.
    pub proposed_by: String,
    /// `stf_…`, who agreed.
    pub agreed_by: String,
    /// When.
    pub agreed_at: Micros,
    /// When all customers had been told.
    pub told_at: Option<Micros>,
    /// Who held paid value when use ended, and how much; once it was read.
    pub held: Option<(i64, i64)>,
}

impl ServiceEnd {
    fn read(row: &Row) -> Result<Self> {
        let held = (row.int_optional("end_holders")?, row.int_optional("end_yen")?);
        Ok(Self {
            end_id: row.text("end_id")?,
            plan: Plan {
                ends_at: row.int("ends_at")?,
                noticed_on: row.text("noticed_on")?,
                last_day: row.text("last_day")?,
                contact: row.text("contact")?,
            },
            claims_until: row.int("claims_until")?,
            proposed_by: row.text("proposed_by")?,
            agreed_by: row.text("agreed_by")?,
            agreed_at: row.int("agreed_at")?,
            told_at: row.int_optional("told_at")?,
            held: held.0.zip(held.1),
        })
    }

    /// Whether refunds are claimed at an instant.
    #[must_use]
    pub const fn takes_claims(&self, now: Micros) -> bool {
        self.plan.ends_at <= now && now < self.claims_until
    }

    /// Whether use has ended.
    #[must_use]
    pub const fn has_ended(&self, now: Micros) -> bool {
        self.plan.ends_at <= now
    }

    /// Whether the time to claim is over.
    #[must_use]
    pub const fn is_over(&self, now: Micros) -> bool {
        self.claims_until <= now
    }
}

/// The end that was announced and not called off.
///
/// # Errors
/// A fault if the registry fails.
pub async fn standing(registry: &Db) -> Result<Option<ServiceEnd>> {
    let query = sql("SELECT end_id, ends_at, noticed_on, last_day, contact, claims_until,
             proposed_by, agreed_by, agreed_at, told_at, end_holders, end_yen
         FROM service_end WHERE state = 'announced'");
    registry.optional(query).await?.as_ref().map(ServiceEnd::read).transpose()
}

/// Announces an end, in the transaction that uses the approval up; `agreed` are the two who want
/// it.
///
/// # Errors
/// [`Code::ServiceEndStands`]; a day that is not as it must be any more; a fault.
pub(crate) async fn announce_in(
    app: &App,
    tx: &mut Tx,
    plan: &Plan,
    agreed: [&str; 2],
) -> Result<(String, Value)> {
    let now = app.clock.now();
    plan.check(now)?;
    let end_id = Kind::ServiceEnd.random_text(app.rng.as_ref());
    let insert = sql("INSERT INTO service_end (end_id, state, ends_at, noticed_on, last_day,
             claims_until, contact, proposed_by, agreed_by, agreed_at, told_after, reminded_after)
         VALUES ($1, 'announced', $2, $3, $4, $5, $6, $7, $8, $9, '', '')");
    let insert = insert.bind(&end_id).bind(plan.ends_at).bind(&plan.noticed_on);
    let insert = insert.bind(&plan.last_day).bind(plan.claims_until()?).bind(plan.contact.trim());
    let insert = insert.bind(agreed[0]).bind(agreed[1]).bind(now);
    tx.execute(insert).await.map_err(|error| match error {
        omamori_db::Error::UniqueViolation => Error::from(Code::ServiceEndStands),
        fault => fault.into(),
    })?;
    changes::note(app, tx, Subject::Controls).await?;
    tell_all(app, tx, &MerchantNotice::ServiceEnds { ends_at: plan.ends_at }).await?;
    tracing::warn!(end_id, "the end of the service is announced");
    Ok((end_id, json!({ "state": "announced", "plan": plan })))
}

/// Calls an end off, in the transaction that uses the approval up.
///
/// # Errors
/// [`Code::ServiceEndStands`]: use has ended, or it was called off already; a fault.
pub(crate) async fn call_off_in(app: &App, tx: &mut Tx, end_id: &str) -> Result<Value> {
    let now = app.clock.now();
    let update = sql("UPDATE service_end SET state = 'canceled', canceled_at = $1,
             told_after = '', told_at = NULL
         WHERE end_id = $2 AND state = 'announced' AND ends_at > $1");
    if tx.execute(update.bind(now).bind(end_id)).await? != 1 {
        return Err(Code::ServiceEndStands.into());
    }
    changes::note(app, tx, Subject::Controls).await?;
    tell_all(app, tx, &MerchantNotice::ServiceStays {}).await?;
    tracing::warn!(end_id, "the end of the service is called off");
    Ok(json!({ "state": "canceled" }))
}
