//! An application's own fold of the journal, living beside the state in the writer.

use std::convert::Infallible;

use crate::{Fact, Request, State};

/// What an application derives from the journal and needs at the moment of a commit, such as the
/// sums of rolling windows: exact, because it is read and changed only in the order of the
/// journal, across nodes too.
///
/// It changes only by [`Companion::observe`]. Requests whose `serial_key` is equal are never in
/// one batch, so [`Companion::admit`] sees all that earlier ones did.
pub trait Companion: Send + Sync + 'static {
    /// What a request brings to be admitted by.
    type Admission: Send + Sync + 'static;
    /// Why a request was not admitted.
    type Refusal: Send + 'static;

    /// Called right before the request is applied, after everything earlier is merged.
    /// `state` is the ledger's at that moment, `timestamp` that of the batch, in nanoseconds
    /// since 1970.
    ///
    /// It may be called again for the same request, if another node appended meanwhile.
    ///
    /// # Errors
    /// The refusal goes to the caller of the commit; nothing of the request happens.
    fn admit(
        &self,
        state: &State,
        request: &Request,
        admission: &Self::Admission,
        timestamp: u64,
    ) -> Result<(), Self::Refusal>;

    /// Takes over the facts of one entry, in order: at a merge, at the start, and for what other
    /// nodes wrote.
    fn observe(&mut self, facts: &[Fact]);

    /// How far back it must have observed the journal when the ledger opens, in nanoseconds.
    /// It may be given more.
    fn history_nanos(&self) -> u64;
}

/// No companion: every request is admitted.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCompanion;

impl Companion for NoCompanion {
    type Admission = ();
    type Refusal = Infallible;

    fn admit(&self, _: &State, _: &Request, (): &(), _: u64) -> Result<(), Infallible> {
        Ok(())
    }

    fn observe(&mut self, _: &[Fact]) {}

    fn history_nanos(&self) -> u64 {
        0
    }
}
