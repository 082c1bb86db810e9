//! To whom: what a request names, and what that is.

use serde::{Deserialize, Serialize};

use super::{friend, request};
use crate::app::App;
use crate::identity::account::{self, Account};
use crate::identity::{Customer, Phone};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// To whom, as the request says it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum To {
    /// Whoever has this number, verified, when they take it.
    Phone {
        /// As people write it.
        phone: String,
        /// What the sender calls them.
        #[serde(default)]
        name: String,
    },
    /// The friend who shows this code.
    Friend {
        /// As shown: twelve characters.
        code: String,
        /// What the sender calls them.
        #[serde(default)]
        name: String,
    },
    /// Whoever has the link and the passcode.
    Link {
        /// What the sender calls them.
        #[serde(default)]
        name: String,
    },
    /// Whoever asked for it.
    Request {
        /// Of the request's link.
        token: String,
    },
}

/// To whom, found.
#[derive(Clone, Debug)]
pub enum Recipient {
    /// A number; nobody has looked whether it has an account.
    Phone(Phone),
    /// A friend who showed a code.
    Friend(Box<Account>),
    /// The holder of a link.
    Link,
    /// Who asked.
    Asker(Box<Account>, Box<request::row::Asked>),
}

impl To {
    /// What the sender calls the receiver.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Phone { name, .. } | Self::Friend { name, .. } | Self::Link { name } => name,
            Self::Request { .. } => "",
        }
    }

    /// Finds it.
    ///
    /// # Errors
    /// A field is wrong; the code or the request is not there; it is the sender; a fault.
    pub async fn find(&self, app: &App, sender: &Customer) -> Result<Recipient> {
        let registry = &app.stores.registry;
        match self {
            Self::Phone { phone, .. } => {
                let phone =
                    Phone::parse(phone).ok_or_else(|| Error::field("to.phone", "malformed"))?;
                let own = account::find(registry, &sender.customer_id).await?.phone;
                if phone == own {
                    return Err(Code::SendToSelf.into());
                }
                Ok(Recipient::Phone(phone))
            }
            Self::Friend { code, .. } => {
                let friend = friend::holder(app, code).await?.ok_or(Code::FriendCodeUnknown)?;
                if friend.customer_id == sender.customer_id {
                    return Err(Code::SendToSelf.into());
                }
                Ok(Recipient::Friend(Box::new(friend)))
            }
            Self::Link { .. } => Ok(Recipient::Link),
            Self::Request { token } => {
                let asked = request::row::find_by_token(app, token).await?;
                let asked = asked.ok_or(Code::RequestNotFound)?;
                if asked.asker_id == sender.customer_id {
                    return Err(Code::SendToSelf.into());
                }
                let asker = account::find(registry, &asked.asker_id).await?;
                Ok(Recipient::Asker(Box::new(asker), Box::new(asked)))
            }
        }
    }
}

impl Recipient {
    /// The word of the table.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Phone(_) => "phone",
            Self::Friend(_) => "friend",
            Self::Link => "link",
            Self::Asker(..) => "request",
        }
    }

    /// As the sender confirms it and reads it later: what they typed or were shown, never what we
    /// know beside it.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        match self {
            Self::Phone(phone) => Some(hinted(phone)),
            Self::Friend(account) | Self::Asker(account, _) => Some(account.phone.masked()),
            Self::Link => None,
        }
    }
}

/// `090-****-5678`: enough to compare with the number that was typed.
fn hinted(phone: &Phone) -> String {
    let (national, masked) = (phone.national(), phone.masked());
    let begin = national.find('-').unwrap_or(0);
    format!("{}{}", &national[..begin], &masked[begin..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_hinted_at() {
        let hint = |typed| hinted(&Phone::parse(typed).unwrap());
        assert_eq!(hint("09012345678"), "090-****-5678");
        assert_eq!(hint("+447700900123"), "+********0123");
    }
}
