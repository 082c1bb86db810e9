//! For whom a campaign is.

use super::campaign::Terms;
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::gate::chart::TransferCode;
use crate::pos::micros;
use crate::web::error::Result;

/// Movements of a wallet that are looked through for its last payment. Who moved more than that
/// without paying is not called dormant.
const MOVEMENTS: usize = 400;

/// A customer, as campaigns choose.
pub(super) struct Target<'a> {
    app: &'a App,
    wallet: u128,
    /// When the account came to be.
    since: Micros,
    /// When they paid last, once it was asked; none is never.
    paid_at: Option<Option<Micros>>,
}

impl<'a> Target<'a> {
    pub(super) const fn new(app: &'a App, wallet: u128, since: Micros) -> Self {
        Self { app, wallet, since, paid_at: None }
    }

    /// Whether a campaign is offered to them now.
    ///
    /// # Errors
    /// A fault if the views fail.
    pub(super) async fn is_meant(&mut self, terms: &Terms) -> Result<bool> {
        let now = self.app.clock.now();
        if terms.new_customer_days.is_some_and(|days| now > self.since + days * DAY) {
            return Ok(false);
        }
        let Some(days) = terms.dormant_days else { return Ok(true) };
        let from = now - days * DAY;
        Ok(self.since <= from && self.paid_at().await?.is_none_or(|at| at <= from))
    }

    async fn paid_at(&mut self) -> Result<Option<Micros>> {
        if let Some(known) = self.paid_at {
            return Ok(known);
        }
        let moved = self.app.gate.statement(self.wallet, None, MOVEMENTS).await?;
        let is_payment = |code| TransferCode::of(code) == Some(TransferCode::Payment);
        let paid = moved.iter().find(|transfer| is_payment(transfer.code));
        let oldest = moved.last().filter(|_| moved.len() == MOVEMENTS);
        let paid_at = paid.or(oldest).map(micros);
        self.paid_at = Some(paid_at);
        Ok(paid_at)
    }
}
