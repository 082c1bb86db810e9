//! Merchants are paid what the ledger says, once, to the yen.

mod background;
pub mod payouts;
mod races;

use jiff::civil::{Date, date};
use omamori::app::App;
use omamori::audit::Actor;
use omamori::clock::DAY;
use omamori::coupon::Gift;
use omamori::gate::chart::AccountCode;
use omamori::id::Kind;
use omamori::settlement::calendar::{Calendar, end_of};
use omamori::settlement::hold::{Held, HeldSale};
use omamori::settlement::statement::{self, Basis, Reckoned, Settlement};
use omamori::settlement::terms::{self, Terms};
use omamori::settlement::{Rounding, carry, figures, progress, run};
use omamori::value::legs::operator_account;
use omamori::web::codes::Code;
use omamori_db::sql;
use proptest::prelude::*;
use serde_json::Value;

use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::shop::Register;
use crate::support::staff::Staff;
use crate::value::{begin, coupon};

on_both_engines!(
    a_month_settles_to_the_yen_and_again_changes_nothing,
    a_refund_after_the_settlement_is_netted_in_the_next,
    cash_and_own_discounts_are_not_owed,
    each_calendar_closes_on_its_days,
    a_day_that_is_not_over_is_not_settled,
    another_merchants_statement_is_not_there,
    a_run_that_died_goes_on,
    what_does_not_add_up_is_not_settled_and_holds_nobody_up,
);

pub const APRIL: Date = date(2026, 4, 30);
const MAY: Date = date(2026, 5, 31);
const JUNE: Date = date(2026, 6, 30);

/// Terms of 1.95 % a month.
pub const TERMS: Terms = Terms {
    calendar: Calendar::Monthly,
    fee_basis_points: 195,
    holdback_basis_points: 0,
    holdback_yen: 0,
};

/// A merchant's register with terms, and a customer who loaded ¥90,000 at somebody else's.
pub async fn shop(app: &TestApp, of: Terms) -> (Register, Customer) {
    let (elsewhere, register) = (Register::new(&app.app).await, Register::new(&app.app).await);
    terms::set(&app.app, &Actor::machine(), &register.merchant_id, of).await.unwrap();
    let customer = Customer::new(&app.app).await;
    customer.load(app, &elsewhere, 90_000).await;
    (register, customer)
}

/// What a merchant's statement of a day says.
async fn stated(node: &Node, register: &Register, day: Date) -> Settlement {
    let id = Kind::Settlement.text(Settlement::number(&register.merchant_id, day));
    statement::find(&node.app, &register.merchant_id, &id).await.unwrap().unwrap()
}

fn net(node: &Node, account: u128) -> i64 {
    let account = node.app.gate.account(account).unwrap_or_default();
    account.credits_posted.cast_signed() - account.debits_posted.cast_signed()
}

fn of_operator(node: &Node, code: AccountCode) -> i64 {
    net(node, operator_account(code).id)
}

async fn sales_account(node: &Node, register: &Register) -> u128 {
    node.app.merchants.store(&register.store_id).await.unwrap().unwrap().sales_account
}

/// A statement with a payout, its store with a name that would be markup; gives its page.
pub async fn example(app: &App, merchant_id: &str, store_id: &str) -> String {
    let store = figures::StoreFigures {
        store_id: store_id.to_owned(),
        name: "<script>".to_owned(),
        sales: 120_000,
        refunds: 1_000,
        cash: 30_000,
        sale_count: 41,
        refund_count: 1,
        ..Default::default()
    };
    let basis = Basis {
        terms: Terms { holdback_yen: 1_000, ..TERMS },
        tax_percent: 10,
        tax_rounding: Rounding::Down,
        stores: vec![store],
        own_discounts: 500,
        carried_in: 1_000,
        returned: 2_000,
        held: Held {
            sales: vec![HeldSale {
                payment_id: Kind::Payment.text(7),
                store_id: store_id.to_owned(),
                at: app.clock.now(),
                gross: 3_000,
                fee: 58,
                tax: 5,
            }],
            fresh: 3_000,
        },
    };
    let settlement = Settlement {
        settlement_id: Kind::Settlement.text(Settlement::number(merchant_id, APRIL)),
        merchant_id: merchant_id.to_owned(),
        closing_on: APRIL,
        from_at: app.clock.now(),
        until_at: end_of(APRIL),
        statement: basis.reckon(),
        settled_at: None,
    };
    let written = Reckoned { settlement, holds: 0 };
    let stands = statement::write_down(app, &written).await.unwrap().unwrap();
    let payout = sql("INSERT INTO payout (payout_id, settlement_id, merchant_id, yen)
         VALUES ('pot_x', $1, $2, $3)");
    let payout = payout.bind(&stands.settlement_id).bind(merchant_id);
    let payout = payout.bind(stands.statement.payout);
    app.stores.registry.execute(payout).await.unwrap();
    format!("/merchant/settlements/{}", stands.settlement_id)
}

/// Goal: a hand-computed month: ¥1,000 + ¥333 + ¥50,001 sold, ¥333 canceled, ¥1 refunded. The fee
/// is ⌊51,000 × 1.95 %⌋ = 994 (994.5), the tax ⌊994 × 10 %⌋ = 99, the payout 49,907. What is sold
/// after the month's last instant is the next one's. A second run makes, books, decides nothing.
async fn a_month_settles_to_the_yen_and_again_changes_nothing(app: &mut TestApp) {
    let (register, customer) = shop(app, TERMS).await;
    for (id, amount) in [("s-1", 1_000), ("s-2", 333), ("s-3", 50_001)] {
        register.sell(app, id, &customer.code(app.now()), amount).await.ok();
    }
    register.cancel(app, "s-2").await.ok();
    register.refund(app, "r-1", "s-3", 1).await.ok();
    app.clock.advance(end_of(APRIL) - app.now());
    register.sell(app, "may-1", &customer.code(app.now()), 777).await.ok();

    let made = run::settle(&app.app, APRIL).await.unwrap().made;
    let mine: Vec<_> = made.iter().filter(|one| one.merchant_id == register.merchant_id).collect();
    assert_eq!(mine.len(), 1);
    let said = stated(app, &register, APRIL).await;
    let figures = &said.statement;
    let store = &figures.stores[0];
    assert_eq!((store.sale_count, store.sales), (3, 51_334));
    assert_eq!((store.refund_count, store.refunds), (2, 334));
    assert_eq!((figures.net_sales, figures.fee, figures.tax), (51_000, 994, 99));
    assert_eq!((figures.payout, figures.carried_out), (49_907, 0));
    assert_eq!((said.from_at, said.until_at), (0, end_of(APRIL)));
    assert!(said.settled_at.is_some());

    // The ledger: only May is left with the store, the rest is set aside, fee and tax are there.
    assert_eq!(net(app, sales_account(app, &register).await), 777);
    let payable = app.app.gate.account(carry::payable_id(&register.merchant_id)).unwrap();
    assert_eq!((payable.debits_pending, net(app, payable.id)), (49_907, 49_907));
    assert_eq!(of_operator(app, AccountCode::FeeIncome), 994);
    assert_eq!(of_operator(app, AccountCode::FeeTax), 99);

    let before = (app.journal_entries().await, app.decisions().await);
    assert!(run::settle(&app.app, APRIL).await.unwrap().made.is_empty());
    app.restart_without_views().await;
    assert!(run::settle(&app.app, APRIL).await.unwrap().made.is_empty());
    assert_eq!((app.journal_entries().await, app.decisions().await), before);
    assert_eq!(stated(app, &register, APRIL).await.statement, said.statement);
}

/// Goal: all of April's ¥10,000 goes back in May: the fee too, and what was paid out is owed. June
/// pays it off first.
async fn a_refund_after_the_settlement_is_netted_in_the_next(app: &mut TestApp) {
    let of = Terms { holdback_yen: 500, ..TERMS };
    let (register, customer) = shop(app, of).await;
    register.sell(app, "s-1", &customer.code(app.now()), 10_000).await.ok();
    app.clock.advance(31 * DAY);
    run::settle(&app.app, APRIL).await.unwrap();
    let april = stated(app, &register, APRIL).await.statement;
    // 10,000 − 195 − 19 = 9,786, of which 500 are kept.
    assert_eq!((april.fee, april.tax, april.payout), (195, 19, 9_286));
    assert_eq!((april.holdback, april.carried_out), (500, 500));

    register.refund(app, "r-1", "s-1", 10_000).await.ok();
    app.clock.advance(31 * DAY);
    run::settle(&app.app, MAY).await.unwrap();
    let may = stated(app, &register, MAY).await.statement;
    assert_eq!((may.carried_in, may.net_sales), (500, -10_000));
    assert_eq!((may.fee, may.tax), (-195, -19));
    assert_eq!((may.holdback, may.payout, may.carried_out), (0, 0, -9_286));
    assert_eq!(of_operator(app, AccountCode::FeeIncome), 0);
    assert_eq!(of_operator(app, AccountCode::FeeTax), 0);

    register.sell(app, "s-2", &customer.code(app.now()), 20_000).await.ok();
    app.clock.advance(30 * DAY);
    run::settle(&app.app, JUNE).await.unwrap();
    let june = stated(app, &register, JUNE).await.statement;
    // −9,286 + 20,000 − 390 − 39 = 10,285, less 500.
    assert_eq!((june.carried_in, june.payout, june.carried_out), (-9_286, 9_785, 500));
    let payable = app.app.gate.account(carry::payable_id(&register.merchant_id)).unwrap();
    let set_aside = payable.debits_pending.cast_signed();
    assert_eq!(set_aside, april.payout + may.payout + june.payout);
    assert_eq!(net(app, payable.id) - set_aside, june.carried_out);
}

/// Goal: cash that the register took for top-ups goes off; a discount at the merchant's own cost
/// is no sale and bears no fee.
async fn cash_and_own_discounts_are_not_owed(app: &mut TestApp) {
    let (register, _) = shop(app, TERMS).await;
    let customer = Customer::new(&app.app).await;
    customer.load(app, &register, 3_000).await;
    let of = Some(register.merchant_id.as_str());
    let campaign = begin(app, of, coupon(Gift::AmountOff { yen: 50 }, 1_000)).await;
    customer.set_coupon(app, &campaign).await;
    register.sell(app, "s-1", &customer.code(app.now()), 2_050).await.ok();
    app.clock.advance(31 * DAY);
    run::settle(&app.app, APRIL).await.unwrap();
    let april = stated(app, &register, APRIL).await.statement;
    assert_eq!((april.net_sales, april.own_discounts, april.net_cash), (2_000, 50, 3_000));
    // 2,000 − 3,000 − 39 − 3: the merchant owes.
    assert_eq!((april.payout, april.carried_out), (0, -1_042));
    let store = app.app.merchants.store(&register.store_id).await.unwrap().unwrap();
    assert_eq!((net(app, store.sales_account), net(app, store.cash_account)), (0, 0));
}

/// Goal: sales of eight days, settled in one run by three calendars: the same yen on other days.
async fn each_calendar_closes_on_its_days(app: &mut TestApp) {
    let mut shops = Vec::new();
    for calendar in [Calendar::Daily, Calendar::TwiceMonthly, Calendar::Monthly] {
        shops.push(shop(app, Terms { calendar, fee_basis_points: 0, ..TERMS }).await);
    }
    for day in 0..4 {
        for (register, customer) in &shops {
            let id = format!("s-{day}");
            register.sell(app, &id, &customer.code(app.now()), 100).await.ok();
        }
        app.clock.advance(5 * DAY); // 1, 6, 11 and 16 April
    }
    app.clock.advance(15 * DAY);
    run::settle(&app.app, APRIL).await.unwrap();
    let mut days = Vec::new();
    for (register, _) in &shops {
        let all = statement::list(&app.app, &register.merchant_id, 100).await.unwrap();
        let mut of_shop: Vec<_> =
            all.iter().map(|one| (one.closing_on.day(), one.payout)).collect();
        of_shop.reverse();
        days.push(of_shop);
    }
    assert_eq!(days[0], [(1, 100), (6, 100), (11, 100), (16, 100)]);
    assert_eq!(days[1], [(15, 300), (30, 100)]);
    assert_eq!(days[2], [(30, 400)]);
}

/// Goal: until its last instant a day is refused, and nothing is written.
async fn a_day_that_is_not_over_is_not_settled(app: &mut TestApp) {
    shop(app, TERMS).await;
    let before = app.journal_entries().await;
    app.clock.advance(end_of(APRIL) - app.now() - 1);
    let refused = run::settle(&app.app, APRIL).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidRequest);
    assert_eq!(app.journal_entries().await, before);
    app.clock.advance(1);
    run::settle(&app.app, APRIL).await.unwrap();
}

/// Goal: the page and the CSV of a statement are the merchant's; for another they are not there.
/// The lines of the CSV add up.
async fn another_merchants_statement_is_not_there(app: &mut TestApp) {
    let (register, customer) = shop(app, TERMS).await;
    let rename = sql("UPDATE store SET name = '=1+1,\"x' WHERE store_id = $1");
    app.app.stores.registry.execute(rename.bind(&register.store_id)).await.unwrap();
    register.sell(app, "s-1", &customer.code(app.now()), 12_345).await.ok();
    app.clock.advance(31 * DAY);
    run::settle(&app.app, APRIL).await.unwrap();
    let id = stated(app, &register, APRIL).await.settlement_id;
    let mine = Staff::new(&app.app, &register.merchant_id).await;
    let other = Register::new(&app.app).await;
    let theirs = Staff::new(&app.app, &other.merchant_id).await;
    let page = format!("/merchant/settlements/{id}");
    for path in [page.clone(), format!("{page}/csv")] {
        assert_eq!(mine.call(app, "GET", &path, &Value::Null).await.status, 200);
        assert_eq!(theirs.call(app, "GET", &path, &Value::Null).await.status, 404);
    }
    let list = theirs.call(app, "GET", "/merchant/settlements", &Value::Null).await;
    assert!(list.status == 200 && !list.text().contains(&id));
    let list = mine.call(app, "GET", "/merchant/settlements", &Value::Null).await;
    assert!(list.text().contains(&id));

    let csv = mine.call(app, "GET", &format!("{page}/csv"), &Value::Null).await;
    assert!(csv.text().contains("\"'=1+1,\"\"x\""), "{}", csv.text());
    let yen = |line: &str| line.rsplit(',').next().unwrap().trim().parse::<i64>().unwrap();
    let (mut parts, mut ends) = (0, 0);
    for line in csv.text().lines().skip(1) {
        let is_end = ["payout", "carried_out"].contains(&line.split(',').nth(1).unwrap());
        if is_end { ends += yen(line) } else { parts += yen(line) }
    }
    assert_eq!(parts, ends);
    assert_eq!(ends, 12_345 - 240 - 24);
}

/// Goal: killed after the statement was written down, and killed after its transfers were made:
/// the next run finishes with the same figures, and nothing is moved twice.
async fn a_run_that_died_goes_on(app: &mut TestApp) {
    let (register, customer) = shop(app, TERMS).await;
    register.sell(app, "s-1", &customer.code(app.now()), 5_000).await.ok();
    app.clock.advance(31 * DAY);
    // Dead after the first step.
    let planned = run::plan(&app.app, &register.merchant_id, APRIL, None).await.unwrap().unwrap();
    statement::write_down(&app.app, &planned).await.unwrap();
    // A sale and a refund that come between change nothing of what is written.
    register.sell(app, "s-2", &customer.code(app.now()), 70).await.ok();
    register.refund(app, "r-1", "s-1", 10).await.ok();
    app.restart().await;
    let made = run::settle(&app.app, APRIL).await.unwrap().made;
    assert!(made.iter().any(|one| one.settlement_id == planned.settlement.settlement_id));
    let said = stated(app, &register, APRIL).await;
    assert_eq!(said.statement, planned.settlement.statement);
    assert_eq!(net(app, sales_account(app, &register).await), 60);

    // Dead after the second: the registry does not know what the ledger has.
    let registry = &app.app.stores.registry;
    registry.execute(sql("DELETE FROM payout")).await.unwrap();
    let forget = sql("UPDATE settlement SET settled_at = NULL");
    registry.execute(forget).await.unwrap();
    let entries = app.journal_entries().await;
    app.restart().await;
    run::settle(&app.app, APRIL).await.unwrap();
    assert_eq!(app.journal_entries().await, entries);
    let payouts = omamori::settlement::waiting::listed(&app.app, 100).await.unwrap();
    let mine: Vec<_> =
        payouts.iter().filter(|(one, _)| one.merchant_id == register.merchant_id).collect();
    assert_eq!(mine.len(), 1);
    assert_eq!(mine[0].0.yen, said.statement.payout);
    assert!(stated(app, &register, APRIL).await.settled_at.is_some());
}

/// Goal: where the views lack a transfer, the account is not what they add up to: nothing is
/// settled of that merchant. All who come after it are, the run says which one was not, somebody is
/// told, and the next run makes up for it.
async fn what_does_not_add_up_is_not_settled_and_holds_nobody_up(app: &mut TestApp) {
    let mut shops = vec![shop(app, TERMS).await, shop(app, TERMS).await, shop(app, TERMS).await];
    shops.sort_by(|a, b| a.0.merchant_id.cmp(&b.0.merchant_id));
    for (register, customer) in &shops {
        register.sell(app, "s-1", &customer.code(app.now()), 5_000).await.ok();
    }
    app.restart().await; // so that the views alone remember
    let spoiled = &shops[0].0;
    let mut sales = Vec::new();
    for (register, _) in &shops {
        sales.push(sales_account(app, register).await);
    }
    let spoil = sql("UPDATE transfer SET amount = amount - 1
         WHERE credit_account_id = $1 AND pending_status = CAST(0 AS BIGINT)");
    let spoil = spoil.bind(sales[0].to_be_bytes());
    assert_eq!(app.app.stores.views.execute(spoil).await.unwrap(), 1);
    app.clock.advance(31 * DAY);
    let ran = run::settle(&app.app, APRIL).await.unwrap();
    let failed: Vec<_> =
        ran.failed.iter().map(|one| (one.merchant_id.as_str(), one.error.code())).collect();
    assert_eq!(failed, [(spoiled.merchant_id.as_str(), Code::Internal)]);
    let held = sales.iter().map(|account| net(app, *account)).collect::<Vec<_>>();
    assert_eq!(held, [5_000, 0, 0]);

    let is_told = || async {
        let seen = omamori::alert::look(&app.app).await.unwrap();
        seen.iter().any(|one| one.kind == omamori::alert::Kind::SettlementFailed)
    };
    assert!(!is_told().await);
    progress::record(&app.app, &Actor::machine(), APRIL, &ran).await.unwrap();
    assert!(is_told().await);
    let said = progress::newest(&app.app).await.unwrap().unwrap();
    assert_eq!((said.failed_count, said.failed), (1, vec![spoiled.merchant_id.clone()]));

    app.restart_without_views().await;
    app.clock.advance(1);
    progress::ask(&app.app, &Actor::machine(), APRIL, "再実行").await.unwrap();
    progress::work_due(&app.app).await.unwrap();
    assert_eq!(net(app, sales[0]), 0);
    let seen = omamori::alert::look(&app.app).await.unwrap();
    assert!(seen.iter().all(|one| one.kind != omamori::alert::Kind::SettlementFailed));
}

/// Goal: the ways of rounding, on hand-computed cases; a refund is the mirror of a sale.
#[test]
fn fractions_are_rounded_as_set() {
    for (rounding, wanted) in
        [(Rounding::Down, [0, 9, 10]), (Rounding::HalfUp, [1, 10, 10]), (Rounding::Up, [1, 10, 10])]
    {
        let shares = [5, 95, 100].map(|amount| rounding.share(amount, 10, 100));
        assert_eq!(shares, wanted, "{rounding:?}");
        assert_eq!(rounding.share(-95, 10, 100), -wanted[1]);
    }
    assert_eq!(Rounding::HalfUp.share(94, 10, 100), 9);
    assert_eq!(Rounding::Up.share(91, 10, 100), 10);
}

proptest! {
    /// Goal: whatever was sold and kept: all parts add up, nothing below zero is paid, and no more
    /// is kept than there is.
    #[test]
    fn a_statement_adds_up(
        sales in 0..50_000_000_i64, refunds in 0..50_000_000_i64, cash in 0..50_000_000_i64,
        carried_in in -50_000_000..50_000_000_i64, returned in 0..1_000_000_i64,
        fee in 0..5_000_i64, holdback in 0..10_000_i64, holdback_yen in 0..1_000_000_i64,
        gross in 0..50_000_000_i64,
    ) {
        let store = figures::StoreFigures { sales, refunds, cash, ..Default::default() };
        let basis = Basis {
            terms: Terms {
                calendar: Calendar::Daily, fee_basis_points: fee,
                holdback_basis_points: holdback, holdback_yen,
            },
            tax_percent: 10,
            tax_rounding: Rounding::Down,
            stores: vec![store],
            own_discounts: 0,
            carried_in,
            returned,
            held: Held {
                sales: vec![HeldSale { gross, ..HeldSale::default() }],
                fresh: gross.min(sales - refunds).max(0),
            },
        };
        let said = basis.reckon();
        let owed = carried_in + returned + sales - refunds - cash - said.fee - said.tax;
        prop_assert_eq!(said.payout + said.carried_out, owed);
        prop_assert!(said.payout >= 0 && said.holdback >= 0);
        prop_assert!(said.holdback + said.held <= owed.max(0));
        prop_assert_eq!(said.held, gross.min(owed.max(0)), "all that is held, as far as it is there");
        prop_assert_eq!(said.carried_out, if owed > 0 { said.holdback + said.held } else { owed });
    }
}
