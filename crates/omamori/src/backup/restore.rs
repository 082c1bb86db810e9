//! Making stores from a backup.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use omamori_db::{Db, Form, Step, Tx, sql, sql_built};
use omamori_ledger::{Journal, prepare_followers, verify as verify_ledger};
use sha2::{Digest, Sha256};

use super::manifest::{Manifest, Table};
use super::rows::{Column, bind, column, insert, wrong};
use super::{BackupError, Result, STORES, at, store};
use crate::audit::verify::verify as verify_audit;
use crate::audit::{decisions, hex};
use crate::clock::Clock;
use crate::config::Store;
use crate::db::{EVIDENCE, REGISTRY, Stores};
use crate::gate::seal::SealKey;
use crate::secret::Vault;

/// Values of one insert: SQLite looks numbered placeholders up one after the other.
const VALUES_MAX: usize = 400;
/// Bytes of lines of one insert, so that large entries of the journal do not pile up.
const BYTES_MAX: usize = 4 << 20;

/// Fills the stores that `target` names, which must be empty, from the backup in `folder`; brings
/// their schemas up to date; verifies them.
///
/// Nothing is written before every file has been found to be the one that was written.
///
/// # Errors
/// See [`BackupError`]. What it had filled by then stays, and is refused as not empty.
pub async fn restore(
    folder: &Path,
    target: &Store,
    vault: &Vault,
    clock: &dyn Clock,
    mut told: impl FnMut(&str, u64),
) -> Result<Manifest> {
    let manifest = Manifest::read(folder, vault)?;
    for table in &manifest.tables {
        check_file(folder, table)?;
    }
    let steps = [known(&manifest, "registry", REGISTRY)?, known(&manifest, "evidence", EVIDENCE)?];
    refuse_files(target)?;
    let stores = Stores::open_as_they_are(target).await?;
    if !stores.journal.all(stores.journal.tables_query()).await?.is_empty() {
        return Err(BackupError::NotEmpty("the database".to_owned()));
    }
    // The schemas as they were; what is newer here comes after the rows.
    stores.registry.migrate("registry", &steps[0]).await?;
    stores.evidence.migrate("evidence", &steps[1]).await?;
    prepare_followers(&stores.registry).await?;
    Journal::open(stores.journal.clone()).await?;
    for name in STORES {
        fill(folder, &manifest, (name, store(&stores, name)), &mut told).await?;
    }
    stores.close().await;
    let stores = Stores::open(target).await?;
    let verified = verify(&stores, &manifest, vault, clock).await;
    stores.close().await;
    verified.map(|()| manifest)
}

/// The steps of a schema that the backup has, all of which this program must know.
fn known(manifest: &Manifest, schema: &str, all: &[Step]) -> Result<Vec<Step>> {
    let find = |step: &i64| {
        let found = all.iter().find(|known| known.version == *step).copied();
        found.ok_or_else(|| BackupError::Newer { schema: schema.to_owned(), step: *step })
    };
    manifest.steps(schema).iter().map(find).collect()
}

/// Refuses a folder that holds a store. The master key may be there already.
fn refuse_files(target: &Store) -> Result<()> {
    let Store::Sqlite { folder } = target else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(at(folder))?;
    for file in std::fs::read_dir(folder).map_err(at(folder))? {
        let file = file.map_err(at(folder))?.path();
        if file.to_string_lossy().contains(".sqlite") {
            return Err(BackupError::NotEmpty(folder.display().to_string()));
        }
    }
    Ok(())
}

/// Refuses a file that is not the one that was written.
fn check_file(folder: &Path, table: &Table) -> Result<()> {
    let path = folder.join(table.file());
    let mut file = File::open(&path).map_err(at(&path))?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer).map_err(at(&path))?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
        bytes += count as u64;
    }
    if hex(&hash.finalize()) == table.sha256 && bytes == table.bytes {
        Ok(())
    } else {
        Err(BackupError::Changed(table.file()))
    }
}

/// Fills a store, in one transaction.
async fn fill(
    folder: &Path,
    manifest: &Manifest,
    (name, db): (&str, &Db),
    told: &mut impl FnMut(&str, u64),
) -> Result<()> {
    let tables: Vec<_> = manifest.tables.iter().filter(|table| table.store == name).collect();
    let tables = in_order(tables, &db.references().await?);
    let mut tx = db.begin().await?;
    for table in tables.iter().rev() {
        tx.execute(sql_built(format!("DELETE FROM \"{}\"", table.name))).await?;
    }
    if db.is_embedded() {
        tx.execute(sql("PRAGMA defer_foreign_keys = ON")).await?;
    }
    for table in tables {
        let columns = columns(db, table).await?;
        fill_table(folder, table, &columns, &mut tx).await?;
        told(&table.name, table.rows);
    }
    Ok(tx.commit().await?)
}

/// Tables that others name come before them.
fn in_order<'a>(mut tables: Vec<&'a Table>, references: &[(String, String)]) -> Vec<&'a Table> {
    let mut needs: HashMap<&str, HashSet<&str>> = HashMap::new();
    for (table, other) in references.iter().filter(|(table, other)| table != other) {
        needs.entry(table).or_default().insert(other);
    }
    let mut ordered: Vec<&Table> = Vec::with_capacity(tables.len());
    while !tables.is_empty() {
        let is_missing = |name: &&str| tables.iter().any(|table| table.name == **name);
        let next = tables.iter().position(|table| {
            needs.get(table.name.as_str()).is_none_or(|needed| !needed.iter().any(is_missing))
        });
        // Tables that name each other in a ring come as they are.
        ordered.push(tables.remove(next.unwrap_or(0)));
    }
    ordered
}

/// The columns of the copy with the forms that the schema gives them.
async fn columns(db: &Db, table: &Table) -> Result<Vec<Column>> {
    let rows = db.all(db.columns_query(&table.name)).await?;
    let found: HashMap<String, Form> =
        rows.iter().map(|row| column(&table.name, row)).collect::<Result<_>>()?;
    let known = found.len() == table.columns.len();
    let form = |name: &String| match found.get(name) {
        Some(form) if known => Ok((name.clone(), *form)),
        _ => Err(wrong(&table.name, "its columns are not those of the schema".to_owned())),
    };
    table.columns.iter().map(form).collect()
}

async fn fill_table(folder: &Path, table: &Table, columns: &[Column], tx: &mut Tx) -> Result<()> {
    let path = folder.join(table.file());
    let mut lines = BufReader::new(File::open(&path).map_err(at(&path))?);
    let (mut hash, mut size) = (Sha256::new(), 0);
    let mut waiting: Vec<String> = Vec::new();
    loop {
        let mut line = String::new();
        let count = lines.read_line(&mut line).map_err(at(&path))?;
        let is_full = (waiting.len() + 1) * columns.len() > VALUES_MAX || size > BYTES_MAX;
        if !waiting.is_empty() && (count == 0 || is_full) {
            let mut query = insert(&table.name, columns, waiting.len());
            for line in waiting.drain(..) {
                bind(&table.name, columns, &line, &mut query)?;
            }
            size = 0;
            tx.execute(query).await?;
        }
        if count == 0 {
            break;
        }
        hash.update(line.as_bytes());
        size += count;
        waiting.push(line);
    }
    // It may have been changed since it was looked at.
    if hex(&hash.finalize()) == table.sha256 {
        Ok(())
    } else {
        Err(BackupError::Changed(table.file()))
    }
}

/// What was restored is what was copied: both logs to their heads, every hash, every balance.
async fn verify(
    stores: &Stores,
    manifest: &Manifest,
    vault: &Vault,
    clock: &dyn Clock,
) -> Result<()> {
    let head = Journal::open(stores.journal.clone()).await?.head().await?;
    if head.seq.cast_signed() != manifest.journal.seq
        || (head.seq > 0 && hex(&head.hash) != manifest.journal.hash)
    {
        return Err(BackupError::Verify("the journal ends elsewhere".to_owned()));
    }
    let ledger = verify_ledger(&stores.journal, &stores.views).await?;
    let of_code = |error: crate::web::error::Error| BackupError::Verify(format!("{error:?}"));
    let audit = verify_audit(&stores.registry, &[]).await.map_err(of_code)?;
    if audit.entries != manifest.audit.seq {
        return Err(BackupError::Verify("the audit log ends elsewhere".to_owned()));
    }
    let key = SealKey::of(vault);
    let decisions = decisions::verify(&stores.evidence, &stores.journal, &key, &[], clock.now());
    let decisions = decisions.await.map_err(of_code)?;
    let mut problems: Vec<String> = ledger.problems.iter().map(ToString::to_string).collect();
    problems.extend(audit.problems.iter().map(ToString::to_string));
    problems.extend(decisions.problems.iter().map(ToString::to_string));
    match problems.first() {
        None => Ok(()),
        Some(first) => {
            Err(BackupError::Verify(format!("{} problems, first: {first}", problems.len())))
        }
    }
}
