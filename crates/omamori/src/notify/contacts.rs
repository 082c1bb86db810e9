//! Contacts of customers: the phone number, an e-mail address, and what was replaced.
//!
//! An address counts once it was verified with a code: [`begin`] sends it, [`confirm`] makes a
//! [`Proven`], and only that can be [`set`]. A replaced address is told what happens, and serves
//! recovery, for seven days. Whether the customer may change a contact now is for the caller to
//! ask (step-up, gate); nothing here takes a session's word for it.

use omamori_db::{Db, Tx, sql};

use super::email::Email;
use super::notice::{ContactKind, Notice};
use super::text::code_subject;
use super::{Letter, Message, count_sms, tell};
use crate::app::App;
use crate::clock::{DAY, MINUTE, Micros};
use crate::id::Kind;
use crate::identity::Phone;
use crate::identity::account::{self, Account};
use crate::rng::random_below;
use crate::secret::constant_time_eq;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::text::Lang;

/// How long a replaced contact still counts for recovery and is told what happens.
pub const REPLACED_LIFE: Micros = 7 * DAY;
/// NIST SP 800-63B-4 §3.1.3.2: at most ten minutes.
const CHECK_LIFE: Micros = 10 * MINUTE;
/// Wrong codes that one message allows: a chance of 5 in a million.
const TRIES: i64 = 5;
/// Codes for one customer, and to one e-mail address, in 24 hours. SMS are counted with all others.
const CODES_PER_DAY: i64 = 5;

/// Where a customer can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contact {
    /// By SMS.
    Phone(Phone),
    /// By e-mail.
    Email(Email),
}

impl Contact {
    /// Of which kind it is.
    #[must_use]
    pub const fn kind(&self) -> ContactKind {
        match self {
            Self::Phone(_) => ContactKind::Phone,
            Self::Email(_) => ContactKind::Email,
        }
    }

    /// As it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.as_str(),
            Self::Email(email) => email.as_str(),
        }
    }

    /// With most of it hidden.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::Phone(phone) => phone.masked(),
            Self::Email(email) => email.masked(),
        }
    }

    fn stored(kind: &str, value: &str) -> Option<Self> {
        match kind {
            "phone" => Phone::parse(value).map(Self::Phone),
            _ => Email::parse(value).map(Self::Email),
        }
    }
}

/// All contacts of a customer.
#[derive(Clone, Debug)]
pub struct Contacts {
    /// The number that the account is found by.
    pub phone: Phone,
    /// The e-mail address, if there is one.
    pub email: Option<Email>,
    /// What was replaced in the last seven days, and when: good for recovery still.
    pub replaced: Vec<(Contact, Micros)>,
}

/// Reads them.
///
/// # Errors
/// A fault if the registry fails, or there is no such customer.
pub async fn of(registry: &Db, customer_id: &str, now: Micros) -> Result<Contacts> {
    let phone = account::find(registry, customer_id).await?.phone;
    let query = sql("SELECT kind, value, replaced_at FROM contact
         WHERE customer_id = $1 AND (replaced_at IS NULL OR replaced_at > $2)
         ORDER BY replaced_at DESC");
    let rows = registry.all(query.bind(customer_id).bind(now - REPLACED_LIFE)).await?;
    let mut contacts = Contacts { phone, email: None, replaced: Vec::new() };
    for row in rows {
        let contact = Contact::stored(&row.text("kind")?, &row.text("value")?);
        match (contact, row.int_optional("replaced_at")?) {
            (Some(Contact::Email(email)), None) => contacts.email = Some(email),
            (Some(contact), Some(at)) => contacts.replaced.push((contact, at)),
            _ => return Err(Error::fault("a contact in the registry is none")),
        }
    }
    Ok(contacts)
}

/// The customers whose present e-mail address this is: several may share one.
///
/// # Errors
/// A fault if the registry fails.
pub async fn holders(registry: &Db, email: &Email) -> Result<Vec<String>> {
    let query = sql("SELECT customer_id FROM contact
         WHERE value = $1 AND kind = 'email' AND replaced_at IS NULL LIMIT 20");
    let rows = registry.all(query.bind(email.as_str())).await?;
    Ok(rows.iter().map(|row| row.text("customer_id")).collect::<omamori_db::Result<_>>()?)
}

/// The addresses that are told of a change: the present ones and those of the last seven days.
pub(super) struct Reached {
    pub phones: Vec<String>,
    pub emails: Vec<String>,
}

pub(super) async fn reached(tx: &mut Tx, account: &Account, now: Micros) -> Result<Reached> {
    let query = sql("SELECT kind, value FROM contact
         WHERE customer_id = $1 AND (replaced_at IS NULL OR replaced_at > $2)");
    let query = query.bind(&account.customer_id).bind(now - REPLACED_LIFE);
    let mut reached = Reached { phones: vec![account.phone.to_string()], emails: Vec::new() };
    for row in tx.all(query).await? {
        let of_kind = match &*row.text("kind")? {
            "phone" => &mut reached.phones,
            _ => &mut reached.emails,
        };
        let value = row.text("value")?;
        if !of_kind.contains(&value) {
            of_kind.push(value);
        }
    }
    Ok(reached)
}

/// A code is on its way.
#[derive(Clone, Debug)]
pub struct Check {
    /// `chk_…`.
    pub check_id: String,
    /// Until when the code works.
    pub expires_at: Micros,
}

/// A contact that this customer has shown to be theirs. Only [`confirm`] makes it.
#[derive(Debug)]
pub struct Proven {
    customer_id: String,
    contact: Contact,
}

impl Proven {
    /// Which.
    #[must_use]
    pub const fn contact(&self) -> &Contact {
        &self.contact
    }
}

/// Sends a code to an address that is to become a contact. It goes out directly, not through the
/// outbox: a late code is worthless, and the table keeps it sealed.
///
/// # Errors
/// [`Code::TooManyRequests`]; [`Code::FunctionClosed`] for e-mail where no adapter is set; a
/// fault if the registry fails.
pub async fn begin(app: &App, customer_id: &str, contact: &Contact, lang: Lang) -> Result<Check> {
    let outbox = app.identity.outbox();
    if contact.kind() == ContactKind::Email && !outbox.offers_email() {
        return Err(Code::FunctionClosed.into());
    }
    let now = app.clock.now();
    let check_id = Kind::ContactCheck.random_text(app.rng.as_ref());
    let expires_at = now + CHECK_LIFE;
    let code = format!("{:06}", random_below(app.rng.as_ref(), 1_000_000));
    let sealed = app.vault.seal(app.rng.as_ref(), &code_place(&check_id), code.as_bytes());
    let insert = sql("INSERT INTO contact_check (check_id, customer_id, kind, value, code, tries,
                                    created_at, expires_at)
         SELECT $1, $2, $3, $4, $5, CAST(0 AS BIGINT), CAST($6 AS BIGINT), CAST($7 AS BIGINT)
         WHERE (SELECT CAST(COUNT(*) AS BIGINT) FROM contact_check
                WHERE customer_id = $2 AND created_at > $8) < $9
           AND ($3 = 'phone' OR (SELECT CAST(COUNT(*) AS BIGINT) FROM contact_check
                WHERE value = $4 AND created_at > $8) < $9)");
    let insert = insert.bind(&check_id).bind(customer_id).bind(contact.kind().as_str());
    let insert = insert.bind(contact.as_str()).bind(sealed).bind(now).bind(expires_at);
    let insert = insert.bind(now - DAY).bind(CODES_PER_DAY);
    // In a transaction, so that on SQLite two at once are counted one after the other.
    let mut tx = app.stores.registry.begin().await?;
    if tx.execute(insert).await? != 1 {
        return Err(Error::RetryAfter(Code::TooManyRequests, 3_600));
    }
    if let Contact::Phone(phone) = contact {
        count_sms(&mut tx, phone, "contact", now).await?;
    }
    tx.commit().await?;
    let issuer = &app.config.issuer_name;
    let text = Message::ContactCode { code: &code }.text(issuer, lang);
    match contact {
        Contact::Phone(phone) => outbox.post(phone.to_string(), text),
        Contact::Email(email) => outbox.post_letter(Letter {
            id: check_id.clone(),
            to: email.as_str().to_owned(),
            subject: code_subject(issuer, lang),
            text,
            at: now,
        }),
    }
    Ok(Check { check_id, expires_at })
}

/// Checks a code. Each check allows five tries, and one of several right answers at once goes on.
///
/// # Errors
/// [`Code::ProofFailed`]: wrong, used, too old, or another customer's; a fault if the registry
/// fails.
pub async fn confirm(app: &App, customer_id: &str, check_id: &str, code: &str) -> Result<Proven> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let count = sql("UPDATE contact_check SET tries = tries + 1
         WHERE check_id = $1 AND customer_id = $2 AND used_at IS NULL AND expires_at > $3
           AND tries < $4");
    let count = count.bind(check_id).bind(customer_id).bind(now).bind(TRIES);
    if registry.execute(count).await? != 1 {
        return Err(Code::ProofFailed.into());
    }
    let query = sql("SELECT kind, value, code FROM contact_check WHERE check_id = $1");
    let row = registry.one(query.bind(check_id)).await?;
    let kept = app.vault.open(&code_place(check_id), &row.bytes("code")?)?;
    if !constant_time_eq(&kept, code.as_bytes()) {
        return Err(Code::ProofFailed.into());
    }
    let take = sql("UPDATE contact_check SET used_at = $1 WHERE check_id = $2 AND used_at IS NULL");
    if registry.execute(take.bind(now).bind(check_id)).await? != 1 {
        return Err(Code::ProofFailed.into());
    }
    let contact = Contact::stored(&row.text("kind")?, &row.text("value")?);
    let contact = contact.ok_or_else(|| Error::fault("a contact in the registry is none"))?;
    Ok(Proven { customer_id: customer_id.to_owned(), contact })
}

/// Puts a proven contact in the place of the one before, and tells both.
///
/// # Errors
/// [`Code::ProofFailed`] if the number has an account already; a fault if the registry fails.
pub async fn set(app: &App, tx: &mut Tx, proven: &Proven) -> Result<()> {
    let Proven { customer_id, contact } = proven;
    let now = app.clock.now();
    let mut is_first = false;
    match contact {
        Contact::Email(email) => {
            let replace = sql("UPDATE contact SET replaced_at = $1
                 WHERE customer_id = $2 AND kind = 'email' AND replaced_at IS NULL");
            is_first = tx.execute(replace.bind(now).bind(customer_id)).await? == 0;
            insert(app, tx, customer_id, "email", email.as_str(), Some(now), None).await?;
        }
        Contact::Phone(phone) => {
            let old = account::find_in(tx, customer_id).await?.phone;
            account::set_phone(tx, customer_id, phone).await?;
            insert(app, tx, customer_id, "phone", old.as_str(), None, Some(now)).await?;
        }
    }
    let to = match contact {
        Contact::Phone(phone) => phone.into(),
        Contact::Email(email) => email.into(),
    };
    let contact = contact.kind();
    let notice = match is_first {
        true => Notice::ContactAdded { contact, to },
        false => Notice::ContactChanged { contact, to },
    };
    tell(app, tx, customer_id, &notice).await
}

async fn insert(
    app: &App,
    tx: &mut Tx,
    customer_id: &str,
    kind: &str,
    value: &str,
    verified_at: Option<Micros>,
    replaced_at: Option<Micros>,
) -> Result<()> {
    let insert =
        sql("INSERT INTO contact (contact_id, customer_id, kind, value, verified_at, replaced_at)
             VALUES ($1, $2, $3, $4, $5, $6)");
    let insert = insert.bind(Kind::Contact.random_text(app.rng.as_ref())).bind(customer_id);
    let insert = insert.bind(kind).bind(value).bind(verified_at).bind(replaced_at);
    tx.execute(insert).await?;
    Ok(())
}

fn code_place(check_id: &str) -> String {
    format!("contact_check.code/{check_id}")
}
