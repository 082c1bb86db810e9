//! Asking for money: alone, or split over several people.

pub mod cancel;
pub mod create;
pub mod list;
pub mod row;
pub mod tell;
