//! An independent barcode reader (ZBar) that looks at what the phone shows.

use std::process::Command;

use super::chromedriver::program;

/// What it read, by kind of symbol.
#[derive(Debug, PartialEq, Eq)]
pub struct Read {
    pub code128: String,
    pub qr: String,
}

/// Reads a screenshot that shows one Code 128 and one QR code.
pub fn read(png: &[u8]) -> Read {
    let text = scan(png);
    Read { code128: symbol(&text, "CODE-128:"), qr: symbol(&text, "QR-Code:") }
}

/// Reads a screenshot that shows one QR code.
pub fn read_qr(png: &[u8]) -> String {
    symbol(&scan(png), "QR-Code:")
}

fn scan(png: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("screen.png");
    std::fs::write(&file, png).unwrap();
    let zbarimg = program(&["zbarimg"], "zbar-tools");
    let only = ["-Sdisable", "-Scode128.enable", "-Sqrcode.enable"];
    let output = Command::new(zbarimg).args(["--quiet", "--nodbus"]).args(only).arg(&file).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

/// The text of the one symbol of a kind.
fn symbol(text: &str, kind: &str) -> String {
    let mut found = text.lines().filter_map(|line| line.strip_prefix(kind));
    let digits = found.next().unwrap_or_else(|| panic!("no {kind} on the screen: {text:?}"));
    assert_eq!(found.next(), None, "more than one {kind} on the screen: {text:?}");
    digits.to_owned()
}
