//! What rules held or raised is brought before staff: one case for a rule, a customer and a day.
//!
//! The decision record is what lasts; a case is made a moment later, and a process that is killed
//! in between leaves the record alone.

use std::sync::{Arc, Weak};

use omamori_risk::engine::Hit;
use omamori_risk::rule::{Effect, Mode};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Part;
use crate::app::App;
use crate::case::{self, CaseKind, NewCase, Opener};
use crate::clock::{DAY, Micros};
use crate::gate::evidence::DecisionId;
use crate::id::Kind;
use crate::web::error::Result;

/// What may wait; beyond, staff find it in the records.
const WAITING_MAX: usize = 1_024;

/// A decision that staff are to see.
#[derive(Debug)]
pub struct Seen {
    decision: DecisionId,
    at: Micros,
    customer: Option<String>,
    store: Option<String>,
    amount: Option<i64>,
    rules: Vec<Hit>,
    signals: Value,
}

/// Where the gate puts them.
#[derive(Debug)]
pub struct Watch {
    sender: mpsc::Sender<Seen>,
    receiver: parking_lot::Mutex<Option<mpsc::Receiver<Seen>>>,
}

impl Default for Watch {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        Self { sender, receiver: parking_lot::Mutex::new(Some(receiver)) }
    }
}

/// Whether a live rule held the act or raised an alarm. What a feature holds itself has a case of
/// that feature's.
fn concerns(hit: &Hit, is_held: bool) -> bool {
    hit.mode == Mode::Live
        && (hit.effect == Effect::Alert || (hit.effect == Effect::Hold && !is_held))
}

impl Watch {
    /// Looks at a decision that was recorded.
    pub(crate) fn look(
        &self,
        decision: DecisionId,
        asked: &super::Asked<'_>,
        part: &Part,
        is_held: bool,
    ) {
        if !part.hits.iter().any(|hit| concerns(hit, is_held)) {
            return;
        }
        let rules = part.hits.iter().filter(|hit| concerns(hit, is_held)).cloned().collect();
        let seen = Seen {
            decision,
            at: asked.at,
            customer: asked.customer.map(str::to_owned),
            store: asked.terminal.map(|place| place.store_id.to_owned()),
            amount: asked.amount,
            rules,
            signals: serde_json::to_value(&part.signals).unwrap_or_default(),
        };
        if self.sender.try_send(seen).is_err() {
            tracing::warn!("too many decisions wait for a case: see the records");
        }
    }
}

/// Makes cases as long as the service lives.
pub fn start(app: &Arc<App>) {
    let Some(waiting) = app.gate.risk().watch.receiver.lock().take() else { return };
    tokio::spawn(make(Arc::downgrade(app), waiting));
}

async fn make(app: Weak<App>, mut waiting: mpsc::Receiver<Seen>) {
    while let Some(seen) = waiting.recv().await {
        let Some(app) = app.upgrade() else { return };
        if let Err(error) = bring(&app, &seen).await {
            tracing::error!(?error, "a case was not made");
        }
    }
}

async fn bring(app: &App, seen: &Seen) -> Result<()> {
    let decision_id = Kind::Decision.text(seen.decision.to_u128());
    for hit in &seen.rules {
        let who = seen.customer.as_deref().or(seen.store.as_deref()).unwrap_or(&decision_id);
        let key = format!("{} {who} {}", hit.rule, seen.at.div_euclid(DAY));
        let evidence = json!({ "rule": &*hit.rule, "effect": hit.effect,
            "signals": seen.signals, "decision": decision_id });
        let mut tx = app.stores.registry.begin().await?;
        let new = NewCase {
            kind: CaseKind::Alert,
            key: &key,
            customer_id: seen.customer.as_deref(),
            store_id: seen.store.as_deref(),
            subjects: &[],
            amount: seen.amount,
            decision_id: Some(&decision_id),
            opener: Opener::Rule(&hit.rule),
            evidence: &evidence,
        };
        case::open(app, &mut tx, &new).await?;
        tx.commit().await?;
    }
    Ok(())
}
