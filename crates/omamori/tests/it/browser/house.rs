//! A whole service for one test: the server on a port, a shop, and a driver for browsers.

use std::path::Path;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use omamori::app::App;
use omamori::cli::open::open;
use omamori::clock::SystemClock;
use omamori::config::{Card, Config};
use omamori::identity::external::ExternalSignIn;
use omamori::identity::external::sandbox::Issuer;
use omamori::merchant::{create_merchant, create_store, create_terminal, put_product};
use omamori::notify::Sent;
use omamori::rng::SystemRng;
use omamori::server;
use omamori::web::text::Lang;
use omamori_db::sql;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use super::browser::{Browser, until};
use super::chromedriver::Chromedriver;
use super::wire::Wire;
use crate::support::answer::Answer;
use crate::support::app::MASTER_KEY;
use crate::support::fold;
use crate::support::place::Place;

pub const MERCHANT: &str = "日の丸商店";
pub const STORE: &str = "新宿本店";
pub const REGISTER: &str = "レジ1";
/// Goods on the shelf: JAN code, name, price in yen.
pub const TEA: (&str, &str, i64) = ("2000000000046", "緑茶 600ml", 158);
pub const LUNCH: (&str, &str, i64) = ("2000000000114", "幕の内弁当", 598);

const ANSWER_BYTES_MAX: usize = 1 << 20;

/// The service, which runs on this machine's clock as in production.
pub struct House {
    pub app: Arc<App>,
    /// What browsers are told to open; their requests go through [`Self::wire`].
    pub origin: String,
    pub wire: Wire,
    pub merchant_id: String,
    pub store_id: String,
    /// The key of the web register.
    pub till_key: String,
    /// The key of the POS that speaks the API without a browser.
    pub pos_key: String,
    chromedriver: Chromedriver,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
    place: Place,
}

/// The sandbox issuer, which to a browser is another site.
async fn issuer(service: &str) -> ExternalSignIn {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let issuer = Issuer::new(address, service, Arc::new(SystemClock), Arc::new(SystemRng));
    let settings = issuer.settings();
    tokio::spawn(async move { axum::serve(listener, issuer.router()).await });
    settings
}

impl House {
    /// Starts a service with one store, two terminals and a shelf.
    pub async fn open() -> Self {
        let chromedriver = Chromedriver::start();
        let outside = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://localhost:{}", outside.local_addr().unwrap().port());
        let wire = Wire::new(outside, inside.local_addr().unwrap());
        let place = Place::sqlite();
        let config = Config {
            store: place.store(),
            public_url: origin.clone(),
            external_sign_in: vec![issuer(&origin).await],
            card: Card::Sandbox { port: 0 },
            ..Config::default()
        };
        let app =
            open(config, &MASTER_KEY, Arc::new(SystemClock), Arc::new(SystemRng)).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(server::serve(app.clone(), inside, async {
            let _ = stopped.await;
        }));

        let merchant_id = create_merchant(&app, MERCHANT).await.unwrap();
        let store_id = create_store(&app, &merchant_id, STORE).await.unwrap();
        let till_key = create_terminal(&app, &store_id, REGISTER, "till").await.unwrap().api_key;
        let pos_key = create_terminal(&app, &store_id, "POS", "pos").await.unwrap().api_key;
        for (jan, name, unit_price) in [TEA, LUNCH] {
            put_product(&app, &merchant_id, jan, name, unit_price).await.unwrap();
        }
        Self {
            app,
            origin,
            wire,
            merchant_id,
            store_id,
            till_key,
            pos_key,
            chromedriver,
            stop,
            served,
            place,
        }
    }

    /// A browser with a profile of its own: another phone, another register.
    pub async fn browser(&self, name: &'static str, lang: Lang) -> Browser {
        Browser::open(name, &self.chromedriver, &self.origin, lang, None).await
    }

    /// The same with a camera that sees a film.
    pub async fn browser_that_sees(&self, name: &'static str, lang: Lang, film: &Path) -> Browser {
        Browser::open(name, &self.chromedriver, &self.origin, lang, Some(film)).await
    }

    /// A request of a POS below `/api/pos/v1`, with the key of a terminal.
    pub async fn pos_as(&self, key: &str, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/pos/v1{path}"))
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json")
            .body(body)
            .unwrap();
        let response = server::router(self.app.clone()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, ANSWER_BYTES_MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// The same with the store's own POS.
    pub async fn pos(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.pos_as(&self.pos_key, method, path, body).await
    }

    /// Sells with the store's POS.
    pub async fn sell(&self, id: &str, code: &str, amount: i64) -> Answer {
        let body = json!({ "merchant_payment_id": id, "code": code, "amount": amount });
        self.pos("POST", "/payments", &body).await
    }

    /// All payments of the store, the newest first.
    pub async fn payments(&self) -> Vec<Value> {
        let listed = self.pos("GET", "/payments?limit=20", &Value::Null).await.ok();
        listed["payments"].as_array().unwrap().clone()
    }

    /// The six digits in the newest SMS with such to a number, in E.164.
    pub async fn sms_code(&self, number: &str) -> String {
        self.sms_code_after(number, "").await
    }

    /// The same, once it is not `known` any more.
    pub async fn sms_code_after(&self, number: &str, known: &str) -> String {
        until(&format!("a new code by SMS to {number}"), async || {
            let sent = self.sms(number);
            let code = sent.iter().find_map(|sms| sms.code())?;
            (code != known).then(|| code.to_owned())
        })
        .await
    }

    /// All SMS that were "sent" to a number, the newest first.
    pub fn sms(&self, number: &str) -> Vec<Sent> {
        let mut sent = self.app.identity.outbox().sandbox().unwrap().sent();
        sent.retain(|sms| sms.to == number);
        sent
    }

    /// How many customers there are.
    pub async fn customers(&self) -> i64 {
        let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS customers FROM customer");
        self.app.stores.registry.one(count).await.unwrap().int("customers").unwrap()
    }

    /// The balance of the one customer, in yen.
    pub async fn balance(&self) -> i64 {
        let query = sql("SELECT wallet_account FROM customer");
        let customer = self.app.stores.registry.one(query).await.unwrap();
        self.app.gate.balance(u128::from_be_bytes(customer.array("wallet_account").unwrap()))
    }

    /// Stops the service and checks its books. All browsers must be closed.
    pub async fn close(self) {
        fold::check(&self.app).await;
        drop(self.wire);
        self.stop.send(()).unwrap();
        self.served.await.unwrap().unwrap();
        self.place.discard().await;
    }
}
