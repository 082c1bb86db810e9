//! Asking a service of breached passwords, where the operator has set one: a range query.
//!
//! Only the first five of forty digits of the SHA-1 leave the house, so the service learns no
//! password (k-anonymity; the protocol of Have I Been Pwned, api.pwnedpasswords.com/range, which
//! may be run in-house). It adds to the list that ships with the program; when it does not answer,
//! that list is what counts.

use std::fmt::Write;
use std::time::Duration;

use sha1::{Digest, Sha1};

use super::Password;
use crate::web::error::{Error, Result};

const TIMEOUT: Duration = Duration::from_secs(2);
const PREFIX_DIGITS: usize = 5;
/// An answer has some 900 lines of 40 bytes, padded.
const ANSWER_BYTES_MAX: u64 = 256 * 1024;

/// A service.
pub(in crate::identity) struct RangeQuery {
    agent: ureq::Agent,
    address: String,
}

impl RangeQuery {
    /// The service at `address`, which the five digits are added to.
    pub(in crate::identity) fn new(address: String) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).max_redirects(0);
        Self { agent: config.build().new_agent(), address }
    }

    /// Refuses a password that the service knows.
    ///
    /// # Errors
    /// The field is `too_common`.
    pub(in crate::identity) async fn check(&self, password: &Password) -> Result<()> {
        let digits = Sha1::digest(password.as_bytes()).iter().fold(
            String::with_capacity(40),
            |mut text, byte| {
                let _ = write!(text, "{byte:02X}");
                text
            },
        );
        let (prefix, suffix) = digits.split_at(PREFIX_DIGITS);
        let request = self.agent.get(format!("{}{prefix}", self.address));
        let request = request.header("add-padding", "true");
        let answer = tokio::task::spawn_blocking(move || {
            let mut answer = request.call()?;
            answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string()
        });
        match answer.await.map_err(|error| Error::Fault(Box::new(error)))? {
            Ok(lines) if knows(&lines, suffix) => Err(Error::field("password", "too_common")),
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, "the service of breached passwords did not answer");
                Ok(())
            }
        }
    }
}

/// Lines are `SUFFIX:COUNT`; a count of 0 is padding.
fn knows(lines: &str, suffix: &str) -> bool {
    lines
        .lines()
        .filter_map(|line| line.trim().split_once(':'))
        .any(|(found, count)| found.eq_ignore_ascii_case(suffix) && count.trim() != "0")
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::Path;
    use axum::routing::get;

    use super::*;

    /// SHA-1 of "correct horse", as `sha1sum` prints it.
    const KNOWN: (&str, &str) = ("2F9E5", "3523B62ABC141A2B4D6019D23CBA835DBD0");

    #[tokio::test]
    async fn five_digits_leave_the_house_and_a_known_password_is_refused() {
        let handler = |Path(prefix): Path<String>| async move {
            assert_eq!(prefix.len(), PREFIX_DIGITS);
            let hit = if prefix == KNOWN.0 { KNOWN.1 } else { "0" };
            format!("{}:0\r\n{hit}:42\r\n", "A".repeat(35))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/range/", listener.local_addr().unwrap());
        let routes = Router::new().route("/range/{prefix}", get(handler));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let service = RangeQuery::new(address);
        let check = async |text: &str| service.check(&Password::parse(text).unwrap()).await;
        assert!(matches!(check("correct horse").await, Err(Error::Invalid(_))));
        assert!(check("another horse").await.is_ok());
        assert!(!knows("003D68EB55068C33ACE09247EE4C639306B:0", KNOWN.1));
    }

    #[tokio::test]
    async fn a_service_that_is_gone_stops_no_signup() {
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/range/", free.local_addr().unwrap());
        drop(free);
        let password = Password::parse("correct horse").unwrap();
        assert!(RangeQuery::new(address).check(&password).await.is_ok());
    }
}
