//! Top-ups by card.
//!
//! What always holds: no card number and no security code reaches us; nothing is credited that
//! 3-D Secure has not authenticated; the limits are used by a pending transfer before a card is
//! asked, so that any number of requests at once cannot pass them; whatever becomes of an answer,
//! the ledger's ids see to it that a charge is credited once or goes back, never both.
//!
//! ```text
//! asked ──► opened ──► challenge ──► charged ──► credited
//!   │          │            │           │
//!   └──────────┴────────────┴► releasing └► refunding ──► refunded
//!                                  └► refused
//! ```

pub mod auto;
mod begin;
mod cards;
mod chargeback;
mod conversation;
mod due;
mod events;
pub mod gateway;
mod ledger;
mod look;
mod pages;
pub mod pass_on;
mod register;
mod resolve;
mod sandbox;
mod setup;
mod stripe;
pub mod taken;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub use cards::{Card, label, of_customer};
pub use gateway::{CardGateway, End, Reason};
pub use look::{Nothing, name_of_topup, names_of_topups};
pub use sandbox::{CARDS, Message, Sandbox, Script};
pub use stripe::Stripe;

use crate::app::App;
use crate::clock::{MINUTE, Micros, SECOND};
use crate::web::error::Result;

/// For so long a claim holds: longer than two calls of the gateway take. Then its node, or the
/// request that began the conversation, counts as dead.
const CLAIM: Micros = MINUTE;
/// A page may make us ask the gateway so often.
const LOOK_EVERY: Micros = SECOND;
const LONGEST_PAUSE: Micros = 10 * MINUTE;

/// How long to wait after so many tries.
fn pause(attempts: i64) -> Micros {
    (2 * SECOND).saturating_mul(1 << attempts.clamp(0, 30)).min(LONGEST_PAUSE)
}

/// Goes on with all that is due, once. Gives how many this node took up.
///
/// # Errors
/// A fault if the registry fails.
pub async fn work_due(app: &Arc<App>) -> Result<usize> {
    let orders = auto::start_due(app).await?;
    let topups = resolve::resolve_due(app).await?;
    let setups = due::take_up::<setup::Setup>(app).await?;
    let consents = auto::resolve_consents_due(app).await?;
    let disputes = chargeback::reverse_due(app).await?;
    cards::forget_removed(app).await?;
    Ok(orders + topups + setups + consents + disputes)
}

/// The routes.
pub fn router() -> Router<Arc<App>> {
    let api = Router::new()
        .route("/cards/register/options", post(register::options))
        .route("/cards/register", post(register::handle))
        .route("/cards/setups/{setup_id}/look", post(setup::look))
        .route("/cards/{card_id}/remove", post(cards::remove))
        .route("/topups/card/options", post(begin::options))
        .route("/topups/card", post(begin::handle))
        .route("/topups/card/{topup_id}", get(look::show))
        .route("/topups/card/{topup_id}/look", post(look::look));
    Router::new()
        .route("/topup/card", get(pages::choose))
        .route("/topup/card/setup/{setup_id}", get(pages::setup))
        .route("/topup/card/{topup_id}", get(pages::topup))
        .route("/api/card/v1/events", post(events::take))
        .nest("/api/wallet/v1", api)
        .merge(auto::router())
}
