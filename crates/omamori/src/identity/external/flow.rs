//! One trip of one browser to an issuer and back.
//!
//! The browser gets a cookie of 256 random bits that scripts do not see; the registry keeps its
//! hash. `state`, `nonce` and the PKCE verifier are derived from it, each for its purpose. So an
//! answer of the issuer is worth something only to the browser that asked (no login CSRF, no
//! session fixation), once, and only for what it was asked for.

use axum::http::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use form_urlencoded::Serializer;
use hkdf::Hkdf;
use omamori_db::{Row, Tx, sql};
use sha2::{Digest, Sha256};

use super::provider::{Metadata, Provider};
use crate::app::App;
use crate::clock::{MINUTE, Micros, SECOND};
use crate::config::Config;
use crate::gate::Act;
use crate::rng::random;
use crate::secret::token_hash;
use crate::web::error::{Error, Result};
use crate::web::page::cookie;

/// How long a trip may take, with the code of the app at its end.
const LIFE: Micros = 10 * MINUTE;

/// What somebody set out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    SignIn,
    SignUp,
    Link,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "signin",
            Self::SignUp => "signup",
            Self::Link => "link",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::SignIn, Self::SignUp, Self::Link].into_iter().find(|this| this.as_str() == text)
    }

    /// Where it goes on: fixed, whatever the issuer says.
    pub const fn page(self) -> &'static str {
        match self {
            Self::SignIn => "/signin#external",
            Self::SignUp => "/signup#external",
            Self::Link => "/settings#external",
        }
    }

    pub const fn act(self) -> Act {
        match self {
            Self::SignIn => Act::SignIn,
            Self::SignUp => Act::SignUp,
            Self::Link => Act::ExternalLink,
        }
    }
}

/// A trip under way.
pub(super) struct Flow {
    /// What the browser holds.
    token: String,
    hash: [u8; 32],
    pub provider: String,
    pub purpose: Purpose,
    /// Who set out: a phone's key, a sign-up, or a customer's session.
    pub subject: String,
    /// Who it is to the issuer, once proven.
    pub identity: Option<[u8; 32]>,
}

/// A trip that was begun: where the browser goes, and what it takes along.
pub(super) struct Begun {
    pub address: String,
    pub cookie: HeaderValue,
}

impl Flow {
    /// Writes down that a trip begins.
    pub async fn begin(
        app: &App,
        provider: &Provider,
        metadata: &Metadata,
        (purpose, subject): (Purpose, &str),
    ) -> Result<Begun> {
        let now = app.clock.now();
        let token = URL_SAFE_NO_PAD.encode(random::<32>(app.rng.as_ref()));
        let mut tx = app.stores.registry.begin().await?;
        tx.execute(sql("DELETE FROM external_flow WHERE expires_at < $1").bind(now)).await?;
        let insert = sql("INSERT INTO external_flow (flow_hash, provider, purpose, subject, state,
                                    expires_at)
             VALUES ($1, $2, $3, $4, 'begun', $5)");
        let insert = insert.bind(token_hash(&token)).bind(&provider.settings.id);
        let insert = insert.bind(purpose.as_str()).bind(subject).bind(now + LIFE);
        tx.execute(insert).await?;
        tx.commit().await?;
        let address = address(&app.config, provider, metadata, &token);
        Ok(Begun { address, cookie: set_cookie(&app.config, &token)? })
    }

    /// The browser is back: its trip, which now cannot be returned from again. `None` if `state` is
    /// not of this browser's trip.
    pub async fn returned(
        app: &App,
        headers: &HeaderMap,
        provider: &str,
        state: &str,
    ) -> Result<Option<Self>> {
        let Some(token) = cookie(headers, cookie_name(&app.config)) else { return Ok(None) };
        let right = derived(token, "state");
        if !crate::secret::constant_time_eq(right.as_bytes(), state.as_bytes()) {
            return Ok(None);
        }
        let update = sql("UPDATE external_flow SET state = 'returned'
             WHERE flow_hash = $1 AND provider = $2 AND state = 'begun' AND expires_at > $3");
        let update = update.bind(token_hash(token)).bind(provider).bind(app.clock.now());
        if app.stores.registry.execute(update).await? != 1 {
            return Ok(None);
        }
        Self::find(app, token).await
    }

    /// The issuer has proven who it is.
    pub async fn prove(&self, app: &App, identity: [u8; 32]) -> Result<()> {
        let update = sql("UPDATE external_flow SET state = 'proven', identity_hash = $1
             WHERE flow_hash = $2 AND state = 'returned'");
        app.stores.registry.execute(update.bind(identity).bind(self.hash)).await?;
        Ok(())
    }

    /// The trip of this browser, if it has come to its end and was begun for this.
    pub async fn proven(
        app: &App,
        headers: &HeaderMap,
        purpose: Purpose,
    ) -> Result<Option<(Self, [u8; 32])>> {
        let Some(token) = cookie(headers, cookie_name(&app.config)) else { return Ok(None) };
        let flow = Self::find(app, token).await?.filter(|flow| flow.purpose == purpose);
        Ok(flow.and_then(|flow| flow.identity.map(|identity| (flow, identity))))
    }

    async fn find(app: &App, token: &str) -> Result<Option<Self>> {
        let hash = token_hash(token);
        let query = sql("SELECT provider, purpose, subject, identity_hash FROM external_flow
             WHERE flow_hash = $1 AND expires_at > $2");
        let row = app.stores.registry.optional(query.bind(hash).bind(app.clock.now())).await?;
        row.map(|row| Self::read(&row, token, hash)).transpose()
    }

    fn read(row: &Row, token: &str, hash: [u8; 32]) -> Result<Self> {
        let purpose = Purpose::parse(&row.text("purpose")?)
            .ok_or_else(|| Error::fault("a trip has no purpose"))?;
        let identity = row.bytes_optional("identity_hash")?.map(TryInto::try_into).transpose();
        Ok(Self {
            token: token.to_owned(),
            hash,
            provider: row.text("provider")?,
            purpose,
            subject: row.text("subject")?,
            identity: identity.map_err(|_| Error::fault("an identity has another length"))?,
        })
    }

    /// Uses the trip up, with the transaction of what it was for. False if it was.
    pub async fn use_up(&self, tx: &mut Tx) -> Result<bool> {
        let update = sql("UPDATE external_flow SET state = 'used'
             WHERE flow_hash = $1 AND state = 'proven'");
        Ok(tx.execute(update.bind(self.hash)).await? == 1)
    }

    pub fn nonce(&self) -> String {
        derived(&self.token, "nonce")
    }

    pub fn verifier(&self) -> String {
        derived(&self.token, "pkce")
    }
}

/// A value of 256 bits for one use of a trip (HKDF-SHA-256): it says nothing about the others.
#[expect(clippy::expect_used, reason = "HKDF-SHA-256 gives up to 8,160 bytes")]
fn derived(token: &str, purpose: &str) -> String {
    let mut bytes = [0; 32];
    let hkdf = Hkdf::<Sha256>::new(None, token.as_bytes());
    hkdf.expand(purpose.as_bytes(), &mut bytes).expect("32 bytes");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The authentication request (OpenID Connect Core §3.1.2.1) with PKCE (RFC 7636, S256).
fn address(config: &Config, provider: &Provider, metadata: &Metadata, token: &str) -> String {
    let settings = &provider.settings;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(derived(token, "pkce")));
    let scope = ["openid"].into_iter().chain(settings.scopes.iter().map(String::as_str));
    let query = Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &settings.client_id)
        .append_pair("redirect_uri", &redirect_uri(config, &settings.id))
        .append_pair("scope", &scope.collect::<Vec<_>>().join(" "))
        .append_pair("state", &derived(token, "state"))
        .append_pair("nonce", &derived(token, "nonce"))
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .finish();
    let endpoint = metadata.authorization.as_str();
    let separator = if endpoint.contains('?') { '&' } else { '?' };
    format!("{endpoint}{separator}{query}")
}

/// One for each issuer, so that an answer cannot be taken for another one's.
pub(super) fn redirect_uri(config: &Config, provider: &str) -> String {
    format!("{}/external/{provider}/callback", config.public_url)
}

fn cookie_name(config: &Config) -> &'static str {
    if config.is_https() { "__Host-omamori_external" } else { "omamori_external" }
}

/// `SameSite=Lax`: it must come along when the issuer sends the browser back.
fn set_cookie(config: &Config, token: &str) -> Result<HeaderValue> {
    let (name, seconds) = (cookie_name(config), LIFE / SECOND);
    let secure = if config.is_https() { "; Secure" } else { "" };
    let text = format!("{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).map_err(|_| Error::fault("a cookie is not ASCII"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_trip_shows_to_others_says_nothing_of_the_rest() {
        let values = ["state", "nonce", "pkce"].map(|purpose| derived("token", purpose));
        assert!(values.iter().all(|value| value.len() == 43), "RFC 7636 §4.1: at least 43");
        assert!(values[0] != values[1] && values[1] != values[2] && values[0] != values[2]);
        assert_ne!(derived("token", "state"), derived("another", "state"));
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_other_origins() {
        let https = Config { public_url: "https://pay.example.jp".into(), ..Config::default() };
        assert_eq!(
            set_cookie(&https, "x").unwrap(),
            "__Host-omamori_external=x; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"
        );
    }
}
