//! Staff make a passkey from an invitation, and sign in with it. There is no password and no other
//! way. The invitation is typed, or comes behind the `#` of an address, which browsers keep to
//! themselves: it is in no URL that a server or a log sees.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use omamori_db::sql;
use serde::Deserialize;
use serde_json::{Value, json};
use webauthn_rs::prelude::{Passkey, PublicKeyCredential, RegisterPublicKeyCredential};

use super::access::Viewer;
use super::session;
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::gate::Act;
use crate::id::Kind;
use crate::identity::Network;
use crate::identity::passkey::{Holder, Purpose};
use crate::secret::{Secret, token_hash};
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::headers::RequestId;
use crate::web::json::Json;
use crate::web::text::Text;

#[derive(Template)]
#[template(path = "console_signin.html")]
struct SigninPage {
    text: Text,
    sandbox: bool,
}

/// All that a stranger sees of the console.
pub(super) fn page(text: Text, sandbox: bool) -> Result<Response> {
    crate::web::page::page(&SigninPage { text, sandbox })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EnrolOptions {
    invite: Secret,
}

pub(super) async fn enrol_options(
    State(app): State<Arc<App>>,
    network: Network,
    Json(request): Json<EnrolOptions>,
) -> Result<axum::Json<Value>> {
    let now = app.clock.now();
    app.console.door.check(network, now)?;
    let query = sql("SELECT staff_id, name FROM staff
         WHERE invite_hash = $1 AND invite_expires_at > $2 AND state = 'invited'");
    let query = query.bind(token_hash(request.invite.reveal().trim())).bind(now);
    let row = app.stores.registry.optional(query).await?.ok_or(Code::ProofFailed)?;
    let (staff_id, name) = (row.text("staff_id")?, row.text("name")?);
    let id = Kind::Staff.parse(&staff_id).ok_or(Code::Internal)?;
    let holder = Holder { id, name: &name, display_name: &name };
    let subject = (Purpose::StaffEnrol, staff_id.as_str());
    let options = app.identity.passkeys.offer_registration(subject, holder, Vec::new(), now);
    Ok(axum::Json(options.await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EnrolFinish {
    invite: Secret,
    credential: RegisterPublicKeyCredential,
}

pub(super) async fn enrol_finish(
    State(app): State<Arc<App>>,
    network: Network,
    axum::Extension(RequestId(request_id)): axum::Extension<RequestId>,
    Json(request): Json<EnrolFinish>,
) -> Result<Response> {
    let now = app.clock.now();
    app.console.door.check(network, now)?;
    let hash = token_hash(request.invite.reveal().trim());
    let passkeys = &app.identity.passkeys;
    let accepted = passkeys.accept_registration(Purpose::StaffEnrol, &request.credential, now);
    let (staff_id, passkey) = accepted.await?;
    let actor = Actor::staff(staff_id.clone(), Some(request_id), network.address());
    let clearance = actor.decide(&app, Act::StaffEnrol, None, &json!({}), Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    // The invitation is used up by the same statement that stores the passkey.
    let store = sql("UPDATE staff SET passkey = $1, state = 'active', invite_hash = NULL,
             invite_expires_at = NULL
         WHERE staff_id = $2 AND invite_hash = $3 AND invite_expires_at > $4
         AND state = 'invited'");
    let store = store.bind(serde_json::to_string(&passkey)?).bind(&staff_id).bind(hash).bind(now);
    if tx.execute(store).await? != 1 {
        return Err(Code::ProofFailed.into());
    }
    let cookie = session::begin(&app, &mut tx, &staff_id).await?;
    let entry = Entry {
        actor: &actor,
        act: Act::StaffEnrol,
        subject: &staff_id,
        before: json!({ "state": "invited" }),
        after: json!({ "state": "active" }),
        reason: "",
    };
    audit::commit(&app, tx, &clearance, &entry).await?;
    Ok(signed_in(cookie))
}

pub(super) async fn signin_options(
    State(app): State<Arc<App>>,
    network: Network,
) -> Result<axum::Json<Value>> {
    let now = app.clock.now();
    app.console.door.check(network, now)?;
    Ok(axum::Json(app.identity.passkeys.offer_signin(Purpose::StaffSignin, now).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SigninFinish {
    credential: PublicKeyCredential,
}

pub(super) async fn signin_finish(
    State(app): State<Arc<App>>,
    network: Network,
    axum::Extension(RequestId(request_id)): axum::Extension<RequestId>,
    Json(request): Json<SigninFinish>,
) -> Result<Response> {
    let now = app.clock.now();
    app.console.door.check(network, now)?;
    let answer = &request.credential;
    let passkeys = &app.identity.passkeys;
    let state = passkeys.take_signin(Purpose::StaffSignin, answer, now).await?;
    let handle = answer.get_user_unique_id().and_then(|handle| handle.try_into().ok());
    let holder = u128::from_be_bytes(handle.ok_or(Code::ProofFailed)?);
    let staff_id = Kind::Staff.text(holder);
    let query = sql("SELECT passkey FROM staff WHERE staff_id = $1 AND state = 'active'");
    let row = app.stores.registry.optional(query.bind(&staff_id)).await?;
    let stored = row.ok_or(Code::ProofFailed)?.text("passkey")?;
    let mut passkey: Passkey = serde_json::from_str(&stored)?;
    let checked = passkeys.accept_signin(answer, state, &mut passkey, holder);
    let opinion = checked.as_ref().copied().map_err(|error| error.code());
    let actor = Actor::staff(staff_id.clone(), Some(request_id), network.address());
    let clearance = actor.decide(&app, Act::StaffSignIn, None, &json!({}), opinion).await?;
    let mut tx = app.stores.registry.begin().await?;
    // Guarded by the passkey as it was read: of two answers at once with one counter, one counts;
    // and whoever was removed meanwhile stays out.
    let update = sql("UPDATE staff SET passkey = $1
         WHERE staff_id = $2 AND passkey = $3 AND state = 'active'");
    let update = update.bind(serde_json::to_string(&passkey)?).bind(&staff_id).bind(&stored);
    if tx.execute(update).await? != 1 {
        return Err(Code::ProofFailed.into());
    }
    let cookie = session::begin(&app, &mut tx, &staff_id).await?;
    let entry = Entry {
        actor: &actor,
        act: Act::StaffSignIn,
        subject: &staff_id,
        before: Value::Null,
        after: Value::Null,
        reason: "",
    };
    audit::commit(&app, tx, &clearance, &entry).await?;
    Ok(signed_in(cookie))
}

fn signed_in(cookie: HeaderValue) -> Response {
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
}

pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
) -> Result<Response> {
    let mut response = StatusCode::NO_CONTENT.into_response();
    session::end(&app, staff.token_hash, &mut response).await?;
    Ok(response)
}
