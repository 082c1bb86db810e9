//! The notices there are, and the ways they go.

mod parts;
mod words;

use serde::{Deserialize, Serialize};

use super::delivery::Channel;
use crate::case::Outcome;
use crate::clock::Micros;
use crate::limit::Kind as Limit;
use crate::topup::card::{End, Reason};

pub use parts::{AccountStopper, Change, ClosingEnd, ContactKind, Factor, Masked, ReturnReason};
pub(crate) use words::{fill, shown, stamp, unlinked};

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
    /// A card was registered.
    CardAdded {
        /// Brand and last four digits.
        card: String,
    },
    /// A card was forgotten.
    CardRemoved {
        /// Brand and last four digits.
        card: String,
    },
    /// What became of a top-up by card.
    CardTopup {
        /// Yen.
        amount: i64,
        /// Brand and last four digits.
        card: String,
        /// How it ended.
        end: End,
    },
    /// Auto top-up works from now on.
    AutoTopupOn {
        /// Brand and last four digits.
        card: String,
        /// Yen: a balance below it starts a top-up.
        threshold: i64,
        /// Yen of one top-up.
        amount: i64,
        /// Yen of 30 days.
        month_max: i64,
    },
    /// Auto top-up is off.
    AutoTopupOff {},
    /// What became of a top-up that auto top-up started.
    AutoTopup {
        /// Yen.
        amount: i64,
        /// Brand and last four digits.
        card: String,
        /// How it ended.
        end: End,
    },
    /// Auto top-up does nothing until its customer sets it again.
    AutoTopupPaused {
        /// Why.
        reason: Reason,
    },
    /// Auto top-up started nothing, because a limit leaves no room.
    AutoTopupHeld {},
    /// The card's holder had a top-up charged back.
    CardChargedBack {
        /// Yen of the top-up.
        amount: i64,
        /// Brand and last four digits.
        card: String,
        /// Yen that were taken from the balance.
        taken: i64,
    },
    /// A limit of the customer's own was lowered.
    LimitLowered {
        /// Which.
        limit: Limit,
        /// Yen that hold now.
        yen: i64,
    },
    /// A limit of the customer's own will be higher.
    LimitRaiseAsked {
        /// Which.
        limit: Limit,
        /// Yen that will hold.
        yen: i64,
        /// From when on.
        at: Micros,
    },
    /// It will not.
    LimitKept {
        /// Which.
        limit: Limit,
    },
    /// Free value or points end soon.
    ValueEnds {
        /// Yen of free value.
        free: i64,
        /// Points.
        points: i64,
        /// The last moment.
        last: Micros,
    },
    /// A register waits for the customer to confirm.
    ConfirmAsked {
        /// Yen.
        amount: i64,
        /// The store's name.
        store: String,
    },
    /// The account was stopped.
    AccountStopped {
        /// By whom.
        by: AccountStopper,
    },
    /// The operator's staff ended all sessions.
    SessionsEnded {},
    /// The operator unbound all phones of the account.
    PhonesUnbound {},
    /// The operator forgot all factors of the account.
    FactorsForgotten {},
    /// Something happened on the account that its holder may not know.
    IncidentAffected {},
    /// Nothing did; to be safe all the same.
    IncidentPrecaution {},
    /// A loss was made good.
    IncidentCompensated {
        /// Yen.
        amount: i64,
    },
    /// What came in by a disputed top-up was taken back.
    IncidentReversed {
        /// Yen.
        amount: i64,
    },
    /// The service ends.
    ServiceEnds {
        /// From when on nothing is paid.
        ends_at: Micros,
        /// The last day of claims in Japan.
        last_day: String,
    },
    /// It does not after all.
    ServiceStays {},
    /// The time to claim is nearly over, and there is something to claim.
    RefundUnclaimed {
        /// Yen.
        amount: i64,
        /// The last day of claims in Japan.
        last_day: String,
    },
    /// The rest was claimed.
    RefundClaimed {
        /// Yen.
        amount: i64,
        /// The end of the bank account's number.
        last_digits: String,
    },
    /// The account closes, and its rest was claimed: it is shut.
    ClosingClaimed {
        /// Yen.
        amount: i64,
        /// The end of the bank account's number.
        last_digits: String,
    },
    /// The customer took that back: the account is open again.
    ClosingDropped {
        /// Yen.
        amount: i64,
    },
    /// The claim was refused.
    RefundRefused {
        /// Yen.
        amount: i64,
    },
    /// It goes to another bank account.
    RefundAccountChanged {
        /// The end of its number.
        last_digits: String,
    },
    /// The bank pays it.
    RefundSent {
        /// Yen.
        amount: i64,
        /// The day in Japan.
        pay_on: String,
        /// The end of the account's number.
        last_digits: String,
    },
    /// The bank gave it back.
    RefundReturned {
        /// Yen.
        amount: i64,
        /// The end of the account's number.
        last_digits: String,
    },
    /// It was not claimed in time.
    RefundExcluded {
        /// Yen.
        amount: i64,
    },
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
    /// The customer said that they do not know a payment; staff look into it.
    CaseOpened {},
    /// Staff ask the customer something about it.
    CaseAsked {},
    /// Staff have decided.
    CaseDecided {
        /// How.
        outcome: Outcome,
    },
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
            Self::ConfirmAsked { .. } => &[Push],
            Self::NewSession { .. } | Self::SessionsEnded {} => &[Email],
            Self::IncidentPrecaution {}
            | Self::IncidentCompensated { .. }
            | Self::IncidentReversed { .. } => &[Email, Push],
            Self::PhonesUnbound {}
            | Self::FactorsForgotten {}
            | Self::IncidentAffected {}
            // Who took the app off the phone is to know too: this is their money.
            | Self::ServiceEnds { .. }
            | Self::RefundUnclaimed { .. }
            | Self::RefundClaimed { .. }
            | Self::ClosingClaimed { .. }
            | Self::ClosingDropped { .. }
            | Self::RefundAccountChanged { .. }
            | Self::RefundReturned { .. } => &[Sms, Email, Push],
            Self::ServiceStays {}
            | Self::RefundRefused { .. }
            | Self::RefundSent { .. }
            | Self::RefundExcluded { .. } => &[Email, Push],
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
            | Self::MoneyRequested { .. }
            | Self::CardTopup { .. }
            | Self::CardRemoved { .. }
            | Self::CaseOpened {}
            | Self::CaseAsked {}
            | Self::CaseDecided { .. }
            | Self::AutoTopup { .. }
            | Self::AutoTopupOff {}
            | Self::AutoTopupPaused { .. }
            | Self::AutoTopupHeld {}
            | Self::LimitLowered { .. }
            | Self::LimitKept { .. }
            | Self::ValueEnds { .. } => &[Email, Push],
            Self::CardAdded { .. }
            | Self::AutoTopupOn { .. }
            | Self::LimitRaiseAsked { .. }
            | Self::CardChargedBack { .. }
            | Self::DeviceAdded { .. }
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
}

#[cfg(test)]
pub(super) mod tests;
