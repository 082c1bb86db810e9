//! `/console/approvals`: what waits for a second person, and what became of it.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use webauthn_rs::prelude::PublicKeyCredential;

use super::{Approval, Proposal, State as Standing, Verdict, decide as given, newest, offer};
use crate::app::App;
use crate::clock::Micros;
use crate::console::access::{Approver, Staff, Viewer};
use crate::console::doors;
use crate::console::frame::Frame;
use crate::console::staff;
use crate::web::error::Result;
use crate::web::filters::{self, civil_text, japan};
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::Text;

const SHOWN: i64 = 100;

struct Row {
    id: String,
    act: &'static str,
    /// Whom or what it is about, in words.
    about: String,
    href: Option<String>,
    reason: String,
    asked_by: String,
    asked_at: Micros,
    expires_at: Micros,
    state: &'static str,
    decided_by: Option<String>,
    may_decide: bool,
    may_carry_out: bool,
    is_own: bool,
}

#[derive(Template)]
#[template(path = "console_approvals.html")]
struct ApprovalsPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    waiting: Vec<Row>,
    past: Vec<Row>,
}

/// `GET /console/approvals`
pub(in crate::console) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
) -> Result<Response> {
    let registry = &app.stores.registry;
    let people = staff::list(registry).await?;
    let names: HashMap<String, String> =
        people.into_iter().map(|person| (person.staff_id, person.name)).collect();
    let approvals = newest(registry, SHOWN, app.clock.now()).await?;
    let rows = approvals.into_iter().map(|approval| row(approval, &staff, &names, text));
    let (waiting, past) = rows.partition(|row| matches!(row.state, "open" | "given"));
    let frame = Frame::new(&app, &staff, "approvals").await?;
    page(&ApprovalsPage { text, sandbox: app.sandbox(), frame, waiting, past })
}

fn row(approval: Approval, staff: &Staff, names: &HashMap<String, String>, text: Text) -> Row {
    let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
    let role = |role| text.t(&format!("console.role_{role}"));
    let (act, about) = match &approval.proposal {
        Proposal::InviteStaff { name, role: as_role } => {
            ("console.act_invite", format!("{name} · {}", role(as_role)))
        }
        Proposal::ChangeRole { staff_id, role: to } => {
            ("console.act_role", format!("{} → {}", name(staff_id), role(to)))
        }
        Proposal::RemoveStaff { staff_id } => ("console.act_remove", name(staff_id)),
        Proposal::Unfreeze { customer_id, .. } => ("console.act_unfreeze", customer_id.clone()),
        Proposal::AssistRecovery { customer_id } => ("console.act_recover", customer_id.clone()),
        Proposal::PublishRules { version, .. } => {
            ("console.act_publish_rules", format!("{} {version}", text.t("rules.version")))
        }
        Proposal::BeginCampaign { terms, starts_on, ends_on, .. } => {
            let budget = match terms.gift.is_coupon() {
                true => filters::yen_text(terms.budget),
                false => text.t("campaigns.no_budget").to_owned(),
            };
            let about = format!(
                "{budget} · {} · {} – {}",
                terms.name,
                civil_text(starts_on),
                civil_text(ends_on)
            );
            ("console.act_campaign", about)
        }
        Proposal::OpenDoor { door, scope, subject, .. } => {
            ("console.act_open", doors::words(text, door, scope, subject))
        }
        Proposal::CloseDoor { door, scope, subject, .. } => {
            ("console.act_close", doors::words(text, door, scope, subject))
        }
        Proposal::IncidentAct { kind, rows, yen, .. } => {
            let what = text.named("incident.act_", kind.as_str());
            let yen = filters::yen_text(*yen);
            ("console.act_incident", format!("{what} · {rows} · {yen}"))
        }
        Proposal::EndService { plan } => {
            let ends = japan(plan.ends_at).strftime("%Y/%m/%d %H:%M");
            ("console.act_end_service", format!("{ends} · – {}", civil_text(&plan.last_day)))
        }
        Proposal::CallOffEnd { end_id } => ("console.act_call_off_end", end_id.clone()),
        Proposal::RefundFile { pay_on, count, yen, .. } => {
            let yen = filters::yen_text(*yen);
            ("console.act_refund_file", format!("{} · {count} · {yen}", civil_text(pay_on)))
        }
        Proposal::ClosingRefund { customer_id, ground, yen, last_digits, .. } => {
            let ground = text.named("closing.ground_", ground.as_str());
            let yen = filters::yen_text(*yen);
            let about = format!("{yen} → ****{last_digits} · {ground} · {customer_id}");
            ("console.act_closing_refund", about)
        }
        Proposal::ExcludeUnclaimed { holders, yen, .. } => {
            let yen = filters::yen_text(*yen);
            ("console.act_exclude", format!("{holders} · {yen}"))
        }
        Proposal::Refund { payment_id, amount, .. } => {
            ("console.act_refund", format!("{} · {payment_id}", filters::yen_text(*amount)))
        }
        Proposal::PayoutReturned { payout_id, yen } => {
            ("console.act_payout_returned", format!("{} · {payout_id}", filters::yen_text(*yen)))
        }
        Proposal::PayoutRefused { payout_id, yen } => {
            ("console.act_payout_refused", format!("{} · {payout_id}", filters::yen_text(*yen)))
        }
        Proposal::ApproveAccount { merchant_id, last_digits, .. } => {
            ("console.act_payout_account", format!("****{last_digits} · {merchant_id}"))
        }
    };
    let is_own = approval.asked_by == staff.staff_id;
    let may = approval.proposal.may(staff.role);
    let decided_by = match &approval.state {
        Standing::Given { by } | Standing::Refused { by } | Standing::Used { by } => Some(name(by)),
        Standing::Open | Standing::Expired => None,
    };
    Row {
        act,
        about,
        href: href(&approval.proposal),
        asked_by: name(&approval.asked_by),
        asked_at: approval.asked_at,
        expires_at: approval.expires_at,
        decided_by,
        may_decide: may && !is_own && approval.state == Standing::Open,
        may_carry_out: may && is_own && matches!(approval.state, Standing::Given { .. }),
        is_own,
        state: approval.state.as_str(),
        id: approval.approval_id,
        reason: approval.reason,
    }
}

/// The page of what it is about.
fn href(proposal: &Proposal) -> Option<String> {
    match proposal {
        Proposal::OpenDoor { .. } | Proposal::CloseDoor { .. } => Some("/console/doors".to_owned()),
        Proposal::BeginCampaign { .. } => Some("/console/campaigns".to_owned()),
        Proposal::EndService { .. }
        | Proposal::CallOffEnd { .. }
        | Proposal::ExcludeUnclaimed { .. } => Some("/console/end-of-service".to_owned()),
        Proposal::RefundFile { .. } | Proposal::ClosingRefund { .. } => {
            Some("/console/refunds".to_owned())
        }
        Proposal::Refund { payment_id, .. } => Some(format!("/console/payments/{payment_id}")),
        Proposal::PayoutReturned { .. } | Proposal::PayoutRefused { .. } => {
            Some("/console/settlements".to_owned())
        }
        Proposal::ApproveAccount { merchant_id, .. } => {
            Some(format!("/console/stores/{merchant_id}"))
        }
        Proposal::IncidentAct { incident_id, act_id, .. } => {
            Some(format!("/console/incidents/{incident_id}/acts/{act_id}"))
        }
        Proposal::PublishRules { version, .. } => Some(format!("/console/rules?version={version}")),
        other => other.customer().map(|id| format!("/console/customers/{id}")),
    }
}

/// The word that is to be signed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Options {
    verdict: Verdict,
}

/// `POST /api/admin/v1/approvals/{approval_id}/options`
pub(in crate::console) async fn options(
    State(app): State<Arc<App>>,
    Approver(staff): Approver,
    Path(approval_id): Path<String>,
    Json(request): Json<Options>,
) -> Result<axum::Json<Value>> {
    offer(&app, &staff, &approval_id, request.verdict).await.map(axum::Json)
}

/// The signed word.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Decide {
    verdict: Verdict,
    credential: PublicKeyCredential,
}

/// `POST /api/admin/v1/approvals/{approval_id}/decide`
pub(in crate::console) async fn decide(
    State(app): State<Arc<App>>,
    Approver(staff): Approver,
    Path(approval_id): Path<String>,
    Json(request): Json<Decide>,
) -> Result<StatusCode> {
    given(&app, &staff, &approval_id, request.verdict, &request.credential).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The answer of [`carry_out`].
#[derive(Serialize)]
pub(in crate::console) struct CarriedOut {
    /// An invitation or a recovery ticket: shown now and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// `POST /api/admin/v1/approvals/{approval_id}/carry-out`
pub(in crate::console) async fn carry_out(
    State(app): State<Arc<App>>,
    Approver(staff): Approver,
    Path(approval_id): Path<String>,
) -> Result<axum::Json<CarriedOut>> {
    let secret = super::carry_out(&app, &staff, &approval_id).await?;
    Ok(axum::Json(CarriedOut { secret }))
}
