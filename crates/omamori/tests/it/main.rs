//! The application from outside: HTTP in, HTTP out. Everything that touches a store runs on SQLite
//! and on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod atm;
mod audit;
mod browser;
mod cancel;
mod cardtopup;
mod census;
mod code;
mod console;
mod contract;
mod doors;
mod durability;
mod input;
mod limits;
mod money_notices;
mod notices;
mod ownlimits;
mod privacy;
mod refund;
mod sale;
mod send;
mod stolen;
mod support;
mod terminal;
mod topup;
mod value;
mod wallet;
mod weakness;
