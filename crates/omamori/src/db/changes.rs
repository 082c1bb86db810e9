//! Tells every node what to forget.
//!
//! Nodes keep terminals and phones in memory, because every payment asks for them. Who changes
//! one writes a row here; every node reads the rows of the last seconds, several times a second.
//! Rows are read by time with an overlap longer than a write takes to become visible, so none is
//! missed; reading one twice does no harm.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use omamori_db::{Query, Tx, sql};
use omamori_paycode::code::DeviceNumber;

use crate::app::App;
use crate::clock::SECOND;
use crate::id::Kind;
use crate::risk::rules::LoadError;
use crate::worker::ticks;

/// How often nodes look; a change is in force everywhere within a second.
const EVERY: Duration = Duration::from_millis(250);
/// How far back they look.
const OVERLAP: i64 = 15 * SECOND;
/// Nobody looks further back than [`OVERLAP`]; some more for clocks that differ.
const KEPT: i64 = 3_600 * SECOND;

const NOTICES: &str = "notices";
const CONTROLS: &str = "controls";
const RISK_RULES: &str = "risk_rules";
const OWN_LIMITS: &str = "own_limits";

/// What nodes keep in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// A terminal, by its id.
    Terminal(&'a str),
    /// A customer's phone, by its number.
    Device(DeviceNumber),
    /// The campaigns: which there are and which run.
    Campaigns,
    /// The doors that are closed.
    Controls,
    /// The risk rules in force.
    RiskRules,
    /// What a customer has set for themselves, by the account in the ledger.
    OwnLimits(u128),
    /// The notices or the sessions of a customer, by the account in the ledger: open wallets are
    /// told, and those whose session ended are closed.
    Notices(u128),
}

impl Subject<'_> {
    fn kind_and_name(self) -> (&'static str, String) {
        match self {
            Self::Terminal(terminal_id) => ("terminal", terminal_id.to_owned()),
            Self::Device(number) => ("device", number.get().to_string()),
            Self::Campaigns => ("campaigns", String::new()),
            Self::Controls => (CONTROLS, String::new()),
            Self::RiskRules => (RISK_RULES, String::new()),
            Self::OwnLimits(account) => (OWN_LIMITS, format!("{account:032x}")),
            Self::Notices(account) => (NOTICES, format!("{account:032x}")),
        }
    }
}

/// Says that it changed: here at once, on other nodes within a second.
///
/// # Errors
/// [`omamori_db::Error`].
pub async fn changed(app: &App, subject: Subject<'_>) -> omamori_db::Result<()> {
    let (kind, name) = subject.kind_and_name();
    forget(app, kind, &name);
    let [row, old] = noted(app, kind, name);
    app.stores.registry.execute(row).await?;
    app.stores.registry.execute(old).await?;
    Ok(())
}

/// Says so in the transaction of the change: on all nodes, this one too, within a second of its
/// commit.
///
/// # Errors
/// [`omamori_db::Error`].
pub async fn note(app: &App, tx: &mut Tx, subject: Subject<'_>) -> omamori_db::Result<()> {
    let (kind, name) = subject.kind_and_name();
    for statement in noted(app, kind, name) {
        tx.execute(statement).await?;
    }
    Ok(())
}

/// The row of a change, and the end of old ones.
fn noted(app: &App, kind: &str, name: String) -> [Query; 2] {
    let row = sql("INSERT INTO change_log (change_id, at, kind, subject) VALUES ($1, $2, $3, $4)")
        .bind(Kind::Request.random_text(app.rng.as_ref()))
        .bind(app.clock.now())
        .bind(kind)
        .bind(name);
    [row, sql("DELETE FROM change_log WHERE at < $1").bind(app.clock.now() - KEPT)]
}

/// Follows the changes as long as the service lives.
pub fn start(app: &Arc<App>) {
    tokio::spawn(follow(Arc::downgrade(app)));
}

async fn follow(app: Weak<App>) {
    let mut ticks = ticks(EVERY);
    let mut read = HashSet::new();
    loop {
        ticks.tick().await;
        let Some(app) = app.upgrade() else { return };
        if let Err(error) = look(&app, &mut read).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "changes not read");
        }
    }
}

/// Forgets by every row, again each time: what was loaded just before a change may have been put
/// into memory just after. Tells of notices once, by the rows that were not read last time.
async fn look(app: &App, read: &mut HashSet<String>) -> omamori_db::Result<()> {
    let since = app.clock.now() - OVERLAP;
    let rows = app
        .stores
        .registry
        .all(sql("SELECT change_id, kind, subject FROM change_log WHERE at > $1").bind(since))
        .await?;
    let mut now_read = HashSet::with_capacity(rows.len());
    let (mut doors_changed, mut rules_changed) = (false, false);
    let mut own_changed = HashSet::new();
    for row in rows {
        let change_id = row.text("change_id")?;
        let kind = row.text("kind")?;
        if kind == CONTROLS {
            doors_changed |= !read.contains(&change_id);
        } else if kind == RISK_RULES {
            rules_changed |= !read.contains(&change_id);
        } else if kind == OWN_LIMITS {
            if !read.contains(&change_id) {
                own_changed.extend(u128::from_str_radix(&row.text("subject")?, 16).ok());
            }
        } else if kind != NOTICES || !read.contains(&change_id) {
            forget(app, &kind, &row.text("subject")?);
        }
        now_read.insert(change_id);
    }
    // Before the rows count as read: if this fails, the next look tries again.
    if doors_changed {
        app.gate.controls().reload(&app.stores.registry).await?;
    }
    for account in own_changed {
        app.gate.own().reload(&app.stores.registry, account).await?;
    }
    if rules_changed && let Err(error) = app.gate.risk().reload().await {
        // Published by a program of another version: the rules before it stay in force here.
        tracing::error!(error = &error as &dyn std::error::Error, "risk rules not read");
        if let LoadError::Store(error) = error {
            return Err(error);
        }
    }
    *read = now_read;
    Ok(())
}

fn forget(app: &App, kind: &str, subject: &str) {
    match kind {
        "terminal" => app.merchants.forget_terminal(subject),
        "device" => {
            if let Some(number) = subject.parse().ok().and_then(DeviceNumber::new) {
                app.identity.forget(number);
            }
        }
        "campaigns" => app.campaigns.forget(),
        NOTICES => {
            if let Ok(account) = u128::from_str_radix(subject, 16) {
                app.live.notice(account);
            }
        }
        // Read anew by who changed it here, by `look` elsewhere.
        CONTROLS | OWN_LIMITS | RISK_RULES => {}
        _ => tracing::warn!(kind, "a change of an unknown kind"),
    }
}
