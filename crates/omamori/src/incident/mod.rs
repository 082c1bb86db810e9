//! Incidents: something went wrong for many customers at once.
//!
//! One is opened from an alert, a case or by hand ([`row`]). Its *cohort* ([`query`]) is a saved
//! question over the decision records; [`count`] answers it up to a stated place in the records and
//! the journal, so that the same question gives the same answer on any later day; [`counting`] lets
//! a worker do it. Whom it finds is *suspected* until staff confirm or clear them ([`cohort`]).
//! *Acts* on the cohort ([`act`]) are planned as rows ([`plan`]), agreed on by a second person and
//! carried out row by row by a worker ([`run`]), which may be killed anywhere and goes on.
//! [`report`] writes what the public, the victims, the authority and the board read: every figure
//! is the cohort's.
//!
//! Not here: doors (`control`), single accounts (`console/customer`), the pages of the desk
//! (`console/incidents`).

pub mod act;
mod claim;
pub mod cohort;
mod condition;
pub mod count;
pub mod counting;
mod effects;
pub mod figures;
pub mod log;
mod money;
pub mod moves;
mod now;
mod own;
mod pages;
pub mod plan;
pub mod query;
pub mod receivers;
pub mod report;
pub mod review;
pub mod row;
mod rows;
pub mod run;
mod still;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::app::App;
pub use act::{ActKind, Letter, On, Parameters};
pub(crate) use claim::claim;
pub use condition::Condition;
pub use query::{Money, Query};
pub use row::{Incident, IncidentKind};
pub use run::{start, work_due};

/// The customer's page.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/affected", get(pages::affected))
}
