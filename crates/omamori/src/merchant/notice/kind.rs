//! The notices there are: who is told, whether they may be switched off, and their words.

use serde::{Deserialize, Serialize};

use super::super::access::Role;
use crate::clock::Micros;
use crate::notify::{fill, stamp, unlinked};
use crate::web::filters::{civil_text, yen_text};
use crate::web::text::Text;

/// Something that a merchant's people are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "params", rename_all = "snake_case")]
pub enum MerchantNotice {
    /// A statement is ready.
    Statement {
        /// Its last day.
        closing_on: String,
        /// Yen that are paid out for it.
        payout: i64,
    },
    /// The bank took a payout.
    PayoutSent {
        /// The last day of its statement.
        closing_on: String,
        /// Yen.
        yen: i64,
    },
    /// The bank gave a payout back.
    PayoutReturned {
        /// The last day of its statement.
        closing_on: String,
        /// Yen.
        yen: i64,
    },
    /// Another account for payouts was entered.
    PayoutAccountChanged {
        /// The end of its number.
        last_digits: String,
        /// When payouts go there.
        usable_at: Micros,
    },
    /// The operator lets payouts go there before that.
    PayoutAccountApproved {
        /// The end of its number.
        last_digits: String,
    },
    /// The operator took the change back.
    PayoutAccountRefused {
        /// The end of the number that was not taken.
        last_digits: String,
    },
    /// A terminal was added, and a key made for it.
    KeyCreated {
        /// Its name.
        terminal: String,
    },
    /// A terminal has a new key.
    KeyRotated {
        /// Its name.
        terminal: String,
        /// Until when the old one works; none if it has ended.
        old_until: Option<Micros>,
    },
    /// A terminal's key no longer works.
    KeyRevoked {
        /// Its name.
        terminal: String,
    },
    /// Somebody is invited.
    PersonInvited {
        /// The person's name.
        name: String,
        /// As what.
        role: Role,
    },
    /// Somebody who was invited made a passkey.
    PersonJoined {
        /// The person's name.
        name: String,
        /// As what.
        role: Role,
    },
    /// Somebody has another role.
    PersonRole {
        /// The person's name.
        name: String,
        /// Which.
        role: Role,
    },
    /// Somebody no longer signs in.
    PersonRemoved {
        /// The person's name.
        name: String,
    },
    /// Somebody is told at an e-mail address from now on.
    AddressChanged {
        /// Which, masked.
        to: String,
    },
    /// Somebody is told at no address any more.
    AddressRemoved {},
    /// A webhook was switched off because nobody took it.
    WebhookOff {
        /// Where it went.
        host: String,
    },
    /// The end of the service is announced.
    ServiceEnds {
        /// From when on nothing is paid.
        ends_at: Micros,
    },
    /// It is called off.
    ServiceStays {},
}

/// What somebody may not want by e-mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Statements.
    Statement,
    /// Payouts, sent and given back.
    Payout,
    /// Webhooks that were switched off.
    Webhook,
    /// The end of the service.
    Service,
}

impl Topic {
    /// Every topic there is.
    pub const ALL: [Self; 4] = [Self::Statement, Self::Payout, Self::Webhook, Self::Service];

    /// The word of tables and texts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Statement => "statement",
            Self::Payout => "payout",
            Self::Webhook => "webhook",
            Self::Service => "service",
        }
    }

    /// Whether somebody of a role is ever told of it.
    #[must_use]
    pub fn is_for(self, role: Role) -> bool {
        match self {
            Self::Service => true,
            Self::Statement | Self::Payout | Self::Webhook => role != Role::Clerk,
        }
    }
}

impl MerchantNotice {
    /// Its topic; none if it concerns security and cannot be switched off.
    #[must_use]
    pub const fn topic(&self) -> Option<Topic> {
        match self {
            Self::Statement { .. } => Some(Topic::Statement),
            Self::PayoutSent { .. } | Self::PayoutReturned { .. } => Some(Topic::Payout),
            Self::WebhookOff { .. } => Some(Topic::Webhook),
            Self::ServiceEnds { .. } | Self::ServiceStays {} => Some(Topic::Service),
            _ => None,
        }
    }

    /// The roles that are told: those who may see it in the back office. Whom it is about is told
    /// beside them.
    #[must_use]
    pub const fn roles(&self) -> &'static [Role] {
        match self {
            Self::PayoutAccountChanged { .. }
            | Self::PayoutAccountApproved { .. }
            | Self::PayoutAccountRefused { .. }
            | Self::PersonInvited { .. }
            | Self::PersonJoined { .. }
            | Self::PersonRole { .. }
            | Self::PersonRemoved { .. } => &[Role::Owner],
            Self::AddressChanged { .. } | Self::AddressRemoved {} => &[],
            Self::ServiceEnds { .. } | Self::ServiceStays {} => &Role::ALL,
            Self::Statement { .. }
            | Self::PayoutSent { .. }
            | Self::PayoutReturned { .. }
            | Self::KeyCreated { .. }
            | Self::KeyRotated { .. }
            | Self::KeyRevoked { .. }
            | Self::WebhookOff { .. } => &[Role::Owner, Role::Manager],
        }
    }

    /// Whether as many of them are passed on as there are: no flood of others, or of these, hides
    /// where the money goes.
    #[must_use]
    pub const fn is_unbounded(&self) -> bool {
        matches!(
            self,
            Self::PayoutAccountChanged { .. }
                | Self::PayoutAccountApproved { .. }
                | Self::PayoutAccountRefused { .. }
        )
    }

    /// A few words, and a sentence or two, in a language, for a page: names are as they are.
    #[must_use]
    pub fn words(&self, text: Text) -> (String, String) {
        self.said(text, str::to_owned)
    }

    /// The same for a letter: what others chose cannot become a link, which mail programs make of
    /// what looks like one.
    #[must_use]
    pub fn letter_words(&self, text: Text) -> (String, String) {
        self.said(text, unlinked)
    }

    fn said(&self, text: Text, name: fn(&str) -> String) -> (String, String) {
        let word = self.word();
        let body = fill(&text.named("told.text_", word), &self.values(text, name));
        (text.named("told.title_", word), body)
    }

    /// Which texts it has.
    const fn word(&self) -> &'static str {
        match self {
            Self::Statement { .. } => "statement",
            Self::PayoutSent { .. } => "payout_sent",
            Self::PayoutReturned { .. } => "payout_returned",
            Self::PayoutAccountChanged { .. } => "account_changed",
            Self::PayoutAccountApproved { .. } => "account_approved",
            Self::PayoutAccountRefused { .. } => "account_refused",
            Self::KeyCreated { .. } => "key_created",
            Self::KeyRotated { old_until: Some(_), .. } => "key_rotated",
            Self::KeyRotated { old_until: None, .. } => "key_replaced",
            Self::KeyRevoked { .. } => "key_revoked",
            Self::PersonInvited { .. } => "person_invited",
            Self::PersonJoined { .. } => "person_joined",
            Self::PersonRole { .. } => "person_role",
            Self::PersonRemoved { .. } => "person_removed",
            Self::AddressChanged { .. } => "address_changed",
            Self::AddressRemoved {} => "address_removed",
            Self::WebhookOff { .. } => "webhook_off",
            Self::ServiceEnds { .. } => "service_ends",
            Self::ServiceStays {} => "service_stays",
        }
    }

    /// What its texts name. Names come last: no placeholder in them is filled.
    fn values(&self, text: Text, shown: fn(&str) -> String) -> Vec<(&'static str, String)> {
        match self {
            Self::Statement { closing_on, payout: yen }
            | Self::PayoutSent { closing_on, yen }
            | Self::PayoutReturned { closing_on, yen } => {
                vec![("day", civil_text(closing_on)), ("yen", yen_text(*yen))]
            }
            Self::PayoutAccountChanged { last_digits, usable_at } => {
                vec![("digits", last_digits.clone()), ("at", stamp(*usable_at))]
            }
            Self::PayoutAccountApproved { last_digits }
            | Self::PayoutAccountRefused { last_digits } => vec![("digits", last_digits.clone())],
            Self::KeyRotated { terminal, old_until: Some(at) } => {
                vec![("at", stamp(*at)), ("terminal", shown(terminal))]
            }
            Self::KeyCreated { terminal }
            | Self::KeyRotated { terminal, old_until: None }
            | Self::KeyRevoked { terminal } => vec![("terminal", shown(terminal))],
            Self::PersonInvited { name, role }
            | Self::PersonJoined { name, role }
            | Self::PersonRole { name, role } => {
                vec![("role", text.named("people.role_", role.as_str())), ("name", shown(name))]
            }
            Self::PersonRemoved { name } => vec![("name", shown(name))],
            Self::AddressChanged { to } => vec![("to", to.clone())],
            Self::WebhookOff { host } => vec![("host", shown(host))],
            Self::ServiceEnds { ends_at } => vec![("at", stamp(*ends_at))],
            Self::AddressRemoved {} | Self::ServiceStays {} => vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::text::Lang;

    fn all() -> Vec<MerchantNotice> {
        use MerchantNotice as N;
        let (name, day) =
            (|| "tap https://evil.example/{at}".to_owned(), || "2026-04-30".to_owned());
        let (digits, role) = (|| "567".to_owned(), Role::Manager);
        vec![
            N::Statement { closing_on: day(), payout: 9_000 },
            N::PayoutSent { closing_on: day(), yen: 9_000 },
            N::PayoutReturned { closing_on: day(), yen: 9_000 },
            N::PayoutAccountChanged { last_digits: digits(), usable_at: 0 },
            N::PayoutAccountApproved { last_digits: digits() },
            N::PayoutAccountRefused { last_digits: digits() },
            N::KeyCreated { terminal: name() },
            N::KeyRotated { terminal: name(), old_until: Some(0) },
            N::KeyRotated { terminal: name(), old_until: None },
            N::KeyRevoked { terminal: name() },
            N::PersonInvited { name: name(), role },
            N::PersonJoined { name: name(), role },
            N::PersonRole { name: name(), role },
            N::PersonRemoved { name: name() },
            N::AddressChanged { to: "h***@example.jp".to_owned() },
            N::AddressRemoved {},
            N::WebhookOff { host: name() },
            N::ServiceEnds { ends_at: 0 },
            N::ServiceStays {},
        ]
    }

    #[test]
    fn every_notice_has_words_without_links_or_holes_and_is_read_back() {
        for notice in all() {
            for lang in [Lang::Ja, Lang::En] {
                let (title, body) = notice.letter_words(Text::new(lang));
                assert_ne!(title, notice.word(), "no title");
                assert_ne!(body, notice.word(), "no text");
                for wrong in ['{', '}', '?', '/'] {
                    let said = format!("{title} {body}").replace("1970/01/01", "");
                    let said = said.replace("2026/04/30", "");
                    assert!(!said.contains(wrong), "{said}");
                }
                assert!(!body.contains("2026-04-30"), "a date as no page has it: {body}");
                assert!(!body.contains("evil."), "{body}");
            }
            let (kind, params) = super::super::kept(&notice).unwrap();
            assert_eq!(super::super::read(&kind, &params).unwrap(), notice);
        }
    }

    #[test]
    fn a_page_has_names_as_they_are_and_a_letter_has_them_whole() {
        let text = Text::new(Lang::En);
        let host = MerchantNotice::WebhookOff { host: "hooks.shop.example".to_owned() };
        assert!(host.words(text).1.contains("hooks.shop.example"));
        assert!(host.letter_words(text).1.contains("hooks shop example"));
        let odd = MerchantNotice::PersonRole { name: "{role}".to_owned(), role: Role::Clerk };
        assert!(odd.words(text).1.starts_with("{role} "), "{:?}", odd.words(text));
        let name = "あ".repeat(64);
        let long = MerchantNotice::PersonRemoved { name: name.clone() };
        assert!(long.letter_words(text).1.contains(&name));
    }

    #[test]
    fn what_concerns_security_has_no_topic() {
        let told = all();
        let switched = told.iter().filter(|notice| notice.topic().is_some()).count();
        assert_eq!(switched, 6, "statement, two of payouts, webhook, two of the end");
        for notice in told.iter().filter(|notice| notice.is_unbounded()) {
            assert_eq!((notice.topic(), notice.roles()), (None, &[Role::Owner][..]));
        }
    }
}
