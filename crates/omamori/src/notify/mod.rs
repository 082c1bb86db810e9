//! Messages to customers: notices in the app, and SMS, e-mail and web push about them.
//!
//! [`tell`] writes a notice in the transaction of the change that it tells of, and beside it one
//! row of the outbox for each way out of the house; the worker sends those, with retries. So no
//! notice is lost and none tells of what did not happen. Codes that verify a number or an address
//! go out directly ([`Outbox::post`]): a late one is worthless, and a code belongs in no table.
//!
//! What always holds: no message has a link to sign in, or a secret but for codes that are asked
//! for and the one that calls a recovery off ([`tell_with`]); addresses in texts are masked; no
//! address and no text is logged.

mod adapter;
pub mod contacts;
mod delivery;
mod email;
mod http;
mod inbox;
mod mail;
pub mod money;
mod notice;
mod page;
pub mod push;
mod quota;
mod sandbox;
mod tell;
mod text;
mod worker;

use std::sync::Arc;

pub use adapter::{Letter, Mail, SendError, Sending, Sms};
pub(crate) use delivery::pause;
pub use delivery::{Channel, deliver_due};
pub use email::Email;
pub use http::HttpSms;
pub use inbox::{Shown as ShownNotice, newest as newest_notices, router};
pub use mail::SmtpMail;
pub use notice::{
    AccountStopper, Change, ClosingEnd, ContactKind, Factor, Masked, Notice, ReturnReason,
};
pub(crate) use notice::{fill, stamp, unlinked};
pub use page::router as sandbox_router;
pub use quota::count_sms;
pub use sandbox::{Sandbox, Sent};
pub use tell::{tell, tell_alone, tell_with};
pub use text::Message;
pub(crate) use text::{code_subject, sender};
pub use worker::start;

use crate::clock::Clock;
use crate::config::{self, Config};
use crate::observe::Metrics;
use push::Push;

/// The word for what became of a try to send.
const fn outcome(sent: &Result<(), SendError>) -> &'static str {
    if sent.is_ok() { "sent" } else { "failed" }
}

/// The configured ways out of the house.
#[derive(Clone)]
pub struct Outbox {
    sms: Arc<dyn Sms>,
    mail: Option<Arc<dyn Mail>>,
    push: Option<Arc<dyn Push>>,
    push_key: push::KeyCell,
    sandbox: Option<Arc<Sandbox>>,
    metrics: Arc<Metrics>,
}

impl Outbox {
    /// The ways that the settings name.
    #[must_use]
    pub fn new(config: &Config, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        let sandbox = Arc::new(Sandbox::new(clock));
        let sms: Arc<dyn Sms> = match &config.sms {
            config::Sms::Sandbox => sandbox.clone(),
            config::Sms::Http { url, token } => Arc::new(HttpSms::new(url.clone(), token.clone())),
        };
        let mail: Option<Arc<dyn Mail>> = match &config.mail {
            config::Mail::None => None,
            config::Mail::Sandbox => Some(sandbox.clone()),
            config::Mail::Smtp(smtp) => Some(Arc::new(SmtpMail::new(smtp, config))),
        };
        let push: Option<Arc<dyn Push>> = match &config.push {
            config::Push::None => None,
            config::Push::Sandbox => Some(sandbox.clone()),
            config::Push::Web { .. } => Some(Arc::new(push::WebPush::new())),
        };
        let sandbox = config.has_sandbox().then_some(sandbox);
        Self { sms, mail, push, push_key: push::KeyCell::default(), sandbox, metrics }
    }

    /// Sends an SMS without making the caller wait: how long the gateway takes must not tell
    /// anyone whether, or what, was sent. A failure is logged without the number and the text.
    pub fn post(&self, to: String, text: String) {
        let (sms, metrics) = (self.sms.clone(), self.metrics.clone());
        tokio::spawn(async move {
            let sent = sms.send(&to, &text).await;
            metrics.message("sms", outcome(&sent));
            if let Err(error) = sent {
                tracing::error!(reason = error.word(), %error, "an SMS was not sent");
            }
        });
    }

    /// Sends an e-mail in the same way. Without a mail adapter nothing is sent.
    pub fn post_letter(&self, letter: Letter) {
        let Some(mail) = self.mail.clone() else { return };
        let metrics = self.metrics.clone();
        tokio::spawn(async move {
            let sent = mail.send(&letter).await;
            metrics.message("email", outcome(&sent));
            if let Err(error) = sent {
                tracing::error!(reason = error.word(), %error, "an e-mail was not sent");
            }
        });
    }

    /// Sends a letter that is no customer's, and waits: for an outbox of the caller's own.
    ///
    /// # Errors
    /// [`SendError`]; [`SendError::Unsendable`] without a mail adapter.
    pub async fn send_letter(&self, letter: &Letter) -> Result<(), SendError> {
        let Some(mail) = &self.mail else { return Err(SendError::Unsendable) };
        let sent = mail.send(letter).await;
        self.metrics.message("email", outcome(&sent));
        sent
    }

    /// Whether customers can be offered an e-mail contact.
    #[must_use]
    pub fn offers_email(&self) -> bool {
        self.mail.is_some()
    }

    /// Whether customers can be offered web push.
    #[must_use]
    pub fn offers_push(&self) -> bool {
        self.push.is_some()
    }

    /// What was "sent", if any way is a sandbox.
    #[must_use]
    pub fn sandbox(&self) -> Option<&Sandbox> {
        self.sandbox.as_deref()
    }
}
