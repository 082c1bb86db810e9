//! What every page of the back office has around it.

use super::access::{Manager, Owner};
use super::session::MerchantUser;

/// The head of a page: whose office it is, who is there, and where they may go.
pub struct Frame {
    /// Of the merchant.
    pub merchant_name: String,
    /// Of who is signed in.
    pub staff_name: String,
    /// More is shown to who may do more.
    pub is_manager: bool,
    /// Likewise.
    pub is_owner: bool,
    /// Which entry of the navigation this is.
    pub here: &'static str,
}

impl Frame {
    /// Of a page of theirs.
    #[must_use]
    pub fn new(user: &MerchantUser, here: &'static str) -> Self {
        Self {
            merchant_name: user.merchant_name.clone(),
            staff_name: user.name.clone(),
            is_manager: Manager::is_of(user.role),
            is_owner: Owner::is_of(user.role),
            here,
        }
    }
}
