//! What a scenario is given by whoever starts it: a service, registers, and eyes inside.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::player::Server;

/// Staff who do not look for so long do not look at all.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// `inv_…`, fresh, of somebody of staff: a fraud analyst, who is the insider.
pub type Insider =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Option<String>> + Send>> + Send + Sync>;

/// How the log of what staff did is changed behind the service's back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tamper {
    /// The newest entry is another, and nothing besides.
    Newest,
    /// The entry before it is another, and all that follows is written anew with right hashes.
    Anew,
    /// The newest entry is gone, and the log says that it was never longer.
    CutOff,
}

/// Changes the log of what staff did; true if there was something to change.
pub type Tampering =
    Box<dyn Fn(Tamper) -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

/// What a payday did with the payouts of the merchant whose registers these are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payday {
    /// The account numbers in the file for the bank, with their yen.
    pub paid: Vec<(String, i64)>,
    /// Payouts that were not put into it.
    pub waiting: usize,
}

/// Something of inside that is asked for and may not be there.
pub type Inside<T> = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Option<T>> + Send>> + Send + Sync>;

/// The back office of the merchant whose registers these are.
pub struct Office {
    /// `inv_…`, fresh, of an owner.
    pub owner: Inside<String>,
    /// All is settled up to yesterday, and a file for the bank is made for today.
    pub payday: Inside<Payday>,
}

/// A running service and what it takes to be a shop there.
pub struct Stage {
    /// Where the service is. It must believe this machine when it says for whom it speaks
    /// (`trusted_proxies`), and send its messages to the sandbox.
    pub server: Server,
    /// Keys of registers of one merchant, in two stores at least.
    pub registers: Vec<String>,
    /// The key of a register of another merchant, in a store whose name is a script.
    pub rival: Option<String>,
    /// The key of a register in a store of the same whose name a spreadsheet would run.
    pub formula: Option<String>,
    /// A key that was revoked.
    pub revoked: Option<String>,
    /// Invites an insider.
    pub insider: Option<Insider>,
    /// The merchant's back office and paydays. At a service that is not ours there are none.
    pub office: Option<Office>,
    /// A hand in the store, of somebody with its password. At a service that is not ours there is
    /// none.
    pub tampering: Option<Tampering>,
    /// A coupon that each customer may use once: the yen it takes off.
    pub coupon_yen: i64,
    /// The service's time, in seconds since 1970-01-01 UTC.
    pub now: Box<dyn Fn() -> u64 + Send + Sync>,
    /// Lets so many seconds pass. At a service that is not ours it does nothing.
    pub pass: Box<dyn Fn(u64) + Send + Sync>,
    /// The first number of a customer, so that two runs at one service share nobody.
    pub first_customer: usize,
    /// What its staff saw.
    pub desk: Arc<Desk>,
}

/// What staff saw and did, counted from the beginning of the attack.
#[derive(Debug, Default)]
pub struct Desk(Mutex<Seen>);

/// Times from the beginning of the attack; none if it did not happen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The attack's beginning, once it has begun.
    pub began: Option<Instant>,
    /// The first alert.
    pub alert: Option<Duration>,
    /// What alerts were about, by the service's words.
    pub kinds: BTreeSet<String>,
    /// The door was closed.
    pub door: Option<Duration>,
    /// Whether somebody looks.
    pub is_watched: bool,
    /// How often somebody looked.
    pub looks: u64,
}

impl Desk {
    /// What was seen until now.
    pub fn seen(&self) -> Seen {
        self.lock().clone()
    }

    /// The attack begins.
    pub(crate) fn begin(&self) {
        let mut seen = self.lock();
        let (looks, is_watched) = (seen.looks, seen.is_watched);
        *seen = Seen { began: Some(Instant::now()), looks, is_watched, ..Seen::default() };
    }

    /// An alert of this kind stands. The time of the first one counts.
    pub fn alert(&self, kind: &str) {
        let mut seen = self.lock();
        seen.kinds.insert(kind.to_owned());
        seen.alert = seen.alert.or(seen.began.map(|began| began.elapsed()));
    }

    /// A door is closed. The first one counts.
    pub fn door(&self) {
        let mut seen = self.lock();
        seen.door = seen.door.or(seen.began.map(|began| began.elapsed()));
    }

    /// Somebody will look from now on.
    pub fn watch(&self) {
        self.lock().is_watched = true;
    }

    /// Somebody looked, and told all there was.
    pub fn looked(&self) {
        self.lock().looks += 1;
    }

    /// Waits for two looks, the second of which has begun after now. Where nobody looks it goes on.
    pub(crate) async fn settle(&self) {
        let before = self.seen().looks;
        let until = Instant::now() + PATIENCE;
        while self.seen().is_watched && self.seen().looks < before + 2 && Instant::now() < until {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits for the first alert, a minute at most. Where nobody looks it goes on.
    pub(crate) async fn alerted(&self) {
        let until = Instant::now() + 2 * PATIENCE;
        while self.seen().is_watched && self.seen().alert.is_none() && Instant::now() < until {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits for staff to close the door at the first alert. Where nobody looks it goes on.
    pub(crate) async fn door_closed(&self) {
        let until = Instant::now() + 3 * PATIENCE;
        while self.seen().is_watched && self.seen().door.is_none() && Instant::now() < until {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Nobody panics while holding it.
    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
