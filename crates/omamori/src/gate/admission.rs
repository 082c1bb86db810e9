//! What a use of value must keep: the one place where limits become bounds.
//!
//! Nothing else makes an [`Admission`]. So a feature cannot forget what a customer has set for
//! themselves ([`crate::limit`]): it names the use, and the operator's limits and the customer's
//! own come with it.

use super::Gate;
use super::limits::Limits;
use super::windows::{Admission, Bound, Class, Flow, Span};
use crate::clock::{DAY, Micros};
use crate::limit::{Kind, Owned};
use crate::web::codes::Code;

/// A use of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A payment to a merchant, with all kinds of value.
    Payment {
        /// Since when the phone pays: its first 24 hours have a lower limit.
        enrolled_at: Micros,
    },
    /// A send to another customer.
    Send {
        /// Whether the phone is in its first 24 hours.
        first_day: bool,
    },
    /// Cash, at a register or at an ATM.
    TopupCash,
    /// A top-up by card.
    TopupCard,
    /// A top-up by card that nobody asks for in the moment.
    TopupAuto {
        /// Yen of 30 days, as the customer set it.
        month_max: i64,
    },
    /// What another customer sent.
    Receive,
    /// Points that become balance, and free value that is given.
    Convert,
}

impl Use {
    /// The customer's own limits that it uses.
    const fn own(self) -> &'static [Kind] {
        match self {
            Self::Payment { .. } => &[Kind::PaymentOnce, Kind::Payment24h, Kind::Payment30d],
            Self::Send { .. } => &[Kind::Send24h, Kind::Send30d],
            Self::TopupCash | Self::TopupCard | Self::TopupAuto { .. } => &[Kind::Topup24h],
            Self::Receive | Self::Convert => &[],
        }
    }

    const fn flow(self, limits: &Limits) -> Flow {
        match self {
            Self::Payment { .. } => Flow::Spend,
            Self::Send { .. } => Flow::Out,
            Self::TopupCash
            | Self::TopupCard
            | Self::TopupAuto { .. }
            | Self::Receive
            | Self::Convert => Flow::In { balance_max: limits.balance_max },
        }
    }

    /// The operator's limits.
    fn bounds(self, set: &Limits, now: Micros) -> Vec<Bound> {
        let topups = Bound::day(Class::Topup, set.topup_24h, Code::LimitTopup24h);
        match self {
            Self::Payment { enrolled_at } => {
                let new = now < enrolled_at + DAY && set.payment_first_day < set.payment_24h;
                let day = if new {
                    Bound::day(Class::Out, set.payment_first_day, Code::LimitNewDevice)
                } else {
                    Bound::day(Class::Payment, set.payment_24h, Code::LimitPayment24h)
                };
                vec![day, Bound::month(Class::Payment, set.payment_30d, Code::LimitPayment30d)]
            }
            Self::Send { first_day } => {
                let new = Bound::day(Class::Out, set.payment_first_day, Code::LimitNewDevice);
                let sends = &set.sending;
                let rolling = [
                    Bound::day(Class::Send, sends.sent_24h, Code::LimitSend24h),
                    Bound::month(Class::Send, sends.sent_30d, Code::LimitSend30d),
                ];
                first_day.then_some(new).into_iter().chain(rolling).collect()
            }
            Self::TopupCash => vec![topups],
            Self::TopupCard => cards(set).into_iter().chain([topups]).collect(),
            Self::TopupAuto { month_max } => {
                let own = Bound::month(Class::AutoTopup, month_max, Code::LimitTopupAuto);
                cards(set).into_iter().chain([topups, own]).collect()
            }
            Self::Receive => vec![
                Bound::month(Class::Receive, set.sending.received_30d, Code::LimitReceive),
                Bound::month(Class::Senders, set.sending.senders_30d, Code::LimitReceive),
            ],
            Self::Convert => Vec::new(),
        }
    }
}

const fn cards(set: &Limits) -> [Bound; 2] {
    [
        Bound::day(Class::CardTopup, set.topup_card_24h, Code::LimitTopupCard24h),
        Bound::month(Class::CardTopup, set.topup_card_30d, Code::LimitTopupCard30d),
    ]
}

impl Gate {
    /// What a use of so many yen must keep: the operator's limits, then the customer's own.
    #[must_use]
    pub fn admission(&self, of: Use, account: u128, amount: i64) -> Admission {
        let now = self.clock.now();
        let mut bounds = of.bounds(&self.limits, now);
        let own = self.own.of(account);
        bounds.extend(of.own().iter().filter_map(|kind| {
            let max = own.get(*kind).now(now)?;
            let (class, span) = (kind.class(), kind.span());
            Some(Bound { class, span, max, code: Code::LimitOwn })
        }));
        Admission { account, amount, bounds, flow: of.flow(&self.limits) }
    }

    /// How many yen of a use its limits leave now, whatever the balance allows to go out.
    #[must_use]
    pub fn room(&self, of: Use, account: u128) -> i64 {
        let admission = self.admission(of, account, 0);
        let left = |bound: &Bound| match bound.span {
            Span::Once => bound.max,
            Span::Day => bound.max - self.used(account, bound.class).in_24h,
            Span::Month => bound.max - self.used(account, bound.class).in_30d,
        };
        let yen = admission.bounds.iter().filter(|bound| bound.class != Class::Senders);
        let room = yen.map(left).min().unwrap_or(i64::MAX);
        match admission.flow {
            Flow::In { balance_max } => room.min(balance_max - self.expected(account)),
            Flow::Out | Flow::Spend => room,
        }
        .max(0)
    }

    /// What customers have set for themselves.
    #[must_use]
    pub fn own(&self) -> &Owned {
        &self.own
    }

    /// The yen that hold for a customer: the operator's, or their own if it is lower.
    #[must_use]
    pub fn limit(&self, kind: Kind, account: u128) -> i64 {
        let own = self.own.of(account).get(kind).now(self.clock.now());
        own.map_or(i64::MAX, |own| own).min(kind.operators(&self.limits))
    }
}
