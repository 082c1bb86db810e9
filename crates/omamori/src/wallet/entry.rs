//! A customer's history: the statement of the wallet's account, in words.

use std::fmt;

use omamori_ledger::Transfer;
use serde::Serialize;

use crate::app::App;
use crate::clock::Micros;
use crate::gate::chart::{TransferCode, due};
use crate::id::Kind;
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
    /// Points became balance.
    Points,
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
            Self::Points => "points",
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
    /// `pay_…`, `rfd_…` or `top_…`.
    pub id: String,
    /// What it was.
    pub kind: EntryKind,
    /// Yen; negative when value left the wallet.
    pub amount: i64,
    /// Where.
    pub store_name: String,
    /// Microseconds UTC; RFC 3339 in JSON.
    #[serde(serialize_with = "as_rfc3339")]
    pub at: Micros,
    /// What `/receipt/…` shows: there is one for payments and what became of them.
    pub payment_id: Option<String>,
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
    if transfer.is_pending() {
        return Ok(None); // a first phase: shown when it is posted
    }
    let (kind, id_kind) = match TransferCode::of(transfer.code) {
        Some(TransferCode::Payment) => (EntryKind::Payment, Kind::Payment),
        Some(TransferCode::Refund) => (EntryKind::Refund, Kind::Refund),
        Some(TransferCode::Cancel) => (EntryKind::Cancel, Kind::Refund),
        Some(TransferCode::TopupCash) => (EntryKind::Topup, Kind::Topup),
        Some(TransferCode::TopupCashCancel) => (EntryKind::TopupCancel, Kind::Topup),
        Some(TransferCode::PointsConvertedNote) => (EntryKind::Points, Kind::Conversion),
        // Legs, positions and what concerns points and coupons alone.
        Some(_) | None => return Ok(None),
    };
    let outgoing = transfer.debit_account_id == account;
    let store = if outgoing { transfer.credit_account_id } else { transfer.debit_account_id };
    let store = app.merchants.store_by_account(store).await?;
    let yen = match kind {
        EntryKind::Payment => i64::try_from(due(transfer)).unwrap_or(i64::MAX),
        EntryKind::Refund | EntryKind::Cancel => returned(app, transfer).await?,
        EntryKind::Points => i64::try_from(transfer.user_data_64).unwrap_or(i64::MAX),
        EntryKind::Topup | EntryKind::TopupCancel => crate::pos::yen(transfer),
    };
    let id = id_kind.text(transfer.id);
    Ok(Some(Entry {
        payment_id: matches!(id_kind, Kind::Payment | Kind::Refund).then(|| id.clone()),
        id,
        kind,
        amount: if outgoing { -yen } else { yen },
        store_name: store.map_or_else(String::new, |store| store.name.clone()),
        at: crate::pos::micros(transfer),
    }))
}
