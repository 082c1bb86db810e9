//! Nothing is sent: the text is kept for `/demo/sms` and logged. Never for customers.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Sending, Sms};
use crate::clock::{Clock, Micros};

const KEPT: usize = 100;

/// One SMS that was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The number, E.164.
    pub to: String,
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
pub struct SandboxSms {
    clock: Arc<dyn Clock>,
    sent: Mutex<VecDeque<Sent>>,
}

impl SandboxSms {
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
}

impl Sms for SandboxSms {
    fn send<'a>(&'a self, to: &'a str, text: &'a str) -> Sending<'a> {
        Box::pin(async move {
            tracing::info!(to, text, "sandbox SMS");
            let mut sent = self.sent.lock();
            if sent.len() == KEPT {
                sent.pop_front();
            }
            sent.push_back(Sent { to: to.to_owned(), text: text.to_owned(), at: self.clock.now() });
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[tokio::test]
    async fn the_last_hundred_are_kept_and_the_code_is_found() {
        let sandbox = SandboxSms::new(Arc::new(ManualClock::at(7)));
        for number in 0..=KEPT {
            sandbox.send("+819012345678", &format!("code {number:06} (10 min)")).await.unwrap();
        }
        let sent = sandbox.sent();
        assert_eq!(sent.len(), KEPT);
        assert_eq!(sent[0].code(), Some("000100"), "newest first");
        assert_eq!(sent[KEPT - 1].code(), Some("000001"), "the oldest is gone");
        let without = Sent { text: "12345 1234567".into(), ..sent[0].clone() };
        assert_eq!(without.code(), None);
    }
}
