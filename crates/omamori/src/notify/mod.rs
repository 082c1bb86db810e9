//! Messages to customers. Here: SMS, their texts and the two ways to send them.
//!
//! A message says what it is for, carries no link, and is sent to a number that was verified
//! before or is being verified now.

mod http;
mod page;
mod sandbox;
mod text;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use http::HttpSms;
pub use page::router;
pub use sandbox::{SandboxSms, Sent};
pub use text::Message;

use crate::clock::Clock;
use crate::config;

/// An SMS was not handed over.
#[derive(Debug, thiserror::Error)]
pub enum SmsError {
    /// The gateway was not reached or broke off.
    #[error("the SMS gateway was not reached")]
    Transport(#[source] Box<ureq::Error>),
    /// The gateway said no.
    #[error("the SMS gateway answered with status {0}")]
    Status(u16),
    /// The sending task was stopped.
    #[error("the sending task was stopped")]
    Stopped(#[from] tokio::task::JoinError),
}

/// The future of [`Sms::send`].
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), SmsError>> + Send + 'a>>;

/// A way to send SMS.
pub trait Sms: Send + Sync {
    /// Hands over one message. `to` is a number in E.164.
    ///
    /// # Errors
    /// [`SmsError`]; the message may have been sent all the same.
    fn send<'a>(&'a self, to: &'a str, text: &'a str) -> Sending<'a>;
}

/// The configured way to send SMS.
#[derive(Clone)]
pub struct Outbox {
    sms: Arc<dyn Sms>,
    sandbox: Option<Arc<SandboxSms>>,
}

impl Outbox {
    /// The way that the settings name.
    #[must_use]
    pub fn new(setting: &config::Sms, clock: Arc<dyn Clock>) -> Self {
        match setting {
            config::Sms::Sandbox => {
                let sandbox = Arc::new(SandboxSms::new(clock));
                Self { sms: sandbox.clone(), sandbox: Some(sandbox) }
            }
            config::Sms::Http { url, token } => {
                Self { sms: Arc::new(HttpSms::new(url.clone(), token.clone())), sandbox: None }
            }
        }
    }

    /// Sends without making the caller wait: how long the gateway takes must not tell anyone
    /// whether, or what, was sent. A failure is logged without the number and the text.
    pub fn post(&self, to: String, text: String) {
        let sms = self.sms.clone();
        tokio::spawn(async move {
            if let Err(error) = sms.send(&to, &text).await {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, source, "an SMS was not sent");
            }
        });
    }

    /// What was "sent", if this is the sandbox.
    #[must_use]
    pub fn sandbox(&self) -> Option<&SandboxSms> {
        self.sandbox.as_deref()
    }
}
