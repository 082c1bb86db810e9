//! `POST /api/wallet/v1/move/undo`: one tap on the phone that was replaced.
//!
//! Needs the old phone's key and its session, nothing else: who sees an account being taken over
//! must not be asked for a factor that is being taken too. In return it gives nothing that needs
//! one: the account is stopped until the passkey is shown.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use omamori_db::{Tx, sql};
use serde_json::json;

use super::UNDO;
use crate::app::App;
use crate::clock::Micros;
use crate::gate::Act;
use crate::identity::customer::{Customer, Holder};
use crate::identity::rate::Network;
use crate::identity::{devices, recover, session, standing};
use crate::notify::{Notice, tell};
use crate::web::codes::Code;
use crate::web::error::Result;

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    Holder { customer, replaced }: Holder,
    network: Network,
) -> Result<StatusCode> {
    let now = app.clock.now();
    if !replaced && was_undone(&app, &customer).await? {
        return Ok(StatusCode::NO_CONTENT); // the second of two taps
    }
    let detail = json!({ "ip": network.address(), "session": customer.session_id });
    let opinion = if replaced { Ok(()) } else { Err(Code::Forbidden) };
    let _cleared = app.gate.decide(customer.asks(Act::DeviceMoveUndo, &detail), opinion).await?;
    let mut tx = app.stores.registry.begin().await?;
    if !mark(&mut tx, &customer, now).await? {
        return Err(Code::Forbidden.into()); // too late, or the owner ended it
    }
    take_back(&app, &mut tx, &customer, now).await?;
    tx.commit().await?;
    devices::forget(&app, &customer.customer_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn was_undone(app: &App, customer: &Customer) -> Result<bool> {
    let query = sql("SELECT move_id FROM device_move
         WHERE from_device_id = $1 AND state = 'undone' LIMIT 1");
    let row = app.stores.registry.optional(query.bind(&customer.device_id)).await?;
    Ok(row.is_some())
}

async fn mark(tx: &mut Tx, customer: &Customer, now: Micros) -> Result<bool> {
    let update = sql("UPDATE device_move SET state = 'undone', undone_at = $1
         WHERE from_device_id = $2 AND state = 'done' AND done_at > $3");
    let update = update.bind(now).bind(&customer.device_id).bind(now - UNDO);
    Ok(tx.execute(update).await? == 1)
}

/// Every other phone is out, whatever came after the move: a taker-over who moved on to a third
/// phone too.
async fn take_back(app: &App, tx: &mut Tx, customer: &Customer, now: Micros) -> Result<()> {
    let Customer { customer_id, device_id, .. } = customer;
    let dropped = devices::paying(tx, customer_id).await?.map(|device| device.name);
    let end = sql("UPDATE device SET state = 'ended', ended_at = $1
         WHERE customer_id = $2 AND device_id <> $3 AND state <> 'ended'");
    tx.execute(end.bind(now).bind(customer_id).bind(device_id)).await?;
    let under_way = sql("DELETE FROM device_move WHERE customer_id = $1 AND state = 'code_sent'");
    tx.execute(under_way.bind(customer_id)).await?;
    let back = sql("UPDATE device SET state = 'active', ended_at = NULL WHERE device_id = $1");
    tx.execute(back.bind(device_id)).await?;
    session::end_elsewhere(tx, customer_id, device_id).await?;
    recover::cancel_all(app, tx, customer_id).await?;
    // Who took the account over may have claimed what was in it.
    if !standing::stop(tx, customer_id, "undo", now).await? {
        standing::stop_over_claim(tx, customer_id, "undo", now).await?;
    }
    devices::note(app, tx, customer_id).await?;
    let kept = devices::name(tx, device_id).await?;
    let notice = Notice::DeviceMoveUndone { kept, dropped: dropped.unwrap_or_default() };
    tell(app, tx, customer_id, &notice).await
}
