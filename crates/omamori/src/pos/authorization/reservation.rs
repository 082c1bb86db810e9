//! A reservation in the ledger: made, read back, and ended.
//!
//! First comes a claim of amount 0 with the code's id, so that the code works once, then the
//! pending transfer of the paid value, then a pending one for each other part. All have the same
//! time-out, and are resolved in the order in which they were made: while the first is open, so
//! are the others.

use omamori_ledger::{
    CreateTransferResult as R, PendingStatus, Request, StoredTransfer, Transfer, TransferFlags,
};

use crate::app::App;
use crate::clock::{Micros, SECOND};
use crate::coupon::{Basket, points_factor};
use crate::gate::Clearance;
use crate::gate::chart::{
    AccountCode, LEDGER_JPY, LEDGER_JPY_FREE, LEDGER_PIECES, LEDGER_POINTS, TransferCode,
    wallet_account,
};
use crate::gate::purse::{Lot, LotKind, Month, Purse};
use crate::gate::reservation::{handover_id, is_reservation, part_end_id, void_id};
use crate::pos::chain::Chain;
use crate::pos::model::{Paid, micros, yen};
use crate::value::legs::{issue, leg_id, operator_id, payment_after};
use crate::value::{Discount, Made, Offer, Spending, culprit, earning};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// What is to be set aside.
pub(super) struct Reserve<'a> {
    pub id: u128,
    /// The id that uses up the code.
    pub claim_id: u128,
    pub wallet: u128,
    pub store: u128,
    /// Authorization or held payment.
    pub code: TransferCode,
    pub seconds: u32,
    pub terminal_number: i64,
    pub spending: &'a Spending,
}

/// One pending transfer beside the paid value.
struct Part {
    ledger: u32,
    from: u128,
    to: u128,
    amount: i64,
    user_data_32: u32,
}

impl Reserve<'_> {
    fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        for Discount { budget, to, pieces, amount } in &self.spending.discounts {
            let (ledger, from, to, amount) = (LEDGER_JPY, *budget, *to, *amount);
            parts.push(Part { ledger, from, to, amount, user_data_32: 0 });
            let (ledger, to) = (LEDGER_PIECES, operator_id(AccountCode::PieceIssue));
            parts.push(Part { ledger, from: *pieces, to, amount: 1, user_data_32: 0 });
        }
        let lots = [(LotKind::Points, &self.spending.points), (LotKind::Free, &self.spending.free)];
        for (kind, lots) in lots {
            parts.extend(lots.iter().map(|lot| Part {
                ledger: kind.ledger(),
                from: kind.account_id(self.wallet, lot.month),
                to: operator_id(issue(kind)),
                amount: lot.amount,
                user_data_32: lot.month.number(),
            }));
        }
        parts.retain(|part| part.amount > 0);
        parts
    }

    fn transfers(&self) -> Vec<Transfer> {
        let claim = Transfer {
            id: self.claim_id,
            debit_account_id: self.wallet,
            credit_account_id: self.store,
            user_data_64: self.terminal_number.unsigned_abs(),
            ledger: LEDGER_JPY,
            code: TransferCode::CodeClaim.number(),
            flags: TransferFlags::LINKED,
            ..Transfer::default()
        };
        let first = Transfer {
            id: self.id,
            amount: self.spending.paid.unsigned_abs(),
            user_data_32: u32::try_from(self.spending.due()).unwrap_or(u32::MAX),
            timeout: self.seconds,
            code: self.code.number(),
            flags: TransferFlags::LINKED | TransferFlags::PENDING,
            ..claim
        };
        let mut transfers = vec![claim, first];
        transfers.extend((0..).zip(self.parts()).map(|(number, part)| Transfer {
            id: leg_id(self.id, number),
            debit_account_id: part.from,
            credit_account_id: part.to,
            amount: part.amount.unsigned_abs(),
            user_data_32: part.user_data_32,
            ledger: part.ledger,
            code: TransferCode::AuthorizationPart.number(),
            ..first
        }));
        if let Some(last) = transfers.last_mut() {
            last.flags = last.flags.without(TransferFlags::LINKED);
        }
        transfers
    }

    /// Sets it aside. `None` if the customer's value changed since the plan: plan again.
    ///
    /// # Errors
    /// A refusal: the code is used up, the id another one's (`reused`), the account stopped.
    pub async fn make(
        &self,
        app: &App,
        clearance: Clearance,
        reused: Code,
    ) -> Result<Option<Reservation>> {
        let decision = clearance.decision().to_u128();
        let transfers = self.transfers();
        // A customer who has only points or free value has no account for paid value yet.
        let mut accounts = vec![wallet_account(self.wallet)];
        accounts.retain(|account| app.gate.account(account.id).is_none());
        let request = Request { accounts, transfers: transfers.clone() };
        let reply = app.gate.commit(clearance, request).await?;
        match culprit(&reply) {
            None => {
                let made = |(transfer, outcome): (&Transfer, &omamori_ledger::TransferOutcome)| {
                    let timestamp = outcome.timestamp;
                    Transfer { timestamp, user_data_128: decision, ..*transfer }
                };
                let made: Vec<_> = transfers.iter().zip(&reply.transfers).map(made).collect();
                let status = PendingStatus::Pending;
                Ok(Some(Reservation { transfer: made[1], status, parts: made[2..].to_vec() }))
            }
            Some((0 | 1, R::DebitAccountAlreadyClosed | R::CreditAccountAlreadyClosed)) => {
                Err(Code::AccountFrozen.into())
            }
            Some((0, _)) => Err(Code::CodeAlreadyUsed.into()),
            Some((_, R::ExceedsCredits | R::ExceedsDebits)) => Ok(None),
            Some((1, _)) => Err(reused.into()),
            Some((_, other)) => {
                tracing::error!(?other, "a part of an authorization was refused");
                Err(Error::fault("a part of an authorization was refused"))
            }
        }
    }
}

/// Value that was set aside.
#[derive(Clone, Debug)]
pub struct Reservation {
    /// The pending transfer of the paid value.
    pub transfer: Transfer,
    status: PendingStatus,
    parts: Vec<Transfer>,
}

/// What became of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits.
    Open,
    /// It was paid: the payment's capture.
    Captured(Transfer),
    /// It was given back.
    Voided {
        /// When.
        at: Micros,
    },
    /// Its time was over.
    Expired {
        /// When.
        at: Micros,
    },
}

impl State {
    /// The word of the API, of texts and of pages.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "authorized",
            Self::Captured(_) => "captured",
            Self::Voided { .. } => "voided",
            Self::Expired { .. } => "expired",
        }
    }
}

impl Reservation {
    /// The reservation with this id, or `None`.
    ///
    /// # Errors
    /// A fault if the views fail.
    pub async fn find(app: &App, id: u128) -> Result<Option<Self>> {
        let Some(StoredTransfer { transfer, pending_status: status }) =
            app.gate.transfer(id).await?.filter(|found| is_reservation(&found.transfer))
        else {
            return Ok(None);
        };
        let mut parts = Vec::new();
        while let Some(part) = app.gate.transfer(leg_id(id, parts.len() as u64)).await? {
            parts.push(part.transfer);
        }
        Ok(Some(Self { transfer, status, parts }))
    }

    /// Whether it waits for staff and not for the store.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.transfer.code == TransferCode::PaymentHeld.number()
    }

    /// When its time is over.
    #[must_use]
    pub fn until(&self) -> Micros {
        micros(&self.transfer) + Micros::from(self.transfer.timeout) * SECOND
    }

    /// What is set aside, by kind.
    #[must_use]
    pub fn spending(&self) -> Spending {
        let mut spending = Spending { paid: yen(&self.transfer), ..Spending::default() };
        for part in &self.parts {
            let lot = Lot { month: Month::from_number(part.user_data_32), amount: yen(part) };
            match part.ledger {
                LEDGER_JPY_FREE => spending.free.push(lot),
                LEDGER_POINTS => spending.points.push(lot),
                LEDGER_PIECES => {
                    if let Some(discount) = spending.discounts.last_mut() {
                        discount.pieces = part.debit_account_id;
                    }
                }
                _ => spending.discounts.push(Discount {
                    budget: part.debit_account_id,
                    to: part.credit_account_id,
                    pieces: 0,
                    amount: yen(part),
                }),
            }
        }
        spending
    }

    /// What a payment out of it can be made of.
    #[must_use]
    pub fn purse(&self) -> Purse {
        let Spending { points, free, paid, .. } = self.spending();
        Purse { paid, free, points, points_debt: 0 }
    }

    /// What became of it.
    ///
    /// # Errors
    /// A fault if a store fails.
    pub async fn state(&self, app: &App) -> Result<State> {
        let is_over = || self.transfer.expires_at().is_some_and(|at| at <= app.clock.now_nanos());
        let mut status = self.status;
        if status == PendingStatus::Pending && is_over() {
            // An end that was asked for in time may be under way. What comes after this answer of
            // the ledger's writer comes too late.
            app.gate.catch_up().await?;
            let now = app.gate.transfer(self.transfer.id).await?;
            status = now.map_or(status, |now| now.pending_status);
        }
        match status {
            // Over to the nanosecond, even before the ledger's writer notices.
            PendingStatus::Pending if is_over() => Ok(State::Expired { at: self.until() }),
            PendingStatus::Pending => Ok(State::Open),
            PendingStatus::Expired => Ok(State::Expired { at: self.until() }),
            PendingStatus::Voided => self.end(app).await,
            PendingStatus::Posted | PendingStatus::None => {
                Err(Error::fault("an authorization is posted"))
            }
        }
    }

    async fn end(&self, app: &App) -> Result<State> {
        if let Some(void) = app.gate.transfer(void_id(self.transfer.id)).await? {
            return Ok(State::Voided { at: micros(&void.transfer) });
        }
        let first = app.gate.transfer(handover_id(self.transfer.id)).await?;
        let first = first.ok_or(Error::fault("an authorization has no end"))?.transfer;
        // Its capture is the next transfer of the wallet: nothing comes between in a chain.
        let wallet = self.transfer.debit_account_id;
        let after = app.gate.statement(wallet, Some(first.timestamp + 2), 1).await?;
        let capture = after.into_iter().find(|capture| capture.pending_id == first.id);
        Ok(State::Captured(capture.ok_or(Error::fault("a captured authorization has no payment"))?))
    }

    /// Frees all of it; the first transfer has the id `id`. All are linked, to what follows too.
    fn released(&self, id: u128, terminal_number: i64) -> Vec<Transfer> {
        let void = Transfer {
            id,
            pending_id: self.transfer.id,
            user_data_64: terminal_number.unsigned_abs(),
            flags: TransferFlags::LINKED | TransferFlags::VOID_PENDING_TRANSFER,
            ..Transfer::default()
        };
        let part =
            |part: &Transfer| Transfer { id: part_end_id(part.id), pending_id: part.id, ..void };
        std::iter::once(void).chain(self.parts.iter().map(part)).collect()
    }

    /// Gives it back. False if it had ended before: look again.
    ///
    /// # Errors
    /// A fault, with the state unknown.
    pub async fn void(&self, app: &App, clearance: Clearance, terminal: i64) -> Result<bool> {
        let mut transfers = self.released(void_id(self.transfer.id), terminal);
        if let Some(last) = transfers.last_mut() {
            last.flags = last.flags.without(TransferFlags::LINKED);
        }
        let request = Request { accounts: Vec::new(), transfers };
        let reply = app.gate.commit(clearance, request).await?;
        Ok(culprit(&reply).is_none())
    }

    /// Pays out of it: `spending` is of what is set aside. `None` if it had ended before, the id
    /// is another payment's, or the customer's points changed: look again.
    ///
    /// # Errors
    /// The account is closed; a fault, with the state unknown.
    pub async fn capture(
        &self,
        app: &App,
        clearance: Clearance,
        capture_id: u128,
        spending: Spending,
        terminal_number: i64,
    ) -> Result<Option<Paid>> {
        let decision = clearance.decision().to_u128();
        let pending = &self.transfer;
        let (wallet, store) = (pending.debit_account_id, pending.credit_account_id);
        let entry = app.merchants.store_by_account(store).await?;
        let entry = entry.ok_or(Error::fault("an authorization of no store"))?;
        let basket = Basket { store: &entry, amount: spending.amount(), items: &[] };
        let factor = points_factor(app, &basket).await?;
        let offer = Offer {
            earning: earning(app, &entry, &spending, factor),
            debt: app.gate.purse(wallet).points_debt,
            spending,
        };
        let chain = Chain {
            authorization_id: handover_id(pending.id),
            id: capture_id,
            debit_account_id: wallet,
            credit_account_id: store,
            amount: offer.spending.paid,
            of_all_kinds: 0,
            terminal_number,
            code: TransferCode::Payment,
        };
        let released = self.released(leg_id(capture_id, 0), terminal_number);
        let legs = payment_after(&released, &chain, &offer.spending, offer.earning, offer.debt);
        let request = legs.close(app);
        let place = released.len() + 1;
        let capture = request.transfers[place];
        let reply = app.gate.commit(clearance, request).await?;
        match culprit(&reply) {
            None => {
                let timestamp = reply.transfers[place].timestamp;
                let made = Made { authorization: Some(pending.id), ..Made::of(offer) };
                let capture = Transfer { timestamp, user_data_128: decision, ..capture };
                Ok(Some(Paid { capture, made }))
            }
            Some((at, R::DebitAccountAlreadyClosed | R::CreditAccountAlreadyClosed))
                if at + 1 == place =>
            {
                Err(Code::AccountFrozen.into())
            }
            Some((at, _)) if at <= place => Ok(None),
            Some((_, R::ExceedsCredits | R::ExceedsDebits)) => Ok(None),
            Some((_, other)) => {
                tracing::error!(?other, "a leg of a capture was refused");
                Err(Error::fault("a leg of a capture was refused"))
            }
        }
    }
}
