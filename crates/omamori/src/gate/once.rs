//! What happens once, whoever does it and however often: decide, commit, and look with certainty.

use omamori_ledger::{CreateTransferResult as R, Request, Transfer};
use serde::Serialize;

use super::{Gate, Question};
use crate::web::error::Error;

/// Whether the ledger refused a transfer because its id is another one's by now.
#[must_use]
pub fn is_taken(result: R) -> bool {
    result.name().starts_with("exists")
}

/// Whether an account gives or takes nothing any more, or never held anything.
#[must_use]
pub const fn is_closed(result: R) -> bool {
    matches!(
        result,
        R::DebitAccountAlreadyClosed
            | R::CreditAccountAlreadyClosed
            | R::DebitAccountNotFound
            | R::CreditAccountNotFound
    )
}

impl Gate {
    /// Makes one chain of transfers, once: what stands under the id of its first transfer, made
    /// now, before, or by another node meanwhile. `Err` inside: nothing was made, and the ledger
    /// says a thing that the caller expects.
    ///
    /// # Errors
    /// The gate's refusal; an answer of the ledger that nobody expects; busy; a fault.
    pub async fn once<D: Serialize + Sync>(
        &self,
        question: Question<'_, D>,
        request: Request,
        expects: impl Fn(R) -> bool + Send,
    ) -> Result<Result<Transfer, R>, Error> {
        let id = request.transfers.first().map(|first| first.id);
        let id = id.ok_or(Error::fault("nothing was to be moved"))?;
        if let Some(stands) = self.transfer_certainly(id).await? {
            return Ok(Ok(stands.transfer));
        }
        let clearance = self.decide(question, Ok(())).await?;
        let reply = self.commit(clearance, request).await?;
        if let Some(stands) = self.transfer_certainly(id).await? {
            return Ok(Ok(stands.transfer));
        }
        let results = reply.transfers.iter().map(|outcome| outcome.result);
        let refusal = results.into_iter().find(|result| *result != R::LinkedEventFailed);
        match refusal {
            Some(refusal) if expects(refusal) => Ok(Err(refusal)),
            refusal => {
                let refusal = refusal.map(R::name);
                tracing::error!(refusal, "a transfer was refused by the ledger");
                Err(Error::fault("a transfer was refused by the ledger"))
            }
        }
    }
}
