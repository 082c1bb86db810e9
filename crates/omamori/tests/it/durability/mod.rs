//! What was acknowledged is there after `kill -9`, whenever it came.

pub mod child;
mod client;
mod kill_loop;
mod pipe;
mod tamper;
