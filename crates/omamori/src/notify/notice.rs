//! The notices there are, and their words in both languages.

use serde::{Deserialize, Serialize};

use super::delivery::Channel;
use super::email::Email;
use crate::clock::Micros;
use crate::identity::Phone;
use crate::web::filters::{japan, yen_text};
use crate::web::text::Text;

/// Something that a customer is told. Of money in the wallet the ledger tells; here is what waits
/// beside it.
///
/// A notice is kept as its kind and its parameters; what was written once must stay readable, so
/// kinds and parameters are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "params", rename_all = "snake_case")]
pub enum Notice {
    /// The account came to be, on this phone.
    SignedUp {
        /// The phone's name.
        device: String,
    },
    /// A sign-in on the bound phone.
    NewSession {
        /// The phone's name.
        device: String,
    },
    /// A further phone can sign in.
    DeviceAdded {
        /// Its name.
        device: String,
    },
    /// Another phone pays now.
    DeviceMoved {
        /// The phone that paid.
        from: String,
        /// The phone that pays.
        to: String,
    },
    /// The move was undone from the old phone.
    DeviceMoveUndone {
        /// The phone that pays again.
        kept: String,
        /// The phone that is out.
        dropped: String,
    },
    /// A way to prove that it is the customer came, went or changed.
    FactorChanged {
        /// Which.
        factor: Factor,
        /// How.
        change: Change,
        /// The phone on which it was done.
        device: String,
    },
    /// The old phone can no longer undo the move.
    DeviceMoveSettled {
        /// The old phone.
        device: String,
    },
    /// A verified contact is the first of its kind.
    ContactAdded {
        /// Which.
        contact: ContactKind,
        /// The new one.
        to: Masked,
    },
    /// A verified contact took the place of another.
    ContactChanged {
        /// Which.
        contact: ContactKind,
        /// The new one.
        to: Masked,
    },
    /// Someone has begun to recover the account.
    RecoveryStarted {
        /// The phone on which.
        device: String,
    },
    /// A recovery was called off.
    RecoveryCanceled {
        /// The phone on which it was begun.
        device: String,
    },
    /// Support made a ticket that stands in for a recovery code.
    RecoveryAssisted {
        /// Until when it can be used.
        until: Micros,
    },
    /// The account was recovered.
    RecoveryFinished {
        /// The phone that it is bound to now.
        device: String,
    },
    /// New recovery codes took the place of the old ones.
    RecoveryCodesRenewed {
        /// The phone on which.
        device: String,
    },
    /// Sign-in is locked after failures in a row.
    SigninLocked {
        /// Until when; none if only recovery opens it.
        until: Option<Micros>,
    },
    /// The payment code is locked after wrong guesses.
    CodeLocked {
        /// Until when.
        until: Micros,
    },
    /// The account was stopped.
    AccountStopped {
        /// By whom.
        by: AccountStopper,
    },
    /// The operator's staff ended all sessions.
    SessionsEnded {},
    /// The account was started again.
    AccountResumed {
        /// By whom.
        by: AccountStopper,
    },
    /// The account will be closed and its data deleted.
    ClosingAsked {
        /// When.
        due_at: Micros,
    },
    /// The account stays.
    ClosingCanceled {
        /// Why.
        why: ClosingEnd,
    },
    /// All data about the customer were copied out.
    DataExported {
        /// The phone on which.
        device: String,
    },
    /// Somebody sent money, which waits to be taken.
    SendWaiting {
        /// Yen.
        amount: i64,
        /// The sender's number.
        from: Masked,
    },
    /// Somebody paid what the customer asked for.
    SendReceived {
        /// Yen.
        amount: i64,
        /// The payer's number.
        from: Masked,
    },
    /// What the customer sent was taken.
    SendTaken {
        /// Yen.
        amount: i64,
    },
    /// What the customer sent came back.
    SendReturned {
        /// Yen.
        amount: i64,
        /// Why.
        reason: ReturnReason,
    },
    /// Somebody asks for money.
    MoneyRequested {
        /// Yen.
        amount: i64,
        /// The asker's number.
        from: Masked,
    },
}

/// Why an account was not closed after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosingEnd {
    /// Its holder signed in.
    SignedIn,
    /// When the day came, something forbade it: value, a hold, staff.
    Forbidden,
}

/// Why what was sent came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnReason {
    /// Nobody took it in time.
    Expired,
    /// The receiver did not want it.
    Declined,
    /// Too many wrong passcodes.
    Passcode,
}

/// A way to prove that it is the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// A passkey.
    Passkey,
    /// One-time codes of an app.
    Totp,
    /// A password.
    Password,
    /// An account elsewhere.
    External,
}

/// What became of a factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    Added,
    /// It took the place of one like it.
    Replaced,
    /// It is gone.
    Removed,
}

/// A kind of contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactKind {
    /// A phone number.
    Phone,
    /// An e-mail address.
    Email,
}

impl ContactKind {
    /// The word of the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
        }
    }
}

/// Who stopped an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStopper {
    /// The customer.
    Customer,
    /// The operator's staff.
    Staff,
}

/// A contact of which only so much is left that its holder knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Masked(String);

impl From<&Phone> for Masked {
    fn from(phone: &Phone) -> Self {
        Self(phone.masked())
    }
}

impl From<&Email> for Masked {
    fn from(email: &Email) -> Self {
        Self(email.masked())
    }
}

/// A notice in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// A few words.
    pub title: String,
    /// A sentence or two.
    pub body: String,
}

impl Notice {
    /// How it leaves the house. An SMS costs money and patience: it is for what may mean that
    /// the phone in the customer's hand is no longer the one that counts. (That a code is locked
    /// goes out as an SMS too, at once and past the outbox: see [`super::Message::CodeLocked`].)
    #[must_use]
    pub const fn channels(&self) -> &'static [Channel] {
        use Channel::{Email, Push, Sms};
        match self {
            Self::SignedUp { .. } => &[],
            Self::NewSession { .. } | Self::SessionsEnded {} => &[Email],
            Self::DeviceMoveUndone { .. }
            | Self::DeviceMoveSettled { .. }
            | Self::AccountResumed { .. }
            | Self::RecoveryFinished { .. }
            | Self::RecoveryCodesRenewed { .. }
            | Self::CodeLocked { .. }
            | Self::SendWaiting { .. }
            | Self::SendReceived { .. }
            | Self::SendTaken { .. }
            | Self::SendReturned { .. }
            | Self::MoneyRequested { .. } => &[Email, Push],
            Self::DeviceAdded { .. }
            | Self::DeviceMoved { .. }
            | Self::FactorChanged { .. }
            | Self::ContactAdded { .. }
            | Self::ContactChanged { .. }
            | Self::RecoveryStarted { .. }
            | Self::RecoveryCanceled { .. }
            | Self::RecoveryAssisted { .. }
            | Self::SigninLocked { .. }
            | Self::AccountStopped { .. }
            | Self::ClosingAsked { .. }
            | Self::ClosingCanceled { .. }
            | Self::DataExported { .. } => &[Sms, Email, Push],
        }
    }

    /// Its words in a language.
    #[must_use]
    pub fn words(&self, text: Text) -> Words {
        let until = |at: Micros| stamp(at);
        let (title, body, values) = match self {
            Self::SignedUp { device } => {
                ("notice.signed_up", "notice.signed_up_text", vec![("device", shown(device))])
            }
            Self::NewSession { device } => {
                ("notice.new_session", "notice.new_session_text", vec![("device", shown(device))])
            }
            Self::DeviceAdded { device } => {
                ("notice.device_added", "notice.device_added_text", vec![("device", shown(device))])
            }
            Self::DeviceMoved { from, to } => (
                "notice.device_moved",
                "notice.device_moved_text",
                vec![("from", shown(from)), ("to", shown(to))],
            ),
            Self::DeviceMoveUndone { kept, dropped } => (
                "notice.device_move_undone",
                "notice.device_move_undone_text",
                vec![("kept", shown(kept)), ("dropped", shown(dropped))],
            ),
            Self::FactorChanged { factor, change, device } => (
                change.title(),
                "notice.factor_text",
                vec![("factor", text.t(factor.name()).to_owned()), ("device", shown(device))],
            ),
            Self::DeviceMoveSettled { device } => (
                "notice.device_move_settled",
                "notice.device_move_settled_text",
                vec![("device", shown(device))],
            ),
            Self::ContactAdded { contact, to } => {
                let (title, body) = contact.keys_of_first();
                (title, body, vec![("to", to.0.clone())])
            }
            Self::ContactChanged { contact, to } => {
                let (title, body) = contact.keys();
                (title, body, vec![("to", to.0.clone())])
            }
            Self::RecoveryStarted { device } => (
                "notice.recovery_started",
                "notice.recovery_started_text",
                vec![("device", shown(device))],
            ),
            Self::RecoveryCanceled { device } => (
                "notice.recovery_canceled",
                "notice.recovery_canceled_text",
                vec![("device", shown(device))],
            ),
            Self::RecoveryAssisted { until: at } => (
                "notice.recovery_assisted",
                "notice.recovery_assisted_text",
                vec![("until", until(*at))],
            ),
            Self::RecoveryFinished { device } => (
                "notice.recovery_finished",
                "notice.recovery_finished_text",
                vec![("device", shown(device))],
            ),
            Self::RecoveryCodesRenewed { device } => (
                "notice.recovery_codes",
                "notice.recovery_codes_text",
                vec![("device", shown(device))],
            ),
            Self::SigninLocked { until: Some(at) } => {
                ("notice.signin_locked", "notice.signin_locked_text", vec![("until", until(*at))])
            }
            Self::SigninLocked { until: None } => {
                ("notice.signin_locked", "notice.signin_closed_text", vec![])
            }
            Self::CodeLocked { until: at } => {
                ("notice.code_locked", "notice.code_locked_text", vec![("until", until(*at))])
            }
            Self::AccountStopped { by } => ("notice.account_stopped", by.text(), vec![]),
            Self::SessionsEnded {} => {
                ("notice.sessions_ended", "notice.sessions_ended_text", vec![])
            }
            Self::AccountResumed { by } => ("notice.account_resumed", by.resumed_text(), vec![]),
            Self::ClosingAsked { due_at } => {
                ("notice.closing_asked", "notice.closing_asked_text", vec![("at", until(*due_at))])
            }
            Self::ClosingCanceled { why } => ("notice.closing_canceled", why.text(), vec![]),
            Self::DataExported { device } => (
                "notice.data_exported",
                "notice.data_exported_text",
                vec![("device", shown(device))],
            ),
            Self::SendWaiting { amount, from } => (
                "notice.send_waiting",
                "notice.send_waiting_text",
                vec![("amount", yen_text(*amount)), ("from", from.0.clone())],
            ),
            Self::SendReceived { amount, from } => (
                "notice.send_received",
                "notice.send_received_text",
                vec![("amount", yen_text(*amount)), ("from", from.0.clone())],
            ),
            Self::SendTaken { amount } => {
                ("notice.send_taken", "notice.send_taken_text", vec![("amount", yen_text(*amount))])
            }
            Self::SendReturned { amount, reason } => {
                ("notice.send_returned", reason.text(), vec![("amount", yen_text(*amount))])
            }
            Self::MoneyRequested { amount, from } => (
                "notice.money_requested",
                "notice.money_requested_text",
                vec![("amount", yen_text(*amount)), ("from", from.0.clone())],
            ),
        };
        Words { title: text.t(title).to_owned(), body: fill(text.t(body), &values) }
    }
}

impl Change {
    const fn title(self) -> &'static str {
        match self {
            Self::Added => "notice.factor_added",
            Self::Replaced => "notice.factor_replaced",
            Self::Removed => "notice.factor_removed",
        }
    }
}

impl Factor {
    const fn name(self) -> &'static str {
        match self {
            Self::Passkey => "notice.factor_passkey",
            Self::Totp => "notice.factor_totp",
            Self::Password => "notice.factor_password",
            Self::External => "notice.factor_external",
        }
    }
}

impl ContactKind {
    const fn keys_of_first(self) -> (&'static str, &'static str) {
        match self {
            Self::Phone => ("notice.phone_added", "notice.phone_added_text"),
            Self::Email => ("notice.email_added", "notice.email_added_text"),
        }
    }

    const fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::Phone => ("notice.phone_changed", "notice.phone_changed_text"),
            Self::Email => ("notice.email_changed", "notice.email_changed_text"),
        }
    }
}

impl ClosingEnd {
    const fn text(self) -> &'static str {
        match self {
            Self::SignedIn => "notice.closing_canceled_signin",
            Self::Forbidden => "notice.closing_canceled_forbidden",
        }
    }
}

impl ReturnReason {
    const fn text(self) -> &'static str {
        match self {
            Self::Expired => "notice.send_expired_text",
            Self::Declined => "notice.send_declined_text",
            Self::Passcode => "notice.send_passcode_text",
        }
    }
}

impl AccountStopper {
    const fn resumed_text(self) -> &'static str {
        match self {
            Self::Customer => "notice.resumed_by_customer",
            Self::Staff => "notice.resumed_by_staff",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Customer => "notice.stopped_by_customer",
            Self::Staff => "notice.stopped_by_staff",
        }
    }
}

/// An instant as people read it, in Japan's time.
pub(super) fn stamp(at: Micros) -> String {
    japan(at).strftime("%Y/%m/%d %H:%M").to_string()
}

/// Puts values in the place of `{name}`.
pub(crate) fn fill(text: &str, values: &[(&str, String)]) -> String {
    let mut filled = text.to_owned();
    for (name, value) in values {
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    filled
}

/// How much of a phone's name is shown.
const NAME_CHARACTERS: usize = 32;

/// A phone's name, which whoever enrols the phone chooses and its victim reads: nothing in it can
/// become an address to tap on, or begin a placeholder.
pub(super) fn shown(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || " -_()（）'’ー・".contains(c);
    let name: String = name.chars().map(|c| if plain(c) { c } else { ' ' }).collect();
    let words: Vec<&str> = name.split_whitespace().collect();
    words.join(" ").chars().take(NAME_CHARACTERS).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::web::text::Lang;

    /// One of each, as an attacker would name the phone.
    pub(in crate::notify) fn all() -> Vec<Notice> {
        let device = || "https://evil.example/{until} Pixel\u{3002}9".to_owned();
        let factors = [Factor::Passkey, Factor::Totp, Factor::Password, Factor::External];
        let changes = [Change::Added, Change::Replaced, Change::Removed];
        let phone = Phone::parse("09012345678").unwrap();
        let email = Email::parse("hanako@example.jp").unwrap();
        let mut all = vec![
            Notice::SignedUp { device: device() },
            Notice::NewSession { device: device() },
            Notice::DeviceAdded { device: device() },
            Notice::DeviceMoved { from: device(), to: device() },
            Notice::DeviceMoveUndone { kept: device(), dropped: device() },
            Notice::ContactChanged { contact: ContactKind::Phone, to: (&phone).into() },
            Notice::ContactChanged { contact: ContactKind::Email, to: (&email).into() },
            Notice::RecoveryStarted { device: device() },
            Notice::RecoveryFinished { device: device() },
            Notice::RecoveryCodesRenewed { device: device() },
            Notice::SigninLocked { until: Some(1_561_906_800_000_000) },
            Notice::SigninLocked { until: None },
            Notice::CodeLocked { until: 1_561_906_800_000_000 },
            Notice::AccountStopped { by: AccountStopper::Customer },
            Notice::AccountStopped { by: AccountStopper::Staff },
            Notice::AccountResumed { by: AccountStopper::Customer },
            Notice::AccountResumed { by: AccountStopper::Staff },
            Notice::DeviceMoveSettled { device: device() },
            Notice::ContactAdded { contact: ContactKind::Phone, to: (&phone).into() },
            Notice::ContactAdded { contact: ContactKind::Email, to: (&email).into() },
            Notice::RecoveryCanceled { device: device() },
            Notice::RecoveryAssisted { until: 1_561_906_800_000_000 },
            Notice::ClosingAsked { due_at: 1_561_906_800_000_000 },
            Notice::ClosingCanceled { why: ClosingEnd::SignedIn },
            Notice::ClosingCanceled { why: ClosingEnd::Forbidden },
            Notice::DataExported { device: device() },
            Notice::SendWaiting { amount: 3_000, from: (&phone).into() },
            Notice::SendReceived { amount: 3_000, from: (&phone).into() },
            Notice::SendTaken { amount: 3_000 },
            Notice::SendReturned { amount: 3_000, reason: ReturnReason::Expired },
            Notice::SendReturned { amount: 3_000, reason: ReturnReason::Declined },
            Notice::SendReturned { amount: 3_000, reason: ReturnReason::Passcode },
            Notice::MoneyRequested { amount: 3_000, from: (&phone).into() },
        ];
        for factor in factors {
            all.extend(changes.map(|change| Notice::FactorChanged {
                factor,
                change,
                device: device(),
            }));
        }
        all
    }

    #[test]
    fn every_notice_has_words_without_links_or_holes() {
        for notice in all() {
            for lang in [Lang::Ja, Lang::En] {
                let words = notice.words(Text::new(lang));
                let said = format!("{} {}", words.title, words.body);
                assert!(
                    words.title.chars().count() > 3 && words.body.chars().count() > 8,
                    "{said}"
                );
                for hole in ['{', '}', '?'] {
                    assert!(!said.contains(hole), "{said}");
                }
                for link in ["http", "://", "evil.example", "evil\u{3002}"] {
                    let named = said.replace("https evil example", "");
                    assert!(!named.contains(link), "{said}");
                }
                for address in ["09012345678", "9012345678", "hanako"] {
                    assert!(!said.contains(address), "{said}");
                }
            }
        }
    }

    #[test]
    fn what_is_kept_is_read_again() {
        for notice in all() {
            let kept = serde_json::to_value(&notice).unwrap();
            assert!(kept["kind"].is_string() && kept["params"].is_object(), "{kept}");
            assert_eq!(serde_json::from_value::<Notice>(kept).unwrap(), notice);
        }
    }

    #[test]
    fn a_name_cannot_become_a_link() {
        assert_eq!(shown("iPhone 15 Pro (花子)"), "iPhone 15 Pro (花子)");
        assert_eq!(shown("tap https://evil.example/x"), "tap https evil example x");
        assert_eq!(shown("evil。example ｅｖｉｌ．ｊｐ"), "evil example ｅｖｉｌ ｊｐ");
        assert_eq!(shown("{until}\u{202e}"), "until");
        assert_eq!(shown(&"あ".repeat(60)).chars().count(), NAME_CHARACTERS);
    }
}
