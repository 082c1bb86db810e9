//! The words of notices in both languages.

use super::{AccountStopper, Change, ClosingEnd, ContactKind, Factor, Notice, ReturnReason};
use crate::clock::Micros;
use crate::web::filters::{civil_text, japan, yen_text};
use crate::web::text::Text;

/// A notice in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// A few words.
    pub title: String,
    /// A sentence or two.
    pub body: String,
}

impl Notice {
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
            Self::CardAdded { card } => {
                ("notice.card_added", "notice.card_added_text", vec![("card", card.clone())])
            }
            Self::CardRemoved { card } => {
                ("notice.card_removed", "notice.card_removed_text", vec![("card", card.clone())])
            }
            Self::CardTopup { amount, card, end } => (
                end.title_key(),
                end.text_key(),
                vec![
                    ("amount", yen_text(*amount)),
                    ("card", card.clone()),
                    ("reason", end.reason().map_or("", |r| text.t(r.text_key())).to_owned()),
                ],
            ),
            Self::AutoTopupOn { card, threshold, amount, month_max } => (
                "notice.auto_on",
                "notice.auto_on_text",
                vec![
                    ("card", card.clone()),
                    ("threshold", yen_text(*threshold)),
                    ("amount", yen_text(*amount)),
                    ("month", yen_text(*month_max)),
                ],
            ),
            Self::AutoTopupOff {} => ("notice.auto_off", "notice.auto_off_text", vec![]),
            Self::AutoTopup { amount, card, end } => (
                end.auto_title_key(),
                end.auto_text_key(),
                vec![
                    ("amount", yen_text(*amount)),
                    ("card", card.clone()),
                    ("reason", end.reason().map_or("", |r| text.t(r.text_key())).to_owned()),
                ],
            ),
            Self::AutoTopupPaused { reason } => (
                "notice.auto_paused",
                "notice.auto_paused_text",
                vec![("reason", text.t(reason.text_key()).to_owned())],
            ),
            Self::AutoTopupHeld {} => ("notice.auto_held", "notice.auto_held_text", vec![]),
            Self::CardChargedBack { amount, card, taken } => (
                "notice.card_charged_back",
                "notice.card_charged_back_text",
                vec![
                    ("amount", yen_text(*amount)),
                    ("card", card.clone()),
                    ("taken", yen_text(*taken)),
                ],
            ),
            Self::LimitLowered { limit, yen } => (
                "notice.limit_lowered",
                "notice.limit_lowered_text",
                vec![("limit", text.t(limit.text_key()).to_owned()), ("yen", yen_text(*yen))],
            ),
            Self::LimitRaiseAsked { limit, yen, at } => (
                "notice.limit_raise",
                "notice.limit_raise_text",
                vec![
                    ("limit", text.t(limit.text_key()).to_owned()),
                    ("yen", yen_text(*yen)),
                    ("at", stamp(*at)),
                ],
            ),
            Self::LimitKept { limit } => (
                "notice.limit_kept",
                "notice.limit_kept_text",
                vec![("limit", text.t(limit.text_key()).to_owned())],
            ),
            Self::ValueEnds { free, points, last } => (
                "notice.value_ends",
                "notice.value_ends_text",
                vec![("what", ending(text, *free, *points)), ("until", stamp(*last))],
            ),
            Self::ConfirmAsked { amount, store } => (
                "notice.confirm_asked",
                "notice.confirm_asked_text",
                vec![("amount", yen_text(*amount)), ("store", shown(store))],
            ),
            Self::AccountStopped { by } => ("notice.account_stopped", by.text(), vec![]),
            Self::PhonesUnbound {} => {
                ("notice.phones_unbound", "notice.phones_unbound_text", vec![])
            }
            Self::FactorsForgotten {} => {
                ("notice.factors_forgotten", "notice.factors_forgotten_text", vec![])
            }
            Self::IncidentAffected {} => {
                ("notice.incident_affected", "notice.incident_affected_text", vec![])
            }
            Self::IncidentPrecaution {} => {
                ("notice.incident_precaution", "notice.incident_precaution_text", vec![])
            }
            Self::IncidentCompensated { amount } => (
                "notice.incident_compensated",
                "notice.incident_compensated_text",
                vec![("amount", yen_text(*amount))],
            ),
            Self::IncidentReversed { amount } => (
                "notice.incident_reversed",
                "notice.incident_reversed_text",
                vec![("amount", yen_text(*amount))],
            ),
            Self::ServiceEnds { ends_at, last_day } => (
                "notice.service_ends",
                "notice.service_ends_text",
                vec![("at", stamp(*ends_at)), ("until", civil_text(last_day))],
            ),
            Self::ServiceStays {} => ("notice.service_stays", "notice.service_stays_text", vec![]),
            Self::RefundUnclaimed { amount, last_day } => (
                "notice.refund_unclaimed",
                "notice.refund_unclaimed_text",
                vec![("amount", yen_text(*amount)), ("until", civil_text(last_day))],
            ),
            Self::RefundClaimed { amount, last_digits } => (
                "notice.refund_claimed",
                "notice.refund_claimed_text",
                vec![("amount", yen_text(*amount)), ("digits", last_digits.clone())],
            ),
            Self::ClosingClaimed { amount, last_digits } => (
                "notice.closing_claimed",
                "notice.closing_claimed_text",
                vec![("amount", yen_text(*amount)), ("digits", last_digits.clone())],
            ),
            Self::ClosingDropped { amount } => (
                "notice.closing_dropped",
                "notice.closing_dropped_text",
                vec![("amount", yen_text(*amount))],
            ),
            Self::RefundRefused { amount } => (
                "notice.refund_refused",
                "notice.refund_refused_text",
                vec![("amount", yen_text(*amount))],
            ),
            Self::RefundAccountChanged { last_digits } => (
                "notice.refund_account",
                "notice.refund_account_text",
                vec![("digits", last_digits.clone())],
            ),
            Self::RefundSent { amount, pay_on, last_digits } => (
                "notice.refund_sent",
                "notice.refund_sent_text",
                vec![
                    ("amount", yen_text(*amount)),
                    ("day", civil_text(pay_on)),
                    ("digits", last_digits.clone()),
                ],
            ),
            Self::RefundReturned { amount, last_digits } => (
                "notice.refund_returned",
                "notice.refund_returned_text",
                vec![("amount", yen_text(*amount)), ("digits", last_digits.clone())],
            ),
            Self::RefundExcluded { amount } => (
                "notice.refund_excluded",
                "notice.refund_excluded_text",
                vec![("amount", yen_text(*amount))],
            ),
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
            Self::CaseOpened {} => ("notice.case_opened", "notice.case_opened_text", vec![]),
            Self::CaseAsked {} => ("notice.case_asked", "notice.case_asked_text", vec![]),
            Self::CaseDecided { outcome } => ("notice.case_decided", outcome.text_key(), vec![]),
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

/// What ends, by kind.
fn ending(text: Text, free: i64, points: i64) -> String {
    let mut parts = Vec::new();
    if points > 0 {
        parts.push(format!("{} {points} {}", text.t("points.title"), text.t("points.unit")));
    }
    if free > 0 {
        parts.push(format!("{} {}", text.t("points.free"), yen_text(free)));
    }
    parts.join(" / ")
}

/// An instant as people read it, in Japan's time.
pub(crate) fn stamp(at: Micros) -> String {
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

/// A name that one person chooses and another reads, as a phone's: [`unlinked`], and cut.
pub(crate) fn shown(name: &str) -> String {
    unlinked(name).chars().take(NAME_CHARACTERS).collect()
}

/// A name in which nothing can become an address to tap on, or begin a placeholder.
pub(crate) fn unlinked(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || " -_()（）'’ー・".contains(c);
    let name: String = name.chars().map(|c| if plain(c) { c } else { ' ' }).collect();
    let words: Vec<&str> = name.split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::tests::all;
    use super::*;
    use crate::web::text::Lang;

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
    fn a_name_cannot_become_a_link() {
        assert_eq!(shown("iPhone 15 Pro (花子)"), "iPhone 15 Pro (花子)");
        assert_eq!(shown("tap https://evil.example/x"), "tap https evil example x");
        assert_eq!(shown("evil。example ｅｖｉｌ．ｊｐ"), "evil example ｅｖｉｌ ｊｐ");
        assert_eq!(shown("{until}\u{202e}"), "until");
        assert_eq!(shown(&"あ".repeat(60)).chars().count(), NAME_CHARACTERS);
    }
}
