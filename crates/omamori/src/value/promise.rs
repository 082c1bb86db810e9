//! Points that are earned some days after the payment, where the operator wants it so.
//!
//! The payment's chain carries a promise of amount 0. When its time has come the points are issued
//! by a transfer whose id is derived from the payment and *what was refunded until then*; a refund
//! before that takes the same id. So of issue and refund at once one fails as a whole and looks
//! again, and a refund always knows whether there are points to take back.

use std::sync::Arc;

use omamori_db::{Error as DbError, Step, Tx, sql};
use omamori_ledger::{Entry, Fact, Follower, Transfer};
use serde::Serialize;

use super::legs::{Leg, Legs};
use super::points_taken;
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::gate::chart::{AccountCode, LEDGER_POINTS, TransferCode};
use crate::gate::purse::{LotKind, Month, points_debt_id};
use crate::gate::{Act, Question};
use crate::id::{Kind, derive};
use crate::pos::{Paid, claims, micros};
use crate::web::error::{Error, Result};

/// The table of what is due: a view, made again from the journal where it is missing.
const SCHEMA: &[Step] = &[Step {
    version: 1,
    name: "points_due",
    text: include_str!("../../../../migrations/points_views/0001_points_due.sql"),
}];
/// Refunds of the same payment that may come between.
const TRIES: usize = 8;
/// Payments of one round.
const ROUND: i64 = 500;

/// Points that a payment will earn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// How many, if nothing is refunded before.
    pub points: i64,
    /// Days after the payment.
    pub after_days: u16,
    /// The month with which they will end.
    pub month: Month,
}

impl Promise {
    /// From its leg.
    #[must_use]
    pub fn of(leg: &Transfer) -> Self {
        Self {
            points: i64::try_from(leg.user_data_64 >> 16).unwrap_or(i64::MAX),
            after_days: u16::try_from(leg.user_data_64 & u64::from(u16::MAX)).unwrap_or(u16::MAX),
            month: Month::from_number(leg.user_data_32),
        }
    }

    /// As the leg's `user_data_64` carries it.
    #[must_use]
    pub fn user_data(self) -> u64 {
        self.points.unsigned_abs() << 16 | u64::from(self.after_days)
    }

    /// When they are issued, for a payment of this instant.
    #[must_use]
    pub fn due_at(self, paid_at: Micros) -> Micros {
        paid_at + i64::from(self.after_days) * DAY
    }
}

/// The id that an issue, or a refund before it, takes.
fn place_id(capture_id: u128, refunded: i64) -> u128 {
    derive("points-due", &[&capture_id.to_be_bytes(), &refunded.to_be_bytes()])
}

/// Takes the place of an issue at `refunded`: for the chain of a refund that comes before it.
#[must_use]
pub fn hold_off(capture: &Transfer, promise: Promise, refunded: i64) -> Transfer {
    Transfer {
        id: place_id(capture.id, refunded),
        debit_account_id: super::legs::operator_id(AccountCode::PointsIssue),
        credit_account_id: LotKind::Points.account_id(capture.debit_account_id, promise.month),
        user_data_32: promise.month.number(),
        ledger: LEDGER_POINTS,
        code: TransferCode::PointsHeldOff.number(),
        ..Transfer::default()
    }
}

/// Whether the promised points were issued. `places` is what was refunded after each refund, 0
/// first.
///
/// # Errors
/// A fault if the views fail.
pub async fn is_issued(app: &App, capture: &Transfer, places: &[i64]) -> Result<bool> {
    for refunded in places {
        let taken = app.gate.transfer(place_id(capture.id, *refunded)).await?;
        let is_issue = |taken: &Transfer| taken.code == TransferCode::PointsEarned.number();
        if taken.is_some_and(|taken| is_issue(&taken.transfer)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What was refunded before and after each refund of a payment: 0 first, all of it last.
///
/// # Errors
/// A fault if the views fail.
pub async fn places(app: &App, paid: &Paid) -> Result<Vec<i64>> {
    let mut places = vec![0];
    let mut refunded = 0;
    for claim in claims(app, paid).await? {
        refunded += crate::gate::windows::Position::of(&claim).amount;
        places.push(refunded);
    }
    Ok(places)
}

/// Notes payments with a promise as due.
struct Noter;

impl Follower for Noter {
    fn name(&self) -> &'static str {
        "points_due"
    }

    async fn apply(&mut self, tx: &mut Tx, entries: &[Arc<Entry>]) -> Result<(), DbError> {
        for entry in entries {
            // A promise stands in the chain of its payment, after the capture.
            let mut capture = None;
            for fact in &entry.facts {
                let Fact::TransferCreated(transfer) = fact else { continue };
                match TransferCode::of(transfer.code) {
                    Some(TransferCode::Payment) => capture = Some(transfer.id),
                    Some(TransferCode::PointsPromised) => {
                        let Some(capture) = capture else { continue };
                        let due_at = Promise::of(transfer).due_at(micros(transfer));
                        let insert = sql("INSERT INTO points_due (capture_id, due_at)
                             VALUES ($1, $2) ON CONFLICT (capture_id) DO NOTHING");
                        tx.execute(insert.bind(capture.to_be_bytes()).bind(due_at)).await?;
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// Starts to note what is due, if points are earned later here.
///
/// # Errors
/// [`omamori_db::Error`].
pub async fn follow(app: &App) -> omamori_db::Result<()> {
    app.stores.views.migrate("points_views", SCHEMA).await?;
    if app.config.value.points.after_days > 0 {
        app.gate.reader().follow(app.stores.views.clone(), Noter).await?;
    }
    Ok(())
}

/// Issues what is due.
///
/// # Errors
/// A fault if a store fails; what was issued stays issued.
pub async fn issue_due(app: &App) -> Result<()> {
    let query = sql("SELECT capture_id FROM points_due WHERE due_at <= $1
         ORDER BY due_at LIMIT $2");
    let query = query.bind(app.clock.now()).bind(ROUND);
    for row in app.stores.views.all(query).await? {
        let capture_id = row.array("capture_id")?;
        issue(app, u128::from_be_bytes(capture_id)).await?;
        let delete = sql("DELETE FROM points_due WHERE capture_id = $1").bind(capture_id);
        app.stores.views.execute(delete).await?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Detail {
    payment_id: String,
}

/// Issues the points of a payment, less those of what was refunded, once.
async fn issue(app: &App, capture_id: u128) -> Result<()> {
    for _ in 0..TRIES {
        let Some(capture) = app.gate.transfer_certainly(capture_id).await? else { return Ok(()) };
        let paid = Paid::read(app, capture.transfer).await?;
        let Some(promise) = paid.made.promise else { return Ok(()) };
        let places = places(app, &paid).await?;
        if is_issued(app, &paid.capture, &places).await? {
            return Ok(());
        }
        let refunded = places.last().copied().unwrap_or_default();
        let points = promise.points - points_taken(promise.points, paid.amount(), refunded);
        let wallet = paid.capture.debit_account_id;
        let repaid = points.min(app.gate.purse(wallet).points_debt);
        let to_lot = Transfer {
            amount: (points - repaid).unsigned_abs(),
            code: TransferCode::PointsEarned.number(),
            ..hold_off(&paid.capture, promise, refunded)
        };
        let mut legs = Legs::after(&[to_lot], to_lot.id, wallet, 0);
        let from = legs.operator(AccountCode::PointsIssue);
        legs.lot(LotKind::Points, promise.month);
        legs.push(Leg {
            code: TransferCode::PointsEarned,
            from,
            to: points_debt_id(wallet),
            ledger: LEDGER_POINTS,
            amount: repaid,
            user_data_32: 0,
        });
        let detail = Detail { payment_id: Kind::Payment.text(capture_id) };
        let clearance = app.gate.decide(Question::plain(Act::PointsIssue, &detail), Ok(())).await?;
        // Refused: a refund was first, or the debt changed. Look again.
        app.gate.commit(clearance, legs.close(app)).await?;
    }
    Err(Error::fault("points could not be issued"))
}
