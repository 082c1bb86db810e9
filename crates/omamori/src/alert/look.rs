//! The conditions that every node looks at.

use omamori_db::sql;

use super::kind::Kind;
use crate::app::App;
use crate::clock::{HOUR, MINUTE};
use crate::web::error::Result;

/// Something that is wrong now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What.
    pub kind: Kind,
    /// About what: an id or a word of ours, never a person's.
    pub subject: String,
    /// How much.
    pub figure: i64,
    /// What was passed.
    pub threshold: i64,
}

impl Seen {
    fn new(kind: Kind, subject: impl Into<String>, figure: i64, threshold: i64) -> Self {
        Self { kind, subject: subject.into(), figure, threshold }
    }
}

/// Everything that is wrong now, as this node sees it.
///
/// # Errors
/// A fault if the registry fails.
pub async fn look(app: &App) -> Result<Vec<Seen>> {
    let mut seen = Vec::new();
    for check in app.readiness.look(app).await.0 {
        if !check.problem.is_empty() && check.name != "serving" {
            seen.push(Seen::new(Kind::NotReady, check.name, 1, 1));
        }
    }
    for closure in app.gate.controls().closed(app.clock.now()) {
        seen.push(Seen::new(Kind::DoorClosed, closure.control_id, 1, 1));
    }
    waves(app, &mut seen).await?;
    messages(app, &mut seen).await?;
    settlements(app, &mut seen).await?;
    declines(app, &mut seen);
    for (rule, hits) in app.metrics.take_rule_hits() {
        seen.push(Seen::new(Kind::RiskRule, rule, hits, 0));
    }
    Ok(seen)
}

async fn waves(app: &App, seen: &mut Vec<Seen>) -> Result<()> {
    let open = sql("SELECT wave_id, failures FROM attack_wave WHERE closed_at IS NULL
         AND last_seen_at > $1 ORDER BY opened_at LIMIT 20");
    let open = open.bind(app.clock.now() - HOUR);
    for row in app.stores.registry.all(open).await? {
        seen.push(Seen::new(Kind::AttackWave, row.text("wave_id")?, row.int("failures")?, 0));
    }
    Ok(())
}

async fn messages(app: &App, seen: &mut Vec<Seen>) -> Result<()> {
    let (settings, now) = (&app.config.alerts, app.clock.now());
    let oldest = sql("SELECT channel, CAST(MIN(created_at) AS BIGINT) AS oldest FROM delivery
         WHERE state = 'waiting' GROUP BY channel");
    let allowed = i64::from(settings.outbox_minutes);
    for row in app.stores.registry.all(oldest).await? {
        let minutes = (now - row.int("oldest")?) / MINUTE;
        if minutes > allowed {
            seen.push(Seen::new(Kind::OutboxStuck, row.text("channel")?, minutes, allowed));
        }
    }
    // Notices that became no letters yet wait too.
    let oldest = sql("SELECT created_at FROM
             (SELECT created_at FROM merchant_letter WHERE state = 'waiting'
              UNION ALL SELECT at FROM merchant_notice WHERE passed_on_at IS NULL) waiting
         ORDER BY created_at LIMIT CAST(1 AS BIGINT)");
    if let Some(row) = app.stores.registry.optional(oldest).await? {
        let minutes = (now - row.int("created_at")?) / MINUTE;
        if minutes > allowed {
            seen.push(Seen::new(Kind::OutboxStuck, "email_merchants", minutes, allowed));
        }
    }
    let sent = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM sms_sent WHERE sent_at > $1");
    let sent = app.stores.registry.one(sent.bind(now - HOUR)).await?.int("n")?;
    let allowed = i64::from(settings.sms_per_hour);
    if sent > allowed {
        seen.push(Seen::new(Kind::SmsFlood, "", sent, allowed));
    }
    Ok(())
}

/// Until a further run could settle all.
async fn settlements(app: &App, seen: &mut Vec<Seen>) -> Result<()> {
    let last = sql("SELECT run_id, failed_count FROM settlement_run WHERE ended_at IS NOT NULL
         ORDER BY asked_at DESC, run_id LIMIT 1");
    if let Some(row) = app.stores.registry.optional(last).await? {
        let failed = row.int("failed_count")?;
        if failed > 0 {
            seen.push(Seen::new(Kind::SettlementFailed, row.text("run_id")?, failed, 0));
        }
    }
    Ok(())
}

/// Of this node's payments of the last ten minutes.
fn declines(app: &App, seen: &mut Vec<Seen>) {
    let settings = &app.config.alerts;
    let (allowed, refused) = app.metrics.payments(app.clock.now());
    let all = allowed + refused;
    if all < u64::from(settings.decline_payments) || all == 0 {
        return;
    }
    let percent = i64::try_from(refused * 100 / all).unwrap_or(100);
    let threshold = i64::from(settings.decline_percent);
    if percent >= threshold {
        seen.push(Seen::new(Kind::DeclineRatio, "", percent, threshold));
    }
}
