//! `GET /api/pos/v1/events`: a terminal hears at once what is paid in its store, as server-sent
//! events. A register that shows a QR learns so that it is paid; a counter with a printed QR sees
//! who has just paid what.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use omamori_ledger::Transfer;

use crate::app::App;
use crate::gate::chart::TransferCode;
use crate::pos::{Terminal, payment_view};
use crate::wallet::live::Message;

/// Open streams of one store: its registers, and reloads that were not noticed yet.
const STREAMS_PER_STORE_MAX: usize = 64;

/// Streams `payment` for each payment to the store, however it was made, and `resync` when the
/// terminal should ask again. It ends when the terminal's key does.
pub async fn stream(
    State(app): State<Arc<App>>,
    terminal: Terminal,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let account = terminal.store.sales_account;
    let listener = app.live.listen(account, STREAMS_PER_STORE_MAX);
    let events =
        unfold((app, listener, terminal), move |(app, mut listener, terminal)| async move {
            loop {
                let message = listener.recv().await?;
                if !terminal.stands(&app).await {
                    return None;
                }
                if let Some(event) = event_of(&app, account, message).await {
                    return Some((Ok(event), (app, listener, terminal)));
                }
            }
        });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(20)))
}

async fn event_of(app: &App, account: u128, message: Message) -> Option<Event> {
    let resync = || Some(Event::default().event("resync").data("{}"));
    match message {
        Message::Moved(transfer) if is_payment_to(account, &transfer) => {
            match payment_view(app, &transfer).await {
                Ok(payment) => Event::default().event("payment").json_data(payment).ok(),
                Err(_) => resync(), // the terminal asks again and gets the error as such
            }
        }
        Message::Moved(_) | Message::Notice => None,
        Message::LookAgain => resync(),
    }
}

fn is_payment_to(account: u128, transfer: &Transfer) -> bool {
    transfer.code == TransferCode::Payment.number()
        && transfer.is_resolving()
        && transfer.credit_account_id == account
}
