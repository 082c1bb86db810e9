//! `/console`: the desk of the operator's staff.
//!
//! Staff sign in with passkeys only: [`signin`]. Who may do what stands in the handlers'
//! signatures: [`access`]. What one person alone may not do is asked of a second one:
//! [`approval`]. Every act passes the gate and is written into [`crate::audit`] in the transaction
//! of its own rows.
//!
//! Not here: rules about money or identity. The console calls the features that have them.

pub mod access;
mod alerts;
pub mod approval;
mod audit_page;
mod authorization;
mod campaign;
mod campaigns;
mod cases;
mod customer;
mod dashboard;
mod doors;
mod ending;
mod frame;
mod incidents;
mod law;
mod payment;
mod reconcile;
mod refund;
mod refunds;
mod rules;
mod search;
mod session;
mod settlements;
mod signin;
pub mod staff;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;
use crate::clock::SECOND;
use crate::identity::RateLimit;
pub use customer::acts as customer_acts;
pub(crate) use dashboard::{Plot, draw};
pub use incidents::document::document as incidents_document;
pub(crate) use rules::backtest::period as rules_period;

/// What the console keeps in memory.
pub struct Console {
    /// Ways in, by network.
    door: RateLimit,
    figures: dashboard::Figures,
    law: law::Reading,
}

impl Default for Console {
    fn default() -> Self {
        Self {
            door: RateLimit::new(30, 10 * SECOND),
            figures: dashboard::Figures::default(),
            law: law::Reading::default(),
        }
    }
}

impl Console {
    /// Whether the journal is being read for the law's figures.
    #[must_use]
    pub fn reads_the_law(&self) -> bool {
        self.law.is_under_way()
    }
}

/// Pages and API.
pub fn router() -> Router<Arc<App>> {
    let api = Router::new()
        .route("/enrol/options", post(signin::enrol_options))
        .route("/enrol/finish", post(signin::enrol_finish))
        .route("/signin/options", post(signin::signin_options))
        .route("/signin/finish", post(signin::signin_finish))
        .route("/signout", post(signin::sign_out))
        .route("/search", post(search::find))
        .route("/alerts/{alert_id}/acknowledge", post(alerts::acknowledge))
        .route("/campaigns", post(campaign::begin))
        .route("/campaigns/{campaign_id}/stop", post(campaigns::stop))
        .route("/doors/{door}/close", post(doors::close))
        .route("/stores/{store_id}/doors/{door}/close", post(doors::close_store))
        .route("/controls/{control_id}/open", post(doors::open))
        .route("/held/{authorization_id}/release", post(authorization::release))
        .route("/held/{authorization_id}/refuse", post(authorization::refuse))
        .route("/staff/invite", post(staff::page::invite))
        .route("/staff/{staff_id}/role", post(staff::page::change_role))
        .route("/staff/{staff_id}/remove", post(staff::page::remove))
        .route("/approvals/{approval_id}/options", post(approval::page::options))
        .route("/approvals/{approval_id}/decide", post(approval::page::decide))
        .route("/approvals/{approval_id}/carry-out", post(approval::page::carry_out))
        .route("/rules/draft", post(rules::edit::save))
        .route("/rules/propose", post(rules::edit::propose))
        .route("/rules/labels", post(rules::labels::set))
        .route("/rules/versions/{version}/publish", post(rules::publish))
        .route("/payments/{payment_id}/refund", post(refund::handle))
        .route("/settlements/run", post(settlements::settle))
        .route("/payouts/files", post(settlements::make_file))
        .route("/payouts/files/{file_id}", get(settlements::take_file))
        .route("/payouts/files/{file_id}/sent", post(settlements::sent))
        .route("/payouts/{payout_id}/returned", post(settlements::returned))
        .route("/payouts/{payout_id}/refused", post(settlements::refused))
        .route(
            "/payout-accounts/{merchant_id}/{changed_at}/approve",
            post(settlements::approve_account),
        )
        .route(
            "/payout-accounts/{merchant_id}/{changed_at}/refuse",
            post(settlements::refuse_account),
        )
        .route("/refunds", post(refunds::open))
        .route("/refunds/{claim_id}/release", post(refunds::release))
        .route("/refunds/{claim_id}/refuse", post(refunds::refuse))
        .route("/refunds/{claim_id}/propose", post(refunds::propose))
        .route("/refund-files", post(refunds::plan))
        .route("/refund-files/{file_id}", get(refunds::take))
        .route("/refund-files/{file_id}/drop", post(refunds::drop_file))
        .route("/refund-files/{file_id}/sent", post(refunds::sent))
        .route("/refund-files/{file_id}/returned/{claim_id}", post(refunds::returned))
        .route("/service-end", post(ending::propose))
        .route("/service-end/call-off", post(ending::call_off))
        .route("/service-end/exclude", post(ending::exclude))
        .route("/reconciliations/card", post(reconcile::card))
        .route("/reconciliations/cash", post(reconcile::cash))
        .route("/reconciliations/differences/{difference_id}/take", post(reconcile::take))
        .route("/reconciliations/differences/{difference_id}/explain", post(reconcile::explain))
        .route("/cases/{case_id}/take", post(cases::acts::take))
        .route("/cases/{case_id}/note", post(cases::acts::note))
        .route("/cases/{case_id}/link", post(cases::acts::link))
        .route("/cases/{case_id}/ask", post(cases::acts::ask))
        .route("/cases/{case_id}/decide/{outcome}", post(cases::acts::decide))
        .route("/openapi.json", get(incidents::document::json))
        .route("/incidents", get(incidents::read::list).post(incidents::api::open))
        .route("/incidents/{incident_id}", get(incidents::read::whole))
        .route("/incidents/{incident_id}/write", post(incidents::api::write))
        .route("/incidents/{incident_id}/cohort", post(incidents::api::save))
        .route("/incidents/{incident_id}/count", post(incidents::api::count))
        .route("/incidents/{incident_id}/counts/{number}/again", post(incidents::api::again))
        .route("/incidents/{incident_id}/review", post(incidents::api::review))
        .route(
            "/incidents/{incident_id}/members",
            get(incidents::read::members).post(incidents::api::add),
        )
        .route("/incidents/{incident_id}/moves/{transfer}/{state}", post(incidents::api::dispute))
        .route("/incidents/{incident_id}/receivers", get(incidents::read::receivers))
        .route(
            "/incidents/{incident_id}/receivers/{customer_id}/{state}",
            post(incidents::api::receiver),
        )
        .route("/incidents/{incident_id}/acts", post(incidents::api::plan))
        .route("/incident-acts/{act_id}/ask", post(incidents::api::ask))
        .route("/incident-acts/{act_id}/csv", get(incidents::files::rows))
        .route("/incidents/{incident_id}/log/{format}", get(incidents::files::log))
        .route("/customers/{customer_id}/freeze", post(customer::page_acts::freeze))
        .route("/customers/{customer_id}/unfreeze", post(customer::page_acts::unfreeze))
        .route("/customers/{customer_id}/recover", post(customer::page_acts::recover))
        .route("/customers/{customer_id}/end-sessions", post(customer::page_acts::end_sessions))
        .route("/customers/{customer_id}/unmask", post(customer::page_acts::unmask));
    Router::new()
        .route("/console", get(dashboard::page::show))
        .route("/console/customers/{customer_id}", get(customer::page::show))
        .route("/console/payments/{payment_id}", get(payment::show))
        .route("/console/authorizations/{authorization_id}", get(authorization::show))
        .route("/console/stores/{id}", get(store::show))
        .route("/console/cases", get(cases::queue::show))
        .route("/console/cases/{case_id}", get(cases::page::show))
        .route("/console/incidents", get(incidents::list::show))
        .route("/console/incidents/{incident_id}", get(incidents::page::show))
        .route("/console/incidents/{incident_id}/acts/{act_id}", get(incidents::acts::show))
        .route("/console/incidents/{incident_id}/reports/{kind}", get(incidents::files::report))
        .route("/console/approvals", get(approval::page::show))
        .route("/console/alerts", get(alerts::show))
        .route("/console/doors", get(doors::show))
        .route("/console/settlements", get(settlements::show))
        .route("/console/refunds", get(refunds::show))
        .route("/console/refunds/{file_id}", get(refunds::file))
        .route("/console/end-of-service", get(ending::show))
        .route("/console/end-of-service.csv", get(ending::csv))
        .route("/console/reconciliation", get(reconcile::show))
        .route("/console/rules", get(rules::show))
        .route("/console/rules/edit", get(rules::edit::show))
        .route("/console/rules/backtest", get(rules::backtest::show))
        .route("/console/rules/labels", get(rules::labels::show))
        .route("/console/campaigns", get(campaigns::show))
        .route("/console/campaigns/{campaign_id}", get(campaigns::one))
        .route("/console/law", get(law::show))
        .route("/console/law.csv", get(law::csv))
        .route("/console/staff", get(staff::page::show))
        .route("/console/audit", get(audit_page::show))
        .nest("/api/admin/v1", api)
}
