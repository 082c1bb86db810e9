//! The seal of a row of decisions: what makes a changed, removed or moved row be found.
//!
//! HMAC-SHA-256 over `omamori decisions v1\0`, the hash of the process's row before (zeros for the
//! first), node, first and last number, both times and the time of deletion as 8 bytes big-endian,
//! and the SHA-256 of the body. The key is derived from the master key, which no database holds:
//! who can write the rows cannot seal them.
//!
//! Bodies hold personal data, so they change and go. A body from which a person was taken out has
//! a seal of its own; of a process's rows that are past their time the newest stays without its
//! body, as the place from which the chain goes on.

use hmac::{Hmac, KeyInit, Mac};
use omamori_db::{Row, sql};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::clock::Micros;
use crate::secret::Vault;

/// What the first row of a process carries as the hash of the one before.
pub const START: [u8; 32] = [0; 32];

/// The columns of a [`Sealed`], for the statements that read it.
macro_rules! sealed_columns {
    () => {
        "node, first_number, last_number, first_at, last_at, delete_after, body, previous_hash, \
         body_hash, hash, scrub_seal"
    };
}
pub(crate) use sealed_columns;

/// Seals rows, and knows its own seals.
#[derive(Clone)]
pub struct SealKey(Zeroizing<[u8; 32]>);

/// A row as the table has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The process.
    pub node: i64,
    /// Its first decision.
    pub first: i64,
    /// Its last.
    pub last: i64,
    /// Of the first.
    pub first_at: Micros,
    /// Of the last.
    pub last_at: Micros,
    /// When the body may go.
    pub delete_after: Micros,
    /// JSON lines; empty once they are past their time.
    pub body: String,
    /// Of the process's row before; empty in rows from before there were seals, as are the others.
    pub previous_hash: Vec<u8>,
    /// Of the body as it was written.
    pub body_hash: Vec<u8>,
    /// The seal.
    pub hash: Vec<u8>,
    /// The seal over a body that was scrubbed; empty if none was.
    pub scrub_seal: Vec<u8>,
}

/// The SHA-256 of a body.
#[must_use]
pub fn body_hash(body: &str) -> [u8; 32] {
    Sha256::digest(body.as_bytes()).into()
}

impl Sealed {
    /// From its row.
    ///
    /// # Errors
    /// [`omamori_db::Error`].
    pub fn read(row: &Row) -> omamori_db::Result<Self> {
        let bytes = |name| row.bytes_optional(name).map(Option::unwrap_or_default);
        Ok(Self {
            node: row.int("node")?,
            first: row.int("first_number")?,
            last: row.int("last_number")?,
            first_at: row.int("first_at")?,
            last_at: row.int("last_at")?,
            delete_after: row.int("delete_after")?,
            body: row.text("body")?,
            previous_hash: bytes("previous_hash")?,
            body_hash: bytes("body_hash")?,
            hash: bytes("hash")?,
            scrub_seal: bytes("scrub_seal")?,
        })
    }

    /// Whether it is from before there were seals, or somebody took the seal off.
    #[must_use]
    pub fn has_no_seal(&self) -> bool {
        self.hash.is_empty() && self.previous_hash.is_empty() && self.body_hash.is_empty()
    }

    /// Whether its body is gone because its time is over.
    #[must_use]
    pub fn is_emptied(&self, now: Micros) -> bool {
        self.body.is_empty() && self.delete_after < now
    }
}

impl SealKey {
    /// The key of this installation.
    #[must_use]
    pub fn of(vault: &Vault) -> Self {
        Self(vault.derive("decision seal v1"))
    }

    fn mac(&self, purpose: &[u8]) -> Hmac<Sha256> {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_slice()) else {
            unreachable!("HMAC takes a key of any length")
        };
        mac.update(purpose);
        mac
    }

    /// The seal that a row must have.
    #[must_use]
    pub fn seal(&self, row: &Sealed) -> [u8; 32] {
        let mut mac = self.mac(b"omamori decisions v1\0");
        mac.update(&row.previous_hash);
        for number in [row.node, row.first, row.last, row.first_at, row.last_at, row.delete_after] {
            mac.update(&number.to_be_bytes());
        }
        mac.update(&row.body_hash);
        mac.finalize().into_bytes().into()
    }

    /// The seal over a body that was scrubbed.
    #[must_use]
    pub fn scrub_seal(&self, node: i64, first: i64, original: &[u8], body: &str) -> [u8; 32] {
        let mut mac = self.mac(b"omamori scrubbed decisions v1\0");
        mac.update(&node.to_be_bytes());
        mac.update(&first.to_be_bytes());
        mac.update(original);
        mac.update(&body_hash(body));
        mac.finalize().into_bytes().into()
    }

    /// Whether all columns but the body are as they were written.
    #[must_use]
    pub fn holds(&self, row: &Sealed) -> bool {
        bool::from(self.seal(row).ct_eq(&row.hash))
    }

    /// Whether the body is as it was written, or as we left it when we took a person out.
    #[must_use]
    pub fn holds_body(&self, row: &Sealed) -> bool {
        let scrubbed = || self.scrub_seal(row.node, row.first, &row.body_hash, &row.body);
        body_hash(&row.body) == row.body_hash.as_slice()
            || bool::from(scrubbed().ct_eq(&row.scrub_seal))
    }
}

/// The hash of a process's newest row; the start if it has none.
pub(super) async fn newest_hash(db: &omamori_db::Db, node: i64) -> omamori_db::Result<Vec<u8>> {
    let query = sql("SELECT hash FROM decision_batch WHERE node = $1
         ORDER BY first_number DESC LIMIT 1");
    let row = db.optional(query.bind(node)).await?;
    let hash = row.map(|row| row.bytes_optional("hash")).transpose()?.flatten();
    Ok(hash.unwrap_or_else(|| START.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_under_the_seal() {
        let key = SealKey::of(&Vault::new(&[7; 32]));
        let mut row = Sealed {
            node: 1,
            first: 5,
            last: 6,
            first_at: 10,
            last_at: 20,
            delete_after: 30,
            body: "{}\n{}\n".into(),
            previous_hash: START.to_vec(),
            body_hash: body_hash("{}\n{}\n").to_vec(),
            hash: Vec::new(),
            scrub_seal: Vec::new(),
        };
        row.hash = key.seal(&row).to_vec();
        assert!(key.holds(&row) && key.holds_body(&row));
        let bent: [fn(&mut Sealed); 8] = [
            |row| row.node += 1,
            |row| row.first += 1,
            |row| row.last += 1,
            |row| row.first_at += 1,
            |row| row.last_at += 1,
            |row| row.delete_after += 1,
            |row| row.previous_hash[0] ^= 1,
            |row| row.body_hash[0] ^= 1,
        ];
        for bend in bent {
            let mut row = row.clone();
            bend(&mut row);
            assert!(!key.holds(&row), "{row:?}");
        }
        assert!(!SealKey::of(&Vault::new(&[8; 32])).holds(&row));
        let scrubbed = "{}\n\n";
        let seal = key.scrub_seal(1, 5, &row.body_hash, scrubbed).to_vec();
        row.body = scrubbed.into();
        assert!(!key.holds_body(&row));
        row.scrub_seal = seal;
        assert!(key.holds_body(&row) && key.holds(&row));
        row.first = 6;
        assert!(!key.holds_body(&row), "a scrubbed body does not move");
    }
}
