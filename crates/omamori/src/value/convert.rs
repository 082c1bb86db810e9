//! `POST /api/wallet/v1/points/convert`: points become balance, one for a yen of free value.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_ledger::Transfer;
use serde::{Deserialize, Serialize};

use super::legs::{Legs, operator_id};
use crate::app::App;
use crate::gate::chart::{AccountCode, LEDGER_JPY, TransferCode, wallet_account};
use crate::gate::purse::{Lot, LotKind, Month};
use crate::gate::{Act, Question, Use};
use crate::id::derive;
use crate::identity::{Customer, account};
use crate::pos::is_id;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

/// Other uses of the same points that may come between.
const TRIES: usize = 8;
/// More points than anybody has.
const POINTS_MAX: i64 = 1_000_000;

/// Points to be converted.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Convert {
    /// The caller's own id of this conversion: 1–64 of `A–Z a–z 0–9 . _ -`. A retry uses it again.
    conversion_id: String,
    /// How many, from 1.
    points: i64,
}

/// What the customer has after it.
#[derive(Debug, Serialize)]
pub struct Converted {
    conversion_id: String,
    points: i64,
    points_left: i64,
    balance: i64,
}

/// Converts.
pub(super) async fn convert(
    State(app): State<Arc<App>>,
    customer: Customer,
    Json(asked): Json<Convert>,
) -> Result<Answer<Converted>> {
    if !is_id(&asked.conversion_id) {
        return Err(Error::field("conversion_id", "malformed"));
    }
    if !(1..=POINTS_MAX).contains(&asked.points) {
        return Err(Error::field("points", "out_of_range"));
    }
    let wallet = customer.wallet_account;
    let id = derive("points-convert", &[&wallet.to_be_bytes(), asked.conversion_id.as_bytes()]);
    for _ in 0..TRIES {
        if let Some(note) = app.gate.transfer_certainly(id).await? {
            if note.transfer.user_data_64 != asked.points.unsigned_abs() {
                return Err(Code::ConversionIdReused.into());
            }
            let purse = app.gate.purse(wallet);
            return Ok(Answer(Converted {
                conversion_id: asked.conversion_id,
                points: asked.points,
                points_left: purse.points_total(),
                balance: purse.balance(),
            }));
        }
        attempt(&app, &customer, &asked, id).await?;
    }
    Err(Error::RetryAfter(Code::Busy, 1))
}

/// Converts, unless the points changed in between or an equal request was first: look again.
async fn attempt(app: &App, customer: &Customer, asked: &Convert, id: u128) -> Result<()> {
    let wallet = customer.wallet_account;
    let lots = oldest(&app.gate.purse(wallet).points, asked.points);
    let frozen = account::find(&app.stores.registry, &customer.customer_id).await?.frozen;
    let opinion = match &lots {
        _ if frozen => Err(Code::AccountFrozen),
        None => Err(Code::InsufficientPoints),
        Some(_) => Ok(()),
    };
    let question = Question {
        act: Act::PointsConvert,
        customer: Some(&customer.customer_id),
        device: Some(&customer.device_id),
        terminal: None,
        amount: Some(asked.points),
        admission: Some(app.gate.admission(Use::Convert, wallet, asked.points)),
        detail: asked,
    };
    let clearance = app.gate.decide(question, opinion).await?;
    let note = Transfer {
        id,
        debit_account_id: operator_id(AccountCode::FreeFunding),
        credit_account_id: wallet,
        user_data_64: asked.points.unsigned_abs(),
        ledger: LEDGER_JPY,
        code: TransferCode::PointsConvertedNote.number(),
        ..Transfer::default()
    };
    let mut legs = Legs::after(&[note], id, wallet, 0);
    legs.operator(AccountCode::FreeFunding);
    legs.accounts.push(wallet_account(wallet));
    let lots = lots.unwrap_or_default();
    legs.out_of_lots(LotKind::Points, TransferCode::PointsConverted, &lots);
    let month = Month::of(app.clock.now()).plus(app.config.value.free_months);
    legs.into_lot(LotKind::Free, TransferCode::FreeGiven, Lot { month, amount: asked.points });
    app.gate.commit(clearance, legs.close(app)).await.map(drop)
}

/// So many points of the lots that end first.
fn oldest(lots: &[Lot], points: i64) -> Option<Vec<Lot>> {
    let mut left = points;
    let mut taken = Vec::new();
    for lot in lots {
        let amount = lot.amount.min(left);
        if amount > 0 {
            left -= amount;
            taken.push(Lot { amount, ..*lot });
        }
    }
    (left == 0).then_some(taken)
}
