//! From the number in a payment code to the phone that showed it.
//!
//! Every payment asks, so entries are kept in memory, opened and ready: sharded, bounded, the
//! longest unused leave first (CLOCK, the second-chance algorithm). At the start they are read in
//! one scan, page by page, beside the first requests ([`start`]): a read for each phone's first
//! payment was a quarter of what a sale cost. The registry stays the truth:
//! whoever changes a device or the standing of its customer tells it to `db::changes`, and every
//! node calls [`Directory::forget`]; it does so again for seconds, so that neither a read nor a
//! page from before the change outlives it.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use omamori_db::{Db, Row, sql};
use omamori_paycode::code::{CodeSecret, DeviceNumber};
use parking_lot::{Mutex, RwLock};

use crate::app::App;
use crate::clock::Micros;
use crate::identity::jwk::Thumbprint;
use crate::risk::Facts;
use crate::secret::Vault;
use crate::web::error::{Error, Result};

const SHARDS: usize = 64;
/// All shards together: about a million phones in some 300 MB.
const CAPACITY: usize = 1 << 20;
/// Phones read at once at the start: some milliseconds of work, far less than the time for which
/// changes are repeated.
const PAGE: i64 = 1_000;

/// An enrolled phone, as payments need it.
#[derive(Debug)]
pub struct DeviceEntry {
    /// `dev_…`.
    pub device_id: Box<str>,
    /// Whose it is: `cus_…`.
    pub customer_id: Box<str>,
    /// The customer's account in the ledger.
    pub wallet_account: u128,
    /// What its codes are made with.
    pub code_secret: CodeSecret,
    /// Since when it pays.
    pub enrolled_at: Micros,
    /// Since when there is the customer's account.
    pub account_since: Micros,
    /// False once another phone took its place.
    pub active: bool,
    /// True if staff stopped the customer's account.
    pub frozen: bool,
    /// Whether the customer pays with points first.
    pub uses_points: bool,
    /// Whether the customer has set a coupon.
    pub has_coupons: bool,
}

impl DeviceEntry {
    /// What is known of an act by its code.
    #[must_use]
    pub fn facts(&self) -> Facts<'static> {
        Facts {
            device_since: Some(self.enrolled_at),
            account_since: Some(self.account_since),
            ..Facts::NONE
        }
    }
}

/// Where the sealed secret of a device lives: part of what the seal authenticates.
pub(crate) fn secret_place(device_id: &str) -> String {
    format!("device.secret/{device_id}")
}

/// The phones that paid lately, and the way to the others.
pub struct Directory {
    shards: Vec<RwLock<Shard>>,
    shard_capacity: usize,
    /// Beginnings of the thumbprints of phones' keys: whose is none of these is a stranger, or came
    /// to be since the start and has not paid or signed in at this node.
    keys: RwLock<HashSet<u64>>,
    /// What was forgotten since the page that is being read was asked for; `None` between scans.
    forgotten: Mutex<Option<HashSet<DeviceNumber>>>,
}

#[derive(Default)]
struct Shard {
    places: HashMap<DeviceNumber, usize>,
    slots: Vec<Slot>,
    hand: usize,
}

struct Slot {
    number: DeviceNumber,
    entry: Arc<DeviceEntry>,
    used: AtomicBool,
}

impl Default for Directory {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl Directory {
    fn with_capacity(capacity: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            shard_capacity: (capacity / SHARDS).max(1),
            keys: RwLock::default(),
            forgotten: Mutex::default(),
        }
    }

    /// The phone with this number, from memory or from the registry; `None` if there is none.
    ///
    /// # Errors
    /// A fault if the registry fails or a secret does not open.
    pub async fn find(
        &self,
        registry: &Db,
        vault: &Vault,
        number: DeviceNumber,
    ) -> Result<Option<Arc<DeviceEntry>>> {
        if let Some(entry) = self.shard(number).read().get(number) {
            return Ok(Some(entry));
        }
        let Some(entry) = load(registry, vault, number).await?.map(Arc::new) else {
            return Ok(None);
        };
        self.shard(number).write().put(number, entry.clone(), self.shard_capacity);
        Ok(Some(entry))
    }

    /// Whether a phone has a key with this thumbprint, as far as memory goes.
    pub(super) fn knows(&self, key: &Thumbprint) -> bool {
        self.keys.read().contains(&beginning(key))
    }

    /// Remembers a phone's key. It stays when the phone ends: then it is looked at and refused.
    pub(super) fn know(&self, key: &Thumbprint) {
        let mut keys = self.keys.write();
        if keys.len() < CAPACITY {
            keys.insert(beginning(key));
        }
    }

    /// Makes the next [`Directory::find`] ask the registry again.
    pub fn forget(&self, number: DeviceNumber) {
        if let Some(forgotten) = self.forgotten.lock().as_mut() {
            forgotten.insert(number);
        }
        self.shard(number).write().remove(number);
    }

    /// Puts in what a page said, unless it was forgotten meanwhile. False if there is no room.
    fn put_read(&self, number: DeviceNumber, entry: DeviceEntry) -> bool {
        let mut shard = self.shard(number).write();
        if shard.slots.len() >= self.shard_capacity {
            return false;
        }
        let forgotten = self.forgotten.lock();
        if !forgotten.as_ref().is_some_and(|forgotten| forgotten.contains(&number)) {
            shard.put(number, Arc::new(entry), self.shard_capacity);
        }
        true
    }

    fn shard(&self, number: DeviceNumber) -> &RwLock<Shard> {
        &self.shards[number.get() as usize % SHARDS]
    }
}

impl Shard {
    fn get(&self, number: DeviceNumber) -> Option<Arc<DeviceEntry>> {
        let slot = &self.slots[*self.places.get(&number)?];
        slot.used.store(true, Ordering::Relaxed);
        Some(slot.entry.clone())
    }

    fn put(&mut self, number: DeviceNumber, entry: Arc<DeviceEntry>, capacity: usize) {
        let slot = Slot { number, entry, used: AtomicBool::new(false) };
        if let Some(&place) = self.places.get(&number) {
            self.slots[place] = slot;
        } else if self.slots.len() < capacity {
            self.places.insert(number, self.slots.len());
            self.slots.push(slot);
        } else {
            let place = self.sweep();
            self.places.remove(&self.slots[place].number);
            self.places.insert(number, place);
            self.slots[place] = slot;
        }
    }

    /// The place of the first entry that was not used since the hand last passed it.
    fn sweep(&mut self) -> usize {
        loop {
            let place = self.hand;
            self.hand = (place + 1) % self.slots.len();
            if !std::mem::take(self.slots[place].used.get_mut()) {
                return place;
            }
        }
    }

    fn remove(&mut self, number: DeviceNumber) {
        let Some(place) = self.places.remove(&number) else { return };
        self.slots.swap_remove(place);
        if let Some(moved) = self.slots.get(place) {
            self.places.insert(moved.number, place);
        }
        if self.hand >= self.slots.len() {
            self.hand = 0;
        }
    }
}

/// Nobody makes keys whose thumbprints begin alike with a phone's to be taken for it: it would win
/// them a look.
fn beginning(key: &Thumbprint) -> u64 {
    key.iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte))
}

macro_rules! device_columns {
    () => {
        "SELECT d.device_number, d.device_id, d.customer_id, c.wallet_account, d.code_secret,
                d.enrolled_at, d.state, d.sign_key_thumbprint, c.status, c.uses_points,
                c.has_coupons, c.created_at
         FROM device d JOIN customer c ON c.customer_id = d.customer_id"
    };
}

async fn load(registry: &Db, vault: &Vault, number: DeviceNumber) -> Result<Option<DeviceEntry>> {
    let query = sql(concat!(device_columns!(), " WHERE d.device_number = $1"));
    let row = registry.optional(query.bind(i64::from(number.get()))).await?;
    row.map(|row| entry(&row, vault)).transpose()
}

fn entry(row: &Row, vault: &Vault) -> Result<DeviceEntry> {
    let device_id = row.text("device_id")?;
    let secret = vault.open(&secret_place(&device_id), &row.bytes("code_secret")?)?;
    let secret: [u8; 32] = secret
        .as_slice()
        .try_into()
        .map_err(|_| Error::fault("a device secret has another length than 32 bytes"))?;
    let status = row.text("status")?;
    Ok(DeviceEntry {
        device_id: device_id.into(),
        customer_id: row.text("customer_id")?.into(),
        wallet_account: u128::from_be_bytes(row.array("wallet_account")?),
        code_secret: CodeSecret::new(secret),
        enrolled_at: row.int("enrolled_at")?,
        account_since: row.int("created_at")?,
        active: row.text("state")? == "active" && status != "closed",
        frozen: status == "frozen",
        uses_points: row.int("uses_points")? == 1,
        has_coupons: row.int("has_coupons")? == 1,
    })
}

/// Reads the phones that pay into memory, as long as there is room and the service lives.
pub(super) fn start(app: &Arc<App>) {
    tokio::spawn(read_all(Arc::downgrade(app)));
}

pub(super) async fn read_all(app: Weak<App>) {
    let mut last = -1;
    while let Some(app) = app.upgrade() {
        let began = Instant::now();
        let page = read_page(&app, last).await;
        *app.identity.directory.forgotten.lock() = None;
        match page {
            Ok(Some(number)) => last = number,
            Ok(None) => return,
            // Nothing is lost: a phone that is not in memory is asked for.
            Err(error) => return tracing::warn!(?error, "cannot read the phones ahead"),
        }
        // Half of the time is the requests'.
        tokio::time::sleep(began.elapsed()).await;
    }
}

/// Reads the phones after `last`. Returns the last one's number, or `None` if that was all or
/// there is no room for more.
async fn read_page(app: &App, last: i64) -> Result<Option<i64>> {
    let directory = &app.identity.directory;
    *directory.forgotten.lock() = Some(HashSet::new());
    let query = sql(concat!(
        device_columns!(),
        " WHERE d.device_number > $1 AND d.state = 'active' ORDER BY d.device_number LIMIT $2"
    ));
    let mut read = None;
    for row in app.stores.registry.all(query.bind(last).bind(PAGE)).await? {
        let number = row.int("device_number")?;
        let device = u32::try_from(number).ok().and_then(DeviceNumber::new);
        let device = device.ok_or_else(|| Error::fault("a device number has ten digits"))?;
        directory.know(&row.array("sign_key_thumbprint")?);
        if !directory.put_read(device, entry(&row, &app.vault)?) {
            return Ok(None);
        }
        read = Some(number);
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(n: u32) -> DeviceNumber {
        DeviceNumber::new(n).unwrap()
    }

    fn entry(n: u32) -> Arc<DeviceEntry> {
        Arc::new(DeviceEntry {
            device_id: format!("dev_{n}").into(),
            customer_id: "cus".into(),
            wallet_account: n.into(),
            code_secret: CodeSecret::new([0; 32]),
            enrolled_at: 0,
            account_since: 0,
            active: true,
            frozen: false,
            uses_points: false,
            has_coupons: false,
        })
    }

    fn held(shard: &Shard) -> Vec<u32> {
        let mut held: Vec<u32> = shard.places.keys().map(|n| n.get()).collect();
        for (n, &place) in &shard.places {
            assert_eq!(shard.slots[place].number, *n, "the index leads to the slot");
        }
        assert_eq!(held.len(), shard.slots.len());
        held.sort_unstable();
        held
    }

    #[test]
    fn a_full_shard_drops_what_was_not_used() {
        let mut shard = Shard::default();
        for n in 1..=3 {
            shard.put(number(n), entry(n), 3);
        }
        assert!(shard.get(number(1)).is_some());
        shard.put(number(4), entry(4), 3);
        assert_eq!(held(&shard), [1, 3, 4], "1 was used, 2 was next");
        shard.put(number(4), entry(4), 3);
        assert_eq!(held(&shard), [1, 3, 4], "the same number takes its own place");
    }

    #[test]
    fn what_is_forgotten_is_asked_for_again() {
        let mut shard = Shard::default();
        for n in 1..=4 {
            shard.put(number(n), entry(n), 4);
        }
        assert!(shard.get(number(2)).is_some());
        shard.remove(number(2));
        assert!(shard.get(number(2)).is_none());
        assert_eq!(held(&shard), [1, 3, 4]);
        shard.remove(number(2));
        for n in [4, 3, 1] {
            shard.remove(number(n));
        }
        assert_eq!(held(&shard), Vec::<u32>::new());
        shard.put(number(9), entry(9), 1);
        shard.put(number(8), entry(8), 1);
        assert_eq!(held(&shard), [8], "a shard that was emptied still turns");
    }

    /// A phone was stopped between the reading of its row and its putting in: the old row must
    /// not come back.
    #[test]
    fn what_changed_while_a_page_was_read_is_not_put_in() {
        let directory = Directory::with_capacity(SHARDS);
        let put = |n| directory.put_read(number(n), Arc::into_inner(entry(n)).unwrap());
        let holds = |n| directory.shard(number(n)).read().places.contains_key(&number(n));
        *directory.forgotten.lock() = Some(HashSet::new());
        directory.forget(number(1));
        assert!(put(1) && put(2));
        assert_eq!((holds(1), holds(2)), (false, true));
        directory.forget(number(2));
        assert!(!holds(2));
        *directory.forgotten.lock() = None;
        assert!(put(1) && holds(1), "the next page is of after the change");
        assert!(!put(1 + SHARDS as u32), "the shard has room for one");
    }
}
