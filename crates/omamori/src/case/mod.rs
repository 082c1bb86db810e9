//! Cases: what staff look into, from a customer's word, a rule, a chargeback or their own eyes.
//!
//! [`open`] is the one way in: in the caller's transaction, with the evidence as it is seen at that
//! moment ([`evidence::snapshot`]), and idempotent, because the id is derived from the kind and a
//! key of the caller's. What staff do with a case is in [`acts`], each act one transaction that
//! ends in the audit log. What a customer sees of their own cases is in [`own`].
//!
//! Not here: the console's pages (`console/cases`), and what an outcome sets in motion for money.

pub mod acts;
pub mod evidence;
mod kind;
mod label;
pub mod list;
pub mod notes;
mod open;
pub mod own;
mod row;
mod settings;
mod state;

pub use kind::{CaseKind, Outcome};
pub use open::{NewCase, Opener, case_id, open};
pub use row::{Case, find, subjects};
pub use settings::CaseSettings;
pub use state::State;
