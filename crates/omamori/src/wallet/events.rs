//! `GET /api/wallet/v1/events`: server-sent events while the wallet is open.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde::Serialize;

use super::entry::{Entry, news};
use super::live::Message;
use crate::app::App;
use crate::identity::Customer;

/// Open streams of one wallet: a phone, a second tab, a reload that was not noticed yet.
const STREAMS_PER_WALLET_MAX: usize = 4;

#[derive(Serialize)]
struct Moved {
    #[serde(flatten)]
    entry: Entry,
    balance: i64,
}

/// Streams `entry` events, `notice` when there is a new one, and `resync` when the page should ask
/// again.
pub async fn stream(
    State(app): State<Arc<App>>,
    customer: Customer,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let account = customer.wallet_account;
    let listener = app.live.listen(account, STREAMS_PER_WALLET_MAX);
    let events =
        unfold((app, listener, customer), move |(app, mut listener, customer)| async move {
            loop {
                let message = listener.recv().await?;
                // Whatever ends a session is told to all open wallets of the account.
                if matches!(message, Message::Notice)
                    && !customer.stands(&app).await.unwrap_or(false)
                {
                    return None;
                }
                if let Some(event) = event_of(&app, account, message).await {
                    return Some((Ok(event), (app, listener, customer)));
                }
            }
        });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(20)))
}

async fn event_of(app: &App, account: u128, message: Message) -> Option<Event> {
    let resync = || Some(Event::default().event("resync").data("{}"));
    let transfer = match message {
        Message::Moved(transfer) => transfer,
        Message::Notice => return Some(Event::default().event("notice").data("{}")),
        Message::LookAgain => return resync(),
    };
    match news(app, account, &transfer).await {
        Ok(Some(entry)) => {
            let id = entry.id.clone();
            let moved = Moved { entry, balance: app.gate.balance(account) };
            Event::default().event("entry").id(id).json_data(moved).ok()
        }
        Ok(None) => None,
        Err(_) => resync(), // the page asks again and gets the error as such
    }
}
