//! Merchants, their stores, terminals and people; and the back office page.
//!
//! Other features use [`Merchants`]: who is calling (a terminal by its key), and whose account is
//! this (a store's name in a customer's history). Both are kept in memory and forgotten when the
//! registry changes, on every node.

mod authorizations;
pub mod desk;
mod directory;
mod pages;
mod session;
mod signin;
mod store;

pub use directory::{Merchants, StoreEntry, TerminalEntry};
pub use pages::router;
pub use session::MerchantUser;
pub use store::{
    NewTerminal, create_merchant, create_store, create_terminal, invite, new_token, put_product,
};
