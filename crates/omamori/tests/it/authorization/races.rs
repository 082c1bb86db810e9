//! Captures, voids and the end of time at once, from sixteen connections and two nodes: exactly
//! one of them happens, and everybody is told which.

use omamori::clock::{DAY, SECOND};
use omamori::web::codes::Code;

use super::{authorized, parties};
use crate::support::app::TestApp;
use crate::support::{at_once, on_both_engines, on_several_nodes};
use crate::value::owed;

on_both_engines!(
    sixteen_equal_authorizations_are_one,
    sixteen_equal_captures_are_one,
    of_sixteen_captures_one_is_made,
    capture_and_void_exclude_each_other,
    capture_void_and_expiry_exclude_each_other,
    authorizations_at_once_cannot_pass_the_balance,
);
on_several_nodes!(two_nodes_end_an_authorization_once);

async fn sixteen_equal_authorizations_are_one(app: &mut TestApp) {
    let (register, customer) = parties(app, 5_000).await;
    let code = customer.code(app.now());
    let answers = at_once((0..16).map(|_| {
        let (node, register, code) = ((*app).clone(), register.clone(), code.clone());
        async move { register.authorize(&node, "a-1", &code, 5_000).await }
    }))
    .await;
    for answer in &answers {
        assert_eq!(answer.ok(), answers[0].ok());
    }
    assert_eq!(customer.balance(app), 0);
}

async fn sixteen_equal_captures_are_one(app: &mut TestApp) {
    let (register, customer) = authorized(app, 5_000).await;
    let answers = at_once((0..16).map(|_| {
        let (node, register) = ((*app).clone(), register.clone());
        async move { register.capture(&node, "a-1", "p-1", 4_000).await }
    }))
    .await;
    for answer in &answers {
        assert_eq!(answer.ok(), answers[0].ok());
    }
    assert_eq!((customer.balance(app), owed(app, &register).await), (6_000, 4_000));
}

async fn of_sixteen_captures_one_is_made(app: &mut TestApp) {
    let (register, customer) = authorized(app, 5_000).await;
    let answers = at_once((0..16).map(|number| {
        let (node, register) = ((*app).clone(), register.clone());
        async move { register.capture(&node, "a-1", &format!("p-{number}"), 1_000).await }
    }))
    .await;
    let made = answers.iter().filter(|answer| answer.status.is_success()).count();
    for refused in answers.iter().filter(|answer| !answer.status.is_success()) {
        refused.refused(Code::AuthorizationCaptured);
    }
    assert_eq!((made, customer.balance(app)), (1, 9_000));
}

async fn capture_and_void_exclude_each_other(app: &mut TestApp) {
    let (register, customer) = parties(app, 10_000).await;
    let mut captures = 0;
    for round in 0..6 {
        app.clock.advance(60 * SECOND);
        let id = format!("a-{round}");
        register.authorize(app, &id, &customer.code(app.now()), 1_000).await.ok();
        let answers = at_once((0..16).map(|number| {
            let (node, register, id) = ((*app).clone(), register.clone(), id.clone());
            let payment = format!("p-{round}");
            async move {
                if number % 2 == round % 2 {
                    register.capture(&node, &id, &payment, 700).await
                } else {
                    register.void(&node, &id).await
                }
            }
        }))
        .await;
        let found = register.authorization(app, &id).await.ok();
        let captured = found["authorization"]["status"] == "captured";
        captures += i64::from(captured);
        for (number, answer) in (0..16).zip(&answers) {
            match (number % 2 == round % 2, captured) {
                (true, true) | (false, false) => assert_eq!(answer.ok(), found),
                (true, false) => drop(answer.refused(Code::AuthorizationVoided)),
                (false, true) => drop(answer.refused(Code::AuthorizationCaptured)),
            }
        }
    }
    assert_eq!(customer.balance(app), 10_000 - 700 * captures);
    assert_eq!(owed(app, &register).await, 700 * captures);
}

/// The clock jumps over the end while captures and voids are on their way.
async fn capture_void_and_expiry_exclude_each_other(app: &mut TestApp) {
    let (register, customer) = parties(app, 10_000).await;
    let mut paid = 0;
    for round in 0..6 {
        let id = format!("a-{round}");
        register.authorize(app, &id, &customer.code(app.now()), 1_000).await.ok();
        app.clock.advance(7 * DAY - 1);
        let clock = app.clock.clone();
        let answers = at_once((0..16).map(|number| {
            let (node, register, id) = ((*app).clone(), register.clone(), id.clone());
            let (clock, payment) = (clock.clone(), format!("p-{round}"));
            async move {
                if number == 5 {
                    clock.advance(SECOND);
                }
                if number % 2 == 0 {
                    register.capture(&node, &id, &payment, 700).await
                } else {
                    register.void(&node, &id).await
                }
            }
        }))
        .await;
        app.app.gate.catch_up().await.unwrap();
        let found = register.authorization(app, &id).await.ok();
        let status = found["authorization"]["status"].as_str().unwrap().to_owned();
        for (number, answer) in (0..16).zip(&answers) {
            match (number % 2 == 0, &*status) {
                (true, "captured") | (false, "voided" | "expired") => {
                    assert_eq!(answer.ok(), found);
                }
                (true, "voided") => drop(answer.refused(Code::AuthorizationVoided)),
                (true, "expired") => drop(answer.refused(Code::AuthorizationExpired)),
                (false, "captured") => drop(answer.refused(Code::AuthorizationCaptured)),
                other => panic!("{other:?}"),
            }
        }
        paid += i64::from(status == "captured") * 700;
        assert_eq!((customer.balance(app), owed(app, &register).await), (10_000 - paid, paid));
    }
}

async fn authorizations_at_once_cannot_pass_the_balance(app: &mut TestApp) {
    let (register, customer) = parties(app, 10_000).await;
    app.clock.advance(90 * SECOND);
    let codes: Vec<_> = (0..12).map(|_| customer.code(app.now())).collect();
    let answers = at_once(codes.into_iter().map(|code| {
        let (node, register) = ((*app).clone(), register.clone());
        async move { register.authorize(&node, &code[15..], &code, 3_000).await }
    }))
    .await;
    let made = answers.iter().filter(|answer| answer.status.is_success()).count();
    for refused in answers.iter().filter(|answer| !answer.status.is_success()) {
        refused.refused(Code::InsufficientFunds);
    }
    assert_eq!((made, customer.balance(app)), (3, 1_000));
}

async fn two_nodes_end_an_authorization_once(app: &mut TestApp) {
    let (register, customer) = authorized(app, 5_000).await;
    let other = app.another_node().await;
    let answers = at_once((0..16).map(|number| {
        let node = if number % 2 == 0 { (*app).clone() } else { other.clone() };
        let register = register.clone();
        async move {
            if number % 4 < 2 {
                register.capture(&node, "a-1", "p-1", 4_000).await
            } else {
                register.void(&node, "a-1").await
            }
        }
    }))
    .await;
    app.app.gate.catch_up().await.unwrap();
    let found = register.authorization(app, "a-1").await.ok();
    let captured = found["authorization"]["status"] == "captured";
    for (number, answer) in answers.iter().enumerate() {
        match (number % 4 < 2, captured) {
            (true, true) | (false, false) => assert_eq!(answer.ok(), found),
            (true, false) => drop(answer.refused(Code::AuthorizationVoided)),
            (false, true) => drop(answer.refused(Code::AuthorizationCaptured)),
        }
    }
    let paid = if captured { 4_000 } else { 0 };
    assert_eq!((customer.balance(app), owed(app, &register).await), (10_000 - paid, paid));
    other.app.close().await;
}
