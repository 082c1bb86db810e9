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
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("screen.png");
    std::fs::write(&file, png).unwrap();
    let zbarimg = program(&["zbarimg"], "zbar-tools");
    let only = ["-Sdisable", "-Scode128.enable", "-Sqrcode.enable"];
    let output = Command::new(zbarimg).args(["--quiet", "--nodbus"]).args(only).arg(&file).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    let symbol = |kind: &str| {
        let mut found = text.lines().filter_map(|line| line.strip_prefix(kind));
        let digits = found.next().unwrap_or_else(|| panic!("no {kind} on the screen: {text:?}"));
        assert_eq!(found.next(), None, "more than one {kind} on the screen: {text:?}");
        digits.to_owned()
    };
    Read { code128: symbol("CODE-128:"), qr: symbol("QR-Code:") }
}
