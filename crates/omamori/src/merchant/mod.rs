//! Merchants, their stores, terminals and people; and the back office page.
//!
//! Other features use [`Merchants`]: who is calling (a terminal by its key), and whose account is
//! this (a store's name in a customer's history). Both are kept in memory and forgotten when the
//! registry changes, on every node.

pub mod access;
mod authorizations;
pub mod confirm;
pub mod desk;
mod directory;
mod frame;
pub mod keys;
pub mod notice;
mod pages;
mod people;
pub mod sales;
mod session;
mod signin;
mod store;

pub use directory::{Merchants, StoreEntry, TerminalEntry};
pub use frame::Frame;
pub use notice::MerchantNotice;
pub use pages::router;
pub use session::MerchantUser;
pub use store::{
    NewTerminal, create_merchant, create_store, create_terminal, create_terminal_by, invite,
    invite_as, new_token, put_product,
};
