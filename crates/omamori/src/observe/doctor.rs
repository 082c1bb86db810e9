//! What `omamori doctor` looks at: each finding says what to do. Nothing is changed.

use std::fmt;
use std::path::Path;

use omamori_db::{Db, Durability, Step};
use omamori_ledger::{Entry, Journal, Position};

use crate::clock::{Clock, SECOND};
use crate::config::{Card, Config, Mail, Push, Sms, Store};
use crate::db::{EVIDENCE, REGISTRY};

/// Entries at the journal's end that are read again.
const TAIL: u64 = 1_000;
/// Entries of one read.
const PAGE: usize = 256;
/// A clock that differs by more refuses right codes and proofs of customers.
const SKEW_MAX: i64 = 2 * SECOND;
/// Less room than this and the service may stop within the day.
const DISK_FAIL: u64 = 1 << 30;
/// Less than this, and somebody should order more.
const DISK_WARN: u64 = 10 << 30;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Fine,
    /// The service runs, and somebody should look.
    Warning,
    /// The service cannot run, or not safely.
    Failure,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fine => "ok",
            Self::Warning => "warn",
            Self::Failure => "FAIL",
        })
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked at.
    pub about: &'static str,
    /// What was found, and what to do about it.
    pub text: String,
}

/// Findings, as they come.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, level: Level, about: &'static str, text: impl Into<String>) {
        self.0.push(Finding { level, about, text: text.into() });
    }

    fn fine(&mut self, about: &'static str, text: impl Into<String>) {
        self.add(Level::Fine, about, text);
    }

    fn warn(&mut self, about: &'static str, text: impl Into<String>) {
        self.add(Level::Warning, about, text);
    }

    fn fail(&mut self, about: &'static str, text: impl Into<String>) {
        self.add(Level::Failure, about, text);
    }
}

/// Looks at everything that these settings name.
pub async fn examine(config: &Config, clock: &dyn Clock) -> Vec<Finding> {
    let mut found = Findings::default();
    match config.check() {
        Ok(()) => found.fine("settings", "they can be used"),
        Err(error) => found.fail("settings", format!("{error}: mend the settings file")),
    }
    key_file(&config.key_file, &mut found);
    sandboxes(config, &mut found);
    proxies(config, &mut found);
    match &config.store {
        Store::Sqlite { folder } => {
            disk(folder, &mut found);
            for (name, steps) in
                [("journal", None), ("registry", Some(REGISTRY)), ("evidence", Some(EVIDENCE))]
            {
                let file = folder.join(format!("{name}.sqlite"));
                if !file.exists() {
                    let text = format!("{} is not there: run omamori migrate", file.display());
                    found.fail("store", text);
                    continue;
                }
                let address = format!("sqlite:{}", file.display());
                store(&address, name, steps, clock, &mut found).await;
            }
        }
        Store::Postgres { address } => {
            for (name, steps) in
                [("journal", None), ("registry", Some(REGISTRY)), ("evidence", Some(EVIDENCE))]
            {
                store(address.reveal(), name, steps, clock, &mut found).await;
            }
        }
    }
    found.0
}

fn key_file(path: &Path, found: &mut Findings) {
    match crate::cli::open::read_key(path) {
        Ok(_) => found.fine("master key", format!("{} is whole and ours alone", path.display())),
        Err(error) => found.fail("master key", format!("{error}; restore it from its safe copy")),
    }
}

fn sandboxes(config: &Config, found: &mut Findings) {
    let parties = [
        ("sms", matches!(config.sms, Sms::Sandbox)),
        ("mail", matches!(config.mail, Mail::Sandbox)),
        ("push", matches!(config.push, Push::Sandbox)),
        ("card", matches!(config.card, Card::Sandbox { .. })),
    ];
    let played: Vec<&str> = parties.iter().filter(|party| party.1).map(|party| party.0).collect();
    if played.is_empty() {
        found.fine("outside parties", "none is a sandbox");
    } else {
        let text =
            format!("sandbox: {}. No customer would get anything: set adapters", played.join(", "));
        found.warn("outside parties", text);
    }
}

fn proxies(config: &Config, found: &mut Findings) {
    if !config.is_https() {
        found.warn("TLS", "public_url is not https: fit for this machine alone");
    } else if config.trusted_proxies.is_empty() {
        found.fail(
            "TLS",
            "trusted_proxies is empty, so every customer comes from the proxy's address and one \
             attacker shuts all out: name the proxy, and let it set X-Forwarded-For",
        );
    } else {
        found.fine("TLS", "the proxies in front are named");
    }
    if config.networks.is_none() {
        found.warn("networks", "no file of networks: attacks are not counted by provider");
    }
}

fn disk(folder: &Path, found: &mut Findings) {
    let Ok(room) = rustix::fs::statvfs(folder) else {
        found.fail("disk", format!("{} cannot be read", folder.display()));
        return;
    };
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let gib = free >> 30;
    let text = format!("{gib} GiB free for {}", folder.display());
    match free {
        ..DISK_FAIL => found.fail("disk", format!("{text}: make room now")),
        DISK_FAIL..DISK_WARN => found.warn("disk", format!("{text}: make room soon")),
        _ => found.fine("disk", text),
    }
}

async fn store(
    address: &str,
    name: &'static str,
    steps: Option<&[Step]>,
    clock: &dyn Clock,
    found: &mut Findings,
) {
    let db = match Db::open(address, Durability::Full).await {
        Ok(db) => db,
        Err(error) => {
            found.fail("store", format!("{name} cannot be opened ({error}): is the engine up?"));
            return;
        }
    };
    if let Some(steps) = steps {
        schema(&db, name, steps, found).await;
    } else {
        tail(&db, clock, found).await;
        skew(&db, clock, found).await;
    }
    db.close().await;
}

async fn schema(db: &Db, name: &'static str, steps: &[Step], found: &mut Findings) {
    let wanted = steps.iter().map(|step| step.version).max().unwrap_or_default();
    match db.schema_version(name).await {
        Ok(version) if version == wanted => {
            found.fine("schema", format!("{name} is at step {version}"));
        }
        Ok(version) if version > wanted => {
            let text = format!(
                "{name} is at step {version}, of a newer version than this program \
                                ({wanted}): do not start this one"
            );
            found.fail("schema", text);
        }
        Ok(version) => {
            let text = format!("{name} is at step {version} of {wanted}: run omamori migrate");
            found.fail("schema", text);
        }
        Err(_) => found.fail("schema", format!("{name} has none: run omamori migrate")),
    }
}

async fn skew(db: &Db, clock: &dyn Clock, found: &mut Findings) {
    match db.engine_clock().await {
        Ok(Some(theirs)) if (theirs - clock.now()).abs() > SKEW_MAX => {
            let seconds = (theirs - clock.now()) / SECOND;
            let text = format!(
                "PostgreSQL's clock differs from this machine's by {seconds} s: \
                                set both by NTP, or customers' codes are refused"
            );
            found.fail("clock", text);
        }
        Ok(Some(_)) => found.fine("clock", "PostgreSQL's clock and this machine's agree"),
        Ok(None) => {} // the same machine
        Err(error) => found.fail("clock", format!("PostgreSQL does not tell its time: {error}")),
    }
}

/// Reads the end of the journal again, and compares its time with the clock.
async fn tail(db: &Db, clock: &dyn Clock, found: &mut Findings) {
    if db.schema_version("journal").await.is_err() {
        found.fail("journal", "it has no schema: run omamori migrate");
        return;
    }
    let read = async {
        let journal = Journal::open(db.clone()).await.map_err(|error| error.to_string())?;
        read_tail(&journal).await.map(|count| (journal, count))
    };
    let (journal, count) = match read.await {
        Ok(read) => read,
        Err(error) => {
            let text = format!("{error}: stop the service and run omamori verify");
            found.fail("journal", text);
            return;
        }
    };
    found.fine("journal", format!("its last {count} entries are sound"));
    let Ok(head) = journal.head().await else { return };
    let ahead = head.timestamp.saturating_sub(clock.now_nanos());
    if ahead > SKEW_MAX.unsigned_abs() * 1_000 {
        let text = format!(
            "the newest entry is {} s in the future: this machine's clock was \
                            set back; set it by NTP before you start",
            ahead / 1_000_000_000
        );
        found.fail("clock", text);
    }
}

/// Checks the chain of the last entries. Returns how many.
async fn read_tail(journal: &Journal) -> Result<u64, String> {
    let plain = |error: omamori_db::Error| error.to_string();
    let head = journal.head().await.map_err(plain)?;
    let first = head.seq.saturating_sub(TAIL);
    let mut base = Position::default();
    if first > 0 {
        let before = journal.read_from(first, 1).await.map_err(plain)?;
        let before = before.first().ok_or("an entry is missing")?;
        base = Entry::decode(&before.body).map_err(|error| error.to_string())?.position();
    }
    while base.seq < head.seq {
        let page = journal.read_from(base.seq + 1, PAGE).await.map_err(plain)?;
        if page.is_empty() {
            return Err(format!("entry {} is missing", base.seq + 1));
        }
        for stored in page {
            let entry = stored.decode_after(&base).map_err(|error| error.to_string())?;
            base = entry.position();
        }
    }
    Ok(head.seq - first)
}
