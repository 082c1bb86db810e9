//! Nothing is sent: messages of all ways are kept for `/demo/sms`. Never for customers.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::delivery::Channel;
use super::push::{Push, PushMessage};
use super::{Letter, Mail, Sending, Sms};
use crate::clock::{Clock, Micros};

const KEPT: usize = 100;

/// One message that was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// How.
    pub channel: Channel,
    /// The number in E.164, the address, or the name of a push service.
    pub to: String,
    /// The subject of an e-mail, the title of a push.
    pub title: Option<String>,
    /// The text.
    pub text: String,
    /// When.
    pub at: Micros,
}

impl Sent {
    /// The six digits in it, if there are such.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        let digits = self.text.split(|c: char| !c.is_ascii_digit());
        digits.into_iter().find(|run| run.len() == 6)
    }
}

/// Keeps the last hundred.
pub struct Sandbox {
    clock: Arc<dyn Clock>,
    sent: Mutex<VecDeque<Sent>>,
}

impl Sandbox {
    /// An empty one.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, sent: Mutex::default() }
    }

    /// The newest first.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().iter().rev().cloned().collect()
    }

    fn keep<'a>(
        &'a self,
        channel: Channel,
        to: String,
        title: Option<String>,
        text: String,
    ) -> Sending<'a> {
        Box::pin(async move {
            tracing::info!(channel = channel.as_str(), "a message to the sandbox");
            let mut sent = self.sent.lock();
            if sent.len() == KEPT {
                sent.pop_front();
            }
            sent.push_back(Sent { channel, to, title, text, at: self.clock.now() });
            Ok(())
        })
    }
}

impl Sms for Sandbox {
    fn send<'a>(&'a self, to: &'a str, text: &'a str) -> Sending<'a> {
        self.keep(Channel::Sms, to.to_owned(), None, text.to_owned())
    }
}

impl Mail for Sandbox {
    fn send<'a>(&'a self, letter: &'a Letter) -> Sending<'a> {
        let subject = Some(letter.subject.clone());
        self.keep(Channel::Email, letter.to.clone(), subject, letter.text.clone())
    }
}

impl Push for Sandbox {
    fn send<'a>(&'a self, message: &'a PushMessage) -> Sending<'a> {
        let title = Some(message.title.clone());
        self.keep(Channel::Push, message.endpoint.host().to_owned(), title, message.body.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[tokio::test]
    async fn the_last_hundred_are_kept_and_the_code_is_found() {
        let sandbox = Sandbox::new(Arc::new(ManualClock::at(7)));
        for number in 0..=KEPT {
            let text = format!("code {number:06} (10 min)");
            Sms::send(&sandbox, "+819012345678", &text).await.unwrap();
        }
        let sent = sandbox.sent();
        assert_eq!(sent.len(), KEPT);
        assert_eq!(sent[0].code(), Some("000100"), "newest first");
        assert_eq!(sent[KEPT - 1].code(), Some("000001"), "the oldest is gone");
        let without = Sent { text: "12345 1234567".into(), ..sent[0].clone() };
        assert_eq!(without.code(), None);
    }
}
