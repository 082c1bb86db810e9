//! What a way out of the house must do, and how it fails.

use std::future::Future;
use std::pin::Pin;

use crate::clock::Micros;

/// A message was not handed over. No variant holds an address or a text.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The other side was not reached or broke off; the message may have been sent all the same.
    #[error("the other side was not reached: {0}")]
    Unreached(String),
    /// The other side wants it later.
    #[error("the other side answered with status {0}, for now")]
    Later(u16),
    /// The other side will never take it.
    #[error("the other side answered with status {0}")]
    Refused(u16),
    /// The recipient is not there any more.
    #[error("the recipient is gone")]
    Gone,
    /// It cannot be put into the form that the other side takes.
    #[error("the message cannot be sent as it is")]
    Unsendable,
    /// The sending task was stopped.
    #[error("the sending task was stopped")]
    Stopped(#[from] tokio::task::JoinError),
}

impl SendError {
    /// From a status of HTTP that is no success.
    #[must_use]
    pub fn http(status: u16) -> Self {
        match status {
            408 | 425 | 429 | 500.. => Self::Later(status),
            _ => Self::Refused(status),
        }
    }

    /// Whether no further try can succeed.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Gone | Self::Unsendable)
    }

    /// The word that tables and logs keep.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unreached(_) => "unreached",
            Self::Later(_) => "later",
            Self::Refused(_) => "refused",
            Self::Gone => "gone",
            Self::Unsendable => "unsendable",
            Self::Stopped(_) => "stopped",
        }
    }
}

/// The future of an adapter's `send`.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'a>>;

/// A way to send SMS.
pub trait Sms: Send + Sync {
    /// Hands over one message. `to` is a number in E.164.
    ///
    /// # Errors
    /// [`SendError`].
    fn send<'a>(&'a self, to: &'a str, text: &'a str) -> Sending<'a>;
}

/// An e-mail: plain text to one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The same at every try, so that the recipient's side can tell a repetition.
    pub id: String,
    /// The address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// Its date.
    pub at: Micros,
}

/// A way to send e-mail.
pub trait Mail: Send + Sync {
    /// Hands over one letter.
    ///
    /// # Errors
    /// [`SendError`].
    fn send<'a>(&'a self, letter: &'a Letter) -> Sending<'a>;
}
