//! `/console/cases`: the queue of what staff look into, and one case on one screen.

pub(super) mod acts;
pub(super) mod page;
pub(super) mod queue;

use std::collections::HashMap;

use omamori_db::Db;

use super::staff;
use crate::case::Case;
use crate::clock::Micros;
use crate::web::error::Result;

/// A case in a list.
pub(super) struct Row {
    pub case: Case,
    pub is_overdue: bool,
    /// Who has it in hand, or decided it, by name.
    pub by: Option<String>,
}

/// The names of the staff, by id.
async fn names(registry: &Db) -> Result<HashMap<String, String>> {
    let people = staff::list(registry).await?;
    Ok(people.into_iter().map(|person| (person.staff_id, person.name)).collect())
}

fn row(case: Case, names: &HashMap<String, String>, now: Micros) -> Row {
    let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
    Row { is_overdue: case.is_overdue(now), by: case.state.by().map(name), case }
}
