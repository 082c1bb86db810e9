//! A sandbox adapter: a small issuer of our own, on this machine, for the demo and for tests. It
//! asks for no password and says so. What it signs is signed in earnest (ES256), and it is as
//! strict with its client as a real one: registered redirect URI, PKCE, codes that work once.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use form_urlencoded::Serializer;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::settings::{ExternalSignIn, Name};
use crate::clock::{Clock, MINUTE, Micros, SECOND};
use crate::rng::{Rng, random};
use crate::secret::{Secret, random_key};

/// The id that the sandbox has in the settings.
pub const ID: &str = "sandbox";
const CLIENT: &str = "omamori";
const KEY: &str = "sandbox-1";
/// Requests and codes that are remembered.
const REMEMBERED_MAX: usize = 1_024;
const LIFE: Micros = 5 * MINUTE;

/// The accounts that one may pretend to have.
const ACCOUNTS: [(&str, &str, &str); 2] =
    [("a", "アカウントA", "Account A"), ("b", "アカウントB", "Account B")];

/// The issuer.
pub struct Issuer {
    /// Its identifier: the address of its own port.
    pub address: String,
    secret: String,
    redirect_uri: String,
    key: SigningKey,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    asked: Mutex<HashMap<String, Asked>>,
    codes: Mutex<HashMap<String, Granted>>,
}

/// A request that a person has not answered yet.
#[derive(Clone)]
struct Asked {
    state: String,
    nonce: String,
    challenge: String,
    until: Micros,
}

/// A code that was given out.
struct Granted {
    subject: String,
    asked: Asked,
}

/// What a client asks for (OpenID Connect Core §3.1.2.1).
#[derive(Deserialize)]
struct Authorize {
    response_type: String,
    client_id: String,
    redirect_uri: String,
    scope: String,
    state: String,
    nonce: String,
    code_challenge: String,
    code_challenge_method: String,
}

#[derive(Deserialize)]
struct Redeem {
    grant_type: String,
    code: String,
    redirect_uri: String,
    code_verifier: String,
}

impl Issuer {
    /// An issuer at `address` for the service at `service`, which is its one client.
    #[must_use]
    pub fn new(
        address: String,
        service: &str,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Arc<Self> {
        Arc::new(Self {
            address,
            secret: text(rng.as_ref()),
            redirect_uri: format!("{service}/external/{ID}/callback"),
            key: random_key(rng.as_ref()).into(),
            clock,
            rng,
            asked: Mutex::default(),
            codes: Mutex::default(),
        })
    }

    /// What the service must be told of it.
    #[must_use]
    pub fn settings(&self) -> ExternalSignIn {
        ExternalSignIn {
            id: ID.to_owned(),
            name: Name { ja: "おためしID".to_owned(), en: "Sandbox ID".to_owned() },
            issuer: self.address.clone(),
            client_id: CLIENT.to_owned(),
            client_secret: Secret::new(self.secret.clone()),
            scopes: Vec::new(),
            enabled: true,
        }
    }

    /// Its pages and endpoints.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/authorize", get(authorize))
            .route("/choose/{request}/{account}", get(choose))
            .route("/token", post(token))
            .with_state(self)
    }

    /// Signs claims as an ID token.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(KEY, claims)
    }

    /// The same, with another name for the key.
    #[must_use]
    pub fn sign_as(&self, key_id: &str, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": key_id });
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature: Signature = self.key.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// Its public key: 04 ‖ x ‖ y (SEC 1 §2.3.3).
    #[must_use]
    pub fn public_point(&self) -> Box<[u8]> {
        p256::PublicKey::from(self.key.verifying_key()).to_sec1_bytes()
    }

    /// Whether the client shows its secret (RFC 6749 §2.3.1; neither has anything to encode).
    fn knows(&self, headers: &HeaderMap) -> bool {
        let pair = STANDARD.encode(format!("{CLIENT}:{}", self.secret));
        headers.get(header::AUTHORIZATION).is_some_and(|value| *value == format!("Basic {pair}"))
    }
}

fn text(rng: &dyn Rng) -> String {
    URL_SAFE_NO_PAD.encode(random::<32>(rng))
}

/// Puts something where it is remembered for a while.
fn remember<T>(map: &Mutex<HashMap<String, T>>, key: String, value: T) {
    let mut map = map.lock();
    if map.len() >= REMEMBERED_MAX {
        map.clear(); // a sandbox may forget
    }
    map.insert(key, value);
}

async fn discovery(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", issuer.address);
    Json(json!({
        "issuer": issuer.address,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn jwks(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    let point = issuer.public_point();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    Json(json!({ "keys": [{ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": KEY,
        "x": text(&point[1..33]), "y": text(&point[33..65]) }] }))
}

async fn authorize(
    State(issuer): State<Arc<Issuer>>,
    Query(request): Query<Authorize>,
) -> Response {
    // A client or an address that is not registered is told so here and nowhere else.
    let registered = request.client_id == CLIENT && request.redirect_uri == issuer.redirect_uri;
    let sound = request.response_type == "code"
        && request.scope.split(' ').any(|scope| scope == "openid")
        && request.code_challenge_method == "S256";
    if !registered || !sound {
        return (StatusCode::BAD_REQUEST, "not a request of the registered client").into_response();
    }
    let id = text(issuer.rng.as_ref());
    let asked = Asked {
        state: request.state,
        nonce: request.nonce,
        challenge: request.code_challenge,
        until: issuer.clock.now() + LIFE,
    };
    remember(&issuer.asked, id.clone(), asked);
    page(&id).into_response()
}

/// Nothing of the request is on the page but an id that was made here.
fn page(id: &str) -> impl IntoResponse {
    let account = |(account, ja, en): &(&str, &str, &str)| {
        format!(r#"<a id="{account}" href="/choose/{id}/{account}">{ja}<small>{en}</small></a>"#)
    };
    let accounts: String = ACCOUNTS.iter().map(account).collect();
    let html = include_str!("sandbox.html").replace("{accounts}", &accounts).replace("{id}", id);
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
         frame-ancestors 'none'; form-action 'none'";
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, Html(html))
}

async fn choose(
    State(issuer): State<Arc<Issuer>>,
    Path((id, account)): Path<(String, String)>,
) -> Response {
    let asked = issuer.asked.lock().remove(&id);
    let Some(asked) = asked.filter(|asked| asked.until > issuer.clock.now()) else {
        return (StatusCode::BAD_REQUEST, "this request is over").into_response();
    };
    let mut query = Serializer::new(String::new());
    query.append_pair("state", &asked.state).append_pair("iss", &issuer.address);
    if ACCOUNTS.iter().any(|(known, ..)| *known == account) {
        let code = text(issuer.rng.as_ref());
        query.append_pair("code", &code);
        let subject = format!("sandbox-account-{account}");
        remember(&issuer.codes, code, Granted { subject, asked });
    } else {
        query.append_pair("error", "access_denied");
    }
    Redirect::to(&format!("{}?{}", issuer.redirect_uri, query.finish())).into_response()
}

async fn token(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    Form(request): Form<Redeem>,
) -> Response {
    let refuse =
        |status: StatusCode, error: &str| (status, Json(json!({ "error": error }))).into_response();
    if !issuer.knows(&headers) {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let granted = issuer.codes.lock().remove(&request.code);
    let verifier = URL_SAFE_NO_PAD.encode(Sha256::digest(&request.code_verifier));
    let now = issuer.clock.now();
    let right = |granted: &Granted| {
        request.grant_type == "authorization_code"
            && request.redirect_uri == issuer.redirect_uri
            && granted.asked.challenge == verifier
            && granted.asked.until > now
    };
    let Some(Granted { subject, asked }) = granted.filter(right) else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_grant");
    };
    let seconds = now / SECOND;
    let claims = json!({ "iss": issuer.address, "sub": subject, "aud": CLIENT,
        "nonce": asked.nonce, "iat": seconds, "exp": seconds + LIFE / SECOND });
    Json(json!({ "token_type": "Bearer", "access_token": text(issuer.rng.as_ref()),
        "expires_in": LIFE / SECOND, "id_token": issuer.sign(&claims) }))
    .into_response()
}
