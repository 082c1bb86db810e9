//! One issuer: its discovery document and its keys, kept for a while, and the exchange of a code.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::{Serializer, byte_serialize};
use parking_lot::Mutex;
use serde::Deserialize;

use super::keys::Keys;
use super::reach::{Client, Endpoint, TIMEOUT, Unreached};
use super::settings::ExternalSignIn;
use super::token::{Expected, NotBelieved, believe};
use crate::clock::{HOUR, MINUTE, Micros};
use crate::web::codes::Code;

/// How long a document is good.
const FRESH: Micros = HOUR;
/// A key that is not known makes us ask for newer ones, this often: whoever sends us tokens with
/// made-up keys does not make us knock at the issuer's door.
const KEYS_AGAIN: Micros = MINUTE;

/// What came of a trip that did not end well. Its text is the word in the decision record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// No trip of this browser that is under way: begun elsewhere, too old, or over already.
    #[error("no_flow")]
    NoFlow,
    /// The person said no, over there.
    #[error("canceled")]
    Canceled,
    /// The issuer said no.
    #[error("refused_by_issuer")]
    Refused,
    /// The answer is by another issuer than the one that was asked (RFC 9207).
    #[error("mix_up")]
    MixUp,
    /// The issuer cannot be reached, or takes too long.
    #[error("unreached: {0}")]
    Unreached(#[from] Unreached),
    /// The issuer's document is not one, or not its own.
    #[error("bad_document")]
    BadDocument,
    /// The issuer does not take the code: used, made up, or another one's.
    #[error("code_refused")]
    CodeRefused,
    /// The ID token is not believed.
    #[error("id_token: {0}")]
    Token(#[from] NotBelieved),
    /// This way in is closed.
    #[error("closed")]
    Closed,
}

impl Failure {
    /// Whether trying again later may help.
    pub const fn is_theirs(self) -> bool {
        matches!(self, Self::Unreached(_) | Self::BadDocument)
    }

    pub const fn code(self) -> Code {
        match self {
            Self::Closed => Code::FunctionClosed,
            _ if self.is_theirs() => Code::Busy,
            _ => Code::ProofFailed,
        }
    }
}

/// What is used of a discovery document (OpenID Connect Discovery §3).
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default = "only_basic")]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

fn only_basic() -> Vec<String> {
    vec!["client_secret_basic".to_owned()]
}

/// The same, looked at.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    pub authorization: Endpoint,
    /// Its answers name the issuer (RFC 9207).
    pub names_issuer: bool,
    token: Endpoint,
    jwks: Endpoint,
    takes_basic: bool,
}

/// Something, and when it was fetched.
type Kept<T> = Mutex<Option<(T, Micros)>>;

/// An issuer of the settings.
pub(in crate::identity) struct Provider {
    pub(super) settings: ExternalSignIn,
    client: Client,
    metadata: Kept<Metadata>,
    keys: Kept<Keys>,
}

/// The code of one trip, and what goes with it.
pub(super) struct Exchange<'a> {
    pub code: &'a str,
    pub verifier: &'a str,
    pub redirect_uri: &'a str,
    pub nonce: &'a str,
    pub now: Micros,
}

/// What is used of a token response. The access token is not asked for and not kept.
#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

impl Provider {
    pub fn new(settings: ExternalSignIn) -> Self {
        let client = Client::new(settings.reach(), TIMEOUT);
        Self { settings, client, metadata: Mutex::default(), keys: Mutex::default() }
    }

    /// Where the issuer's endpoints are.
    pub async fn metadata(&self, now: Micros) -> Result<Metadata, Failure> {
        let kept = self.metadata.lock().clone();
        if let Some((metadata, at)) = kept
            && now - at < FRESH
        {
            return Ok(metadata);
        }
        let metadata = self.discover().await?;
        *self.metadata.lock() = Some((metadata.clone(), now));
        Ok(metadata)
    }

    async fn discover(&self) -> Result<Metadata, Failure> {
        let issuer = &self.settings.issuer;
        let reach = self.settings.reach();
        let endpoint = |text: &str| Endpoint::parse(text, reach).ok_or(Failure::BadDocument);
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let body = self.client.get(&endpoint(&address)?).await?;
        let document: Document = serde_json::from_slice(&body).map_err(|_| Failure::BadDocument)?;
        if document.issuer != *issuer {
            return Err(Failure::BadDocument); // OpenID Connect Discovery §4.3
        }
        let methods = &document.token_endpoint_auth_methods_supported;
        Ok(Metadata {
            authorization: endpoint(&document.authorization_endpoint)?,
            names_issuer: document.authorization_response_iss_parameter_supported,
            token: endpoint(&document.token_endpoint)?,
            jwks: endpoint(&document.jwks_uri)?,
            takes_basic: methods.iter().any(|method| method == "client_secret_basic"),
        })
    }

    /// The keys, fetched again if they are older than `age_max`.
    async fn keys(
        &self,
        metadata: &Metadata,
        now: Micros,
        age_max: Micros,
    ) -> Result<Keys, Failure> {
        let kept = self.keys.lock().clone();
        if let Some((keys, at)) = kept
            && now - at < age_max
        {
            return Ok(keys);
        }
        let document = self.client.get(&metadata.jwks).await?;
        let keys = Keys::parse(&document).ok_or(Failure::BadDocument)?;
        *self.keys.lock() = Some((keys.clone(), now));
        Ok(keys)
    }

    /// Gives the code for an ID token, and the token for the subject it is about.
    pub async fn redeem(
        &self,
        metadata: &Metadata,
        trip: &Exchange<'_>,
    ) -> Result<String, Failure> {
        let (form, authorization) = self.token_request(metadata, trip);
        let answer = self.client.post(&metadata.token, form, authorization).await;
        let body = answer.map_err(|error| match error {
            Unreached::Status(400..=499) => Failure::CodeRefused,
            other => other.into(),
        })?;
        let tokens: Tokens = serde_json::from_slice(&body).map_err(|_| Failure::BadDocument)?;
        let expected = Expected {
            issuer: &self.settings.issuer,
            client_id: &self.settings.client_id,
            nonce: trip.nonce,
            now: trip.now,
        };
        let keys = self.keys(metadata, trip.now, FRESH).await?;
        match believe(&tokens.id_token, &keys, &expected) {
            Err(NotBelieved::UnknownKey) => {
                let keys = self.keys(metadata, trip.now, KEYS_AGAIN).await?;
                Ok(believe(&tokens.id_token, &keys, &expected)?)
            }
            believed => Ok(believed?),
        }
    }

    /// RFC 6749 §4.1.3, with the client's secret as §2.3.1 says, and RFC 7636 §4.5.
    fn token_request(&self, metadata: &Metadata, trip: &Exchange<'_>) -> (String, Option<String>) {
        let (id, secret) = (&self.settings.client_id, self.settings.client_secret.reveal());
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", trip.code)
            .append_pair("redirect_uri", trip.redirect_uri)
            .append_pair("code_verifier", trip.verifier);
        if !metadata.takes_basic {
            form.append_pair("client_id", id).append_pair("client_secret", secret);
            return (form.finish(), None);
        }
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)));
        (form.finish(), Some(format!("Basic {pair}")))
    }
}
