//! A customer's history: the statement of the wallet's account, in words.

use std::fmt;

use omamori_ledger::{Transfer, TransferFlags};
use serde::Serialize;

use crate::app::App;
use crate::clock::Micros;
use crate::gate::chart::{TransferCode, due};
use crate::id::Kind;
use crate::send::history_line;
use crate::send::transfers::State;
use crate::topup::card;
use crate::value::legs::returned;
use crate::web::error::Result;
use crate::web::filters::as_rfc3339;

/// Entries of one page.
pub const PAGE: usize = 30;
/// A payment is two transfers of the statement and a refund too; so many are read for each entry.
const TRANSFERS_PER_ENTRY: usize = 2;

/// What a line of the history is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A sale.
    Payment,
    /// Part or all of a sale came back.
    Refund,
    /// A sale was taken back on its day.
    Cancel,
    /// Cash at a register.
    Topup,
    /// A top-up was taken back.
    TopupCancel,
    /// Sent, and not taken yet.
    SendWaiting,
    /// Sent and taken.
    Send,
    /// Sent, and come back: nothing left the wallet.
    SendReturned,
    /// Received from another customer.
    Receive,
    /// A top-up by card.
    TopupCard,
    /// A top-up by card that auto top-up made.
    TopupAuto,
    /// Cash at an ATM.
    TopupAtm,
    /// A card's holder had a top-up charged back.
    Chargeback,
    /// Points became balance.
    Points,
    /// A campaign gave free value.
    Gift,
}

impl EntryKind {
    /// The word of the API, of texts and of icons.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Cancel => "cancel",
            Self::Topup => "topup",
            Self::TopupCancel => "topup_cancel",
            Self::SendWaiting => "send_waiting",
            Self::Send => "send",
            Self::SendReturned => "send_returned",
            Self::Receive => "receive",
            Self::TopupCard => "topup_card",
            Self::TopupAuto => "topup_auto",
            Self::TopupAtm => "topup_atm",
            Self::Chargeback => "chargeback",
            Self::Points => "points",
            Self::Gift => "gift",
        }
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One line of the history.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// `pay_…`, `rfd_…`, `top_…` or `snd_…`.
    pub id: String,
    /// What it was.
    pub kind: EntryKind,
    /// Yen; negative when value left the wallet.
    pub amount: i64,
    /// Where, by which card, or who is on the other side.
    pub store_name: String,
    /// Microseconds UTC; RFC 3339 in JSON.
    #[serde(serialize_with = "as_rfc3339")]
    pub at: Micros,
    /// What `/receipt/…` shows: there is one for payments and what became of them.
    pub payment_id: Option<String>,
    /// What `/send/…` shows.
    pub send_id: Option<String>,
}

/// Entries, newest first, and where the next page begins.
pub struct History {
    /// The entries.
    pub entries: Vec<Entry>,
    /// To be given as `before` for the next page.
    pub next: Option<u64>,
}

/// Reads a page of the history.
///
/// # Errors
/// A fault if a store fails.
pub async fn history(
    app: &App,
    account: u128,
    before: Option<u64>,
    limit: usize,
) -> Result<History> {
    let mut entries = Vec::with_capacity(limit);
    let mut before = before;
    loop {
        let wanted = limit * TRANSFERS_PER_ENTRY;
        let transfers = app.gate.statement(account, before, wanted).await?;
        for transfer in &transfers {
            if entries.len() == limit {
                return Ok(History { entries, next: before });
            }
            before = Some(transfer.timestamp);
            entries.extend(entry(app, account, transfer).await?);
        }
        if transfers.len() < wanted {
            return Ok(History { entries, next: None });
        }
    }
}

/// The entry of a transfer, if it is one that people see.
///
/// # Errors
/// A fault if the registry fails.
pub async fn entry(app: &App, account: u128, transfer: &Transfer) -> Result<Option<Entry>> {
    let is_void = transfer.flags.contains(TransferFlags::VOID_PENDING_TRANSFER);
    match TransferCode::of(transfer.code) {
        // Of a send the first phase is shown, with what became of it: expiry is no transfer.
        Some(TransferCode::Send) if !transfer.is_pending() => return Ok(None),
        Some(TransferCode::Send | TransferCode::SendReceive) => return send(app, transfer).await,
        // Any other first phase is shown when it is posted.
        _ if transfer.is_pending() || is_void => return Ok(None),
        _ => {}
    }
    let (kind, id_kind) = match TransferCode::of(transfer.code) {
        Some(TransferCode::Payment) => (EntryKind::Payment, Kind::Payment),
        Some(TransferCode::Refund) => (EntryKind::Refund, Kind::Refund),
        Some(TransferCode::Cancel) => (EntryKind::Cancel, Kind::Refund),
        Some(TransferCode::TopupCash) => (EntryKind::Topup, Kind::Topup),
        Some(TransferCode::TopupCashCancel) => (EntryKind::TopupCancel, Kind::Topup),
        Some(TransferCode::TopupCard) => (EntryKind::TopupCard, Kind::Topup),
        Some(TransferCode::TopupAuto) => (EntryKind::TopupAuto, Kind::Topup),
        Some(TransferCode::TopupAtm) => (EntryKind::TopupAtm, Kind::Topup),
        Some(TransferCode::TopupAtmCancel) => (EntryKind::TopupCancel, Kind::Topup),
        Some(TransferCode::CardChargeback) => (EntryKind::Chargeback, Kind::Topup),
        Some(TransferCode::PointsConvertedNote) => (EntryKind::Points, Kind::Conversion),
        Some(TransferCode::FreeGivenNote) => (EntryKind::Gift, Kind::Conversion),
        // Legs, positions, what `history_line` has said; what concerns points and coupons alone.
        Some(_) | None => return Ok(None),
    };
    let outgoing = transfer.debit_account_id == account;
    let store = if outgoing { transfer.credit_account_id } else { transfer.debit_account_id };
    let store = app.merchants.store_by_account(store).await?;
    let yen = match kind {
        EntryKind::Payment => i64::try_from(due(transfer)).unwrap_or(i64::MAX),
        EntryKind::Refund | EntryKind::Cancel => returned(app, transfer).await?,
        EntryKind::Points | EntryKind::Gift => {
            i64::try_from(transfer.user_data_64).unwrap_or(i64::MAX)
        }
        _ => crate::pos::yen(transfer),
    };
    let id = id_kind.text(transfer.id);
    let place = match store {
        Some(store) => store.name.clone(),
        None => card::name_of_topup(&app.stores.registry, &id).await?.unwrap_or_default(),
    };
    Ok(Some(Entry {
        payment_id: matches!(id_kind, Kind::Payment | Kind::Refund).then(|| id.clone()),
        send_id: None,
        id,
        kind,
        amount: if outgoing { -yen } else { yen },
        store_name: place,
        at: crate::pos::micros(transfer),
    }))
}

/// The entry of what was sent or received.
async fn send(app: &App, transfer: &Transfer) -> Result<Option<Entry>> {
    let Some(line) = history_line(app, transfer).await? else { return Ok(None) };
    let yen = crate::pos::yen(transfer);
    let (kind, amount) = match line.state {
        _ if !transfer.is_pending() => (EntryKind::Receive, yen),
        State::Waiting { .. } => (EntryKind::SendWaiting, -yen),
        State::Taken { .. } => (EntryKind::Send, -yen),
        State::Returned { .. } => (EntryKind::SendReturned, 0),
    };
    Ok(Some(Entry {
        id: line.send_id.clone(),
        kind,
        amount,
        store_name: line.name,
        at: crate::pos::micros(transfer),
        payment_id: None,
        send_id: Some(line.send_id),
    }))
}
