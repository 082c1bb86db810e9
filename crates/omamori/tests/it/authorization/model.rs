//! Random lives of authorizations against a small model that shares no code with the service:
//! after every step the customer's paid value, each lot of free value and points, the store and
//! the windows hold what the written rule says, to the yen.

use std::collections::BTreeMap;

use jiff::tz::{TimeZone, offset};
use omamori::clock::{DAY, HOUR, MINUTE, SECOND};
use omamori::gate::purse::Lot;
use omamori::gate::windows::Class;
use omamori_db::sql;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::shop::Register;
use crate::value::{owed, register_with_rate};

on_both_engines!(everything_is_where_the_rule_says);

/// A point for each ¥20.
const RATE: i64 = 500;
const CASES: u32 = 12;
const SLOT: i64 = 5 * MINUTE;

#[derive(Clone, Debug)]
enum Step {
    Authorize { yen: i64, days: i64 },
    Sell { yen: i64 },
    Capture { which: usize, part: i64 },
    Void { which: usize },
    Refund { which: usize, part: i64 },
    Convert { part: i64 },
    Wait { hours: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let part = || 1..=1_000_i64;
    prop_oneof![
        4 => (1..900_i64, 1..=30_i64).prop_map(|(yen, days)| Step::Authorize { yen, days }),
        1 => (1..900_i64).prop_map(|yen| Step::Sell { yen }),
        4 => (any::<usize>(), part()).prop_map(|(which, part)| Step::Capture { which, part }),
        1 => any::<usize>().prop_map(|which| Step::Void { which }),
        2 => (any::<usize>(), part()).prop_map(|(which, part)| Step::Refund { which, part }),
        1 => part().prop_map(|part| Step::Convert { part }),
        3 => (1..200_i64).prop_map(|hours| Step::Wait { hours }),
    ]
}

/// Months to amounts.
type Lots = BTreeMap<u32, i64>;

/// What was taken, in the order in which it was: month and whether points, then paid value.
#[derive(Clone, Debug, Default)]
struct Taken {
    lots: Vec<(u32, bool, i64)>,
    paid: i64,
}

impl Taken {
    fn yen(&self) -> i64 {
        self.paid + self.lots.iter().map(|(.., yen)| yen).sum::<i64>()
    }

    /// The first `yen` of it, and the rest.
    fn split(self, yen: i64) -> (Self, Self) {
        let (mut first, mut rest, mut left) = (Self::default(), Self::default(), yen);
        for (month, is_points, amount) in self.lots {
            let now = amount.min(left);
            left -= now;
            first.lots.push((month, is_points, now));
            rest.lots.push((month, is_points, amount - now));
        }
        (first.paid, rest.paid) = (left, self.paid - left);
        (first, rest)
    }

    /// The parts as a refund shares them: points, free value, paid value.
    fn parts(&self) -> Vec<(u32, Option<bool>, i64)> {
        let of = |points: bool| self.lots.iter().filter(move |lot| lot.1 == points);
        let lots =
            of(true).chain(of(false)).map(|(month, points, yen)| (*month, Some(*points), *yen));
        lots.chain([(0, None, self.paid)]).collect()
    }
}

struct Open {
    name: String,
    taken: Taken,
    until: i64,
    slot: i64,
}

struct Sale {
    name: String,
    taken: Taken,
    earned: i64,
    refunded: i64,
    slot: i64,
}

#[derive(Default)]
struct Model {
    month: u32,
    paid: i64,
    free: Lots,
    points: Lots,
    debt: i64,
    store: i64,
    open: Vec<Open>,
    sales: Vec<Sale>,
}

impl Model {
    fn lots(&mut self, points: bool) -> &mut Lots {
        if points { &mut self.points } else { &mut self.free }
    }

    /// `None` if there is not enough of what lasts until `month`.
    fn take(&mut self, yen: i64, month: u32) -> Option<Taken> {
        let mut there: Vec<(u32, bool, i64)> = Vec::new();
        there.extend(self.free.range(month..).map(|(month, yen)| (*month, false, *yen)));
        there.extend(self.points.range(month..).map(|(month, yen)| (*month, true, *yen)));
        there.sort_unstable();
        let all = Taken { paid: self.paid, lots: there };
        if all.yen() < yen {
            return None;
        }
        let (taken, _) = all.split(yen);
        self.paid -= taken.paid;
        for (month, points, yen) in &taken.lots {
            *self.lots(*points).get_mut(month).unwrap() -= yen;
        }
        Some(taken)
    }

    fn give(&mut self, back: &Taken) {
        self.paid += back.paid;
        for (month, points, yen) in &back.lots {
            *self.lots(*points).entry(*month).or_default() += yen;
        }
    }

    fn give_points(&mut self, month: u32, points: i64) {
        let repaid = points.min(self.debt);
        self.debt -= repaid;
        *self.points.entry(month).or_default() += points - repaid;
    }

    fn sell(&mut self, name: String, taken: Taken, slot: i64) {
        let by_points: i64 = taken.lots.iter().filter(|lot| lot.1).map(|lot| lot.2).sum();
        let earned = (taken.yen() - by_points) * RATE / 10_000;
        self.store += taken.yen();
        self.give_points(self.month + 12, earned);
        self.sales.push(Sale { name, taken, earned, refunded: 0, slot });
    }

    fn refund(&mut self, which: usize, yen: i64) {
        let sale = &mut self.sales[which];
        let (parts, all) = (sale.taken.parts(), sale.taken.yen());
        let shares = |back: i64| {
            let mut left = back;
            let share = |place: usize| {
                let rest: i64 = parts[place..].iter().map(|part| part.2).sum();
                let share = if rest == 0 { 0 } else { left * parts[place].2 / rest };
                left -= share;
                share
            };
            (0..parts.len()).map(share).collect::<Vec<_>>()
        };
        let (before, after) = (shares(sale.refunded), shares(sale.refunded + yen));
        let kept = |refunded: i64| sale.earned * (all - refunded) / all;
        let mut taken = kept(sale.refunded) - kept(sale.refunded + yen);
        sale.refunded += yen;
        self.store -= yen;
        for (place, (month, points, _)) in parts.iter().enumerate() {
            let back = after[place] - before[place];
            let month = if *month < self.month { self.month + 1 } else { *month };
            match points {
                None => self.paid += back,
                Some(true) => self.give_points(month, back),
                Some(false) => *self.free.entry(month).or_default() += back,
            }
        }
        for there in self.points.values_mut().rev() {
            let from_here = taken.min(*there);
            *there -= from_here;
            taken -= from_here;
        }
        self.debt += taken;
    }

    fn pass(&mut self, now: i64, month: u32) {
        let (over, open) =
            std::mem::take(&mut self.open).into_iter().partition(|open: &Open| open.until <= now);
        self.open = open;
        for Open { taken, .. } in over {
            self.give(&taken);
        }
        self.month = month;
        self.free.retain(|end, _| *end >= month);
        self.points.retain(|end, _| *end >= month);
    }

    /// What is used of 24 hours and of 30 days.
    fn used(&self, now: i64) -> (i64, i64) {
        let open = self.open.iter().map(|open| (open.slot, open.taken.yen()));
        let sold = self.sales.iter().map(|sale| (sale.slot, sale.taken.yen() - sale.refunded));
        let all: Vec<_> = open.chain(sold).collect();
        let within = |span: i64| {
            let from = now / SLOT - span / SLOT;
            all.iter().filter(|(slot, _)| *slot >= from).map(|(_, yen)| yen).sum()
        };
        (within(DAY), within(30 * DAY))
    }
}

fn month_of(at: i64) -> u32 {
    let at = jiff::Timestamp::from_microsecond(at).unwrap().to_zoned(TimeZone::fixed(offset(9)));
    u32::try_from(i32::from(at.year()) * 12 + i32::from(at.month()) - 1).unwrap()
}

/// The lots without the empty ones.
fn amounts(lots: &Lots) -> Vec<(u32, i64)> {
    lots.iter().filter(|lot| *lot.1 > 0).map(|(month, yen)| (*month, *yen)).collect()
}

fn told(lots: &[Lot]) -> Vec<(u32, i64)> {
    lots.iter().map(|lot| (lot.month.number(), lot.amount)).collect()
}

struct Life<'a> {
    app: &'a TestApp,
    register: &'a Register,
    customer: Customer,
    model: Model,
    /// What the store was owed before.
    owed: i64,
    /// For ids that no other life has.
    prefix: String,
    acts: u32,
}

impl Life<'_> {
    fn id(&mut self) -> String {
        self.acts += 1;
        format!("{}-{}", self.prefix, self.acts)
    }

    async fn step(&mut self, step: &Step) {
        let now = self.app.now();
        let (app, register, slot) = (self.app, self.register, now / SLOT);
        let (id, pick) = (self.id(), |which: usize, of: usize| which.checked_rem(of));
        match step {
            Step::Authorize { yen, days } => {
                let until = now + days * DAY;
                let code = self.customer.code(now);
                let body = serde_json::json!({ "merchant_authorization_id": id, "code": code,
                    "amount": yen, "expires_in_seconds": days * 86_400 });
                let answer = register.post(app, "/authorizations", &body).await;
                // A lot that ends at the very moment lasts.
                let taken = self.model.take(*yen, month_of(until - 1));
                assert_eq!(answer.status.is_success(), taken.is_some(), "{}", answer.text());
                self.model.open.extend(taken.map(|taken| Open { name: id, taken, until, slot }));
            }
            Step::Sell { yen } => {
                let answer = register.sell(app, &id, &self.customer.code(now), *yen).await;
                let taken = self.model.take(*yen, 0);
                assert_eq!(answer.status.is_success(), taken.is_some(), "{}", answer.text());
                if let Some(taken) = taken {
                    self.model.sell(id, taken, slot);
                }
            }
            Step::Capture { which, part } => {
                let Some(which) = pick(*which, self.model.open.len()) else { return };
                let Open { name, taken, slot, .. } = self.model.open.remove(which);
                let yen = (taken.yen() * part / 1_000).max(1);
                register.capture(app, &name, &id, taken.yen() + 1).await.error();
                register.capture(app, &name, &id, yen).await.ok();
                let (paid, back) = taken.split(yen);
                self.model.give(&back);
                self.model.sell(id, paid, slot);
            }
            Step::Void { which } => {
                let Some(which) = pick(*which, self.model.open.len()) else { return };
                let Open { name, taken, .. } = self.model.open.remove(which);
                register.void(app, &name).await.ok();
                self.model.give(&taken);
            }
            Step::Refund { which, part } => {
                let Some(which) = pick(*which, self.model.sales.len()) else { return };
                let sale = &self.model.sales[which];
                let left = sale.taken.yen() - sale.refunded;
                if left > 0 {
                    let yen = (left * part / 1_000).max(1);
                    register.refund(app, &id, &sale.name, yen).await.ok();
                    self.model.refund(which, yen);
                }
            }
            Step::Convert { part } => {
                let points = self.model.points.values().sum::<i64>() * part / 1_000;
                if points > 0 {
                    self.keep_signed_in().await;
                    self.customer.convert(app, &id, points).await.ok();
                    let mut left = points;
                    for there in self.model.points.values_mut() {
                        let taken = left.min(*there);
                        *there -= taken;
                        left -= taken;
                    }
                    *self.model.free.entry(self.model.month + 6).or_default() += points;
                }
            }
            Step::Wait { hours } => {
                app.clock.advance(hours * HOUR);
                app.app.gate.catch_up().await.unwrap();
            }
        }
        app.clock.advance(31 * SECOND);
        app.app.gate.catch_up().await.unwrap();
        self.model.pass(app.now(), month_of(app.now()));
    }

    async fn keep_signed_in(&self) {
        let session =
            sql("UPDATE session SET last_used_at = $1, expires_at = $2 WHERE customer_id = $3");
        let session = session.bind(self.app.now()).bind(self.app.now() + DAY);
        let session = session.bind(&self.customer.customer_id);
        self.app.app.stores.registry.execute(session).await.unwrap();
    }

    async fn compare(&self, step: &Step) {
        let (gate, model) = (&self.app.app.gate, &self.model);
        let purse = gate.purse(self.customer.wallet_account);
        assert_eq!(purse.paid, model.paid, "{step:?}");
        assert_eq!(told(&purse.free), amounts(&model.free), "{step:?}");
        assert_eq!(told(&purse.points), amounts(&model.points), "{step:?}");
        assert_eq!(purse.points_debt, model.debt, "{step:?}");
        assert_eq!(owed(self.app, self.register).await - self.owed, model.store, "{step:?}");
        let used = gate.used(self.customer.wallet_account, Class::Payment);
        assert_eq!((used.in_24h, used.in_30d), model.used(self.app.now()), "{step:?}");
        assert_eq!(gate.reservations(self.customer.wallet_account).len(), model.open.len());
    }
}

async fn live(app: &TestApp, register: &Register, case: u32, steps: &[Step]) {
    let customer = Customer::new(&app.app).await;
    customer.use_points(app, true).await;
    customer.load(app, register, 3_000).await;
    let model = Model { paid: 3_000, month: month_of(app.now()), ..Model::default() };
    let (owed, prefix) = (owed(app, register).await, format!("l-{case}"));
    let mut life = Life { app, register, customer, model, owed, prefix, acts: 0 };
    for step in steps {
        life.step(step).await;
        life.compare(step).await;
    }
    // Whatever is left open or paid goes back: the store has what it had, the customer all.
    for which in 0..life.model.open.len() {
        register.void(app, &life.model.open[which].name).await.ok();
    }
    for open in std::mem::take(&mut life.model.open) {
        life.model.give(&open.taken);
    }
    for which in 0..life.model.sales.len() {
        let sale = &life.model.sales[which];
        let (name, left) = (sale.name.clone(), sale.taken.yen() - sale.refunded);
        if left > 0 {
            register.refund(app, &life.id(), &name, left).await.ok();
            life.model.refund(which, left);
        }
    }
    life.compare(&Step::Wait { hours: 0 }).await;
    assert_eq!(life.model.store, 0);
}

/// Goal: see the head of this file.
async fn everything_is_where_the_rule_says(app: &mut TestApp) {
    let register = register_with_rate(app, RATE).await;
    let app = &*app;
    let case = std::cell::Cell::new(0);
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let lives = TestRunner::new(config).run(&vec(step(), 1..40), |steps| {
        case.set(case.get() + 1);
        let run = live(app, &register, case.get(), &steps);
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(run));
        Ok(())
    });
    lives.unwrap();
}
