//! The live picture: what comes in, what is refused, what looks like an attack.

mod figures;
pub(super) mod page;
mod plot;

pub use figures::Figures;
pub(crate) use plot::{Plot, draw};
