//! Versions of the rules: what was proposed, word by word, and which of it was in force when.
//!
//! A version is checked before it is stored, stored before two people agree to it, and never
//! changed. Putting an older one in force is a publication like any other.

use omamori_db::{Db, Row, Tx, sql};
use omamori_risk::engine::{RuleSet, SetRefusal};
use omamori_risk::rule::RuleFile;

use super::{InForce, STARTER};
use crate::app::App;
use crate::clock::Micros;
use crate::db::changes::{self, Subject};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// What the audit log calls the rules.
pub const SUBJECT: &str = "risk_rules";
/// Bytes of a set: with what JSON adds, the desk can send it
/// ([`crate::web::json::BODY_BYTES_MAX`]).
const TEXT_MAX: usize = 50_000;

/// Why a text may not be published.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It is not the form.
    #[error("{0}")]
    Form(#[from] toml::de::Error),
    /// One of the rules, or all together.
    #[error("{0}")]
    Set(#[from] SetRefusal),
    /// It is too long.
    #[error("longer than {TEXT_MAX} bytes")]
    TooLong,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Because(Code::RulesRefused, refused.to_string().trim().to_owned())
    }
}

/// Reads, checks and compiles a text: what every publication passes.
///
/// # Errors
/// Why not.
pub fn check(text: &str) -> Result<RuleSet, Refused> {
    if text.len() > TEXT_MAX {
        return Err(Refused::TooLong);
    }
    Ok(RuleSet::compile(RuleFile::parse(text)?.rules)?)
}

/// A version.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its number.
    pub version: i64,
    /// TOML.
    pub rules: String,
    /// What changed, and why.
    pub note: String,
    /// The version that was in force when it was written.
    pub based_on: Option<i64>,
    /// `stf_…`; empty for the starter set.
    pub created_by: String,
    /// When.
    pub created_at: Micros,
}

/// When a version came into force.
#[derive(Clone, Debug)]
pub struct Publication {
    /// Which.
    pub version: i64,
    /// `stf_…`; empty for the starter set.
    pub published_by: String,
    /// When.
    pub published_at: Micros,
}

/// Why the rules in force cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The registry.
    #[error("the registry")]
    Store(#[from] omamori_db::Error),
    /// A program of another version published what this one does not take.
    #[error("version {0} of the risk rules cannot be used by this program: {1}")]
    Rules(i64, String),
}

/// The rules in force. A registry that has none gets the starter set as version 1, if it is to.
pub(super) async fn load(
    registry: &Db,
    starter_rules: bool,
    now: Micros,
) -> Result<InForce, LoadError> {
    if let Some(found) = read(registry).await? {
        return Ok(found);
    }
    if starter_rules {
        seed(registry, now).await?;
        if let Some(found) = read(registry).await? {
            return Ok(found);
        }
    }
    Ok(InForce { version: 0, set: RuleSet::default() })
}

async fn read(registry: &Db) -> Result<Option<InForce>, LoadError> {
    let query = sql("SELECT v.version, v.rules FROM risk_publication p
         JOIN risk_version v ON v.version = p.version ORDER BY p.publication DESC LIMIT 1");
    let Some(row) = registry.optional(query).await? else { return Ok(None) };
    let version = row.int("version")?;
    let set = check(&row.text("rules")?);
    let set = set.map_err(|refused| LoadError::Rules(version, refused.to_string()))?;
    Ok(Some(InForce { version, set }))
}

/// Two nodes that start at once both try; one does.
async fn seed(registry: &Db, now: Micros) -> omamori_db::Result<()> {
    let mut tx = registry.begin().await?;
    let version = sql("INSERT INTO risk_version (version, rules, note, created_by, created_at)
         VALUES (1, $1, 'starter rules', '', $2)");
    let publication = sql("INSERT INTO risk_publication
            (publication, version, published_by, published_at) VALUES (1, 1, '', $1)");
    let first = tx.execute(version.bind(STARTER).bind(now)).await;
    let done = match first {
        Ok(_) => tx.execute(publication.bind(now)).await,
        error => error,
    };
    match done {
        Ok(_) => tx.commit().await,
        Err(omamori_db::Error::UniqueViolation) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Stores a text as a version of its own. It is not in force.
///
/// # Errors
/// It may not be published, with the reason; a fault.
pub async fn propose(app: &App, tx: &mut Tx, rules: &str, note: &str, by: &str) -> Result<i64> {
    check(rules)?;
    let newest =
        sql("SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) AS newest FROM risk_version");
    let version = tx.one(newest).await?.int("newest")? + 1;
    let insert = sql("INSERT INTO risk_version
            (version, rules, note, based_on, created_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)");
    let insert = insert.bind(version).bind(rules).bind(note);
    let insert = insert.bind(app.gate.risk().in_force().version).bind(by);
    match tx.execute(insert.bind(app.clock.now())).await {
        Ok(_) => Ok(version),
        Err(omamori_db::Error::UniqueViolation) => Err(Error::RetryAfter(Code::Busy, 1)),
        Err(error) => Err(error.into()),
    }
}

/// Puts a version in force, in the transaction of those who agreed: on every node within a second
/// of its commit. Gives the version that was in force before.
///
/// # Errors
/// [`Code::NotFound`]: there is no such version; it may not be published any more; a fault.
pub async fn publish_in(app: &App, tx: &mut Tx, version: i64, by: &str) -> Result<i64> {
    let found = sql("SELECT rules FROM risk_version WHERE version = $1").bind(version);
    let row = tx.optional(found).await?.ok_or(Code::NotFound)?;
    check(&row.text("rules")?)?;
    let last = sql("SELECT publication, version FROM risk_publication
         ORDER BY publication DESC LIMIT 1");
    let (last, before) = match tx.optional(last).await? {
        Some(row) => (row.int("publication")?, row.int("version")?),
        None => (0, 0),
    };
    let insert = sql("INSERT INTO risk_publication
            (publication, version, published_by, published_at) VALUES ($1, $2, $3, $4)");
    let insert = insert.bind(last + 1).bind(version).bind(by).bind(app.clock.now());
    match tx.execute(insert).await {
        Ok(_) => {}
        Err(omamori_db::Error::UniqueViolation) => return Err(Error::RetryAfter(Code::Busy, 1)),
        Err(error) => return Err(error.into()),
    }
    changes::note(app, tx, Subject::RiskRules).await?;
    Ok(before)
}

fn version_of(row: &Row) -> omamori_db::Result<Version> {
    Ok(Version {
        version: row.int("version")?,
        rules: row.text("rules")?,
        note: row.text("note")?,
        based_on: row.int_optional("based_on")?,
        created_by: row.text("created_by")?,
        created_at: row.int("created_at")?,
    })
}

/// A version.
///
/// # Errors
/// [`Code::NotFound`]; a fault.
pub async fn find(registry: &Db, version: i64) -> Result<Version> {
    let query = sql("SELECT version, rules, note, based_on, created_by, created_at
         FROM risk_version WHERE version = $1");
    let row = registry.optional(query.bind(version)).await?.ok_or(Code::NotFound)?;
    Ok(version_of(&row)?)
}

/// The newest versions.
///
/// # Errors
/// A fault.
pub async fn newest(registry: &Db, limit: i64) -> Result<Vec<Version>> {
    let query = sql("SELECT version, rules, note, based_on, created_by, created_at
         FROM risk_version ORDER BY version DESC LIMIT $1");
    let rows = registry.all(query.bind(limit)).await?;
    Ok(rows.iter().map(version_of).collect::<omamori_db::Result<_>>()?)
}

/// The newest publications.
///
/// # Errors
/// A fault.
pub async fn publications(registry: &Db, limit: i64) -> Result<Vec<Publication>> {
    let query = sql("SELECT version, published_by, published_at FROM risk_publication
         ORDER BY publication DESC LIMIT $1");
    let rows = registry.all(query.bind(limit)).await?;
    let read = |row: &Row| {
        Ok(Publication {
            version: row.int("version")?,
            published_by: row.text("published_by")?,
            published_at: row.int("published_at")?,
        })
    };
    Ok(rows.iter().map(read).collect::<omamori_db::Result<_>>()?)
}
