//! What a backup holds, sealed.

use std::path::Path;

use hmac::Mac;
use serde::{Deserialize, Serialize};

use super::{BackupError, Result, at};
use crate::audit::hex;
use crate::secret::{Vault, constant_time_eq, hmac_sha256};

/// The name and version of the form.
pub(super) const FORMAT: &str = "omamori-backup-v1";
const MANIFEST: &str = "manifest.json";
const SEAL: &str = "manifest.seal";

/// The last entry of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its number; 0 for an empty log.
    pub seq: i64,
    /// Its hash, hexadecimal; empty for an empty log.
    pub hash: String,
}

/// Which steps of a schema were applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Schema {
    pub(super) name: String,
    pub(super) steps: Vec<i64>,
}

/// One table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Table {
    pub(super) store: String,
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// Of the file, hexadecimal.
    pub(super) sha256: String,
}

impl Table {
    /// The name of its file.
    pub(super) fn file(&self) -> String {
        format!("{}.{}.jsonl", self.store, self.name)
    }
}

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub(super) format: String,
    /// The program that took it.
    pub version: String,
    /// `sqlite` or `postgres`.
    pub engine: String,
    /// The instant, RFC 3339.
    pub taken_at: String,
    /// The last entry of the journal.
    pub journal: Head,
    /// The last entry of the audit log.
    pub audit: Head,
    pub(super) schemas: Vec<Schema>,
    pub(super) tables: Vec<Table>,
}

impl Manifest {
    /// How many rows there are, of all tables.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    /// How large the files are together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tables.iter().map(|table| table.bytes).sum()
    }

    /// The steps of a schema that were applied; none if the backup does not have it.
    pub(super) fn steps(&self, schema: &str) -> &[i64] {
        let found = self.schemas.iter().find(|found| found.name == schema);
        found.map_or(&[], |found| &found.steps)
    }

    /// Writes it and its seal, the seal last: a backup without one is not whole.
    pub(super) fn write(&self, folder: &Path, vault: &Vault) -> Result<()> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| BackupError::Manifest(error.to_string()))?;
        super::take::write_whole(&folder.join(MANIFEST), &text)?;
        super::take::write_whole(&folder.join(SEAL), seal(vault, &text).as_bytes())
    }

    /// Reads one of this installation's.
    pub(super) fn read(folder: &Path, vault: &Vault) -> Result<Self> {
        let (manifest, sealed) = (folder.join(MANIFEST), folder.join(SEAL));
        if !manifest.is_file() || !sealed.is_file() {
            return Err(BackupError::NoManifest(folder.to_owned()));
        }
        let text = std::fs::read(&manifest).map_err(at(manifest))?;
        let sealed = std::fs::read(&sealed).map_err(at(sealed))?;
        if !constant_time_eq(seal(vault, &text).as_bytes(), sealed.trim_ascii()) {
            return Err(BackupError::Seal);
        }
        let manifest: Self = serde_json::from_slice(&text)
            .map_err(|error| BackupError::Manifest(error.to_string()))?;
        if manifest.format == FORMAT {
            Ok(manifest)
        } else {
            Err(BackupError::Manifest(manifest.format))
        }
    }
}

fn seal(vault: &Vault, manifest: &[u8]) -> String {
    let key = vault.derive("backup manifest seal v1");
    let mut mac = hmac_sha256(key.as_slice());
    mac.update(manifest);
    hex(&mac.finalize().into_bytes())
}
