//! References to files and tests, as documents write them: `it/sale.rs::a_sale_needs_the_money`.

use std::path::{Path, PathBuf};

/// Where a reference may start, from the root of the repository.
const ROOTS: [&str; 4] = ["", "crates/omamori", "crates/omamori/src", "crates/omamori/tests"];
/// Endings by which a word in backquotes is known to be a file.
const ENDINGS: [&str; 9] =
    [".rs", ".md", ".txt", ".toml", ".sql", ".js", ".html", ".json", ".lock"];
/// Macros that make tests of the functions that they name.
const MAKERS: [&str; 3] = ["on_both_engines!", "on_several_nodes!", "on_engine!"];

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The words in backquotes that name a file, a folder, or a test in a file. Routes begin with a
/// slash and are none.
pub fn references(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter(|word| {
            let file = word.split("::").next().unwrap();
            let is_one = !word.contains(char::is_whitespace) && !word.starts_with('/');
            is_one && (file.ends_with('/') || ENDINGS.iter().any(|end| file.ends_with(end)))
        })
        .collect()
}

/// The file or folder of that name.
pub fn find(file: &str) -> Option<PathBuf> {
    ROOTS.iter().map(|root| repository().join(root).join(file)).find(|path| path.exists())
}

/// Looks whether a file, or a test in it, exists.
pub fn check(reference: &str) -> Result<(), String> {
    let (file, test) = match reference.split_once("::") {
        Some((file, test)) => (file, Some(test)),
        None => (reference, None),
    };
    let path = find(file).ok_or_else(|| format!("there is no {file}"))?;
    let Some(test) = test else { return Ok(()) };
    let text = std::fs::read_to_string(path).unwrap();
    let problem = |what: &str| Err(format!("{file}: {test} {what}"));
    match (text.find(&format!("fn {test}(")), text.find(concat!("#[", "ignore"))) {
        (None, _) => problem("is not there"),
        (Some(place), None) if is_run(&text, test, place) => Ok(()),
        (Some(_), None) => problem("is never run"),
        (Some(_), Some(_)) => problem("stands beside tests that are left out"),
    }
}

/// By an attribute above it, or by the macro that runs it on the engines.
fn is_run(text: &str, test: &str, place: usize) -> bool {
    let line = text[..place].rfind('\n').map_or(0, |end| end + 1);
    let above = text[..line].lines().rev();
    let attributes = above.take_while(|line| line.trim_start().starts_with(['#', '/']));
    let has_attribute = attributes.map(str::trim).any(|line| {
        line == "#[test]" || line == "#[tokio::test]" || line.starts_with("#[tokio::test(")
    });
    let is_made = || {
        MAKERS.iter().flat_map(|maker| text.split(maker).skip(1)).any(|after| {
            let list = after.split_once('(').and_then(|(_, list)| list.split_once(')'));
            list.is_some_and(|(names, _)| names.split(',').any(|name| name.trim() == test))
        })
    };
    has_attribute || is_made()
}

/// Goal: a reference to nothing, to no test and to a test that does not run is seen.
#[test]
fn a_reference_to_nothing_is_seen() {
    assert_eq!(check("it/sale.rs::a_sale_needs_the_money"), Ok(()));
    assert_eq!(check("identity/tests/attack.rs::list_attack"), Ok(()));
    assert_eq!(check("docs/ledger-format.md"), Ok(()));
    for wrong in [
        "it/sales.rs",
        "it/sale.rs::a_sale_needs_no_money",
        "it/sale.rs::shop_and_customer",
        "identity/tests/attack.rs::try_pair",
    ] {
        assert!(check(wrong).is_err(), "{wrong}");
    }
    let text =
        "see `it/sale.rs::x`, `GET /history`, `/api/x.json`, `docs/security/` and `cargo test`";
    assert_eq!(references(text), ["it/sale.rs::x", "docs/security/"]);
}
