//! Alerts: what somebody of the operator should look at now, told once and kept until it is over.
//!
//! Every node looks at the same few conditions ([`look`]) and writes what stands into the registry
//! ([`store`]), where one kind and subject has one row: so n nodes tell once. What is new goes out
//! by e-mail and webhook through an outbox of its own ([`deliver`]) and stands at
//! `/console/alerts`, where somebody takes it up. What is not seen any more is over.
//!
//! What always holds: no text has a secret, a person, or a staff member's words; it names a kind,
//! a figure and where to look.

mod deliver;
mod kind;
mod look;
mod settings;
mod store;
mod worker;

pub use deliver::deliver_due;
pub use kind::{Kind, Severity};
pub use look::{Seen, look};
pub use settings::AlertSettings;
pub use store::{Alert, acknowledge, find, newest, raise, standing};
pub use worker::{round_now, start};
