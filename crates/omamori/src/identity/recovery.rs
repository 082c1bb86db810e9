//! Recovery codes: ten, shown once, each good for one recovery.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::{Db, Tx, sql};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use webauthn_rs::prelude::PublicKeyCredential;

use super::customer::Customer;
use super::rate::Network;
use super::stepup::{self, ConfirmedAct};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::{Act, Question};
use crate::rng::{Rng, random};
use crate::web::error::Result;
use crate::web::json::Json;

/// How many codes a set has.
const CODES: usize = 10;

/// Crockford's base 32: no I, L, O, U, which people misread.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 80 random bits as `XXXX-XXXX-XXXX-XXXX`.
fn code(rng: &dyn Rng) -> String {
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
fn hash(code: &str) -> [u8; 32] {
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

/// `POST /api/wallet/v1/recovery-codes/options`: the passkey is asked first.
pub(super) async fn options(
    State(app): State<Arc<App>>,
    customer: Customer,
) -> Result<Answer<Value>> {
    Ok(Answer(stepup::offer(&app, &customer, ConfirmedAct::RecoveryCodesRenew).await?))
}

/// The request of [`renew`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Renew {
    credential: PublicKeyCredential,
}

/// The answer: the only time that the codes are seen.
#[derive(Serialize)]
pub(super) struct Renewed {
    recovery_codes: Vec<String>,
}

/// `POST /api/wallet/v1/recovery-codes`: new codes for old ones, confirmed with the passkey.
pub(super) async fn renew(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    Json(request): Json<Renew>,
) -> Result<Answer<Renewed>> {
    let act = ConfirmedAct::RecoveryCodesRenew;
    let confirmed = stepup::confirm(&app, &customer, act, &request.credential).await?;
    let question = Question {
        act: Act::RecoveryCodesRenew,
        customer: Some(&customer.customer_id),
        device: Some(&customer.device_id),
        terminal: None,
        amount: None,
        admission: None,
        detail: &json!({ "ip": network.address() }),
    };
    let _cleared = app.gate.decide(question, confirmed).await?;
    let mut tx = app.stores.registry.begin().await?;
    let codes = replace(&mut tx, app.rng.as_ref(), &customer.customer_id, app.clock.now()).await?;
    tx.commit().await?;
    Ok(Answer(Renewed { recovery_codes: codes }))
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
}
