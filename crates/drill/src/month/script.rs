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
}

impl Act {
    /// Who else is part of it.
    pub(super) const fn other(&self) -> Option<usize> {
        match self {
            Self::Send { to, .. } => Some(*to),
            _ => None,
        }
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

/// All that happens, in order.
pub(super) struct Script {
    pub(super) events: Vec<Event>,
}

impl Script {
    /// The script of a month that ends at `until`.
    ///
    /// # Panics
    /// If there is no store, nothing on the shelf, or nobody.
    pub(super) fn new(seed: u64, scale: Scale, place: (usize, &[Product]), until: u64) -> Self {
        let mut events = Writer::new(seed, scale, place, until).write();
        events.sort_by_key(|event| event.at); // stable: what one person does stays in its order
        Self { events }
    }
}
