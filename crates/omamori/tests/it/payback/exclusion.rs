//! Who did not claim: excluded after the period, by two people, once.

use std::sync::atomic::{AtomicUsize, Ordering};

use omamori::clock::{DAY, MINUTE};
use omamori::console::access::Role;
use omamori::gate::chart::AccountCode;
use omamori::refund::figures::Sum;
use omamori::refund::{exclude, work_due};
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::json;

use super::{Holder, agreed, counted, ended, finance, of_operator};
use crate::support::app::TestApp;
use crate::support::shop::Register;
use crate::support::{on_both_engines, on_several_nodes};

on_both_engines!(
    nobody_is_excluded_before_the_last_day_is_over,
    killed_anywhere_everybody_is_excluded_once,
    who_is_stopped_or_claimed_before_is_not_excluded,
);
on_several_nodes!(two_nodes_exclude_everybody_once);

const PATH: &str = "/service-end/exclude";

async fn nobody_is_excluded_before_the_last_day_is_over(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut holder = Holder::new(app, &register, 3_000).await;
    let mut late = Holder::new(app, &register, 4_000).await;
    let (desk, reason) = (finance(app).await, json!({ "reason": "期間終了" }));
    desk.post(app, PATH, &reason).await.refused(Code::RefundNotOpen);
    ended(app).await;
    // Announced on day 0 at noon for 63 days: the last instant is 23:59:59 of day 63.
    let until = app.app.gate.controls().ending().unwrap().claims_until;
    app.clock.advance(until - 14 * DAY - app.now());
    for _ in 0..2 {
        work_due(&app.app).await.unwrap();
        let told = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM notice
             WHERE kind = 'refund_unclaimed'");
        let told = app.app.stores.registry.one(told).await.unwrap().int("n").unwrap();
        assert_eq!(told, 2, "each is told once more, once");
    }
    app.clock.advance(until - 1 - app.now());
    let desk = finance(app).await;
    desk.post(app, PATH, &reason).await.refused(Code::RefundNotOpen);
    holder.claims(app, "1234567").await.ok();
    app.clock.advance(1);
    late.claims(app, "7654321").await.refused(Code::RefundNotOpen);
    let viewer = crate::support::desk::Person::new(&app.app, Role::Support).await;
    viewer.post(app, PATH, &reason).await.refused(Code::Forbidden);
    agreed(app, Role::Finance, PATH, &reason).await;
    work_due(&app.app).await.unwrap();
    late.claims(app, "7654321").await.refused(Code::RefundNotOpen);
    let found = counted(app).await;
    assert_eq!(found.excluded, Sum { count: 1, yen: 4_000 });
    assert_eq!(found.claimed, Sum { count: 1, yen: 3_000 });
    let desk = finance(app).await;
    desk.post(app, PATH, &reason).await.refused(Code::RefundNothing);
    let page = late.customer.get(app, "/history").await;
    assert!(page.text().contains("申し出のなかった"), "the history says it");
}

/// Attack on money: the process dies after each customer, and between ledger and registry.
async fn killed_anywhere_everybody_is_excluded_once(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    for yen in [1_000, 2_000, 3_000, 4_000] {
        Holder::new(app, &register, yen).await;
    }
    ended(app).await;
    app.clock.advance(62 * DAY);
    agreed(app, Role::Finance, PATH, &json!({ "reason": "期間終了" })).await;
    for _ in 0..8 {
        let looked = AtomicUsize::new(0);
        let stop = || looked.fetch_add(1, Ordering::Relaxed) >= 3;
        exclude::work_until(&app.app, stop).await.unwrap();
        // As if it had died before the registry knew.
        let forget =
            sql("UPDATE refund_exclusion_row SET state = 'waiting', outcome = '', yen = 0");
        app.app.stores.registry.execute(forget).await.unwrap();
        app.restart().await;
    }
    work_due(&app.app).await.unwrap();
    assert_eq!(of_operator(app, AccountCode::RefundUnclaimed), 10_000);
    assert_eq!(counted(app).await.excluded, Sum { count: 4, yen: 10_000 });
}

async fn who_is_stopped_or_claimed_before_is_not_excluded(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let stopped = Holder::new(app, &register, 5_000).await;
    let mut claimed = Holder::new(app, &register, 6_000).await;
    let _silent = Holder::new(app, &register, 7_000).await;
    register.sell(app, "s-1", &claimed.customer.code(app.now()), 500).await.ok();
    stopped.customer.post(app, "/account/stop", &json!({})).await;
    ended(app).await;
    claimed.claims(app, "1234567").await.ok();
    // A store gives something back to somebody who claimed, after they did.
    register.refund(app, "r-1", "s-1", 500).await.ok();
    app.clock.advance(62 * DAY);
    let reason = json!({ "reason": "期間終了" });
    agreed(app, Role::Finance, PATH, &reason).await;
    work_due(&app.app).await.unwrap();
    let found = counted(app).await;
    assert_eq!(found.excluded, Sum { count: 1, yen: 7_000 });
    assert_eq!(found.kept, Sum { count: 1, yen: 5_000 });
    assert_eq!(found.claimed, Sum { count: 2, yen: 6_000 });
    assert_eq!(stopped.customer.balance(app), 5_000);
    app.clock.advance(MINUTE);
    // Staff start the account again: the next run is for it.
    let start = sql("UPDATE customer SET status = 'active', stopped_by = NULL");
    app.app.stores.registry.execute(start).await.unwrap();
    agreed(app, Role::Finance, PATH, &reason).await;
    work_due(&app.app).await.unwrap();
    let found = counted(app).await;
    assert_eq!((found.excluded, found.kept), (Sum { count: 2, yen: 12_000 }, Sum::default()));
}

async fn two_nodes_exclude_everybody_once(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    for yen in [1_000, 2_000, 3_000, 4_000] {
        Holder::new(app, &register, yen).await;
    }
    ended(app).await;
    app.clock.advance(62 * DAY);
    agreed(app, Role::Finance, PATH, &json!({ "reason": "期間終了" })).await;
    let other = app.another_node().await;
    let (one, two) = (app.app.clone(), other.app.clone());
    let both = [one, two].map(|app| tokio::spawn(async move { work_due(&app).await }));
    for work in both {
        work.await.unwrap().unwrap();
    }
    work_due(&app.app).await.unwrap();
    assert_eq!(of_operator(app, AccountCode::RefundUnclaimed), 10_000);
    assert_eq!(counted(app).await.excluded, Sum { count: 4, yen: 10_000 });
    other.app.gate.close().await;
}
