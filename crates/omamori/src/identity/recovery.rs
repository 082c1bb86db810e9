//! Recovery codes: ten, shown once, each good for one recovery.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::{Db, Tx, sql};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::customer::Customer;
use super::rate::Network;
use super::stepup::{self, Confirmed, Intent, Nothing, Risen};
use super::{devices, moves};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::Act;
use crate::notify::{Notice, tell};
use crate::rng::{Rng, random};
use crate::web::error::Result;
use crate::web::json::Json;
use crate::web::text::Text;

/// How many codes a set has.
const CODES: usize = 10;

/// Crockford's base 32: no I, L, O, U, which people misread.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 80 random bits as `XXXX-XXXX-XXXX-XXXX`.
pub(super) fn code(rng: &dyn Rng) -> String {
    let bytes: [u8; 16] = random(rng);
    let mut text = String::with_capacity(19);
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 && index % 4 == 0 {
            text.push('-');
        }
        text.push(char::from(ALPHABET[usize::from(byte & 31)]));
    }
    text
}

/// What the table keeps. A fast hash: nobody finds 80 random bits by trying.
pub(super) fn hash(code: &str) -> [u8; 32] {
    Sha256::digest(code).into()
}

/// Puts a new set in the place of the old one.
pub(super) async fn replace(
    tx: &mut Tx,
    rng: &dyn Rng,
    customer_id: &str,
    now: Micros,
) -> Result<Vec<String>> {
    let old = sql("DELETE FROM recovery_code WHERE customer_id = $1");
    tx.execute(old.bind(customer_id)).await?;
    let codes: Vec<String> = (0..CODES).map(|_| code(rng)).collect();
    for code in &codes {
        let insert = sql(
            "INSERT INTO recovery_code (code_hash, customer_id, created_at) VALUES ($1, $2, $3)",
        );
        tx.execute(insert.bind(hash(code)).bind(customer_id).bind(now)).await?;
    }
    Ok(codes)
}

/// How many codes of a customer still work.
///
/// # Errors
/// A fault if the registry fails.
pub async fn count_left(registry: &Db, customer_id: &str) -> Result<i64> {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM recovery_code
         WHERE customer_id = $1 AND used_at IS NULL");
    Ok(registry.one(query.bind(customer_id)).await?.int("n")?)
}

/// Uses a code up. False if it is none of this customer's, or was used.
pub(super) async fn use_up(
    tx: &mut Tx,
    customer_id: &str,
    code_hash: [u8; 32],
    now: Micros,
) -> Result<bool> {
    let update = sql("UPDATE recovery_code SET used_at = $1
         WHERE code_hash = $2 AND customer_id = $3 AND used_at IS NULL");
    Ok(tx.execute(update.bind(now).bind(code_hash).bind(customer_id)).await? == 1)
}

/// Whose code it is, if it was not used.
pub(super) async fn holder(registry: &Db, hash: [u8; 32]) -> Result<Option<String>> {
    let query = sql("SELECT customer_id FROM recovery_code
         WHERE code_hash = $1 AND used_at IS NULL");
    let row = registry.optional(query.bind(hash)).await?;
    Ok(row.map(|row| row.text("customer_id")).transpose()?)
}

/// The hash of a code as people type it: small letters, no hyphens, and the letters that the
/// alphabet leaves out for the digits they look like. `None` if it cannot be a code.
pub(super) fn typed(text: &str) -> Option<[u8; 32]> {
    let digit = |c: char| match c.to_ascii_uppercase() {
        'O' => Some('0'),
        'I' | 'L' => Some('1'),
        c if c.is_ascii() && ALPHABET.contains(&(c as u8)) => Some(c),
        _ => None,
    };
    let separator = |c: &char| !matches!(c, '-' | ' ' | '　' | '－' | 'ー' | '−' | '‐');
    let digits: Option<Vec<char>> = text.trim().chars().filter(separator).map(digit).collect();
    let digits = digits.filter(|digits| digits.len() == 16)?;
    let groups: Vec<String> = digits.chunks(4).map(|group| group.iter().collect()).collect();
    Some(hash(&groups.join("-")))
}

fn intent(text: Text) -> Result<Intent> {
    let words = text.t("stepup.recovery_codes").to_owned();
    Intent::new(Act::RecoveryCodesRenew, &(), words)
}

/// `POST /api/wallet/v1/recovery-codes/options`: a step-up first.
pub(super) async fn options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
) -> Result<Answer<Value>> {
    stepup::offer(&app, &customer, &intent(text)?).await
}

/// The answer: the only time that the codes are seen.
#[derive(Serialize)]
pub(super) struct Renewed {
    recovery_codes: Vec<String>,
}

/// `POST /api/wallet/v1/recovery-codes`: new codes for old ones, confirmed by step-up. Not
/// from a phone that came by a move which can still be undone today: its codes would outlive it.
pub(super) async fn renew(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request: Nothing {}, proof }): Json<Confirmed<Nothing>>,
) -> Result<Risen<Renewed>> {
    let settled = moves::settled(&app.stores.registry, &customer, app.clock.now()).await?;
    let intent = intent(text)?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, settled).await?;
    let mut tx = app.stores.registry.begin().await?;
    let codes = replace(&mut tx, app.rng.as_ref(), &customer.customer_id, app.clock.now()).await?;
    let device = devices::name(&mut tx, &customer.device_id).await?;
    let notice = Notice::RecoveryCodesRenewed { device };
    tell(&app, &mut tx, &customer.customer_id, &notice).await?;
    let risen = Risen::new(&app, &mut tx, &customer, Renewed { recovery_codes: codes }).await?;
    tx.commit().await?;
    Ok(risen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRng;

    #[test]
    fn a_code_is_sixteen_unambiguous_characters() {
        let made = code(&SystemRng);
        assert_eq!(made.len(), 19);
        assert!(made.split('-').all(|group| group.len() == 4));
        assert!(made.bytes().all(|byte| byte == b'-' || ALPHABET.contains(&byte)));
        assert_ne!(made, code(&SystemRng));
        assert_ne!(hash(&made), hash(&code(&SystemRng)));
    }

    #[test]
    fn a_code_may_be_typed_as_it_reads() {
        let kept = Some(hash("01AB-1C0D-EFGH-JKMN"));
        for way in ["01AB-1C0D-EFGH-JKMN", " 01ab1c0defghjkmn ", "oiab lcod EFGH－jkmn"] {
            assert_eq!(typed(way), kept, "{way}");
        }
        for way in ["", "01AB-1C0D-EFGH-JKM", "01AB-1C0D-EFGH-JKMNP", "U1AB-1C0D-EFGH-JKMN"] {
            assert_eq!(typed(way), None, "{way}");
        }
    }
}
