//! What notices are made of.

use serde::{Deserialize, Serialize};

use crate::identity::Phone;
use crate::notify::email::Email;

/// Why an account was not closed after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosingEnd {
    /// Its holder signed in.
    SignedIn,
    /// When the day came, something forbade it: value, a hold, staff.
    Forbidden,
}

/// Why what was sent came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnReason {
    /// Nobody took it in time.
    Expired,
    /// The receiver did not want it.
    Declined,
    /// Too many wrong passcodes.
    Passcode,
}

/// A way to prove that it is the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// A passkey.
    Passkey,
    /// One-time codes of an app.
    Totp,
    /// A password.
    Password,
    /// An account elsewhere.
    External,
}

/// What became of a factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    Added,
    /// It took the place of one like it.
    Replaced,
    /// It is gone.
    Removed,
}

/// A kind of contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactKind {
    /// A phone number.
    Phone,
    /// An e-mail address.
    Email,
}

impl ContactKind {
    /// The word of the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
        }
    }
}

/// Who stopped an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStopper {
    /// The customer.
    Customer,
    /// The operator's staff.
    Staff,
}

/// A contact of which only so much is left that its holder knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Masked(pub(super) String);

impl From<&Phone> for Masked {
    fn from(phone: &Phone) -> Self {
        Self(phone.masked())
    }
}

impl From<&Email> for Masked {
    fn from(email: &Email) -> Self {
        Self(email.masked())
    }
}
