//! The journal read as books: what happened, in order, chain by chain, up to a moment.
//!
//! Here: [`read`], and the journal as text for other accounting programs ([`accounting`]). Not
//! here: any balance that the service answers with; those are the ledger's.

pub mod accounting;

use omamori_db::Db;
use omamori_ledger::{Account, Entry, Fact, Journal, Position, Transfer, TransferFlags};

use crate::web::error::{Error, Result};

/// Entries of one read.
const PAGE: usize = 1_000;

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// An account came to be.
    Opened(&'a Account),
    /// Transfers that were made together or not at all; at least one.
    Chain(&'a [Transfer]),
    /// A pending transfer ran out of time.
    Expired {
        /// The transfer.
        pending_id: u128,
        /// When, in nanoseconds since 1970.
        timestamp: u64,
    },
}

/// Gives every event before `until` (nanoseconds since 1970; without it, all there are) to `take`,
/// with the number of its entry. A chain belongs to the moment of its first transfer, so none is
/// cut. Returns how far it read, which is the last entry that it looked into.
///
/// # Errors
/// A fault if the store fails or the chain of hashes does not hold; or what `take` returns.
pub async fn read(
    journal: &Db,
    until: Option<u64>,
    mut take: impl FnMut(u64, Event<'_>) -> Result<()>,
) -> Result<Position> {
    let journal = Journal::open(journal.clone()).await?;
    let mut position = Position::default();
    loop {
        let page = journal.read_from(position.seq + 1, PAGE).await?;
        if page.is_empty() {
            return Ok(position);
        }
        for stored in &page {
            if until.is_some_and(|until| stored.first_timestamp >= until) {
                return Ok(position);
            }
            let entry =
                stored.decode_after(&position).map_err(|error| Error::Fault(Box::new(error)))?;
            position = entry.position();
            if events(&entry, until, &mut take)? {
                return Ok(position);
            }
        }
    }
}

/// The events of one entry; whether `until` came.
fn events(
    entry: &Entry,
    until: Option<u64>,
    take: &mut impl FnMut(u64, Event<'_>) -> Result<()>,
) -> Result<bool> {
    let mut chain: Vec<Transfer> = Vec::new();
    for fact in &entry.facts {
        let is_over = until.is_some_and(|until| fact.timestamp() >= until);
        if is_over && chain.is_empty() {
            return Ok(true);
        }
        match fact {
            Fact::AccountCreated(account) => take(entry.seq, Event::Opened(account))?,
            Fact::PendingTransferExpired { pending_id, timestamp } => {
                take(entry.seq, Event::Expired { pending_id: *pending_id, timestamp: *timestamp })?;
            }
            Fact::TransferCreated(transfer) => {
                chain.push(*transfer);
                if !transfer.flags.contains(TransferFlags::LINKED) {
                    take(entry.seq, Event::Chain(&chain))?;
                    chain.clear();
                }
            }
        }
    }
    if !chain.is_empty() {
        return Err(Error::fault("a chain of transfers does not end in its entry"));
    }
    Ok(false)
}
