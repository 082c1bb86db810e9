//! What a decided case says about past decisions of the gate: the labels of back-tests.

use omamori_db::Tx;

use super::kind::{CaseKind, Outcome};
use super::row::{Case, subjects};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::evidence::DecisionId;
use crate::risk::label::{self, Kind, Source};
use crate::web::error::Result;

/// The decisions that a case is about: its own, and those of its payments, top-ups and sends.
///
/// # Errors
/// A fault if a store fails.
pub(super) async fn decisions(app: &App, case: &Case) -> Result<Vec<(DecisionId, Micros)>> {
    let subjects = subjects(&app.stores.registry, &case.case_id).await?;
    let texts: Vec<&str> = case.decision_id.iter().chain(&subjects).map(String::as_str).collect();
    label::decided(app, &texts).await
}

/// What those decisions turned out to be.
const fn kind(case: CaseKind, outcome: Outcome) -> Kind {
    if !outcome.is_fraud() {
        return Kind::Honest;
    }
    match case {
        CaseKind::Dispute => Kind::StolenAccount,
        CaseKind::Chargeback | CaseKind::SharedCard => Kind::StolenCard,
        CaseKind::Collecting => Kind::Mule,
        CaseKind::HeldPayment | CaseKind::Alert => Kind::Other,
    }
}

/// Labels them, in the transaction that decides the case.
pub(super) async fn set(
    tx: &mut Tx,
    case: &Case,
    outcome: Outcome,
    decisions: &[(DecisionId, Micros)],
    now: Micros,
) -> Result<()> {
    for decision in decisions {
        let by = (Source::Dispute, case.case_id.as_str());
        label::set(tx, *decision, kind(case.kind, outcome), by, now).await?;
    }
    Ok(())
}
