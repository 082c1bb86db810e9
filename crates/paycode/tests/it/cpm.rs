//! Codes of other wallets' customers.

use omamori_paycode::cpm::{
    ConsumerCode, CpmError, CpmFault, DataObject, PayloadFormat, Tag, Template,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// EMVCo's sample with one application.
const ONE: &str = "hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8=";
/// EMVCo's sample with two applications and common data.
const TWO: &str = "hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0MWETTwegAAAAZmZmUAhQcm9kdWN0MmJJWggSNFZ4kBI0WF8gDkNBUkRIT0xERVIvRU1WXy0IcnVlc2RlZW5kIZ8QBwYBCgMAAACfJghYT9OF+iNLzJ82AgABnzcEbVjvEw==";
/// As メルペイ shows it.
const MERPAY: &str = "hQVDUFYwMWEfTwigAAAAZQOSAlcTMViZAHkkKUPUkSEhAAAFEgAADw==";
/// JPQR.
const JPQR: &str = "hQVKUFFSMWEUTwgxMjM0NTY3OFcIODc2NTQzMjE=";

const HEAD: &str = "85054350563031";

fn bytes(hex: &str) -> Vec<u8> {
    let hex: String = hex.split_whitespace().collect();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn object(tag: Tag, hex: &str) -> DataObject {
    DataObject { tag, value: bytes(hex) }
}

#[test]
fn published_codes_are_written_as_they_were_read() {
    for text in [ONE, TWO, MERPAY, JPQR] {
        assert_eq!(ConsumerCode::parse(text).unwrap().write().unwrap(), text);
    }
}

#[test]
fn the_sample_with_one_application_is_read() {
    let expected = ConsumerCode {
        format: PayloadFormat::EmvCo,
        applications: vec![Template {
            objects: vec![
                object(Tag::ADF_NAME, "A0000000555555"),
                object(Tag::TRACK_2, "1234567890123458D191220112345F"),
            ],
            transparent: None,
        }],
        common: None,
    };
    assert_eq!(ConsumerCode::parse(ONE), Ok(expected));
}

#[test]
fn the_sample_with_two_applications_is_read() {
    let application = |adf_name, label: &str| Template {
        objects: vec![
            object(Tag::ADF_NAME, adf_name),
            DataObject { tag: Tag::APPLICATION_LABEL, value: label.into() },
        ],
        transparent: None,
    };
    let common = Template {
        objects: vec![
            object(Tag::PAN, "1234567890123458"),
            DataObject { tag: Tag::CARDHOLDER_NAME, value: b"CARDHOLDER/EMV".into() },
            DataObject { tag: Tag::LANGUAGE_PREFERENCE, value: b"ruesdeen".into() },
        ],
        transparent: Some(vec![
            object(Tag::ISSUER_APPLICATION_DATA, "06010A03000000"),
            object(Tag::APPLICATION_CRYPTOGRAM, "584FD385FA234BCC"),
            object(Tag::TRANSACTION_COUNTER, "0001"),
            object(Tag::UNPREDICTABLE_NUMBER, "6D58EF13"),
        ]),
    };
    let expected = ConsumerCode {
        format: PayloadFormat::EmvCo,
        applications: vec![
            application("A0000000555555", "Product1"),
            application("A0000000666666", "Product2"),
        ],
        common: Some(common),
    };
    let read = ConsumerCode::parse(TWO).unwrap();
    assert_eq!(read, expected);
    let common = read.common.unwrap();
    assert_eq!(common.get(Tag::TRANSACTION_COUNTER), Some([0, 1].as_slice()));
    assert_eq!(common.get(Tag::ADF_NAME), None);
}

#[test]
fn a_merpay_code_tells_its_account() {
    let code = ConsumerCode::parse(MERPAY).unwrap();
    let application = &code.applications[0];
    assert_eq!(application.get(Tag::ADF_NAME), Some(bytes("A000000065039202").as_slice()));
    assert_eq!(application.track_2_account_number().as_deref(), Some("3158990079242943"));
}

#[test]
fn a_jpqr_code_is_read() {
    let code = ConsumerCode::parse(JPQR).unwrap();
    assert_eq!(code.format, PayloadFormat::Jpqr);
    let application = &code.applications[0];
    assert_eq!(application.get(Tag::ADF_NAME), Some(b"12345678".as_slice()));
    assert_eq!(application.get(Tag::TRACK_2), Some(b"87654321".as_slice()));
    // ASCII digits are no track 2: 0x38 would be the digits 3 and 8, and there is no separator.
    assert_eq!(application.track_2_account_number(), None);
}

#[test]
fn long_values_have_long_lengths() {
    let hex = format!("{HEAD} 61 8190 4F05A000000001 99 8186 {}", "00".repeat(134));
    let code = ConsumerCode::from_bytes(&bytes(&hex)).unwrap();
    assert_eq!(code.applications[0].get(Tag::FREE_AREA), Some([0; 134].as_slice()));
    assert_eq!(ConsumerCode::parse(&code.write().unwrap()), Ok(code));
}

#[test]
fn text_that_is_not_canonical_base64_is_refused() {
    let not_padded = ONE.trim_end_matches('=');
    let loose_bits = ONE.replace("F8=", "F9=");
    let line_broken = ONE.replace("UFYw", "UF\nYw");
    assert!(loose_bits != ONE && line_broken != ONE);
    for text in [not_padded, &loose_bits, &line_broken, "****", &format!("{ONE}===="), "お守り"]
    {
        assert_eq!(ConsumerCode::parse(text), Err(error(0, CpmFault::NotBase64)), "{text}");
    }
    let long = "A".repeat(516);
    assert_eq!(ConsumerCode::parse(&long), Err(error(0, CpmFault::TextTooLong)));
}

fn error(position: usize, fault: CpmFault) -> CpmError {
    CpmError { position, fault }
}

#[test]
fn each_fault_has_its_own_name_and_place() {
    use CpmFault::{
        Duplicate, Misplaced, Missing, NotALength, NotATag, Truncated, UnknownFormat, WrongLength,
    };
    let app = "6107 4F05A000000001";
    let other = Tag::new(0x50).unwrap();
    for (hex, position, fault) in [
        (String::new(), 0, Missing(Tag::PAYLOAD_FORMAT)),
        (app.to_owned(), 0, Missing(Tag::PAYLOAD_FORMAT)),
        (format!("85054350563032 {app}"), 0, UnknownFormat),
        (HEAD.to_owned(), 7, Missing(Tag::APPLICATION)),
        (format!("{HEAD} 6207 500141 {app}"), 7, Misplaced(Tag::COMMON_DATA)),
        (format!("{HEAD} {app} 500141"), 16, Misplaced(other)),
        (format!("{HEAD} {app} {HEAD}"), 16, Misplaced(Tag::PAYLOAD_FORMAT)),
        (format!("{HEAD} {app} 6203500141 {app}"), 21, Misplaced(Tag::APPLICATION)),
        (format!("{HEAD} {app} 6203500141 6203500141"), 21, Misplaced(Tag::COMMON_DATA)),
        (format!("{HEAD} {app} 00"), 16, NotATag),
        (format!("{HEAD} {app} 9F"), 16, Truncated),
        (format!("{HEAD} {app} 9F8101 0100"), 16, NotATag),
        (format!("{HEAD} {app} 62"), 16, Truncated),
        (format!("{HEAD} {app} 6200"), 16, NotALength),
        (format!("{HEAD} {app} 6280 500141 0000"), 16, NotALength),
        (format!("{HEAD} {app} 628103500141"), 16, NotALength),
        (format!("{HEAD} {app} 6282000350014100"), 16, NotALength),
        (format!("{HEAD} {app} 6283000003500141"), 16, NotALength),
        (format!("{HEAD} {app} 6204500141"), 16, Truncated),
        (format!("{HEAD} {app} 6203500241"), 18, Truncated),
        (format!("{HEAD} 6103500141"), 9, Missing(Tag::ADF_NAME)),
        (format!("{HEAD} 610A500141 4F05A000000001"), 9, Missing(Tag::ADF_NAME)),
        (format!("{HEAD} 6106 4F04A0000000"), 9, WrongLength(Tag::ADF_NAME)),
        (format!("{HEAD} 610D4F05A000000001500141500142"), 19, Duplicate(other)),
        (format!("{HEAD} 610F4F05A0000000016303500141500142"), 21, Misplaced(other)),
        (format!("{HEAD} 610C4F05A0000000016403500141"), 16, Misplaced(Tag::COMMON_TRANSPARENT)),
        (format!("{HEAD} {app} 62076405630350014100"), 20, Misplaced(Tag::APPLICATION_TRANSPARENT)),
    ] {
        let found = ConsumerCode::from_bytes(&bytes(&hex));
        assert_eq!(found, Err(error(position, fault)), "{hex}");
    }
}

#[test]
fn values_have_the_lengths_that_emv_gives_them() {
    for (tag, shortest, longest) in [
        (Tag::APPLICATION_LABEL, 1, 16),
        (Tag::TRACK_2, 1, 19),
        (Tag::PAN, 1, 10),
        (Tag::CARDHOLDER_NAME, 2, 26),
        (Tag::LANGUAGE_PREFERENCE, 2, 8),
        (Tag::INTERCHANGE_PROFILE, 2, 2),
        (Tag::APPLICATION_VERSION, 2, 2),
        (Tag::ISSUER_APPLICATION_DATA, 1, 32),
        (Tag::TOKEN_REQUESTOR_ID, 6, 6),
        (Tag::PAYMENT_ACCOUNT_REFERENCE, 29, 29),
        (Tag::LAST_FOUR_DIGITS, 2, 2),
        (Tag::APPLICATION_CRYPTOGRAM, 8, 8),
        (Tag::CRYPTOGRAM_INFORMATION, 1, 1),
        (Tag::TRANSACTION_COUNTER, 2, 2),
        (Tag::UNPREDICTABLE_NUMBER, 4, 4),
    ] {
        let written = |length| {
            let mut code = ConsumerCode::parse(JPQR).unwrap();
            code.applications[0].objects.truncate(1);
            code.applications[0].objects.push(DataObject { tag, value: vec![1; length] });
            code.write().map_err(|error| error.fault)
        };
        for length in shortest..=longest {
            assert!(written(length).is_ok(), "{tag} {length}");
        }
        assert_eq!(written(longest + 1), Err(CpmFault::WrongLength(tag)));
        let too_short = written(shortest - 1);
        let fault = if shortest == 1 { CpmFault::NotALength } else { CpmFault::WrongLength(tag) };
        assert_eq!(too_short, Err(fault), "{tag}");
    }
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let mut code = ConsumerCode::parse(ONE).unwrap();
    code.applications[0].transparent = Some(Vec::new());
    let no_length = error(35, CpmFault::NotALength);
    assert_eq!(code.write(), Err(no_length));
    code.applications.clear();
    assert_eq!(code.write(), Err(error(7, CpmFault::Missing(Tag::APPLICATION))));
}

fn any_object() -> impl Strategy<Value = DataObject> {
    let known = prop_oneof![
        Just((Tag::APPLICATION_LABEL, 1..=16)),
        Just((Tag::TRACK_2, 1..=19)),
        Just((Tag::LAST_FOUR_DIGITS, 2..=2)),
        Just((Tag::FREE_AREA, 1..=140)),
        (0xdf01..0xdf7fu16).prop_map(|tag| (Tag::new(tag).unwrap(), 1..=3)),
    ];
    known.prop_flat_map(|(tag, lengths)| {
        vec(any::<u8>(), lengths).prop_map(move |value| DataObject { tag, value })
    })
}

fn any_objects() -> impl Strategy<Value = Vec<DataObject>> {
    vec(any_object(), 1..4).prop_map(|mut objects| {
        objects.sort_by_key(|object| object.tag);
        objects.dedup_by_key(|object| object.tag);
        objects
    })
}

fn any_template(first: Option<Tag>) -> impl Strategy<Value = Template> {
    let adf_name = vec(any::<u8>(), 5..=16);
    let transparent = proptest::option::of(any_objects());
    (adf_name, any_objects(), transparent).prop_map(move |(value, mut objects, transparent)| {
        objects.splice(0..0, first.map(|tag| DataObject { tag, value }));
        Template { objects, transparent }
    })
}

proptest! {
    #[test]
    fn reading_never_panics(text in "\\PC*", bytes in vec(any::<u8>(), 0..64)) {
        let _ = ConsumerCode::parse(&text);
        let _ = ConsumerCode::from_bytes(&bytes);
    }

    #[test]
    fn a_damaged_code_is_refused_or_written_as_it_was_read(
        at in 0..TWO.len(),
        by in "[A-Za-z0-9+/=]",
    ) {
        let mut text = TWO.to_owned();
        text.replace_range(at..=at, &by);
        if let Ok(code) = ConsumerCode::parse(&text) {
            prop_assert_eq!(code.write(), Ok(text));
        }
    }

    #[test]
    fn what_is_written_is_read_back(
        applications in vec(any_template(Some(Tag::ADF_NAME)), 1..3),
        common in proptest::option::of(any_template(None)),
        jpqr: bool,
    ) {
        let format = if jpqr { PayloadFormat::Jpqr } else { PayloadFormat::EmvCo };
        let code = ConsumerCode { format, applications, common };
        match code.write() {
            Ok(text) => prop_assert_eq!(ConsumerCode::parse(&text), Ok(code)),
            Err(error) => prop_assert_eq!(error.fault, CpmFault::TextTooLong),
        }
    }
}
