//! One customer on one screen, and what staff do for or against the account.

pub mod acts;
pub(super) mod page;
pub(super) mod page_acts;
pub(super) mod timeline;
