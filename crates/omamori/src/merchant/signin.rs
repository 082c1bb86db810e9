//! A merchant's person makes a passkey from an invitation, and signs in with it. There is no
//! password and no other way.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use omamori_db::sql;
use serde::Deserialize;
use serde_json::Value;
use webauthn_rs::prelude::{Passkey, PublicKeyCredential, RegisterPublicKeyCredential};

use super::access::Anyone;
use super::notice::{MerchantNotice, tell_about};
use super::session;
use crate::app::App;
use crate::gate::{Act, Question};
use crate::id::Kind;
use crate::identity::passkey::{Holder, Purpose};
use crate::secret::{Secret, token_hash};
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::json::Json;
use crate::web::text::is_hidden;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InviteOptions {
    invite: Secret,
    name: String,
}

/// The person that an invitation is for, if it is living and unused.
pub(super) struct Invited {
    merchant_user_id: String,
    pub(super) merchant_name: String,
}

pub(super) async fn invited(app: &App, invite: &str) -> Result<Option<Invited>> {
    let row = app
        .stores
        .registry
        .optional(
            sql("SELECT u.merchant_user_id, m.name FROM merchant_user u \
                 JOIN merchant m ON m.merchant_id = u.merchant_id \
                 WHERE u.invite_hash = $1 AND u.invite_expires_at > $2")
            .bind(token_hash(invite))
            .bind(app.clock.now()),
        )
        .await?;
    row.map(|row| {
        let merchant_user_id = row.text("merchant_user_id")?;
        Ok(Invited { merchant_user_id, merchant_name: row.text("name")? })
    })
    .transpose()
}

pub(super) async fn invite_options(
    State(app): State<Arc<App>>,
    Json(request): Json<InviteOptions>,
) -> Result<axum::Json<Value>> {
    let name = request.name.trim();
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(is_hidden) {
        return Err(crate::web::error::Error::field("name", "malformed"));
    }
    let invited = invited(&app, request.invite.reveal()).await?.ok_or(Code::ProofFailed)?;
    let id = Kind::MerchantUser.parse(&invited.merchant_user_id).ok_or(Code::Internal)?;
    app.stores
        .registry
        .execute(
            sql("UPDATE merchant_user SET name = $1 \
                 WHERE merchant_user_id = $2 AND passkey IS NULL")
            .bind(name)
            .bind(&invited.merchant_user_id),
        )
        .await?;
    let holder = Holder { id, name, display_name: name };
    let subject = (Purpose::MerchantEnrol, invited.merchant_user_id.as_str());
    let now = app.clock.now();
    let options = app.identity.passkeys.offer_registration(subject, holder, Vec::new(), now);
    Ok(axum::Json(options.await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InviteFinish {
    invite: Secret,
    credential: RegisterPublicKeyCredential,
}

#[derive(serde::Serialize)]
struct Person<'a> {
    merchant_user_id: &'a str,
}

pub(super) async fn invite_finish(
    State(app): State<Arc<App>>,
    Json(request): Json<InviteFinish>,
) -> Result<Response> {
    let now = app.clock.now();
    let hash = token_hash(request.invite.reveal());
    let accepted =
        app.identity.passkeys.accept_registration(Purpose::MerchantEnrol, &request.credential, now);
    let (merchant_user_id, passkey) = accepted.await?;
    let detail = Person { merchant_user_id: &merchant_user_id };
    let _recorded =
        app.gate.decide(Question::plain(Act::MerchantUserEnrol, &detail), Ok(())).await?;
    // The invitation is used up by the same statement that stores the passkey.
    let mut tx = app.stores.registry.begin().await?;
    let stored = tx
        .execute(
            sql("UPDATE merchant_user SET passkey = $1, invite_hash = NULL, \
                 invite_expires_at = NULL WHERE merchant_user_id = $2 AND invite_hash = $3 \
                 AND invite_expires_at > $4")
            .bind(serde_json::to_string(&passkey)?)
            .bind(&merchant_user_id)
            .bind(hash)
            .bind(now),
        )
        .await?;
    if stored != 1 {
        return Err(Code::ProofFailed.into());
    }
    let query = sql("SELECT merchant_id, name, role FROM merchant_user
         WHERE merchant_user_id = $1");
    let row = tx.one(query.bind(&merchant_user_id)).await?;
    let (name, role) = (row.text("name")?, session::role_of(&row.text("role")?)?);
    let about = (&*row.text("merchant_id")?, &*merchant_user_id);
    let joined = MerchantNotice::PersonJoined { name, role };
    tell_about(&app, &mut tx, about, &merchant_user_id, &joined).await?;
    tx.commit().await?;
    signed_in(&app, &merchant_user_id).await
}

pub(super) async fn signin_options(State(app): State<Arc<App>>) -> Result<axum::Json<Value>> {
    let now = app.clock.now();
    let options = app.identity.passkeys.offer_signin(Purpose::MerchantSignin, now).await?;
    Ok(axum::Json(options))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SigninFinish {
    credential: PublicKeyCredential,
}

pub(super) async fn signin_finish(
    State(app): State<Arc<App>>,
    Json(request): Json<SigninFinish>,
) -> Result<Response> {
    let now = app.clock.now();
    let answer = &request.credential;
    let passkeys = &app.identity.passkeys;
    let state = passkeys.take_signin(Purpose::MerchantSignin, answer, now).await?;
    let handle = answer.get_user_unique_id().and_then(|handle| handle.try_into().ok());
    let holder = u128::from_be_bytes(handle.ok_or(Code::ProofFailed)?);
    let merchant_user_id = Kind::MerchantUser.text(holder);
    let row = app
        .stores
        .registry
        .optional(
            sql("SELECT passkey FROM merchant_user \
                 WHERE merchant_user_id = $1 AND passkey IS NOT NULL")
            .bind(&merchant_user_id),
        )
        .await?;
    let row = row.ok_or(Code::ProofFailed)?;
    let mut passkey: Passkey = serde_json::from_str(&row.text("passkey")?)?;
    let checked = passkeys.accept_signin(answer, state, &mut passkey, holder);
    let opinion = checked.as_ref().copied().map_err(|error| error.code());
    let detail = Person { merchant_user_id: &merchant_user_id };
    let _recorded = app.gate.decide(Question::plain(Act::MerchantSignIn, &detail), opinion).await?;
    let update = sql("UPDATE merchant_user SET passkey = $1 WHERE merchant_user_id = $2");
    let update = update.bind(serde_json::to_string(&passkey)?).bind(&merchant_user_id);
    app.stores.registry.execute(update).await?;
    signed_in(&app, &merchant_user_id).await
}

async fn signed_in(app: &App, merchant_user_id: &str) -> Result<Response> {
    let mut response = StatusCode::NO_CONTENT.into_response();
    session::begin(app, merchant_user_id, &mut response).await?;
    Ok(response)
}

pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    Anyone(user): Anyone,
) -> Result<Response> {
    let mut response = StatusCode::NO_CONTENT.into_response();
    session::end(&app, &user, &mut response).await?;
    Ok(response)
}
