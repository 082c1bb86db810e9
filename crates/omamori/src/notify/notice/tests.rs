//! One of each notice, and that what was kept is read again.
use super::*;
use crate::identity::Phone;
use crate::notify::email::Email;

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
        Notice::CardAdded { card: "Visa •••• 4242".to_owned() },
        Notice::CardRemoved { card: "Visa •••• 4242".to_owned() },
        Notice::CardChargedBack {
            amount: 10_000, card: "Visa •••• 4242".to_owned(), taken: 3_000
        },
        Notice::LimitLowered { limit: Limit::Payment24h, yen: 3_000 },
        Notice::LimitRaiseAsked { limit: Limit::Send30d, yen: 50_000, at: 1_561_906_800_000_000 },
        Notice::LimitKept { limit: Limit::Topup24h },
        Notice::ValueEnds { free: 500, points: 0, last: 1_561_906_799_000_000 },
        Notice::ValueEnds { free: 1_500, points: 20, last: 1_561_906_799_000_000 },
        Notice::ConfirmAsked { amount: 3_000, store: device() },
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
        Notice::PhonesUnbound {},
        Notice::FactorsForgotten {},
        Notice::IncidentAffected {},
        Notice::IncidentPrecaution {},
        Notice::IncidentCompensated { amount: 3_000 },
        Notice::IncidentReversed { amount: 3_000 },
        Notice::ServiceEnds { ends_at: 1_561_906_800_000_000, last_day: "2019-10-01".to_owned() },
        Notice::ServiceStays {},
        Notice::RefundUnclaimed { amount: 3_000, last_day: "2019-10-01".to_owned() },
        Notice::RefundClaimed { amount: 3_000, last_digits: "567".to_owned() },
        Notice::ClosingClaimed { amount: 3_000, last_digits: "567".to_owned() },
        Notice::ClosingDropped { amount: 3_000 },
        Notice::RefundRefused { amount: 3_000 },
        Notice::RefundAccountChanged { last_digits: "567".to_owned() },
        Notice::RefundSent {
            amount: 3_000,
            pay_on: "2019-07-02".to_owned(),
            last_digits: "567".to_owned(),
        },
        Notice::RefundReturned { amount: 3_000, last_digits: "567".to_owned() },
        Notice::RefundExcluded { amount: 3_000 },
        Notice::CaseOpened {},
        Notice::CaseAsked {},
    ];
    all.extend(Outcome::ALL.map(|outcome| Notice::CaseDecided { outcome }));
    all.extend([
        Notice::AutoTopupOn {
            card: "Visa •••• 4242".to_owned(),
            threshold: 3_000,
            amount: 5_000,
            month_max: 30_000,
        },
        Notice::AutoTopupOff {},
        Notice::AutoTopupPaused { reason: Reason::AuthenticationFailed },
        Notice::AutoTopupPaused { reason: Reason::Declined },
        Notice::AutoTopupHeld {},
    ]);
    let ends = Reason::ALL.into_iter().flat_map(|r| [End::Refused(r), End::Refunded(r)]);
    for end in ends.chain([End::Credited]) {
        let card = "JCB •••• 0000".to_owned();
        all.push(Notice::CardTopup { amount: 1_000, card: card.clone(), end });
        all.push(Notice::AutoTopup { amount: 1_000, card, end });
    }
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
fn what_is_kept_is_read_again() {
    for notice in all() {
        let kept = serde_json::to_value(&notice).unwrap();
        assert!(kept["kind"].is_string() && kept["params"].is_object(), "{kept}");
        assert_eq!(serde_json::from_value::<Notice>(kept).unwrap(), notice);
    }
}
