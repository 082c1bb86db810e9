//! A settings file and a master key, for commands that are processes of their own.

use std::fs::{Permissions, set_permissions, write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use omamori::config::Store;

use super::app::MASTER_KEY;

/// Writes the key of all tests, as an operator keeps it.
pub fn key(folder: &Path) -> PathBuf {
    let path = folder.join("master.key");
    write(&path, STANDARD.encode(MASTER_KEY)).unwrap();
    set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

/// Writes settings that name these stores, and the key beside them. Gives their file.
pub fn written(store: &Store, folder: &Path) -> PathBuf {
    let store = match store {
        Store::Sqlite { folder } => {
            format!("engine = \"sqlite\"\nfolder = \"{}\"", folder.display())
        }
        Store::Postgres { address } => {
            format!("engine = \"postgres\"\naddress = \"{}\"", address.reveal())
        }
    };
    let key = key(folder);
    let path = folder.join("omamori.toml");
    write(&path, format!("key_file = \"{}\"\n[store]\n{store}\n", key.display())).unwrap();
    path
}
