//! A card gateway to try things with: it charges nothing, and says so on each of its pages.
//!
//! It is a server of its own, on a port and so an origin of its own, with a page on which a card
//! is typed, a bank that asks for 3-D Secure, and test cards for what can go wrong. It speaks the
//! part of Stripe's wire format that [`super::stripe`] speaks, so that what is tried here is the
//! code that runs in production. What it was told, it forgets when it stops.

mod api;
mod cards;
mod pages;
mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::stripe;
use crate::clock::Clock;
use crate::secret::Secret;
pub use cards::{CARDS, Script};
use world::World;

/// The key that the sandbox takes. It opens nothing else.
const KEY: &str = "sk_test_sandbox";
/// What its messages are signed with.
const WEBHOOK_SECRET: &str = "whsec_sandbox";
/// How often what is due happens.
const TICK: Duration = Duration::from_millis(500);
/// Messages that nobody fetched.
const MESSAGES_MAX: usize = 1_000;

/// A signed message, ready to be posted.
#[derive(Clone, Debug)]
pub struct Message {
    /// The header `stripe-signature`.
    pub signature: String,
    /// The body.
    pub body: String,
}

/// What a request to the sandbox works on.
struct Inside {
    world: Mutex<World>,
    messages: Mutex<Vec<Message>>,
    clock: Arc<dyn Clock>,
    address: SocketAddr,
    webhook: Option<String>,
    /// How long an answer takes that is meant to come too late.
    silence: Duration,
}

/// The running sandbox. It ends when this is dropped.
pub struct Sandbox {
    inside: Arc<Inside>,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Sandbox {
    /// Starts it on a port of this machine; 0 takes any that is free. It posts its messages to
    /// `webhook`, or keeps them for [`Sandbox::take_messages`].
    ///
    /// # Errors
    /// If the port cannot be used.
    pub async fn start(
        port: u16,
        clock: Arc<dyn Clock>,
        webhook: Option<String>,
        silence: Duration,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await?;
        let inside = Arc::new(Inside {
            world: Mutex::new(World::new(clock.now())),
            messages: Mutex::default(),
            clock,
            address: listener.local_addr()?,
            webhook,
            silence,
        });
        tracing::warn!(address = %inside.address, "the card gateway is a sandbox: nothing is charged");
        let router = router().with_state(inside.clone());
        let served = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the sandbox gateway stopped");
            }
        });
        let ticking = tokio::spawn(tick(inside.clone()));
        Ok(Self { inside, tasks: [served, ticking] })
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://{}", self.inside.address)
    }

    /// Key and secret of its one account.
    #[must_use]
    pub fn credentials() -> (Secret, Secret) {
        (Secret::new(KEY.to_owned()), Secret::new(WEBHOOK_SECRET.to_owned()))
    }

    /// The adapter that speaks to it.
    #[must_use]
    pub fn gateway(&self) -> stripe::Stripe {
        let (key, secret) = Self::credentials();
        stripe::Stripe::of_sandbox(key, secret, self.address())
    }

    /// Answers nothing but 503 from now on, or again.
    pub fn set_down(&self, down: bool) {
        self.inside.world.lock().down = down;
    }

    /// Refuses to show refunds from now on, or shows them again; they are made all the same.
    pub fn set_hides_refunds(&self, hides: bool) {
        self.inside.world.lock().hides_refunds = hides;
    }

    /// Forgets the keys of requests, as Stripe does after a day.
    pub fn forget_keys(&self) {
        self.inside.world.lock().answered.clear();
    }

    /// Lets happen what is due by the clock, and gives the messages that were not fetched yet.
    #[must_use]
    pub fn take_messages(&self) -> Vec<Message> {
        self.inside.happen();
        std::mem::take(&mut self.inside.messages.lock())
    }

    /// How many charges were paid, less those that went back: `(paid, refunded)`, in yen.
    #[must_use]
    pub fn taken(&self) -> (i64, i64) {
        self.inside.world.lock().taken()
    }
}

impl Inside {
    fn happen(&self) {
        let now = self.clock.now();
        let events = self.world.lock().happen(now);
        self.tell(events);
    }

    /// Signs and posts, or keeps.
    fn tell(&self, events: Vec<serde_json::Value>) {
        let secret = Secret::new(WEBHOOK_SECRET.to_owned());
        for event in events {
            let body = event.to_string();
            let signature = stripe::sign(body.as_bytes(), &secret, self.clock.now());
            let message = Message { signature, body };
            match &self.webhook {
                Some(url) => post_message(url.clone(), message),
                None => {
                    let mut messages = self.messages.lock();
                    messages.truncate(MESSAGES_MAX - 1);
                    messages.push(message);
                }
            }
        }
    }
}

fn post_message(url: String, message: Message) {
    tokio::task::spawn_blocking(move || {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(10)));
        let post = config.build().new_agent().post(url).content_type("application/json");
        let sent = post.header(stripe::SIGNATURE, message.signature).send(message.body);
        if let Err(error) = sent {
            tracing::warn!(%error, "a message of the sandbox gateway was not taken");
        }
    });
}

async fn tick(inside: Arc<Inside>) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        inside.happen();
    }
}

fn router() -> Router<Arc<Inside>> {
    Router::new().merge(api::router()).merge(pages::router())
}
