//! Cells of CSV (RFC 4180) that spreadsheets open.

use std::borrow::Cow;

/// A text that a spreadsheet takes for a text: others could write a name that it would run as a
/// formula (OWASP, CSV injection; the wide signs too, which Japanese spreadsheets take for one).
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    const SIGNS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    let is_formula = text.trim_start().starts_with(SIGNS);
    let is_control = text.starts_with(['\t', '\r', '\n']);
    if is_formula || is_control { format!("'{text}").into() } else { text.into() }
}

/// A cell in quotes, [`harmless`].
#[must_use]
pub fn cell(text: &str) -> String {
    format!("\"{}\"", harmless(text).replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::{cell, harmless};

    #[test]
    fn a_name_is_never_a_formula() {
        for name in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "＠A"]
        {
            assert_eq!(harmless(name), format!("'{name}"));
            assert_eq!(cell(name), format!("\"'{name}\""));
        }
        for name in ["新宿本店", "A=B", "カフェ -庭-", ""] {
            assert_eq!(harmless(name), name);
        }
        assert_eq!(cell("=\"x\""), "\"'=\"\"x\"\"\"");
    }
}
