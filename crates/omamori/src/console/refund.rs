//! Giving a payment back in its merchant's place:
//! `POST /api/admin/v1/payments/{payment_id}/refund`.
//!
//! One person alone may give back so many yen in 24 hours (`desk.refund_alone_24h`), all payments
//! together, so that many small ones are no way around it; more takes two people. The act is in the
//! audit log before the money moves, and the refund's id is made of the caller's own key: who does
//! not know what became of it asks again.

use std::sync::Arc;

use axum::extract::{Path, State};
use omamori_db::{Query, Row, sql};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::access::{Refunder, Staff};
use super::approval::{self, Asked, Done, Proposal, checked_reason};
use super::payment::capture;
use crate::app::App;
use crate::audit::{self, Entry};
use crate::clock::{DAY, Micros};
use crate::gate::Act;
use crate::id::{Kind, derive};
use crate::pos::{self, Paid, RefundDetail, Reversal, SaleDetail, detail, is_id, reversals};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

/// What is to be given back.
pub(super) struct Wanted<'a> {
    /// `pay_…`.
    pub payment_id: &'a str,
    /// Yen.
    pub amount: i64,
    /// Makes the refund's id.
    pub key: &'a str,
}

impl Wanted<'_> {
    fn refund_id(&self) -> u128 {
        derive("staff-refund", &[self.payment_id.as_bytes(), self.key.as_bytes()])
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    amount: i64,
    reason: String,
    /// The page's own id of this refund: 1–64 of `A–Z a–z 0–9 . _ -`. A retry uses it again.
    key: String,
}

/// What became of the request.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Answer {
    /// It is given back.
    Refunded {
        /// `rfd_…`.
        refund_id: String,
    },
    /// It waits for a second person.
    Asked(Asked),
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    Refunder(staff): Refunder,
    Path(payment_id): Path<String>,
    Json(request): Json<Request>,
) -> Result<axum::Json<Answer>> {
    let reason = checked_reason(&request.reason)?;
    if request.amount < 1 {
        return Err(Error::field("amount", "out_of_range"));
    }
    if !is_id(&request.key) {
        return Err(Error::field("key", "malformed"));
    }
    let wanted = Wanted { payment_id: &payment_id, amount: request.amount, key: &request.key };
    let answer = match alone(&app, &staff, &wanted, reason).await? {
        true => {
            let refund = give(&app, &staff, &wanted, reason).await?;
            Answer::Refunded { refund_id: Kind::Refund.text(refund.id) }
        }
        false => {
            let Wanted { amount, .. } = wanted;
            let proposal = Proposal::Refund { payment_id, amount, key: request.key };
            Answer::Asked(approval::ask(&app, &staff, &proposal, reason).await?)
        }
    };
    Ok(axum::Json(answer))
}

/// Writes the act down if this person may do it alone; false if it takes two.
async fn alone(app: &App, staff: &Staff, wanted: &Wanted<'_>, reason: &str) -> Result<bool> {
    let Done { subject, before, after, .. } = match look(app, wanted).await {
        // What an earlier request like this one gave back may be all that was left.
        Err(_) if is_written(app, wanted).await? => return Ok(true),
        looked => looked?,
    };
    if is_written(app, wanted).await? {
        return Ok(true);
    }
    let room = app.config.desk.refund_alone_24h - wanted.amount;
    let since = app.clock.now() - DAY;
    let query = refunded_alone(staff, since);
    if yen(&app.stores.registry.all(query).await?)? > room {
        return Ok(false);
    }
    let (actor, act) = (&staff.actor, Act::StaffRefund);
    let clearance = actor.decide(app, act, None, &after, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    // Two requests of one person at once: the second one waits here and counts the first.
    let lock = sql("UPDATE staff SET name = name WHERE staff_id = $1").bind(&staff.staff_id);
    tx.execute(lock).await?;
    if is_this(tx.optional(written(wanted)).await?.as_ref(), wanted)? {
        return Ok(true);
    }
    if yen(&tx.all(refunded_alone(staff, since)).await?)? > room {
        return Ok(false);
    }
    let entry = Entry { actor, act, subject: &subject, before, after, reason };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(true)
}

/// Whether an entry for exactly this refund stands in the audit log.
async fn is_written(app: &App, wanted: &Wanted<'_>) -> Result<bool> {
    is_this(app.stores.registry.optional(written(wanted)).await?.as_ref(), wanted)
}

/// The entry with a refund's id.
fn written(wanted: &Wanted<'_>) -> Query {
    let query = sql("SELECT after_state FROM audit_entry
         WHERE subject = $1 AND act = 'staff_refund' LIMIT 1");
    query.bind(Kind::Refund.text(wanted.refund_id()))
}

fn is_this(row: Option<&Row>, wanted: &Wanted<'_>) -> Result<bool> {
    let Some(row) = row else { return Ok(false) };
    let after: Value = serde_json::from_str(&row.text("after_state")?)?;
    Ok(after["amount"] == wanted.amount)
}

/// The refunds of one person.
fn refunded_alone(staff: &Staff, since: Micros) -> Query {
    let query = sql("SELECT after_state FROM audit_entry
         WHERE actor = $1 AND act = 'staff_refund' AND at > $2");
    query.bind(&staff.staff_id).bind(since)
}

/// Their sum, without those to which a second person agreed.
fn yen(rows: &[Row]) -> Result<i64> {
    let mut sum = 0;
    for row in rows {
        let after: Value = serde_json::from_str(&row.text("after_state")?)?;
        if after["approval"].is_null() {
            sum += after["amount"].as_i64().unwrap_or_default();
        }
    }
    Ok(sum)
}

async fn payment(app: &App, payment_id: &str) -> Result<Paid> {
    if Kind::Payment.parse(payment_id).is_none() {
        return Err(Code::NotFound.into());
    }
    let found = capture(app, payment_id).await?.ok_or(Code::NotFound)?;
    Paid::read(app, found).await
}

/// What giving it back would change.
///
/// # Errors
/// There is no such payment; less than this is left of it; a fault.
pub(super) async fn look(app: &App, wanted: &Wanted<'_>) -> Result<Done> {
    let paid = payment(app, wanted.payment_id).await?;
    let given_back = reversals(app, &paid).await?;
    let refunded: i64 = given_back.iter().map(|reversal| reversal.amount).sum();
    pos::may_refund(&paid, &given_back, refunded, wanted.amount)?;
    let Wanted { payment_id, amount, .. } = wanted;
    Ok(Done {
        subject: Kind::Refund.text(wanted.refund_id()),
        before: json!({ "payment": payment_id, "refunded": refunded }),
        after: json!({ "payment": payment_id, "refunded": refunded + amount, "amount": amount }),
        shown_once: None,
    })
}

/// Gives it back, once.
///
/// # Errors
/// As [`look`]; the account is closed; busy.
pub(super) async fn give(
    app: &App,
    staff: &Staff,
    wanted: &Wanted<'_>,
    reason: &str,
) -> Result<Reversal> {
    let paid = payment(app, wanted.payment_id).await?;
    let sale: SaleDetail = detail(app, &paid.capture).await?;
    let id = wanted.refund_id();
    let detail = RefundDetail {
        merchant_payment_id: sale.merchant_payment_id,
        payment_id: wanted.payment_id.to_owned(),
        refund_id: Kind::Refund.text(id),
        staff_id: Some(staff.staff_id.clone()),
        reason: Some(reason.to_owned()),
        ..RefundDetail::default()
    };
    let wanted =
        pos::WantedRefund { act: Act::StaffRefund, id, amount: wanted.amount, detail, at: None };
    pos::give_refund(app, &paid, &wanted).await
}
