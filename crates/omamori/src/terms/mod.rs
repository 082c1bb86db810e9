//! What customers can read for ever: the terms that 法13条 and 府令22条, 23条の2 ask for, and the policy
//! on losses by an unauthorised person (GL Ⅱ-2-9-1②). Open to everybody, signed in or not: who may
//! suffer from the service need not be its customer.
//!
//! A text is a list of items, so that none of those the law names can be forgotten. A version, once
//! published, never changes: it carries a hash over all of itself and the version before.
//!
//! [`confirm`]: a customer confirms the terms before the first top-up.

pub mod confirm;
mod page;

use std::collections::BTreeMap;

use omamori_db::{Db, Error as DbError, Query, Row, sql};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use page::router;

use crate::app::App;
use crate::audit::{self, Actor, Entry, hex};
use crate::clock::Micros;
use crate::gate::Act;
use crate::web::error::{Error, Result};
use crate::web::text::Lang;

/// Which text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// What the law wants shown about the prepaid instrument.
    Terms,
    /// What is paid to whom when somebody unauthorised gave an order.
    Compensation,
}

impl Kind {
    /// As rows and addresses have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Terms => "terms",
            Self::Compensation => "compensation",
        }
    }

    /// The items that each version must have, in the order of the page.
    #[must_use]
    pub const fn items(self) -> &'static [&'static str] {
        match self {
            Self::Terms => &[
                "issuer",          // 法13条1項1号
                "amounts",         // 2号: 支払可能金額等
                "period",          // 3号, or that there is none
                "complaints",      // 4号: office and contact
                "places",          // 府令22条2項: where it can be used
                "cautions",        // the same
                "balance",         // the same: how to know it
                "agreement",       // the same: that there are terms and conditions
                "deposit_purpose", // 府令23条の2: the duty's purpose and the right of 法31条
                "deposit_way",     // the same: deposit, contract or trust, and with whom
            ],
            Self::Compensation => &[
                "cases",       // イ: which cases, whether, what, under which conditions
                "procedure",   // ロ
                "partners",    // ハ: the split with partners, and who pays the victim
                "contact",     // ニ
                "publication", // ホ: when an incident is published
            ],
        }
    }
}

/// Item to text.
type Items = BTreeMap<String, String>;

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    ja: Items,
    en: Items,
}

impl Body {
    /// The items in a language.
    #[must_use]
    pub const fn of(&self, lang: Lang) -> &Items {
        match lang {
            Lang::Ja => &self.ja,
            Lang::En => &self.en,
        }
    }

    /// What is missing, empty or unknown.
    fn check(&self, kind: Kind) -> std::result::Result<(), String> {
        for (lang, items) in [("ja", &self.ja), ("en", &self.en)] {
            let missing = kind
                .items()
                .iter()
                .find(|item| items.get(**item).is_none_or(|text| text.trim().is_empty()));
            if let Some(item) = missing {
                return Err(format!("[{lang}] has no {item}"));
            }
            let unknown = items.keys().find(|item| !kind.items().contains(&item.as_str()));
            if let Some(item) = unknown {
                return Err(format!("[{lang}] has {item}, which is no item of it"));
            }
        }
        Ok(())
    }
}

/// A version that was published.
#[derive(Clone, Debug)]
pub struct Version {
    /// From 1.
    pub version: i64,
    /// What it says.
    pub body: Body,
    /// When.
    pub published_at: Micros,
    /// Over all of it and the version before.
    pub hash: [u8; 32],
    previous_hash: [u8; 32],
    body_text: String,
}

impl Version {
    fn of(row: &Row) -> Result<Self> {
        let body_text = row.text("body")?;
        Ok(Self {
            version: row.int("version")?,
            body: serde_json::from_str(&body_text).map_err(|e| Error::Fault(Box::new(e)))?,
            published_at: row.int("published_at")?,
            hash: row.array("hash")?,
            previous_hash: row.array("previous_hash")?,
            body_text,
        })
    }

    /// Whether it is what was published.
    #[must_use]
    pub fn is_sound(&self, kind: Kind) -> bool {
        let Self { version, published_at, previous_hash, body_text, .. } = self;
        hash(kind, *version, *published_at, previous_hash, body_text) == self.hash
    }
}

fn hash(kind: Kind, version: i64, at: Micros, previous: &[u8; 32], body: &str) -> [u8; 32] {
    let head = format!("omamori-text-v1\n{}\n{version}\n{at}\n", kind.as_str());
    Sha256::new().chain_update(head).chain_update(previous).chain_update(body).finalize().into()
}

/// Why a text is not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It lacks what the law asks for.
    #[error("{0}")]
    Body(String),
    /// The file is not of the form.
    #[error("the file is not of the form")]
    Form(#[from] toml::de::Error),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] DbError),
    /// A version that is there cannot be read.
    #[error("a version that is there cannot be read")]
    Version,
    /// It could not be recorded who published it: then nothing was published.
    #[error("not published: {0}")]
    Act(String),
}

/// Publishes the next version of a text (TOML: a table a language, a string an item).
///
/// # Errors
/// See [`PublishError`]. Two at once: one of them finds its number taken.
pub async fn publish(
    registry: &Db,
    kind: Kind,
    text: &str,
    by: &str,
    now: Micros,
) -> std::result::Result<Version, PublishError> {
    let (made, insert) = next(registry, kind, text, by, now).await?;
    registry.execute(insert).await?;
    Ok(made)
}

/// The same by somebody of the operator: with an entry of the audit log, in one transaction.
///
/// # Errors
/// See [`PublishError`].
pub async fn publish_as(
    app: &App,
    actor: &Actor,
    kind: Kind,
    text: &str,
) -> std::result::Result<Version, PublishError> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let (made, insert) = next(registry, kind, text, &actor.id, now).await?;
    let about = json!({ "kind": kind.as_str(), "version": made.version, "hash": hex(&made.hash) });
    let audited = async {
        let clearance = actor.decide(app, Act::TermsPublish, None, &about, Ok(())).await?;
        let mut tx = registry.begin().await?;
        tx.execute(insert).await?;
        let entry = Entry {
            actor,
            act: Act::TermsPublish,
            subject: kind.as_str(),
            before: Value::Null,
            after: about.clone(),
            reason: "",
        };
        audit::commit(app, tx, &clearance, &entry).await
    };
    audited.await.map_err(|error| PublishError::Act(format!("{error:?}")))?;
    Ok(made)
}

/// The next version, and the row that makes it one.
async fn next(
    registry: &Db,
    kind: Kind,
    text: &str,
    by: &str,
    now: Micros,
) -> std::result::Result<(Version, Query), PublishError> {
    let body: Body = toml::from_str(text)?;
    body.check(kind).map_err(PublishError::Body)?;
    let last = versions(registry, kind).await.map_err(|_| PublishError::Version)?.pop();
    let version = last.as_ref().map_or(0, |last| last.version) + 1;
    let previous_hash = last.map_or([0; 32], |last| last.hash);
    let body_text = json!(body).to_string();
    let hash = hash(kind, version, now, &previous_hash, &body_text);
    let insert = sql("INSERT INTO published_text (kind, version, body, previous_hash, hash, \
                      published_at, published_by) VALUES ($1, $2, $3, $4, $5, $6, $7)")
    .bind(kind.as_str())
    .bind(version)
    .bind(&body_text)
    .bind(previous_hash)
    .bind(hash)
    .bind(now)
    .bind(by);
    Ok((Version { version, body, published_at: now, hash, previous_hash, body_text }, insert))
}

/// All versions of a text, oldest first.
///
/// # Errors
/// A fault if the registry fails or a row is not what was written.
pub async fn versions(registry: &Db, kind: Kind) -> Result<Vec<Version>> {
    let query = sql("SELECT version, body, previous_hash, hash, published_at FROM published_text \
                     WHERE kind = $1 ORDER BY version");
    let rows = registry.all(query.bind(kind.as_str())).await?;
    rows.iter().map(Version::of).collect()
}

/// Which version is not what was published, if there is one: its text or date was changed, or one
/// before it was changed or taken out.
///
/// # Errors
/// As [`versions`].
pub async fn broken(registry: &Db, kind: Kind) -> Result<Option<i64>> {
    let (mut previous, mut number) = ([0; 32], 0);
    for found in versions(registry, kind).await? {
        number += 1;
        let follows = found.previous_hash == previous && found.version == number;
        if !follows || !found.is_sound(kind) {
            return Ok(Some(number));
        }
        previous = found.hash;
    }
    Ok(None)
}
