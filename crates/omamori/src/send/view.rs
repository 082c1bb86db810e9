//! A send as each side sees it.

use std::collections::HashMap;

use omamori_db::{Db, sql_built};
use omamori_ledger::Transfer;
use serde::Serialize;

use super::link::Secrets;
use super::row::{self, Send};
use super::transfers::{Known, State, WAITS_SECONDS, Why, known};
use crate::app::App;
use crate::clock::{Micros, SECOND};
use crate::id::Kind;
use crate::identity::{Phone, account};
use crate::pos::{micros, yen};
use crate::web::error::Result;
use crate::web::filters::{as_rfc3339, as_rfc3339_or_null};

/// A send. Instants are microseconds UTC; RFC 3339 in JSON.
#[derive(Debug, Serialize)]
pub struct SendView {
    /// `snd_…`.
    pub send_id: String,
    /// `out` for the sender, `in` for everybody else.
    pub direction: &'static str,
    /// Yen.
    pub amount: i64,
    /// `waiting`, `taken` or `returned`.
    pub status: &'static str,
    /// Why it was returned.
    pub reason: Option<Why>,
    /// For the sender: `phone`, `friend`, `link` or `request`.
    pub to_kind: Option<String>,
    /// The other side: what the sender calls the receiver; the masked number of the sender.
    pub name: String,
    /// From the sender.
    pub message: String,
    /// When it was sent.
    #[serde(serialize_with = "as_rfc3339")]
    pub sent_at: Micros,
    /// When it goes back by itself.
    #[serde(serialize_with = "as_rfc3339")]
    pub expires_at: Micros,
    /// When it was taken or returned.
    #[serde(serialize_with = "as_rfc3339_or_null")]
    pub ended_at: Option<Micros>,
    /// For the sender of a link, while it waits.
    pub link: Option<Link>,
}

/// What the sender hands on, on two ways.
#[derive(Debug, Serialize)]
pub struct Link {
    /// For the messenger.
    pub address: String,
    /// For the telephone.
    pub passcode: String,
}

/// A send as `customer_id` sees it.
///
/// # Errors
/// A fault if the registry fails.
pub async fn view(app: &App, row: &Send, known: &Known, customer_id: &str) -> Result<SendView> {
    let own = row.sender_id == customer_id;
    let (status, reason, ended_at) = match known.state {
        State::Waiting { .. } => ("waiting", None, None),
        State::Taken { at, .. } => ("taken", None, Some(at)),
        State::Returned { at, why } => ("returned", Some(why), Some(at)),
    };
    let name = if own {
        row.to_name.clone()
    } else {
        account::find(&app.stores.registry, &row.sender_id).await?.phone.masked()
    };
    let sent_at = micros(&known.transfer);
    let handed_on = own && row.link_hash.is_some() && status == "waiting";
    Ok(SendView {
        send_id: row.send_id.clone(),
        direction: if own { "out" } else { "in" },
        amount: yen(&known.transfer),
        status,
        reason,
        to_kind: own.then(|| row.to_kind.clone()),
        name,
        message: row.message.clone(),
        sent_at,
        expires_at: sent_at + Micros::from(WAITS_SECONDS) * SECOND,
        ended_at,
        link: handed_on.then(|| {
            let secrets = Secrets::of(app, &row.send_id);
            Link { address: secrets.address(app), passcode: secrets.passcode().to_owned() }
        }),
    })
}

/// What a line of the history says of a send.
pub struct Line {
    /// `snd_…`.
    pub send_id: String,
    /// Who is on the other side.
    pub name: String,
    /// What became of it.
    pub state: State,
}

/// The line of a send: of the pending transfer on the sender's statement, of what was received on
/// the receiver's.
///
/// # Errors
/// A fault if a store fails.
pub async fn history_line(app: &App, transfer: &Transfer) -> Result<Option<Line>> {
    let registry = &app.stores.registry;
    let row = if transfer.is_pending() {
        row::find(registry, &Kind::Send.text(transfer.id)).await?
    } else {
        row::find_by_receive(registry, transfer.id).await?
    };
    let Some(row) = row else { return Ok(None) };
    let Some(known) = known(app, row.transfer_id()).await? else { return Ok(None) };
    let name = if transfer.is_pending() {
        row.to_name
    } else {
        account::find(registry, &row.sender_id).await?.phone.masked()
    };
    Ok(Some(Line { send_id: row.send_id, name, state: known.state }))
}

/// Sends of one query.
const NAMED_AT_ONCE: usize = 500;

/// Ids and names of sends by their transfers: of what was sent, what the sender calls the receiver;
/// of what was received, the sender's number, masked. For lists: a query for each side.
///
/// # Errors
/// A fault if the registry fails.
pub async fn names_of(
    registry: &Db,
    sent: &[u128],
    received: &[u128],
) -> Result<HashMap<u128, (String, String)>> {
    let mut names = HashMap::new();
    let places =
        |count: usize| (1..=count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ");
    for sent in sent.chunks(NAMED_AT_ONCE) {
        let mut query = sql_built(format!(
            "SELECT send_id, to_name FROM send WHERE send_id IN ({})",
            places(sent.len())
        ));
        for send in sent {
            query.push(Kind::Send.text(*send));
        }
        for row in registry.all(query).await? {
            let send_id = row.text("send_id")?;
            let Some(transfer) = Kind::Send.parse(&send_id) else { continue };
            names.insert(transfer, (send_id, row.text("to_name")?));
        }
    }
    for received in received.chunks(NAMED_AT_ONCE) {
        let mut query = sql_built(format!(
            "SELECT s.receive_id, s.send_id, c.phone FROM send s
             JOIN customer c ON c.customer_id = s.sender_id WHERE s.receive_id IN ({})",
            places(received.len())
        ));
        for receive in received {
            query.push(receive.to_be_bytes());
        }
        for row in registry.all(query).await? {
            let transfer = u128::from_be_bytes(row.array("receive_id")?);
            let phone = Phone::parse(&row.text("phone")?).map(|phone| phone.masked());
            names.insert(transfer, (row.text("send_id")?, phone.unwrap_or_default()));
        }
    }
    Ok(names)
}
