//! `/merchant/notices`: what the merchant was told, and at which address its people are told more.
//! Address and removal are confirmed with the passkey: a session that somebody else got hold of
//! silences nobody.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json as Answer, Router};
use omamori_db::sql;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::contact;
use super::kind::Topic;
use super::known;
use super::outbox::is_for;
use crate::app::App;
use crate::clock::Micros;
use crate::gate::{Act, Question};
use crate::merchant::access::Anyone;
use crate::merchant::confirm::{self, Confirmed};
use crate::merchant::{Frame, MerchantUser};
use crate::notify::Email;
use crate::secret::Secret;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::{self, as_rfc3339};
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::{Lang, Text};

/// The newest of each kind that the page shows. Kinds are counted apart, and what is about the
/// reader apart from what is about others, so that no flood pushes another notice off the page.
const SHOWN: i64 = 20;

/// The page and what its buttons ask.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/merchant/notices", get(show))
        .route("/api/merchant/v1/email", post(begin))
        .route("/api/merchant/v1/email/options", post(begin_options))
        .route("/api/merchant/v1/email/confirm", post(finish))
        .route("/api/merchant/v1/email/remove", post(remove))
        .route("/api/merchant/v1/email/remove/options", post(remove_options))
        .route("/api/merchant/v1/email/choices", post(choose))
}

struct Choice {
    topic: Topic,
    is_on: bool,
}

struct Shown {
    title: String,
    body: String,
    by_name: String,
    at: Micros,
}

#[derive(Template)]
#[template(path = "merchant_notices.html")]
struct NoticesPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    offers_email: bool,
    address: Option<String>,
    choices: Vec<Choice>,
    /// Of letters.
    letters_in: Lang,
    notices: Vec<Shown>,
}

/// `GET /merchant/notices`
async fn show(State(app): State<Arc<App>>, Anyone(user): Anyone, text: Text) -> Result<Response> {
    let address = contact::masked(&app, &user.merchant_user_id).await?;
    // Who has none yet will be written to in the language of this page.
    let letters_in = match &address {
        Some(_) => language(&app, &user).await?,
        None => text.lang,
    };
    page(&NoticesPage {
        text,
        sandbox: app.sandbox(),
        frame: Frame::new(&user, "notices"),
        offers_email: app.identity.outbox().offers_email(),
        address,
        choices: choices(&app, &user).await?,
        letters_in,
        notices: newest(&app, &user, text).await?,
    })
}

async fn choices(app: &App, user: &MerchantUser) -> Result<Vec<Choice>> {
    let query = sql("SELECT topic FROM merchant_mail_off WHERE merchant_user_id = $1");
    let rows = app.stores.registry.all(query.bind(&user.merchant_user_id)).await?;
    let off = rows.iter().map(|row| row.text("topic")).collect::<omamori_db::Result<Vec<_>>>()?;
    let mine = Topic::ALL.into_iter().filter(|topic| topic.is_for(user.role));
    let choice =
        |topic: Topic| Choice { topic, is_on: off.iter().all(|off| off != topic.as_str()) };
    Ok(mine.map(choice).collect())
}

async fn language(app: &App, user: &MerchantUser) -> Result<Lang> {
    let query = sql("SELECT language FROM merchant_user WHERE merchant_user_id = $1");
    let row = app.stores.registry.one(query.bind(&user.merchant_user_id)).await?;
    Ok(Lang::parse(&row.text("language")?).unwrap_or_default())
}

/// What the merchant was told of what this person may see.
async fn newest(app: &App, user: &MerchantUser, text: Text) -> Result<Vec<Shown>> {
    let query = sql("SELECT kind, params, by_name, at, merchant_user_id FROM
             (SELECT notice_id, kind, params, by_name, at, merchant_user_id, ROW_NUMBER() OVER
                  (PARTITION BY kind, CASE WHEN merchant_user_id = $1 THEN 1 ELSE 0 END
                   ORDER BY at DESC, notice_id) AS place
              FROM merchant_notice WHERE merchant_id = $2 OR merchant_id IS NULL) placed
         WHERE place <= $3 ORDER BY at DESC, notice_id");
    let query = query.bind(&user.merchant_user_id).bind(&user.merchant_id).bind(SHOWN);
    let rows = app.stores.registry.all(query).await?;
    let mut shown = Vec::new();
    for row in rows {
        let notice = known(&row.text("kind")?, &row.text("params")?);
        let Some(notice) = notice else { continue };
        let about = row.text_optional("merchant_user_id")?;
        let is_about_me = about.is_some_and(|about| about == user.merchant_user_id);
        if !is_about_me && !is_for(&notice, user.role) {
            continue;
        }
        let (title, body) = notice.words(text);
        shown.push(Shown { title, body, by_name: row.text("by_name")?, at: row.int("at")? });
    }
    Ok(shown)
}

/// An address, as somebody types it.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Address {
    email: String,
}

impl Address {
    fn parse(&self) -> Result<Email> {
        Email::parse(&self.email).ok_or_else(|| Error::field("email", "malformed"))
    }
}

/// `POST /api/merchant/v1/email/options`: what is wrong is said before the passkey is asked.
async fn begin_options(
    State(app): State<Arc<App>>,
    Anyone(user): Anyone,
    Json(request): Json<Address>,
) -> Result<Answer<Value>> {
    request.parse()?;
    Ok(Answer(confirm::offer(&app, &user, Act::MerchantContactChange, &request).await?))
}

/// A code is on its way to the address.
#[derive(Serialize)]
struct Begun {
    check_id: String,
    #[serde(serialize_with = "as_rfc3339")]
    expires_at: Micros,
}

/// `POST /api/merchant/v1/email`
async fn begin(
    State(app): State<Arc<App>>,
    Anyone(user): Anyone,
    text: Text,
    Json(asked): Json<Confirmed<Address>>,
) -> Result<Answer<Begun>> {
    let act = Act::MerchantContactChange;
    let email = asked.request.parse()?;
    let proved = confirm::accept(&app, &user, act, &asked.request, &asked.credential).await?;
    decide(&app, &user, "asked", proved).await?;
    let check = contact::begin(&app, &user, &email, text.lang).await?;
    Ok(Answer(Begun { check_id: check.check_id, expires_at: check.expires_at }))
}

/// The code of a letter.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Finish {
    check_id: String,
    code: Secret,
}

/// `POST /api/merchant/v1/email/confirm`
async fn finish(
    State(app): State<Arc<App>>,
    Anyone(user): Anyone,
    text: Text,
    Json(request): Json<Finish>,
) -> Result<StatusCode> {
    let Finish { check_id, code } = &request;
    let proven = match contact::prove(&app, &user, check_id, code.reveal().trim()).await {
        Ok(proven) => proven,
        Err(error) => {
            decide(&app, &user, "confirmed", Err(error.code())).await?;
            return Err(error);
        }
    };
    decide(&app, &user, "confirmed", Ok(())).await?;
    contact::set(&app, &user, &proven, text.lang).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Nothing more to say.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Remove {}

/// What the passkey signs of a removal: not what it signs of an address.
#[derive(Serialize)]
struct NoAddress {
    email: Option<String>,
}

/// `POST /api/merchant/v1/email/remove/options`
async fn remove_options(
    State(app): State<Arc<App>>,
    Anyone(user): Anyone,
    Json(_request): Json<Remove>,
) -> Result<Answer<Value>> {
    let none = NoAddress { email: None };
    Ok(Answer(confirm::offer(&app, &user, Act::MerchantContactChange, &none).await?))
}

/// `POST /api/merchant/v1/email/remove`
async fn remove(
    State(app): State<Arc<App>>,
    Anyone(user): Anyone,
    Json(asked): Json<Confirmed<Remove>>,
) -> Result<StatusCode> {
    let (act, none) = (Act::MerchantContactChange, NoAddress { email: None });
    let proved = confirm::accept(&app, &user, act, &none, &asked.credential).await?;
    decide(&app, &user, "removed", proved).await?;
    contact::remove(&app, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What somebody wants by e-mail, beside what concerns security, and in which language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choices {
    on: Vec<Topic>,
    language: String,
}

/// `POST /api/merchant/v1/email/choices`
async fn choose(
    State(app): State<Arc<App>>,
    Anyone(user): Anyone,
    Json(request): Json<Choices>,
) -> Result<StatusCode> {
    let lang = Lang::parse(&request.language);
    let lang = lang.ok_or_else(|| Error::field("language", "out_of_range"))?;
    let mut tx = contact::locked(&app, &user).await?;
    let delete = sql("DELETE FROM merchant_mail_off WHERE merchant_user_id = $1");
    tx.execute(delete.bind(&user.merchant_user_id)).await?;
    for topic in Topic::ALL.into_iter().filter(|topic| !request.on.contains(topic)) {
        // What a role is never told of is not switched off for a later role.
        if topic.is_for(user.role) {
            let insert = sql("INSERT INTO merchant_mail_off (merchant_user_id, topic)
                 VALUES ($1, $2)");
            tx.execute(insert.bind(&user.merchant_user_id).bind(topic.as_str())).await?;
        }
    }
    contact::speak(&mut tx, &user.merchant_user_id, lang).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn decide(
    app: &App,
    user: &MerchantUser,
    step: &str,
    opinion: std::result::Result<(), Code>,
) -> Result<()> {
    let detail = json!({ "merchant_user_id": user.merchant_user_id,
        "merchant_id": user.merchant_id, "step": step });
    let question = Question::plain(Act::MerchantContactChange, &detail);
    let _recorded = app.gate.decide(question, opinion).await?;
    Ok(())
}
