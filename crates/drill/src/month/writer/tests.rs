//! The script keeps what it promises.

use std::collections::{HashMap, HashSet};

use super::*;

const NOON: u64 = 1_775_012_400;
const SCALE: Scale = Scale { customers: 60, sales: 1_800, days: 30 };

fn shelf() -> Vec<Product> {
    let product = |(number, unit_price)| Product {
        jan: format!("200000000{number:04}"),
        name: format!("thing {number}"),
        unit_price,
        popularity: [3, 2, 1, 2],
    };
    [(1, 160), (2, 298), (3, 770)].map(product).to_vec()
}

fn script(seed: u64) -> Vec<Event> {
    super::super::script::Script::new((seed, false), SCALE, (3, &shelf()), NOON).events
}

#[test]
fn nobody_has_less_than_they_spend_nor_spends_much_on_the_first_day() {
    let with = super::super::script::Script::new((6, true), SCALE, (3, &shelf()), NOON);
    let (mut top_ups, mut sends) = (HashMap::new(), HashMap::new());
    let mut people = vec![(0, 0, 0); with.networks.len()]; // signed up, balance, first day
    let ordinary = with.events.iter().filter(|event| event.label.is_none());
    for Event { at, customer, act, .. } in ordinary {
        let (signed_up, balance, first_day) = &mut people[*customer];
        if let Act::Send { number, amount, .. } = act {
            sends.insert(*number, *amount);
        }
        match act {
            Act::Take { number } => *balance += sends[number],
            Act::SignUp => *signed_up = *at,
            Act::TopUp { number, amount, .. } => {
                top_ups.insert(*number, *amount);
                *balance += amount;
            }
            Act::CancelTopUp { number, .. } => *balance -= top_ups[number],
            Act::TopUpByCard { amount, .. } => *balance += amount,
            Act::Buy(Sale { amount, refused: Some(Refused::TooLittle), .. }) => {
                assert!(*amount > *balance + COUPONS_YEN_MAX, "{customer} at {at}: {act:?}");
            }
            Act::Buy(Sale { amount, refused: None, .. }) | Act::Send { amount, .. } => {
                *balance -= amount;
                if *at < *signed_up + DAY {
                    *first_day += amount;
                }
            }
            _ => {}
        }
        assert!(*balance >= 0 && *first_day <= 10_000, "{customer} at {at}: {act:?}");
    }
}

#[test]
fn the_same_seed_writes_the_same_month() {
    assert_eq!(script(1), script(1));
    assert_ne!(script(1), script(2));
}

#[test]
fn so_many_people_buy_so_often_within_the_month_and_in_order() {
    let events = script(3);
    let count = |is: fn(&Act) -> bool| events.iter().filter(|event| is(&event.act)).count();
    assert_eq!(count(|act| matches!(act, Act::SignUp)), SCALE.customers);
    let paid = |act: &Act| matches!(act, Act::Buy(Sale { refused: None, .. }));
    assert_eq!(count(paid), SCALE.sales);
    assert!(events.is_sorted_by_key(|event| event.at));
    assert!(events.iter().all(|event| (NOON - 30 * DAY..=NOON).contains(&event.at)));
    for kind in [
        count(|act| matches!(act, Act::Refund { .. })),
        count(|act| matches!(act, Act::Cancel { .. })),
        count(|act| matches!(act, Act::TopUpByCard { .. })),
        count(|act| matches!(act, Act::Send { .. })),
        count(|act| matches!(act, Act::Take { .. })),
        count(|act| matches!(act, Act::Buy(Sale { refused: Some(_), .. }))),
    ] {
        assert!(kind > 0);
    }
}

#[test]
fn fraud_comes_beside_an_ordinary_month_and_changes_nothing_of_it() {
    let with = super::super::script::Script::new((5, true), SCALE, (3, &shelf()), NOON);
    let labels: HashSet<_> = with.events.iter().filter_map(|event| event.label).collect();
    assert_eq!(labels.len(), 6, "{labels:?}");
    let is_ordinary = |event: &&Event| event.label.is_none() && event.customer < SCALE.customers;
    let ordinary: Vec<_> = with.events.iter().filter(is_ordinary).cloned().collect();
    assert_eq!(ordinary, script(5));
    assert!(with.networks.len() > SCALE.customers);
}

#[test]
fn nobody_does_anything_before_they_signed_up() {
    let mut signed_up = HashSet::new();
    let with = super::super::script::Script::new((4, true), SCALE, (3, &shelf()), NOON);
    let is_person = |event: &Event| !matches!(event.act, Act::TryPair { .. });
    for event in with.events.into_iter().filter(is_person) {
        if event.act == Act::SignUp {
            assert!(signed_up.insert(event.customer));
        }
        assert!(signed_up.contains(&event.customer), "{event:?}");
    }
}
