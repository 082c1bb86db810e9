//! The disputed money of the customers found, read from the ledger: what came in, what went out and
//! what came back of it, up to a position.

use std::collections::{BTreeMap, HashMap, HashSet};

use omamori_ledger::{PendingStatus, Transfer, TransferFlags};
use serde::Serialize;

use super::count::{Position, RECORDS, Seen};
use super::counting::Steps;
use super::own;
use super::query::{Money, Query};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::chart::{TransferCode, due, wallet_account_id};
use crate::gate::evidence::DecisionId;
use crate::gate::windows::Position as Refunded;
use crate::id::Kind;
use crate::pos::{Paid, claims, micros, yen};
use crate::send::transfers;
use crate::wallet::entry::EntryKind;
use crate::web::error::Result;

/// Transfers that are read at one time.
const PAGE: usize = 500;

/// A transfer that is disputed. Yen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Move {
    /// Its id.
    pub transfer_id: u128,
    /// Whose wallet, `cus_…`.
    pub customer_id: String,
    /// As the history names it.
    pub kind: String,
    /// When.
    pub at: Micros,
    /// Came into the wallet.
    pub came: i64,
    /// Went out of it.
    pub out: i64,
    /// Came back of what went out.
    pub back: i64,
    /// `sto_…`; empty if no store took part.
    pub store_id: String,
    /// `dec_…`.
    pub decision_id: String,
    /// Of what went out, or of what came in: what had come from another member and left the wallet
    /// again. It is that member's loss and not this one's. Reckoned from all moves
    /// ([`own::share`]), and no part of what is found.
    #[serde(skip)]
    pub received: i64,
}

impl Move {
    /// What went out by it and has not come back.
    #[must_use]
    pub const fn gone(&self) -> i64 {
        self.out - self.back
    }

    /// What its customer lost by it.
    #[must_use]
    pub fn loss(&self) -> i64 {
        if self.out > 0 { (self.gone() - self.received).max(0) } else { 0 }
    }

    /// Whether it came from another customer.
    #[must_use]
    pub fn is_receipt(&self) -> bool {
        self.kind == EntryKind::Receive.as_str()
    }

    /// Whether it was a top-up by card.
    #[must_use]
    pub fn is_card(&self) -> bool {
        [EntryKind::TopupCard, EntryKind::TopupAuto].iter().any(|kind| kind.as_str() == self.kind)
    }

    /// Whether it was sent to another customer.
    #[must_use]
    pub fn is_send(&self) -> bool {
        self.kind == EntryKind::SendWaiting.as_str()
    }

    /// `pay_…`, if it was a payment.
    #[must_use]
    pub fn payment_id(&self) -> Option<String> {
        let is_payment = self.kind == EntryKind::Payment.as_str();
        is_payment.then(|| Kind::Payment.text(self.transfer_id))
    }

    /// The transfer's id in hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        format!("{:032x}", self.transfer_id)
    }
}

/// The moves of all customers found, in order of customer and time. None if it was to end.
pub(super) async fn of(
    app: &App,
    query: &Query,
    position: &Position,
    members: &BTreeMap<String, Seen>,
    steps: &mut Steps<'_>,
) -> Result<Option<Vec<Move>>> {
    let mut moves = Vec::new();
    for (done, (customer_id, seen)) in members.iter().enumerate() {
        let part = (99 - RECORDS) * i64::try_from(done * 100 / members.len()).unwrap_or(0) / 100;
        if !steps.at(RECORDS + part).await? {
            return Ok(None);
        }
        let wallet = wallet_account_id(customer_id);
        let statement = statement(app, wallet, query, position).await?;
        let first = Wallet { app, query, position, customer_id, wallet, seen };
        moves.extend(first.moves(&statement).await?);
    }
    let wallets = members.keys().map(|id| (wallet_account_id(id), id.as_str())).collect();
    passed_on(app, &mut moves, &wallets, (position, query.end(position.at))).await?;
    let receipts = own::receipts_of(&moves);
    own::share(&mut moves, &receipts, &HashSet::new());
    Ok(Some(moves))
}

/// Adds what members received by disputed sends of other members, where it is not among the moves
/// already: the same yen is not lost twice.
pub(super) async fn passed_on(
    app: &App,
    moves: &mut Vec<Move>,
    wallets: &HashMap<u128, &str>,
    (position, end): (&Position, Micros),
) -> Result<()> {
    let known: HashSet<u128> = moves.iter().map(|one| one.transfer_id).collect();
    let sends = moves.iter().filter(|one| one.is_send() && one.gone() > 0);
    let receipts: Vec<u128> = sends.map(|one| transfers::receive_id(one.transfer_id)).collect();
    let mut added = Vec::new();
    for receipt in receipts.into_iter().filter(|id| !known.contains(id)) {
        let Some(stored) = app.gate.transfer(receipt).await? else { continue };
        let transfer = stored.transfer;
        let Some(customer_id) = wallets.get(&transfer.credit_account_id) else { continue };
        if transfer.timestamp <= position.ledger && micros(&transfer) < end {
            added.extend(one(app, customer_id, &transfer, position).await?);
        }
    }
    if !added.is_empty() {
        moves.extend(added);
        moves.sort_by(|a, b| {
            (&a.customer_id, a.at, a.transfer_id).cmp(&(&b.customer_id, b.at, b.transfer_id))
        });
    }
    Ok(())
}

/// A transfer alone, as a customer disputes it.
pub(super) async fn one(
    app: &App,
    customer_id: &str,
    transfer: &Transfer,
    position: &Position,
) -> Result<Option<Move>> {
    let Some(kind) = EntryKind::of(transfer) else { return Ok(None) };
    let wallet = wallet_account_id(customer_id);
    shape(app, (customer_id, wallet), (kind, transfer), position, None).await
}

/// What a wallet's account saw from the span's beginning up to the position, the oldest first.
async fn statement(
    app: &App,
    wallet: u128,
    query: &Query,
    position: &Position,
) -> Result<Vec<Transfer>> {
    let (mut found, mut before) = (Vec::new(), Some(position.ledger.saturating_add(1)));
    loop {
        let page = app.gate.statement(wallet, before, PAGE).await?;
        before = page.last().map(|transfer| transfer.timestamp);
        let is_last = page.len() < PAGE;
        let kept = page.into_iter().take_while(|transfer| micros(transfer) >= query.from);
        let count = found.len();
        found.extend(kept);
        if is_last || found.len() - count < PAGE {
            found.reverse();
            return Ok(found);
        }
    }
}

struct Wallet<'a> {
    app: &'a App,
    query: &'a Query,
    position: &'a Position,
    customer_id: &'a str,
    wallet: u128,
    seen: &'a Seen,
}

impl Wallet<'_> {
    async fn moves(&self, statement: &[Transfer]) -> Result<Vec<Move>> {
        // A card's credit has a decision of its own; who asked for it stands in its first phase.
        let phases: HashMap<u128, u128> =
            statement.iter().map(|transfer| (transfer.id, transfer.user_data_128)).collect();
        let end = self.query.end(self.position.at);
        let (mut moves, mut came) = (Vec::new(), HashSet::new());
        for transfer in statement {
            let Some(kind) = EntryKind::of(transfer) else { continue };
            let asked = phases.get(&transfer.pending_id).copied();
            let decided = [Some(transfer.user_data_128), asked].into_iter().flatten();
            let mut decided = decided;
            let matched = decided.any(|id| self.seen.decisions.contains(&id));
            let after = self.query.money == Money::After && micros(transfer) >= self.seen.first_at;
            // What is taken back of a disputed top-up is of it, whenever it comes.
            let undoes = matches!(kind, EntryKind::Chargeback | EntryKind::TopupCancel);
            let is_ours = if undoes { !came.is_empty() } else { matched || after };
            if !is_ours || (!undoes && micros(transfer) >= end) {
                continue;
            }
            let of = (self.customer_id, self.wallet);
            let known = Some(statement);
            let made = shape(self.app, of, (kind, transfer), self.position, known).await?;
            if let Some(made) = made {
                if made.came > 0 {
                    came.insert(made.transfer_id);
                }
                moves.push(made);
            }
        }
        Ok(moves)
    }
}

/// A line of the history as a move; none if it is of a kind that nobody disputes.
async fn shape(
    app: &App,
    (customer_id, wallet): (&str, u128),
    (kind, transfer): (EntryKind, &Transfer),
    position: &Position,
    statement: Option<&[Transfer]>,
) -> Result<Option<Move>> {
    let amount = yen(transfer);
    let (mut came, mut out, mut back) = (0, 0, 0);
    match kind {
        EntryKind::Payment => {
            out = i64::try_from(due(transfer)).unwrap_or(i64::MAX);
            for claim in claims(app, &Paid::read(app, *transfer).await?).await? {
                if claim.timestamp <= position.ledger {
                    back += Refunded::of(&claim).to_customer;
                }
            }
        }
        EntryKind::SendWaiting => {
            out = amount;
            if is_back(app, transfer, position, statement).await? {
                back = amount;
            }
        }
        EntryKind::Topup
        | EntryKind::TopupCard
        | EntryKind::TopupAuto
        | EntryKind::TopupAtm
        | EntryKind::Receive => came = amount,
        EntryKind::Chargeback | EntryKind::TopupCancel => came = -amount,
        _ => return Ok(None),
    }
    let other = if transfer.debit_account_id == wallet {
        transfer.credit_account_id
    } else {
        transfer.debit_account_id
    };
    let store = app.merchants.store_by_account(other).await?;
    let decision = DecisionId::of(transfer.user_data_128).to_u128();
    Ok(Some(Move {
        transfer_id: transfer.id,
        customer_id: customer_id.to_owned(),
        kind: kind.as_str().to_owned(),
        at: micros(transfer),
        came,
        out,
        back,
        store_id: store.map(|store| store.store_id.clone()).unwrap_or_default(),
        decision_id: Kind::Decision.text(decision),
        received: 0,
    }))
}

/// Whether what was sent had come back by then: given back, or its time was over. Without the
/// wallet's statement: by now.
async fn is_back(
    app: &App,
    send: &Transfer,
    position: &Position,
    statement: Option<&[Transfer]>,
) -> Result<bool> {
    let is_void = |other: &&Transfer| {
        other.pending_id == send.id
            && other.code == TransferCode::Send.number()
            && other.flags.contains(TransferFlags::VOID_PENDING_TRANSFER)
    };
    let status = app.gate.transfer(send.id).await?.map(|stored| stored.pending_status);
    let over = send.timestamp.saturating_add(u64::from(send.timeout) * 1_000_000_000);
    let given_back = match statement {
        Some(statement) => statement.iter().any(|other| is_void(&other)),
        None => status == Some(PendingStatus::Voided),
    };
    Ok(given_back || status == Some(PendingStatus::Expired) && over <= position.ledger)
}
