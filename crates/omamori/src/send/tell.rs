//! Who is told of what, after the answer was given.
//!
//! The one place that looks whether a number has an account. It runs beside the requests, so no
//! answer can tell by its content or its time; and it goes by the rows, so nothing is left out when
//! the service stops in between.

use std::sync::Arc;
use std::time::Duration;

use omamori_db::{Db, Tx, sql};

use super::row::{self, Send};
use super::transfers::{self, Known, State, Why};
use super::{block, request};
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::identity::account;
use crate::identity::standing;
use crate::notify::{Message, Notice, ReturnReason, tell};
use crate::pos::yen;
use crate::web::error::Result;
use crate::web::text::Lang;
use crate::worker::Worker;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);
/// SMS a day to a number without an account, whoever sends.
const SMS_TO_ONE_24H: i64 = 2;
/// After so long a receiver's number is nobody's concern any more.
const NUMBER_KEPT: Micros = 30 * DAY;

/// Starts to tell.
#[must_use]
pub fn start(app: &Arc<App>) -> Worker {
    let words = "nobody was told of what was sent";
    Worker::new("sends").every(EVERY, app, words, |app, _| async move { tell_due(&app).await })
}

/// Tells all of which nobody was told yet.
///
/// # Errors
/// A fault if a store fails.
pub async fn tell_due(app: &App) -> Result<()> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    for row in row::untold(registry, now).await? {
        if let Some(known) = transfers::known(app, row.transfer_id()).await? {
            begun(app, &row, &known).await?;
        }
    }
    let unended = row::unended(registry, now).await?;
    for row in &unended {
        match transfers::known(app, row.transfer_id()).await? {
            Some(known) => ended(app, row, &known).await?,
            // It never happened.
            None => {
                let mut tx = registry.begin().await?;
                mark_ended(&mut tx, row, now).await?;
                tx.commit().await?;
            }
        }
    }
    if !unended.is_empty() {
        forget_numbers(registry, now).await?;
    }
    request::tell::tell_due(app).await
}

async fn forget_numbers(registry: &Db, now: Micros) -> Result<()> {
    let forget = sql("UPDATE send SET to_phone = NULL
         WHERE to_phone IS NOT NULL AND created_at < $1");
    registry.execute(forget.bind(now - NUMBER_KEPT)).await?;
    Ok(())
}

/// Tells the receiver.
async fn begun(app: &App, row: &Send, known: &Known) -> Result<()> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let receiver = match (&row.to_customer_id, &row.to_phone) {
        (Some(id), _) => Some(id.clone()),
        (None, Some(phone)) => standing::find(app, phone).await?,
        (None, None) => None,
    };
    let sender = account::find(registry, &row.sender_id).await?;
    let amount = yen(&known.transfer);
    let from = (&sender.phone).into();
    let notice = match known.state {
        State::Waiting { .. } => Some(Notice::SendWaiting { amount, from }),
        State::Taken { .. } => Some(Notice::SendReceived { amount, from }),
        State::Returned { .. } => None,
    };
    let hears = match &receiver {
        Some(receiver) => !block::stands(registry, receiver, &row.sender_id).await?,
        None => true,
    };
    let mut tx = registry.begin().await?;
    let mark = sql("UPDATE send SET told_at = $1 WHERE send_id = $2 AND told_at IS NULL");
    if tx.execute(mark.bind(now).bind(&row.send_id)).await? != 1 {
        return Ok(()); // another node was faster
    }
    let mut sms = None;
    match (&receiver, &notice) {
        (Some(receiver), Some(notice)) if hears => tell(app, &mut tx, receiver, notice).await?,
        (None, Some(Notice::SendWaiting { .. })) => sms = stranger(app, &mut tx, row, now).await?,
        _ => {}
    }
    tx.commit().await?;
    if let Some(phone) = sms {
        let text = Message::MoneyWaits { from: &sender.phone.masked() };
        app.identity.outbox().post(phone, text.text(&app.config.issuer_name, Lang::Ja));
    }
    Ok(())
}

/// The number of somebody without an account, if they may get an SMS: what one sender and what one
/// number causes in a day is bounded, for each costs money and may go to the sender's own friends
/// at a telephone company.
async fn stranger(app: &App, tx: &mut Tx, row: &Send, now: Micros) -> Result<Option<String>> {
    let Some(phone) = &row.to_phone else { return Ok(None) };
    let by_sender = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM send
         WHERE sender_id = $1 AND sms_at > $2");
    let by_sender = tx.one(by_sender.bind(&row.sender_id).bind(now - DAY)).await?.int("n")?;
    let to_number = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM send
         WHERE to_phone = $1 AND sms_at > $2");
    let to_number = tx.one(to_number.bind(phone).bind(now - DAY)).await?.int("n")?;
    if by_sender >= app.config.limits.sending.sms_24h || to_number >= SMS_TO_ONE_24H {
        return Ok(None);
    }
    let mark = sql("UPDATE send SET sms_at = $1 WHERE send_id = $2");
    tx.execute(mark.bind(now).bind(&row.send_id)).await?;
    Ok(Some(phone.clone()))
}

/// Tells the sender how it ended, unless they did it themselves.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn ended(app: &App, row: &Send, known: &Known) -> Result<()> {
    let amount = yen(&known.transfer);
    let notice = match known.state {
        State::Waiting { .. } => return Ok(()),
        State::Taken { .. } => Some(Notice::SendTaken { amount }),
        State::Returned { why: Why::CalledBack, .. } => None,
        State::Returned { why, .. } => Some(Notice::SendReturned {
            amount,
            reason: match why {
                Why::Declined => ReturnReason::Declined,
                Why::Passcode => ReturnReason::Passcode,
                Why::Expired | Why::CalledBack => ReturnReason::Expired,
            },
        }),
    };
    let mut tx = app.stores.registry.begin().await?;
    if mark_ended(&mut tx, row, app.clock.now()).await?
        && let Some(notice) = notice
    {
        tell(app, &mut tx, &row.sender_id, &notice).await?;
    }
    Ok(tx.commit().await?)
}

async fn mark_ended(tx: &mut Tx, row: &Send, now: Micros) -> Result<bool> {
    let mark = sql("UPDATE send SET ended_at = $1 WHERE send_id = $2 AND ended_at IS NULL");
    Ok(tx.execute(mark.bind(now).bind(&row.send_id)).await? == 1)
}
