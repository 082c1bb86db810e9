//! Bounds on what the service takes on: connections, heads, bodies, requests at work, and time.
//!
//! More than it can carry is turned away at once with 503 and `Retry-After`, in an order: sign-up
//! first, then the wallet, then staff; a register's sale last of all. So a launch crowd or a flood
//! takes nothing from who stands at a till. What waits, waits for a bounded time.
//!
//! Beside this: [`crate::crowd`], the waiting room for sign-up.

mod connections;
mod settings;
mod shed;

pub use connections::serve;
pub use settings::LoadSettings;
pub use shed::{Class, Shed, bounded};
