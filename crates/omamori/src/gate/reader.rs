//! The ledger without its write side, and how it does.

use omamori_db::Db;
use omamori_ledger::{Follower, Following};

use super::Gate;
use super::evidence::DecisionId;
use crate::web::error::Error;

/// How the ledger does.
#[derive(Clone, Debug)]
pub struct Condition {
    /// False once it has stopped: nothing is committed any more.
    pub is_running: bool,
    /// The newest entry of the journal that this node knows.
    pub position: u64,
    /// Requests that wait for the writer.
    pub queued: usize,
    /// Followers of the journal, and how many entries each is behind.
    pub followers: Vec<(&'static str, u64)>,
}

/// The ledger without its write side.
pub struct Reader<'a>(pub(super) &'a Gate);

impl Reader<'_> {
    /// The number of the last merged entry.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.0.ledger.position().seq
    }

    /// Entries as they are merged, from now on.
    #[must_use]
    pub fn subscribe(&self) -> omamori_ledger::Subscription {
        self.0.ledger.subscribe()
    }

    /// Runs a follower of the journal, whose position is kept in `db` in the same transactions as
    /// its own writes.
    ///
    /// # Errors
    /// [`omamori_db::Error`] if its position cannot be read.
    pub async fn follow<F: Follower>(&self, db: Db, follower: F) -> omamori_db::Result<Following> {
        let name = follower.name();
        let following = self.0.ledger.follow(db, follower).await?;
        self.0.followers.lock().push((name, following.clone()));
        Ok(following)
    }
}

impl Gate {
    /// Where the ledger stands, for those who watch over it.
    #[must_use]
    pub fn condition(&self) -> Condition {
        let position = self.ledger.position().seq;
        let behind = |at: u64| position.saturating_sub(at);
        let mut followers = vec![("views", behind(self.ledger.views_position().seq))];
        for (name, following) in self.followers.lock().iter() {
            followers.push((name, behind(following.position().seq)));
        }
        Condition {
            is_running: self.ledger.is_running(),
            position,
            queued: self.ledger.queued(),
            followers,
        }
    }
}

impl Gate {
    /// The records of decisions, in their order: one query for all. None if there is none, or not
    /// any more.
    ///
    /// # Errors
    /// A fault if the evidence store fails.
    pub async fn records(
        &self,
        ids: &[DecisionId],
    ) -> Result<Vec<Option<serde_json::Value>>, Error> {
        self.evidence.find(ids).await
    }
}
