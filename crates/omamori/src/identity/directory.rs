//! From the number in a payment code to the phone that showed it.
//!
//! Every payment asks, so entries are kept in memory, opened and ready: sharded, bounded, the
//! longest unused leave first (CLOCK, the second-chance algorithm). The registry stays the truth:
//! whoever changes a device or the standing of its customer tells it to `db::changes`, and every
//! node calls [`Directory::forget`].

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use omamori_db::{Db, sql};
use omamori_paycode::code::{CodeSecret, DeviceNumber};
use parking_lot::RwLock;

use crate::clock::Micros;
use crate::secret::Vault;
use crate::web::error::{Error, Result};

const SHARDS: usize = 64;
/// All shards together: about a million phones in some 300 MB.
const CAPACITY: usize = 1 << 20;

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
    /// False once another phone took its place.
    pub active: bool,
    /// True if staff stopped the customer's account.
    pub frozen: bool,
    /// Whether the customer pays with points first.
    pub uses_points: bool,
    /// Whether the customer has set a coupon.
    pub has_coupons: bool,
}

/// Where the sealed secret of a device lives: part of what the seal authenticates.
pub(crate) fn secret_place(device_id: &str) -> String {
    format!("device.secret/{device_id}")
}

/// The phones that paid lately, and the way to the others.
pub struct Directory {
    shards: Vec<RwLock<Shard>>,
    shard_capacity: usize,
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

    /// Makes the next [`Directory::find`] ask the registry again.
    pub fn forget(&self, number: DeviceNumber) {
        self.shard(number).write().remove(number);
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

async fn load(registry: &Db, vault: &Vault, number: DeviceNumber) -> Result<Option<DeviceEntry>> {
    let query =
        sql("SELECT d.device_id, d.customer_id, c.wallet_account, d.code_secret, d.enrolled_at,
                d.state, c.status, c.uses_points, c.has_coupons
         FROM device d JOIN customer c ON c.customer_id = d.customer_id
         WHERE d.device_number = $1")
        .bind(i64::from(number.get()));
    let Some(row) = registry.optional(query).await? else { return Ok(None) };
    let device_id = row.text("device_id")?;
    let secret = vault.open(&secret_place(&device_id), &row.bytes("code_secret")?)?;
    let secret: [u8; 32] = secret
        .as_slice()
        .try_into()
        .map_err(|_| Error::fault("a device secret has another length than 32 bytes"))?;
    let status = row.text("status")?;
    Ok(Some(DeviceEntry {
        device_id: device_id.into(),
        customer_id: row.text("customer_id")?.into(),
        wallet_account: u128::from_be_bytes(row.array("wallet_account")?),
        code_secret: CodeSecret::new(secret),
        enrolled_at: row.int("enrolled_at")?,
        active: row.text("state")? == "active" && status != "closed",
        frozen: status == "frozen",
        uses_points: row.int("uses_points")? == 1,
        has_coupons: row.int("has_coupons")? == 1,
    }))
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
}
