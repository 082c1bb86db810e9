//! Sending between customers: to a phone number, by a friend's code, by a link with a passcode;
//! and asking for money, alone or split over several people.
//!
//! Here: who sends what to whom, how the receiver gets at it, and who is told. Not here: the value,
//! which waits in the ledger ([`transfers`] says why so), and the limits, which are the gate's.
//!
//! What always holds: a send ends in exactly one of taken, declined, called back and run out; no
//! answer and no query of a request tells whether a number has an account, for nothing looks before
//! the answer is given ([`tell`] does, later); nothing sent can become cash.

mod block;
mod create;
mod friend;
mod give_back;
mod limits;
mod link;
mod list;
mod pages;
mod recipient;
mod request;
mod review;
mod row;
mod take;
mod tell;
pub mod transfers;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

pub(crate) use create::line;
pub use tell::{start, tell_due};
pub use view::{Line, history_line, names_of};

/// The pages and the API.
pub fn router() -> Router<Arc<App>> {
    let api = Router::new()
        .route("/sends", get(list::handle).post(create::handle))
        .route("/sends/options", post(create::options))
        .route("/sends/{send_id}", get(list::one))
        .route("/sends/{send_id}/take", post(take::handle))
        .route("/sends/{send_id}/decline", post(give_back::decline))
        .route("/sends/{send_id}/call-back", post(give_back::call_back))
        .route("/sends/{send_id}/block", post(block::sender))
        .route("/send-links/look", post(link::look))
        .route("/send-links/take", post(link::take))
        .route("/friend-codes", post(friend::make))
        .route("/friend-codes/look", post(friend::look))
        .route("/money-requests", get(request::list::handle).post(request::create::handle))
        .route("/money-requests/look", post(request::list::look))
        .route("/money-requests/{request_id}/cancel", post(request::cancel::handle))
        .route("/money-requests/{request_id}/block", post(block::asker));
    Router::new()
        .route("/send", get(pages::send))
        .route("/send/{send_id}", get(pages::one))
        .route("/ask", get(pages::ask))
        .route("/receive", get(pages::receive))
        .nest("/api/wallet/v1", api)
}
