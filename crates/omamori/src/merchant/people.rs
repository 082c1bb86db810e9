//! `/merchant/people`: who of the merchant signs in, and what each may do. The owner alone says so,
//! and confirms it with the passkey: a session that somebody else got hold of invites nobody.

use std::sync::Arc;

use askama::Template;
use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use omamori_db::{Tx, sql};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::access::{Owner, Role};
use super::confirm::{self, Confirmed};
use super::frame::Frame;
use super::notice::{MerchantNotice, end_with, tell_about};
use super::session::{MerchantUser, role_of};
use super::store::invite_as;
use crate::app::App;
use crate::clock::Micros;
use crate::gate::{Act, Question};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters;
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::{Text, is_hidden};

/// People of one merchant, those who are invited too.
const PEOPLE_MAX: usize = 200;

/// One of the merchant's people.
struct Person {
    merchant_user_id: String,
    name: String,
    role: Role,
    /// `active`, `invited` or `expired`.
    state: &'static str,
    last_signin_at: Option<Micros>,
    is_me: bool,
}

#[derive(Template)]
#[template(path = "merchant_people.html")]
struct PeoplePage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    people: Vec<Person>,
    roles: [Role; 3],
}

/// `GET /merchant/people`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Owner(user): Owner,
    text: Text,
) -> Result<Response> {
    let people = list(&app, &user).await?;
    page(&PeoplePage {
        text,
        sandbox: app.sandbox(),
        frame: Frame::new(&user, "people"),
        people,
        roles: Role::ALL,
    })
}

async fn list(app: &App, user: &MerchantUser) -> Result<Vec<Person>> {
    let query = sql("SELECT merchant_user_id, name, role, last_signin_at, invite_expires_at,
             CAST(CASE WHEN passkey IS NULL THEN 0 ELSE 1 END AS BIGINT) AS passkeys
         FROM merchant_user WHERE merchant_id = $1 AND removed_at IS NULL
         ORDER BY created_at, merchant_user_id");
    let now = app.clock.now();
    let mut people = Vec::new();
    for row in app.stores.registry.all(query.bind(&user.merchant_id)).await? {
        let merchant_user_id = row.text("merchant_user_id")?;
        let expires_at = row.int_optional("invite_expires_at")?;
        people.push(Person {
            is_me: merchant_user_id == user.merchant_user_id,
            name: row.text("name")?,
            role: role_of(&row.text("role")?)?,
            state: match row.int("passkeys")? {
                1 => "active",
                _ if expires_at.is_some_and(|at| at > now) => "invited",
                _ => "expired",
            },
            last_signin_at: row.int_optional("last_signin_at")?,
            merchant_user_id,
        });
    }
    Ok(people)
}

/// Somebody to invite.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Invite {
    name: String,
    role: Role,
}

#[derive(Serialize)]
pub(super) struct Invited {
    /// Where the person makes the passkey: shown this once, good for seven days.
    address: String,
}

/// `POST /api/merchant/v1/people/options`
pub(super) async fn invite_options(
    State(app): State<Arc<App>>,
    Owner(user): Owner,
    Json(request): Json<Invite>,
) -> Result<Answer<Value>> {
    Ok(Answer(confirm::offer(&app, &user, Act::MerchantUserInvite, &request).await?))
}

/// `POST /api/merchant/v1/people`
pub(super) async fn invite(
    State(app): State<Arc<App>>,
    Owner(user): Owner,
    Json(asked): Json<Confirmed<Invite>>,
) -> Result<Answer<Invited>> {
    let act = Act::MerchantUserInvite;
    let Invite { name, role } = &asked.request;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(is_hidden) {
        return Err(Error::field("name", "malformed"));
    }
    let proved = confirm::accept(&app, &user, act, &asked.request, &asked.credential).await?;
    let count = list(&app, &user).await?.len();
    let opinion = proved.and(if count < PEOPLE_MAX { Ok(()) } else { Err(Code::TooManyRequests) });
    decide(&app, &user, act, &json!({ "role": role }), opinion).await?;
    let by = Some(user.merchant_user_id.as_str());
    let token = invite_as(&app, &user.merchant_id, name, *role, by).await?;
    Ok(Answer(Invited { address: format!("{}/merchant?invite={token}", app.config.public_url) }))
}

/// Another role.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeRole {
    role: Role,
}

/// What the passkey signs of an act on one person.
#[derive(Serialize)]
struct About<'a> {
    merchant_user_id: &'a str,
    role: Option<Role>,
}

/// `POST /api/merchant/v1/people/{merchant_user_id}/role/options`
pub(super) async fn role_options(
    State(app): State<Arc<App>>,
    Owner(user): Owner,
    Path(id): Path<String>,
    Json(request): Json<ChangeRole>,
) -> Result<Answer<Value>> {
    let about = About { merchant_user_id: &id, role: Some(request.role) };
    Ok(Answer(confirm::offer(&app, &user, Act::MerchantUserRole, &about).await?))
}

/// `POST /api/merchant/v1/people/{merchant_user_id}/role`: from the next request of the person on.
pub(super) async fn change_role(
    State(app): State<Arc<App>>,
    Owner(user): Owner,
    Path(id): Path<String>,
    Json(asked): Json<Confirmed<ChangeRole>>,
) -> Result<StatusCode> {
    let about = About { merchant_user_id: &id, role: Some(asked.request.role) };
    let act = Act::MerchantUserRole;
    let proved = confirm::accept(&app, &user, act, &about, &asked.credential).await?;
    decide(&app, &user, act, &about, proved).await?;
    let mut tx = locked(&app, &user).await?;
    let update = sql("UPDATE merchant_user SET role = $1
         WHERE merchant_user_id = $2 AND merchant_id = $3 AND removed_at IS NULL");
    let update = update.bind(asked.request.role.as_str()).bind(&id).bind(&user.merchant_id);
    if tx.execute(update).await? != 1 {
        return Err(Code::NotFound.into());
    }
    let (name, role) = (name_of(&mut tx, &id).await?, asked.request.role);
    tell_of(&app, &mut tx, &user, &id, &MerchantNotice::PersonRole { name, role }).await?;
    commit(tx, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Nothing more to say.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Remove {}

/// `POST /api/merchant/v1/people/{merchant_user_id}/remove/options`
pub(super) async fn remove_options(
    State(app): State<Arc<App>>,
    Owner(user): Owner,
    Path(id): Path<String>,
    Json(_request): Json<Remove>,
) -> Result<Answer<Value>> {
    let about = About { merchant_user_id: &id, role: None };
    Ok(Answer(confirm::offer(&app, &user, Act::MerchantUserRemove, &about).await?))
}

/// `POST /api/merchant/v1/people/{merchant_user_id}/remove`: at once, with all sessions.
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Owner(user): Owner,
    Path(id): Path<String>,
    Json(asked): Json<Confirmed<Remove>>,
) -> Result<StatusCode> {
    let about = About { merchant_user_id: &id, role: None };
    let act = Act::MerchantUserRemove;
    let proved = confirm::accept(&app, &user, act, &about, &asked.credential).await?;
    decide(&app, &user, act, &about, proved).await?;
    let mut tx = locked(&app, &user).await?;
    let update = sql("UPDATE merchant_user SET removed_at = $1, passkey = NULL,
             invite_hash = NULL, invite_expires_at = NULL
         WHERE merchant_user_id = $2 AND merchant_id = $3 AND removed_at IS NULL");
    let update = update.bind(app.clock.now()).bind(&id).bind(&user.merchant_id);
    if tx.execute(update).await? != 1 {
        return Err(Code::NotFound.into());
    }
    let sessions = sql("DELETE FROM merchant_session WHERE merchant_user_id = $1");
    tx.execute(sessions.bind(&id)).await?;
    let name = name_of(&mut tx, &id).await?;
    tell_of(&app, &mut tx, &user, &id, &MerchantNotice::PersonRemoved { name }).await?;
    end_with(&mut tx, &id, app.clock.now()).await?;
    commit(tx, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn name_of(tx: &mut Tx, merchant_user_id: &str) -> Result<String> {
    let query = sql("SELECT name FROM merchant_user WHERE merchant_user_id = $1");
    Ok(tx.one(query.bind(merchant_user_id)).await?.text("name")?)
}

/// Tells the owners, and whom it is about.
async fn tell_of(
    app: &App,
    tx: &mut Tx,
    by: &MerchantUser,
    about: &str,
    notice: &MerchantNotice,
) -> Result<()> {
    tell_about(app, tx, (&by.merchant_id, about), &by.merchant_user_id, notice).await
}

async fn decide(
    app: &App,
    user: &MerchantUser,
    act: Act,
    about: &(impl Serialize + Sync),
    opinion: Result<(), Code>,
) -> Result<()> {
    let detail = json!({ "merchant_user_id": user.merchant_user_id,
        "merchant_id": user.merchant_id, "about": about });
    let _recorded = app.gate.decide(Question::plain(act, &detail), opinion).await?;
    Ok(())
}

/// A transaction in which nobody else changes the people of this merchant.
async fn locked(app: &App, user: &MerchantUser) -> Result<Tx> {
    let mut tx = app.stores.registry.begin().await?;
    let lock = sql("UPDATE merchant SET name = name WHERE merchant_id = $1");
    tx.execute(lock.bind(&user.merchant_id)).await?;
    Ok(tx)
}

/// Commits if an owner who can sign in is left: otherwise nobody could ever invite again.
async fn commit(mut tx: Tx, user: &MerchantUser) -> Result<()> {
    let owners = sql("SELECT CAST(COUNT(*) AS BIGINT) AS owners FROM merchant_user
         WHERE merchant_id = $1 AND role = 'owner' AND passkey IS NOT NULL
           AND removed_at IS NULL");
    if tx.one(owners.bind(&user.merchant_id)).await?.int("owners")? == 0 {
        return Err(Code::LastOwner.into());
    }
    Ok(tx.commit().await?)
}
