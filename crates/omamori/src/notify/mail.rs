//! E-mail over SMTP, through lettre: blocking, on a thread for blocking work, one connection a
//! letter, because letters are few.

use std::time::{Duration, SystemTime};

use lettre::Transport;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{Error as SmtpError, SmtpTransport};

use super::{Letter, Mail, SendError, Sending};
use crate::clock::Micros;
use crate::config::{Config, MailTls, Smtp};

const TIMEOUT: Duration = Duration::from_secs(15);

/// The adapter for a mail server.
pub struct SmtpMail {
    settings: Smtp,
    /// By which we greet, and which our message ids end with.
    host: String,
}

impl SmtpMail {
    /// A server of these settings.
    #[must_use]
    pub fn new(settings: &Smtp, config: &Config) -> Self {
        let host = config.public_url.split_once("://").map_or("", |(_, authority)| authority);
        let host = host.split(':').next().unwrap_or_default().to_owned();
        Self { settings: settings.clone(), host }
    }

    fn transport(&self) -> Result<SmtpTransport, SmtpError> {
        let Smtp { host, port, tls, user, password, .. } = &self.settings;
        let mut builder = match tls {
            MailTls::Implicit => SmtpTransport::relay(host)?,
            MailTls::Starttls => SmtpTransport::starttls_relay(host)?,
            MailTls::None => SmtpTransport::builder_dangerous(host),
        };
        if let Some(port) = port {
            builder = builder.port(*port);
        }
        if let (Some(user), Some(password)) = (user, password) {
            let password = password.reveal().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        let hello = ClientId::Domain(self.host.clone());
        Ok(builder.hello_name(hello).timeout(Some(TIMEOUT)).build())
    }

    /// The letter in RFC 5322. Its id stays the same over all tries.
    fn message(&self, letter: &Letter) -> Option<Message> {
        let from: Mailbox = self.settings.from.parse().ok()?;
        let to = Mailbox::new(None, letter.to.parse().ok()?);
        let id = format!("<{}@{}>", letter.id, self.host);
        let builder = Message::builder().from(from).to(to).message_id(Some(id));
        automatic(builder.date(system_time(letter.at)))
            .subject(letter.subject.clone())
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .ok()
    }
}

/// RFC 3834 §5: so that nobody's holiday note answers.
fn automatic(builder: MessageBuilder) -> MessageBuilder {
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    builder.raw_header(HeaderValue::new(name, "auto-generated".to_owned()))
}

fn system_time(at: Micros) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(at).unwrap_or_default())
}

/// Answers of a mail server quote addresses: only their status goes on.
fn send_error(error: &SmtpError) -> SendError {
    match error.status().map(u16::from) {
        // Wrong credentials (RFC 4954 §6): ours to mend, and no reason to drop the letter.
        Some(status @ (530 | 534 | 535 | 538)) => SendError::Later(status),
        Some(status) if error.is_permanent() => SendError::Refused(status),
        Some(status) => SendError::Later(status),
        None if error.is_response() => SendError::Unreached("no answer of SMTP".to_owned()),
        None => SendError::Unreached(error.to_string()),
    }
}

impl Mail for SmtpMail {
    fn send<'a>(&'a self, letter: &'a Letter) -> Sending<'a> {
        Box::pin(async move {
            let message = self.message(letter).ok_or(SendError::Unsendable)?;
            let transport = self.transport().map_err(|error| send_error(&error))?;
            let sent = tokio::task::spawn_blocking(move || transport.send(&message)).await?;
            sent.map(drop).map_err(|error| send_error(&error))
        })
    }
}
