//! What a customer holds: paid value, and lots of free value and of points, each with its end.
//!
//! A lot is an account of its own, one for each kind and month of expiry. So "expiring first" is
//! exact without a record of who gave what when, and a lot ends by emptying one account.
//!
//! The lots of a wallet are found by computing their ids, because every payment looks for them:
//! the wallet's id, which is a hash, XORed with a constant of the kind and the month.

use omamori_ledger::{Account, AccountFlags};
use serde::{Deserialize, Serialize};

use super::chart::{AccountCode, LEDGER_JPY_FREE, LEDGER_POINTS, account_in, available};
use crate::clock::Micros;
use crate::web::filters::japan;

/// Lots of one kind at one time: the running month, and twelve more. No setting gives value a
/// longer life, because what is beyond would not be found.
pub const MONTHS_AHEAD_MAX: u16 = 12;

/// A month in Japan, with whose end a lot ends: 12 × year + month − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Month(u16);

impl Month {
    /// The month of an instant.
    #[must_use]
    pub fn of(at: Micros) -> Self {
        let date = japan(at).date();
        let number = i32::from(date.year()) * 12 + i32::from(date.month()) - 1;
        Self(u16::try_from(number).unwrap_or_default())
    }

    /// From its number.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        Self(u16::try_from(number).unwrap_or(u16::MAX))
    }

    /// As the ledger keeps it.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0.into()
    }

    /// So many months later.
    #[must_use]
    pub const fn plus(self, months: u16) -> Self {
        Self(self.0.saturating_add(months))
    }

    /// So many months earlier.
    #[must_use]
    pub const fn minus(self, months: u16) -> Self {
        Self(self.0.saturating_sub(months))
    }

    /// The first instant after it.
    #[must_use]
    pub fn end(self) -> Micros {
        let next = self.plus(1).0;
        let (year, month) = (next / 12, next % 12 + 1);
        let date = jiff::civil::Date::new(
            i16::try_from(year).unwrap_or(i16::MAX),
            i8::try_from(month).unwrap_or(1),
            1,
        );
        let start = date.map(|date| date.at(0, 0, 0, 0).to_zoned(japan(0).time_zone().clone()));
        start.ok().and_then(Result::ok).map_or(Micros::MAX, |at| at.timestamp().as_microsecond())
    }
}

/// What a lot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LotKind {
    /// Yen given free.
    Free,
    /// Points.
    Points,
}

impl LotKind {
    /// Random once, and for ever.
    const fn tag(self) -> u128 {
        match self {
            Self::Free => 0x6f1d_9c2b_84e7_4a35_b0c8_51fe_d2a9_0000,
            Self::Points => 0xa853_07ce_3b96_4d1f_97e4_2c6b_f83d_0000,
        }
    }

    /// The unit.
    #[must_use]
    pub const fn ledger(self) -> u32 {
        match self {
            Self::Free => LEDGER_JPY_FREE,
            Self::Points => LEDGER_POINTS,
        }
    }

    /// The id of a wallet's lot.
    #[must_use]
    pub fn account_id(self, wallet: u128, month: Month) -> u128 {
        wallet ^ self.tag() ^ u128::from(month.0)
    }

    /// A wallet's lot, to be created.
    #[must_use]
    pub fn account(self, wallet: u128, month: Month) -> Account {
        let code = match self {
            Self::Free => AccountCode::FreeLot,
            Self::Points => AccountCode::PointsLot,
        };
        let id = self.account_id(wallet, month);
        let flags = AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS;
        Account {
            user_data_128: wallet,
            user_data_32: month.number(),
            ..account_in(self.ledger(), id, code, flags)
        }
    }
}

/// The id of the account of points that a customer owes.
#[must_use]
pub const fn points_debt_id(wallet: u128) -> u128 {
    wallet ^ 0x3e70_b54d_19fa_4c86_8d21_e9a6_47bc_0000
}

/// The account of points that a customer owes, to be created.
#[must_use]
pub fn points_debt_account(wallet: u128) -> Account {
    let flags = AccountFlags::CREDITS_MUST_NOT_EXCEED_DEBITS;
    let id = points_debt_id(wallet);
    Account {
        user_data_128: wallet,
        ..account_in(LEDGER_POINTS, id, AccountCode::PointsDebt, flags)
    }
}

/// A part of a customer's free value or points: what it is, when it ends, how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// With whose end it ends.
    pub month: Month,
    /// Yen or points.
    pub amount: i64,
}

/// What a customer holds at one moment. Lots are in order of their end, none is empty or over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purse {
    /// Paid value, in yen.
    pub paid: i64,
    /// Free value, in yen.
    pub free: Vec<Lot>,
    /// Points.
    pub points: Vec<Lot>,
    /// Points taken back after they were spent: what is earned next pays this first.
    pub points_debt: i64,
}

impl Purse {
    /// Reads it; `find` looks into the ledger.
    #[must_use]
    pub fn read(find: impl Fn(u128) -> Option<Account>, wallet: u128, now: Micros) -> Self {
        let owed = find(points_debt_id(wallet));
        let owed = owed.map_or(0, |debt| debt.debits_posted.saturating_sub(debt.credits_posted));
        Self {
            paid: find(wallet).as_ref().map_or(0, available),
            free: lots(&find, LotKind::Free, wallet, now),
            points: lots(&find, LotKind::Points, wallet, now),
            points_debt: i64::try_from(owed).unwrap_or(i64::MAX),
        }
    }

    /// Without the lots that end before an instant: what is set aside until then must not end on
    /// the way.
    #[must_use]
    pub fn outliving(mut self, until: Micros) -> Self {
        for lots in [&mut self.free, &mut self.points] {
            lots.retain(|lot| lot.month.end() >= until);
        }
        self
    }

    /// Free value, in yen.
    #[must_use]
    pub fn free_total(&self) -> i64 {
        total(&self.free)
    }

    /// Points that can be used.
    #[must_use]
    pub fn points_total(&self) -> i64 {
        total(&self.points)
    }

    /// What is shown as the balance: paid and free value, in yen.
    #[must_use]
    pub fn balance(&self) -> i64 {
        self.paid + self.free_total()
    }
}

/// The sum of lots.
#[must_use]
pub fn total(lots: &[Lot]) -> i64 {
    lots.iter().map(|lot| lot.amount).sum()
}

/// The balance alone: paid and free value, in yen.
#[must_use]
pub fn balance(find: impl Fn(u128) -> Option<Account>, wallet: u128, now: Micros) -> i64 {
    find(wallet).as_ref().map_or(0, available) + total(&lots(&find, LotKind::Free, wallet, now))
}

/// Whether a part of a wallet's value is set aside or under way.
#[must_use]
pub fn is_pending(find: impl Fn(u128) -> Option<Account>, wallet: u128, now: Micros) -> bool {
    let points = lot_ids(LotKind::Points, wallet, now);
    let mut all = std::iter::once(wallet).chain(lot_ids(LotKind::Free, wallet, now)).chain(points);
    all.any(|id| find(id).is_some_and(|a| a.debits_pending > 0 || a.credits_pending > 0))
}

/// [`balance`] with what is on its way into the wallet and with what is set aside, which may come
/// back, in yen.
#[must_use]
pub fn expected(find: impl Fn(u128) -> Option<Account>, wallet: u128, now: Micros) -> i64 {
    let arriving = find(wallet).map_or(0, |wallet| wallet.credits_pending);
    let yen = std::iter::once(wallet).chain(lot_ids(LotKind::Free, wallet, now));
    let set_aside: u64 = yen.filter_map(&find).map(|account| account.debits_pending).sum();
    let pending = i64::try_from(arriving.saturating_add(set_aside)).unwrap_or(i64::MAX);
    balance(find, wallet, now).saturating_add(pending)
}

/// The accounts of the lots of a kind that are not over, in order of their end.
fn lot_ids(kind: LotKind, wallet: u128, now: Micros) -> impl Iterator<Item = u128> {
    let this_month = Month::of(now);
    (0..=MONTHS_AHEAD_MAX).map(move |ahead| kind.account_id(wallet, this_month.plus(ahead)))
}

/// The lots of a kind that are not over, in order of their end.
fn lots(
    find: &impl Fn(u128) -> Option<Account>,
    kind: LotKind,
    wallet: u128,
    now: Micros,
) -> Vec<Lot> {
    let this_month = Month::of(now);
    let months = (0..=MONTHS_AHEAD_MAX).map(|ahead| this_month.plus(ahead));
    let lot = |month| {
        let account = find(kind.account_id(wallet, month))?;
        let amount = available(&account);
        (amount > 0).then_some(Lot { month, amount })
    };
    months.filter_map(lot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const MIDNIGHT: Micros = 1_561_906_800_000_000; // 2019-07-01 00:00 JST

    #[test]
    fn a_month_ends_at_midnight_in_japan() {
        let july = Month::of(MIDNIGHT);
        let june = Month::of(MIDNIGHT - 1);
        assert_eq!(june.plus(1), july);
        assert_eq!(june.end(), MIDNIGHT);
        assert_eq!(Month::from_number(july.number()), july);
        let december = july.plus(5);
        assert_eq!(japan(december.end()).date().to_string(), "2020-01-01");
    }

    #[test]
    fn no_two_lots_of_a_wallet_share_an_account() {
        let mut ids = HashSet::from([7, points_debt_id(7)]);
        for number in 0..=u16::MAX {
            for kind in [LotKind::Free, LotKind::Points] {
                assert!(ids.insert(kind.account_id(7, Month(number))));
            }
        }
    }

    #[test]
    fn a_purse_holds_what_is_neither_empty_nor_over() {
        let month = Month::of(MIDNIGHT);
        let lot = |kind: LotKind, month, credits_posted| Account {
            credits_posted,
            ..kind.account(7, month)
        };
        let accounts = [
            lot(LotKind::Free, month, 30),
            lot(LotKind::Free, month.plus(12), 5),
            lot(LotKind::Free, month.plus(13), 9_999),
            lot(LotKind::Points, month.plus(1), 12),
            lot(LotKind::Points, month.plus(2), 0),
            lot(LotKind::Points, Month::of(MIDNIGHT - 1), 400),
            Account { debits_posted: 8, credits_posted: 3, ..points_debt_account(7) },
        ];
        let find = |id| accounts.iter().find(|account| account.id == id).copied();
        let purse = Purse::read(find, 7, MIDNIGHT);
        assert_eq!(
            purse,
            Purse {
                paid: 0,
                free: vec![Lot { month, amount: 30 }, Lot { month: month.plus(12), amount: 5 }],
                points: vec![Lot { month: month.plus(1), amount: 12 }],
                points_debt: 5,
            }
        );
        assert_eq!(balance(find, 7, MIDNIGHT), 35);
        assert_eq!(balance(find, 7, month.end()), 5 + 9_999);
    }
}
