//! The format, from outside: what is written, what is read, what is refused.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use omamori_zengin::{
    Account, AccountKind, AccountNumber, BankCode, BranchCode, Day, File, Kana, KanaError, LineEnd,
    Office, RECORD_BYTES, ReadError, Sender, Transfer, WriteError,
};
use proptest::prelude::*;

fn kana(text: &str) -> Kana {
    Kana::convert(text).unwrap()
}

fn account(bank: &str, branch: &str, number: &str) -> Account {
    Account {
        office: Office {
            bank: BankCode::parse(bank).unwrap(),
            bank_name: kana("みずほ"),
            branch: BranchCode::parse(branch).unwrap(),
            branch_name: kana("新宿".replace("新宿", "シンジュク").as_str()),
        },
        kind: AccountKind::Ordinary,
        number: AccountNumber::parse(number).unwrap(),
    }
}

fn file() -> File {
    File {
        sender: Sender {
            code: 1_234_567_890,
            name: kana("カ)オマモリペイ"),
            account: account("0001", "240", "0012345"),
        },
        day: Day::new(4, 30).unwrap(),
        transfers: vec![
            Transfer {
                account: account("9900", "018", "7654321"),
                holder: kana("カ）ヒノマルショウテン"),
                amount: 123_456,
                customer_code_1: 7,
                customer_code_2: 0,
            },
            Transfer {
                account: account("0005", "001", "0000001"),
                holder: kana("ヤマダ　タロウ"),
                amount: 9_999_999_999,
                customer_code_1: 8,
                customer_code_2: 20_260_430,
            },
        ],
    }
}

/// Goal: each field at its place, written down here by hand from the format's table.
#[test]
fn records_are_as_the_table_of_the_format_says() {
    let bytes = file().write(LineEnd::None).unwrap();
    let text: Vec<String> = bytes
        .chunks(RECORD_BYTES)
        .map(|record| {
            let of = |byte: &u8| match byte {
                0xa1..=0xdf => char::from_u32(0xff61 + u32::from(*byte) - 0xa1).unwrap(),
                _ => char::from(*byte),
            };
            record.iter().map(of).collect()
        })
        .collect();
    let wanted = [
        format!(
            "1210{}{:40}0430{}{:15}{}{:15}1{}{:17}",
            "1234567890", "ｶ)ｵﾏﾓﾘﾍﾟｲ", "0001", "ﾐｽﾞﾎ", "240", "ｼﾝｼﾞﾕｸ", "0012345", ""
        ),
        format!(
            "2{}{:15}{}{:15}    1{}{:30}{}0{}{}7 {:7}",
            "9900",
            "ﾐｽﾞﾎ",
            "018",
            "ｼﾝｼﾞﾕｸ",
            "7654321",
            "ｶ)ﾋﾉﾏﾙｼﾖｳﾃﾝ",
            "0000123456",
            "0000000007",
            "0000000000",
            ""
        ),
        format!(
            "2{}{:15}{}{:15}    1{}{:30}{}0{}{}7 {:7}",
            "0005",
            "ﾐｽﾞﾎ",
            "001",
            "ｼﾝｼﾞﾕｸ",
            "0000001",
            "ﾔﾏﾀﾞ ﾀﾛｳ",
            "9999999999",
            "0000000008",
            "0020260430",
            ""
        ),
        format!("8000002010000123455{:101}", ""),
        format!("9{:119}", ""),
    ];
    assert_eq!(text, wanted);
    let lines = file().write(LineEnd::CrLf).unwrap();
    assert_eq!(lines.len(), 5 * (RECORD_BYTES + 2));
    assert!(lines.ends_with(b"  \r\n"));
}

/// Goal: names as people write them become names as banks take them; the rest is refused by name.
#[test]
fn names_become_what_banks_take() {
    for (written, taken) in [
        ("カ）ヒノマルショウテン", "ｶ)ﾋﾉﾏﾙｼﾖｳﾃﾝ"),
        ("すずき　いちろう", "ｽｽﾞｷ ｲﾁﾛｳ"),
        ("ｵﾌｨｽ ｷｬｯﾄ", "ｵﾌｲｽ ｷﾔﾂﾄ"),
        ("コーヒーハウス", "ｺ-ﾋ-ﾊｳｽ"),
        ("Omamori Pay", "OMAMORI PAY"),
        ("ＡＢＣ１２３", "ABC123"),
        ("ヴィヲ・ヱヰ", "ｳﾞｲｵ.ｴｲ"),
        ("か\u{3099}は\u{309a}", "ｶﾞﾊﾟ"),
        ("￥「ア」、ヵヶ", "\\｢ｱ｣,ｶｹ"),
        ("  ア  ", "ｱ"),
    ] {
        assert_eq!(kana(written).as_str(), taken, "{written}");
    }
    let refused = |text: &str| Kana::convert(text).unwrap_err();
    assert_eq!(refused("ｱ田"), KanaError { character: '田', place: 2 });
    for text in ["。", "&", "＆", "_", "'", "é", "😀", "\n", "\0", "ｶ*"] {
        refused(text);
    }
    assert!(
        Kana::exact("ｧ").is_none() && Kana::exact("a").is_none() && Kana::exact("ｱ ").is_none()
    );
}

/// Goal: nothing is cut to fit.
#[test]
fn what_does_not_fit_is_refused() {
    let refused = |change: &dyn Fn(&mut File)| {
        let mut file = file();
        change(&mut file);
        file.write(LineEnd::CrLf).unwrap_err()
    };
    assert_eq!(refused(&|file| file.transfers.clear()), WriteError::Count);
    assert!(matches!(
        refused(&|file| file.transfers[1].holder = kana(&"ア".repeat(31))),
        WriteError::Width { record: 2, field: "holder", .. }
    ));
    assert!(matches!(
        refused(&|file| file.transfers[0].holder = Kana::default()),
        WriteError::Width { record: 1, .. }
    ));
    for amount in [0, 10_000_000_000, u64::MAX] {
        refused(&|file| file.transfers[0].amount = amount);
    }
    refused(&|file| file.sender.code = 10_000_000_000);
    refused(&|file| file.sender.account.kind = AccountKind::Savings);
    for (month, day) in [(0, 1), (13, 1), (2, 30), (4, 31), (1, 0)] {
        assert!(Day::new(month, day).is_err());
    }
    for text in ["123", "12345", "12a4", "１２３４", "+123", ""] {
        assert!(BankCode::parse(text).is_err(), "{text}");
    }
}

/// Goal: a change of any byte is either refused or read as what it now says, never as before.
#[test]
fn a_changed_byte_is_refused_or_seen() {
    for line_end in [LineEnd::CrLf, LineEnd::None] {
        let bytes = file().write(line_end).unwrap();
        let (mut refused, mut seen) = (0, 0);
        for place in 0..bytes.len() {
            for byte in [b'0', b'5', b' ', b'A', 0xb1, b'a', b'\n', 0, 0xff] {
                let mut changed = bytes.clone();
                changed[place] = byte;
                if changed == bytes {
                    continue;
                }
                match File::read(&changed, line_end) {
                    Err(_) => refused += 1,
                    Ok(read) => {
                        seen += 1;
                        assert_ne!(read, file());
                        assert_eq!(read.write(line_end).unwrap(), changed);
                    }
                }
            }
        }
        assert!(refused > 1_000 && seen > 100);
    }
    let bytes = file().write(LineEnd::CrLf).unwrap();
    assert_eq!(File::read(&bytes, LineEnd::None), Err(ReadError::Length));
    assert_eq!(File::read(&bytes[..122], LineEnd::CrLf), Err(ReadError::Length));
    assert_eq!(File::read(b"", LineEnd::CrLf), Err(ReadError::Length));
}

prop_compose! {
    fn any_kana(min: usize, max: usize)(
        text in proptest::collection::vec(
            proptest::sample::select(" 09AZｱｦﾝﾞﾟ\\,()-/.｢｣".chars().collect::<Vec<_>>()), 0..=max)
    ) -> Kana {
        let text: String = text.into_iter().collect();
        let made = Kana::convert(&text).unwrap();
        if made.width() < min { kana("ア") } else { made }
    }
}

prop_compose! {
    fn any_account(of_sender: bool)(
        bank in 0..10_000_u16, branch in 0..1_000_u16, number in 0..10_000_000_u32,
        kind in 0..4_usize, bank_name in any_kana(0, 15), branch_name in any_kana(0, 15),
    ) -> Account {
        let kind = AccountKind::ALL[kind];
        let saving = of_sender && kind == AccountKind::Savings;
        Account {
            office: Office {
                bank: BankCode::parse(&format!("{bank:04}")).unwrap(), bank_name,
                branch: BranchCode::parse(&format!("{branch:03}")).unwrap(), branch_name,
            },
            kind: if saving { AccountKind::Current } else { kind },
            number: AccountNumber::parse(&format!("{number:07}")).unwrap(),
        }
    }
}

prop_compose! {
    fn any_transfer()(
        account in any_account(false), holder in any_kana(1, 30),
        amount in 1..10_000_000_000_u64, one in 0..10_000_000_000_u64,
        two in 0..10_000_000_000_u64,
    ) -> Transfer {
        Transfer { account, holder, amount, customer_code_1: one, customer_code_2: two }
    }
}

prop_compose! {
    fn any_file()(
        code in 0..10_000_000_000_u64, name in any_kana(1, 40), account in any_account(true),
        month in 1..=12_u8, day in 1..=28_u8,
        transfers in proptest::collection::vec(any_transfer(), 1..20),
    ) -> File {
        let day = Day::new(month, day).unwrap();
        File { sender: Sender { code, name, account }, day, transfers }
    }
}

/// An account as the independent reader has it: bank, branch, their names, kind and number.
fn account_parts(account: &Account) -> [String; 6] {
    let office = &account.office;
    let kind = char::from(account.kind.digit()).to_string();
    let names = [office.bank_name.as_str(), office.branch_name.as_str()].map(str::to_owned);
    let [bank_name, branch_name] = names;
    let (bank, branch, number) =
        (office.bank.to_string(), office.branch.to_string(), account.number.to_string());
    [bank, bank_name, branch, branch_name, kind, number]
}

/// Goal: a reader that we did not write (`zengin-fmt`) finds in our files what we put there, field
/// by field, and a trailer that agrees.
fn read_by_others(file: &File, bytes: &[u8]) {
    let read = zengin_fmt::parse_general_transfer(bytes).unwrap();
    let head = &read.header;
    let kind = head.account_type.to_string();
    let parts = [&head.bank_code, &head.bank_name, &head.branch_code, &head.branch_name, &kind];
    assert_eq!(account_parts(&file.sender.account)[..5].iter().collect::<Vec<_>>(), parts);
    assert_eq!(account_parts(&file.sender.account)[5], head.account_number);
    assert_eq!((head.kind_code, head.transfer_date.clone()), (21, file.day.text()));
    assert_eq!(head.remitter_code, format!("{:010}", file.sender.code));
    assert_eq!(head.remitter_name, file.sender.name.as_str());
    assert_eq!(read.details.len(), file.transfers.len());
    for (detail, transfer) in read.details.iter().zip(&file.transfers) {
        let kind = detail.account_type.to_string();
        let number = &detail.account_number;
        let [bank, bank_name] = [&detail.bank_code, &detail.bank_name];
        let found = [bank, bank_name, &detail.branch_code, &detail.branch_name, &kind, number];
        assert_eq!(account_parts(&transfer.account).iter().collect::<Vec<_>>(), found);
        assert_eq!(detail.recipient_name, transfer.holder.as_str());
        assert_eq!(detail.amount, transfer.amount);
        let codes = [transfer.customer_code_1, transfer.customer_code_2];
        let codes = codes.map(|code| format!("{code:010}"));
        assert_eq!([detail.customer_code1.clone(), detail.customer_code2.clone()], codes);
    }
    assert_eq!(u64::from(read.trailer.total_count), file.transfers.len() as u64);
    assert_eq!(read.trailer.total_amount, file.total());
}

proptest! {
    /// Goal: others read what we wrote.
    #[test]
    fn files_are_read_by_others(file in any_file(), lines in any::<bool>()) {
        let line_end = if lines { LineEnd::CrLf } else { LineEnd::None };
        let mut bytes = file.write(line_end).unwrap();
        read_by_others(&file, &bytes);
        // The last digit of the trailer's sum: that reader counts too.
        let place = bytes.len() - 2 * (RECORD_BYTES + if lines { 2 } else { 0 }) + 18;
        bytes[place] = if bytes[place] == b'9' { b'0' } else { bytes[place] + 1 };
        prop_assert!(zengin_fmt::parse_general_transfer(&bytes).is_err());
    }

    /// Goal: what is written is read again as it was.
    #[test]
    fn files_survive_the_way_there_and_back(file in any_file(), lines in any::<bool>()) {
        let line_end = if lines { LineEnd::CrLf } else { LineEnd::None };
        let bytes = file.write(line_end).unwrap();
        prop_assert_eq!(bytes.len() % (RECORD_BYTES + if lines { 2 } else { 0 }), 0);
        prop_assert_eq!(File::read(&bytes, line_end), Ok(file));
    }

    /// Goal: whatever bytes come, an answer, and never one that is written in another way.
    #[test]
    fn any_bytes_get_an_answer(
        bytes in proptest::collection::vec(any::<u8>(), 0..1_000),
        file in any_file(), cut in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let _ = File::read(&bytes, LineEnd::CrLf);
        let mut written = file.write(LineEnd::None).unwrap();
        let place = cut.index(written.len());
        written[place] = byte;
        if let Ok(read) = File::read(&written, LineEnd::None) {
            prop_assert_eq!(read.write(LineEnd::None).unwrap(), written.clone());
        }
        written.truncate(place);
        prop_assert!(File::read(&written, LineEnd::None).is_err());
    }

    /// Goal: a converted text is one that banks take, and stays as it is.
    #[test]
    fn conversion_ends_in_what_banks_take(text in "[ぁ-ゖァ-ヺｦ-ﾟ！-～ -~ー　]{0,40}") {
        if let Ok(made) = Kana::convert(&text) {
            prop_assert_eq!(Kana::exact(made.as_str()), Some(made.clone()));
            prop_assert_eq!(Kana::convert(made.as_str()), Ok(made));
        }
    }
}
