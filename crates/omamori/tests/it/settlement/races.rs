//! Runs and files at the same time, on two nodes.

use omamori::audit::Actor;
use omamori::clock::DAY;
use omamori::gate::chart::AccountCode;
use omamori::settlement::{carry, payout, run};
use omamori::web::codes::Code;

use super::payouts::{PAY_ON, account, with_sender};
use super::{APRIL, TERMS, net, of_operator, shop, stated};
use crate::support::app::TestApp;
use crate::support::{at_once, on_both_engines, on_several_nodes};

on_both_engines!(eight_runs_at_once_settle_once);
on_several_nodes!(runs_on_two_nodes_settle_once, files_on_two_nodes_pay_once);

async fn settled_at_once(app: &TestApp, nodes: Vec<crate::support::app::Node>) {
    let (register, customer) = shop(app, TERMS).await;
    register.sell(app, "s-1", &customer.code(app.now()), 10_000).await.ok();
    app.clock.advance(31 * DAY);
    let ends = at_once(nodes.into_iter().map(|node| async move {
        run::settle(&node.app, APRIL).await.map(|ran| format!("{:?}", ran.failed))
    }))
    .await;
    for end in ends {
        assert_eq!(end.unwrap(), "[]");
    }
    app.app.gate.catch_up().await.unwrap();
    let said = stated(app, &register, APRIL).await.statement;
    assert_eq!((said.net_sales, said.fee, said.tax, said.payout), (10_000, 195, 19, 9_786));
    let payable = app.app.gate.account(carry::payable_id(&register.merchant_id)).unwrap();
    assert_eq!((payable.debits_pending, net(app, payable.id)), (9_786, 9_786));
    assert_eq!(of_operator(app, AccountCode::FeeIncome), 195);
}

/// Goal: eight runs at the same time on one node: one statement, one chain.
async fn eight_runs_at_once_settle_once(app: &mut TestApp) {
    let nodes = vec![(*app).clone(); 8];
    settled_at_once(app, nodes).await;
}

/// Goal: the same on two nodes.
async fn runs_on_two_nodes_settle_once(app: &mut TestApp) {
    let other = app.another_node().await;
    let nodes = (0..8).map(|n| if n % 2 == 0 { (*app).clone() } else { other.clone() }).collect();
    settled_at_once(app, nodes).await;
    other.app.close().await;
}

/// Goal: files made at the same time on two nodes: each payout is in one of them, and once in
/// transit. Who came second is told to come back, or finds nothing left.
async fn files_on_two_nodes_pay_once(app: &mut TestApp) {
    with_sender(app).await;
    let mut owed = 0;
    let mut registers = Vec::new();
    for _ in 0..3 {
        let (register, customer) = shop(app, TERMS).await;
        register.sell(app, "s-1", &customer.code(app.now()), 10_000).await.ok();
        let (actor, to) = (Actor::machine(), account("0000001"));
        omamori::settlement::bank::set(&app.app, &actor, &register.merchant_id, &to).await.unwrap();
        registers.push(register);
    }
    app.clock.advance(31 * DAY);
    run::settle(&app.app, APRIL).await.unwrap();
    for register in &registers {
        owed += stated(app, register, APRIL).await.statement.payout;
    }
    let other = app.another_node().await;
    let nodes: Vec<_> =
        (0..4).map(|n| if n % 2 == 0 { (*app).clone() } else { other.clone() }).collect();
    let made = at_once(nodes.into_iter().map(|node| async move {
        let made = payout::make_file(&node.app, &Actor::machine(), PAY_ON, "").await;
        made.map(|made| made.file).map_err(|error| error.code())
    }))
    .await;
    let mut total = 0;
    for made in made {
        match made {
            Ok(file) => total += file.map_or(0, |file| file.total),
            Err(code) => assert_eq!(code, Code::Busy),
        }
    }
    assert_eq!(total, owed);
    app.app.gate.catch_up().await.unwrap();
    assert_eq!(payout::transit(&app.app).await.unwrap(), (owed, owed));
    other.app.close().await;
}
