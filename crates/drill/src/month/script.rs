//! Who does what, and when. All of it follows from the seed before the first request is sent, so
//! that whatever a server answers, and however fast, the same people do the same things.
//!
//! A customer who has too little tops up before they buy. What they have is only known to be at
//! least so much (points, coupons, refunds and friends bring more), and at most so much: between
//! the two the script makes no promise, so every refusal that it plans is one, and no other is.

use super::habits::Popularity;
use super::writer::Writer;

/// How large a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// People who sign up.
    pub customers: usize,
    /// Sales that are paid for.
    pub sales: usize,
    /// Days.
    pub days: u64,
}

/// Something on the shelf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// JAN-13.
    pub jan: String,
    /// As on the receipt.
    pub name: String,
    /// Yen, tax included.
    pub unit_price: i64,
    /// When people want it.
    pub popularity: Popularity,
}

/// Something that somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// Seconds since 1970-01-01 UTC.
    pub(super) at: u64,
    /// Who.
    pub(super) customer: usize,
    pub(super) act: Act,
    /// Which kind of fraud it is part of, if of any.
    pub(super) label: Option<&'static str>,
}

/// What they do. Numbers name things within the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    SignUp,
    SetCoupons,
    UsePoints,
    ConvertPoints,
    /// `asks`: the card's bank wants an answer.
    RegisterCard {
        asks: bool,
    },
    LookAtCard,
    TopUp {
        number: usize,
        store: usize,
        amount: i64,
    },
    CancelTopUp {
        number: usize,
        store: usize,
    },
    TopUpByCard {
        number: usize,
        amount: i64,
    },
    LookAtTopUp {
        number: usize,
    },
    Buy(Sale),
    Refund {
        number: usize,
        sale: usize,
        store: usize,
        amount: i64,
    },
    Cancel {
        sale: usize,
        store: usize,
        amount: i64,
    },
    Send {
        number: usize,
        to: usize,
        amount: i64,
    },
    /// `number` of the send.
    Take {
        number: usize,
    },
    /// A card that is somebody else's.
    TryCard {
        number: &'static str,
    },
    /// A pair of a leaked list.
    TryPair {
        pair: usize,
    },
}

impl Act {
    /// Who else is part of it.
    pub(super) const fn other(&self) -> Option<usize> {
        match self {
            Self::Send { to, .. } => Some(*to),
            _ => None,
        }
    }

    /// As reports and labels call it.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::SetCoupons => "set_coupons",
            Self::UsePoints => "use_points",
            Self::ConvertPoints => "convert_points",
            Self::RegisterCard { .. } | Self::TryCard { .. } => "register_card",
            Self::LookAtCard => "look_at_card",
            Self::TopUp { .. } => "top_up",
            Self::CancelTopUp { .. } => "cancel_top_up",
            Self::TopUpByCard { .. } => "top_up_by_card",
            Self::LookAtTopUp { .. } => "look_at_top_up",
            Self::Buy(_) => "buy",
            Self::Refund { .. } => "refund",
            Self::Cancel { .. } => "cancel",
            Self::Send { .. } => "send",
            Self::Take { .. } => "take",
            Self::TryPair { .. } => "sign_in",
        }
    }

    /// The sale that it is about.
    pub(super) const fn sale(&self) -> Option<usize> {
        match self {
            Self::Buy(Sale { number, .. }) => Some(*number),
            Self::Refund { sale, .. } | Self::Cancel { sale, .. } => Some(*sale),
            _ => None,
        }
    }

    /// Yen that it is about.
    pub(super) const fn yen(&self) -> Option<i64> {
        match self {
            Self::Buy(Sale { amount, .. })
            | Self::TopUp { amount, .. }
            | Self::TopUpByCard { amount, .. }
            | Self::Refund { amount, .. }
            | Self::Cancel { amount, .. }
            | Self::Send { amount, .. } => Some(*amount),
            _ => None,
        }
    }

    /// Whether the script wants it refused.
    pub(super) const fn is_to_be_refused(&self) -> bool {
        matches!(self, Self::Buy(Sale { refused: Some(_), .. }))
    }
}

/// A basket at a register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sale {
    pub(super) number: usize,
    pub(super) store: usize,
    /// Places on the shelf, and how many of it.
    pub(super) lines: Vec<(usize, i64)>,
    pub(super) amount: i64,
    /// Why it will be refused.
    pub(super) refused: Option<Refused>,
}

/// Why a sale is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The balance is too low.
    TooLittle,
    /// The code on the screen is minutes old.
    OldCode,
    /// A code that was paid with before.
    UsedCode,
}

/// All that happens, in order, and who is in whose network.
pub(super) struct Script {
    pub(super) events: Vec<Event>,
    /// Of each person: none is one of their own.
    pub(super) networks: Vec<Option<usize>>,
}

impl Script {
    /// The script of a month that ends at `until`.
    ///
    /// # Panics
    /// If there is no store, nothing on the shelf, or nobody.
    pub(super) fn new(
        (seed, with_fraud): (u64, bool),
        scale: Scale,
        place: (usize, &[Product]),
        until: u64,
    ) -> Self {
        let (mut events, networks) = Writer::new(seed, scale, place, until).write(with_fraud);
        events.sort_by_key(|event| event.at); // stable: what one person does stays in its order
        Self { events, networks }
    }
}
