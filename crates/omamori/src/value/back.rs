//! The legs of a refund or cancel beside its money: what else goes back, and to whom.

use omamori_ledger::Transfer;

use super::legs::{Leg, Legs, Made, operator_id};
use super::plan::{Spending, points_taken};
use crate::clock::Micros;
use crate::gate::chart::{AccountCode, LEDGER_JPY, LEDGER_PIECES, TransferCode};
use crate::gate::purse::{Lot, LotKind, Month, Purse, total};

/// A part of a payment that goes back.
pub struct Back<'a> {
    /// What the payment was made of.
    pub made: &'a Made,
    /// Of the payment's amount, in yen.
    pub amount: i64,
    /// The sum of what went back before.
    pub before: i64,
    /// What of it an incident made good already: it goes to the operator, who did.
    pub made_good: i64,
    /// Accounts of coupon uses that the customer gets back.
    pub pieces: &'a [u128],
    /// If the points of the payment are still to come: what keeps them from coming as promised.
    pub hold_off: Option<Transfer>,
    /// What the customer holds now.
    pub purse: &'a Purse,
    /// Now.
    pub now: Micros,
}

impl Back<'_> {
    /// What goes back of each kind.
    #[must_use]
    pub fn share(&self) -> Spending {
        let spending = &self.made.spending;
        spending.share(self.before + self.amount).since(&spending.share(self.before))
    }

    /// What of a share stays with the operator, in paid value, and what the customer gets: first
    /// paid value stays, then lots, which are then not given again.
    fn apart(&self, share: &Spending) -> (i64, Spending) {
        let mut theirs = share.clone();
        let paid = share.paid.min(self.made_good);
        theirs.paid -= paid;
        let mut left = self.made_good - paid;
        for lot in theirs.free.iter_mut().chain(&mut theirs.points) {
            let kept = lot.amount.min(left);
            lot.amount -= kept;
            left -= kept;
        }
        (paid, theirs)
    }

    fn taken(&self) -> i64 {
        if self.hold_off.is_some() {
            return 0; // those to come will be fewer
        }
        let amount = self.made.spending.amount();
        let taken = |back| points_taken(self.made.earned, amount, back);
        taken(self.before + self.amount) - taken(self.before)
    }

    /// The chain: `money` and `position`, then the legs. `money` goes from store to wallet.
    #[must_use]
    pub fn legs(&self, money: Transfer, position: Transfer, terminal_number: i64) -> Legs {
        let (store, wallet) = (money.debit_account_id, money.credit_account_id);
        let mut legs = Legs::after(&[money, position], money.id, wallet, terminal_number);
        let share = self.share();
        for discount in &share.discounts {
            legs.push(Leg {
                code: TransferCode::CouponDiscountBack,
                from: discount.to,
                to: discount.budget,
                ledger: LEDGER_JPY,
                amount: discount.amount,
                user_data_32: 0,
            });
        }
        for pieces in self.pieces {
            legs.push(Leg {
                code: TransferCode::CouponBack,
                from: operator_id(AccountCode::PieceIssue),
                to: *pieces,
                ledger: LEDGER_PIECES,
                amount: 1,
                user_data_32: 0,
            });
        }
        let unfunded = [
            (AccountCode::PointsFunding, TransferCode::PointsFundedBack, total(&share.points)),
            (AccountCode::FreeFunding, TransferCode::FreeFundedBack, total(&share.free)),
        ];
        for (account, code, amount) in unfunded {
            let to = operator_id(account);
            legs.push(Leg { code, from: store, to, ledger: LEDGER_JPY, amount, user_data_32: 0 });
        }
        let (kept, theirs) = self.apart(&share);
        if kept > 0 {
            let to = legs.operator(AccountCode::IncidentLoss);
            legs.push(Leg {
                code: TransferCode::MadeGoodBack,
                from: wallet,
                to,
                ledger: LEDGER_JPY,
                amount: kept,
                user_data_32: 0,
            });
        }
        for lot in &theirs.free {
            legs.into_lot(LotKind::Free, TransferCode::FreeBack, self.revived(*lot));
        }
        self.points(&mut legs, &theirs);
        if let Some(hold_off) = self.hold_off {
            legs.link(hold_off);
        }
        legs
    }

    /// Points: first those used come back, then those earned are taken, from the lots that end
    /// last. What the customer has spent already is owed.
    fn points(&self, legs: &mut Legs, share: &Spending) {
        let mut there = self.purse.points.clone();
        let mut debt = self.purse.points_debt;
        for lot in &share.points {
            let lot = self.revived(*lot);
            let owed = legs.give_points(TransferCode::PointsBack, lot, debt);
            let kept = lot.amount - (debt - owed);
            debt = owed;
            match there.iter_mut().find(|other| other.month == lot.month) {
                Some(other) => other.amount += kept,
                None => there.push(Lot { amount: kept, ..lot }),
            }
        }
        there.sort_unstable_by_key(|lot| std::cmp::Reverse(lot.month));
        let mut left = self.taken();
        for lot in &mut there {
            lot.amount = lot.amount.min(left);
            left -= lot.amount;
        }
        legs.out_of_lots(LotKind::Points, TransferCode::PointsTaken, &there);
        legs.owe_points(left);
    }

    /// A lot as it comes back: what has ended since then lives until the end of next month.
    fn revived(&self, lot: Lot) -> Lot {
        let month =
            if lot.month.end() > self.now { lot.month } else { Month::of(self.now).plus(1) };
        Lot { month, ..lot }
    }
}
