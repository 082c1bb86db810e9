//! What we ask of a company that charges cards. We never see a card number: its holder types it
//! on the gateway's own pages, and we get a token, a brand and four digits.
//!
//! Every call may be made twice: what changes something carries an id of ours, which the gateway
//! keeps. A charge is opened first, which touches no money, and only then confirmed, so that its
//! reference is known here before a card can be charged: a lost answer can always be asked for.

use std::pin::Pin;

use axum::http::HeaderMap;

use crate::clock::Micros;
use crate::web::text::Lang;

/// The answer of a gateway, still to come.
pub type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T, GatewayError>> + Send + 'a>>;

/// A company that charges cards.
pub trait CardGateway: Send + Sync {
    /// Its name in tables and logs.
    fn name(&self) -> &'static str;

    /// Begins a registration: 3-D Secure is part of it.
    fn open_setup<'a>(&'a self, order: &'a SetupOrder) -> Asking<'a, OpenedSetup>;

    /// What became of a registration.
    fn find_setup<'a>(&'a self, reference: &'a str) -> Asking<'a, SetupState>;

    /// Asks the card's bank who consents to charges without their holder; the same id asks once.
    fn open_consent<'a>(&'a self, order: &'a ConsentOrder) -> Asking<'a, OpenedConsent>;

    /// What became of a consent.
    fn find_consent<'a>(&'a self, reference: &'a str) -> Asking<'a, ConsentState>;

    /// Opens a charge and gives its reference. The card is not asked yet.
    fn open_charge<'a>(&'a self, order: &'a ChargeOrder) -> Asking<'a, String>;

    /// Asks the card to pay an open charge, with 3-D Secure if its holder is here.
    fn confirm_charge<'a>(&'a self, ask: &'a Confirmation) -> Asking<'a, ChargeState>;

    /// What became of a charge.
    fn find_charge<'a>(&'a self, reference: &'a str) -> Asking<'a, ChargeState>;

    /// Ends a charge that has not been paid; gives what became of it, which may be that it was
    /// paid meanwhile.
    fn cancel_charge<'a>(&'a self, reference: &'a str) -> Asking<'a, ChargeState>;

    /// Gives all of a charge back to the card, once for each `id`.
    fn refund<'a>(&'a self, id: &'a str, reference: &'a str) -> Asking<'a, ()>;

    /// Gives a part of a charge back to the card, once for each `id`, however much later it is
    /// asked again. A refusal is that nothing of it was given.
    fn refund_part<'a>(&'a self, id: &'a str, reference: &'a str, yen: i64) -> Asking<'a, ()>;

    /// What the gateway booked on our account from an instant until before another: charges, what
    /// went back to cards, chargebacks. Payouts to us are left out.
    fn report(&self, from: Micros, until: Micros) -> Asking<'_, Vec<ReportLine>>;

    /// Makes the gateway forget a card.
    fn forget_card<'a>(&'a self, token: &'a str) -> Asking<'a, ()>;

    /// Reads what the gateway tells us of itself.
    ///
    /// # Errors
    /// It is not from the gateway, or not of now.
    fn read_event(&self, headers: &HeaderMap, body: &[u8], now: Micros) -> Result<Event, Unsigned>;
}

/// Something that the gateway booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportLine {
    /// The gateway's name of the charge that it is about.
    pub reference: String,
    /// Yen; below zero where it went back.
    pub yen: i64,
    /// What the gateway took for it, in yen.
    pub fee: i64,
    /// When.
    pub at: Micros,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// No answer, or one that nobody understands: what was asked may have happened.
    #[error("the gateway's answer is unknown: {0}")]
    Unknown(String),
    /// The gateway will not do it: nothing happened.
    #[error("the gateway refused ({status} {code})")]
    Refused {
        /// Of HTTP.
        status: u16,
        /// The gateway's word.
        code: String,
    },
}

/// A message that is not from the gateway, or not of now.
#[derive(Debug, thiserror::Error)]
#[error("not signed by the gateway: {0}")]
pub struct Unsigned(pub &'static str);

/// A registration to begin.
pub struct SetupOrder {
    /// Ours; the same id begins the same registration.
    pub id: String,
    /// Where its holder comes back to, whatever happens.
    pub return_url: String,
    /// Of the gateway's pages.
    pub language: Lang,
}

/// A registration that the gateway has begun.
pub struct OpenedSetup {
    /// The gateway's name of it.
    pub reference: String,
    /// The gateway's customer that the card will belong to.
    pub holder: String,
    /// The page on which the card is typed.
    pub url: String,
}

/// What became of a registration.
#[derive(Debug)]
pub enum SetupState {
    /// Its holder may still finish it there.
    Open {
        /// Where.
        url: Option<String>,
    },
    /// Done.
    Done {
        /// The card.
        card: CardDetails,
        /// Whether 3-D Secure has shown that it is its holder's.
        authenticated: bool,
    },
    /// It ended without a card.
    Expired,
}

/// A card as the gateway knows it.
#[derive(Clone, Debug)]
pub struct CardDetails {
    /// The gateway's name of the card.
    pub token: String,
    /// `visa`, `jcb` …
    pub brand: String,
    /// The last four digits.
    pub last4: String,
    /// 1–12.
    pub exp_month: i64,
    /// As 2031.
    pub exp_year: i64,
    /// The same for the same card number, whoever registers it.
    pub fingerprint: String,
}

/// A consent to charges without their holder.
pub struct ConsentOrder {
    /// Ours; the same id is the same consent.
    pub id: String,
    /// The gateway's customer.
    pub holder: String,
    /// The gateway's name of the card.
    pub token: String,
    /// Where its holder comes back to from the bank.
    pub return_url: String,
}

/// A consent that the gateway knows of.
pub struct OpenedConsent {
    /// The gateway's name of it; none if the bank said no at once.
    pub reference: Option<String>,
    /// What became of it so far.
    pub state: ConsentState,
}

/// What became of a consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsentState {
    /// The card's bank wants to see its holder.
    Challenge {
        /// On which page.
        url: String,
    },
    /// Nobody knows yet.
    Waiting,
    /// Given.
    Given {
        /// Whether 3-D Secure has shown that it is its holder.
        authenticated: bool,
    },
    /// Not given.
    Failed(Reason),
}

/// A charge to open.
pub struct ChargeOrder {
    /// Ours; the same id opens the same charge.
    pub id: String,
    /// The gateway's customer.
    pub holder: String,
    /// The gateway's name of the card.
    pub token: String,
    /// Yen.
    pub amount: i64,
}

/// A charge to be paid now.
pub struct Confirmation {
    /// Ours, of the charge.
    pub id: String,
    /// The gateway's, of the charge.
    pub reference: String,
    /// Who is there to answer the card's bank.
    pub presence: Presence,
}

/// Who is there to answer the card's bank.
pub enum Presence {
    /// The card's holder: 3-D Secure is required, and leads back to this address.
    Holder {
        /// Of ours.
        return_url: String,
    },
    /// Nobody: the holder consented to such charges when 3-D Secure had shown who they are.
    Consented,
}

/// What became of a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChargeState {
    /// The card was not asked.
    Open,
    /// The card's bank wants to see its holder.
    Challenge {
        /// On which page.
        url: String,
    },
    /// The card's network is at work.
    Processing,
    /// The card has paid.
    Paid {
        /// Whether 3-D Secure has shown that its holder was there.
        authenticated: bool,
    },
    /// The card has not paid; it may be asked again.
    Failed(Reason),
    /// It will never be paid.
    Canceled,
}

/// Why a card has not paid, or its money went back. Words of tables, notices and pages: only ever
/// added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The bank said no.
    Declined,
    /// 3-D Secure was answered wrongly, or did not happen.
    AuthenticationFailed,
    /// 3-D Secure was not answered.
    Abandoned,
    /// The gateway could not be reached before anything was asked of it.
    Unreachable,
    /// The gateway would not do it.
    GatewayRefused,
    /// The account was stopped meanwhile.
    AccountFrozen,
    /// It could not be credited any more.
    TooLate,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Declined,
        Self::AuthenticationFailed,
        Self::Abandoned,
        Self::Unreachable,
        Self::GatewayRefused,
        Self::AccountFrozen,
        Self::TooLate,
    ];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Declined => "declined",
            Self::AuthenticationFailed => "authentication_failed",
            Self::Abandoned => "abandoned",
            Self::Unreachable => "unreachable",
            Self::GatewayRefused => "gateway_refused",
            Self::AccountFrozen => "account_frozen",
            Self::TooLate => "too_late",
        }
    }

    /// From a table.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// The key of its text.
    #[must_use]
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::Declined => "card.reason_declined",
            Self::AuthenticationFailed => "card.reason_authentication_failed",
            Self::Abandoned => "card.reason_abandoned",
            Self::Unreachable => "card.reason_unreachable",
            Self::GatewayRefused => "card.reason_gateway_refused",
            Self::AccountFrozen => "card.reason_account_frozen",
            Self::TooLate => "card.reason_too_late",
        }
    }
}

/// How a top-up by card ended, as its customer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "end", content = "reason", rename_all = "snake_case")]
pub enum End {
    /// It is balance now.
    Credited,
    /// The card was not charged.
    Refused(Reason),
    /// The card was charged, and the money goes back.
    Refunded(Reason),
}

impl End {
    /// The key of its title.
    #[must_use]
    pub const fn title_key(self) -> &'static str {
        match self {
            Self::Credited => "notice.card_credited",
            Self::Refused(_) => "notice.card_refused",
            Self::Refunded(_) => "notice.card_refunded",
        }
    }

    /// The key of its text.
    #[must_use]
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::Credited => "notice.card_credited_text",
            Self::Refused(_) => "notice.card_refused_text",
            Self::Refunded(_) => "notice.card_refunded_text",
        }
    }

    /// The key of its title, where nobody was there.
    #[must_use]
    pub const fn auto_title_key(self) -> &'static str {
        match self {
            Self::Credited => "notice.auto_credited",
            Self::Refused(_) => "notice.auto_refused",
            Self::Refunded(_) => "notice.auto_refunded",
        }
    }

    /// The key of its text, where nobody was there.
    #[must_use]
    pub const fn auto_text_key(self) -> &'static str {
        match self {
            Self::Credited => "notice.auto_credited_text",
            Self::Refused(_) => "notice.auto_refused_text",
            Self::Refunded(_) => "notice.auto_refunded_text",
        }
    }

    /// Why it is not balance.
    #[must_use]
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Credited => None,
            Self::Refused(reason) | Self::Refunded(reason) => Some(reason),
        }
    }
}

/// What a gateway tells us of itself. Of charges and registrations it only says where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Something became of a charge.
    Charge {
        /// The gateway's.
        reference: String,
    },
    /// Something became of a registration.
    Setup {
        /// The gateway's.
        reference: String,
    },
    /// A card was typed in a registration, and its bank said no or 3-D Secure failed. The
    /// registration may go on with another card.
    SetupFailed {
        /// Ours, as it was given when the registration began.
        setup_id: String,
    },
    /// Something became of a consent.
    Consent {
        /// The gateway's.
        reference: String,
    },
    /// A charge is charged back.
    Dispute(Dispute),
    /// Nothing of ours.
    Other,
}

/// A chargeback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The gateway's.
    pub id: String,
    /// The gateway's, of the charge.
    pub reference: String,
    /// Yen.
    pub amount: i64,
    /// The gateway's word.
    pub reason: String,
}
