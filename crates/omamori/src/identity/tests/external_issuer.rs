//! An issuer that a test makes misbehave, and a browser that goes there and back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, to_bytes};
use axum::extract::{Request as Asked, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omamori_db::sql;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::phone::{Phone, verified_signup};
use super::{House, NUMBER, ORIGIN, Reply, START, json_request};
use crate::clock::{ManualClock, Micros};
use crate::config::Config;
use crate::identity::external::sandbox::{ID, Issuer};
use crate::identity::totp::Secret;
use crate::rng::SystemRng;

/// What is wrong with an answer of the issuer.
#[derive(Clone, Copy)]
pub enum Twist {
    Document(fn(&mut Value)),
    Keys(fn(&Issuer, &mut Value)),
    /// Signed again, rightly.
    Claims(fn(&mut Value)),
    Token(fn(&Issuer, &str) -> String),
    Status(StatusCode),
}

/// The sandbox issuer, behind a layer that twists what it says.
pub struct Elsewhere {
    pub issuer: Arc<Issuer>,
    pub clock: Arc<ManualClock>,
    twists: Arc<Mutex<Vec<Twist>>>,
    pub keys_read: Arc<AtomicUsize>,
    served: tokio::task::JoinHandle<()>,
}

#[derive(Clone)]
struct Twisted(Arc<Issuer>, Arc<Mutex<Vec<Twist>>>, Arc<AtomicUsize>);

impl Elsewhere {
    pub async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let clock = Arc::new(ManualClock::at(START));
        let issuer = Issuer::new(address, ORIGIN, clock.clone(), Arc::new(SystemRng));
        let (twists, keys_read) = (Arc::default(), Arc::default());
        let state = Twisted(issuer.clone(), Arc::clone(&twists), Arc::clone(&keys_read));
        let layer = middleware::from_fn_with_state(state, twisted);
        let router = issuer.clone().router().layer(layer);
        let served = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { issuer, clock, twists, keys_read, served }
    }

    pub fn set(&self, config: &mut Config) {
        config.external_sign_in.push(self.issuer.settings());
    }

    pub fn twist(&self, twists: &[Twist]) {
        *self.twists.lock() = twists.to_vec();
    }

    /// Nobody answers at its address any more.
    pub async fn goes_away(self) {
        self.served.abort();
        let _ = self.served.await;
    }

    /// What a person does there: chooses an account. Gives where the browser is sent.
    pub async fn choose(&self, address: &str, account: &str) -> String {
        let path = address.strip_prefix(&self.issuer.address).unwrap();
        let page = self.visit(path).await;
        let html = to_bytes(page.into_body(), 1 << 16).await.unwrap();
        let html = String::from_utf8(html.to_vec()).unwrap();
        let id = html.split("/choose/").nth(1).unwrap().split('/').next().unwrap().to_owned();
        let sent = self.visit(&format!("/choose/{id}/{account}")).await;
        let location = sent.headers()[header::LOCATION].to_str().unwrap();
        location.strip_prefix(ORIGIN).unwrap().to_owned()
    }

    async fn visit(&self, path: &str) -> Response {
        let request = Request::get(path).body(Body::empty()).unwrap();
        self.issuer.clone().router().oneshot(request).await.unwrap()
    }
}

async fn twisted(State(state): State<Twisted>, request: Asked, next: Next) -> Response {
    let Twisted(issuer, twists, keys_read) = state;
    let path = request.uri().path().to_owned();
    let answer = next.run(request).await;
    if path == "/jwks" {
        keys_read.fetch_add(1, Ordering::Relaxed);
    }
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    let Ok(mut json) = serde_json::from_slice::<Value>(&body) else {
        return (status, body).into_response();
    };
    let twists = twists.lock().clone();
    for twist in twists {
        match twist {
            Twist::Document(change) if path.starts_with("/.well-known/") => change(&mut json),
            Twist::Keys(change) if path == "/jwks" => change(&issuer, &mut json),
            Twist::Claims(change) if json["id_token"].is_string() => {
                let mut claims = claims(json["id_token"].as_str().unwrap());
                change(&mut claims);
                json["id_token"] = json!(issuer.sign(&claims));
            }
            Twist::Token(change) if json["id_token"].is_string() => {
                json["id_token"] = json!(change(&issuer, json["id_token"].as_str().unwrap()));
            }
            Twist::Status(status) => return (status, "no").into_response(),
            _ => {}
        }
    }
    (status, axum::Json(json)).into_response()
}

pub fn claims(token: &str) -> Value {
    let part = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&part).unwrap()
}

/// A browser on a phone whose owner has an account elsewhere.
pub struct Traveller {
    pub phone: Phone,
    /// The trip's cookie, `name=value`.
    pub cookie: String,
    /// The app's secret in base 32.
    pub secret: String,
}

/// What came of coming back.
pub struct Returned {
    pub status: StatusCode,
    pub location: String,
    pub page: String,
}

impl Traveller {
    pub fn new() -> Self {
        Self { phone: Phone::new(), cookie: String::new(), secret: String::new() }
    }

    /// Through the whole sign-up, with an account elsewhere in the place of the password.
    pub async fn signed_up(house: &House, elsewhere: &Elsewhere, account: &str) -> Self {
        let mut this = Self::new();
        let signup_id = verified_signup(house, NUMBER, 1).await;
        let asked = json!({ "provider": ID, "signup_id": signup_id });
        let started = house.post("/signup/external/start", &asked).await;
        let address = this.set_out(started);
        let back = elsewhere.choose(&address, account).await;
        assert_eq!(this.come_back(house, &back).await.location, "/signup#external");
        let offer = this.post(house, "/signup/external/options", &json!({})).await.ok();
        this.secret = offer["secret"].as_str().unwrap().to_owned();
        assert_eq!(offer["signup_id"], signup_id);
        let body = this.finish_body(house, &signup_id);
        let reply = this.post(house, "/signup/external/finish", &body).await;
        this.phone.keep(reply);
        this
    }

    pub fn finish_body(&self, house: &House, signup_id: &str) -> Value {
        let device = self.phone.introduction("Mate 9");
        json!({ "signup_id": signup_id, "totp": self.totp(house), "device": device })
    }

    pub fn totp(&self, house: &House) -> String {
        Secret::digits(&self.secret, house.now_seconds() / 30)
    }

    /// Takes the trip's cookie along. Gives where to go.
    pub fn set_out(&mut self, started: Reply) -> String {
        let cookies = started.headers.get_all(header::SET_COOKIE).iter();
        let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap());
        let cookie = cookies.find(|cookie| cookie.starts_with("omamori_external=")).unwrap();
        assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
        self.cookie = cookie.split(';').next().unwrap().to_owned();
        started.ok()["address"].as_str().unwrap().to_owned()
    }

    /// Sets out to sign in, and chooses an account there. Gives the address of the return.
    pub async fn travel(&mut self, house: &House, elsewhere: &Elsewhere, account: &str) -> String {
        let asked = json!({ "provider": ID });
        let started = self.post(house, "/signin/external/start", &asked).await;
        let address = self.set_out(started);
        elsewhere.choose(&address, account).await
    }

    /// As another site's redirect does it: no proof, and the cookies that are Lax.
    pub async fn come_back(&self, house: &House, path: &str) -> Returned {
        let request = Request::get(path).header(header::COOKIE, &self.cookie);
        let request = request.body(Body::empty()).unwrap();
        let answer = house.router.clone().oneshot(request).await.unwrap();
        let text = |headers: &HeaderMap| {
            headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        let (status, location) = (answer.status(), text(answer.headers()));
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        Returned { status, location, page: String::from_utf8(body.to_vec()).unwrap() }
    }

    /// A request with the trip's cookie and a proof by the phone, without a session.
    pub async fn post(&self, house: &House, path: &str, body: &Value) -> Reply {
        let mut request = json_request(path, body);
        let proof = self.phone.proof(house, "POST", path, false);
        request.headers_mut().insert("dpop", proof.parse().unwrap());
        if !self.cookie.is_empty() {
            request.headers_mut().insert(header::COOKIE, self.cookie.parse().unwrap());
        }
        house.call(request).await
    }

    pub async fn sign_in(&self, house: &House) -> Reply {
        let totp = self.totp(house);
        self.post(house, "/signin/external", &json!({ "totp": totp })).await
    }
}

/// Lets time pass, here and there.
pub fn advance(house: &House, elsewhere: &Elsewhere, by: Micros) {
    house.clock.advance(by);
    elsewhere.clock.advance(by);
}

/// The newest decision.
pub async fn last_decision(house: &House) -> Value {
    let query = sql("SELECT body FROM decision_batch ORDER BY last_number DESC LIMIT 1");
    let row = house.app.stores.evidence.one(query).await.unwrap();
    serde_json::from_str(row.text("body").unwrap().lines().last().unwrap()).unwrap()
}
