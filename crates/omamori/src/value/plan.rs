//! What a payment is made of: pure. `docs/value.md` is the rule in words.

use serde::Deserialize;

use crate::gate::purse::{Lot, Purse, total};

/// In which order a customer's value is spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpendingOrder {
    /// What ends first; at one end free value before points; what never ends, paid value, last.
    #[default]
    ExpiringFirst,
    /// Points, if the customer uses them, then paid value, then free value.
    PaidFirst,
}

/// Yen that a campaign takes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discount {
    /// The campaign's account of its budget.
    pub budget: u128,
    /// Who gets them: the store's sales if the operator pays, its own discounts if the merchant.
    pub to: u128,
    /// The customer's account of uses.
    pub pieces: u128,
    /// Yen.
    pub amount: i64,
}

/// What is to be paid.
#[derive(Clone, Copy, Debug)]
pub struct Bill<'a> {
    /// Yen before any discount.
    pub amount: i64,
    /// What campaigns take off; together never more than the amount.
    pub discounts: &'a [Discount],
    /// Whether the customer uses points: one is one yen, all there are.
    pub use_points: bool,
}

/// What a payment takes, by kind. The sum is the amount of the bill.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// From campaigns.
    pub discounts: Vec<Discount>,
    /// From lots of points.
    pub points: Vec<Lot>,
    /// From lots of free value.
    pub free: Vec<Lot>,
    /// Paid value.
    pub paid: i64,
}

impl Spending {
    /// The amount before any discount.
    #[must_use]
    pub fn amount(&self) -> i64 {
        self.discounted() + self.due()
    }

    /// What campaigns took off.
    #[must_use]
    pub fn discounted(&self) -> i64 {
        self.discounts.iter().map(|discount| discount.amount).sum()
    }

    /// What the customer gives, of all kinds.
    #[must_use]
    pub fn due(&self) -> i64 {
        total(&self.points) + total(&self.free) + self.paid
    }

    /// What goes back when `back` of the amount, from the beginning, is given back. For each part
    /// it never falls when `back` grows, and at the whole amount it is the whole part.
    ///
    /// The parts stand in a row: discounts, points, free value, paid value. Each in turn takes the
    /// floor of its share of what is left, and the last takes the rest:
    /// `backᵢ = ⌊leftᵢ · partᵢ ÷ (partᵢ + … + partₙ)⌋`, `leftᵢ₊₁ = leftᵢ − backᵢ`. (The floor of
    /// each share of the whole, with the rest to one of them, could fall: the shares of two others
    /// may rise by a yen at the same time.)
    ///
    /// # Panics
    /// If `back` is not between 0 and the amount.
    #[must_use]
    pub fn share(&self, back: i64) -> Self {
        assert!((0..=self.amount()).contains(&back), "a share of {back} of {}", self.amount());
        let mut sharing = Sharing { left: back, parts: self.amount() };
        let discount = |discount: &Discount, sharing: &mut Sharing| Discount {
            amount: sharing.take(discount.amount),
            ..*discount
        };
        let lot =
            |lot: &Lot, sharing: &mut Sharing| Lot { amount: sharing.take(lot.amount), ..*lot };
        Self {
            discounts: self.discounts.iter().map(|part| discount(part, &mut sharing)).collect(),
            points: self.points.iter().map(|part| lot(part, &mut sharing)).collect(),
            free: self.free.iter().map(|part| lot(part, &mut sharing)).collect(),
            paid: sharing.take(self.paid),
        }
    }

    /// What is in this share and not in an earlier, smaller one of the same payment.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let lots = |now: &[Lot], then: &[Lot]| {
            let rest = |(now, then): (&Lot, &Lot)| Lot { amount: now.amount - then.amount, ..*now };
            now.iter().zip(then).map(rest).collect()
        };
        let discount = |(now, then): (&Discount, &Discount)| Discount {
            amount: now.amount - then.amount,
            ..*now
        };
        Self {
            discounts: self.discounts.iter().zip(&earlier.discounts).map(discount).collect(),
            points: lots(&self.points, &earlier.points),
            free: lots(&self.free, &earlier.free),
            paid: self.paid - earlier.paid,
        }
    }
}

/// Earned points that are taken back when `back` of `amount` is given back: the customer keeps
/// `⌊earned · (amount − back) ÷ amount⌋`.
#[must_use]
pub fn points_taken(earned: i64, amount: i64, back: i64) -> i64 {
    if amount == 0 { 0 } else { earned - earned * (amount - back) / amount }
}

struct Sharing {
    left: i64,
    parts: i64,
}

impl Sharing {
    fn take(&mut self, part: i64) -> i64 {
        if self.parts == 0 {
            return 0;
        }
        // At most 1,000,000 each: far from overflow.
        let taken = self.left * part / self.parts;
        self.left -= taken;
        self.parts -= part;
        taken
    }
}

/// What the bill takes out of the purse; `None` if there is not enough.
#[must_use]
pub fn plan(purse: &Purse, bill: &Bill<'_>, order: SpendingOrder) -> Option<Spending> {
    let mut spending = Spending { discounts: bill.discounts.to_vec(), ..Spending::default() };
    let mut left = bill.amount - spending.discounted();
    assert!(left >= 0, "discounts of more than the amount");
    let points: &[Lot] = if bill.use_points { &purse.points } else { &[] };
    match order {
        SpendingOrder::ExpiringFirst => {
            let free = purse.free.iter().map(|lot| (lot.month, false, *lot));
            let mut lots: Vec<_> =
                free.chain(points.iter().map(|lot| (lot.month, true, *lot))).collect();
            lots.sort_by_key(|(month, is_points, _)| (*month, *is_points));
            for (_, is_points, lot) in lots {
                let into = if is_points { &mut spending.points } else { &mut spending.free };
                take(lot, &mut left, into);
            }
            spending.paid = left.min(purse.paid);
            left -= spending.paid;
        }
        SpendingOrder::PaidFirst => {
            points.iter().for_each(|lot| take(*lot, &mut left, &mut spending.points));
            spending.paid = left.min(purse.paid);
            left -= spending.paid;
            purse.free.iter().for_each(|lot| take(*lot, &mut left, &mut spending.free));
        }
    }
    (left == 0).then_some(spending)
}

fn take(lot: Lot, left: &mut i64, into: &mut Vec<Lot>) {
    let amount = lot.amount.min(*left);
    if amount > 0 {
        *left -= amount;
        into.push(Lot { amount, ..lot });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gate::purse::Month;

    fn lots(amounts: &[i64]) -> Vec<Lot> {
        let lot = |(n, &amount): (usize, &i64)| Lot {
            month: Month::from_number(24_000 + u32::try_from(n).unwrap()),
            amount,
        };
        amounts.iter().enumerate().map(lot).collect()
    }

    fn purse(paid: i64, free: &[i64], points: &[i64]) -> Purse {
        Purse { paid, free: lots(free), points: lots(points), points_debt: 0 }
    }

    fn amounts(lots: &[Lot]) -> Vec<i64> {
        lots.iter().map(|lot| lot.amount).collect()
    }

    fn spent(spending: &Spending) -> (Vec<i64>, Vec<i64>, i64) {
        (amounts(&spending.free), amounts(&spending.points), spending.paid)
    }

    fn bill(amount: i64, use_points: bool) -> Bill<'static> {
        Bill { amount, discounts: &[], use_points }
    }

    #[test]
    fn what_ends_first_is_spent_first_and_paid_value_last() {
        let purse = purse(1_000, &[30, 20], &[5, 7]);
        let plan = |amount, points| {
            let plan = plan(&purse, &bill(amount, points), SpendingOrder::ExpiringFirst);
            plan.as_ref().map(spent)
        };
        assert_eq!(plan(33, true), Some((vec![30], vec![3], 0)));
        assert_eq!(plan(60, true), Some((vec![30, 20], vec![5, 5], 0)));
        assert_eq!(plan(60, false), Some((vec![30, 20], vec![], 10)));
        assert_eq!(plan(1_062, true), Some((vec![30, 20], vec![5, 7], 1_000)));
        assert_eq!(plan(1_063, true), None);
        assert_eq!(plan(1_051, false), None);
    }

    #[test]
    fn paid_value_can_come_before_free_value() {
        let purse = purse(100, &[30], &[5]);
        let plan = plan(&purse, &bill(110, true), SpendingOrder::PaidFirst);
        assert_eq!(plan.as_ref().map(spent), Some((vec![5], vec![5], 100)));
    }

    #[test]
    fn a_discount_can_cover_everything() {
        let discounts = [Discount { budget: 1, to: 2, pieces: 3, amount: 180 }];
        let bill = Bill { amount: 180, discounts: &discounts, use_points: true };
        let plan = plan(&purse(0, &[], &[9]), &bill, SpendingOrder::default()).unwrap();
        assert_eq!((plan.amount(), plan.due(), plan.points.len()), (180, 0, 0));
    }

    #[test]
    fn points_are_taken_back_as_the_payment_is() {
        let taken: Vec<i64> =
            [0, 1, 499, 500, 999, 1_000].map(|back| points_taken(5, 1_000, back)).to_vec();
        assert_eq!(taken, [0, 1, 3, 3, 5, 5]);
    }

    fn spending() -> impl Strategy<Value = Spending> {
        let part = || prop::collection::vec(0..2_000_i64, 0..4);
        (part(), part(), part(), 0..5_000_i64).prop_map(|(discounts, points, free, paid)| {
            Spending {
                discounts: discounts
                    .into_iter()
                    .map(|amount| Discount { budget: 1, to: 2, pieces: 3, amount })
                    .collect(),
                points: lots(&points),
                free: lots(&free),
                paid,
            }
        })
    }

    fn parts(spending: &Spending) -> Vec<i64> {
        let discounts = spending.discounts.iter().map(|discount| discount.amount);
        let lots = spending.points.iter().chain(&spending.free).map(|lot| lot.amount);
        discounts.chain(lots).chain([spending.paid]).collect()
    }

    proptest! {
        /// Goal: whatever is given back in whatever steps, each part only grows, the sum is what
        /// was given back, nothing strays from its exact share by as much as the parts beside it
        /// could round, and in the end each part is whole.
        #[test]
        fn shares_add_up_never_fall_and_end_whole(
            spending in spending(),
            cuts in prop::collection::vec(0..=1_000_i64, 0..8),
        ) {
            let amount = spending.amount();
            let mut steps: Vec<i64> = cuts.iter().map(|cut| amount * cut / 1_000).collect();
            steps.push(amount);
            steps.sort_unstable();
            let mut before = spending.share(0);
            prop_assert_eq!(before.amount(), 0);
            let mut summed = vec![0; parts(&spending).len()];
            for back in steps {
                let share = spending.share(back);
                prop_assert_eq!(share.amount(), back);
                let step = parts(&share.since(&before));
                prop_assert!(step.iter().all(|part| *part >= 0), "{:?}", step);
                summed.iter_mut().zip(step).for_each(|(sum, part)| *sum += part);
                let count = i64::try_from(summed.len()).unwrap();
                for (part, whole) in parts(&share).into_iter().zip(parts(&spending)) {
                    prop_assert!((part * amount - whole * back).abs() < count * amount.max(1));
                }
                before = share;
            }
            prop_assert_eq!(summed, parts(&spending));
        }

        #[test]
        fn a_plan_takes_the_amount_and_no_more_than_there_is(
            paid in 0..500_i64,
            free in prop::collection::vec(1..200_i64, 0..4),
            points in prop::collection::vec(1..200_i64, 0..4),
            amount in 1..1_500_i64,
            use_points: bool,
            paid_first: bool,
        ) {
            let purse = purse(paid, &free, &points);
            let expiring_first = SpendingOrder::ExpiringFirst;
            let order = if paid_first { SpendingOrder::PaidFirst } else { expiring_first };
            let there = purse.balance() + if use_points { purse.points_total() } else { 0 };
            match plan(&purse, &bill(amount, use_points), order) {
                None => prop_assert!(there < amount),
                Some(spending) => {
                    prop_assert_eq!(spending.amount(), amount);
                    prop_assert!(spending.paid <= paid);
                    let (free, points) = (&spending.free, &spending.points);
                    for (spent, had) in [(free, &purse.free), (points, &purse.points)] {
                        for lot in spent {
                            let source = had.iter().find(|other| other.month == lot.month);
                            prop_assert!(lot.amount > 0 && source.unwrap().amount >= lot.amount);
                        }
                    }
                }
            }
        }
    }
}
