//! What the outside does to a running Omamori: load, over HTTP only.
//!
//! Here: [`load`], a load generator for any HTTP server, and [`sale`], the traffic of tills that
//! scan customers' codes. Not here: anything of the inside. A drill knows the public formats (the
//! payment code, the POS API) and what it was given to play its part: phones' secrets, tills'
//! keys. So its figures are what a till sees.

pub mod load;
pub mod random;
pub mod sale;
