//! The ids of 7pay's group could be counted up. Here one id says nothing about the next.

use omamori::web::codes::Code;

use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(ids_next_to_known_ones_are_nobodys);

const ALPHABET: &str = "0123456789abcdefghjkmnpqrstvwxyz";

/// The 130 bits of an id's 26 digits, the first two of which are 0.
fn bits(id: &str) -> u128 {
    let digits = id.split_once('_').unwrap().1;
    assert_eq!(digits.len(), 26, "{id}");
    digits.chars().fold(0, |bits, digit| bits << 5 | ALPHABET.find(digit).unwrap() as u128)
}

/// The same id with another last digit or another first one.
fn neighbours(id: &str) -> Vec<String> {
    let digit = |place: usize| id.chars().nth(place).unwrap();
    let (last, first) = (id.len() - 1, id.find('_').unwrap() + 2);
    let others = |place: usize| {
        ALPHABET.chars().filter(move |other| *other != digit(place)).map(move |other| {
            let mut text = id.to_owned();
            text.replace_range(place..=place, &other.to_string());
            text
        })
    };
    others(last).chain(others(first)).collect()
}

/// Goal: ids of things made one after the other are far from each other, and what stands beside a
/// known id is not there, for its owner as for anybody.
async fn ids_next_to_known_ones_are_nobodys(app: &mut TestApp) {
    let (register, thief) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    let mut ids = Vec::new();
    for number in 0..8 {
        let customer = Customer::new(&app.app).await;
        customer.load(app, &register, 1_000).await;
        let code = customer.code(app.now());
        let sold = register.sell(app, &format!("s-{number}"), &code, 100).await.ok();
        ids.push(sold["payment"]["payment_id"].as_str().unwrap().to_owned());
        let refund = register.refund(app, &format!("r-{number}"), &format!("s-{number}"), 10).await;
        ids.push(refund.ok()["refund"]["refund_id"].as_str().unwrap().to_owned());
        ids.extend([customer.customer_id, customer.device_id]);
    }
    for (place, id) in ids.iter().enumerate() {
        for other in &ids[place + 1..] {
            let differing = (bits(id) ^ bits(other)).count_ones();
            assert!((24..=104).contains(&differing), "{id} and {other}: {differing} bits");
        }
    }
    let payment_id = &ids[0];
    for guess in neighbours(payment_id).iter().chain([payment_id]) {
        let path = format!("/api/wallet/v1/payments/{guess}");
        thief.get(app, &path).await.refused(Code::PaymentNotFound);
    }
}
