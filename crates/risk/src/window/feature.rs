//! What is counted, by whom, over what time.

use super::cell::{Cell, SLOTS};
use crate::act::Act;
use crate::event::{Outcome, Party};
use crate::signal::Signal;

/// What a window keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// How often.
    Count,
    /// How much.
    Yen,
    /// Whether it happened at all.
    Any,
    /// How many different others.
    Different(Party),
    /// How many different others, beside the one of the act.
    Others(Party),
    /// Whether this other was never seen before; not known if none was.
    New(Party),
    /// How long ago the last one was; not known beyond the window.
    MinutesSince,
}

impl What {
    pub(super) fn cell(self) -> Cell {
        match self {
            Self::Count | Self::Yen | Self::Any => Cell::Sum(Vec::with_capacity(1)),
            Self::Different(_) | Self::Others(_) | Self::New(_) => {
                Cell::Different(Vec::with_capacity(1))
            }
            Self::MinutesSince => Cell::Last(0),
        }
    }
}

/// A window behind a signal.
#[derive(Debug)]
pub(super) struct Feature {
    pub(super) signal: Signal,
    pub(super) acts: &'static [Act],
    pub(super) outcome: Outcome,
    pub(super) by: Party,
    pub(super) what: What,
    /// Minutes.
    pub(super) span: u32,
}

const HOUR: u32 = 60;
const DAY: u32 = 24 * HOUR;
const MINUTE_MICROS: i64 = 60_000_000;

impl Feature {
    pub(super) fn slot(&self, at_micros: i64) -> u32 {
        let width = i64::from(self.span) * MINUTE_MICROS / i64::from(SLOTS);
        u32::try_from(at_micros / width).unwrap_or(0)
    }

    pub(super) fn reach_micros(&self) -> i64 {
        i64::from(self.span) * MINUTE_MICROS * i64::from(SLOTS + 1) / i64::from(SLOTS)
    }
}

macro_rules! features {
    ($( $signal:ident: $outcome:ident [$($act:ident),+] by $by:ident,
        $what:expr, $span:expr; )*) => {
        pub(super) const FEATURES: &[Feature] = &[$( Feature {
            signal: Signal::$signal,
            acts: &[$( Act::$act ),+],
            outcome: Outcome::$outcome,
            by: Party::$by,
            what: $what,
            span: $span,
        }, )*];
    };
}

use What::{Any, Count, Different, MinutesSince, New, Others, Yen};

features! {
    AccountFailedSignins10m: Failed [SignIn] by Account, Count, 10;
    AccountFailedSignins24h: Failed [SignIn] by Account, Count, DAY;
    NetworkAccountsFailed10m: Failed [SignIn] by Network, Different(Party::Account), 10;
    AsnAccountsFailed1h: Failed [SignIn] by Asn, Different(Party::Account), HOUR;
    AccountNetworks24h: Done [SignIn] by Account, Different(Party::Network), DAY;
    NetworkSignups24h: Done [SignUp] by Network, Count, DAY;
    DeviceAccounts30d: Done [SignUp, SignIn, DeviceMove] by Device,
        Different(Party::Account), 30 * DAY;
    AccountContactChanges24h: Done [ContactChange] by Account, Count, DAY;
    AccountFactorChanges24h: Done [FactorChange, Recover, DeviceMove] by Account, Count, DAY;
    SinceFactorChangeMinutes: Done [FactorChange, Recover, DeviceMove] by Account,
        MinutesSince, 30 * DAY;
    AccountIsRecovered24h: Done [Recover] by Account, Any, DAY;
    SessionNewNetwork: Done [SignUp, SignIn, DeviceMove, FactorChange, ContactChange, CardRegister,
        TopupCard, Send] by Account, New(Party::Network), 30 * DAY;
    AccountCards30d: Done [CardRegister] by Account, Different(Party::Card), 30 * DAY;
    CardAccounts30d: Done [CardRegister, TopupCard] by Card, Different(Party::Account), 30 * DAY;
    AccountCardTries24h: Begun [CardRegister] by Account, Count, DAY;
    NetworkCardTries1h: Begun [CardRegister] by Network, Count, HOUR;
    NetworkAccounts30d: Done [SignUp, SignIn, DeviceMove, CardRegister, TopupCard, Send] by Network,
        Different(Party::Account), 30 * DAY;
    SinceCardRegisterMinutes: Done [CardRegister] by Account, MinutesSince, 30 * DAY;
    AccountCardFailures24h: Failed [CardRegister, TopupCard] by Account, Count, DAY;
    NetworkCardFailures1h: Failed [CardRegister, TopupCard] by Network, Count, HOUR;
    NetworkCards1h: Done [CardRegister] by Network, Different(Party::Card), HOUR;
    TopupCardCount10m: Done [TopupCard] by Account, Count, 10;
    TopupCardCount1h: Done [TopupCard] by Account, Count, HOUR;
    TopupCardYen24h: Done [TopupCard] by Account, Yen, DAY;
    TopupYen1h: Done [TopupCash, TopupAtm, TopupCard] by Account, Yen, HOUR;
    SinceTopupMinutes: Done [TopupCash, TopupAtm, TopupCard] by Account, MinutesSince, DAY;
    SinceTopupCardMinutes: Done [TopupCard] by Account, MinutesSince, DAY;
    SpendCount10m: Done [Payment] by Account, Count, 10;
    SpendStores1h: Done [Payment] by Account, Different(Party::Store), HOUR;
    SpendYen1h: Done [Payment] by Account, Yen, HOUR;
    SpendYen24h: Done [Payment] by Account, Yen, DAY;
    TerminalSalesYen24h: Done [Payment] by Terminal, Yen, DAY;
    TerminalWrongCodes10m: Failed [Payment] by Terminal, Count, 10;
    AccountRefunds30d: Done [Refund] by Account, Count, 30 * DAY;
    RefundTerminalCount24h: Done [Refund] by Terminal, Count, DAY;
    RefundTerminalYen24h: Done [Refund] by Terminal, Yen, DAY;
    RefundAccountCount24h: Done [Refund] by Account, Count, DAY;
    RefundOtherSales24h: Done [Refund] by AccountInStore, Others(Party::Sale), DAY;
    RefundOtherSales30d: Done [Refund] by AccountInStore, Others(Party::Sale), 30 * DAY;
    SendCount1h: Done [Send] by Account, Count, HOUR;
    SendYen24h: Done [Send] by Account, Yen, DAY;
    ReceiveSenders24h: Done [Receive] by Receiver, Different(Party::Sender), DAY;
    ReceiveYen24h: Done [Receive] by Receiver, Yen, DAY;
    SinceReceiveMinutes: Done [Receive] by Receiver, MinutesSince, DAY;
    CouponAccountsNetwork24h: Done [CouponUse] by Network, Different(Party::Account), DAY;
    CouponAccountsNetworkStore24h: Done [CouponUse] by NetworkInStore,
        Different(Party::Account), DAY;
    CouponAccountsStore1h: Done [CouponUse] by Store, Different(Party::Account), HOUR;
}

/// By signal: whether its window stands at zero, or no, when nothing is in it.
pub(super) const COUNTED: [bool; Signal::ALL.len()] = {
    let mut counted = [false; Signal::ALL.len()];
    let mut index = 0;
    while index < FEATURES.len() {
        let Feature { signal, what, .. } = &FEATURES[index];
        counted[*signal as usize] = !matches!(what, MinutesSince | New(_));
        index += 1;
    }
    counted
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_window_feeds_its_own_signal_and_there_are_few_enough() {
        assert!(FEATURES.len() <= usize::from(u8::MAX));
        let mut signals: Vec<_> = FEATURES.iter().map(|feature| feature.signal).collect();
        signals.sort_unstable();
        signals.dedup();
        assert_eq!(signals.len(), FEATURES.len());
    }

    #[test]
    fn the_name_of_a_signal_says_its_window() {
        for feature in FEATURES {
            let name = feature.signal.as_str();
            let span = match name.rsplit_once('_') {
                Some((_, "10m")) => 10,
                Some((_, "1h")) => HOUR,
                Some((_, "24h")) => DAY,
                Some((_, "30d")) => 30 * DAY,
                _ => {
                    let may = matches!(feature.what, MinutesSince | New(_));
                    assert!(may, "{name} does not say its time");
                    continue;
                }
            };
            assert_eq!(feature.span, span, "{name}");
            let unit = match feature.what {
                Yen => "yen",
                Count => "times",
                Different(_) | Others(_) | MinutesSince | Any | New(_) => continue,
            };
            assert_eq!(feature.signal.unit(), unit, "{name}");
        }
    }
}
