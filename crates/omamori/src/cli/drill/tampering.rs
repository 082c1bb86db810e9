//! What somebody does to the audit log who has the database's password and not the master key. The
//! form of an entry is no secret: its hash is made here from the description alone.

use omamori_db::{Db, sql};
use omamori_drill::scenario::Tamper;
use sha2::{Digest, Sha256};

use crate::audit::list::{Stored, after};
use crate::web::error::Result;

/// What the changed entry says then.
const LIE: &str = "as it never was";
/// More than a drill writes.
const ALL: i64 = 10_000;

/// Changes the log; false if there is nothing to change.
///
/// # Errors
/// A fault if the registry fails.
pub async fn tamper(registry: &Db, how: Tamper) -> Result<bool> {
    let entries = after(registry, 0, ALL).await?;
    let Some(newest) = entries.last() else { return Ok(false) };
    match how {
        Tamper::Newest => {
            let change = sql("UPDATE audit_entry SET reason = $1 WHERE seq = $2");
            Ok(registry.execute(change.bind(LIE).bind(newest.seq)).await? == 1)
        }
        Tamper::Anew => {
            write_anew(registry, newest.seq - 1, |entry| entry.reason = LIE.to_owned()).await
        }
        Tamper::CutOff => {
            let mut tx = registry.begin().await?;
            let cut = sql("DELETE FROM audit_entry WHERE seq = $1").bind(newest.seq);
            let cut = tx.execute(cut).await?;
            tx.execute(sql("UPDATE audit_head SET seq = $1").bind(newest.seq - 1)).await?;
            tx.commit().await?;
            Ok(cut == 1)
        }
    }
}

/// Changes one entry and makes the chain right again, from there to its end.
///
/// # Errors
/// A fault if the registry fails.
pub async fn write_anew(registry: &Db, seq: i64, change: impl Fn(&mut Stored)) -> Result<bool> {
    let mut entries = after(registry, seq - 1, ALL).await?;
    let Some(first) = entries.first_mut().filter(|first| first.seq == seq) else {
        return Ok(false);
    };
    change(first);
    let mut previous = first.previous_hash;
    let mut tx = registry.begin().await?;
    for entry in &mut entries {
        entry.previous_hash = previous;
        entry.hash = hash(entry);
        previous = entry.hash;
        let update = sql("UPDATE audit_entry
             SET at = $1, actor = $2, reason = $3, decision_id = $4, previous_hash = $5, hash = $6
             WHERE seq = $7");
        let update = update.bind(entry.at).bind(&entry.actor).bind(&entry.reason);
        let update = update.bind(&entry.decision_id).bind(entry.previous_hash).bind(entry.hash);
        tx.execute(update.bind(entry.seq)).await?;
    }
    tx.commit().await?;
    Ok(true)
}

fn hash(entry: &Stored) -> [u8; 32] {
    let Stored { actor, act, subject, before, after, reason, decision_id, request_id, .. } = entry;
    let mut hash = Sha256::new();
    hash.update(b"omamori audit v1\0");
    hash.update(entry.previous_hash);
    hash.update(entry.seq.to_be_bytes());
    hash.update(entry.at.to_be_bytes());
    for text in [actor, act, subject, before, after, reason, decision_id, request_id] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}
