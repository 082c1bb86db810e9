//! The 24 digits and the time that they are good for.

use omamori_paycode::code::{
    CODE_DIGITS, CodeError, CodeSecret, CustomerCode, DeviceNumber, EXPIRED_STEPS, OneTime, Prefix,
    RefreshCount, STEP_SECONDS, TimeStep, Verdict, authorization_id, one_time, verify,
};
use proptest::prelude::*;

const GOOD: &str = "999931123456789930674357";
const STEP: u64 = 60_412_800;

fn parse(text: &str) -> Result<CustomerCode, CodeError> {
    CustomerCode::parse(text, Prefix::DEFAULT)
}

fn secret() -> CodeSecret {
    CodeSecret::new([7; 32])
}

fn count(count: u8) -> RefreshCount {
    RefreshCount::new(count).unwrap()
}

#[test]
fn a_code_is_taken_apart() {
    let code = parse(GOOD).unwrap();
    assert_eq!(code.device.get(), 123_456_789);
    assert_eq!(code.one_time.to_string(), "93067435");
    assert_eq!(code.to_string(), GOOD);
}

#[test]
fn each_fault_of_a_code_has_its_own_name() {
    use CodeError::{NotADigit, WrongCheckDigit, WrongLength, WrongPrefix};
    let length = |found| WrongLength { expected: 24, found };
    let not_a_digit = |position| NotADigit { position };
    for (text, error) in [
        ("", length(0)),
        ("99993112345678993067435", length(23)),
        ("9999311234567899306743577", length(25)),
        (" 99993112345678993067435", not_a_digit(0)),
        ("99993112345678993067435x", not_a_digit(23)),
        ("99993112345678993067435\u{ff17}", not_a_digit(23)),
        ("+99931123456789930674357", not_a_digit(0)),
        ("900081818895579920128799", WrongPrefix),
        ("999930123456789930674357", WrongPrefix),
        ("999931123456789930674356", WrongCheckDigit),
        ("999931123456798930674357", WrongCheckDigit),
    ] {
        assert_eq!(parse(text), Err(error), "{text}");
    }
}

#[test]
fn every_single_wrong_digit_is_noticed() {
    for place in 0..CODE_DIGITS {
        for digit in '0'..='9' {
            let mut text = GOOD.to_owned();
            text.replace_range(place..=place, &digit.to_string());
            assert_eq!(parse(&text).is_ok(), text == GOOD, "{text}");
        }
    }
}

#[test]
fn a_prefix_is_six_digits() {
    assert_eq!("000042".parse::<Prefix>().unwrap().to_string(), "000042");
    for text in ["", "99993", "9999311", "99993a", "９９９９３１"] {
        assert!(text.parse::<Prefix>().is_err(), "{text}");
    }
}

#[test]
fn numbers_too_long_for_a_code_cannot_be_made() {
    assert!(DeviceNumber::new(999_999_999).is_some() && DeviceNumber::new(1_000_000_000).is_none());
    assert!(OneTime::new(99_999_999).is_some() && OneTime::new(100_000_000).is_none());
    assert!(RefreshCount::new(3).is_some() && RefreshCount::new(4).is_none());
}

#[test]
fn a_code_is_valid_for_three_steps_and_expired_for_twenty_more() {
    for refresh in 0..4 {
        let (step, count) = (TimeStep::new(STEP), count(refresh));
        let shown = one_time(&secret(), step, count);
        let verdict_after = |steps: i64| {
            let now = STEP.checked_add_signed(steps).unwrap();
            let first = verify(&secret(), now * STEP_SECONDS, shown);
            let last = verify(&secret(), now * STEP_SECONDS + STEP_SECONDS - 1, shown);
            assert_eq!(first, last);
            first
        };
        for steps in -1..=1 {
            assert_eq!(verdict_after(steps), Verdict::Valid { step, count }, "{steps}");
        }
        let expired_until = 1 + i64::try_from(EXPIRED_STEPS).unwrap();
        for steps in 2..=expired_until {
            assert_eq!(verdict_after(steps), Verdict::Expired { step, count }, "{steps}");
        }
        assert_eq!(verdict_after(expired_until + 1), Verdict::Wrong);
        assert_eq!(verdict_after(-2), Verdict::Wrong);
    }
}

#[test]
fn another_phones_code_is_wrong() {
    let shown = one_time(&CodeSecret::new([8; 32]), TimeStep::new(STEP), RefreshCount::ZERO);
    assert_eq!(verify(&secret(), STEP * STEP_SECONDS, shown), Verdict::Wrong);
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    let (step, count) = (TimeStep::new(0), RefreshCount::ZERO);
    let shown = one_time(&secret(), step, count);
    assert_eq!(verify(&secret(), 0, shown), Verdict::Valid { step, count });
    assert_eq!(verify(&secret(), 2 * STEP_SECONDS, shown), Verdict::Expired { step, count });
    assert_eq!(verify(&secret(), u64::MAX, shown), Verdict::Wrong);
}

#[test]
fn secrets_and_one_time_parts_are_not_printed() {
    let shown = one_time(&secret(), TimeStep::new(STEP), RefreshCount::ZERO);
    assert_eq!(format!("{:?} {shown:?}", secret()), "CodeSecret(***) OneTime(***)");
}

proptest! {
    #[test]
    fn parsing_never_panics_and_reads_only_what_display_writes(text in "\\PC*|[0-9]{24}|999931[0-9]{18}") {
        if let Ok(code) = parse(&text) {
            prop_assert_eq!(code.to_string(), text);
        }
    }

    #[test]
    fn what_is_written_is_read_back(
        prefix in "[0-9]{6}",
        device in 0..=999_999_999u32,
        one_time in 0..100_000_000u32,
    ) {
        let prefix: Prefix = prefix.parse().unwrap();
        let device = DeviceNumber::new(device).unwrap();
        let code = CustomerCode { prefix, device, one_time: OneTime::new(one_time).unwrap() };
        prop_assert_eq!(CustomerCode::parse(&code.to_string(), prefix), Ok(code));
    }

    #[test]
    fn no_two_codes_share_an_authorization(
        left in (0..4u32, 0..4u64, 0..4u8),
        right in (0..4u32, 0..4u64, 0..4u8),
    ) {
        let id = |(device, step, refresh): (u32, u64, u8)| {
            let device = DeviceNumber::new(device).unwrap();
            authorization_id(device, TimeStep::new(step), count(refresh))
        };
        prop_assert_eq!(id(left) == id(right), left == right);
    }
}
