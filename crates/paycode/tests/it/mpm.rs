//! Codes that stores show.

use std::collections::BTreeMap;

use omamori_paycode::mpm::{
    AdditionalId, Amount, CURRENCY_YEN, Initiation, JPQR_TEMPLATE, JpqrFault, JpqrMerchant,
    LocalLanguage, MAX_CHARACTERS, MerchantCode, MpmError, MpmFault, Percentage, Template, Tip,
};
use proptest::collection::btree_map;
use proptest::option;
use proptest::prelude::*;

/// A static JPQR code, objects not in order.
const STATIC: &str = "0002016003xxx01021129300012D156000000000510A93FO3230Q31280012D1560000000103081234567826680019jp.or.paymentsjapan01130000000000001020400010306000001040600000153033925903xxx64180002JA0108メルペイ カフェ520441115802JP610710661436304DEE9";
/// The sample of EMVCo's specification, objects not in order.
const SAMPLE: &str = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A";
/// A dynamic JPQR code over 498 yen, objects in order.
const DYNAMIC: &str = "00020101021226680019jp.or.paymentsjapan01130000000000001020400010306000001040600000152045411530339254034985802JP5912SAMPLE STORE6005TOKYO6107102845564160002JA0106サンプル商店6304A592";

fn text(value: &str) -> String {
    value.to_owned()
}

fn parse(text: &str) -> MerchantCode {
    MerchantCode::parse(text).unwrap()
}

/// A text with the CRC that it needs.
fn sealed(body: &str) -> String {
    let body = format!("{body}6304");
    let crc = body.bytes().fold(0xffffu16, |crc, byte| {
        (0..8).rev().map(|bit| (byte >> bit) & 1).fold(crc, |crc, bit| {
            let feedback = (crc >> 15) ^ u16::from(bit);
            (crc << 1) ^ (0x1021 * feedback)
        })
    });
    format!("{body}{crc:04X}")
}

fn error(position: usize, fault: MpmFault) -> Result<MerchantCode, MpmError> {
    Err(MpmError { position, fault })
}

fn template(globally_unique_id: &str, fields: &[(u8, &str)]) -> Template {
    let fields = fields.iter().map(|&(id, value)| (id, text(value))).collect();
    Template { globally_unique_id: text(globally_unique_id), fields }
}

#[test]
fn a_dynamic_jpqr_code_is_read_and_written() {
    let code = parse(DYNAMIC);
    let merchant = JpqrMerchant::new(["0000000000001", "0001", "000001", "000001"]).unwrap();
    let expected = MerchantCode {
        initiation: Some(Initiation::Dynamic),
        card_accounts: BTreeMap::new(),
        accounts: BTreeMap::from([(JPQR_TEMPLATE, merchant.template())]),
        category_code: 5411,
        currency: CURRENCY_YEN,
        amount: Amount::yen(498),
        tip: None,
        country: text("JP"),
        name: text("SAMPLE STORE"),
        city: text("TOKYO"),
        postal_code: Some(text("1028455")),
        additional_data: BTreeMap::new(),
        local_language: Some(LocalLanguage {
            language: text("JA"),
            name: text("サンプル商店"),
            city: None,
            reserved: BTreeMap::new(),
        }),
        reserved: BTreeMap::new(),
        unreserved: BTreeMap::new(),
    };
    assert_eq!(code, expected);
    assert_eq!(code.jpqr(), Ok(merchant));
    assert_eq!(code.amount.as_ref().and_then(Amount::to_yen), Some(498));
    assert_eq!(code.write().unwrap(), DYNAMIC);
}

#[test]
fn a_static_jpqr_code_is_read() {
    let code = parse(STATIC);
    assert_eq!(code.initiation, Some(Initiation::Static));
    assert_eq!(code.amount, None);
    assert_eq!(code.accounts[&31], template("D15600000001", &[(3, "12345678")]));
    assert_eq!(code.local_language.as_ref().unwrap().name, "メルペイ カフェ");
    let levels = code.jpqr().unwrap();
    assert_eq!(levels.levels(), &["0000000000001", "0001", "000001", "000001"].map(text));
}

#[test]
fn the_sample_of_the_specification_is_read() {
    let code = parse(SAMPLE);
    assert_eq!(code.amount, Some("23.72".parse().unwrap()));
    assert_eq!(code.tip, Some(Tip::Prompted));
    assert_eq!((code.currency, code.country.as_str()), (156, "CN"));
    let additional = [
        (AdditionalId::STORE_LABEL, "1234"),
        (AdditionalId::CUSTOMER_LABEL, "***"),
        (AdditionalId::TERMINAL_LABEL, "A6008667"),
        (AdditionalId::CONSUMER_DATA_REQUEST, "ME"),
    ];
    assert_eq!(code.additional_data, additional.map(|(id, value)| (id, text(value))).into());
    assert_eq!(code.unreserved[&91], template("A011223344998877", &[(7, "12345678")]));
    let local = code.local_language.as_ref().unwrap();
    assert_eq!((local.name.as_str(), local.city.as_deref()), ("最佳运输", Some("北京")));
    assert_eq!(code.jpqr(), Err(JpqrFault::NoTemplate));
}

#[test]
fn a_code_out_of_order_means_the_same_when_it_is_written_in_order() {
    for text in [STATIC, SAMPLE] {
        let code = parse(text);
        let written = code.write().unwrap();
        assert_eq!(written.chars().count(), text.chars().count());
        assert_eq!(parse(&written), code);
    }
}

#[test]
fn a_wrong_crc_is_refused() {
    let (body, _) = DYNAMIC.split_at(DYNAMIC.len() - 4);
    for crc in ["6D60", "A593", "a592", " 592"] {
        let fault = MpmFault::WrongCrc { computed: 0xa592 };
        let position = DYNAMIC.chars().count() - 8;
        assert_eq!(MerchantCode::parse(&format!("{body}{crc}")), error(position, fault), "{crc}");
    }
}

/// From the tests of kenmaz/JPQRReader, which does not look at the CRC.
#[test]
fn a_published_text_with_a_wrong_crc_is_refused() {
    let text = "00020164210002JA0111JPQRMPM本舗食堂53033925903xxx6003xxx610710600325802JP01021126680019jp.or.paymentsjapan0113000000000000102040001030600000104060000015204412163046D60";
    let fault = MpmFault::WrongCrc { computed: 0x0f92 };
    assert_eq!(MerchantCode::parse(text), error(text.chars().count() - 8, fault));
    let mended = text.replace("6D60", "0F92");
    assert!(parse(&mended).jpqr().is_ok());
}

/// The least that a text must say; its CRC begins at 56 and it ends at 64.
const LEAST: &str = "0002012608000411115204541153033925802JP5904SHOP6005TOKYO";

#[test]
fn the_least_text_is_read_and_written() {
    let text = sealed(LEAST);
    assert_eq!(parse(&text).write().unwrap(), text);
}

#[test]
fn the_longest_text_is_read_and_written() {
    let mut code = parse(&sealed(LEAST));
    let lengths = [99, 99, 99, 99, 32];
    code.reserved = (65..).zip(lengths.map(|length| "長".repeat(length))).collect();
    let text = code.write().unwrap();
    assert_eq!(text.chars().count(), MAX_CHARACTERS);
    assert_eq!(parse(&text), code);
    code.reserved.entry(69).or_default().push('い');
    let error = MpmError { position: MAX_CHARACTERS, fault: MpmFault::TextTooLong };
    assert_eq!(code.write(), Err(error));
}

#[test]
fn each_fault_of_the_row_has_its_own_name_and_place() {
    use MpmFault::{Duplicate, Misplaced, Missing, NotALength, NotAnId, Truncated, WrongLength};
    for (text, position, fault) in [
        (String::new(), 0, Missing(0)),
        (text("x"), 0, NotAnId),
        (text("0"), 0, NotAnId),
        (text("0002010"), 6, NotAnId),
        (text("000201+159"), 6, NotAnId),
        (text("000201６３"), 6, NotAnId),
        (text("00020159"), 6, NotALength),
        (text("00020159-1"), 6, NotALength),
        (text("0002015900"), 6, NotALength),
        (text("0002015903店主"), 6, Truncated),
        (text(LEAST), 56, Missing(63)),
        (format!("{LEAST}63040000{LEAST}"), 64, Duplicate(0)),
        (format!("{LEAST}6304000061011"), 56, Misplaced(63)),
        (format!("{LEAST}6303000"), 56, WrongLength(63)),
        (sealed(&LEAST.replace("000201", "010211000201")), 6, Misplaced(0)),
        (sealed(&LEAST.replace("000201", "")), 58, Missing(0)),
        ("0".repeat(513), 512, MpmFault::TextTooLong),
    ] {
        assert_eq!(MerchantCode::parse(&text), error(position, fault), "{text}");
    }
}

#[test]
fn each_fault_of_a_value_has_its_own_name_and_place() {
    use MpmFault::{
        Duplicate, Misplaced, Missing, NotAnId, WrongCharacter, WrongLength, WrongValue,
    };
    let long_name = format!("5926{}", "A".repeat(26));
    let long_city = format!("6016{}", "A".repeat(16));
    let long_maker = format!("26370033{}", "A".repeat(33));
    let long_local_name = format!("6005TOKYO64360002JA0126{}", "あ".repeat(26));
    let long_local_city = format!("6005TOKYO64310002JA0101a0216{}", "あ".repeat(16));
    for (good, bad, position, fault) in [
        ("000201", "000202", 0, WrongValue(0)),
        ("260800041111", "", 52, Missing(26)),
        ("260800041111", "02031四2", 6, WrongCharacter(2)),
        ("260800041111", "260801041111", 18, Missing(0)),
        ("260800041111", "26060002東京", 10, WrongCharacter(0)),
        ("260800041111", "26130004111100012", 18, Duplicate(0)),
        ("260800041111", "2609000411110", 18, NotAnId),
        ("260800041111", long_maker.as_str(), 10, WrongLength(0)),
        ("52045411", "", 56, Missing(52)),
        ("52045411", "5204541A", 18, WrongCharacter(52)),
        ("52045411", "5203541", 18, WrongLength(52)),
        ("5303392", "5303３92", 26, WrongCharacter(53)),
        ("5802JP", "5802jp", 33, WrongCharacter(58)),
        ("5802JP", "5803JPN", 33, WrongLength(58)),
        ("5904SHOP", "5904店SHO", 39, WrongCharacter(59)),
        ("5904SHOP", long_name.as_str(), 39, WrongLength(59)),
        ("6005TOKYO", long_city.as_str(), 47, WrongLength(60)),
        ("6005TOKYO", "6005TOKYO6005TOKYO", 56, Duplicate(60)),
        ("6005TOKYO", "6005TOKYO010213", 56, WrongValue(1)),
        ("6005TOKYO", "6005TOKYO54010", 56, WrongValue(54)),
        ("6005TOKYO", "6005TOKYO54040.00", 56, WrongValue(54)),
        ("6005TOKYO", "6005TOKYO54051.2.3", 56, WrongCharacter(54)),
        ("6005TOKYO", "6005TOKYO5402.5", 56, WrongCharacter(54)),
        ("6005TOKYO", "6005TOKYO5402-5", 56, WrongCharacter(54)),
        ("6005TOKYO", "6005TOKYO541412345678901234", 56, WrongLength(54)),
        ("6005TOKYO", "6005TOKYO550204", 56, WrongValue(55)),
        ("6005TOKYO", "6005TOKYO550202", 70, Missing(56)),
        ("6005TOKYO", "6005TOKYO550203", 70, Missing(57)),
        ("6005TOKYO", "6005TOKYO55020156015", 62, Misplaced(56)),
        ("6005TOKYO", "6005TOKYO5502035703100", 62, WrongValue(57)),
        ("6005TOKYO", "6005TOKYO55020357055.001", 62, WrongValue(57)),
        ("6005TOKYO", "6005TOKYO5502035706100.00", 62, WrongLength(57)),
        ("6005TOKYO", "6005TOKYO57015", 56, Misplaced(57)),
        ("6005TOKYO", "6005TOKYO611112345678901", 56, WrongLength(61)),
        ("6005TOKYO", "6005TOKYO62050001A", 60, Misplaced(0)),
        ("6005TOKYO", "6005TOKYO62050901B", 60, WrongCharacter(9)),
        ("6005TOKYO", "6005TOKYO62060902AA", 60, WrongValue(9)),
        ("6005TOKYO", "6005TOKYO64060002JA", 66, Missing(1)),
        ("6005TOKYO", long_local_name.as_str(), 66, WrongLength(1)),
        ("6005TOKYO", long_local_city.as_str(), 71, WrongLength(2)),
        ("6005TOKYO", "6005TOKYO64110002JA0101\n", 66, WrongCharacter(1)),
    ] {
        assert!(LEAST.contains(good));
        let text = sealed(&LEAST.replace(good, bad));
        assert_eq!(MerchantCode::parse(&text), error(position, fault), "{text}");
    }
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    use MpmFault::{Misplaced, Missing, TextTooLong, WrongCharacter, WrongLength};
    type Spoil = fn(&mut MerchantCode);
    let spoils: [(Spoil, usize, MpmFault); 10] = [
        (|code| code.name = "A".repeat(26), 39, WrongLength(59)),
        (|code| code.name = "A".repeat(100), 39, WrongLength(59)),
        (|code| code.city.clear(), 47, WrongLength(60)),
        (|code| code.country = text("jp"), 33, WrongCharacter(58)),
        (|code| code.category_code = 10_000, 18, WrongLength(52)),
        (|code| code.accounts.clear(), 52, Missing(26)),
        (|code| drop(code.card_accounts.insert(26, text("1"))), 6, Misplaced(26)),
        (|code| drop(code.accounts.insert(25, template("x", &[]))), 6, Misplaced(25)),
        (|code| drop(code.accounts.insert(26, template("x", &[(0, "y")]))), 5, Misplaced(0)),
        (
            |code| code.reserved = (65..=79).map(|id| (id, "A".repeat(99))).collect(),
            512,
            TextTooLong,
        ),
    ];
    for (spoil, position, fault) in spoils {
        let mut code = parse(&sealed(LEAST));
        spoil(&mut code);
        assert_eq!(code.write(), Err(MpmError { position, fault }));
    }
}

#[test]
fn each_rule_of_jpqr_has_its_own_name() {
    type Spoil = fn(&mut MerchantCode);
    let spoils: [(Spoil, JpqrFault); 11] = [
        (|code| code.accounts.clear(), JpqrFault::NoTemplate),
        (|code| jpqr(code).globally_unique_id = text("x"), JpqrFault::NoTemplate),
        (|code| drop(jpqr(code).fields.remove(&2)), JpqrFault::Level(2)),
        (|code| drop(jpqr(code).fields.insert(3, text("00000a"))), JpqrFault::Level(3)),
        (|code| drop(jpqr(code).fields.insert(5, text("1"))), JpqrFault::UnknownField(5)),
        (|code| code.country = text("CN"), JpqrFault::Country),
        (|code| code.currency = 156, JpqrFault::Currency),
        (|code| code.amount = Some("498.0".parse().unwrap()), JpqrFault::Amount),
        (|code| code.postal_code = None, JpqrFault::NoPostalCode),
        (|code| code.local_language = None, JpqrFault::NoJapaneseName),
        (
            |code| code.local_language.as_mut().unwrap().city = Some(text("東京")),
            JpqrFault::LocalCity,
        ),
    ];
    for (spoil, fault) in spoils {
        let mut code = parse(DYNAMIC);
        assert!(code.jpqr().is_ok());
        spoil(&mut code);
        assert_eq!(code.jpqr(), Err(fault));
    }
}

fn jpqr(code: &mut MerchantCode) -> &mut Template {
    code.accounts.get_mut(&JPQR_TEMPLATE).unwrap()
}

#[test]
fn amounts_of_whole_yen_are_written_plainly() {
    assert_eq!(Amount::yen(0), None);
    assert_eq!(Amount::yen(100_000).unwrap().as_str(), "100000");
    assert_eq!(Amount::yen(10_000_000_000_000), None);
    assert_eq!("498.00".parse::<Amount>().unwrap().to_yen(), None);
}

fn any_template() -> impl Strategy<Value = Template> {
    let fields = btree_map(1..=99u8, "[ぁ-ん0-9A-Z]{1,9}", 0..4);
    ("[!-~]{1,16}", fields)
        .prop_map(|(globally_unique_id, fields)| Template { globally_unique_id, fields })
}

fn any_tip() -> impl Strategy<Value = Tip> {
    prop_oneof![
        Just(Tip::Prompted),
        "[1-9][0-9]{0,5}(\\.[0-9]{0,2})?".prop_map(|text| Tip::Fixed(text.parse().unwrap())),
        "[0-9]?[1-9](\\.[0-9]{0,2})?"
            .prop_map(|text| Tip::Percentage(text.parse::<Percentage>().unwrap())),
    ]
}

fn any_local_language() -> impl Strategy<Value = LocalLanguage> {
    let reserved = btree_map(3..=99u8, "[ぁ-ん]{1,5}", 0..2);
    ("[A-Z]{2}", "[ぁ-ん亜-腕 ]{1,25}", option::of("[ぁ-ん亜-腕]{1,15}"), reserved).prop_map(
        |(language, name, city, reserved)| LocalLanguage { language, name, city, reserved },
    )
}

prop_compose! {
    fn any_code()(
        (initiation, amount, tip) in (
            option::of(prop_oneof![Just(Initiation::Static), Just(Initiation::Dynamic)]),
            option::of((1..1_000_000u64).prop_map(|yen| Amount::yen(yen).unwrap())),
            option::of(any_tip()),
        ),
        (card_accounts, accounts) in (
            btree_map(2..=25u8, "[0-9]{1,19}", 0..2),
            btree_map(26..=51u8, any_template(), 1..3),
        ),
        (category_code, currency) in (0..=9_999u16, 0..=999u16),
        (country, name, city, postal_code) in (
            "[A-Z]{2}", "[ -~]{1,25}", "[ -~]{1,15}", option::of("[0-9]{7}"),
        ),
        additional_data in btree_map(
            (1..=8u8).prop_map(|id| AdditionalId::new(id).unwrap()), "[ -~]{1,8}", 0..3,
        ),
        local_language in option::of(any_local_language()),
        reserved in btree_map(65..=79u8, "[ぁ-ん]{1,9}", 0..2),
        unreserved in btree_map(80..=99u8, any_template(), 0..2),
    ) -> MerchantCode {
        MerchantCode {
            initiation, card_accounts, accounts, category_code, currency, amount, tip, country,
            name, city, postal_code, additional_data, local_language, reserved, unreserved,
        }
    }
}

proptest! {
    #[test]
    fn reading_never_panics(text in "\\PC*", body in "(([0-9]{2}0[0-9])?\\PC{0,9}){0,9}") {
        let _ = MerchantCode::parse(&text);
        let _ = MerchantCode::parse(&sealed(&body));
        let _ = MerchantCode::parse(&sealed(&format!("{LEAST}{body}")));
    }

    #[test]
    fn what_is_written_is_read_back(code in any_code()) {
        match code.write() {
            Ok(text) => prop_assert_eq!(MerchantCode::parse(&text), Ok(code)),
            Err(error) => prop_assert_eq!(error.fault, MpmFault::TextTooLong),
        }
    }

    #[test]
    fn one_wrong_character_is_always_noticed(at in 0..220usize, by in "[ -~]") {
        let mut characters: Vec<char> = STATIC.chars().collect();
        let at = at % characters.len();
        let by = by.chars().next().unwrap();
        prop_assume!(characters[at] != by);
        characters[at] = by;
        let damaged: String = characters.into_iter().collect();
        prop_assert!(MerchantCode::parse(&damaged).is_err());
    }
}
