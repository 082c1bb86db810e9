//! The member API of 7pay's group handed apps wide personal data, the hash of the password among
//! it. Here the stores are searched for everything that is secret or a person's, and then every
//! answer of the service for any of it.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use omamori::gate::chart::wallet_account_id;
use omamori::id::Kind;
use omamori::rng::random;
use omamori_db::{sql, sql_built};
use serde_json::json;

use crate::census::routes::{Route, routes};
use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::shop::Register;
use crate::support::staff::Staff;
use crate::weakness::documents::repository;

on_both_engines!(no_answer_holds_a_secret_or_another_persons_data);

/// Texts that are a person's or secret. All bytes of the registry are: hashes, sealed secrets,
/// keys, account numbers.
const TEXTS: [(&str, &str); 8] = [
    ("customer", "phone"),
    ("customer", "customer_id"),
    ("contact", "value"),
    ("contact_check", "value"),
    ("sms_sent", "phone"),
    ("password", "hash"),
    ("passkey", "credential"),
    ("push_subscription", "endpoint"),
];
/// What a customer may see of their own: the contacts on the settings page, who they are, and the
/// hash of their session's token, which the page needs for its proofs.
const OWN: [(&str, &str); 4] = [
    ("customer", "phone"),
    ("customer", "customer_id"),
    ("contact", "value"),
    ("session", "token_hash"),
];

/// All columns of bytes, from the schema.
fn columns_of_bytes() -> Vec<(String, String)> {
    let folder = repository().join("migrations/registry");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let (mut columns, mut table) = (Vec::new(), String::new());
    for file in files {
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let ["CREATE" | "ALTER", "TABLE", name, ..] = words[..] {
                table = name.to_owned();
            }
            let Some(place) = words.iter().position(|word| word.starts_with("{bytes}")) else {
                continue;
            };
            columns.push((table.clone(), words[place - 1].to_owned()));
        }
    }
    columns
}

/// Something that an answer must not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Secret {
    table: String,
    column: String,
    /// Whose it is, where the table says so.
    customer_id: Option<String>,
    forms: Vec<String>,
}

/// A number is written `+81…` and `0…`, with and without hyphens.
fn forms_of_text(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_owned()];
    if let Some(national) = text.strip_prefix("+81") {
        let (a, b, c) = (&national[..2], &national[2..6], &national[6..]);
        forms.extend([format!("0{national}"), format!("0{a}-{b}-{c}")]);
    }
    forms
}

fn forms_of_bytes(bytes: &[u8]) -> Vec<String> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    vec![hex.to_uppercase(), hex, STANDARD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)]
}

/// Everything in the registry that is secret or a person's.
async fn secrets(node: &Node) -> BTreeSet<Secret> {
    let registry = &node.app.stores.registry;
    let texts = TEXTS.map(|(table, column)| (table.to_owned(), column.to_owned()));
    let bytes = columns_of_bytes();
    assert!(bytes.len() > 15, "the schema is not read: {bytes:?}");
    let mut secrets = BTreeSet::new();
    for (table, column) in texts.iter().chain(&bytes) {
        let is_text = texts.contains(&(table.clone(), column.clone()));
        let rows = registry.all(sql_built(format!("SELECT * FROM {table}"))).await.unwrap();
        for row in rows {
            let forms = if is_text {
                row.text_optional(column.as_str()).unwrap().map(|text| forms_of_text(&text))
            } else {
                row.bytes_optional(column.as_str()).unwrap().map(|bytes| forms_of_bytes(&bytes))
            };
            let customer_id = row.text_optional("customer_id").ok().flatten();
            let (table, column) = (table.clone(), column.clone());
            let secret = forms.map(|forms| Secret { table, column, customer_id, forms });
            secrets.extend(secret);
        }
    }
    secrets
}

/// A customer with everything that a customer can have.
async fn furnished(app: &TestApp, email: &str) -> Customer {
    let (app, customer) = (&app.app, Customer::new(&app.app).await);
    let (rng, now) = (app.rng.as_ref(), app.clock.now());
    let registry = &app.stores.registry;
    let contact = sql("INSERT INTO contact (contact_id, customer_id, kind, value, verified_at) \
                       VALUES ($1, $2, 'email', $3, $4)");
    let contact_id = Kind::Contact.random_text(rng);
    let contact = contact.bind(contact_id).bind(&customer.customer_id).bind(email).bind(now);
    registry.execute(contact).await.unwrap();
    let password = sql("INSERT INTO password (customer_id, hash, failures, locked_until, \
                        changed_at) VALUES ($1, $2, 0, 0, $3)");
    let hash = format!("$argon2id$v=19$m=19456,t=2,p=1${}", URL_SAFE_NO_PAD.encode(email));
    registry.execute(password.bind(&customer.customer_id).bind(hash).bind(now)).await.unwrap();
    let totp = sql("INSERT INTO totp (customer_id, secret, last_step, created_at) \
                    VALUES ($1, $2, 0, $3)");
    let totp = totp.bind(&customer.customer_id).bind(random::<32>(rng)).bind(now);
    registry.execute(totp).await.unwrap();
    let code = sql("INSERT INTO recovery_code (code_hash, customer_id, created_at) \
                    VALUES ($1, $2, $3)");
    let code = code.bind(random::<32>(rng)).bind(&customer.customer_id).bind(now);
    registry.execute(code).await.unwrap();
    let push = sql("INSERT INTO push_subscription (subscription_id, customer_id, device_id, \
                    endpoint, p256dh, auth, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
    .bind(Kind::PushSubscription.random_text(rng))
    .bind(&customer.customer_id)
    .bind(&customer.device_id)
    .bind(format!("https://push.example/{}", customer.device_id))
    .bind(random::<65>(rng))
    .bind(random::<16>(rng))
    .bind(now);
    registry.execute(push).await.unwrap();
    customer
}

/// Who asks.
enum Viewer<'a> {
    Guest,
    Customer(&'a Customer),
    Register(&'a Register),
    Till(String),
    Staff(&'a Staff),
}

impl Viewer<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::Guest => "a guest",
            Self::Customer(_) => "a customer",
            Self::Register(_) => "a register",
            Self::Till(_) => "a till",
            Self::Staff(_) => "a merchant's person",
        }
    }

    fn request(
        &self,
        app: &TestApp,
        route: &Route,
        path: &str,
        body: &'static str,
    ) -> Request<Body> {
        let method = route.method.as_str();
        let mut request = match self {
            Self::Customer(customer) => {
                let proof = customer.proof(method, path, app.now());
                customer.request(method, path, Some(&proof))
            }
            _ => Request::builder().method(method).uri(path).body(Body::empty()).unwrap(),
        };
        let cookie = match self {
            Self::Till(cookie) => Some(cookie.clone()),
            Self::Staff(staff) => Some(format!("omamori_merchant={}", staff.token)),
            _ => None,
        };
        let headers = request.headers_mut();
        if let Some(cookie) = cookie {
            headers.insert(header::COOKIE, cookie.parse().unwrap());
        }
        if let Self::Register(register) = self {
            let bearer = format!("Bearer {}", register.key);
            headers.insert(header::AUTHORIZATION, bearer.parse().unwrap());
        }
        headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        headers.insert(header::ORIGIN, "http://localhost:8080".parse().unwrap());
        *request.body_mut() = Body::from(body);
        request
    }

    fn may_see(&self, secret: &Secret) -> bool {
        let Self::Customer(customer) = self else { return false };
        let place = (secret.table.as_str(), secret.column.as_str());
        OWN.contains(&place) && secret.customer_id.as_deref() == Some(&customer.customer_id)
    }
}

/// The path of a route with what there is in its places.
fn path_of(route: &Route, payment_id: &str, register: &Register) -> String {
    let places = [
        ("{merchant_payment_id}", "s-1"),
        ("{merchant_refund_id}", "r-1"),
        ("{merchant_topup_id}", "t-1"),
        ("{payment_id}", payment_id),
        ("{terminal_id}", &register.terminal_id),
        ("/receipt/{id}", &format!("/receipt/{payment_id}")),
    ];
    let path = places.iter().fold(route.path.clone(), |path, (from, to)| path.replace(from, to));
    path.replace(['{', '}', '*'], "x")
}

/// A till that was opened with the register's key.
async fn till(app: &TestApp, register: &Register) -> Viewer<'static> {
    let key = json!({ "api_key": register.key }).to_string();
    let open = Request::post("/till/session").header(header::CONTENT_TYPE, "application/json");
    let opened = app.call(open.body(Body::from(key)).unwrap()).await;
    let cookie = opened.headers[header::SET_COOKIE].to_str().unwrap();
    Viewer::Till(cookie.split(';').next().unwrap().to_owned())
}

/// Goal: no answer to anybody, for any address, holds a secret in any form in which it could be
/// written, or anything of a person who is not the one that asks.
async fn no_answer_holds_a_secret_or_another_persons_data(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let customer = furnished(app, "own@example.jp").await;
    let other = furnished(app, "other@example.jp").await;
    let staff = Staff::new(&app.app, &register.merchant_id).await;
    let mut answers = Vec::new();
    for (payer, n) in [(&customer, 1), (&other, 2)] {
        let id = |kind: &str| format!("{kind}-{n}");
        let code = payer.code(app.now());
        answers.push(register.top_up(app, &id("t"), &code, 9_000).await);
        answers.push(register.sell(app, &id("s"), &payer.code(app.now()), 1_000).await);
        answers.push(register.refund(app, &id("r"), &id("s"), 100).await);
    }
    let payment_id = answers[1].ok()["payment"]["payment_id"].as_str().unwrap().to_owned();
    let viewers = [
        Viewer::Guest,
        Viewer::Customer(&customer),
        Viewer::Register(&register),
        till(app, &register).await,
        Viewer::Staff(&staff),
    ];
    assert_eq!(other.wallet_account, wallet_account_id(&other.customer_id));
    let secrets = secrets(app).await;
    assert!(secrets.len() > 30, "the stores are not searched: {secrets:#?}");
    let (mut leaks, mut shown) = (Vec::new(), 0);
    let mut look = |viewer: &Viewer<'_>, name: String, text: &str| {
        for secret in secrets.iter().filter(|secret| !viewer.may_see(secret)) {
            if let Some(form) = secret.forms.iter().find(|form| text.contains(form.as_str())) {
                let Secret { table, column, .. } = secret;
                leaks.push(format!("{name} shows {} {table}.{column}: {form}", viewer.name()));
            }
        }
    };
    for answer in answers {
        look(&Viewer::Register(&register), "a sale, refund or top-up".into(), answer.text());
    }
    // Reading first: what is posted may end sessions.
    let mut routes = routes();
    routes.sort_by_key(|route| route.method != "GET");
    for route in routes.iter().filter(|route| !route.path.ends_with("/events")) {
        for viewer in &viewers {
            let path = path_of(route, &payment_id, &register);
            let answer = app.call(viewer.request(app, route, &path, "{}")).await;
            shown += u32::from(answer.status == 200 && route.method == "GET");
            look(viewer, route.name(), &String::from_utf8_lossy(&answer.body));
        }
    }
    assert!(shown > 60, "most is refused, so little was looked at: {shown}");
    assert!(leaks.is_empty(), "{leaks:#?}");
}
