//! Cells of CSV (RFC 4180) that spreadsheets open.

/// A cell in quotes. What a spreadsheet would take for a formula gets an apostrophe.
#[must_use]
pub fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let mark = if formula { "'" } else { "" };
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}
