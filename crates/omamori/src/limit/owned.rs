//! What customers have set, in memory: every payment asks.
//!
//! Only who has set something has an entry, so that the directory is read whole at the start and
//! a payment never waits for the registry. Whoever changes a row tells it to `db::changes`, and
//! every node reads that customer's rows again within a second.

use std::collections::HashMap;
use std::sync::Arc;

use omamori_db::{Db, Row, sql};
use parking_lot::RwLock;

use super::Kind;
use crate::clock::Micros;

/// A higher limit that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raise {
    /// Yen; none for the operator's.
    pub to: Option<i64>,
    /// From when on it holds.
    pub at: Micros,
}

/// What a customer has set for one limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// Yen; none for the operator's.
    pub yen: Option<i64>,
    /// What takes its place later.
    pub raise: Option<Raise>,
}

impl Own {
    /// What holds at an instant, in yen; none for the operator's.
    #[must_use]
    pub fn now(&self, now: Micros) -> Option<i64> {
        match self.raise {
            Some(raise) if raise.at <= now => raise.to,
            _ => self.yen,
        }
    }

    /// The raise that still waits.
    #[must_use]
    pub fn waiting(&self, now: Micros) -> Option<Raise> {
        self.raise.filter(|raise| raise.at > now)
    }

    /// From a row that has `yen`, `raise_to` and `raise_at`.
    ///
    /// # Errors
    /// [`omamori_db::Error`].
    pub(super) fn read(row: &Row) -> omamori_db::Result<Self> {
        let to = row.int_optional("raise_to")?;
        let raise = row.int_optional("raise_at")?.map(|at| Raise { to, at });
        Ok(Self { yen: row.int_optional("yen")?, raise })
    }
}

/// All that one customer has set.
#[derive(Clone, Debug, Default)]
pub struct OwnLimits(Option<Arc<[(Kind, Own)]>>);

impl OwnLimits {
    /// What is set for one limit.
    #[must_use]
    pub fn get(&self, kind: Kind) -> Own {
        let found = self.0.iter().flat_map(|set| set.iter()).find(|(set, _)| *set == kind);
        found.map_or_else(Own::default, |(_, own)| *own)
    }
}

/// What all customers have set, by the account in the ledger.
#[derive(Default)]
pub struct Owned(RwLock<HashMap<u128, OwnLimits>>);

impl Owned {
    /// What the registry has now.
    ///
    /// # Errors
    /// [`omamori_db::Error`].
    pub async fn load(registry: &Db) -> omamori_db::Result<Self> {
        let query = sql("SELECT c.wallet_account, l.kind, l.yen, l.raise_to, l.raise_at
             FROM own_limit l JOIN customer c ON c.customer_id = l.customer_id");
        let mut all: HashMap<u128, Vec<(Kind, Own)>> = HashMap::new();
        for row in registry.all(query).await? {
            let account = u128::from_be_bytes(row.array("wallet_account")?);
            all.entry(account).or_default().push(read(&row)?);
        }
        let all = all.into_iter().map(|(account, set)| (account, OwnLimits(Some(set.into()))));
        Ok(Self(RwLock::new(all.collect())))
    }

    /// Reads one customer's anew.
    ///
    /// # Errors
    /// [`omamori_db::Error`]: what was known stays in force.
    pub async fn reload(&self, registry: &Db, account: u128) -> omamori_db::Result<()> {
        let query = sql("SELECT l.kind, l.yen, l.raise_to, l.raise_at
             FROM own_limit l JOIN customer c ON c.customer_id = l.customer_id
             WHERE c.wallet_account = $1");
        let rows = registry.all(query.bind(account.to_be_bytes())).await?;
        let set: Arc<[_]> = rows.iter().map(read).collect::<omamori_db::Result<_>>()?;
        let mut all = self.0.write();
        if set.is_empty() {
            all.remove(&account);
        } else {
            all.insert(account, OwnLimits(Some(set)));
        }
        Ok(())
    }

    /// What a customer has set.
    #[must_use]
    pub fn of(&self, account: u128) -> OwnLimits {
        self.0.read().get(&account).cloned().unwrap_or_default()
    }
}

fn read(row: &Row) -> omamori_db::Result<(Kind, Own)> {
    let column = || omamori_db::Error::Corrupt { column: "kind of own_limit".to_owned() };
    Ok((Kind::parse(&row.text("kind")?).ok_or_else(column)?, Own::read(row)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raise_holds_from_its_instant_on() {
        let own = Own { yen: Some(1_000), raise: Some(Raise { to: Some(5_000), at: 100 }) };
        assert_eq!((own.now(99), own.now(100)), (Some(1_000), Some(5_000)));
        assert!(own.waiting(99).is_some() && own.waiting(100).is_none());
        let back = Own { yen: Some(1_000), raise: Some(Raise { to: None, at: 100 }) };
        assert_eq!((back.now(99), back.now(100)), (Some(1_000), None));
        assert_eq!(Own::default().now(0), None);
    }
}
