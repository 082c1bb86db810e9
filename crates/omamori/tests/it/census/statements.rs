//! Every SQL text of the program is prepared on both engines.

use std::collections::HashMap;

use super::source::{Source, Token, sources, tokens};
use crate::support::app::TestApp;
use crate::support::on_both_engines;

on_both_engines!(every_statement_is_understood);

/// What a statement begins with.
const VERBS: [&str; 4] = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "];
/// Statements that are put together at run time, by file, and where each of them is run by a test:
/// rows of a sale's evidence and of the views, which every test of this binary reads and writes,
/// and all tables of a backup.
const BUILT: [&str; 16] = [
    "omamori/src/backup/restore.rs",
    "omamori/src/backup/rows.rs",
    "omamori/src/case/list.rs",
    "omamori/src/gate/evidence.rs",
    "omamori/src/merchant/sales/read.rs",
    "omamori/src/notify/money.rs",
    "omamori/src/reconcile/card.rs",
    "omamori/src/refund/claim.rs",
    "omamori/src/refund/look.rs",
    "omamori/src/risk/follow.rs",
    "omamori/src/send/view.rs",
    "omamori/src/topup/card/look.rs",
    "omamori/src/wallet/lines/read.rs",
    "ledger/src/views.rs",
    "ledger/src/views/rows.rs",
    "omamori/src/topup/card/auto/follower.rs",
];
/// Not of the service: the load generator speaks to databases of its own.
const NOT_OF_THE_SERVICE: &str = "omamori/src/cli/surge/";

/// A text of SQL and where it stands.
pub struct Statement {
    pub file: String,
    pub text: String,
}

/// All that stand in the sources of the service.
pub fn statements() -> Vec<Statement> {
    let sources = sources(&["omamori/src", "ledger/src"]);
    let macros = macros(&sources);
    let of_service = sources.iter().filter(|source| !source.name.starts_with(NOT_OF_THE_SERVICE));
    let mut statements = Vec::new();
    for source in of_service {
        for text in texts(&tokens(&source.text), &macros) {
            if VERBS.iter().any(|verb| text.starts_with(verb)) {
                statements.push(Statement { file: source.name.clone(), text });
            }
        }
    }
    statements
}

/// Macros that stand for one literal, by name.
fn macros(sources: &[Source]) -> HashMap<String, String> {
    let mut macros = HashMap::new();
    for source in sources {
        for definition in source.text.split("macro_rules! ").skip(1) {
            let name = definition.split_whitespace().next().unwrap();
            let body = definition.split("\n}").next().unwrap();
            let mut literals = tokens(body).into_iter().filter_map(|token| match token {
                Token::Text(text) => Some(text),
                _ => None,
            });
            if let (Some(text), None) = (literals.next(), literals.next()) {
                macros.insert(format!("{name}!"), text);
            }
        }
    }
    macros
}

/// All literals, those of a `concat!` as one.
fn texts(tokens: &[Token], macros: &HashMap<String, String>) -> Vec<String> {
    let mut texts = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        match &tokens[index] {
            Token::Text(text) => texts.push(text.clone()),
            Token::Word(word) if word == "concat!" => {
                let (text, size) = concatenated(&tokens[index + 2..], macros);
                texts.push(text);
                index += size + 2;
            }
            _ => {}
        }
        index += 1;
    }
    texts
}

/// What stands between the brackets of a `concat!`, and how many tokens that were.
fn concatenated(tokens: &[Token], macros: &HashMap<String, String>) -> (String, usize) {
    let (mut text, mut depth) = (String::new(), 0);
    for (index, token) in tokens.iter().enumerate() {
        match token {
            Token::Text(part) => text.push_str(part),
            Token::Word(word) => text.push_str(macros.get(word).map_or("", String::as_str)),
            Token::Mark('(') => depth += 1,
            Token::Mark(')') if depth == 0 => return (text, index),
            Token::Mark(')') => depth -= 1,
            Token::Mark(_) => {}
        }
    }
    panic!("a concat! does not end")
}

/// `INSERT INTO t (a, b)`, whose rows are added at run time, with one row.
fn with_a_row(text: &str) -> String {
    let is_open = text.starts_with("INSERT ") && text.ends_with(')');
    if !is_open || text.contains("VALUES") || text.contains("SELECT") {
        return text.to_owned();
    }
    let columns = text.matches(',').count() + 1;
    let places: Vec<_> = (1..=columns).map(|place| format!("${place}")).collect();
    format!("{text} VALUES ({})", places.join(", "))
}

/// Goal: no statement that one of the engines does not understand, in its words or its types.
async fn every_statement_is_understood(app: &mut TestApp) {
    let stores = &app.app.stores;
    let statements = statements();
    assert!(statements.len() > 80, "the sources are not read: {}", statements.len());
    for Statement { file, text } in statements {
        if text.contains('{') {
            assert!(BUILT.contains(&file.as_str()), "{file} puts together {text}");
            continue;
        }
        let text = with_a_row(&text);
        let mut refused = Vec::new();
        for store in [&stores.registry, &stores.evidence, &stores.journal, &stores.views] {
            match store.prepare(text.clone()).await {
                Ok(()) => {
                    refused.clear();
                    break;
                }
                Err(error) => refused.push(format!("{error:?}")),
            }
        }
        assert!(refused.is_empty(), "{file}: {text}\n{}", refused.join("\n"));
    }
}
