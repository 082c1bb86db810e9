//! Writing a notice: the row in the app, and what leaves the house.

use omamori_db::{Tx, sql};
use serde_json::Value;

use super::delivery::{Channel, Parcel, queue};
use super::notice::{Notice, fill, stamp};
use super::text::{sender, sentence};
use super::{contacts, push};
use crate::app::App;
use crate::clock::Micros;
use crate::db::changes::{self, Subject};
use crate::id::Kind;
use crate::identity::account::{self, Account};
use crate::web::error::{Error, Result};
use crate::web::text::{Lang, Text};

/// Tells a customer of a change, in the transaction of the change: both happen or neither.
/// Old contacts are told too, for seven days.
///
/// # Errors
/// A fault if the registry fails, or there is no such customer.
pub async fn tell(app: &App, tx: &mut Tx, customer_id: &str, notice: &Notice) -> Result<()> {
    tell_with(app, tx, customer_id, notice, None).await
}

/// The same, with a sentence more in what goes to numbers and addresses. It is sealed until it is
/// sent, and is in no notice of the app.
///
/// # Errors
/// As [`tell`].
pub async fn tell_with(
    app: &App,
    tx: &mut Tx,
    customer_id: &str,
    notice: &Notice,
    more: Option<&str>,
) -> Result<()> {
    let account = account::find_in(tx, customer_id).await?;
    if account.phone.as_str().is_empty() {
        return Ok(()); // the account is closed: nobody is there to be told
    }
    let now = app.clock.now();
    let (kind, params) = kept(notice)?;
    let insert = sql("INSERT INTO notice (notice_id, customer_id, kind, params, at)
         VALUES ($1, $2, $3, $4, $5)");
    let insert = insert.bind(Kind::Notice.random_text(app.rng.as_ref())).bind(customer_id);
    tx.execute(insert.bind(kind).bind(params).bind(now)).await?;
    changes::note(app, tx, Subject::Notices(account.wallet_account)).await?;
    for parcel in parcels(app, tx, &account, (notice, more), now).await? {
        queue(app, tx, customer_id, &parcel).await?;
    }
    Ok(())
}

/// Tells of what no transaction of the registry did.
///
/// # Errors
/// As [`tell`].
pub async fn tell_alone(app: &App, customer_id: &str, notice: &Notice) -> Result<()> {
    let mut tx = app.stores.registry.begin().await?;
    tell(app, &mut tx, customer_id, notice).await?;
    Ok(tx.commit().await?)
}

/// The kind and the parameters, as the table has them.
fn kept(notice: &Notice) -> Result<(String, String)> {
    let mut kept = serde_json::to_value(notice)?;
    let params = kept["params"].take().to_string();
    match kept["kind"].take() {
        Value::String(kind) => Ok((kind, params)),
        _ => Err(Error::fault("a notice has no kind")),
    }
}

/// One parcel for each address that is to be told, in the customer's language.
async fn parcels(
    app: &App,
    tx: &mut Tx,
    account: &Account,
    (notice, more): (&Notice, Option<&str>),
    now: Micros,
) -> Result<Vec<Parcel>> {
    let letter = letter(app, Text::new(account.language), (notice, more), now);
    let reached = contacts::reached(tx, account, now).await?;
    let mut parcels = Vec::new();
    for channel in notice.channels() {
        match channel {
            Channel::Sms => parcels.extend(
                reached.phones.iter().map(|to| Parcel::Sms { to: to.clone(), text: letter.sms() }),
            ),
            Channel::Email if app.identity.outbox().offers_email() => {
                parcels.extend(reached.emails.iter().map(|to| letter.email(to)));
            }
            Channel::Push if app.identity.outbox().offers_push() => {
                let phones = push::subscribed(tx, &account.customer_id, now).await?;
                parcels.extend(phones.into_iter().map(|phone| letter.push(phone)));
            }
            Channel::Email | Channel::Push => {}
        }
    }
    Ok(parcels)
}

/// What is said outside of the app.
struct Outside {
    lang: Lang,
    issuer: String,
    title: String,
    body: String,
    when: String,
    /// Of this message alone.
    more: Option<String>,
    advice: String,
    no_links: String,
}

fn letter(app: &App, text: Text, (notice, more): (&Notice, Option<&str>), now: Micros) -> Outside {
    let words = notice.words(text);
    let issuer = app.config.issuer_name.clone();
    Outside {
        lang: text.lang,
        title: words.title,
        body: words.body,
        when: fill(text.t("notice.when"), &[("at", stamp(now))]),
        more: more.map(str::to_owned),
        advice: text.t("notice.advice").to_owned(),
        no_links: fill(text.t("notice.no_links"), &[("issuer", issuer.clone())]),
        issuer,
    }
}

impl Outside {
    /// One line: a title and what follows would run together without full stops.
    fn sms(&self) -> String {
        let more = self.more.as_deref();
        let parts = [Some(&*self.title), Some(&self.body), Some(&self.when), more];
        let mut text = sender(&self.issuer, self.lang);
        for part in parts.into_iter().flatten().chain([&*self.advice]) {
            sentence(&mut text, part, self.lang);
        }
        text.trim_end().to_owned()
    }

    fn email(&self, to: &str) -> Parcel {
        let Self { lang, issuer, title, body, when, more, advice, no_links } = self;
        let more = more.as_ref().map(|more| format!("{more}\n\n")).unwrap_or_default();
        Parcel::Email {
            to: to.to_owned(),
            subject: format!("{}{title}", sender(issuer, *lang)),
            text: format!("{body}\n\n{when}\n\n{more}{advice}\n\n--\n{issuer}\n{no_links}\n"),
        }
    }

    fn push(&self, subscription_id: String) -> Parcel {
        Parcel::Push {
            subscription_id,
            title: self.title.clone(),
            body: self.body.clone(),
            path: "/notices".to_owned(),
        }
    }
}
