//! What decisions turned out to be: fraud of a kind, or honest. Back-tests count against it.

use std::collections::HashMap;

use omamori_db::{Db, Row, Tx, sql};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::clock::Micros;
use crate::gate::evidence::DecisionId;
use crate::id::Kind as IdKind;
use crate::web::error::Result;

/// What a decision turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Somebody used another's account.
    StolenAccount,
    /// Somebody used another's card.
    StolenCard,
    /// Cards were tried.
    CardTesting,
    /// A clerk or customer refunded what was not theirs.
    RefundAbuse,
    /// Coupons or gifts for many made-up customers.
    CouponFarming,
    /// An account that collects for others.
    Mule,
    /// Sign-ins with names and passwords from elsewhere.
    ListAttack,
    /// Fraud of another kind.
    Other,
    /// Looked at, and nothing was wrong.
    Honest,
}

impl Kind {
    /// All.
    pub const ALL: [Self; 9] = [
        Self::StolenAccount,
        Self::StolenCard,
        Self::CardTesting,
        Self::RefundAbuse,
        Self::CouponFarming,
        Self::Mule,
        Self::ListAttack,
        Self::Other,
        Self::Honest,
    ];

    /// The word of tables and texts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StolenAccount => "stolen_account",
            Self::StolenCard => "stolen_card",
            Self::CardTesting => "card_testing",
            Self::RefundAbuse => "refund_abuse",
            Self::CouponFarming => "coupon_farming",
            Self::Mule => "mule",
            Self::ListAttack => "list_attack",
            Self::Other => "other",
            Self::Honest => "honest",
        }
    }
}

/// Where a label comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Staff set it by hand.
    Staff,
    /// A dispute or case was decided.
    Dispute,
    /// An incident's cohort.
    Incident,
}

impl Source {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Dispute => "dispute",
            Self::Incident => "incident",
        }
    }
}

/// A label as it is listed.
#[derive(Clone, Debug)]
pub struct Label {
    /// `dec_…`.
    pub decision_id: String,
    /// When the decision was made.
    pub decided_at: Micros,
    /// The kind's word.
    pub kind: String,
    /// `staff`, `dispute`, `incident`.
    pub source: String,
    /// `stf_…`, or the case or incident.
    pub set_by: String,
    /// When.
    pub set_at: Micros,
}

/// Columns of the table: ids beyond 63 bits were never given out.
fn columns(decision: DecisionId) -> (i64, i64) {
    let column = |number: u64| i64::try_from(number).unwrap_or(-1);
    (column(decision.node), column(decision.number))
}

/// The decision that a text names: `dec_…` itself, or what `pay_…`, `rfd_…`, `top_…` and `snd_…`
/// were decided by.
///
/// # Errors
/// A fault if the views fail.
pub async fn decision_of(app: &App, text: &str) -> Result<Option<DecisionId>> {
    if let Some(id) = IdKind::Decision.parse(text) {
        return Ok(Some(DecisionId::of(id)));
    }
    let kinds = [IdKind::Payment, IdKind::Refund, IdKind::Topup, IdKind::Send];
    let Some(id) = kinds.iter().find_map(|kind| kind.parse(text)) else { return Ok(None) };
    let found = app.gate.transfer_certainly(id).await?;
    Ok(found.map(|found| DecisionId::of(found.transfer.user_data_128)))
}

/// The decisions of such texts and when each was made, in their order and each once. Texts that
/// name nothing, and decisions that are past their time, are passed over.
///
/// # Errors
/// A fault if a store fails.
pub async fn decided(app: &App, texts: &[&str]) -> Result<Vec<(DecisionId, Micros)>> {
    let mut ids = Vec::new();
    for text in texts {
        match decision_of(app, text).await? {
            Some(id) if !ids.contains(&id) => ids.push(id),
            _ => {}
        }
    }
    let records = app.gate.records(&ids).await?;
    let made = |record: Option<Value>| record.and_then(|record| record["at"].as_i64());
    let made = ids.into_iter().zip(records.into_iter().map(made));
    Ok(made.filter_map(|(id, at)| Some((id, at?))).collect())
}

/// Sets a label, in the place of another. What staff said stands above what a case says; and a
/// fraud that one case found is not taken back by another.
///
/// # Errors
/// A fault if the registry fails.
pub async fn set(
    tx: &mut Tx,
    (decision, decided_at): (DecisionId, Micros),
    kind: Kind,
    (source, by): (Source, &str),
    now: Micros,
) -> Result<()> {
    let insert = sql("INSERT INTO risk_label
            (node, number, decided_at, kind, source, set_by, set_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (node, number) DO UPDATE SET kind = excluded.kind,
            source = excluded.source, set_by = excluded.set_by, set_at = excluded.set_at
         WHERE excluded.source = 'staff' OR (risk_label.source <> 'staff'
            AND (risk_label.kind = 'honest' OR excluded.kind <> 'honest'))");
    let (node, number) = columns(decision);
    let insert = insert.bind(node).bind(number).bind(decided_at).bind(kind.as_str());
    tx.execute(insert.bind(source.as_str()).bind(by).bind(now)).await?;
    Ok(())
}

/// The newest labels.
///
/// # Errors
/// A fault if the registry fails.
pub async fn newest(registry: &Db, limit: i64) -> Result<Vec<Label>> {
    let query = sql("SELECT node, number, decided_at, kind, source, set_by, set_at
         FROM risk_label ORDER BY decided_at DESC, node, number LIMIT $1");
    let read = |row: &Row| {
        let (node, number) = (row.int("node")?.unsigned_abs(), row.int("number")?.unsigned_abs());
        Ok(Label {
            decision_id: IdKind::Decision.text(DecisionId { node, number }.to_u128()),
            decided_at: row.int("decided_at")?,
            kind: row.text("kind")?,
            source: row.text("source")?,
            set_by: row.text("set_by")?,
            set_at: row.int("set_at")?,
        })
    };
    let rows = registry.all(query.bind(limit)).await?;
    Ok(rows.iter().map(read).collect::<omamori_db::Result<_>>()?)
}

/// The kinds of fraud of a period, by node and number of the decision.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn frauds(
    registry: &Db,
    from: Micros,
    to: Micros,
) -> Result<HashMap<(i64, i64), Box<str>>> {
    let query = sql("SELECT node, number, kind FROM risk_label
         WHERE decided_at >= $1 AND decided_at < $2 AND kind <> 'honest'");
    let rows = registry.all(query.bind(from).bind(to)).await?;
    let read = |row: &Row| {
        Ok(((row.int("node")?, row.int("number")?), row.text("kind")?.into_boxed_str()))
    };
    Ok(rows.iter().map(read).collect::<omamori_db::Result<_>>()?)
}
