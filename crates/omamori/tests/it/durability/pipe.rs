//! A command whose reader has heard enough.

use std::io::pipe;
use std::path::Path;

use super::child::{omamori, run_on};
use crate::support::settings;

/// A folder with empty stores and a key.
fn stores(folder: &Path) {
    settings::key(folder);
    let made = run_on(folder, "migrate");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Goal: `omamori … | head`: the command ends quietly, with the exit code that a shell gives a
/// program which `SIGPIPE` ended, and never with a panic.
#[test]
fn a_command_ends_quietly_when_nobody_reads_on() {
    let folder = tempfile::tempdir().unwrap();
    stores(folder.path());
    for command in [&["verify"][..], &["doctor"], &["export", "ledger"]] {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let mut child = omamori();
        child.args(command).arg("--data").arg(folder.path()).stdout(writer);
        let ended = child.output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(141), "{command:?}: {said}");
        assert_eq!(said, "", "{command:?}");
    }
}

/// Goal: a disk that is full behind the redirection is not taken for success.
#[test]
#[cfg(target_os = "linux")]
fn a_command_whose_output_is_lost_fails() {
    let folder = tempfile::tempdir().unwrap();
    stores(folder.path());
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut child = omamori();
    let ended = child.arg("verify").arg("--data").arg(folder.path()).stdout(full).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
}
