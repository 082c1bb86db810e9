//! `/console/incidents`: the incident desk.

pub(super) mod acts;
pub(super) mod api;
pub(super) mod document;
pub(super) mod files;
pub(super) mod list;
pub(super) mod page;
pub(super) mod read;

use std::collections::HashMap;

use omamori_db::Db;

use super::staff;
use crate::web::error::Result;

/// The names of the staff, by id.
async fn names(registry: &Db) -> Result<HashMap<String, String>> {
    let people = staff::list(registry).await?;
    Ok(people.into_iter().map(|person| (person.staff_id, person.name)).collect())
}

fn name(names: &HashMap<String, String>, id: &str) -> String {
    names.get(id).cloned().unwrap_or_else(|| id.to_owned())
}
