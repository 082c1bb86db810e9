//! The waiting room for sign-up: when more come than the settings let in a minute, everybody gets
//! a time, in the order of coming.
//!
//! A ticket is a time of admission, signed, in a cookie. Times are given out one after another, an
//! interval apart, from one counter in the registry that all nodes share in small blocks; so a
//! place never changes, nobody is overtaken, and nothing has to be kept of who waits.
//!
//! What always holds:
//! - Without a queue nobody sees a room: a sign-up takes the next time, which is now.
//! - A ticket cannot be made, moved or changed by anybody else, is good for ten minutes from its
//!   time, and for three starts of a sign-up (a mistyped number is typed again).
//! - One network gets a bounded number of tickets, so that hoarding them costs networks.
//! - The page holds nothing of anybody and no third party's script, and renews itself without one.

mod page;
mod room;
mod ticket;

pub use page::wait_page;
pub use room::{CrowdSettings, Pass, Room, admit};
