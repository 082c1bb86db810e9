//! Passkeys (WebAuthn): registration and assertion, always with user verification.
//!
//! A ceremony is a challenge that we gave out and its answer; it is finished once
//! ([`super::ceremony`]).

use omamori_db::Db;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use webauthn_rs::prelude::{
    CredentialID, DiscoverableAuthentication, Passkey, PasskeyAuthentication, PasskeyRegistration,
    PublicKeyCredential, RegisterPublicKeyCredential, Url, Uuid,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use super::ceremony;
use crate::clock::Micros;
use crate::config::Config;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// What a ceremony is for. An answer to one is no answer to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A customer's first passkey.
    Signup,
    /// A customer signs in.
    Signin,
    /// A customer moves to another phone.
    Move,
    /// A customer makes a passkey at the end of a recovery.
    Recovery,
    /// A customer confirms one act with a passkey.
    Stepup,
    /// A customer confirms one act with a code of the authenticator app.
    StepupTotp,
    /// A customer adds a passkey, which an earlier one or the app has confirmed.
    PasskeyAdd,
    /// A merchant's person makes a passkey.
    MerchantEnrol,
    /// A merchant's person signs in.
    MerchantSignin,
    /// One of the operator's people makes a passkey.
    StaffEnrol,
    /// One of the operator's people signs in.
    StaffSignin,
}

impl Purpose {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Signup => "signup",
            Self::Signin => "signin",
            Self::Move => "move",
            Self::Recovery => "recovery",
            Self::Stepup => "stepup",
            Self::StepupTotp => "stepup_totp",
            Self::PasskeyAdd => "passkey_add",
            Self::MerchantEnrol => "merchant_enrol",
            Self::MerchantSignin => "merchant_signin",
            Self::StaffEnrol => "staff_enrol",
            Self::StaffSignin => "staff_signin",
        }
    }
}

/// Whom an authenticator shows a passkey for.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'a> {
    /// The user handle: the 128 bits of the person's id, which say nothing about the person.
    pub id: u128,
    /// Tells accounts of one person apart.
    pub name: &'a str,
    /// The name of the service, or of the person.
    pub display_name: &'a str,
}

/// The settings do not allow passkeys.
#[derive(Debug, thiserror::Error)]
#[error("public_url must name a host that passkeys can be bound to: a name, not an IP address")]
pub struct NoRelyingParty;

/// The relying party.
pub struct Passkeys {
    webauthn: Webauthn,
    registry: Db,
}

impl Passkeys {
    /// The relying party of `public_url`.
    ///
    /// # Errors
    /// [`NoRelyingParty`].
    pub fn new(config: &Config, registry: Db) -> Result<Self, NoRelyingParty> {
        let origin = Url::parse(&config.public_url).map_err(|_| NoRelyingParty)?;
        let id = origin.domain().ok_or(NoRelyingParty)?;
        let builder = WebauthnBuilder::new(id, &origin).map_err(|_| NoRelyingParty)?;
        let webauthn = builder.rp_name(&config.issuer_name).build().map_err(|_| NoRelyingParty)?;
        Ok(Self { webauthn, registry })
    }

    /// Options for `navigator.credentials.create()`.
    ///
    /// # Errors
    /// A fault.
    pub async fn offer_registration(
        &self,
        (purpose, subject): (Purpose, &str),
        holder: Holder<'_>,
        existing: Vec<CredentialID>,
        now: Micros,
    ) -> Result<Value> {
        let handle = Uuid::from_u128(holder.id);
        let (options, state) = self
            .webauthn
            .start_passkey_registration(handle, holder.name, holder.display_name, Some(existing))
            .map_err(fault)?;
        self.begin((purpose, subject), &options.public_key.challenge, &state, now).await?;
        let mut options = serde_json::to_value(options)?;
        // The library leaves it to the authenticator whether the passkey can be found without a
        // user name. Ours must: sign-in asks for none.
        options["publicKey"]["authenticatorSelection"]["residentKey"] = json!("required");
        options["publicKey"]["authenticatorSelection"]["requireResidentKey"] = json!(true);
        Ok(options)
    }

    /// The passkey that answers [`Self::offer_registration`], and the subject it was offered to.
    ///
    /// # Errors
    /// [`Code::ProofFailed`], or a fault.
    pub async fn accept_registration(
        &self,
        purpose: Purpose,
        answer: &RegisterPublicKeyCredential,
        now: Micros,
    ) -> Result<(String, Passkey)> {
        let (subject, state): (_, PasskeyRegistration) =
            self.take(purpose, &answer.response.client_data_json, now).await?;
        // A hint of the browser, not signed: it saves a person from a passkey that sign-in would
        // not find.
        if answer.extensions.cred_props.as_ref().and_then(|props| props.rk) == Some(false) {
            return Err(Code::ProofFailed.into());
        }
        let passkey = self
            .webauthn
            .finish_passkey_registration(answer, &state)
            .map_err(|error| refused(&error))?;
        Ok((subject, passkey))
    }

    /// Options for `navigator.credentials.get()` by someone we do not know yet.
    ///
    /// # Errors
    /// A fault.
    pub async fn offer_signin(&self, purpose: Purpose, now: Micros) -> Result<Value> {
        let (mut options, state) =
            self.webauthn.start_discoverable_authentication().map_err(fault)?;
        options.mediation = None; // the page asks at once, not from within a form field
        self.begin((purpose, ""), &options.public_key.challenge, &state, now).await?;
        Ok(serde_json::to_value(options)?)
    }

    /// The state behind an answer to [`Self::offer_signin`]: it is used up, right or wrong.
    ///
    /// # Errors
    /// [`Code::ProofFailed`], or a fault.
    pub async fn take_signin(
        &self,
        purpose: Purpose,
        answer: &PublicKeyCredential,
        now: Micros,
    ) -> Result<DiscoverableAuthentication> {
        let (_, state) = self.take(purpose, &answer.response.client_data_json, now).await?;
        Ok(state)
    }

    /// Checks the answer against the passkey that it names, of the person `holder`, and brings
    /// the passkey's counter up to date. The caller stores it.
    ///
    /// # Errors
    /// [`Code::ProofFailed`]: wrong signature, not verified by the user, a counter that went
    /// back, another person's handle.
    pub fn accept_signin(
        &self,
        answer: &PublicKeyCredential,
        state: DiscoverableAuthentication,
        passkey: &mut Passkey,
        holder: u128,
    ) -> Result<()> {
        if answer.get_user_unique_id() != Some(&holder.to_be_bytes()) {
            return Err(Code::ProofFailed.into());
        }
        let result = self
            .webauthn
            .finish_discoverable_authentication_v2(answer, state, &*passkey)
            .map_err(|error| refused(&error))?;
        passkey.update_credential(&result);
        Ok(())
    }

    /// Options for `navigator.credentials.get()` by a person with these passkeys.
    ///
    /// # Errors
    /// A fault.
    pub async fn offer_stepup(
        &self,
        subject: &str,
        passkeys: &[Passkey],
        now: Micros,
    ) -> Result<Value> {
        let (options, state) =
            self.webauthn.start_passkey_authentication(passkeys).map_err(fault)?;
        let challenge = &options.public_key.challenge;
        self.begin((Purpose::Stepup, subject), challenge, &state, now).await?;
        Ok(serde_json::to_value(options)?)
    }

    /// Checks an answer to [`Self::offer_stepup`] and brings the counter of the passkey up to
    /// date. The caller stores it.
    ///
    /// # Errors
    /// [`Code::ProofFailed`], or a fault.
    pub async fn accept_stepup(
        &self,
        subject: &str,
        answer: &PublicKeyCredential,
        passkeys: &mut [Passkey],
        now: Micros,
    ) -> Result<usize> {
        let (offered_to, state): (String, PasskeyAuthentication) =
            self.take(Purpose::Stepup, &answer.response.client_data_json, now).await?;
        if offered_to != subject {
            return Err(Code::ProofFailed.into());
        }
        let result = self
            .webauthn
            .finish_passkey_authentication(answer, &state)
            .map_err(|error| refused(&error))?;
        let used = passkeys.iter_mut().position(|p| p.update_credential(&result).is_some());
        used.ok_or_else(|| Code::ProofFailed.into())
    }

    async fn begin(
        &self,
        offered: (Purpose, &str),
        challenge: &[u8],
        state: &impl Serialize,
        now: Micros,
    ) -> Result<()> {
        ceremony::begin(&self.registry, offered, challenge, state, now).await
    }

    async fn take<S: DeserializeOwned>(
        &self,
        purpose: Purpose,
        client_data: &[u8],
        now: Micros,
    ) -> Result<(String, S)> {
        let challenge = challenge_in(client_data).ok_or(Code::ProofFailed)?;
        ceremony::take(&self.registry, purpose, &challenge, now).await
    }
}

/// The challenge that an answer is for (CollectedClientData, WebAuthn §5.8.1). It only finds the
/// ceremony: the library checks the signed bytes against the challenge we kept.
fn challenge_in(client_data: &[u8]) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    struct ClientData {
        challenge: String,
    }
    let data: ClientData = serde_json::from_slice(client_data).ok()?;
    ceremony::from_text(&data.challenge)
}

fn fault(error: webauthn_rs::prelude::WebauthnError) -> Error {
    Error::Fault(Box::new(error))
}

fn refused(error: &webauthn_rs::prelude::WebauthnError) -> Error {
    tracing::debug!(%error, "an answer of a passkey was refused");
    Code::ProofFailed.into()
}
