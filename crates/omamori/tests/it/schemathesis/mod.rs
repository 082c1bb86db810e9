//! A program that was not written here (`schemathesis`) asks the API of machines whatever their
//! OpenAPI documents allow, and much that they do not: no fault, no answer that a document does not
//! describe, nothing taken that it forbids, nothing called malformed that it allows.

use std::path::Path;
use std::process::Command;

use omamori::{checkout, openapi};
use tokio::task::spawn_blocking;

use crate::atm::atm;
use crate::checkout::Web;
use crate::input::Listening;
use crate::support::app::TestApp;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(the_documents_hold_for_who_asks_everything);

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/schemathesis");
const PROGRAM: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/checkers/bin/schemathesis");

/// Asks what a document allows to who holds a key.
fn ask(document: &str, address: &str, key: &str) {
    assert!(Path::new(PROGRAM).is_file(), "schemathesis is not installed (tools/checkers does)");
    // It leaves files where it runs.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, document).unwrap();
    let output = Command::new(PROGRAM)
        .current_dir(folder.path())
        .env("SCHEMATHESIS_HOOKS", format!("{HERE}/hooks.py"))
        .args(["--no-color", "--config-file", &format!("{HERE}/schemathesis.toml"), "run"])
        .arg(file)
        .args(["--url", address, "--header", &format!("Authorization: Bearer {key}")])
        .args(["--phases", "coverage,fuzzing,stateful", "--max-examples", "25"])
        // The same requests each time: a test that fails must fail again.
        .args(["--generation-deterministic"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let operations = document.matches("\"operationId\"").count();
    assert!(said.contains(&format!("Tested: {operations}\n")), "{said}");
}

async fn the_documents_hold_for_who_asks_everything(app: &mut TestApp) {
    let (register, atm) = (Register::new(&app.app).await, atm(app).await);
    let web = Web::new(&app.app).await.register;
    let listening = Listening::start(app).await;
    let address = format!("http://{}", listening.address);
    let asking = spawn_blocking(move || {
        ask(openapi::document(), &address, &register.key);
        ask(openapi::document(), &address, &atm.key);
        ask(checkout::document(), &address, &web.key);
    });
    asking.await.unwrap();
    listening.stop(app).await;
}
