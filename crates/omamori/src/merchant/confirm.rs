//! A merchant's person confirms one act with the passkey. The challenge is bound to the session,
//! the act and its exact parameters, so an answer to one is no answer to another.

use omamori_db::sql;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use webauthn_rs::prelude::{Passkey, PublicKeyCredential};

use super::session::MerchantUser;
use crate::app::App;
use crate::audit::hex;
use crate::gate::Act;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// A request with the passkey's answer to it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmed<T> {
    /// What was shown when the challenge was asked for.
    pub request: T,
    /// The answer.
    pub credential: PublicKeyCredential,
}

/// What a challenge is bound to.
fn subject(user: &MerchantUser, act: Act, request: &impl Serialize) -> Result<String> {
    let said = serde_json::to_vec(&(act, request))?;
    Ok(format!("merchant/{}/{}", hex(&user.token_hash), hex(&Sha256::digest(said))))
}

/// The passkey of the person, as it is stored and as the library reads it.
async fn passkey(app: &App, user: &MerchantUser) -> Result<(String, Passkey)> {
    let query = sql("SELECT passkey FROM merchant_user
         WHERE merchant_user_id = $1 AND passkey IS NOT NULL AND removed_at IS NULL");
    let query = query.bind(&user.merchant_user_id);
    let row = app.stores.registry.optional(query).await?.ok_or(Code::ProofFailed)?;
    let stored = row.text("passkey")?;
    let passkey = serde_json::from_str(&stored)?;
    Ok((stored, passkey))
}

/// Options for `navigator.credentials.get()`.
///
/// # Errors
/// [`Code::ProofFailed`] of a person without a passkey; a fault.
pub async fn offer(
    app: &App,
    user: &MerchantUser,
    act: Act,
    request: &impl Serialize,
) -> Result<Value> {
    let (_, passkey) = passkey(app, user).await?;
    let subject = subject(user, act, request)?;
    app.identity.passkeys.offer_stepup(&subject, &[passkey], app.clock.now()).await
}

/// Whether the answer is the person's to just this act. It is used up, right or wrong. The caller
/// gives it to the gate as its opinion.
///
/// # Errors
/// A fault.
pub async fn accept(
    app: &App,
    user: &MerchantUser,
    act: Act,
    request: &impl Serialize,
    answer: &PublicKeyCredential,
) -> Result<Result<(), Code>> {
    let (stored, passkey) = passkey(app, user).await?;
    let mut passkeys = [passkey];
    let subject = subject(user, act, request)?;
    let now = app.clock.now();
    match app.identity.passkeys.accept_stepup(&subject, answer, &mut passkeys, now).await {
        Ok(_) => {}
        Err(Error::Refused(code)) => return Ok(Err(code)),
        Err(fault) => return Err(fault),
    }
    let used = sql("UPDATE merchant_user SET passkey = $1
         WHERE merchant_user_id = $2 AND passkey = $3 AND removed_at IS NULL");
    let used = used.bind(serde_json::to_string(&passkeys[0])?).bind(&user.merchant_user_id);
    let is_used = app.stores.registry.execute(used.bind(stored)).await? == 1;
    Ok(is_used.then_some(()).ok_or(Code::ProofFailed))
}
