//! Signed checkpoints: how far the log was at some time, kept where this machine cannot reach.
//!
//! Whoever can write the database can write the whole chain anew, hashes and all. A checkpoint on
//! paper, in a mailbox or at an auditor's says what an entry was, signed (ECDSA on P-256) with a
//! key that is derived from the master key, which no database holds.

use omamori_db::{Db, sql};
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::chain::hex;
use super::decisions::{Head, heads};
use crate::clock::Micros;
use crate::secret::Vault;
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;

const FORMAT: &str = "omamori-audit-checkpoint-v1";

/// One line of a file of checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    format: String,
    /// The newest entry at that time; 0 for an empty log.
    pub seq: i64,
    /// Its hash, hexadecimal.
    pub hash: String,
    /// When it was signed, RFC 3339.
    pub at: String,
    /// How far the chains of decisions were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Head>,
    /// Hexadecimal, 64 bytes.
    signature: String,
}

/// Why a line is not a checkpoint of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOurs {
    /// Not the form.
    #[error("it is not a checkpoint")]
    Malformed,
    /// Changed, or signed with another master key.
    #[error("its signature is not by this installation's key")]
    Signature,
}

/// The key of the installation's checkpoints.
fn key(vault: &Vault) -> Result<SigningKey> {
    let scalar = vault.derive("audit checkpoint key v1");
    // 32 bytes are a scalar of P-256 but for one time in 2^32.
    SigningKey::from_slice(scalar.as_slice())
        .map_err(|_| Error::fault("this master key makes no checkpoint key"))
}

fn signed_bytes(seq: i64, hash: &str, at: &str, decisions: &[Head]) -> Vec<u8> {
    let mut text = format!("{FORMAT}\n{seq}\n{hash}\n{at}\n");
    for Head { node, number, hash } in decisions {
        text.push_str(&format!("decisions {node} {number} {hash}\n"));
    }
    text.into_bytes()
}

/// Signs the newest entry, and how far the chains of decisions are.
///
/// # Errors
/// A fault if a store fails.
pub async fn sign(registry: &Db, evidence: &Db, vault: &Vault, now: Micros) -> Result<Checkpoint> {
    let query = sql("SELECT seq, hash FROM audit_entry ORDER BY seq DESC LIMIT 1");
    let (seq, hash) = match registry.optional(query).await? {
        Some(row) => (row.int("seq")?, row.array("hash")?),
        None => (0, super::chain::START),
    };
    let (hash, at) = (hex(&hash), rfc3339(now));
    let decisions = heads(evidence).await?;
    let signature: Signature = key(vault)?.sign(&signed_bytes(seq, &hash, &at, &decisions));
    let signature = hex(&signature.to_bytes());
    Ok(Checkpoint { format: FORMAT.to_owned(), seq, hash, at, decisions, signature })
}

impl Checkpoint {
    /// Reads a line and checks who signed it.
    ///
    /// # Errors
    /// [`NotOurs`] inside; a fault if the key cannot be made.
    pub fn read(line: &str, vault: &Vault) -> Result<Result<Self, NotOurs>> {
        let key = VerifyingKey::from(&key(vault)?);
        let Ok(checkpoint) = serde_json::from_str::<Self>(line) else {
            return Ok(Err(NotOurs::Malformed));
        };
        if checkpoint.format != FORMAT {
            return Ok(Err(NotOurs::Malformed));
        }
        let Checkpoint { seq, hash, at, decisions, .. } = &checkpoint;
        let signed = signed_bytes(*seq, hash, at, decisions);
        let signature = unhex(&checkpoint.signature).and_then(|b| Signature::from_slice(&b).ok());
        let right = signature.is_some_and(|signature| key.verify(&signed, &signature).is_ok());
        Ok(if right { Ok(checkpoint) } else { Err(NotOurs::Signature) })
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(pair).collect())?
}
