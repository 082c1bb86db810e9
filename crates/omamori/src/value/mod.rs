//! Value of every kind: how a payment is made of coupons, points, free and paid value, and how it
//! goes back. `docs/value.md` is the written rule.
//!
//! Who takes payments (the register now; store codes and online orders later) calls [`offer`],
//! asks the gate, and calls [`spend`]: again if it says that the customer's value changed in
//! between.

pub mod back;
pub mod legs;
mod plan;
mod settings;
mod spend;

pub use legs::Made;
pub use plan::{Bill, Discount, Spending, SpendingOrder, plan, points_taken};
pub use settings::{PointsBase, PointsSettings, ValueSettings};
pub use spend::{Offer, Outcome, Purchase, TRIES, offer, spend};
