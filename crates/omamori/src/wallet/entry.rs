//! A customer's history: the statement of the wallet's account, in words.

use std::fmt;

use omamori_ledger::{Transfer, TransferFlags};
use serde::Serialize;

pub use super::class::Class;
use crate::app::App;
use crate::clock::Micros;
use crate::gate::chart::{TransferCode, due};
use crate::gate::reservation::{is_of_one, is_reservation, void_id};
use crate::id::Kind;
use crate::pos::{Reservation, ReservationState};
use crate::send::history_line;
use crate::send::transfers::State;
use crate::topup::card;
use crate::value::legs::returned;
use crate::web::error::Result;
use crate::web::filters::{as_rfc3339, as_rfc3339_or_null};

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
    /// Set aside for a payment that comes later.
    Authorization,
    /// It was, and came back: nothing left the wallet.
    AuthorizationEnded,
    /// Set aside for a payment that staff look at first.
    PaymentHeld,
    /// It was, and came back.
    PaymentHeldEnded,
    /// A campaign gave free value.
    Gift,
    /// What was lost in an incident came back.
    Compensation,
    /// A store gave back what had been made good already.
    CompensationBack,
    /// What came in by a disputed top-up was taken back.
    Reversal,
    /// Set aside to be paid back as money.
    RefundClaim,
    /// It was, and is balance again.
    RefundClaimBack,
    /// Not claimed in time when the service ended.
    Excluded,
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
            Self::Authorization => "authorization",
            Self::AuthorizationEnded => "authorization_ended",
            Self::PaymentHeld => "payment_held",
            Self::PaymentHeldEnded => "payment_held_ended",
            Self::Gift => "gift",
            Self::Compensation => "compensation",
            Self::CompensationBack => "compensation_back",
            Self::Reversal => "reversal",
            Self::RefundClaim => "refund_claim",
            Self::RefundClaimBack => "refund_claim_back",
            Self::Excluded => "excluded",
        }
    }
}

impl EntryKind {
    /// Every kind there is.
    pub const ALL: [Self; 25] = [
        Self::Payment,
        Self::Refund,
        Self::Cancel,
        Self::Topup,
        Self::TopupCancel,
        Self::SendWaiting,
        Self::Send,
        Self::SendReturned,
        Self::Receive,
        Self::TopupCard,
        Self::TopupAuto,
        Self::TopupAtm,
        Self::Chargeback,
        Self::Points,
        Self::Gift,
        Self::Authorization,
        Self::AuthorizationEnded,
        Self::PaymentHeld,
        Self::PaymentHeldEnded,
        Self::Compensation,
        Self::CompensationBack,
        Self::Reversal,
        Self::RefundClaim,
        Self::RefundClaimBack,
        Self::Excluded,
    ];

    /// The kind of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// What a transfer is in the history of its customer, if it is a line of it. Of a send that is
    /// its first phase; any other first phase is a line when it is posted. What is set aside is
    /// none: it is shown as long as it waits (see [`reservations`]), and nothing has left.
    #[must_use]
    pub fn of(transfer: &Transfer) -> Option<Self> {
        let code = TransferCode::of(transfer.code)?;
        if code == TransferCode::Send {
            return transfer.is_pending().then_some(Self::SendWaiting);
        }
        let is_void = transfer.flags.contains(TransferFlags::VOID_PENDING_TRANSFER);
        if transfer.is_pending() || is_void {
            return None;
        }
        Some(match code {
            TransferCode::SendReceive => Self::Receive,
            TransferCode::Payment => Self::Payment,
            TransferCode::Refund => Self::Refund,
            TransferCode::Cancel => Self::Cancel,
            TransferCode::TopupCash => Self::Topup,
            TransferCode::TopupCard => Self::TopupCard,
            TransferCode::TopupAuto => Self::TopupAuto,
            TransferCode::TopupAtm => Self::TopupAtm,
            TransferCode::TopupCashCancel | TransferCode::TopupAtmCancel => Self::TopupCancel,
            TransferCode::CardChargeback => Self::Chargeback,
            TransferCode::PointsConvertedNote => Self::Points,
            TransferCode::FreeGivenNote => Self::Gift,
            TransferCode::IncidentCompensation => Self::Compensation,
            TransferCode::MadeGoodBack => Self::CompensationBack,
            TransferCode::IncidentReversal => Self::Reversal,
            TransferCode::RefundSetAside => Self::RefundClaim,
            TransferCode::RefundBack => Self::RefundClaimBack,
            TransferCode::RefundExcluded => Self::Excluded,
            // Legs and positions; what concerns points and coupons alone.
            _ => return None,
        })
    }

    /// Whether value leaves the wallet with it.
    #[must_use]
    pub const fn leaves_wallet(self) -> bool {
        matches!(
            self,
            Self::Payment
                | Self::TopupCancel
                | Self::Chargeback
                | Self::CompensationBack
                | Self::Reversal
                | Self::RefundClaim
                | Self::Excluded
                | Self::Authorization
                | Self::PaymentHeld
        ) || self.is_sent()
    }

    /// Whether it is a send, whatever became of it.
    #[must_use]
    pub const fn is_sent(self) -> bool {
        matches!(self, Self::SendWaiting | Self::Send | Self::SendReturned)
    }

    /// What its id names.
    #[must_use]
    pub const fn id_kind(self) -> Kind {
        match self {
            Self::Payment => Kind::Payment,
            Self::Refund | Self::Cancel => Kind::Refund,
            Self::SendWaiting | Self::Send | Self::SendReturned | Self::Receive => Kind::Send,
            Self::Points | Self::Gift => Kind::Conversion,
            Self::Authorization
            | Self::AuthorizationEnded
            | Self::PaymentHeld
            | Self::PaymentHeldEnded => Kind::Authorization,
            Self::Topup
            | Self::TopupCancel
            | Self::TopupCard
            | Self::TopupAuto
            | Self::TopupAtm
            | Self::Compensation
            | Self::CompensationBack
            | Self::Reversal
            | Self::Chargeback => Kind::Topup,
            Self::RefundClaim | Self::RefundClaimBack | Self::Excluded => Kind::RefundClaim,
        }
    }

    /// Under what it is summed up.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Payment
            | Self::Authorization
            | Self::AuthorizationEnded
            | Self::PaymentHeld
            | Self::PaymentHeldEnded => Class::Paid,
            Self::Refund | Self::Cancel | Self::Compensation | Self::CompensationBack => {
                Class::Refunded
            }
            Self::Topup
            | Self::TopupCancel
            | Self::TopupCard
            | Self::TopupAuto
            | Self::TopupAtm
            | Self::Reversal
            | Self::RefundClaim
            | Self::RefundClaimBack
            | Self::Excluded
            | Self::Chargeback => Class::Topup,
            Self::SendWaiting | Self::Send | Self::SendReturned => Class::Sent,
            Self::Receive => Class::Received,
            Self::Points | Self::Gift => Class::Points,
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
    /// `pay_…`, `aut_…`, `rfd_…`, `top_…` or `snd_…`.
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
    /// Until when it is set aside, if it is.
    #[serde(serialize_with = "as_rfc3339_or_null")]
    pub until: Option<Micros>,
    /// What `/receipt/…` shows: there is one for payments and what became of them.
    pub payment_id: Option<String>,
    /// What `/send/…` shows.
    pub send_id: Option<String>,
}

impl Entry {
    /// Whether nothing more is shown of it, and nobody disputes it.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        matches!(
            self.kind,
            EntryKind::Points
                | EntryKind::Chargeback
                | EntryKind::Compensation
                | EntryKind::CompensationBack
                | EntryKind::Reversal
                | EntryKind::RefundClaim
                | EntryKind::RefundClaimBack
                | EntryKind::Excluded
        )
    }
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
    // What is set aside is shown with what became of it; once it is paid, its payment is shown.
    if is_reservation(transfer) {
        return set_aside(app, transfer).await;
    }
    let Some(kind) = EntryKind::of(transfer) else { return Ok(None) };
    // Of a send the first phase is shown, with what became of it: expiry is no transfer.
    if matches!(kind, EntryKind::SendWaiting | EntryKind::Receive) {
        return send(app, transfer).await;
    }
    let id_kind = kind.id_kind();
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
        until: None,
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
        until: None,
        payment_id: None,
        send_id: Some(line.send_id),
    }))
}

/// The entry of what was set aside, with what became of it.
async fn set_aside(app: &App, transfer: &Transfer) -> Result<Option<Entry>> {
    let Some(made) = Reservation::find(app, transfer.id).await? else { return Ok(None) };
    Ok(match made.state(app).await? {
        ReservationState::Open => Some(reserved(app, transfer, false).await?),
        ReservationState::Captured(_) => None,
        ReservationState::Voided { .. } | ReservationState::Expired { .. } => {
            Some(Entry { amount: 0, ..reserved(app, transfer, true).await? })
        }
    })
}

/// What is told of a reservation when it is made, and when it came back.
///
/// # Errors
/// A fault if the registry fails.
pub async fn reserved(app: &App, transfer: &Transfer, ended: bool) -> Result<Entry> {
    let is_held = transfer.code == TransferCode::PaymentHeld.number();
    let store = app.merchants.store_by_account(transfer.credit_account_id).await?;
    let yen = i64::try_from(due(transfer)).unwrap_or(i64::MAX);
    let at = crate::pos::micros(transfer);
    let until = at + Micros::from(transfer.timeout) * crate::clock::SECOND;
    Ok(Entry {
        id: Kind::Authorization.text(transfer.id),
        kind: match (is_held, ended) {
            (false, false) => EntryKind::Authorization,
            (false, true) => EntryKind::AuthorizationEnded,
            (true, false) => EntryKind::PaymentHeld,
            (true, true) => EntryKind::PaymentHeldEnded,
        },
        amount: if ended { yen } else { -yen },
        store_name: store.map(|store| store.name.clone()).unwrap_or_default(),
        at,
        until: (!ended).then_some(until),
        payment_id: None,
        send_id: None,
    })
}

/// What is told of a transfer at once: its entry, and of a reservation how it begins and that it
/// came back. (Its expiry is no transfer.)
///
/// # Errors
/// A fault if the registry fails.
pub async fn news(app: &App, account: u128, transfer: &Transfer) -> Result<Option<Entry>> {
    if is_reservation(transfer) {
        return reserved(app, transfer, false).await.map(Some);
    }
    if !is_of_one(transfer) {
        return entry(app, account, transfer).await;
    }
    let is_void = transfer.id == void_id(transfer.pending_id);
    let pending = if is_void { app.gate.transfer(transfer.pending_id).await? } else { None };
    let Some(pending) = pending else { return Ok(None) };
    let entry = reserved(app, &pending.transfer, true).await?;
    Ok(Some(Entry { at: crate::pos::micros(transfer), ..entry }))
}

/// What a customer has set aside now, newest first.
///
/// # Errors
/// A fault if a store fails.
pub async fn reservations(app: &App, account: u128) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for id in app.gate.reservations(account).into_iter().rev().take(PAGE) {
        let Some(made) = Reservation::find(app, id).await? else { continue };
        if made.state(app).await? == ReservationState::Open {
            entries.push(reserved(app, &made.transfer, false).await?);
        }
    }
    Ok(entries)
}
