//! The sources, and the string literals in them.

use std::fs;
use std::path::{Path, PathBuf};

/// One file.
pub struct Source {
    /// As `omamori/src/pos/mod.rs`.
    pub name: String,
    /// What is compiled into the program: the text up to its own tests.
    pub text: String,
}

/// All Rust files below folders of `crates/`.
pub fn sources(folders: &[&str]) -> Vec<Source> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for folder in folders {
        collect(&crates.join(folder), &mut files);
    }
    files.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(crates).unwrap().display().to_string();
        Source { name, text: program(&text).to_owned() }
    };
    files.into_iter().map(read).collect()
}

/// A source without the tests that stand in it.
fn program(text: &str) -> &str {
    let is_inline = |after: &str| after.lines().nth(1).is_some_and(|line| line.ends_with('{'));
    let mut marks = text.match_indices("#[cfg(test)]");
    let tests = marks.find(|(place, _)| is_inline(&text[*place..]));
    tests.map_or(text, |(place, _)| &text[..place])
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_stem().is_some_and(|name| name == "tests") {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// A piece of a source that matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A string literal, as the program has it.
    Text(String),
    /// A word, with `!` if it is a macro's.
    Word(String),
    /// Anything else but space and comments.
    Mark(char),
}

/// Takes a source apart: as much of Rust's lexical structure as the project uses.
pub fn tokens(source: &str) -> Vec<Token> {
    let mut rest = source;
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if rest.starts_with("r#\"") {
            let (text, after) = rest[3..].split_once("\"#").unwrap();
            tokens.push(Token::Text(text.to_owned()));
            rest = after;
        } else if first == '"' {
            let (text, after) = literal(&rest[1..]);
            tokens.push(Token::Text(text));
            rest = after;
        } else if let Some(size) = character(rest) {
            rest = &rest[size..];
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let end = if rest[end..].starts_with("!(") { end + 1 } else { end };
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Mark(first));
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    tokens
}

/// The size of the character literal that `rest` begins with; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    if let Some(escaped) = inner.strip_prefix('\\') {
        return Some(3 + escaped[1..].find('\'')? + 1);
    }
    let one = inner.chars().next()?.len_utf8();
    inner[one..].starts_with('\'').then_some(one + 2)
}

/// The text of a literal whose first quote was read, and what follows it.
fn literal(rest: &str) -> (String, &str) {
    let mut text = String::new();
    let mut characters = rest.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return (text, &rest[index + 1..]),
            '\\' => match characters.next().unwrap().1 {
                '\n' => {
                    let after = &rest[index + 2..];
                    let skipped = after.len() - after.trim_start().len();
                    for _ in 0..after[..skipped].chars().count() {
                        characters.next();
                    }
                }
                'n' => text.push('\n'),
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
    panic!("a literal does not end: {rest:.80}")
}

#[test]
fn literals_are_read_as_the_compiler_reads_them() {
    let source =
        "a(\"x\\\n     y \\\"z\\\"\", '\"', 'l, concat!(\"p\", // \"no\"\n q!())) r#\"r\"#";
    let text = |text: &str| Token::Text(text.to_owned());
    let found: Vec<_> =
        tokens(source).into_iter().filter(|token| matches!(token, Token::Text(_))).collect();
    assert_eq!(found, [text("xy \"z\""), text("p"), text("r")]);
    assert!(tokens(source).contains(&Token::Word("concat!".to_owned())));
    assert!(tokens(source).contains(&Token::Word("q!".to_owned())));
}
