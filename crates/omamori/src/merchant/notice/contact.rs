//! At which e-mail address one of a merchant's people is told. It counts once it was verified with
//! a code; that it may change is for the caller to ask (the passkey).

use omamori_db::{Tx, sql};

use super::kind::MerchantNotice;
use super::tell_about;
use crate::app::App;
use crate::clock::{DAY, MINUTE, Micros};
use crate::id::Kind;
use crate::merchant::MerchantUser;
use crate::notify::{Email, Letter, Message, code_subject};
use crate::rng::random_below;
use crate::secret::constant_time_eq;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::text::Lang;

/// How long a replaced address is told of what concerns security.
pub(super) const REPLACED_LIFE: Micros = 7 * DAY;
/// NIST SP 800-63B-4 §3.1.3.2: at most ten minutes.
const CHECK_LIFE: Micros = 10 * MINUTE;
/// Wrong codes that one letter allows: a chance of 5 in a million.
const TRIES: i64 = 5;
/// Codes for one person, and to one address, in 24 hours.
const CODES_PER_DAY: i64 = 5;

/// A code is on its way.
pub(super) struct Check {
    /// `chk_…`.
    pub(super) check_id: String,
    /// Until when the code works.
    pub(super) expires_at: Micros,
}

/// The address at which a person is told, masked.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn masked(app: &App, merchant_user_id: &str) -> Result<Option<String>> {
    let query = sql("SELECT value FROM merchant_contact
         WHERE merchant_user_id = $1 AND replaced_at IS NULL");
    let row = app.stores.registry.optional(query.bind(merchant_user_id)).await?;
    row.map(|row| Ok(stored(&row.text("value")?)?.masked())).transpose()
}

/// Whether somebody is told at an address.
///
/// # Errors
/// A fault if the registry fails.
pub(in crate::merchant) async fn has_address(app: &App, user: &MerchantUser) -> Result<bool> {
    Ok(masked(app, &user.merchant_user_id).await?.is_some())
}

fn stored(value: &str) -> Result<Email> {
    Email::parse(value).ok_or(Error::fault("an address in the registry is none"))
}

/// Sends a code to an address: a few a day, but nobody who asks for codes to it keeps a person from
/// an address that was theirs. Whether others are told there already is not said. It goes out
/// directly, not through the outbox: a late code is worthless.
///
/// # Errors
/// [`Code::TooManyRequests`]; [`Code::FunctionClosed`] where no mail adapter is set; a fault.
pub(super) async fn begin(app: &App, user: &MerchantUser, to: &Email, lang: Lang) -> Result<Check> {
    let outbox = app.identity.outbox();
    if !outbox.offers_email() {
        return Err(Code::FunctionClosed.into());
    }
    let now = app.clock.now();
    let check_id = Kind::ContactCheck.random_text(app.rng.as_ref());
    let expires_at = now + CHECK_LIFE;
    let code = format!("{:06}", random_below(app.rng.as_ref(), 1_000_000));
    let sealed = app.vault.seal(app.rng.as_ref(), &code_place(&check_id), code.as_bytes());
    let mut tx = locked(app, user).await?;
    let insert = sql("INSERT INTO merchant_contact_check
             (check_id, merchant_user_id, value, code, tries, created_at, expires_at)
         SELECT $1, $2, $3, $4, CAST(0 AS BIGINT), CAST($5 AS BIGINT), CAST($6 AS BIGINT)
         WHERE (SELECT CAST(COUNT(*) AS BIGINT) FROM merchant_contact_check
                WHERE merchant_user_id = $2 AND created_at > $7) < $8
           AND ((SELECT CAST(COUNT(*) AS BIGINT) FROM merchant_contact_check
                 WHERE LOWER(value) = $9 AND created_at > $7) < $8
                OR EXISTS (SELECT 1 FROM merchant_contact
                 WHERE merchant_user_id = $2 AND LOWER(value) = $9))");
    let insert = insert.bind(&check_id).bind(&user.merchant_user_id).bind(to.as_str());
    let insert = insert.bind(sealed).bind(now).bind(expires_at);
    let insert = insert.bind(now - DAY).bind(CODES_PER_DAY);
    // To most mailboxes upper and lower case are the same.
    if tx.execute(insert.bind(to.as_str().to_ascii_lowercase())).await? != 1 {
        return Err(Error::RetryAfter(Code::TooManyRequests, 3_600));
    }
    tx.commit().await?;
    let issuer = &app.config.issuer_name;
    outbox.post_letter(Letter {
        id: check_id.clone(),
        to: to.as_str().to_owned(),
        subject: code_subject(issuer, lang),
        text: Message::ContactCode { code: &code }.text(issuer, lang),
        at: now,
    });
    Ok(Check { check_id, expires_at })
}

/// An address that this person has shown to be theirs. Only [`prove`] makes it.
pub(super) struct Proven {
    check_id: String,
    email: Email,
}

/// Checks a code.
///
/// # Errors
/// [`Code::ProofFailed`]: wrong, used, too old, or somebody else's; a fault.
pub(super) async fn prove(
    app: &App,
    user: &MerchantUser,
    check_id: &str,
    code: &str,
) -> Result<Proven> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let count = sql("UPDATE merchant_contact_check SET tries = tries + 1
         WHERE check_id = $1 AND merchant_user_id = $2 AND used_at IS NULL AND expires_at > $3
           AND tries < $4");
    let count = count.bind(check_id).bind(&user.merchant_user_id).bind(now).bind(TRIES);
    if registry.execute(count).await? != 1 {
        return Err(Code::ProofFailed.into());
    }
    let query = sql("SELECT value, code FROM merchant_contact_check WHERE check_id = $1");
    let row = registry.one(query.bind(check_id)).await?;
    let kept = app.vault.open(&code_place(check_id), &row.bytes("code")?)?;
    if !constant_time_eq(&kept, code.as_bytes()) {
        return Err(Code::ProofFailed.into());
    }
    Ok(Proven { check_id: check_id.to_owned(), email: stored(&row.text("value")?)? })
}

/// A proven address takes the place of the one before, once, and both are told. `lang` is the
/// language of letters if there was none before: who had one has chosen.
///
/// # Errors
/// [`Code::ProofFailed`]: the code was used meanwhile; a fault.
pub(super) async fn set(app: &App, user: &MerchantUser, proven: &Proven, lang: Lang) -> Result<()> {
    let (Proven { check_id, email }, now) = (proven, app.clock.now());
    let mut tx = locked(app, user).await?;
    let take = sql("UPDATE merchant_contact_check SET used_at = $1
         WHERE check_id = $2 AND used_at IS NULL");
    if tx.execute(take.bind(now).bind(check_id)).await? != 1 {
        return Err(Code::ProofFailed.into());
    }
    let is_first = end_with(&mut tx, &user.merchant_user_id, now).await? == 0;
    let insert = sql("INSERT INTO merchant_contact
             (contact_id, merchant_user_id, value, verified_at) VALUES ($1, $2, $3, $4)");
    let insert = insert.bind(Kind::Contact.random_text(app.rng.as_ref()));
    let insert = insert.bind(&user.merchant_user_id).bind(email.as_str()).bind(now);
    tx.execute(insert).await?;
    if is_first {
        speak(&mut tx, &user.merchant_user_id, lang).await?;
    }
    told(app, &mut tx, user, &MerchantNotice::AddressChanged { to: email.masked() }).await?;
    Ok(tx.commit().await?)
}

/// Nobody is told there any more; the address itself is, of that.
///
/// # Errors
/// [`Code::NotFound`]: there is none; a fault.
pub(super) async fn remove(app: &App, user: &MerchantUser) -> Result<()> {
    let mut tx = locked(app, user).await?;
    if end_with(&mut tx, &user.merchant_user_id, app.clock.now()).await? == 0 {
        return Err(Code::NotFound.into());
    }
    told(app, &mut tx, user, &MerchantNotice::AddressRemoved {}).await?;
    Ok(tx.commit().await?)
}

/// The person's address counts as replaced from now on.
///
/// # Errors
/// A fault if the registry fails.
pub(in crate::merchant) async fn end_with(
    tx: &mut Tx,
    merchant_user_id: &str,
    now: Micros,
) -> Result<u64> {
    let replace = sql("UPDATE merchant_contact SET replaced_at = $1
         WHERE merchant_user_id = $2 AND replaced_at IS NULL");
    Ok(tx.execute(replace.bind(now).bind(merchant_user_id)).await?)
}

/// In which language letters to somebody are.
pub(super) async fn speak(tx: &mut Tx, merchant_user_id: &str, lang: Lang) -> Result<()> {
    let update = sql("UPDATE merchant_user SET language = $1 WHERE merchant_user_id = $2");
    tx.execute(update.bind(lang.tag()).bind(merchant_user_id)).await?;
    Ok(())
}

async fn told(app: &App, tx: &mut Tx, user: &MerchantUser, notice: &MerchantNotice) -> Result<()> {
    let id = user.merchant_user_id.as_str();
    tell_about(app, tx, (&user.merchant_id, id), id, notice).await
}

/// A transaction in which nobody else changes this person: two requests at once are counted one
/// after the other, and who was removed meanwhile changes nothing.
pub(super) async fn locked(app: &App, user: &MerchantUser) -> Result<Tx> {
    let mut tx = app.stores.registry.begin().await?;
    let lock = sql("UPDATE merchant_user SET language = language
         WHERE merchant_user_id = $1 AND removed_at IS NULL");
    match tx.execute(lock.bind(&user.merchant_user_id)).await? {
        1 => Ok(tx),
        _ => Err(Code::Unauthorized.into()),
    }
}

fn code_place(check_id: &str) -> String {
    format!("merchant_contact_check.code/{check_id}")
}
