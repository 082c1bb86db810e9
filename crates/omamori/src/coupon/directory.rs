//! The campaigns of now, in memory: payments ask for them.

use std::sync::Arc;

use omamori_db::{Db, sql};
use parking_lot::RwLock;

use super::campaign::{Campaign, campaign_columns};
use crate::clock::{DAY, Micros};
use crate::web::error::Result;

/// How long an ended campaign is kept at hand, so that what came to be under it is understood.
const KEPT: Micros = 2 * DAY;

/// The campaigns that run, will run or ran lately.
pub struct Campaigns {
    registry: Db,
    known: RwLock<Option<Arc<Vec<Campaign>>>>,
}

impl Campaigns {
    /// An empty directory over the registry.
    #[must_use]
    pub fn new(registry: Db) -> Self {
        Self { registry, known: RwLock::default() }
    }

    /// Makes the next [`Campaigns::all`] ask the registry again.
    pub fn forget(&self) {
        *self.known.write() = None;
    }

    /// All of now, in order of their end.
    ///
    /// # Errors
    /// A fault if the registry fails.
    pub async fn all(&self, now: Micros) -> Result<Arc<Vec<Campaign>>> {
        if let Some(known) = self.known.read().as_ref() {
            return Ok(known.clone());
        }
        let query = sql(concat!(
            "SELECT ",
            campaign_columns!(),
            " FROM campaign WHERE ends_at > $1 ORDER BY ends_at, campaign_id"
        ));
        let rows = self.registry.all(query.bind(now - KEPT)).await?;
        let known = Arc::new(rows.iter().map(Campaign::of).collect::<Result<Vec<_>>>()?);
        *self.known.write() = Some(known.clone());
        Ok(known)
    }

    /// The campaigns whose coupon a customer has set.
    ///
    /// # Errors
    /// A fault if the registry fails.
    pub async fn set_by(&self, customer_id: &str) -> Result<Vec<String>> {
        let query = sql("SELECT campaign_id FROM coupon_set WHERE customer_id = $1");
        let rows = self.registry.all(query.bind(customer_id)).await?;
        rows.iter().map(|row| Ok(row.text("campaign_id")?)).collect()
    }
}
