//! Webhooks: a merchant's own servers are told what became of payments, signed as Standard
//! Webhooks has it (<https://www.standardwebhooks.com>).
//!
//! What moved value is read from the journal by a follower ([`follow`]); what did not, such as an
//! order that ran out, is written in the transaction of its change ([`event::publish`]). Both put
//! an event and one row of an outbox for each endpoint, and [`deliver`] sends those, with tries
//! over three days. So no event is lost, and none is made twice: its id is derived from what
//! happened. It may be *sent* twice; the receiver tells by the id.
//!
//! What always holds: no body holds anything about a customer; an endpoint is never inside, looked
//! at when it is entered and again at the moment of sending; no answer's body is read, and none is
//! followed anywhere.

mod deliver;
mod endpoint;
pub mod event;
mod follow;
mod pages;
mod reach;
mod sign;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

pub use deliver::{Worker, deliver_due, start};
pub use endpoint::any_failed;
pub use follow::follow;
pub use reach::Webhooks;

/// The page of the back office and what it asks for.
pub fn router() -> Router<Arc<App>> {
    let api = Router::new()
        .route("/webhooks", post(pages::add))
        .route("/webhooks/{endpoint_id}/rotate", post(pages::rotate))
        .route("/webhooks/{endpoint_id}/switch", post(pages::switch))
        .route("/webhooks/{endpoint_id}/remove", post(pages::remove))
        .route("/webhooks/{endpoint_id}/test", post(pages::test))
        .route("/webhooks/{endpoint_id}/replay", post(pages::replay))
        .route("/webhooks/{endpoint_id}/events/{event_id}/replay", post(pages::replay_one));
    Router::new().route("/merchant/webhooks", get(pages::page)).nest("/api/merchant/v1", api)
}
