//! What the outside does to a running Omamori: load, over HTTP only.
//!
//! Here: [`load`], a load generator for any HTTP server, [`sale`], the traffic of tills that
//! scan customers' codes, [`signin`], a list attack beside honest sign-ins, [`month`], the
//! life of a shop and its customers, [`scenario`], attacks with their names, and [`july`], the
//! attack of July 2019 on a crowd. Not here: anything of the inside. A drill knows the public
//! formats (the payment code, the POS API, the sign-in) and what it was given to play its part:
//! phones' secrets, tills' keys. So its figures are what tills and customers see.

pub mod july;
pub mod load;
pub mod month;
mod player;
pub mod random;
pub mod sale;
pub mod scenario;
pub mod signin;
