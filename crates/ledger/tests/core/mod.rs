//! The pure core: text tables against the rules, random batches against a model, and the binary
//! form of entries.

mod entries;
mod memory;
pub mod model;
pub mod random;
mod script;
mod snapshot;
mod world;
