//! Payment codes, as mathematics: digits, texts and pictures.
//!
//! - [`code`]: the 24 digits that a customer shows, and the one-time part inside them.
//! - [`mpm`]: the text of a QR code that a store shows (EMVCo Merchant-Presented Mode, JPQR).
//! - [`cpm`]: the object tree of a QR code that another wallet's customer shows (EMVCo
//!   Consumer-Presented Mode, JPQR).
//! - [`draw`]: Code 128 and QR codes as SVG.
//!
//! There is no storage here, no clock and no randomness: the time is a parameter and secrets are
//! handed in. Whether a code was used before is the ledger's question; [`code::authorization_id`]
//! only gives it the name to ask with.
//!
//! Every parser is strict (what it accepts has exactly one meaning), never panics, and reads
//! back what its writer writes.

pub mod code;
pub mod cpm;
pub mod draw;
pub mod mpm;
