//! A payment's chain in the ledger: made from a [`Spending`], and read back as one.
//!
//! After *authorize* and *capture* (see [`crate::pos::Chain`]), which move the paid value, come
//! the legs of the other kinds. What a store is owed has one meaning whichever kind paid: yen on
//! its sales account. So where a customer gives free value or points, that goes to the operator
//! who issued it, and in the same chain the operator gives the store as many yen.
//!
//! The legs' ids are derived from the capture's and a rising number: the chain is found again by
//! asking for one after the other.

use omamori_ledger::{Account, AccountFlags, Transfer, TransferFlags};

use super::plan::{Discount, Spending};
use super::promise::Promise;
use crate::app::App;
use crate::gate::chart::{
    AccountCode, LEDGER_JPY, LEDGER_JPY_FREE, LEDGER_PIECES, LEDGER_POINTS, TransferCode,
    account_in,
};
use crate::gate::purse::{Lot, LotKind, Month, points_debt_account, points_debt_id, total};
use crate::id::derive;
use crate::pos::{Chain, yen};
use crate::web::error::Result;

/// The id of an account of the operator: one for each meaning.
#[must_use]
pub fn operator_id(code: AccountCode) -> u128 {
    derive("operator", &[&(code as u16).to_be_bytes()])
}

/// An account of the operator, to be created.
#[must_use]
pub fn operator_account(code: AccountCode) -> Account {
    let ledger = match code {
        AccountCode::FreeIssue | AccountCode::FreeExpired => LEDGER_JPY_FREE,
        AccountCode::PointsIssue | AccountCode::PointsExpired => LEDGER_POINTS,
        AccountCode::PieceIssue => LEDGER_PIECES,
        _ => LEDGER_JPY,
    };
    account_in(ledger, operator_id(code), code, AccountFlags::default())
}

/// The id of the `number`th leg of a chain, from 0.
#[must_use]
pub fn leg_id(parent: u128, number: u64) -> u128 {
    derive("leg", &[&parent.to_be_bytes(), &number.to_be_bytes()])
}

/// A chain that grows: the accounts it may have to create, and its transfers.
pub struct Legs {
    parent: u128,
    wallet: u128,
    terminal_number: i64,
    number: u64,
    /// To be created where they are not yet.
    pub accounts: Vec<Account>,
    /// All linked; [`Legs::close`] ends the chain.
    pub transfers: Vec<Transfer>,
}

/// One leg of a chain.
#[derive(Clone, Copy)]
pub struct Leg {
    /// Why.
    pub code: TransferCode,
    /// From.
    pub from: u128,
    /// To.
    pub to: u128,
    /// In which unit.
    pub ledger: u32,
    /// How much of it.
    pub amount: i64,
    /// Carried along: a lot's month.
    pub user_data_32: u32,
}

impl Legs {
    /// The legs that follow `first`; their ids are derived from `parent`.
    #[must_use]
    pub fn after(first: &[Transfer], parent: u128, wallet: u128, terminal_number: i64) -> Self {
        let linked = |transfer: &Transfer| Transfer {
            flags: transfer.flags.with(TransferFlags::LINKED),
            ..*transfer
        };
        Self {
            parent,
            wallet,
            terminal_number,
            number: 0,
            accounts: Vec::new(),
            transfers: first.iter().map(linked).collect(),
        }
    }

    /// Adds a leg, unless it moves nothing.
    pub fn push(&mut self, leg: Leg) {
        if leg.amount == 0 {
            return;
        }
        self.transfers.push(Transfer {
            id: leg_id(self.parent, self.number),
            debit_account_id: leg.from,
            credit_account_id: leg.to,
            amount: leg.amount.unsigned_abs(),
            user_data_64: self.terminal_number.unsigned_abs(),
            user_data_32: leg.user_data_32,
            ledger: leg.ledger,
            code: leg.code.number(),
            flags: TransferFlags::LINKED,
            ..Transfer::default()
        });
        self.number += 1;
    }

    /// The operator's account, made if need be.
    pub fn operator(&mut self, code: AccountCode) -> u128 {
        let account = operator_account(code);
        self.accounts.push(account);
        account.id
    }

    /// A lot to be filled, made if need be.
    pub fn lot(&mut self, kind: LotKind, month: Month) -> u128 {
        let account = kind.account(self.wallet, month);
        self.accounts.push(account);
        account.id
    }

    /// Out of lots, to the operator who issued them.
    pub fn out_of_lots(&mut self, kind: LotKind, code: TransferCode, lots: &[Lot]) {
        for lot in lots {
            let from = kind.account_id(self.wallet, lot.month);
            let (to, user_data_32) = (operator_id(issue(kind)), lot.month.number());
            self.push(Leg {
                code,
                from,
                to,
                ledger: kind.ledger(),
                amount: lot.amount,
                user_data_32,
            });
        }
    }

    /// From the operator into a lot.
    pub fn into_lot(&mut self, kind: LotKind, code: TransferCode, lot: Lot) {
        if lot.amount == 0 {
            return;
        }
        let (from, to) = (self.operator(issue(kind)), self.lot(kind, lot.month));
        let user_data_32 = lot.month.number();
        self.push(Leg { code, from, to, ledger: kind.ledger(), amount: lot.amount, user_data_32 });
    }

    /// Points to the customer: what is owed comes first. Returns what is owed then.
    pub fn give_points(&mut self, code: TransferCode, lot: Lot, debt: i64) -> i64 {
        let repaid = lot.amount.min(debt);
        if repaid > 0 {
            let (from, to) = (self.operator(AccountCode::PointsIssue), points_debt_id(self.wallet));
            let ledger = LEDGER_POINTS;
            self.push(Leg { code, from, to, ledger, amount: repaid, user_data_32: 0 });
        }
        self.into_lot(LotKind::Points, code, Lot { amount: lot.amount - repaid, ..lot });
        debt - repaid
    }

    /// Points to come.
    fn promise_points(&mut self, earning: Earning) {
        let Earning { lot: Lot { month, amount: points }, after_days } = earning;
        if points == 0 {
            return;
        }
        let (from, to) =
            (self.operator(AccountCode::PointsIssue), self.lot(LotKind::Points, month));
        self.transfers.push(Transfer {
            id: leg_id(self.parent, self.number),
            debit_account_id: from,
            credit_account_id: to,
            user_data_64: Promise { points, after_days, month }.user_data(),
            user_data_32: month.number(),
            ledger: LEDGER_POINTS,
            code: TransferCode::PointsPromised.number(),
            flags: TransferFlags::LINKED,
            ..Transfer::default()
        });
        self.number += 1;
    }

    /// Adds a transfer with an id of its own.
    pub fn link(&mut self, transfer: Transfer) {
        self.transfers.push(Transfer { flags: TransferFlags::LINKED, ..transfer });
    }

    /// Points that the customer has no more: owed.
    pub fn owe_points(&mut self, amount: i64) {
        if amount == 0 {
            return;
        }
        let debt = points_debt_account(self.wallet);
        self.accounts.push(debt);
        let to = self.operator(AccountCode::PointsIssue);
        let (code, ledger) = (TransferCode::PointsTaken, LEDGER_POINTS);
        self.push(Leg { code, from: debt.id, to, ledger, amount, user_data_32: 0 });
    }

    /// The end of the chain: accounts that are missing in the ledger, and all transfers.
    #[must_use]
    pub fn close(mut self, app: &App) -> omamori_ledger::Request {
        self.accounts.retain(|account| app.gate.account(account.id).is_none());
        if let Some(last) = self.transfers.last_mut() {
            last.flags = last.flags.without(TransferFlags::LINKED);
        }
        omamori_ledger::Request { accounts: self.accounts, transfers: self.transfers }
    }
}

/// The operator's account from which a kind of lot is filled.
#[must_use]
pub const fn issue(kind: LotKind) -> AccountCode {
    match kind {
        LotKind::Free => AccountCode::FreeIssue,
        LotKind::Points => AccountCode::PointsIssue,
    }
}

/// The points of a payment.
#[derive(Clone, Copy, Debug)]
pub struct Earning {
    /// How many, and with which month they end.
    pub lot: Lot,
    /// Days after the payment on which they come; 0 is at once.
    pub after_days: u16,
}

/// The chain of a payment. `chain` moves the paid value; its amount is taken from `spending`.
#[must_use]
pub fn payment(chain: &Chain, spending: &Spending, earning: Earning, debt: i64) -> Legs {
    payment_after(&[], chain, spending, earning, debt)
}

/// [`payment`] out of what was set aside for it: `released` frees that. Its first transfer is the
/// payment's first leg, so that the payment is read back with where it came from.
#[must_use]
pub fn payment_after(
    released: &[Transfer],
    chain: &Chain,
    spending: &Spending,
    earning: Earning,
    debt: i64,
) -> Legs {
    let due = u32::try_from(spending.due()).unwrap_or(u32::MAX);
    let of_all_kinds = if spending.due() == spending.paid { 0 } else { due };
    let chain = Chain { amount: spending.paid, of_all_kinds, ..*chain };
    let (store, wallet) = (chain.credit_account_id, chain.debit_account_id);
    let first = [released, &chain.transfers()].concat();
    let mut legs = Legs::after(&first, chain.id, wallet, chain.terminal_number);
    legs.number = u64::from(!released.is_empty());
    for Discount { budget, to, pieces, amount } in &spending.discounts {
        let (code, ledger) = (TransferCode::CouponDiscount, LEDGER_JPY);
        let (from, to, amount) = (*budget, *to, *amount);
        legs.push(Leg { code, from, to, ledger, amount, user_data_32: 0 });
        let (code, ledger) = (TransferCode::CouponUsed, LEDGER_PIECES);
        let to = operator_id(AccountCode::PieceIssue);
        legs.push(Leg { code, from: *pieces, to, ledger, amount: 1, user_data_32: 0 });
    }
    legs.out_of_lots(LotKind::Points, TransferCode::PointsSpent, &spending.points);
    legs.out_of_lots(LotKind::Free, TransferCode::FreeSpent, &spending.free);
    let funded = [
        (AccountCode::PointsFunding, TransferCode::PointsFunded, total(&spending.points)),
        (AccountCode::FreeFunding, TransferCode::FreeFunded, total(&spending.free)),
    ];
    for (account, code, amount) in funded.into_iter().filter(|(.., amount)| *amount > 0) {
        let from = legs.operator(account);
        legs.push(Leg { code, from, to: store, ledger: LEDGER_JPY, amount, user_data_32: 0 });
    }
    if earning.after_days == 0 {
        legs.give_points(TransferCode::PointsEarned, earning.lot, debt);
    } else {
        legs.promise_points(earning);
    }
    legs
}

/// What a payment was made of, and the points that it earned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// By kind.
    pub spending: Spending,
    /// Points, those that repaid a debt and those to come too.
    pub earned: i64,
    /// If they come later.
    pub promise: Option<Promise>,
    /// What was set aside for it before, if it was.
    pub authorization: Option<u128>,
}

impl Made {
    /// Of a payment that was made as it was offered.
    #[must_use]
    pub fn of(offer: super::Offer) -> Self {
        let Earning { lot: Lot { month, amount: points }, after_days } = offer.earning;
        let promised = points > 0 && after_days > 0;
        let promise = promised.then_some(Promise { points, after_days, month });
        Self { spending: offer.spending, earned: points, promise, authorization: None }
    }

    /// Reads the chain of a capture back.
    ///
    /// # Errors
    /// A fault if the views fail.
    pub async fn read(app: &App, capture: &Transfer) -> Result<Self> {
        let spending = Spending { paid: yen(capture), ..Spending::default() };
        let mut made = Self { spending, ..Self::default() };
        let mut number = 0;
        while let Some(leg) = app.gate.transfer(leg_id(capture.id, number)).await? {
            made.add(&leg.transfer);
            number += 1;
        }
        Ok(made)
    }

    fn add(&mut self, leg: &Transfer) {
        let lot = Lot { month: Month::from_number(leg.user_data_32), amount: yen(leg) };
        match TransferCode::of(leg.code) {
            Some(TransferCode::CouponDiscount) => self.spending.discounts.push(Discount {
                budget: leg.debit_account_id,
                to: leg.credit_account_id,
                pieces: 0,
                amount: yen(leg),
            }),
            Some(TransferCode::CouponUsed) => {
                if let Some(discount) = self.spending.discounts.last_mut() {
                    discount.pieces = leg.debit_account_id;
                }
            }
            Some(TransferCode::PointsSpent) => self.spending.points.push(lot),
            Some(TransferCode::FreeSpent) => self.spending.free.push(lot),
            Some(TransferCode::PointsEarned) => self.earned += lot.amount,
            Some(TransferCode::PointsPromised) => {
                let promise = Promise::of(leg);
                self.earned = promise.points;
                self.promise = Some(promise);
            }
            Some(TransferCode::Authorization | TransferCode::PaymentHeld) => {
                self.authorization = Some(leg.pending_id);
            }
            _ => {} // the operator's side of the same
        }
    }
}

/// What a refund or cancel brought the customer: the money transfer and its legs, in yen.
///
/// # Errors
/// A fault if the views fail.
pub async fn returned(app: &App, money: &Transfer) -> Result<i64> {
    let mut yen_back = yen(money);
    let mut number = 0;
    while let Some(leg) = app.gate.transfer(leg_id(money.id, number)).await? {
        let code = TransferCode::of(leg.transfer.code);
        if matches!(code, Some(TransferCode::FreeBack | TransferCode::PointsBack)) {
            yen_back += yen(&leg.transfer);
        }
        number += 1;
    }
    Ok(yen_back)
}
