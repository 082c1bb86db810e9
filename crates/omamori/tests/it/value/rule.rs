//! The rule of docs/value.md against a small model that shares no code with the service: random
//! baskets, coupons, points, refunds in parts and in any order, months that pass. After every step
//! the customer, the store and the campaign have what the model says, to the yen.

use std::collections::BTreeMap;

use jiff::tz::{TimeZone, offset};
use omamori::clock::{DAY, MINUTE};
use omamori::coupon::{Campaign, Gift, Terms};
use omamori_db::sql;
use serde_json::{Value, json};

use super::{begin, budget_left, coupon, owed, register_with_rate};
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(everybody_ends_where_the_rule_says);

const STEPS: usize = 150;
const BUDGET: i64 = 3_000;
/// A point for each ¥50.
const RATE: i64 = 200;

/// Months to amounts.
type Lots = BTreeMap<i32, i64>;

/// A payment, in the order in which its parts are shared.
struct Sale {
    discount: i64,
    points: Vec<(i32, i64)>,
    free: Vec<(i32, i64)>,
    paid: i64,
    earned: i64,
    refunded: i64,
}

impl Sale {
    fn parts(&self) -> Vec<i64> {
        let mut parts = vec![self.discount];
        parts.extend(self.points.iter().chain(&self.free).map(|(_, amount)| *amount));
        parts.push(self.paid);
        parts
    }

    fn amount(&self) -> i64 {
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
}

#[derive(Default)]
struct Model {
    month: i32,
    paid: i64,
    free: Lots,
    points: Lots,
    debt: i64,
    store: i64,
    budget: i64,
    uses_points: bool,
    sales: Vec<Sale>,
}

impl Model {
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

    fn pass_months(&mut self, month: i32) {
        self.month = month;
        self.free.retain(|end, _| *end >= month);
        self.points.retain(|end, _| *end >= month);
    }

    /// `None` if there is not enough.
    fn sell(&mut self, amount: i64, coupon_yen: i64) -> Option<()> {
        let discount = coupon_yen.min(amount);
        let discount = if discount > self.budget { 0 } else { discount };
        let mut left = amount - discount;
        let (mut points, mut free) = (Vec::new(), Vec::new());
        let mut lots: Vec<(i32, bool, i64)> = Vec::new();
        lots.extend(self.free.iter().map(|(month, amount)| (*month, false, *amount)));
        if self.uses_points {
            lots.extend(self.points.iter().map(|(month, amount)| (*month, true, *amount)));
        }
        lots.sort_unstable();
        for (month, is_points, there) in lots {
            let taken = there.min(left);
            left -= taken;
            if taken > 0 {
                if is_points { &mut points } else { &mut free }.push((month, taken));
            }
        }
        if left > self.paid {
            return None;
        }
        for (month, taken) in &points {
            *self.points.get_mut(month).unwrap() -= taken;
        }
        for (month, taken) in &free {
            *self.free.get_mut(month).unwrap() -= taken;
        }
        let by_points: i64 = points.iter().map(|(_, amount)| amount).sum();
        let earned = (amount - discount - by_points) * RATE / 10_000;
        self.paid -= left;
        self.budget -= discount;
        self.store += amount;
        self.give_points(self.month + 12, earned);
        self.sales.push(Sale { discount, points, free, paid: left, earned, refunded: 0 });
        Some(())
    }

    fn refund(&mut self, number: usize, amount: i64) {
        let sale = &mut self.sales[number];
        let (before, after) = (sale.shares(sale.refunded), sale.shares(sale.refunded + amount));
        let mut back = after.iter().zip(&before).map(|(after, before)| after - before);
        let all = sale.amount();
        let kept = |refunded: i64| sale.earned * (all - refunded) / all;
        let mut taken = kept(sale.refunded) - kept(sale.refunded + amount);
        sale.refunded += amount;
        let month = self.month;
        let revived = |end: i32| if end < month { month + 1 } else { end };
        let discount = back.next().unwrap();
        let points: Vec<_> =
            sale.points.iter().map(|(end, _)| (revived(*end), back.next().unwrap())).collect();
        let free: Vec<_> =
            sale.free.iter().map(|(end, _)| (revived(*end), back.next().unwrap())).collect();
        self.paid += back.next().unwrap();
        self.budget += discount;
        self.store -= amount;
        for (end, amount) in free {
            Self::give(&mut self.free, end, amount);
        }
        for (end, amount) in points {
            self.give_points(end, amount);
        }
        for (_, there) in self.points.iter_mut().rev() {
            let from_here = taken.min(*there);
            *there -= from_here;
            taken -= from_here;
        }
        self.debt += taken;
    }

    fn convert(&mut self, points: i64) {
        let mut left = points;
        for there in self.points.values_mut() {
            let taken = left.min(*there);
            *there -= taken;
            left -= taken;
        }
        Self::give(&mut self.free, self.month + 6, points);
    }

    fn points_total(&self) -> i64 {
        self.points.values().sum()
    }
}

/// Numbers that are the same in every run (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((self.0 >> 33) % bound.unsigned_abs()).unwrap()
    }
}

fn month_of(app: &TestApp) -> i32 {
    let now = jiff::Timestamp::from_microsecond(app.now()).unwrap();
    let here = now.to_zoned(TimeZone::fixed(offset(9)));
    i32::from(here.year()) * 12 + i32::from(here.month()) - 1
}

/// Amounts of the lots, in order of their end, without the empty ones.
fn amounts(lots: &Lots) -> Value {
    json!(lots.values().filter(|amount| **amount > 0).collect::<Vec<_>>())
}

fn told(lots: &Value) -> Value {
    json!(lots.as_array().unwrap().iter().map(|lot| lot["amount"].clone()).collect::<Vec<_>>())
}

async fn compare(
    app: &TestApp,
    model: &Model,
    (register, customer, campaign): &(Register, Customer, Campaign),
    step: &str,
) {
    let held = customer.holdings(app).await;
    assert_eq!(held["balance_paid"], model.paid, "{step}");
    assert_eq!(told(&held["free_lots"]), amounts(&model.free), "{step}");
    assert_eq!(told(&held["points_lots"]), amounts(&model.points), "{step}");
    assert_eq!(held["points_owed"], model.debt, "{step}");
    assert_eq!(owed(app, register).await, model.store, "{step}");
    assert_eq!(budget_left(app, campaign), model.budget, "{step}");
}

/// Goal: see the head of this file.
async fn everybody_ends_where_the_rule_says(app: &mut TestApp) {
    let register = register_with_rate(app, RATE).await;
    let customer = Customer::new(&app.app).await;
    let terms = Terms { per_customer: 1_000, ..coupon(Gift::AmountOff { yen: 37 }, BUDGET) };
    let campaign = begin(app, None, terms).await;
    customer.set_coupon(app, &campaign).await;
    keep_alive(app, &customer, &campaign).await;
    let all = (register, customer, campaign);
    let (register, customer, _) = &all;
    let mut dice = Dice(20_190_701);
    let mut model = Model { month: month_of(app), budget: BUDGET, ..Model::default() };
    let mut counts = [0; 6];
    for number in 0..STEPS {
        app.clock.advance(5 * MINUTE);
        let act = dice.below(12);
        match act {
            0..5 => {
                let amount = 1 + dice.below(700);
                let code = customer.code(app.now());
                let id = format!("s-{}", model.sales.len());
                let answer = register.sell(app, &id, &code, amount).await;
                let made = model.sell(amount, 37).is_some();
                assert_eq!(answer.status.is_success(), made, "{}", answer.text());
                counts[0] += usize::from(made);
            }
            5..8 if !model.sales.is_empty() => {
                let sale =
                    usize::try_from(dice.below(model.sales.len().try_into().unwrap())).unwrap();
                let left = model.sales[sale].amount() - model.sales[sale].refunded;
                if left > 0 {
                    let amount = 1 + dice.below(left);
                    let id = format!("r-{number}");
                    register.refund(app, &id, &format!("s-{sale}"), amount).await.ok();
                    model.refund(sale, amount);
                    counts[1] += 1;
                }
            }
            8 => {
                model.uses_points = !model.uses_points;
                customer.use_points(app, model.uses_points).await;
                counts[2] += 1;
            }
            9 if model.points_total() > 0 => {
                let points = 1 + dice.below(model.points_total());
                customer.convert(app, &format!("c-{number}"), points).await.ok();
                model.convert(points);
                counts[3] += 1;
            }
            10 => {
                app.clock.advance((1 + dice.below(70)) * DAY);
                keep_alive(app, customer, &all.2).await;
                model.pass_months(month_of(app));
                counts[4] += 1;
            }
            _ => {
                let code = customer.code(app.now());
                register.top_up(app, &format!("t-{number}"), &code, 1_000).await.ok();
                model.paid += 1_000;
                counts[5] += 1;
            }
        }
        compare(app, &model, &all, &format!("step {number}, act {act}")).await;
    }
    // Everything that is left goes back: the store and the campaign have what they began with.
    for sale in 0..model.sales.len() {
        let left = model.sales[sale].amount() - model.sales[sale].refunded;
        if left > 0 {
            register.refund(app, &format!("last-{sale}"), &format!("s-{sale}"), left).await.ok();
            model.refund(sale, left);
            compare(app, &model, &all, &format!("last refund of {sale}")).await;
        }
    }
    assert_eq!((model.store, model.budget), (0, BUDGET));
    assert!(counts.iter().all(|count| *count >= 3), "the dice missed something: {counts:?}");
}

/// Sessions and campaigns outlive the years of this test.
async fn keep_alive(app: &TestApp, customer: &Customer, campaign: &Campaign) {
    let registry = &app.app.stores.registry;
    let session =
        sql("UPDATE session SET last_used_at = $1, expires_at = $2 WHERE customer_id = $3");
    let session = session.bind(app.now()).bind(app.now() + 80 * DAY);
    registry.execute(session.bind(&customer.customer_id)).await.unwrap();
    let ends = sql("UPDATE campaign SET ends_at = $1 WHERE campaign_id = $2");
    let ends = ends.bind(app.now() + 80 * DAY).bind(&campaign.campaign_id);
    registry.execute(ends).await.unwrap();
    app.app.campaigns.forget();
}
