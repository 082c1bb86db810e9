//! What a page of somebody else's can make a browser do.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, header};
use omamori::cli::open::open;
use omamori::clock::ManualClock;
use omamori::config::Config;
use omamori::web::codes::Code;

use crate::census::routes::routes;
use crate::support::app::{MASTER_KEY, NOON, Node, TestApp};
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::place::Place;
use crate::support::rng::TestRng;

on_both_engines!(
    clickjacking,
    open_redirect,
    session_fixation_a_cookie_of_the_attackers_choice_opens_nothing,
);

/// Every route with something in its place holders, by which any may be asked.
fn requests() -> Vec<(String, Request<Body>)> {
    let filled = |path: &str| path.replace(['{', '}', '*'], "x");
    routes()
        .iter()
        .filter(|route| !route.path.ends_with("/events"))
        .map(|route| {
            let request = Request::builder()
                .method(route.method.as_str())
                .uri(filled(&route.path))
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from("{}"));
            (route.name(), request.unwrap())
        })
        .collect()
}

/// Goal: no answer of the service, page or not, refusal or not, can be put into a frame.
async fn clickjacking(app: &mut TestApp) {
    for (name, request) in requests() {
        let answer = app.call(request).await;
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{name}: {policy}");
        assert_eq!(answer.headers[header::X_FRAME_OPTIONS], "DENY", "{name}");
        assert_eq!(answer.headers["cross-origin-resource-policy"], "same-origin", "{name}");
    }
}

/// Goal: whatever an address, a header or a form says, no answer leads to another host.
async fn open_redirect(app: &mut TestApp) {
    const ELSEWHERE: &str = "https://evil.example/";
    let customer = Customer::new(&app.app).await;
    let mut redirects = 0;
    for (name, request) in requests() {
        let (parts, _) = request.into_parts();
        let path = parts.uri.path().to_owned();
        for parameter in ["next", "return_to", "redirect", "redirect_uri", "url", "back"] {
            for target in ["https://evil.example/", "//evil.example/", "/\\evil.example/"] {
                let query = format!("{path}?{parameter}={target}");
                let mut request = customer.request(parts.method.as_str(), &query, None);
                request.headers_mut().insert(header::REFERER, ELSEWHERE.parse().unwrap());
                request.headers_mut().insert(header::HOST, "evil.example".parse().unwrap());
                let answer = app.call(request).await;
                let Some(location) = answer.headers.get(header::LOCATION) else { continue };
                redirects += 1;
                let location = location.to_str().unwrap();
                let is_ours = location.starts_with('/')
                    && !location.starts_with("//")
                    && !location.contains('\\');
                assert!(is_ours, "{name} leads to {location}");
            }
        }
    }
    let form = Request::post("/language")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::REFERER, ELSEWHERE)
        .body(Body::from("lang=en"));
    let answer = app.call(form.unwrap()).await;
    assert_eq!(answer.headers[header::LOCATION], "/", "{redirects} others");
}

/// Goal: a session's name that an attacker put into the victim's browser, made up or of a session
/// that the attacker holds, does not become the victim's session, nor open the attacker's there.
async fn session_fixation_a_cookie_of_the_attackers_choice_opens_nothing(app: &mut TestApp) {
    let (victim, attacker) = (Customer::new(&app.app).await, Customer::new(&app.app).await);
    let path = "/api/wallet/v1/me";
    let made_up = format!("oms_{}", "A".repeat(43));
    for planted in [&made_up, &attacker.token] {
        let proof = victim.proof("GET", path, app.now());
        let mut request = victim.request("GET", path, Some(&proof));
        let cookie = format!("omamori={planted}").parse().unwrap();
        request.headers_mut().insert(header::COOKIE, cookie);
        app.call(request).await.refused(Code::Unauthorized);
    }
    victim.get(app, path).await.ok();
}

/// Goal: where the service is reached by https, no answer lets a browser try http again; where it
/// is not (a developer's machine), none asks for what cannot be.
#[tokio::test]
async fn over_tls_every_answer_asks_for_tls() {
    for (public_url, expected) in [
        ("https://pay.example.jp", Some("max-age=63072000; includeSubDomains")),
        ("http://localhost:8080", None),
    ] {
        let place = Place::sqlite();
        let (store, public_url) = (place.store(), public_url.to_owned());
        let config = Config { store, public_url, ..Config::default() };
        let (clock, rng) = (Arc::new(ManualClock::at(NOON)), Arc::new(TestRng::default()));
        let node = Node::new(open(config, &MASTER_KEY, clock, rng).await.unwrap());
        for path in ["/", "/nowhere", "/api/wallet/v1/me", "/assets/css/nothing.css"] {
            let answer = node.get(path).await;
            let said = answer.headers.get(header::STRICT_TRANSPORT_SECURITY);
            assert_eq!(said.map(|value| value.to_str().unwrap()), expected, "{path}");
        }
        node.app.close().await;
    }
}
