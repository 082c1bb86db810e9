//! Every route refuses who may not use it.
//!
//! Routes are read from the sources. One that is not in [`PUBLIC`] must refuse everybody without
//! a credential, and everybody with the credential of another kind.

use std::collections::HashMap;

use axum::body::Body;
use axum::http::{HeaderValue, Request, header};
use omamori::console::access::Role;

use super::source::{Source, Token, sources, tokens};
use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::on_both_engines;
use crate::support::shop::Register;
use crate::support::staff::Staff;

on_both_engines!(
    a_route_that_is_not_public_refuses_strangers,
    a_public_route_never_fails,
    a_key_that_is_none_is_refused,
);

/// What everybody may ask for. A route is put here on purpose and by name.
const PUBLIC: &[&str] = &[
    // Pages that hold nothing of anybody.
    "GET /",
    "GET /signup",
    "GET /signin",
    "GET /offline",
    "GET /privacy",
    // The page of an order: whoever has its address may see it.
    "GET /pay/{token}",
    "GET /api/pay/v1/{token}",
    "POST /api/pay/v1/{token}/cancel",
    "GET /api/checkout.json",
    "GET /move",
    "GET /recover",
    "GET /receive",
    "GET /recover/cancel",
    "GET /till",
    "GET /merchant",
    "GET /api",
    "GET /api/openapi.json",
    "GET /demo/sms",
    "GET /status",
    "GET /end-of-service",
    "GET /terms",
    "GET /terms/{version}",
    "GET /compensation",
    "GET /compensation/{version}",
    // One word for load balancers.
    "GET /healthz",
    "GET /readyz",
    "POST /language",
    // Files.
    "GET /assets/{*path}",
    "GET /sw.js",
    "GET /manifest.webmanifest",
    "GET /favicon.ico",
    // Ways in: each asks for its own proof.
    "GET /api/wallet/v1/time",
    "POST /api/wallet/v1/signup/start",
    "POST /api/wallet/v1/signup/verify",
    "POST /api/wallet/v1/signup/passkey/options",
    "POST /api/wallet/v1/signup/finish",
    "POST /api/wallet/v1/signup/password/options",
    "POST /api/wallet/v1/signup/password/finish",
    "POST /api/wallet/v1/signin/options",
    "POST /api/wallet/v1/signin/finish",
    "POST /api/wallet/v1/move/options",
    "POST /api/wallet/v1/recover/cancel/code",
    "POST /api/wallet/v1/signin/password/work",
    "POST /api/wallet/v1/signin/password",
    "POST /api/wallet/v1/signup/external/start",
    "POST /api/wallet/v1/signup/external/options",
    "GET /external/{provider}/callback",
    "POST /api/merchant/v1/invites/options",
    "POST /api/merchant/v1/invites/finish",
    "POST /api/merchant/v1/signin/options",
    "POST /api/merchant/v1/signin/finish",
    "POST /till/session",
    "POST /api/admin/v1/enrol/options",
    "POST /api/admin/v1/enrol/finish",
    "POST /api/admin/v1/signin/options",
    "POST /api/admin/v1/signin/finish",
];

/// A route of the program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    pub method: String,
    pub path: String,
}

impl Route {
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn is_public(&self) -> bool {
        PUBLIC.contains(&self.name().as_str())
    }
}

/// Routes of ports of their own: the sandbox issuer and the sandbox gateway, which are somebody
/// else to the service, the operator's own port (`observe.rs` tries it), and what no build has that
/// goes to customers (the drill tries it).
const NOT_OF_THE_SERVICE: [&str; 4] = [
    "omamori/src/identity/holes.rs",
    "omamori/src/identity/external/sandbox.rs",
    "omamori/src/topup/card/sandbox/",
    "omamori/src/observe/ops.rs",
];

/// All routes, as the sources name them.
pub fn routes() -> Vec<Route> {
    let mut routes = Vec::new();
    let of_service =
        |source: &Source| !NOT_OF_THE_SERVICE.iter().any(|not| source.name.starts_with(not));
    for source in sources(&["omamori/src"]).into_iter().filter(of_service) {
        let mut nested: HashMap<String, Vec<Route>> = HashMap::new();
        for statement in tokens(&source.text).split(|token| *token == Token::Mark(';')) {
            let found = of_statement(statement);
            for (prefix, router) in nests(statement) {
                for route in nested.remove(&router).unwrap_or_default() {
                    let path = format!("{prefix}{}", route.path);
                    routes.push(Route { path, ..route });
                }
            }
            match let_name(statement) {
                Some(name) if !found.is_empty() => drop(nested.insert(name, found)),
                _ => routes.extend(found),
            }
        }
        // A router that was put together in steps and merged.
        routes.extend(nested.into_values().flatten());
    }
    routes.sort();
    routes
}

/// The name of the variable, if the statement is `let NAME = Router::new()…`.
fn let_name(tokens: &[Token]) -> Option<String> {
    let place = tokens.iter().position(|token| *token == Token::Word("let".to_owned()))?;
    match &tokens[place + 1..] {
        [Token::Word(name), Token::Mark('='), Token::Word(router), ..] if router == "Router" => {
            Some(name.clone())
        }
        _ => None,
    }
}

/// Prefix and variable of each `.nest("…", NAME)`.
fn nests(tokens: &[Token]) -> Vec<(String, String)> {
    let nest = |window: &[Token]| match window {
        [
            Token::Word(word),
            Token::Mark('('),
            Token::Text(prefix),
            Token::Mark(','),
            Token::Word(name),
        ] if word == "nest" => Some((prefix.clone(), name.clone())),
        _ => None,
    };
    tokens.windows(5).filter_map(nest).collect()
}

/// Path and methods of each `.route("…", get(…).post(…))`.
fn of_statement(tokens: &[Token]) -> Vec<Route> {
    const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
    let mut routes = Vec::new();
    for (index, window) in tokens.windows(3).enumerate() {
        let [Token::Word(word), Token::Mark('('), Token::Text(path)] = window else { continue };
        if word != "route" {
            continue;
        }
        let mut depth = 0;
        for pair in tokens[index + 3..].windows(2) {
            match (&pair[0], &pair[1]) {
                (Token::Mark(')'), _) if depth == 0 => break,
                (Token::Mark(')'), _) => depth -= 1,
                (Token::Mark('('), _) => depth += 1,
                (Token::Word(method), Token::Mark('('))
                    if depth == 0 && METHODS.contains(&method.as_str()) =>
                {
                    routes.push(Route { method: method.to_uppercase(), path: path.clone() });
                }
                _ => {}
            }
        }
    }
    routes
}

/// A request to a route, its parameters filled with something.
pub fn request(route: &Route, credentials: &[(header::HeaderName, String)]) -> Request<Body> {
    let mut path = route.path.clone();
    while let (Some(open), Some(close)) = (path.find('{'), path.find('}')) {
        path.replace_range(open..=close, "x");
    }
    let mut request = Request::builder()
        .method(route.method.as_str())
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ORIGIN, "http://localhost:8080");
    for (name, value) in credentials {
        request = request.header(name, value);
    }
    request.body(Body::from("{}")).unwrap()
}

/// The kinds of credentials, each right for the routes of one kind.
async fn credentials(
    app: &TestApp,
    route: &Route,
    (register, customer, staff, person): &(Register, Customer, Staff, Person),
) -> Vec<Vec<(header::HeaderName, String)>> {
    let bearer = (header::AUTHORIZATION, format!("Bearer {}", register.key));
    let till = (header::COOKIE, format!("omamori_till={}", register.key));
    let wallet = (header::COOKIE, format!("omamori={}", customer.token));
    let back_office = (header::COOKIE, format!("omamori_merchant={}", staff.token));
    let filled = request(route, &[]).uri().path().to_owned();
    let dpop = header::HeaderName::from_static("dpop");
    let proof = (dpop, customer.proof(&route.method, &filled, app.now()));
    let mut kinds = vec![vec![], vec![wallet.clone()], vec![till], vec![proof.clone()]];
    let (path, is_api) = (route.path.as_str(), route.path.starts_with("/api/"));
    if !path.starts_with("/api/pos/") && !path.starts_with("/till/") {
        kinds.push(vec![bearer]);
    }
    if !path.starts_with("/api/merchant/") && !path.starts_with("/merchant/") {
        kinds.push(vec![back_office]);
    }
    if !path.starts_with("/api/admin/") && !path.starts_with("/console") {
        kinds.push(vec![(header::COOKIE, format!("omamori_staff={}", person.token))]);
    }
    if !path.starts_with("/api/wallet/") && (is_api || path.starts_with("/till/")) {
        kinds.push(vec![wallet, proof]);
    }
    kinds
}

/// Whether a stranger was refused: in the API with a code, on a page with the way to sign in.
fn is_refusal(answer: &Answer, route: &Route) -> bool {
    if route.path.starts_with("/api/") {
        return matches!(answer.status.as_u16(), 401 | 403) && answer.error().is_object();
    }
    let of_merchant = route.path.starts_with("/merchant/");
    let to_signin = HeaderValue::from_static(if of_merchant { "/merchant" } else { "/signin" });
    answer.status == 401 || answer.headers.get(header::LOCATION) == Some(&to_signin)
}

/// Goal: nobody without a credential, or with that of another surface, gets anything but a
/// refusal or the way to sign in.
async fn a_route_that_is_not_public_refuses_strangers(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let staff = Staff::new(&app.app, &register.merchant_id).await;
    let person = Person::new(&app.app, Role::Admin).await;
    let people = (register, Customer::new(&app.app).await, staff, person);
    let routes = routes();
    assert!(routes.len() > 50, "the routes are not read: {routes:#?}");
    for name in PUBLIC {
        assert!(routes.iter().any(|route| route.name() == *name), "there is no route {name}");
    }
    let stored = (app.journal_entries().await, app.decisions().await);
    let mut let_in = Vec::new();
    for route in routes.iter().filter(|route| !route.is_public()) {
        for kind in credentials(app, route, &people).await {
            let answer = app.call(request(route, &kind)).await;
            if !is_refusal(&answer, route) {
                let_in.push(format!("{} with {kind:?}: {}", route.name(), answer.status));
            }
        }
    }
    assert!(let_in.is_empty(), "not public, and open to strangers: {let_in:#?}");
    assert_eq!((app.journal_entries().await, app.decisions().await), stored);
}

/// Goal: what is public answers anybody, whatever is sent, without a fault.
async fn a_public_route_never_fails(app: &mut TestApp) {
    for route in routes().iter().filter(|route| route.is_public()) {
        let answer = app.call(request(route, &[])).await;
        assert!(!answer.status.is_server_error(), "{}: {}", route.name(), answer.text());
    }
}

/// Goal: no header that is not a living terminal's key opens the POS API.
async fn a_key_that_is_none_is_refused(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let key = &register.key;
    let with = |authorization: &[u8]| {
        Request::get("/api/pos/v1/terminal")
            .header(header::AUTHORIZATION, HeaderValue::from_bytes(authorization).unwrap())
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(app.call(with(format!("bearer {key}").as_bytes())).await.status, 200);
    let bad = [
        String::new(),
        "Bearer".into(),
        "Bearer ".into(),
        format!("Bearer{key}"),
        format!("Basic {key}"),
        key.clone(),
        format!("Bearer {key}x"),
        format!("Bearer {}", key.to_uppercase()),
        format!("Bearer {}", &key[..key.len() - 1]),
        format!("Bearer {key} {key}"),
        format!("Bearer {}", "x".repeat(10_000)),
        "Bearer ' OR 1=1 --".into(),
    ];
    for authorization in bad {
        let answer = app.call(with(authorization.as_bytes())).await;
        answer.refused(omamori::web::codes::Code::Unauthorized);
    }
    app.call(with(b"Bearer \xff\xfe")).await.refused(omamori::web::codes::Code::Unauthorized);
}
