use proptest::prelude::*;

use super::*;
use crate::event::{Outcome, Parties};

const MINUTE: i64 = 60_000_000;
const START: i64 = 1_000_000 * MINUTE;

fn event(act: Act, outcome: Outcome, minute: i64, parties: Parties, amount: i64) -> Event {
    Event { at: START + minute * MINUTE, act, outcome, parties, amount }
}

fn account(account: u64) -> Parties {
    Parties { account: Some(account), ..Parties::default() }
}

fn seen(windows: &Windows, event: &Event, signal: Signal) -> Option<i64> {
    let mut signals = Signals::default();
    windows.fill(event, &mut signals);
    signals.int(signal)
}

#[test]
fn an_act_does_not_count_itself_until_it_is_observed() {
    let mut windows = Windows::default();
    let topup = event(Act::TopupCard, Outcome::Done, 0, account(1), 30_000);
    assert_eq!(seen(&windows, &topup, Signal::TopupCardCount10m), Some(0));
    windows.observe(&topup);
    assert_eq!(seen(&windows, &topup, Signal::TopupCardCount10m), Some(1));
    assert_eq!(seen(&windows, &topup, Signal::TopupYen1h), Some(30_000));
    let other = event(Act::TopupCard, Outcome::Done, 0, account(2), 30_000);
    assert_eq!(seen(&windows, &other, Signal::TopupCardCount10m), Some(0));
}

#[test]
fn different_accounts_of_a_network_are_counted_once_each() {
    let mut windows = Windows::default();
    let from = |account: u64, minute| {
        let parties = Parties { account: Some(account), network: Some(9), ..Parties::default() };
        event(Act::SignIn, Outcome::Failed, minute, parties, 0)
    };
    for account in 0..50_u64 {
        windows.observe(&from(account % 10, i64::try_from(account / 10).unwrap()));
    }
    assert_eq!(seen(&windows, &from(1, 5), Signal::NetworkAccountsFailed10m), Some(10));
    for account in 0..1_000 {
        windows.observe(&from(account, 6));
    }
    let many = seen(&windows, &from(1, 6), Signal::NetworkAccountsFailed10m);
    assert_eq!(many, Some(64), "64 means 64 or more");
}

#[test]
fn a_time_since_what_never_was_is_not_known() {
    let mut windows = Windows::default();
    let pay = event(Act::Payment, Outcome::Done, 30, account(1), 500);
    assert_eq!(seen(&windows, &pay, Signal::SinceTopupMinutes), None);
    windows.observe(&event(Act::TopupCash, Outcome::Done, 0, account(1), 5_000));
    assert_eq!(seen(&windows, &pay, Signal::SinceTopupMinutes), Some(30));
}

#[test]
fn refused_acts_are_not_counted_as_done() {
    let mut windows = Windows::default();
    windows.observe(&event(Act::Payment, Outcome::Refused, 0, account(1), 500));
    let pay = event(Act::Payment, Outcome::Done, 1, account(1), 500);
    assert_eq!(seen(&windows, &pay, Signal::SpendCount10m), Some(0));
}

#[test]
fn what_is_behind_its_window_is_swept() {
    let mut windows = Windows { sweep_at: 1_000, ..Windows::default() };
    for account_number in 0..100_000_u64 {
        let minute = i64::try_from(account_number / 10).unwrap();
        let parties = Parties { network: Some(account_number), ..Parties::default() };
        windows.observe(&event(Act::SignIn, Outcome::Failed, minute, parties, 0));
        windows.observe(&event(Act::SignIn, Outcome::Failed, minute, account(account_number), 0));
    }
    // Accounts of the last day stay for the window of a day; nothing else does.
    assert!(windows.len() < 2 * SWEEP_AT_FIRST, "{}", windows.len());
}

#[test]
fn the_hour_is_tokyos() {
    let mut signals = Signals::default();
    // 2019-07-01T15:30:00Z is half past midnight on July 2 in Tokyo.
    let at = 1_561_995_000_000_000;
    let night = Event { at, ..event(Act::Payment, Outcome::Done, 0, account(1), 7) };
    fill_from(&night, &mut signals);
    assert_eq!(signals.int(Signal::ActHour), Some(0));
    assert_eq!(signals.int(Signal::ActAmount), Some(7));
}

proptest! {
    /// Against the plain definition: the window is at least as long as its name says and at most
    /// a twentieth longer.
    #[test]
    fn sums_are_those_of_a_list(steps in prop::collection::vec((0_i64..30, 1_i64..1_000), 1..60)) {
        let mut windows = Windows::default();
        let mut history = Vec::new();
        let mut minute = 0;
        for (pause, amount) in steps {
            minute += pause;
            let pay = event(Act::Payment, Outcome::Done, minute, account(1), amount);
            let sum_since = |minutes: i64| -> i64 {
                history.iter().filter(|(at, _)| minute - at <= minutes).map(|(_, yen)| yen).sum()
            };
            let found = seen(&windows, &pay, Signal::SpendYen1h).unwrap();
            prop_assert!(found >= sum_since(60) && found <= sum_since(63), "{found}");
            windows.observe(&pay);
            history.push((minute, amount));
        }
    }
}
