//! Every place that asks whether this is the build without controls.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::source::sources;

/// File, and how often it asks. A new place is put here on purpose.
const PLACES: [(&str, usize); 11] = [
    ("omamori/src/cli/drill/july.rs", 1),
    ("omamori/src/cli/drill/mod.rs", 1),
    ("omamori/src/gate/limits.rs", 1),
    ("omamori/src/gate/mod.rs", 1),
    ("omamori/src/identity/attack/mod.rs", 1),
    ("omamori/src/identity/holes.rs", 1),
    ("omamori/src/identity/moves/finish.rs", 1),
    ("omamori/src/identity/moves/mod.rs", 1),
    ("omamori/src/identity/signin/password.rs", 3),
    ("omamori/src/identity/stepup.rs", 1),
    ("omamori/src/server.rs", 1),
];
const SWITCHES: &str = "omamori/src/baseline.rs";

/// Goal: controls can be taken away in one file, by one feature that no build has unless it is
/// named, and where they are is known.
#[test]
fn controls_are_taken_away_in_known_places_only() {
    let mut found = BTreeMap::new();
    for source in sources(&["omamori/src", "drill/src", "ledger/src", "risk/src"]) {
        if source.name == SWITCHES {
            continue;
        }
        assert!(!source.text.contains("cfg(feature"), "{} is built in two ways", source.name);
        let asks = source.text.matches("baseline::").count();
        if asks > 0 {
            found.insert(source.name, asks);
        }
    }
    let known = PLACES.map(|(name, asks)| (name.to_owned(), asks));
    assert_eq!(found, BTreeMap::from(known));
}

/// Goal: the usual build is not the baseline; a release cannot be, and nothing that makes one asks
/// for it.
#[test]
fn no_release_is_the_baseline() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let manifest = text("crates/omamori/Cargo.toml");
    assert!(manifest.contains("baseline-2019 = []") && !manifest.contains("default ="));
    let switches = text("crates/omamori/src/baseline.rs");
    let refusal = "#[cfg(all(feature = \"baseline-2019\", not(debug_assertions)))]\ncompile_error!";
    assert!(switches.contains(refusal));
    assert_eq!(switches.matches("feature = ").count(), 2, "one switch, one refusal");
    for folder in ["deploy", ".github"] {
        let mut folders = vec![root.join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(text) = fs::read_to_string(&path) {
                    assert!(!text.contains("baseline-2019"), "{}", path.display());
                }
            }
        }
    }
    let banner = text("crates/omamori/templates/base.html");
    assert!(banner.contains("{% if crate::baseline::IS_ON %}"), "each page says what it is");
}
