//! Ways into the wallet other than a register: cards, ATMs, auto top-up; and customers' own limits.
//!
//! Here: what they have of pages, API and SQL, and the conversation with a card gateway. Not here:
//! cash at a register (`pos`), the limits themselves (`gate`).

pub mod atm;
pub mod card;
mod pages;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;

use crate::app::App;
use crate::clock::Clock;
use crate::config::{Card, Config};
use crate::web::codes::Code;
pub use card::work_due;
use card::{CardGateway, Sandbox, Stripe};
pub use worker::start;

/// How long the sandbox takes for an answer that is to come too late: longer than we wait.
const SILENCE: Duration = Duration::from_secs(15);

/// The feature: who charges cards.
pub struct Topups {
    gateway: Option<Arc<dyn CardGateway>>,
    /// Who guesses the numbers of ATMs.
    atm_numbers: atm::Numbers,
    /// Runs as long as the service does.
    _sandbox: Option<Sandbox>,
}

impl Topups {
    /// The feature of these settings.
    ///
    /// # Errors
    /// If the sandbox's port cannot be used.
    pub async fn open(config: &Config, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let (gateway, sandbox): (Option<Arc<dyn CardGateway>>, _) = match &config.card {
            Card::None => (None, None),
            Card::Sandbox { port } => {
                let webhook = format!("{}/api/card/v1/events", config.public_url);
                let sandbox = Sandbox::start(*port, clock, Some(webhook), SILENCE).await?;
                (Some(Arc::new(sandbox.gateway())), Some(sandbox))
            }
            Card::Stripe { secret_key, webhook_secret, address } => {
                let (key, secret) = (secret_key.clone(), webhook_secret.clone());
                (Some(Arc::new(Stripe::new(key, secret, address.clone()))), None)
            }
        };
        Ok(Self { gateway, atm_numbers: atm::Numbers::default(), _sandbox: sandbox })
    }

    /// Whether cards can be registered and charged.
    #[must_use]
    pub fn offers_cards(&self) -> bool {
        self.gateway.is_some()
    }

    /// Who charges cards.
    ///
    /// # Errors
    /// [`Code::FunctionClosed`]: nobody.
    pub(crate) fn gateway(&self) -> Result<&Arc<dyn CardGateway>, Code> {
        self.gateway.as_ref().ok_or(Code::FunctionClosed)
    }
}

/// The routes.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/topup", get(pages::ways)).merge(card::router()).merge(atm::router())
}
