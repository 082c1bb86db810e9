//! A small month of life, played over real connections: what the players counted is what the
//! ledger has, nothing went otherwise than its script says, and the evidence is complete.

use omamori::audit::Actor;
use omamori::clock::{DAY, Micros, SECOND};
use omamori::config::Card;
use omamori::coupon::{Campaign, Gift, Terms};
use omamori::gate::chart::card_clearing_id;
use omamori::merchant::put_product;
use omamori::risk::backtest::{self, Period};
use omamori::risk::{STARTER, label_file, rules};
use omamori::server;
use omamori_db::sql;
use omamori_drill::month::{Product, Scale, Server, Settings, StoreTally, Tally, play};
use omamori_ledger::Account;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::support::app::TestApp;
use crate::support::on_both_engines;
use crate::support::shop::Register;
use crate::value::{begin, budget_left, coupon};

on_both_engines!(a_small_month_adds_up, fraud_is_labelled);

const SCALE: Scale = Scale { customers: 12, sales: 90, days: 2 };
const BUDGET: i64 = 5_000;
const KINDS: [&str; 6] =
    ["card_testing", "coupon_farming", "list_attack", "mule", "refund_abuse", "stolen_account"];

fn shelf() -> Vec<Product> {
    let product = |(jan, unit_price): (&str, i64)| Product {
        jan: jan.to_owned(),
        name: format!("品 {unit_price}"),
        unit_price,
        popularity: [3, 2, 1, 2],
    };
    [("2000000000015", 160), ("2000000000022", 298), ("2000000000039", 598)].map(product).to_vec()
}

/// Plays it on the service, from now on.
async fn played(app: &TestApp, registers: &[Register], with_fraud: bool) -> Tally {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let clock = app.clock.clone();
    let until = u64::try_from(app.now() / SECOND).unwrap() + SCALE.days * 86_400;
    let settings = Settings {
        server: Server {
            address: listener.local_addr().unwrap(),
            origin: "http://localhost:8080".to_owned(),
        },
        terminal_keys: registers.iter().map(|register| register.key.clone()).collect(),
        shelf: shelf(),
        seed: 20_190_701,
        scale: SCALE,
        with_fraud,
        until,
        clock: Box::new(move |seconds| {
            clock.advance_to(i64::try_from(seconds).unwrap() * SECOND);
        }),
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(server::serve(app.app.clone(), listener, async move {
        drop(stopped.await);
    }));
    let tally = play(settings, &indicatif::ProgressBar::hidden()).await.unwrap();
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
    tally
}

/// The two accounts of a register's store: sales and cash.
async fn accounts(app: &TestApp, register: &Register) -> [Account; 2] {
    let query = sql("SELECT sales_account, cash_account FROM store WHERE store_id = $1");
    let row = app.app.stores.registry.one(query.bind(&register.store_id)).await.unwrap();
    ["sales_account", "cash_account"].map(|column| {
        let id = u128::from_be_bytes(row.array(column).unwrap());
        app.app.gate.account(id).unwrap_or_default()
    })
}

async fn check_store(app: &TestApp, register: &Register, tally: &StoreTally) {
    let [sales, cash] = accounts(app, register).await;
    let yen = |amount: u64| i64::try_from(amount).unwrap();
    assert_eq!(yen(sales.credits_posted), tally.sales.yen);
    assert_eq!(yen(sales.debits_posted), tally.refunds.yen + tally.cancels.yen);
    assert_eq!(yen(cash.debits_posted), tally.top_ups.yen);
    assert_eq!(yen(cash.credits_posted), tally.top_ups_canceled.yen);
}

async fn a_shop(app: &TestApp) -> (Vec<Register>, Campaign) {
    let first = Register::new(&app.app).await;
    let mut registers = vec![first.clone()];
    registers.push(Register::of_merchant(&app.app, &first.merchant_id).await);
    for Product { jan, name, unit_price, .. } in shelf() {
        put_product(&app.app, &first.merchant_id, &jan, &name, unit_price).await.unwrap();
    }
    let terms = Terms { per_customer: 2, ..coupon(Gift::AmountOff { yen: 50 }, BUDGET) };
    (registers, begin(app, None, terms).await)
}

/// As the demo serves while a month is made.
async fn for_a_month(app: &mut TestApp) {
    app.restart_with(|config| {
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        config.card = Card::Sandbox { port: 0 };
    })
    .await;
}

/// Goal: the head of this file.
async fn a_small_month_adds_up(app: &mut TestApp) {
    for_a_month(app).await;
    let (registers, campaign) = a_shop(app).await;
    let began_at = app.now();
    let tally = played(app, &registers, false).await;
    app.restart().await;

    assert_eq!(tally.unexpected, Default::default(), "{tally:#?}");
    assert_eq!(tally.signups, 12);
    assert_eq!(tally.sum(|store| store.sales).times, 90);
    assert_eq!(app.now(), began_at + 2 * DAY);
    for (register, tally) in registers.iter().zip(&tally.stores) {
        check_store(app, register, tally).await;
    }
    let clearing = app.app.gate.account(card_clearing_id()).unwrap_or_default();
    assert_eq!(i64::try_from(clearing.debits_posted).unwrap(), tally.card_top_ups.yen);
    assert!(
        tally.discounts.times > 0 && BUDGET - budget_left(app, &campaign) <= tally.discounts.yen
    );

    // Whoever was refused is in the evidence, and what happened is spread over the days.
    let refused: u64 = tally.refused.values().sum();
    let decisions = u64::try_from(app.decisions().await).unwrap();
    assert!(decisions > refused + 90 + 12, "{decisions} decisions, {refused} refusals");
    let query = sql("SELECT CAST(COUNT(DISTINCT created_at / CAST(3600000000 AS BIGINT)) \
                     AS BIGINT) AS hours FROM customer");
    let hours = app.app.stores.registry.one(query).await.unwrap().int("hours").unwrap();
    assert!(hours >= 4, "all signed up within {hours} hours");
}

/// Goal: each kind of fraud is played and named, and the ordinary month beside it stays as it is.
async fn fraud_is_labelled(app: &mut TestApp) {
    for_a_month(app).await;
    let (registers, _) = a_shop(app).await;
    let from = app.now();
    let tally = played(app, &registers, true).await;
    app.restart().await;

    assert_eq!(tally.unexpected, Default::default(), "{tally:#?}");
    for (register, tally) in registers.iter().zip(&tally.stores) {
        check_store(app, register, tally).await;
    }
    let kinds: std::collections::BTreeSet<_> =
        tally.labels.iter().map(|label| label.kind).collect();
    assert!(kinds.into_iter().eq(KINDS));
    for label in &tally.labels {
        assert_eq!(label.customer_id.is_none(), label.kind == "list_attack", "{label:?}");
        if label.act == "buy" {
            let id = label.merchant_payment_id.as_deref().unwrap();
            let of_any = async |register: &Register| register.payment(app, id).await.status;
            let (here, there) = (of_any(&registers[0]).await, of_any(&registers[1]).await);
            let is_there = here.is_success() || there.is_success();
            assert_eq!(is_there, label.refused.is_none(), "{label:?}");
        }
    }
    let entered = tally.labels.iter().filter(|label| label.kind == "list_attack");
    assert!(entered.clone().count() > 50 && entered.clone().all(|label| label.refused.is_some()));
    check_rules(app, &tally, from).await;
}

/// Goal: what nobody stopped is seen by the starter rules, kind by kind; ordinary customers are
/// left alone.
async fn check_rules(app: &TestApp, tally: &Tally, from: Micros) {
    let text = serde_json::to_string(&tally.labels).unwrap();
    let set = label_file::set(&app.app, &Actor::machine(), &text).await.unwrap();
    assert_eq!(set.lines, tally.labels.len());
    let twice = label_file::set(&app.app, &Actor::machine(), &text).await.unwrap();
    assert_eq!(twice, set, "the same file labels the same decisions");
    let starter = rules::check(STARTER).unwrap();
    let period = Period { from, to: app.now() + 1 };
    let sets = (&starter, &starter);
    let run = backtest::run(&app.app.stores, period, sets, u64::MAX, |_| ()).await.unwrap();
    assert_eq!(run.labelled, set.decisions);
    for kind in KINDS {
        let found = run.tested.kinds.get(kind).cloned().unwrap_or_default();
        let by_gate = run.refused.get(kind).copied().unwrap_or_default();
        let seen = found.alerted + found.stopped + by_gate;
        assert!(seen > 0, "no rule sees {kind}: {found:?}");
        assert!(found.stopped > 0 || by_gate > 0, "nothing stops {kind}: {found:?}");
    }
    let (bothered, customers) = (run.tested.total.bothered, run.tested.customers);
    assert!(bothered * 20 <= customers, "{bothered} of {customers}: {:#?}", run.tested.rules);
    assert!(label_file::set(&app.app, &Actor::machine(), "{}").await.is_err());
}
