//! The inventory in words, for `docs/privacy.md`.

use std::fmt::Write;

use super::inventory::{AtClosing, Exported, INVENTORY, Kept, Store, Table};

/// The inventory as a table in Markdown.
#[must_use]
pub fn document() -> String {
    let mut text = String::from(
        "\n| table | what it holds of a person | for what | kept until | in a copy | at closing |\n\
         |---|---|---|---|---|---|\n",
    );
    for table in INVENTORY.iter().filter(|table| table.is_personal()) {
        let (name, holds, purpose) = (table.name, table.holds, table.purpose);
        let (kept, copied, closing) = (kept(table), copied(table), at_closing(table));
        let store = match table.store {
            Store::Registry => "registry",
            Store::Evidence => "evidence",
        };
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "| {store} `{name}` | {holds} | {purpose} | {kept} | {copied} | {closing} |"
        );
    }
    let plain = INVENTORY.iter().filter(|table| !table.is_personal());
    let plain: Vec<_> =
        plain.map(|table| format!("`{}` ({})", table.name, table.purpose)).collect();
    let _ = writeln!(text, "\nNothing of a person is in: {}.", plain.join(", "));
    text
}

const fn kept(table: &Table) -> &'static str {
    match table.kept {
        Kept::WithAccount => "the account is closed",
        Kept::Always => "the operator removes it",
        Kept::Until { words, .. } => words,
    }
}

fn copied(table: &Table) -> String {
    match table.exported {
        Exported::Rows { name, columns, .. } => {
            let columns: Vec<_> = columns.iter().map(|(column, _)| *column).collect();
            format!("`{name}`: {}", columns.join(", "))
        }
        Exported::Otherwise(words) => words.to_owned(),
        Exported::No(why) => format!("no: {why}"),
    }
}

fn at_closing(table: &Table) -> String {
    match table.at_closing {
        AtClosing::Deleted(_) => "deleted".to_owned(),
        AtClosing::Emptied(words, _) => format!("emptied: {words}"),
        AtClosing::Otherwise(words) => words.to_owned(),
        AtClosing::Stays(why) => format!("stays: {why}"),
    }
}
