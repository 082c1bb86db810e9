//! Sign-in on the phone that the account is bound to: its passkey and a proof by its key.
//!
//! Nobody types who they are, so there is nothing to try names against: the passkey names the
//! account. A right passkey on another phone is refused; moving to it is another, longer way.
//!
//! Beside it [`password`], for phones without passkeys, which asks for the bound phone's key first
//! and stands behind [`crate::identity::attack`].

pub(super) mod finish;
pub(super) mod lock;
pub(super) mod options;
pub(super) mod password;
