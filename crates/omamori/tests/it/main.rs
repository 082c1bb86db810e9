//! The application from outside: HTTP in, HTTP out. Everything that touches a store runs on SQLite
//! and on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod browser;
mod cancel;
mod census;
mod code;
mod contract;
mod doors;
mod durability;
mod input;
mod limits;
mod notices;
mod refund;
mod sale;
mod stolen;
mod support;
mod terminal;
mod topup;
mod wallet;
