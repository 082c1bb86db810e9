//! Pictures, rendered by librsvg and read back by zbar: neither knows this crate.

use std::process::Command;

use omamori_paycode::code::{CustomerCode, Prefix};
use omamori_paycode::draw::{DrawError, Level, code128, customer_code_qr, qr};
use proptest::prelude::*;

const CODE: &str = "999931123456789930674357";

/// Runs a program and hands back what it printed. A missing program fails the test.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|error| {
        panic!("{program} cannot be run ({error}): install zbar-tools and librsvg2-bin")
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {} {errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Symbology and text that an independent reader finds in a picture, on a black page.
fn read_back(svg: &str, width_pixels: usize) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (drawn, rendered) = (path("code.svg"), path("code.png"));
    std::fs::write(&drawn, svg).unwrap();
    let width = width_pixels.to_string();
    let size = ["--keep-aspect-ratio", "--width", &width];
    let page = ["--background-color", "black", "--output", &rendered, &drawn];
    run("rsvg-convert", &[&size[..], &page[..]].concat());
    run("zbarimg", &["--quiet", &rendered]).trim_end().to_owned()
}

#[test]
fn the_customers_bars_are_read_back() {
    let bars = code128(CODE).unwrap();
    for pixels_per_module in [2, 3, 5] {
        let width = 187 * pixels_per_module;
        assert_eq!(read_back(&bars.svg(), width), format!("CODE-128:{CODE}"));
    }
}

#[test]
fn the_customers_symbol_is_read_back() {
    let code = CustomerCode::parse(CODE, Prefix::DEFAULT).unwrap();
    for pixels_per_module in [3, 8] {
        let width = 29 * pixels_per_module;
        assert_eq!(read_back(&customer_code_qr(&code).svg(), width), format!("QR-Code:{CODE}"));
    }
}

#[test]
fn letters_and_odd_digits_are_read_back_from_bars() {
    for text in ["Omamori #42 ~ {ok}", "123", "0"] {
        let svg = code128(text).unwrap().svg();
        assert_eq!(read_back(&svg, 800), format!("CODE-128:{text}"));
    }
}

#[test]
fn a_stores_japanese_text_is_read_back_at_every_level() {
    let text = "00020101021226680019jp.or.paymentsjapan01130000000000001020400010306000001040600000152045411530339254034985802JP5912SAMPLE STORE6005TOKYO6107102845564160002JA0106サンプル商店6304A592";
    for level in [Level::L, Level::M, Level::Q, Level::H] {
        let svg = qr(text, level).unwrap().svg();
        assert_eq!(read_back(&svg, 700), format!("QR-Code:{text}"), "{level:?}");
    }
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    assert_eq!(code128(""), Err(DrawError::Empty));
    assert_eq!(code128("12\u{ff13}"), Err(DrawError::NotPrintableAscii { position: 2 }));
    assert_eq!(code128("a\n"), Err(DrawError::NotPrintableAscii { position: 1 }));
    assert_eq!(qr("", Level::M), Err(DrawError::Empty));
    assert!(qr(&"a".repeat(2953), Level::L).is_ok());
    assert_eq!(qr(&"a".repeat(2954), Level::L), Err(DrawError::TooLong));
}

proptest! {
    #[test]
    fn bars_have_the_length_that_their_symbols_make(digits in "([0-9]{2}){1,20}") {
        let modules = code128(&digits).unwrap();
        prop_assert_eq!(modules.modules().len(), 11 * (digits.len() / 2 + 2) + 13);
    }
}
