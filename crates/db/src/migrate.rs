use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, SqlSafeStr};

use crate::{Db, Error, Result};

/// One forward step of a store's schema. Applied steps are never edited.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Rising from 1.
    pub version: i64,
    /// A few words, from the file name.
    pub name: &'static str,
    /// The SQL with type tokens, see [`Db::migrate`].
    pub text: &'static str,
}

impl Db {
    /// Brings the schema of `store` up to the newest step.
    ///
    /// Tokens in the SQL: `{bigint}` → `INTEGER`/`BIGINT`, `{bytes}` → `BLOB`/`BYTEA`, `{bool}` →
    /// `INTEGER`/`BOOLEAN`, `{strict}` → `STRICT`/nothing, `{without_rowid}` → `WITHOUT ROWID,
    /// STRICT`/nothing. A line that starts with `-- only sqlite:` or `-- only postgres:` counts
    /// for that engine.
    ///
    /// # Errors
    /// [`Error::Migration`] if a step fails or an applied step was edited.
    pub async fn migrate(&self, store: &'static str, steps: &[Step]) -> Result<()> {
        let embedded = self.is_embedded();
        let migrations = steps
            .iter()
            .map(|step| {
                let text = sqlx::AssertSqlSafe(render(step.text, embedded)).into_sql_str();
                let kind = MigrationType::Simple;
                Migration::new(step.version, Cow::Borrowed(step.name), kind, text, false)
            })
            .collect();
        let mut migrator = Migrator::with_migrations(migrations);
        migrator.dangerous_set_table_name(format!("schema_steps_{store}"));
        let outcome = match self {
            Self::Sqlite { writer, .. } => migrator.run(writer).await,
            // A failed run keeps its advisory lock, which every other run in the database waits
            // for, until its connection is closed: so it has one of its own.
            Self::Postgres(pool) => {
                let mut connection = pool.acquire().await?.detach();
                let outcome = migrator.run_direct(None, &mut connection, false).await;
                connection.close().await?;
                outcome
            }
        };
        outcome.map_err(Error::Migration)
    }
}

/// Puts the engine's own words for the tokens.
fn render(text: &str, embedded: bool) -> String {
    let tokens: [(&str, &str); 5] = if embedded {
        [
            ("{bigint}", "INTEGER"),
            ("{bytes}", "BLOB"),
            ("{bool}", "INTEGER"),
            ("{strict}", "STRICT"),
            ("{without_rowid}", "WITHOUT ROWID, STRICT"),
        ]
    } else {
        [
            ("{bigint}", "BIGINT"),
            ("{bytes}", "BYTEA"),
            ("{bool}", "BOOLEAN"),
            ("{strict}", ""),
            ("{without_rowid}", ""),
        ]
    };
    let (mine, theirs) = if embedded {
        ("-- only sqlite:", "-- only postgres:")
    } else {
        ("-- only postgres:", "-- only sqlite:")
    };
    let mut rendered = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.strip_prefix(mine).unwrap_or(line);
        if line.starts_with(theirs) {
            continue;
        }
        rendered.push_str(line);
        rendered.push('\n');
    }
    for (token, word) in tokens {
        rendered = rendered.replace(token, word);
    }
    rendered
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn tokens_become_the_words_of_the_engine() {
        let text = "CREATE TABLE t (a {bigint}, b {bytes}) {strict};\n-- only sqlite:PRAGMA x;\n";
        assert_eq!(render(text, true), "CREATE TABLE t (a INTEGER, b BLOB) STRICT;\nPRAGMA x;\n");
        assert_eq!(render(text, false), "CREATE TABLE t (a BIGINT, b BYTEA) ;\n");
    }
}
