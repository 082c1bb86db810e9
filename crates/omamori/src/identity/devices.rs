//! The phones and sessions of a customer.

pub(super) mod end;
pub(super) mod rename;

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::{Db, Row, Tx, sql};
use omamori_paycode::code::DeviceNumber;
use serde::Serialize;

use super::customer::Customer;
use super::directory::DeviceEntry;
use super::session::IDLE_MAX;
use crate::app::App;
use crate::clock::Micros;
use crate::db::changes::{self, Subject};
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters::rfc3339;

/// A phone that was bound to the account.
#[derive(Clone, Debug)]
pub struct Device {
    /// `dev_…`.
    pub device_id: String,
    /// As the phone called itself.
    pub name: String,
    /// Whether it pays.
    pub active: bool,
    /// Whether it was replaced and may undo the move still.
    pub replaced: bool,
    /// Since when.
    pub enrolled_at: Micros,
    /// Kept to the nearest minutes.
    pub last_used_at: Micros,
}

/// A signed-in browser.
#[derive(Clone, Debug)]
pub struct SessionSummary {
    /// `ses_…`.
    pub session_id: String,
    /// On which phone.
    pub device_id: String,
    /// Since when.
    pub created_at: Micros,
    /// Kept to the nearest minutes.
    pub last_used_at: Micros,
}

/// The phones of a customer that pay or can undo a move, the newest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn devices(registry: &Db, customer_id: &str) -> Result<Vec<Device>> {
    let query = sql("SELECT device_id, name, state, enrolled_at, last_used_at FROM device
         WHERE customer_id = $1 AND state <> 'ended' ORDER BY enrolled_at DESC");
    let rows = registry.all(query.bind(customer_id)).await?;
    rows.iter().map(|row| Ok(read(row)?)).collect()
}

fn read(row: &Row) -> omamori_db::Result<Device> {
    let state = row.text("state")?;
    Ok(Device {
        device_id: row.text("device_id")?,
        name: row.text("name")?,
        active: state == "active",
        replaced: state == "replaced",
        enrolled_at: row.int("enrolled_at")?,
        last_used_at: row.int("last_used_at")?,
    })
}

/// The phone that pays, if there is one.
pub(super) async fn paying(tx: &mut Tx, customer_id: &str) -> omamori_db::Result<Option<Device>> {
    let query = sql("SELECT device_id, name, state, enrolled_at, last_used_at FROM device
         WHERE customer_id = $1 AND state = 'active'");
    tx.optional(query.bind(customer_id)).await?.as_ref().map(read).transpose()
}

/// Says, in the transaction of a change, that nodes must forget all phones of a customer.
pub(crate) async fn note(app: &App, tx: &mut Tx, customer_id: &str) -> omamori_db::Result<()> {
    let query = sql("SELECT device_number FROM device WHERE customer_id = $1");
    for row in tx.all(query.bind(customer_id)).await? {
        if let Some(number) = number(&row)? {
            changes::note(app, tx, Subject::Device(number)).await?;
        }
    }
    Ok(())
}

/// The phone that a session is bound to, as payments need it.
///
/// # Errors
/// [`Code::DeviceNotEnrolled`]: there is none any more; a fault if the registry fails.
pub async fn phone_of(app: &App, customer: &Customer) -> Result<Arc<DeviceEntry>> {
    let query = sql("SELECT device_number FROM device WHERE device_id = $1 AND customer_id = $2");
    let query = query.bind(&customer.device_id).bind(&customer.customer_id);
    let row = app.stores.registry.optional(query).await?.ok_or(Code::DeviceNotEnrolled)?;
    let number = number(&row)?.ok_or(Code::DeviceNotEnrolled)?;
    Ok(app.identity.device(app, number).await?.ok_or(Code::DeviceNotEnrolled)?)
}

/// Makes this node forget them at once, after the commit.
pub(crate) async fn forget(app: &App, customer_id: &str) -> Result<()> {
    let query = sql("SELECT device_number FROM device WHERE customer_id = $1");
    for row in app.stores.registry.all(query.bind(customer_id)).await? {
        if let Some(number) = number(&row)? {
            app.identity.forget(number);
        }
    }
    Ok(())
}

fn number(row: &Row) -> omamori_db::Result<Option<DeviceNumber>> {
    Ok(u32::try_from(row.int("device_number")?).ok().and_then(DeviceNumber::new))
}

/// What a phone calls itself.
pub(crate) async fn name(tx: &mut Tx, device_id: &str) -> omamori_db::Result<String> {
    let query = sql("SELECT name FROM device WHERE device_id = $1");
    tx.one(query.bind(device_id)).await?.text("name")
}

/// The sessions of a customer that stand, the latest used first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn sessions(
    registry: &Db,
    customer_id: &str,
    now: Micros,
) -> Result<Vec<SessionSummary>> {
    let query = sql("SELECT session_id, device_id, created_at, last_used_at FROM session
         WHERE customer_id = $1 AND expires_at > $2 AND last_used_at > $3
         ORDER BY last_used_at DESC");
    let query = query.bind(customer_id).bind(now).bind(now - IDLE_MAX);
    let rows = registry.all(query).await?;
    let session = |row: &Row| {
        Ok(SessionSummary {
            session_id: row.text("session_id")?,
            device_id: row.text("device_id")?,
            created_at: row.int("created_at")?,
            last_used_at: row.int("last_used_at")?,
        })
    };
    rows.iter().map(session).collect()
}

#[derive(Serialize)]
pub(super) struct Listed {
    devices: Vec<ListedDevice>,
    sessions: Vec<ListedSession>,
}

#[derive(Serialize)]
struct ListedDevice {
    device_id: String,
    name: String,
    active: bool,
    enrolled_at: String,
    last_used_at: String,
    current: bool,
}

#[derive(Serialize)]
struct ListedSession {
    session_id: String,
    device_id: String,
    created_at: String,
    last_used_at: String,
    current: bool,
}

/// `GET /api/wallet/v1/devices`
pub(super) async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
) -> Result<Answer<Listed>> {
    let (registry, id) = (&app.stores.registry, &customer.customer_id);
    let devices = devices(registry, id).await?.into_iter().map(|device| ListedDevice {
        current: device.device_id == customer.device_id,
        device_id: device.device_id,
        name: device.name,
        active: device.active,
        enrolled_at: rfc3339(device.enrolled_at),
        last_used_at: rfc3339(device.last_used_at),
    });
    let sessions = sessions(registry, id, app.clock.now()).await?.into_iter();
    let sessions = sessions.map(|session| ListedSession {
        current: session.session_id == customer.session_id,
        session_id: session.session_id,
        device_id: session.device_id,
        created_at: rfc3339(session.created_at),
        last_used_at: rfc3339(session.last_used_at),
    });
    Ok(Answer(Listed { devices: devices.collect(), sessions: sessions.collect() }))
}
