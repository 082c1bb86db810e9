//! The decision log, read in the order of its time, page by page.

use omamori_db::{Db, Row, sql};

use crate::clock::Micros;

/// Rows of one page. Each holds up to 256 decisions; in ordinary traffic one to ten.
const PAGE: i64 = 500;

/// Where a reader stands.
#[derive(Debug)]
pub(crate) struct Log {
    after: (Micros, i64, i64),
    before: Micros,
    is_read: bool,
}

impl Log {
    /// Rows whose first decision is not before `from` and before `to`.
    pub fn between(from: Micros, to: Micros) -> Self {
        Self { after: (from.saturating_sub(1), i64::MAX, i64::MAX), before: to, is_read: false }
    }

    /// The next page; empty at the end. Rows have `node`, `first_number`, `first_at` and `body`.
    pub async fn next(&mut self, evidence: &Db) -> omamori_db::Result<Vec<Row>> {
        if self.is_read {
            return Ok(Vec::new());
        }
        let page = sql("SELECT node, first_number, first_at, body FROM decision_batch
             WHERE (first_at, node, first_number) > ($1, $2, $3) AND first_at < $4
             ORDER BY first_at, node, first_number LIMIT $5");
        let (at, node, number) = self.after;
        let page = page.bind(at).bind(node).bind(number).bind(self.before).bind(PAGE);
        let rows = evidence.all(page).await?;
        self.is_read = (rows.len() as i64) < PAGE;
        if let Some(last) = rows.last() {
            self.after = (last.int("first_at")?, last.int("node")?, last.int("first_number")?);
        }
        Ok(rows)
    }
}
