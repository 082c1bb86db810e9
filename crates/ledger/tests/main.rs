//! The ledger from outside, in one binary: the pure core in `core`, the engine on SQLite and on
//! PostgreSQL in `storage`.
#![expect(clippy::expect_used, reason = "a test that cannot go on stops, with a reason")]

mod core;
mod storage;
