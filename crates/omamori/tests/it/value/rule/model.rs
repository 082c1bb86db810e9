//! The rule of docs/value.md once more, in as few words as possible. It shares no code with the
//! service: amounts are numbers, lots are a map of months, time is what the test says.

use std::collections::BTreeMap;

/// Months (year × 12 + month) to amounts.
pub type Lots = BTreeMap<i32, i64>;

/// What the operator and the shop have set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    pub paid_first: bool,
    pub tax_excluded: bool,
    /// Days after which points come.
    pub after_days: u16,
}

/// What is promised to the customer.
#[derive(Clone, Copy, Debug)]
pub struct Offers {
    /// Of the operator: yen off the amount.
    pub off: i64,
    /// Of the merchant: percent off, at most so many yen.
    pub percent: (i64, i64),
    /// Of the operator: one piece of the first thing, at most so many yen.
    pub item_max: i64,
    /// Of the operator: what points are multiplied by.
    pub factor: i64,
    /// Of each coupon, in yen.
    pub budget: i64,
    /// Of each coupon.
    pub uses: i64,
}

/// The coupons, in the order in which they are taken among equals.
pub const OFF: usize = 0;
pub const PERCENT: usize = 1;
pub const ITEM: usize = 2;

/// Points for ¥10,000.
pub const RATE: i64 = 200;

/// A payment, in the order in which its parts are shared.
#[derive(Clone)]
pub struct Sale {
    /// Which coupon, and yen.
    pub discounts: Vec<(usize, i64)>,
    points: Vec<(i32, i64)>,
    free: Vec<(i32, i64)>,
    paid: i64,
    pub earned: i64,
    /// Where they go.
    month: i32,
    /// When they come, while they have not.
    pub due_at: Option<i64>,
    pub refunded: i64,
    pub is_canceled: bool,
}

impl Sale {
    fn parts(&self) -> Vec<i64> {
        let mut parts: Vec<i64> = self.discounts.iter().map(|(_, yen)| *yen).collect();
        parts.extend(self.points.iter().chain(&self.free).map(|(_, amount)| *amount));
        parts.push(self.paid);
        parts
    }

    pub fn amount(&self) -> i64 {
        self.parts().iter().sum()
    }

    /// Part by part: the floor of its share of what the parts before it left.
    fn shares(&self, back: i64) -> Vec<i64> {
        let parts = self.parts();
        let mut left = back;
        let mut shares = Vec::new();
        for (place, part) in parts.iter().enumerate() {
            let rest: i64 = parts[place..].iter().sum();
            let share = if rest == 0 { 0 } else { left * part / rest };
            left -= share;
            shares.push(share);
        }
        shares
    }

    /// Earned points that the customer keeps.
    fn kept(&self) -> i64 {
        let all = self.amount();
        if all == 0 { self.earned } else { self.earned * (all - self.refunded) / all }
    }
}

/// Everybody's books.
pub struct Model {
    rules: Rules,
    offers: Offers,
    pub month: i32,
    pub paid: i64,
    pub free: Lots,
    pub points: Lots,
    pub debt: i64,
    /// Owed to the store for its sales.
    pub store: i64,
    /// What the merchant gave of its own.
    pub own_discounts: i64,
    pub budgets: [i64; 3],
    uses: [i64; 3],
    pub uses_points: bool,
    pub sales: Vec<Sale>,
}

impl Model {
    pub fn new(rules: Rules, offers: Offers, month: i32) -> Self {
        Self {
            rules,
            offers,
            month,
            paid: 0,
            free: Lots::new(),
            points: Lots::new(),
            debt: 0,
            store: 0,
            own_discounts: 0,
            budgets: [offers.budget; 3],
            uses: [offers.uses; 3],
            uses_points: false,
            sales: Vec::new(),
        }
    }

    fn give(lots: &mut Lots, month: i32, amount: i64) {
        if amount > 0 {
            *lots.entry(month).or_default() += amount;
        }
    }

    fn give_points(&mut self, month: i32, amount: i64) {
        let repaid = amount.min(self.debt);
        self.debt -= repaid;
        Self::give(&mut self.points, month, amount - repaid);
    }

    /// What ended is gone.
    pub fn pass_to(&mut self, month: i32) {
        self.month = month;
        self.free.retain(|end, _| *end >= month);
        self.points.retain(|end, _| *end >= month);
    }

    /// The points of the payments whose days are over.
    pub fn points_come(&mut self, now: i64) {
        for number in 0..self.sales.len() {
            let sale = self.sales[number].clone();
            if sale.due_at.is_some_and(|due| due <= now) {
                self.sales[number].due_at = None;
                self.give_points(sale.month, sale.kept());
            }
        }
    }

    /// The best on an item, then the best on what is left.
    fn discounts(&self, amount: i64, item_price: Option<i64>) -> Vec<(usize, i64)> {
        let Offers { off, percent: (percent, percent_max), item_max, .. } = self.offers;
        let usable = |coupon: usize, yen: i64| {
            (self.uses[coupon] > 0 && yen > 0 && yen <= self.budgets[coupon])
                .then_some((coupon, yen))
        };
        let item = item_price.and_then(|price| usable(ITEM, price.min(item_max).min(amount)));
        let left = amount - item.map_or(0, |(_, yen)| yen);
        let by_off = usable(OFF, off.min(left));
        let by_percent = usable(PERCENT, (left * percent / 100).min(percent_max));
        let best = match (by_off, by_percent) {
            (Some(off), Some(percent)) => Some(if percent.1 > off.1 { percent } else { off }),
            (one, other) => one.or(other),
        };
        item.into_iter().chain(best).collect()
    }

    /// What is taken out of the purse for `left`: points, free value, paid value; `None` if there
    /// is not enough.
    fn take(&self, left: i64) -> Option<(Lots, Lots, i64)> {
        let (mut points, mut free, mut paid, mut left) = (Lots::new(), Lots::new(), 0, left);
        let mut lots: Vec<(i32, bool, i64)> = Vec::new();
        if self.uses_points {
            lots.extend(self.points.iter().map(|(month, amount)| (*month, true, *amount)));
        }
        lots.extend(self.free.iter().map(|(month, amount)| (*month, false, *amount)));
        if self.rules.paid_first {
            // Points, then paid, then free value.
            lots.sort_unstable_by_key(|(month, is_points, _)| (!is_points, *month));
            let by_points: i64 = lots.iter().filter(|lot| lot.1).map(|lot| lot.2).sum();
            paid = (left - by_points.min(left)).min(self.paid);
            left -= paid;
        } else {
            lots.sort_unstable_by_key(|(month, is_points, _)| (*month, *is_points));
        }
        for (month, is_points, there) in lots {
            let taken = there.min(left);
            left -= taken;
            Self::give(if is_points { &mut points } else { &mut free }, month, taken);
        }
        if !self.rules.paid_first {
            paid = left.min(self.paid);
            left -= paid;
        }
        (left == 0).then_some((points, free, paid))
    }

    /// Sells at `now`, whose points end with `month`; false if there is not enough.
    pub fn sell(&mut self, amount: i64, item_price: Option<i64>, (now, month): (i64, i32)) -> bool {
        let discounts = self.discounts(amount, item_price);
        let due = amount - discounts.iter().map(|(_, yen)| yen).sum::<i64>();
        let Some((points, free, paid)) = self.take(due) else { return false };
        for (month, taken) in &points {
            *self.points.get_mut(month).unwrap() -= taken;
        }
        for (month, taken) in &free {
            *self.free.get_mut(month).unwrap() -= taken;
        }
        self.paid -= paid;
        self.store += amount;
        for (coupon, yen) in &discounts {
            self.budgets[*coupon] -= yen;
            self.uses[*coupon] -= 1;
            if *coupon == PERCENT {
                self.store -= yen;
                self.own_discounts += yen;
            }
        }
        let base = paid + free.values().sum::<i64>();
        let base = if self.rules.tax_excluded { base * 100 / 110 } else { base };
        let earned = base * RATE * self.offers.factor / 10_000;
        let later = self.rules.after_days > 0;
        let due_at = now + i64::from(self.rules.after_days) * omamori::clock::DAY;
        if !later {
            self.give_points(month, earned);
        }
        self.sales.push(Sale {
            discounts,
            points: points.into_iter().collect(),
            free: free.into_iter().collect(),
            paid,
            earned,
            month,
            due_at: later.then_some(due_at),
            refunded: 0,
            is_canceled: false,
        });
        true
    }

    /// Gives back part of a sale.
    pub fn refund(&mut self, number: usize, amount: i64) {
        let sale = self.sales[number].clone();
        let after = sale.shares(sale.refunded + amount);
        let before = sale.shares(sale.refunded);
        let mut back = after.iter().zip(&before).map(|(after, before)| after - before);
        self.sales[number].refunded += amount;
        let mut taken = match sale.due_at {
            Some(_) => 0, // those to come will be fewer
            None => sale.kept() - self.sales[number].kept(),
        };
        self.store -= amount;
        for (coupon, _) in &sale.discounts {
            let yen = back.next().unwrap();
            self.budgets[*coupon] += yen;
            if *coupon == PERCENT {
                self.store += yen;
                self.own_discounts -= yen;
            }
        }
        let month = self.month;
        let revived = |end: i32| if end < month { month + 1 } else { end };
        for (end, _) in &sale.points {
            self.give_points(revived(*end), back.next().unwrap());
        }
        for (end, _) in &sale.free {
            Self::give(&mut self.free, revived(*end), back.next().unwrap());
        }
        self.paid += back.next().unwrap();
        for (_, there) in self.points.iter_mut().rev() {
            let from_here = taken.min(*there);
            *there -= from_here;
            taken -= from_here;
        }
        self.debt += taken;
    }

    /// All of a sale goes back, and its coupons can be used again.
    pub fn cancel(&mut self, number: usize) {
        let sale = self.sales[number].clone();
        self.refund(number, sale.amount());
        self.sales[number].is_canceled = true;
        for (coupon, _) in &sale.discounts {
            self.uses[*coupon] += 1;
        }
    }

    /// Points become free value.
    pub fn convert(&mut self, points: i64) {
        let mut left = points;
        for there in self.points.values_mut() {
            let taken = left.min(*there);
            *there -= taken;
            left -= taken;
        }
        Self::give(&mut self.free, self.month + 6, points);
    }

    pub fn points_total(&self) -> i64 {
        self.points.values().sum()
    }
}
