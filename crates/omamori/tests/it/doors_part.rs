//! Doors that are closed for a part of the world, from the desk's button to who stands before them.

use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use omamori::clock::{HOUR, MINUTE};
use omamori::console::access::Role;
use omamori::web::codes::Code;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::shop::Register;
use crate::support::{mmdb, on_both_engines};

on_both_engines!(
    a_country_and_a_provider_are_closed_by_themselves,
    a_part_of_the_customers_is_closed_and_the_same_part_again,
);

/// Whether the door of sign-in is closed for who comes from an address.
async fn is_closed(app: &TestApp, from: &str) -> bool {
    let address: IpAddr = from.parse().unwrap();
    let request = Request::post("/api/wallet/v1/signin/options")
        .header(header::CONTENT_TYPE, "application/json")
        .header("sec-fetch-site", "same-origin")
        .extension(ConnectInfo(SocketAddr::new(address, 40_000)))
        .body(Body::from("{}"));
    let answer = app.call(request.unwrap()).await;
    match answer.status {
        StatusCode::OK => false,
        _ => {
            answer.refused(Code::FunctionClosed);
            true
        }
    }
}

/// Goal: an attack from one country, or from one provider, is stopped there and nowhere else. Who
/// comes from where no file knows is not stopped: that is not that country.
async fn a_country_and_a_provider_are_closed_by_themselves(app: &mut TestApp) {
    let folder = tempfile::tempdir().unwrap();
    let (owners, countries) = (folder.path().join("asn"), folder.path().join("country"));
    std::fs::write(&owners, mmdb::owners(&[(45, 64_500), (46, 64_501)])).unwrap();
    std::fs::write(&countries, mmdb::countries(&[(45, "US"), (46, "US"), (47, "JP")])).unwrap();
    app.restart_with(|config| {
        (config.networks, config.countries) = (Some(owners), Some(countries));
    })
    .await;
    for (scope, subject, stopped) in [
        ("country", "US", ["45.1.2.3", "46.1.2.3"].as_slice()),
        ("country", "JP", &["47.1.2.3"]),
        ("asn", "64500", &["45.1.2.3"]),
        ("asn", "AS64501", &["46.1.2.3"]),
    ] {
        // The session of the one before is over.
        let fraud = Person::new(&app.app, Role::Fraud).await;
        let body = json!({ "reason": "攻撃", "scope": scope, "subject": subject, "hours": "1" });
        let closed = fraud.post(app, "/doors/signin/close", &body).await;
        assert_eq!(closed.status, StatusCode::NO_CONTENT, "{}", closed.text());
        for from in ["45.1.2.3", "46.1.2.3", "47.1.2.3", "48.1.2.3", "2001:db8::1"] {
            let expected = stopped.contains(&from);
            assert_eq!(is_closed(app, from).await, expected, "{scope} {subject}: {from}");
        }
        let page = fraud.get(app, "/console/doors").await;
        assert!(page.text().contains(subject.trim_start_matches("AS")));
        app.clock.advance(HOUR + MINUTE);
        for from in stopped {
            assert!(!is_closed(app, from).await, "it opens by itself");
        }
    }
    let fraud = Person::new(&app.app, Role::Fraud).await;
    for (scope, subject) in [("country", "usa"), ("country", ""), ("asn", "x"), ("percent", "100")]
    {
        let body = json!({ "reason": "攻撃", "scope": scope, "subject": subject, "hours": "" });
        let refused = fraud.post(app, "/doors/signin/close", &body).await;
        refused.refused(Code::InvalidRequest);
    }
}

/// Goal: a new fault is let out to a part of the customers; who is in it stays in it when it grows,
/// and nobody flickers.
async fn a_part_of_the_customers_is_closed_and_the_same_part_again(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let fraud = Person::new(&app.app, Role::Fraud).await;
    let mut customers = Vec::new();
    for _ in 0..24 {
        let customer = Customer::new(&app.app).await;
        customer.load(app, &register, 1_000).await;
        customers.push(customer);
    }
    let mut round = 0;
    let mut stopped = async |app: &TestApp| {
        round += 1;
        app.clock.advance(MINUTE);
        let mut stopped = Vec::new();
        for (number, customer) in customers.iter().enumerate() {
            let id = format!("s-{round}-{number}");
            let sold = register.sell(app, &id, &customer.code(app.now()), 10).await;
            if !sold.status.is_success() {
                sold.refused(Code::FunctionClosed);
                stopped.push(number);
            }
        }
        stopped
    };
    assert!(stopped(app).await.is_empty());
    let mut before = Vec::new();
    for percent in ["40", "80"] {
        let body = json!({ "reason": "調査", "scope": "percent", "subject": percent, "hours": "" });
        let closed = fraud.post(app, "/doors/payment/close", &body).await;
        assert_eq!(closed.status, StatusCode::NO_CONTENT, "{}", closed.text());
        let now = stopped(app).await;
        assert!(before.len() < now.len() && now.len() < 24, "{percent} %: {now:?}");
        assert!(before.iter().all(|number| now.contains(number)));
        assert_eq!(stopped(app).await, now, "nobody flickers");
        before = now;
    }
}
