//! The same payments through the ledger's engine, called directly: the chain that a sale is.

use std::sync::Arc;

use omamori_db::{Db, Durability};
use omamori_ledger::{CreateTransferResult, Ledger, NoCompanion, Options, Request, Submission};

use super::closed_loop::{Pay, Payment};
use super::world::World;
use super::{SurgeError, prepare};
use crate::clock::Clock;
use crate::gate::chart::TransferCode;
use crate::pos::Chain;

/// Payments at once, as many as the HTTP runs have connections.
pub(super) const TASKS: usize = 256;
/// Above the ids of the top-ups that gave the customers their balances.
const FIRST_ID: u128 = 1 << 64;

/// A ledger with everybody's accounts.
pub(super) struct Engine {
    ledger: Ledger<NoCompanion>,
    world: Arc<World>,
}

impl Engine {
    /// Opens a ledger, journal and views, in the database and fills it.
    pub(super) async fn prepare(
        address: &str,
        world: &Arc<World>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, SurgeError> {
        let db = Db::open(address, Durability::Full).await?;
        let now = clock.clone();
        let options = Options::new(db.clone(), db, Arc::new(move || now.now_nanos()));
        let ledger = Ledger::open(options, NoCompanion).await?;
        prepare::fill_ledger(&ledger, world).await?;
        Ok(Self { ledger, world: world.clone() })
    }

    pub(super) async fn close(&self) {
        self.ledger.close().await;
    }
}

impl Pay for Engine {
    async fn pay(&self, payment: Payment) -> Result<(), String> {
        let id = FIRST_ID + 2 * u128::from(payment.number);
        let chain = Chain {
            authorization_id: id,
            id: id + 1,
            debit_account_id: self.world.customer(payment.payer).wallet_account,
            credit_account_id: self.world.store(payment.store).sales_account,
            amount: payment.amount.into(),
            of_all_kinds: 0,
            terminal_number: i64::from(payment.store) + 1,
            code: TransferCode::Payment,
        };
        let request = Request { accounts: Vec::new(), transfers: chain.transfers().to_vec() };
        let reply = self.ledger.commit(Submission::unchecked(request)).await;
        let reply = reply.map_err(|error| error.to_string())?;
        let wrong =
            reply.transfers.iter().find(|outcome| outcome.result != CreateTransferResult::Ok);
        wrong.map_or(Ok(()), |outcome| Err(format!("{:?}", outcome.result)))
    }
}
