//! The application from outside: HTTP in, HTTP out. Everything that touches a store runs on SQLite
//! and on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod alerts;
mod audit;
mod backup;
mod books;
mod browser;
mod cancel;
mod cardtopup;
mod cases;
mod census;
mod code;
mod console;
mod contract;
mod crowd;
mod decisions;
mod desk_refunds;
mod doors;
mod durability;
mod input;
mod law;
mod limits;
mod load;
mod migrations;
mod money_notices;
mod month;
mod notices;
mod observe;
mod order;
mod ownlimits;
mod privacy;
mod refund;
mod risk;
mod sale;
mod send;
mod stolen;
mod support;
mod terminal;
mod topup;
mod value;
mod wallet;
mod weakness;
