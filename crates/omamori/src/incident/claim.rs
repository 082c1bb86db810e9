//! A customer says that they do not know a payment: where it lies in the time of an open incident,
//! the claim joins the incident's review. Nothing that is claimed counts before staff looked at it.

use std::slice::from_ref;

use omamori_db::{Tx, sql};
use omamori_ledger::Transfer;

use super::count::Position;
use super::query::SPAN_MAX;
use super::{counting, log, moves};
use crate::app::App;
use crate::pos::micros;
use crate::web::error::Result;

/// What a claim brings along, to be found out before the transaction.
pub(crate) struct Claimed {
    incidents: Vec<String>,
    one: Option<moves::Move>,
}

/// Which open incidents a claim belongs to.
///
/// # Errors
/// A fault if a store fails.
pub(crate) async fn claim(app: &App, customer_id: &str, transfer: &Transfer) -> Result<Claimed> {
    let query = sql("SELECT incident_id FROM incident
         WHERE closed_at IS NULL AND first_event_at <= $1 AND first_event_at > $2
         ORDER BY incident_id");
    let at = micros(transfer);
    let rows = app.stores.registry.all(query.bind(at).bind(at - SPAN_MAX)).await?;
    let incidents: omamori_db::Result<Vec<_>> =
        rows.iter().map(|row| row.text("incident_id")).collect();
    let incidents = incidents?;
    let one = if incidents.is_empty() {
        None
    } else {
        let position = Position::of_ledger(app).await?;
        moves::one(app, customer_id, transfer, &position).await?
    };
    Ok(Claimed { incidents, one })
}

impl Claimed {
    /// Puts the customer and the payment on the lists, in the transaction that opens the case.
    ///
    /// # Errors
    /// A fault if the registry fails.
    pub(crate) async fn join(&self, app: &App, tx: &mut Tx, customer_id: &str) -> Result<()> {
        let now = app.clock.now();
        for incident_id in &self.incidents {
            // The incident's row first, as everybody who changes its lists takes it.
            log::add(tx, incident_id, (customer_id, now), "claim", "").await?;
            let at = self.one.as_ref().map_or(now, |one| one.at);
            let insert =
                sql("INSERT INTO incident_member (incident_id, customer_id, state, source,
                     networks, acts, first_at, reason, added_at)
                 VALUES ($1, $2, 'suspected', 'claim', '[]', CAST(0 AS BIGINT), $3, '', $4)
                 ON CONFLICT (incident_id, customer_id) DO NOTHING");
            let insert = insert.bind(incident_id).bind(customer_id).bind(at);
            tx.execute(insert.bind(now)).await?;
            if let Some(one) = &self.one {
                counting::insert_moves(tx, incident_id, from_ref(one), "claim").await?;
            }
        }
        Ok(())
    }
}
