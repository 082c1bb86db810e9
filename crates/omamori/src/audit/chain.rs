//! The form of an entry, and what its hash is of.
//!
//! SHA-256 over `omamori audit v1\0`, the previous hash, `seq` and `at` as 8 bytes big-endian, then
//! each text with its length as 8 bytes before it, in the order of the table's columns.

use omamori_db::{Query, Row, sql};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::clock::Micros;
use crate::web::filters::as_rfc3339;

/// What the first entry carries as the hash of the one before.
pub const START: [u8; 32] = [0; 32];

/// The columns of an entry, for the statements that read it.
macro_rules! entry_columns {
    () => {
        "seq, at, actor, act, subject, before_state, after_state, reason, decision_id, \
         request_id, previous_hash, hash"
    };
}
pub(super) use entry_columns;

/// An entry as the table has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stored {
    /// Its place, from 1.
    pub seq: i64,
    /// When; RFC 3339 in JSON.
    #[serde(serialize_with = "as_rfc3339")]
    pub at: Micros,
    /// `stf_…`, or `machine`.
    pub actor: String,
    /// The gate's word.
    pub act: String,
    /// What it was done to.
    pub subject: String,
    /// JSON text.
    pub before: String,
    /// JSON text.
    pub after: String,
    /// May be empty.
    pub reason: String,
    /// `dec_…`.
    pub decision_id: String,
    /// `req_…`; empty for a command.
    pub request_id: String,
    /// Of the entry before.
    #[serde(serialize_with = "as_hex")]
    pub previous_hash: [u8; 32],
    /// Of this entry.
    #[serde(serialize_with = "as_hex")]
    pub hash: [u8; 32],
}

impl Stored {
    /// From its row.
    pub(super) fn read(row: &Row) -> omamori_db::Result<Self> {
        Ok(Self {
            seq: row.int("seq")?,
            at: row.int("at")?,
            actor: row.text("actor")?,
            act: row.text("act")?,
            subject: row.text("subject")?,
            before: row.text("before_state")?,
            after: row.text("after_state")?,
            reason: row.text("reason")?,
            decision_id: row.text("decision_id")?,
            request_id: row.text("request_id")?,
            previous_hash: row.array("previous_hash")?,
            hash: row.array("hash")?,
        })
    }

    /// The hash that it must have.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"omamori audit v1\0");
        hash.update(self.previous_hash);
        hash.update(self.seq.to_be_bytes());
        hash.update(self.at.to_be_bytes());
        for text in [
            &self.actor,
            &self.act,
            &self.subject,
            &self.before,
            &self.after,
            &self.reason,
            &self.decision_id,
            &self.request_id,
        ] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.finalize().into()
    }

    /// With its hash.
    pub(super) fn sealed(self) -> Self {
        Self { hash: self.digest(), ..self }
    }

    /// The statement that adds it.
    pub(super) fn insert(&self) -> Query {
        sql("INSERT INTO audit_entry (seq, at, actor, act, subject, before_state, after_state,
                                  reason, decision_id, request_id, previous_hash, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
        .bind(self.seq)
        .bind(self.at)
        .bind(&self.actor)
        .bind(&self.act)
        .bind(&self.subject)
        .bind(&self.before)
        .bind(&self.after)
        .bind(&self.reason)
        .bind(&self.decision_id)
        .bind(&self.request_id)
        .bind(self.previous_hash)
        .bind(self.hash)
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn as_hex<S: serde::Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Stored {
        Stored {
            seq: 1,
            at: 1_775_012_400_000_000,
            actor: "machine".into(),
            act: "staff_invite".into(),
            subject: "stf_1".into(),
            before: "null".into(),
            after: "{}".into(),
            reason: String::new(),
            decision_id: "dec_1".into(),
            request_id: String::new(),
            previous_hash: START,
            hash: START,
        }
        .sealed()
    }

    #[test]
    fn every_column_and_where_it_ends_is_part_of_the_hash() {
        let entry = entry();
        // Computed by another program (Python's hashlib) from the comment above.
        let expected = "562fde717769167f2a2288c48a32550673af3e2bed23d800820791eb5bbdf170";
        assert_eq!(hex(&entry.hash), expected);
        let moved = Stored { before: "nul".into(), after: "l{}".into(), ..entry.clone() };
        assert_ne!(moved.digest(), entry.hash);
    }
}
