//! The test cards. The first ones have the numbers and the meaning that Stripe gives them
//! (<https://docs.stripe.com/testing>); the others are for what a network does.

use serde::{Deserialize, Serialize};

use crate::web::codes::Both;

/// What a test card does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Script {
    /// Pays, authenticated without a question.
    Frictionless,
    /// Pays after the bank's question.
    Challenge,
    /// Asks for its holder every time, and pays nothing without them.
    AlwaysAsks,
    /// Cannot be registered.
    RefusedAtOnce,
    /// Is registered and never pays.
    Declined,
    /// Pays, and is charged back later.
    ChargedBack,
    /// Pays, and the answer never comes.
    NoAnswer,
    /// Pays some seconds later.
    Late,
    /// Pays once and says so twice.
    Twice,
    /// Pays without 3-D Secure, though it was asked for.
    NotAuthenticated,
}

/// A test card.
pub struct TestCard {
    /// 16 digits.
    pub number: &'static str,
    /// What it does.
    pub script: Script,
    /// As the gateway calls it.
    pub brand: &'static str,
    /// For the page.
    pub says: Both,
}

const fn card(
    number: &'static str,
    script: Script,
    brand: &'static str,
    ja: &'static str,
    en: &'static str,
) -> TestCard {
    TestCard { number, script, brand, says: Both { ja, en } }
}

/// All of them.
pub const CARDS: [TestCard; 10] = [
    card(
        "4242424242424242",
        Script::Frictionless,
        "visa",
        "成功（認証画面なし）",
        "Pays, no question",
    ),
    card("4000000000003220", Script::Challenge, "visa", "認証画面あり", "3-D Secure question"),
    card("4000002760003184", Script::AlwaysAsks, "visa", "毎回認証が必要", "3-D Secure every time"),
    card("4000000000000002", Script::RefusedAtOnce, "visa", "登録できない", "Cannot be registered"),
    card("4000000000000341", Script::Declined, "visa", "支払いを拒否", "Payment declined"),
    card(
        "4000000000000259",
        Script::ChargedBack,
        "visa",
        "1分後にチャージバック",
        "Charged back after a minute",
    ),
    card(
        "5555555555554444",
        Script::NoAnswer,
        "mastercard",
        "応答が届かない",
        "The answer never comes",
    ),
    card("3530111333300000", Script::Late, "jcb", "20秒遅れて成功", "Pays 20 seconds later"),
    card("5200828282828210", Script::Twice, "mastercard", "通知が2回届く", "Tells it twice"),
    card(
        "4000000000000077",
        Script::NotAuthenticated,
        "visa",
        "認証なしで成功",
        "Pays without 3-D Secure",
    ),
];

/// What numbers that begin so do, if their check digit is right and they stand in no list above: so
/// that many people can each have a card of their own.
const FAMILIES: [(&str, &TestCard); 3] =
    [("424242", &CARDS[0]), ("400002", &CARDS[1]), ("400003", &CARDS[5])];

/// A card as it was typed.
#[derive(Clone)]
pub struct Plastic {
    /// 16 digits.
    pub number: String,
    /// What it does.
    pub script: Script,
    /// As the gateway calls it.
    pub brand: &'static str,
}

impl Plastic {
    /// The card with this number, if there is one.
    pub fn find(digits: &str) -> Option<Self> {
        let listed = CARDS.iter().find(|card| card.number == digits);
        let family = || {
            let of = |(begin, _): &&(&str, _)| digits.starts_with(begin);
            let found = FAMILIES.iter().find(of).map(|(_, card)| *card);
            found.filter(|_| digits.len() == 16 && has_right_check_digit(digits))
        };
        let card = listed.or_else(family)?;
        Some(Self { number: digits.to_owned(), script: card.script, brand: card.brand })
    }
}

/// ISO/IEC 7812-1 (Luhn).
fn has_right_check_digit(digits: &str) -> bool {
    let digit = |(place, digit): (usize, u8)| {
        let digit = u32::from(digit - b'0') * if place % 2 == 0 { 1 } else { 2 };
        digit / 10 + digit % 10
    };
    digits.bytes().rev().enumerate().map(digit).sum::<u32>().is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_listed_or_of_a_family_with_a_right_check_digit() {
        let script = |digits| Plastic::find(digits).map(|card| card.script);
        for card in &CARDS {
            assert_eq!(script(card.number), Some(card.script));
        }
        assert_eq!(script("4242420000000018"), Some(Script::Frictionless));
        assert_eq!(script("4242420000000017"), None);
        assert_eq!(script("424242000000001"), None);
        assert_eq!(script("4111111111111111"), None, "a number of nobody's");
    }
}
