//! Tells open wallets at once what happened: one follower of the ledger, many listeners.
//!
//! Listeners register by account, so that an entry costs a look-up for each of its transfers and
//! not a message to every open wallet. A listener that is too slow, or a hub that fell behind, is
//! told to look again: the page then asks for the truth, which is in the ledger.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use omamori_ledger::{Fact, Subscription, Transfer};
use parking_lot::Mutex;
use tokio::sync::mpsc;

/// Messages that may wait for one listener.
const WAITING_MAX: usize = 32;
/// After a store failed.
const RETRY: Duration = Duration::from_secs(1);
/// What a listener is told.
#[derive(Clone, Debug)]
pub enum Message {
    /// Value moved on the account.
    Moved(Box<Transfer>),
    /// There is a new notice.
    Notice,
    /// Something may have been missed.
    LookAgain,
}

type Listeners = HashMap<u128, Vec<mpsc::Sender<Message>>>;

/// The follower.
#[derive(Clone, Default)]
pub struct Live {
    listeners: Arc<Mutex<Listeners>>,
}

impl Live {
    /// Starts to follow.
    #[must_use]
    pub fn start(mut subscription: Subscription) -> Self {
        let live = Self::default();
        let hub = live.clone();
        tokio::spawn(async move {
            loop {
                match subscription.next().await {
                    Ok(Some(entry)) => hub.tell(&entry.facts),
                    Ok(None) => return,
                    Err(error) => {
                        tracing::warn!(%error, "live updates are behind");
                        hub.tell_all_to_look();
                        tokio::time::sleep(RETRY).await;
                    }
                }
            }
        });
        live
    }

    /// Listens to an account. The oldest stream of an account that has `streams_max` is closed.
    #[must_use]
    pub fn listen(&self, account: u128, streams_max: usize) -> mpsc::Receiver<Message> {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let mut listeners = self.listeners.lock();
        let streams = listeners.entry(account).or_default();
        streams.retain(|stream| !stream.is_closed());
        if streams.len() >= streams_max {
            streams.remove(0);
        }
        streams.push(sender);
        receiver
    }

    fn tell(&self, facts: &[Fact]) {
        let mut listeners = self.listeners.lock();
        if listeners.is_empty() {
            return;
        }
        for fact in facts {
            let Fact::TransferCreated(transfer) = fact else { continue };
            for account in [transfer.debit_account_id, transfer.credit_account_id] {
                tell_account(&mut listeners, account, transfer);
            }
        }
    }

    /// Tells an account's open wallets that there is a new notice.
    pub fn notice(&self, account: u128) {
        send(&mut self.listeners.lock(), account, &Message::Notice);
    }

    fn tell_all_to_look(&self) {
        let mut listeners = self.listeners.lock();
        listeners.retain(|_, streams| {
            streams.retain(|stream| stream.try_send(Message::LookAgain).is_ok());
            !streams.is_empty()
        });
    }
}

fn tell_account(listeners: &mut Listeners, account: u128, transfer: &Transfer) {
    if listeners.contains_key(&account) {
        send(listeners, account, &Message::Moved(Box::new(*transfer)));
    }
}

fn send(listeners: &mut Listeners, account: u128, message: &Message) {
    let Some(streams) = listeners.get_mut(&account) else { return };
    // A stream whose queue is full is dropped: its page connects again and looks.
    streams.retain(|stream| stream.try_send(message.clone()).is_ok());
    if streams.is_empty() {
        listeners.remove(&account);
    }
}
