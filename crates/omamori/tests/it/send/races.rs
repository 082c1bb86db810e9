//! Sixteen connections at once: of all that can become of a send, one does.

use axum::body::Body;
use axum::http::Request;
use omamori::web::codes::Code;
use serde_json::json;

use super::{id, rich, to_phone};
use crate::support::app::TestApp;
use crate::support::passkey::Person;
use crate::support::{at_once, on_both_engines, on_several_nodes};

on_both_engines!(
    of_take_decline_and_call_back_one_happens,
    sends_at_once_cannot_pass_a_limit_together,
    takes_at_once_cannot_pass_a_balance_together,
    the_same_send_at_once_is_one,
);
on_several_nodes!(of_two_nodes_one_takes_or_returns);

async fn all(app: &TestApp, requests: Vec<Request<Body>>) -> Vec<crate::support::answer::Answer> {
    let node = (**app).clone();
    at_once(requests.into_iter().map(|request| {
        let node = node.clone();
        async move { node.call(request).await }
    }))
    .await
}

async fn of_take_decline_and_call_back_one_happens(app: &mut TestApp) {
    let (mut sender, receiver) = (rich(app, 40_000).await, Person::new(&app.app).await);
    let (mut had, mut got) = (40_000, 0);
    for round in 0..8 {
        let sent =
            id(&sender.send(app, &to_phone(&format!("r-{round}"), 1_000, &receiver.phone())).await);
        let mut requests = Vec::new();
        for n in 0..16 {
            let (person, act) = match n % 3 {
                0 => (&receiver, "take"),
                1 => (&receiver, "decline"),
                _ => (&sender, "call-back"),
            };
            requests.push(person.request(&format!("/sends/{sent}/{act}"), &json!({}), app.now()));
        }
        for answer in all(app, requests).await {
            if !answer.status.is_success() {
                answer.refused(Code::SendEnded);
            }
        }
        let seen = sender.get(app, &format!("/sends/{sent}")).await.ok();
        match seen["send"]["status"].as_str().unwrap() {
            "taken" => (had, got) = (had - 1_000, got + 1_000),
            "returned" => {}
            other => panic!("{other}"),
        }
        assert_eq!((sender.balance(app), receiver.balance(app)), (had, got));
    }
}

async fn sends_at_once_cannot_pass_a_limit_together(app: &mut TestApp) {
    let mut sender = rich(app, 98_000).await;
    let mut requests = Vec::new();
    for n in 0..16 {
        let request = to_phone(&format!("s-{n}"), 10_000, "09010000001");
        let body = sender.confirmation(app, "/sends", &request).await.unwrap();
        requests.push(sender.request("/sends", &body, app.now()));
    }
    all(app, requests).await;
    // The token that the first of them renewed may have shut out others; none may pass the limit.
    let gone = 98_000 - sender.balance(app);
    assert!((10_000..=50_000).contains(&gone) && gone % 10_000 == 0, "{gone}");
}

async fn takes_at_once_cannot_pass_a_balance_together(app: &mut TestApp) {
    let receiver = rich(app, 95_000).await;
    let mut requests = Vec::new();
    for _ in 0..16 {
        let mut sender = rich(app, 1_000).await;
        let sent = id(&sender.send(app, &to_phone("s", 1_000, &receiver.phone())).await);
        requests.push(receiver.request(&format!("/sends/{sent}/take"), &json!({}), app.now()));
    }
    let answers = all(app, requests).await;
    let taken = answers.iter().filter(|answer| answer.status.is_success()).count();
    assert_eq!((taken, receiver.balance(app)), (5, 100_000));
    for answer in answers.iter().filter(|answer| !answer.status.is_success()) {
        answer.refused(Code::LimitBalance);
    }
}

async fn the_same_send_at_once_is_one(app: &mut TestApp) {
    let mut sender = rich(app, 10_000).await;
    let request = to_phone("s-1", 1_000, "09010000001");
    let mut bodies = Vec::new();
    for _ in 0..4 {
        bodies.push(sender.confirmation(app, "/sends", &request).await.unwrap());
    }
    let requests = bodies.iter().map(|body| sender.request("/sends", body, app.now())).collect();
    let answers = all(app, requests).await;
    assert!(answers.iter().any(|answer| answer.status.is_success()));
    assert_eq!(sender.balance(app), 9_000);
}

async fn of_two_nodes_one_takes_or_returns(app: &mut TestApp) {
    let (mut sender, receiver) = (rich(app, 10_000).await, Person::new(&app.app).await);
    let other = app.another_node().await;
    let mut got = 0;
    for round in 0..6 {
        let sent =
            id(&sender.send(app, &to_phone(&format!("r-{round}"), 500, &receiver.phone())).await);
        let take = receiver.request(&format!("/sends/{sent}/take"), &json!({}), app.now());
        let back = sender.request(&format!("/sends/{sent}/call-back"), &json!({}), app.now());
        let here = (**app).clone();
        let there = other.clone();
        other.app.gate.catch_up().await.unwrap();
        let (taken, back) = tokio::join!(here.call(take), there.call(back));
        assert_ne!(taken.status.is_success(), back.status.is_success(), "{taken:?} {back:?}");
        got += if taken.status.is_success() { 500 } else { 0 };
    }
    app.app.gate.catch_up().await.unwrap();
    assert_eq!((sender.balance(app), receiver.balance(app)), (10_000 - got, got));
    other.app.close().await;
}
