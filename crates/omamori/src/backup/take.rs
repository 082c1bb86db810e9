//! Taking a backup.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use omamori_db::{Row, Snapshot, sql};
use sha2::{Digest, Sha256};

use super::manifest::{FORMAT, Head, Manifest, Schema, Table};
use super::rows::{Column, column, line, select};
use super::{BackupError, FOLLOWERS_OF_VIEWS, Result, SCHEMAS, STORES, at, store};
use crate::audit::hex;
use crate::clock::Clock;
use crate::db::Stores;
use crate::secret::Vault;
use crate::web::filters::rfc3339;

/// Writes a backup of `stores` into `folder`, which must be empty or not be there. `told` hears
/// of each table and its rows.
///
/// # Errors
/// See [`BackupError`]; what was written by then has no manifest and cannot be restored.
pub async fn take(
    stores: &Stores,
    folder: &Path,
    vault: &Vault,
    clock: &dyn Clock,
    mut told: impl FnMut(&str, u64),
) -> Result<Manifest> {
    make_empty(folder)?;
    let schemas = schemas(stores).await?;
    let list: Vec<_> = STORES.iter().map(|name| store(stores, name)).collect();
    // Whatever was answered before this reading of the clock is in the snapshot.
    let taken_at = rfc3339(clock.now());
    let mut snapshot = Snapshot::of(&list).await?;
    let mut manifest = Manifest {
        format: FORMAT.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        engine: if stores.journal.is_embedded() { "sqlite" } else { "postgres" }.to_owned(),
        taken_at,
        journal: head(&mut snapshot, "journal").await?,
        audit: head(&mut snapshot, "audit").await?,
        schemas,
        tables: Vec::new(),
    };
    for (number, name) in STORES.iter().enumerate() {
        let tables = snapshot.all(number, store(stores, name).tables_query()).await?;
        for row in &tables {
            let table = row.text("name")?;
            if !belongs(name, &table, stores.journal.is_embedded()) {
                continue;
            }
            let written = copy(&mut snapshot, (number, name), &table, stores, folder).await?;
            told(&table, written.rows);
            manifest.tables.push(written);
        }
    }
    manifest.write(folder, vault)?;
    sync_folder(folder)?;
    Ok(manifest)
}

/// Whether a table is copied with this store. On PostgreSQL one database holds the tables of all
/// stores, the views too.
fn belongs(store: &str, table: &str, embedded: bool) -> bool {
    const JOURNAL: [&str; 1] = ["journal"];
    const EVIDENCE: [&str; 2] = ["decision_batch", "decision_node"];
    const VIEWS: [&str; 8] = [
        "transfer",
        "snapshot",
        "account_block",
        "pending_block",
        "id_block",
        "points_due",
        "history_line",
        "sales_day",
    ];
    if table.starts_with("schema_steps_") || VIEWS.contains(&table) {
        return false;
    }
    if embedded {
        return true;
    }
    match store {
        "journal" => JOURNAL.contains(&table),
        "evidence" => EVIDENCE.contains(&table),
        _ => !JOURNAL.contains(&table) && !EVIDENCE.contains(&table),
    }
}

/// Which steps of each schema were applied.
async fn schemas(stores: &Stores) -> Result<Vec<Schema>> {
    let mut schemas = Vec::new();
    for (of, name) in SCHEMAS {
        let steps = store(stores, of).schema_steps(name).await?;
        schemas.push(Schema { name: name.to_owned(), steps });
    }
    Ok(schemas)
}

/// The last entry of the journal or the audit log.
async fn head(snapshot: &mut Snapshot, log: &str) -> Result<Head> {
    let (number, query) = if log == "journal" {
        (2, sql("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1"))
    } else {
        (0, sql("SELECT seq, hash FROM audit_entry ORDER BY seq DESC LIMIT 1"))
    };
    Ok(match snapshot.optional(number, query).await? {
        Some(row) => Head { seq: row.int("seq")?, hash: hex(&row.bytes("hash")?) },
        None => Head::default(),
    })
}

/// A file that hashes and counts what is written into it.
struct Hashing {
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl Hashing {
    fn line(&mut self, line: &str) -> std::io::Result<()> {
        for part in [line.as_bytes(), b"\n"] {
            self.file.write_all(part)?;
            self.hash.update(part);
            self.bytes += part.len() as u64;
        }
        Ok(())
    }
}

async fn copy(
    snapshot: &mut Snapshot,
    (number, store_name): (usize, &str),
    table: &str,
    stores: &Stores,
    folder: &Path,
) -> Result<Table> {
    let query = store(stores, store_name).columns_query(table);
    let columns = snapshot.all(number, query).await?;
    let columns: Vec<Column> =
        columns.iter().map(|row| column(table, row)).collect::<Result<_>>()?;
    let mut written = Table {
        store: store_name.to_owned(),
        name: table.to_owned(),
        columns: columns.iter().map(|(name, _)| name.clone()).collect(),
        rows: 0,
        bytes: 0,
        sha256: String::new(),
    };
    let path = folder.join(written.file());
    let file = BufWriter::new(create(&path)?);
    let mut out = Hashing { file, hash: Sha256::new(), bytes: 0 };
    let mut rows = 0;
    let take = |row: Row| {
        if !is_made_again(table, &row)? {
            out.line(&line(&columns, &row)?).map_err(at(&path))?;
            rows += 1;
        }
        Ok::<_, BackupError>(ControlFlow::Continue(()))
    };
    snapshot.each(number, select(table, &columns), take).await?;
    let file = out.file.into_inner().map_err(|error| at(&path)(error.into_error()))?;
    file.sync_all().map_err(at(&path))?;
    written.rows = rows;
    written.bytes = out.bytes;
    written.sha256 = hex(&out.hash.finalize());
    Ok(written)
}

/// Whether a row says where a follower of the views stands: views are made again.
fn is_made_again(table: &str, row: &Row) -> Result<bool> {
    Ok(table == "ledger_follower" && FOLLOWERS_OF_VIEWS.contains(&row.text("name")?.as_str()))
}

/// Makes the folder, for its owner alone.
fn make_empty(folder: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(at(folder))?;
    if std::fs::read_dir(folder).map_err(at(folder))?.next().is_some() {
        return Err(BackupError::NotEmpty(folder.display().to_string()));
    }
    Ok(())
}

fn create(path: &Path) -> Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(at(path))
}

/// Writes a small file, durably.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = create(path)?;
    file.write_all(bytes).map_err(at(path))?;
    file.sync_all().map_err(at(path))
}

fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))
}
