//! The page on which the sandbox shows its messages, as the phones that they went to show them.

use std::time::Duration;

use super::Failure;
use super::http::Http;
use super::phone::Phone;

/// A person looks at the phone so often until the SMS is there, at first after a moment, then less
/// and less often.
const LOOKS_MAX: u32 = 300;
const FIRST_LOOK: Duration = Duration::from_millis(10);
const LAST_LOOK: Duration = Duration::from_millis(200);
/// Many wait at one time, and the page is the same for all of them.
const FRESH: Duration = Duration::from_millis(50);

impl Phone {
    /// The newest message to a number, with all that the page has of it; empty if there is none.
    pub(crate) async fn newest_message(
        &self,
        http: &Http,
        telephone: &str,
    ) -> Result<String, Failure> {
        self.seen_message(http, telephone, Duration::ZERO).await
    }

    async fn seen_message(
        &self,
        http: &Http,
        to: &str,
        fresh: Duration,
    ) -> Result<String, Failure> {
        let page = http.look(&self.request("GET", "/demo/sms", ""), fresh).await?;
        Ok(newest(&page, to).unwrap_or_default().to_owned())
    }

    /// Waits for the message after `before`: the code in it, if it has one.
    pub(crate) async fn next_code(
        &self,
        http: &Http,
        telephone: &str,
        before: &str,
    ) -> Result<Option<String>, Failure> {
        let message = self.next_message(http, telephone, before).await?;
        Ok(code(&message).map(str::to_owned))
    }

    /// Waits for the message after `before` to a number or an address, with all that the page has
    /// of it.
    pub(crate) async fn next_message(
        &self,
        http: &Http,
        to: &str,
        before: &str,
    ) -> Result<String, Failure> {
        let mut pause = FIRST_LOOK;
        for _ in 0..LOOKS_MAX {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_LOOK);
            let message = self.seen_message(http, to, FRESH).await?;
            if !message.is_empty() && message != before {
                return Ok(message);
            }
        }
        Err(Failure::NotUnderstood("the page of messages: nothing came"))
    }
}

fn newest<'a>(page: &'a str, telephone: &str) -> Option<&'a str> {
    let mut messages = page.split("<li class=\"message\"").skip(1);
    messages.find(|message| message.contains(telephone))
}

fn code(message: &str) -> Option<&str> {
    message.split("data-sms-code>").nth(1)?.split('<').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_the_newest_message_to_the_number_is_read() {
        let page = "+81903<ul><li class=\"message\" x>+81901 <span data-sms-code>111111</span>\
                    </li><li class=\"message\" x>+81902 <span data-sms-code>222222</span></li>\
                    <li class=\"message\" x>+81902 <span data-sms-code>333333</span></li></ul>";
        assert_eq!(newest(page, "+81902").and_then(code), Some("222222"));
        assert_eq!(newest(page, "+81903"), None);
        assert_eq!(code("<li class=\"message\">you have an account</li>"), None);
    }
}
