//! A challenge that we gave out, and its answer.
//!
//! What must be known when the answer comes lies in the registry under the challenge itself, so any
//! node can go on, and is taken out by the first answer, right or wrong.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omamori_db::{Db, sql};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::passkey::Purpose;
use crate::clock::{MINUTE, Micros};
use crate::web::codes::Code;
use crate::web::error::Result;

/// How long a person may take to answer: five minutes, as WebAuthn recommends.
const LIFE: Micros = 5 * MINUTE;

/// Gives out a challenge.
pub(super) async fn begin(
    registry: &Db,
    (purpose, subject): (Purpose, &str),
    challenge: &[u8],
    state: &impl Serialize,
    now: Micros,
) -> Result<()> {
    let mut tx = registry.begin().await?;
    tx.execute(sql("DELETE FROM ceremony WHERE expires_at < $1").bind(now)).await?;
    let insert = sql("INSERT INTO ceremony (challenge, purpose, subject, state, expires_at)
         VALUES ($1, $2, $3, $4, $5)");
    let insert = insert.bind(challenge).bind(purpose.as_str()).bind(subject);
    tx.execute(insert.bind(serde_json::to_string(state)?).bind(now + LIFE)).await?;
    Ok(tx.commit().await?)
}

/// Uses a challenge up: whom it was for, and what was kept with it.
///
/// # Errors
/// [`Code::ProofFailed`]: never given out for this purpose, too old, or used up; a fault.
pub(super) async fn take<S: DeserializeOwned>(
    registry: &Db,
    purpose: Purpose,
    challenge: &[u8],
    now: Micros,
) -> Result<(String, S)> {
    let query = sql("SELECT subject, state FROM ceremony
         WHERE challenge = $1 AND purpose = $2 AND expires_at > $3");
    let query = query.bind(challenge).bind(purpose.as_str()).bind(now);
    let row = registry.optional(query).await?.ok_or(Code::ProofFailed)?;
    let delete = sql("DELETE FROM ceremony WHERE challenge = $1").bind(challenge);
    if registry.execute(delete).await? != 1 {
        return Err(Code::ProofFailed.into()); // another answer was faster
    }
    Ok((row.text("subject")?, serde_json::from_str(&row.text("state")?)?))
}

/// Bytes as texts carry them: base64url without padding (RFC 4648 §5).
pub(super) fn to_text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes in such a text; `None` if it is none.
pub(super) fn from_text(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
