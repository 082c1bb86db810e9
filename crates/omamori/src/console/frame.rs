//! What every page of the console has around it.

use super::access::Staff;
use super::approval;
use crate::app::App;
use crate::case;
use crate::web::error::Result;

/// The head of a page: who is at the desk, and what waits for a second person.
pub(super) struct Frame {
    pub name: String,
    pub role: String,
    /// Which entry of the navigation this is.
    pub here: &'static str,
    pub waiting: i64,
    /// Cases that are not decided.
    pub cases: i64,
    /// Cases that should have been decided by now.
    pub overdue: i64,
}

impl Frame {
    pub async fn new(app: &App, staff: &Staff, here: &'static str) -> Result<Self> {
        let (registry, now) = (&app.stores.registry, app.clock.now());
        let waiting = approval::waiting(registry, now).await?;
        let (cases, overdue) = case::list::counts(registry, now).await?;
        Ok(Self {
            name: staff.name.clone(),
            role: staff.role.to_string(),
            here,
            waiting,
            cases,
            overdue,
        })
    }
}
