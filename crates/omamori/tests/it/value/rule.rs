//! The rule of docs/value.md against a small model that shares no code with the service: random
//! settings, coupons, baskets, points, refunds in parts and in any order, cancels, conversions,
//! months that pass. After every step the customer, the store, the merchant and each campaign have
//! what the model says, to the yen. What fails is made small before it is shown.

mod model;

use std::cell::RefCell;

use jiff::Span;
use jiff::tz::{TimeZone, offset};
use omamori::clock::{DAY, MINUTE, Micros, SECOND};
use omamori::coupon::{Campaign, Gift, Terms, merchant_discount};
use omamori::gate::chart::available;
use omamori::id::Kind;
use omamori::value::SpendingOrder;
use omamori::value::promise::issue_due;
use omamori::value::{PointsBase, PointsSettings};
use omamori_db::sql;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::{begin, budget_left, coupon, owed, register_with_rate};
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::shop::Register;
use model::{ITEM, Lots, Model, OFF, Offers, PERCENT, RATE, Rules};

on_both_engines!(everybody_ends_where_the_rule_says);

const CASES: u32 = 24;
const CASES_LONG: u32 = 1_000;
/// JAN and price; the first is the one that a coupon gives away.
const SHELF: [(&str, i64); 3] =
    [("2000000000015", 160), ("2000000000022", 298), ("2000000000039", 75)];

/// What somebody does. Numbers beyond what there is wrap around.
#[derive(Clone, Debug)]
enum Act {
    /// Pieces of each thing, and yen for something without a JAN.
    Buy([i64; 3], i64),
    /// Which sale, and how many percent of what is left of it.
    Refund(usize, i64),
    Cancel(usize),
    TopUp(i64),
    UsePoints(bool),
    /// Percent of the points.
    Convert(i64),
    Days(i64),
}

fn act() -> impl Strategy<Value = Act> {
    let pieces = prop_oneof![3 => Just(0_i64), 2 => Just(1), 1 => 2_i64..4];
    let basket = ([pieces.clone(), pieces.clone(), pieces], prop_oneof![Just(0_i64), 1_i64..700]);
    prop_oneof![
        10 => basket.prop_map(|(pieces, other)| Act::Buy(pieces, other)),
        6 => (any::<usize>(), 1_i64..=100).prop_map(|(sale, percent)| Act::Refund(sale, percent)),
        2 => any::<usize>().prop_map(Act::Cancel),
        3 => (1_i64..4).prop_map(Act::TopUp),
        2 => any::<bool>().prop_map(Act::UsePoints),
        2 => (1_i64..=100).prop_map(Act::Convert),
        2 => (1_i64..50).prop_map(Act::Days),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    let after = prop_oneof![Just(0), Just(3)];
    (any::<bool>(), any::<bool>(), after).prop_map(|(paid_first, tax_excluded, after_days)| Rules {
        paid_first,
        tax_excluded,
        after_days,
    })
}

fn offers() -> impl Strategy<Value = Offers> {
    let gifts = (1_i64..120, (1_i64..40, 10_i64..150), 20_i64..200, 1_i64..4);
    (gifts, 50_i64..1_500, 1_i64..6).prop_map(|((off, percent, item_max, factor), budget, uses)| {
        Offers { off, percent, item_max, factor, budget, uses }
    })
}

/// The shop, the customer and the campaigns of one case.
struct Stage {
    register: Register,
    customer: Customer,
    coupons: [Campaign; 3],
    points: Option<Campaign>,
    /// Payment ids of the sales, in their order, and until when each can be canceled.
    sales: Vec<(String, Micros)>,
}

impl Stage {
    async fn new(app: &TestApp, offers: &Offers) -> Self {
        let register = register_with_rate(app, RATE).await;
        let customer = Customer::new(&app.app).await;
        let terms = |gift| Terms { per_customer: offers.uses, ..coupon(gift, offers.budget) };
        let (percent, max_yen) = offers.percent;
        let free_item = Gift::FreeItem { jan: SHELF[0].0.to_owned(), max_yen: offers.item_max };
        let merchant = Some(&*register.merchant_id);
        let coupons = [
            begin(app, None, terms(Gift::AmountOff { yen: offers.off })).await,
            begin(app, merchant, terms(Gift::PercentOff { percent, max_yen })).await,
            begin(app, None, terms(free_item)).await,
        ];
        let points = match offers.factor {
            1 => None,
            factor => {
                let here = vec![register.store_id.clone()];
                let gift = Gift::PointsFactor { factor };
                Some(begin(app, None, Terms { stores: here, ..coupon(gift, 0) }).await)
            }
        };
        let stage = Self { register, customer, coupons, points, sales: Vec::new() };
        stage.keep_alive(app).await;
        for coupon in &stage.coupons {
            stage.customer.set_coupon(app, coupon).await;
        }
        stage
    }

    /// Sessions and campaigns outlive the months of a case. Among equals the coupon counts first
    /// that ends first.
    async fn keep_alive(&self, app: &TestApp) {
        let registry = &app.app.stores.registry;
        let session =
            sql("UPDATE session SET last_used_at = $1, expires_at = $2 WHERE customer_id = $3");
        let session = session.bind(app.now()).bind(app.now() + 80 * DAY);
        registry.execute(session.bind(&self.customer.customer_id)).await.unwrap();
        for (campaign, days) in self.coupons.iter().chain(&self.points).zip(80..) {
            let ends = sql("UPDATE campaign SET ends_at = $1 WHERE campaign_id = $2");
            let ends = ends.bind(app.now() + days * DAY).bind(&campaign.campaign_id);
            registry.execute(ends).await.unwrap();
        }
        app.app.campaigns.forget();
    }

    async fn act(&mut self, app: &TestApp, model: &mut Model, (number, act): (usize, &Act)) {
        let (register, customer) = (&self.register, &self.customer);
        match act {
            Act::Buy(pieces, other) => self.buy(app, model, (pieces, *other)).await,
            Act::Refund(which, percent) if !model.sales.is_empty() => {
                let place = which % model.sales.len();
                let sale = &model.sales[place];
                let left = sale.amount() - sale.refunded;
                let amount = (left * percent / 100).max(1);
                let id = format!("r-{number}");
                let answer = register.refund(app, &id, &format!("s-{place}"), amount).await;
                let allowed = left > 0 && !sale.is_canceled;
                assert_eq!(answer.status.is_success(), allowed, "{}", answer.text());
                if allowed {
                    model.refund(place, amount);
                }
            }
            Act::Cancel(which) if !model.sales.is_empty() => {
                let place = which % model.sales.len();
                let sale = &model.sales[place];
                let answer = register.cancel(app, &format!("s-{place}")).await;
                let is_first = !sale.is_canceled;
                let in_time = app.now() <= self.sales[place].1;
                let allowed = sale.is_canceled || (sale.refunded == 0 && in_time);
                assert_eq!(answer.status.is_success(), allowed, "{}", answer.text());
                if allowed && is_first {
                    model.cancel(place);
                }
            }
            Act::TopUp(thousands) => {
                let code = customer.code(app.now());
                let yen = thousands * 1_000;
                register.top_up(app, &format!("t-{number}"), &code, yen).await.ok();
                model.paid += yen;
            }
            Act::UsePoints(yes) => {
                customer.use_points(app, *yes).await;
                model.uses_points = *yes;
            }
            Act::Convert(percent) => {
                let points = (model.points_total() * percent / 100).max(1);
                let answer = customer.convert(app, &format!("c-{number}"), points).await;
                let there = points <= model.points_total();
                assert_eq!(answer.status.is_success(), there, "{}", answer.text());
                if there {
                    model.convert(points);
                }
            }
            Act::Days(days) => {
                app.clock.advance(days * DAY);
                self.keep_alive(app).await;
                model.pass_to(month_of(app.now()));
                self.points_come(app, model).await;
            }
            Act::Refund(..) | Act::Cancel(..) => {} // nothing was sold yet
        }
    }

    async fn buy(&mut self, app: &TestApp, model: &mut Model, basket: (&[i64; 3], i64)) {
        let (pieces, other) = basket;
        let priced = SHELF.iter().zip(pieces);
        let sum: i64 = priced.clone().map(|((_, price), pieces)| price * pieces).sum();
        let amount = (sum + other).max(1);
        let lines = priced.filter(|(_, pieces)| **pieces > 0).map(|((jan, price), pieces)| {
            json!({ "jan": jan, "name": "x", "quantity": pieces, "unit_price": price })
        });
        let id = format!("s-{}", model.sales.len());
        let body = json!({ "merchant_payment_id": id, "code": self.customer.code(app.now()),
            "amount": amount, "items": lines.collect::<Vec<_>>() });
        let answer = self.register.post(app, "/payments", &body).await;
        let item = (pieces[0] > 0).then_some(SHELF[0].1);
        let after_days = i64::from(app.app.config.value.points.after_days);
        let ends = month_of(app.now() + after_days * DAY) + 12;
        let sold = model.sell(amount, item, (app.now(), ends));
        assert_eq!(answer.status.is_success(), sold, "{}", answer.text());
        if sold {
            let payment_id = answer.json()["payment"]["payment_id"].as_str().unwrap().to_owned();
            self.sales.push((payment_id, cancel_until(app.now())));
        }
    }

    /// Waits until the promises whose days are over are noted, and lets their points come.
    async fn points_come(&self, app: &TestApp, model: &mut Model) {
        let views = &app.app.stores.views;
        for (sale, (payment_id, _)) in model.sales.iter().zip(&self.sales) {
            if sale.earned == 0 || sale.due_at.is_none_or(|due| due > app.now()) {
                continue;
            }
            let id = Kind::Payment.parse(payment_id).unwrap().to_be_bytes();
            let noted = || sql("SELECT due_at FROM points_due WHERE capture_id = $1").bind(id);
            let until_noted = async {
                while views.optional(noted()).await.unwrap().is_none() {
                    tokio::task::yield_now().await;
                }
            };
            let limit = std::time::Duration::from_secs(30);
            let noted = tokio::time::timeout(limit, until_noted).await;
            assert!(noted.is_ok(), "the follower does not note {payment_id}");
        }
        issue_due(&app.app).await.unwrap();
        model.points_come(app.now());
    }

    async fn compare(&self, app: &TestApp, model: &Model, step: &str) {
        let held = self.customer.holdings(app).await;
        assert_eq!(held["balance_paid"], model.paid, "{step}");
        assert_eq!(told(&held["free_lots"]), amounts(&model.free), "{step}");
        assert_eq!(told(&held["points_lots"]), amounts(&model.points), "{step}");
        assert_eq!(held["points_owed"], model.debt, "{step}");
        assert_eq!(owed(app, &self.register).await, model.store, "{step}");
        for coupon in [OFF, PERCENT, ITEM] {
            let left = budget_left(app, &self.coupons[coupon]);
            assert_eq!(left, model.budgets[coupon], "{step}, coupon {coupon}");
        }
        let own = app.app.gate.account(merchant_discount(&self.register.merchant_id));
        assert_eq!(own.as_ref().map_or(0, available), model.own_discounts, "{step}");
    }

    /// Everything that is left goes back: the store and the campaigns have what they began with.
    async fn end(&self, app: &TestApp, model: &mut Model, budget: i64) {
        for place in 0..model.sales.len() {
            let left = model.sales[place].amount() - model.sales[place].refunded;
            if left > 0 {
                let (id, sale) = (format!("last-{place}"), format!("s-{place}"));
                self.register.refund(app, &id, &sale, left).await.ok();
                model.refund(place, left);
                self.compare(app, model, &format!("last refund of {place}")).await;
            }
        }
        assert_eq!((model.store, model.own_discounts, model.budgets), (0, 0, [budget; 3]));
    }
}

async fn play(app: &mut TestApp, rules: Rules, offers: Offers, acts: &[Act]) {
    let value = &app.app.config.value;
    let is_set = Rules {
        paid_first: value.spending_order == SpendingOrder::PaidFirst,
        tax_excluded: value.points.base == PointsBase::TaxExcluded,
        after_days: value.points.after_days,
    };
    if is_set != rules {
        app.restart_with(|config| set(config, rules)).await;
    }
    let mut model = Model::new(rules, offers, month_of(app.now()));
    let mut stage = Stage::new(app, &offers).await;
    for (number, act) in acts.iter().enumerate() {
        app.clock.advance(5 * MINUTE);
        model.pass_to(month_of(app.now()));
        stage.points_come(app, &mut model).await;
        stage.act(app, &mut model, (number, act)).await;
        stage.compare(app, &model, &format!("step {number}, {act:?}")).await;
    }
    stage.end(app, &mut model, offers.budget).await;
}

fn set(config: &mut omamori::config::Config, rules: Rules) {
    config.value.spending_order =
        if rules.paid_first { SpendingOrder::PaidFirst } else { SpendingOrder::ExpiringFirst };
    config.value.points = PointsSettings {
        base: if rules.tax_excluded { PointsBase::TaxExcluded } else { PointsBase::TaxIncluded },
        after_days: rules.after_days,
        ..PointsSettings::default()
    };
}

/// Goal: see the head of this file.
async fn everybody_ends_where_the_rule_says(app: &mut TestApp) {
    let long = std::env::var_os("OMAMORI_TEST_LONG").is_some();
    let cases = if long { CASES_LONG } else { CASES };
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let app = RefCell::new(app);
    let steps = (rules(), offers(), vec(act(), 1..30));
    let outcome = TestRunner::new(config).run(&steps, |(rules, offers, acts)| {
        let mut app = app.borrow_mut();
        block_in_place(|| Handle::current().block_on(play(&mut app, rules, offers, &acts)));
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

fn month_of(now: Micros) -> i32 {
    let here = jiff::Timestamp::from_microsecond(now).unwrap().to_zoned(japan());
    i32::from(here.year()) * 12 + i32::from(here.month()) - 1
}

fn japan() -> TimeZone {
    TimeZone::fixed(offset(9))
}

/// A quarter past midnight in Japan.
fn cancel_until(sold_at: Micros) -> Micros {
    let sold = jiff::Timestamp::from_microsecond(sold_at).unwrap().to_zoned(japan());
    let next = sold.start_of_day().unwrap().checked_add(Span::new().days(1)).unwrap();
    next.timestamp().as_second() * SECOND + 15 * MINUTE
}

/// Amounts of the lots, in order of their end, without the empty ones.
fn amounts(lots: &Lots) -> Value {
    json!(lots.values().filter(|amount| **amount > 0).collect::<Vec<_>>())
}

fn told(lots: &Value) -> Value {
    json!(lots.as_array().unwrap().iter().map(|lot| lot["amount"].clone()).collect::<Vec<_>>())
}
