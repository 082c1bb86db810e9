//! `POST /api/pos/v1/payments/{merchant_payment_id}/cancel`: the sale did not take place.
//!
//! For a clerk's mistake on the day of the sale, and for a register that does not know whether its
//! sale arrived: cancelling a payment that is not here takes its id, so that it cannot be made
//! when it arrives late.

use std::sync::Arc;

use axum::extract::{Path, State};
use jiff::ToSpan;

use super::auth::Terminal;
use super::authorization::held;
use super::fields::Fields;
use super::model::{Paid, RefundDetail, SaleDetail, find_capture, micros, payment_view};
use super::payment::{PaymentAnswer, capture_id};
use super::reversal::{Giving, Outcome, Reversal, cancel_id, give_back, reversals};
use super::tombstone::{bury, is_tombstone};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::chart::TransferCode;
use crate::gate::{Act, Question};
use crate::id::Kind;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::japan;

/// A payment may become another state in between; more often than this is not a race.
const TRIES: usize = 8;

/// Cancels.
#[utoipa::path(post, path = "/api/pos/v1/payments/{merchant_payment_id}/cancel", tag = "payments",
    operation_id = "cancel_payment",
    params(("merchant_payment_id" = String, Path, description = "The merchant's own id",
        min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")),
    responses((status = 200, body = PaymentAnswer), (status = "4XX", body = super::shelf::ErrorAnswer),
        (status = "5XX", body = super::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn create(
    State(app): State<Arc<App>>,
    terminal: Terminal,
    Path(merchant_payment_id): Path<String>,
) -> Result<axum::Json<PaymentAnswer>> {
    let mut fields = Fields::default();
    fields.id("merchant_payment_id", &merchant_payment_id);
    fields.done()?;
    for _ in 0..TRIES {
        let merchant_id = &terminal.store.merchant_id;
        let Some(capture) = find_capture(&app, merchant_id, &merchant_payment_id).await? else {
            let detail = SaleDetail {
                merchant_payment_id: merchant_payment_id.clone(),
                merchant_id: merchant_id.clone(),
                store_id: terminal.store.store_id.clone(),
                terminal_id: terminal.terminal_id.clone(),
                ..SaleDetail::default()
            };
            held::give_up(&app, &terminal, &merchant_payment_id).await?;
            let id = capture_id(merchant_id, &merchant_payment_id);
            bury(&app, (&terminal.store, terminal.place()), Act::Cancel, id, &detail).await?;
            continue;
        };
        let paid = Paid::read(&app, capture).await?;
        let before = reversals(&app, &paid).await?;
        if is_canceled(&paid, &before) {
            let payment = payment_view(&app, &paid.capture).await?;
            return Ok(axum::Json(PaymentAnswer { payment }));
        }
        cancel(&app, &terminal, &merchant_payment_id, &paid, &before).await?;
    }
    Err(Error::RetryAfter(Code::Busy, 1))
}

fn is_canceled(paid: &Paid, before: &[Reversal]) -> bool {
    is_tombstone(&paid.capture) || before.iter().any(|reversal| reversal.is_cancel)
}

async fn cancel(
    app: &App,
    terminal: &Terminal,
    merchant_payment_id: &str,
    paid: &Paid,
    before: &[Reversal],
) -> Result<()> {
    let capture = &paid.capture;
    let id = cancel_id(capture.id);
    let detail = RefundDetail {
        merchant_payment_id: merchant_payment_id.to_owned(),
        payment_id: Kind::Payment.text(capture.id),
        refund_id: Kind::Refund.text(id),
        terminal_id: terminal.terminal_id.clone(),
        ..RefundDetail::default()
    };
    let question = Question {
        terminal: Some(terminal.place()),
        amount: Some(paid.amount()),
        ..Question::plain(Act::Cancel, &detail)
    };
    let opinion = if !before.is_empty() {
        Err(Code::PaymentAlreadyRefunded)
    } else if app.clock.now() > cancel_until(micros(capture)) {
        Err(Code::CancelTooLate)
    } else {
        Ok(())
    };
    let clearance = app.gate.decide(question, opinion).await?;
    let giving = Giving {
        payment: paid,
        id,
        code: TransferCode::Cancel,
        amount: paid.amount(),
        refunded_before: 0,
        terminal_number: terminal.terminal_number,
    };
    match give_back(app, clearance, &giving).await? {
        Outcome::Done | Outcome::Lost => Ok(()),
        Outcome::AccountClosed => Err(Code::AccountFrozen.into()),
    }
}

/// 00:15 in Japan on the day after the sale, as wallets in Japan have it.
pub fn cancel_until(sold_at: Micros) -> Micros {
    let day = japan(sold_at).date();
    let next = day.checked_add(1.day()).unwrap_or(day);
    let end = next.at(0, 15, 0, 0).to_zoned(japan(sold_at).time_zone().clone());
    end.map_or(sold_at, |zoned| zoned.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{HOUR, MINUTE};

    #[test]
    fn a_sale_can_be_canceled_until_a_quarter_past_midnight_in_japan() {
        let midnight = 1_561_906_800_000_000; // 2019-07-01 00:00 JST
        assert_eq!(cancel_until(midnight), midnight + 24 * HOUR + 15 * MINUTE);
        assert_eq!(cancel_until(midnight - 1), midnight + 15 * MINUTE);
    }
}
