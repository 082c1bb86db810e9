//! Alerts on their way: e-mail and webhook, tried again until they arrive.

use std::sync::Arc;
use std::time::Duration;

use omamori_db::{Row, sql};
use serde_json::json;

use super::kind::Kind;
use super::store::{Alert, find};
use crate::app::App;
use crate::clock::{HOUR, MINUTE, Micros, SECOND};
use crate::notify::{Letter, SendError, fill};
use crate::web::error::Result;
use crate::web::filters::rfc3339;
use crate::web::text::{Lang, Text};

/// Sent in one round.
const BATCH: i64 = 20;
/// For so long a claim holds.
const CLAIM: Micros = MINUTE;
/// After the first failure; each further one waits twice as long.
const FIRST_PAUSE: Micros = 10 * SECOND;
const LONGEST_PAUSE: Micros = HOUR;
/// Then it is news of yesterday: it stands in the console all the same.
const ATTEMPTS_MAX: i64 = 30;
const TIMEOUT: Duration = Duration::from_secs(10);

struct Due {
    delivery_id: String,
    alert_id: String,
    way: String,
    place: usize,
    attempts: i64,
    created_at: Micros,
}

impl Due {
    fn read(row: &Row) -> omamori_db::Result<Self> {
        Ok(Self {
            delivery_id: row.text("delivery_id")?,
            alert_id: row.text("alert_id")?,
            way: row.text("way")?,
            place: usize::try_from(row.int("place")?).unwrap_or(usize::MAX),
            attempts: row.int("attempts")?,
            created_at: row.int("created_at")?,
        })
    }
}

/// Sends what is due, once. Returns how many arrived.
///
/// # Errors
/// A fault if the registry fails.
pub async fn deliver_due(app: &Arc<App>) -> Result<usize> {
    let query = sql("SELECT delivery_id, alert_id, way, place, attempts, created_at
         FROM alert_delivery WHERE state = 'waiting' AND next_at <= $1 ORDER BY next_at LIMIT $2");
    let rows = app.stores.registry.all(query.bind(app.clock.now()).bind(BATCH)).await?;
    let mut arrived = 0;
    for row in &rows {
        arrived += usize::from(attempt(app, Due::read(row)?).await?);
    }
    Ok(arrived)
}

async fn attempt(app: &App, due: Due) -> Result<bool> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    // Who moves it has it: another node finds the number of attempts changed.
    let claim = sql("UPDATE alert_delivery SET attempts = attempts + 1, next_at = $1
         WHERE delivery_id = $2 AND state = 'waiting' AND attempts = $3");
    let claim = claim.bind(now + CLAIM).bind(&due.delivery_id).bind(due.attempts);
    if registry.execute(claim).await? != 1 {
        return Ok(false);
    }
    let sent = match find(registry, &due.alert_id).await? {
        Some(alert) => send(app, &due, &alert).await,
        None => Err(SendError::Unsendable),
    };
    let attempts = due.attempts + 1;
    let (state, next_at, word) = match &sent {
        Ok(()) => ("sent", now, None),
        Err(error) if error.is_final() || attempts >= ATTEMPTS_MAX => {
            ("given_up", now, Some(error.word()))
        }
        Err(error) => ("waiting", now + pause(attempts), Some(error.word())),
    };
    if let Err(error) = &sent {
        let (way, alert_id) = (&due.way, &due.alert_id);
        // Without the address, which is a secret for webhooks.
        tracing::warn!(way, alert_id, attempts, reason = error.word(), "an alert was not sent");
    }
    let update = sql("UPDATE alert_delivery SET state = $1, next_at = $2, last_error = $3
         WHERE delivery_id = $4 AND attempts = $5");
    let update = update.bind(state).bind(next_at).bind(word).bind(&due.delivery_id);
    registry.execute(update.bind(attempts)).await?;
    Ok(sent.is_ok())
}

async fn send(app: &App, due: &Due, alert: &Alert) -> Result<(), SendError> {
    let settings = &app.config.alerts;
    match due.way.as_str() {
        "email" => {
            let to = settings.email.get(due.place).ok_or(SendError::Unsendable)?.clone();
            let (id, at) = (due.delivery_id.clone(), due.created_at);
            let letter =
                Letter { id, to, subject: subject(app, alert), text: text(app, alert), at };
            app.identity.outbox().send_letter(&letter).await
        }
        _ => {
            let url = settings.webhooks.get(due.place).ok_or(SendError::Unsendable)?;
            post(url.reveal(), &text(app, alert)).await
        }
    }
}

async fn post(url: &str, text: &str) -> Result<(), SendError> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0) // the alert goes to the configured address and nowhere else
        .build();
    let request = config.new_agent().post(url).content_type("application/json");
    let body = json!({ "text": text }).to_string();
    let answer = tokio::task::spawn_blocking(move || request.send(body)).await?;
    let answer = answer.map_err(|_| SendError::Unreached("the webhook".to_owned()))?;
    let status = answer.status();
    if status.is_success() { Ok(()) } else { Err(SendError::http(status.as_u16())) }
}

fn pause(attempts: i64) -> Micros {
    let doublings = (attempts - 1).clamp(0, 30);
    FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}

fn line(alert: &Alert, lang: Lang) -> String {
    let figures = [
        ("figure", alert.figure.to_string()),
        ("threshold", alert.threshold.to_string()),
        ("subject", alert.subject.clone()),
    ];
    fill(&Text::new(lang).named("alert.text_", &alert.kind), &figures)
}

fn subject(app: &App, alert: &Alert) -> String {
    let name = Text::new(Lang::Ja).named("alert.kind_", &alert.kind);
    format!("[{} {}] {name}", app.config.issuer_name, alert.severity)
}

/// In both languages: who is on duty is not known here.
fn text(app: &App, alert: &Alert) -> String {
    let evidence = Kind::of(&alert.kind).map_or("/console/alerts", Kind::path);
    let url = &app.config.public_url;
    format!(
        "[{}] {}\n{}\n{}\n{url}/console/alerts\n{url}{evidence}\n",
        alert.severity,
        line(alert, Lang::Ja),
        line(alert, Lang::En),
        rfc3339(alert.first_at),
    )
}
