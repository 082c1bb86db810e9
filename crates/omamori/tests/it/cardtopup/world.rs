//! A customer with a passkey, a gateway, and the browser that goes between them.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use omamori::clock::SECOND;
use omamori::config::Card;
use omamori::topup::card::{Message, Sandbox};
use omamori::topup::work_due;
use omamori_db::sql;
use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::app::{Node, TestApp};
use crate::support::confirm::Passkey;
use crate::support::customer::Customer;

/// A customer with a passkey, and a gateway.
pub struct World {
    pub sandbox: Sandbox,
    pub customer: Customer,
    pub passkey: Passkey,
    requests: u32,
}

/// A sandbox, and the service speaks to it.
async fn started(app: &mut TestApp) -> Sandbox {
    let sandbox = Sandbox::start(0, app.clock.clone(), None, Duration::ZERO).await.unwrap();
    let (secret_key, webhook_secret) = Sandbox::credentials();
    let address = Some(sandbox.address());
    app.restart_with(|config| {
        config.card = Card::Stripe { secret_key, webhook_secret, address };
    })
    .await;
    sandbox
}

impl World {
    pub async fn new(app: &mut TestApp) -> Self {
        let sandbox = started(app).await;
        let customer = Customer::new(&app.app).await;
        let passkey = Passkey::of(&app.app, &customer).await;
        Self { sandbox, customer, passkey, requests: 0 }
    }

    /// The gateway forgets everything.
    pub async fn restart(&mut self, app: &mut TestApp) {
        self.sandbox = started(app).await;
    }

    /// Begins a registration: its id and the gateway's page.
    pub async fn begin(&mut self, node: &Node) -> Answer {
        self.customer.confirmed(node, &self.passkey, "/cards/register", None).await
    }

    /// Registers a card on the gateway's pages. Gives the state of the registration.
    pub async fn register(&mut self, app: &TestApp, number: &str) -> Value {
        let begun = self.begin(app).await.ok();
        let page = begun["url"].as_str().unwrap().to_owned();
        let after = submit(&page, &format!("act=register&number={number}")).await;
        if after.contains("/bank/") {
            submit(&format!("{}{after}", self.sandbox.address()), "answer=right").await;
        }
        app.clock.advance(2 * SECOND);
        let path = format!("/cards/setups/{}/look", begun["setup_id"].as_str().unwrap());
        self.customer.post(app, &path, &json!({})).await.ok()
    }

    /// The id of a new card.
    pub async fn card(&mut self, app: &TestApp, number: &str) -> String {
        let setup = self.register(app, number).await;
        assert_eq!(setup["status"], "done", "{setup}");
        setup["card_id"].as_str().unwrap().to_owned()
    }

    pub fn request(&mut self, card: &str, amount: i64) -> Value {
        self.requests += 1;
        let id = format!("request-number-{:04}", self.requests);
        json!({ "request_id": id, "card_id": card, "amount": amount })
    }

    pub async fn ask(&mut self, node: &Node, card: &str, amount: i64) -> Answer {
        let request = self.request(card, amount);
        self.customer.confirmed(node, &self.passkey, "/topups/card", Some(&request)).await
    }

    pub async fn top_up(&mut self, node: &Node, card: &str, amount: i64) -> Value {
        self.ask(node, card, amount).await.ok()["topup"].take()
    }

    pub async fn look(&self, app: &TestApp, topup: &Value) -> Value {
        app.clock.advance(2 * SECOND);
        let path = format!("/topups/card/{}/look", topup["topup_id"].as_str().unwrap());
        self.customer.post(app, &path, &json!({})).await.ok()["topup"].take()
    }

    pub fn balance(&self, node: &Node) -> i64 {
        self.customer.balance(node)
    }

    /// How often the customer was told of a kind, or of a top-up with such an end.
    pub async fn told(&self, node: &Node, kind: &str) -> i64 {
        let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM notice \
                         WHERE customer_id = $1 AND (kind = $2 OR params LIKE $3)");
        let count = count.bind(&self.customer.customer_id).bind(kind);
        let count = count.bind(format!("%\"end\":\"{kind}\"%"));
        node.app.stores.registry.one(count).await.unwrap().int("n").unwrap()
    }
}

/// Posts a form of the sandbox's pages as a browser does; gives where it leads.
pub async fn submit(page: &str, form: &str) -> String {
    let (page, form) = (page.to_owned(), form.to_owned());
    let sent = tokio::task::spawn_blocking(move || {
        let config = ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false);
        let post = config.build().new_agent().post(page);
        post.content_type("application/x-www-form-urlencoded").send(form).unwrap()
    });
    let answer = sent.await.unwrap();
    assert_eq!(answer.status(), 303);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// What the gateway tells of itself, posted to us.
pub async fn deliver(node: &Node, message: &Message) -> Answer {
    let request = Request::post("/api/card/v1/events")
        .header("content-type", "application/json")
        .header("stripe-signature", &message.signature)
        .body(Body::from(message.body.clone()))
        .unwrap();
    node.call(request).await
}

pub async fn deliver_all(world: &World, node: &Node) -> usize {
    let messages = world.sandbox.take_messages();
    for message in &messages {
        assert_eq!(deliver(node, message).await.status, StatusCode::NO_CONTENT);
    }
    messages.len()
}

/// Lets the worker do what is due until nothing is.
pub async fn work(node: &Node) {
    while work_due(&node.app).await.unwrap() > 0 {}
}
