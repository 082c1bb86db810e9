//! Who we are to a push service (VAPID, RFC 8292): one key of the installation, made at its first
//! use, and a token of some hours signed with it. Subscriptions are bound to the key, so whoever
//! steals them can send nothing.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omamori_db::sql;
use p256::SecretKey;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;
use tokio::sync::OnceCell;

use super::encrypt::uncompressed;
use super::endpoint::Endpoint;
use crate::app::App;
use crate::clock::{HOUR, Micros, SECOND};
use crate::config::Push as Setting;
use crate::secret::random_key;
use crate::web::error::{Error, Result};

/// RFC 8292 §2: at most 24 hours.
const TOKEN_LIFE: Micros = 12 * HOUR;
const PLACE: &str = "push_key.private_key/vapid";

/// Where a node keeps the key once it was read.
pub type KeyCell = Arc<OnceCell<SecretKey>>;

/// The key of this installation.
///
/// # Errors
/// A fault if the registry fails or the master key is another.
pub(super) async fn key(app: &App) -> Result<&SecretKey> {
    app.identity.outbox().push_key.get_or_try_init(|| read_or_make(app)).await
}

/// Two nodes that make it at once: the first row counts.
async fn read_or_make(app: &App) -> Result<SecretKey> {
    let made = random_key(app.rng.as_ref());
    let sealed = app.vault.seal(app.rng.as_ref(), PLACE, &made.to_bytes());
    let insert = sql("INSERT INTO push_key (name, private_key) VALUES ('vapid', $1)
         ON CONFLICT (name) DO NOTHING");
    app.stores.registry.execute(insert.bind(sealed)).await?;
    let query = sql("SELECT private_key FROM push_key WHERE name = 'vapid'");
    let sealed = app.stores.registry.one(query).await?.bytes("private_key")?;
    let plain = app.vault.open(PLACE, &sealed)?;
    SecretKey::from_slice(&plain).map_err(|_| Error::fault("the push key is no scalar"))
}

/// What browsers are given to subscribe with: `applicationServerKey`.
///
/// # Errors
/// As [`key`].
pub(super) async fn public_key(app: &App) -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(uncompressed(&key(app).await?.public_key())))
}

/// The `Authorization` of one request (RFC 8292 §3).
pub(super) fn authorization(key: &SecretKey, to: &Endpoint, contact: &str, now: Micros) -> String {
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(&json!({ "typ": "JWT", "alg": "ES256" }));
    let expires = (now + TOKEN_LIFE) / SECOND;
    let claims = part(&json!({ "aud": to.origin(), "exp": expires, "sub": contact }));
    let signed = format!("{header}.{claims}");
    let signature: Signature = SigningKey::from(key).sign(signed.as_bytes());
    let public = URL_SAFE_NO_PAD.encode(uncompressed(&key.public_key()));
    format!("vapid t={signed}.{}, k={public}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

/// Where a push service can reach the operator.
pub(super) fn contact(app: &App) -> &str {
    match &app.config.push {
        Setting::Web { contact } => contact,
        Setting::Sandbox | Setting::None => &app.config.public_url,
    }
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::VerifyingKey;
    use p256::ecdsa::signature::Verifier;

    use super::*;

    #[test]
    fn the_token_is_signed_and_for_one_push_service() {
        let key = SecretKey::from_slice(&[5; 32]).unwrap();
        let to = Endpoint::parse("https://push.example.net/p/JzLQ3raZJfFBR0aqvOMsLrt54w4").unwrap();
        let text = authorization(&key, &to, "mailto:ops@example.jp", 1_000 * SECOND);
        let (token, public) = text.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(public, URL_SAFE_NO_PAD.encode(uncompressed(&key.public_key())));
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let signature = Signature::from_slice(&signature).unwrap();
        let public = URL_SAFE_NO_PAD.decode(public).unwrap();
        let verifier = VerifyingKey::from_sec1_bytes(&public).unwrap();
        verifier.verify(signed.as_bytes(), &signature).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        let expected = json!({ "aud": "https://push.example.net", "exp": 44_200,
            "sub": "mailto:ops@example.jp" });
        assert_eq!(claims, expected);
    }
}
