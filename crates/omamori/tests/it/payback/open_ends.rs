//! What was begun before use ended: asked for and not paid, set aside and not captured. And the
//! figures, from the shell.

use std::process::Output;

use omamori::clock::{DAY, MINUTE};
use omamori::web::codes::Code;

use super::{Holder, announced, counted, ended};
use crate::checkout::{Web, person};
use crate::durability::child::omamori;
use crate::order::{order_id, pay, status};
use crate::support::app::TestApp;
use crate::support::on_both_engines;
use crate::support::settings;
use crate::support::shop::Register;

on_both_engines!(
    what_was_asked_for_before_the_end_is_not_paid_after_it,
    what_was_set_aside_before_the_end_is_captured_or_given_back_whole,
    the_shell_reports_what_the_desk_counts,
);

/// Goal: an order of a register and one of an online shop stand when use ends: neither is paid
/// after it, by a tap or with the passkey, whatever was asked for before. What was paid before is
/// answered as it was, and what stands can be called off.
async fn what_was_asked_for_before_the_end_is_not_paid_after_it(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let holder = Holder::new(app, &register, 10_000).await;
    let web = Web::new(&app.app).await;
    let mut shopper = person(app, &web).await;
    announced(app).await;
    app.clock.advance(2 * DAY - 2 * MINUTE);
    let paid = order_id(app, &register, "o-1", 300).await;
    let first = pay(app, &holder.customer, &paid, 300).await.ok();
    let stands = order_id(app, &register, "o-2", 500).await;
    let (online, later) = (web.order(app, "w-1", 700).await, web.order(app, "w-2", 800).await);
    let request = serde_json::json!({ "amount": online.amount });
    let answer = shopper.confirmation(app, &online.pay_path(), &request).await;
    let Ok(body) = answer else { panic!("the options are refused before the end") };
    app.clock.advance(2 * MINUTE);

    pay(app, &holder.customer, &stands, 500).await.refused(Code::ServiceEnded);
    let late = shopper.post(app, &online.pay_path(), &body).await;
    late.refused(Code::ServiceEnded);
    later.pay(app, &mut shopper).await.refused(Code::ServiceEnded);
    assert_eq!(holder.customer.balance(app), 10_000 - 300);
    assert_eq!(shopper.customer.balance(app), 10_000);
    assert_eq!(pay(app, &holder.customer, &paid, 300).await.ok(), first, "a retry");
    assert_eq!(status(app, &register, "o-1").await, "paid");
    assert_ne!(status(app, &register, "o-2").await, "paid");
    web.cancel(app, "w-1").await.ok();
    assert_eq!(web.status(app, "w-1").await, "canceled");
}

/// Goal: the store gets what it captures of what was set aside, the holder the rest, to the yen;
/// what is voided is the holder's whole. Both can then be claimed.
async fn what_was_set_aside_before_the_end_is_captured_or_given_back_whole(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut holder = Holder::new(app, &register, 10_000).await;
    announced(app).await;
    app.clock.advance(2 * DAY - MINUTE);
    let code = holder.customer.code(app.now());
    register.authorize(app, "a-1", &code, 4_000).await.ok();
    app.clock.advance(MINUTE);
    register.capture(app, "a-1", "s-1", 1_500).await.ok();
    register.capture(app, "a-1", "s-2", 100).await.refused(Code::AuthorizationCaptured);
    assert_eq!(holder.customer.balance(app), 8_500);
    let code = holder.customer.code(app.now());
    register.authorize(app, "a-2", &code, 100).await.refused(Code::ServiceEnded);
    omamori::refund::work_due(&app.app).await.unwrap();
    holder.claims(app, "1234567").await;
    assert_eq!(holder.claim(app).await.yen, 8_500);
    register.refund(app, "r-1", "s-1", 500).await.ok();
    assert_eq!(holder.customer.balance(app), 500, "claimed apart from what came after");
}

/// `omamori report end-of-service` on the stores of a service.
fn report(app: &TestApp, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings::written(&app.app.config.store, folder.path());
    let mut command = omamori();
    command.args(["report", "end-of-service", "--config"]).arg(&settings).args(more);
    command.output().unwrap()
}

/// Goal: without an end it says so and fails; with one it prints the days and each figure of the
/// desk, and with `--csv` the same lines as the desk's file.
async fn the_shell_reports_what_the_desk_counts(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut holder = Holder::new(app, &register, 3_000).await;
    Holder::new(app, &register, 4_000).await;
    let none = report(app, &[]);
    assert!(!none.status.success());
    let said = String::from_utf8(none.stderr).unwrap();
    assert!(said.contains("no end of the service is announced"), "{said}");

    ended(app).await;
    holder.claims(app, "1234567").await;
    let figures = counted(app).await;
    let csv = report(app, &["--csv"]);
    assert!(csv.status.success(), "{}", String::from_utf8_lossy(&csv.stderr));
    let csv = String::from_utf8(csv.stdout).unwrap();
    assert_eq!(csv.trim_end(), figures.csv().trim_end());
    assert!(csv.contains("held,2,7000") && csv.contains("claimed,1,3000"), "{csv}");
    let text = String::from_utf8(report(app, &[]).stdout).unwrap();
    assert!(text.starts_with("use ends 2026-04-0"), "{text}");
    for (name, sum) in figures.lines() {
        let line = text.lines().find(|line| line.ends_with(&format!("  {name}")));
        let mut words = line.unwrap_or_else(|| panic!("no {name} in {text}")).split_whitespace();
        let read = [words.next(), words.next()].map(|word| word.unwrap().parse::<i64>().unwrap());
        assert_eq!(read, [sum.count, sum.yen], "{name}");
    }
}
