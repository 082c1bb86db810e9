//! What the log was, said by others than its own rows.
//!
//! The chain of hashes is no secret: whoever can write the registry can write it anew from any
//! entry on. Two witnesses cannot be rewritten with it. This process remembers the newest entry it
//! wrote or read ([`Witness`]), and every decision about an act of staff says how far that was when
//! it was made; decisions are in another store, under seals whose key no database holds. So an
//! entry stands fast from the next act on, at the latest from the next signed checkpoint.

use std::collections::HashMap;

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;

use super::chain::{Stored, hex};
use super::list::after;
use super::verify::{Problem, Report, verify};
use crate::app::App;
use crate::clock::{MINUTE, Micros};
use crate::db::Stores;
use crate::gate::evidence::{DecisionId, RETENTION, Sound, sound};
use crate::gate::seal::SealKey;
use crate::id::Kind;
use crate::web::error::Result;

/// Entries of one read, whose decisions are one query.
const PAGE: i64 = 200;
/// An act is written down so soon after its decision; clocks of two nodes differ by less.
const SLACK: Micros = 10 * MINUTE;

/// An entry by its place and its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Seen {
    seq: i64,
    /// Hexadecimal.
    hash: String,
}

/// The newest entry that this process wrote, or read in a log that was sound.
#[derive(Debug, Default)]
pub struct Witness(Mutex<Option<Seen>>);

impl Witness {
    /// An entry is there.
    pub(super) fn saw(&self, seq: i64, hash: &[u8; 32]) {
        let mut newest = self.0.lock();
        if newest.as_ref().is_none_or(|known| known.seq < seq) {
            *newest = Some(Seen { seq, hash: hex(hash) });
        }
    }

    /// The newest of them.
    pub(super) fn newest(&self) -> Option<Seen> {
        self.0.lock().clone()
    }
}

/// Verifies the log by its chain, by its decisions and by what this process remembers.
///
/// # Errors
/// A fault if a store fails.
pub async fn verify_now(app: &App) -> Result<Report> {
    let remembered = app.audit.newest();
    let mut report = verify(&app.stores.registry, &[]).await?;
    let key = SealKey::of(&app.vault);
    let against = against_decisions(&app.stores, &key, remembered.as_ref(), app.clock.now());
    let (newest, problems) = against.await?;
    report.problems.extend(problems);
    if let (Some((seq, hash)), []) = (newest, &*report.problems) {
        app.audit.saw(seq, &hash);
    }
    Ok(report)
}

/// What of the log is not as the decisions say, nor as `remembered`; and its newest entry.
pub(super) async fn against_decisions(
    stores: &Stores,
    key: &SealKey,
    remembered: Option<&Seen>,
    now: Micros,
) -> Result<(Option<(i64, [u8; 32])>, Vec<Problem>)> {
    let (mut hashes, mut problems) = (HashMap::new(), Vec::new());
    let (mut newest, mut latest) = (None, Micros::MIN);
    loop {
        let last = newest.map_or(0, |(seq, _)| seq);
        let entries = after(&stores.registry, last, PAGE).await?;
        if entries.is_empty() {
            break;
        }
        let ids: Vec<_> = entries.iter().map(decision).collect();
        let decisions = sound(&stores.evidence, key, &ids).await?;
        for (entry, decided) in entries.iter().zip(decisions) {
            if !is_as_decided(entry, &decided, now) || entry.at + SLACK < latest {
                problems.push(Problem::NotAsDecided(entry.seq));
            }
            if let Some((seq, hash)) = said(&decided)
                && hashes.get(&seq).is_none_or(|is: &[u8; 32]| hex(is) != hash)
            {
                problems.push(Problem::NotAsWitnessed(seq));
            }
            hashes.insert(entry.seq, entry.hash);
            (newest, latest) = (Some((entry.seq, entry.hash)), latest.max(entry.at));
        }
    }
    if let Some(Seen { seq, hash }) = remembered
        && hashes.get(seq).is_none_or(|is| hex(is) != *hash)
    {
        problems.push(Problem::NotAsWitnessed(*seq));
    }
    problems.dedup();
    Ok((newest, problems))
}

/// The decision that an entry names; one that cannot be if it names none.
fn decision(entry: &Stored) -> DecisionId {
    DecisionId::of(Kind::Decision.parse(&entry.decision_id).unwrap_or_default())
}

/// Whether the decision that an entry names allowed this act of this person at that time.
fn is_as_decided(entry: &Stored, decided: &Sound, now: Micros) -> bool {
    match decided {
        Sound::Is(record) => {
            let of = |value: &Value, is: &str| value.is_null() || value == is;
            let at = record["at"].as_i64().unwrap_or_default();
            record["act"] == *entry.act
                && record["verdict"] != "refuse"
                && of(&record["detail"]["actor"], &entry.actor)
                && (entry.at - at).abs() <= SLACK
        }
        Sound::Gone => true,
        Sound::Missing => entry.at < now - RETENTION,
        Sound::Broken => false,
    }
}

/// What the decision says of the log.
fn said(decided: &Sound) -> Option<(i64, &str)> {
    let Sound::Is(record) = decided else { return None };
    let log = &record["detail"]["log"];
    Some((log["seq"].as_i64()?, log["hash"].as_str()?))
}
