//! What an incident has taken back of a top-up goes to the card that paid it.
//!
//! The ledger first: what is passed on is no more in incident returns, so that a chargeback of the
//! same top-up does not get it too. Then the gateway is asked, as often as it takes to know its
//! answer; if it will not, the yen lie in incident returns again, for the chargeback that comes.

use omamori_db::sql;
use omamori_ledger::{CreateTransferResult as R, Request, Transfer};
use serde_json::json;

use super::gateway::GatewayError;
use super::taken::{Taken, Taking, chain};
use crate::app::App;
use crate::gate::chart::{
    AccountCode, LEDGER_JPY, TransferCode, card_accounts, card_clearing_id, card_loss_id,
};
use crate::gate::once::is_taken;
use crate::gate::{Act, Question};
use crate::id::{Kind, derive};
use crate::pos::yen;
use crate::value::legs::{operator_account, operator_id};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// How often it looks again because something else moved meanwhile.
const TRIES: usize = 8;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassedOn {
    /// So many yen are on their way to the card.
    Done(i64),
    /// Nothing of the top-up is in incident returns any more.
    Nothing,
    /// The gateway will not do it, as when a chargeback is under way there.
    Refused,
    /// Nobody knows yet: to be asked again.
    Unknown,
}

/// One passing on: its act and the top-up's transfer.
struct Passing<'a> {
    app: &'a App,
    act_id: &'a str,
    credit_id: u128,
}

/// Passes up to `most` yen of a top-up on to its card, once for each act.
///
/// # Errors
/// No card gateway is in the settings; busy; a fault: ask again.
pub async fn pass_on(app: &App, act_id: &str, credit_id: u128, most: i64) -> Result<PassedOn> {
    let topup_id = Kind::Topup.text(credit_id);
    let query = sql("SELECT reference FROM card_topup WHERE topup_id = $1").bind(&topup_id);
    let row = app.stores.registry.optional(query).await?;
    let reference = row.map(|row| row.text_optional("reference")).transpose()?.flatten();
    let Some(reference) = reference else { return Ok(PassedOn::Nothing) };
    let gateway = app.topups.gateway()?;
    let passing = Passing { app, act_id, credit_id };
    if passing.stands("not-passed-on").await?.is_some() {
        return Ok(PassedOn::Refused);
    }
    let Some(yen) = passing.set_off(most).await? else { return Ok(PassedOn::Nothing) };
    match gateway.refund_part(&format!("{topup_id}-{act_id}"), &reference, yen).await {
        Ok(()) => Ok(PassedOn::Done(yen)),
        Err(error @ GatewayError::Unknown(_)) => {
            tracing::warn!(topup_id, %error, "the card gateway did not answer");
            Ok(PassedOn::Unknown)
        }
        Err(error @ GatewayError::Refused { .. }) => {
            tracing::warn!(topup_id, %error, "the card gateway gives nothing back");
            passing.take_in(yen).await?;
            Ok(PassedOn::Refused)
        }
    }
}

impl Passing<'_> {
    fn id(&self, what: &str) -> u128 {
        derive(what, &[self.act_id.as_bytes(), &self.credit_id.to_be_bytes()])
    }

    async fn stands(&self, what: &str) -> Result<Option<i64>> {
        let found = self.app.gate.transfer_certainly(self.id(what)).await?;
        Ok(found.map(|found| yen(&found.transfer)))
    }

    /// Out of incident returns: the yen, if there are any.
    async fn set_off(&self, most: i64) -> Result<Option<i64>> {
        for _ in 0..TRIES {
            if let Some(yen) = self.stands("passed-on").await? {
                return Ok(Some(yen));
            }
            let taken = Taken::read(self.app, self.credit_id).await?;
            let yen = most.min(taken.returned);
            if yen <= 0 {
                return Ok(None);
            }
            let (from, to) = (operator_id(AccountCode::IncidentReturned), card_clearing_id());
            let taking = Taking::PaidBack { wallet: 0, returned: yen, lost: 0 };
            let moved = self.moved("passed-on", (from, to), yen);
            self.make("passed-on", vec![moved, taking.at(taken.place)]).await?;
        }
        Err(Error::RetryAfter(Code::Busy, 1))
    }

    /// And back: the gateway has given nothing. A chargeback that came meanwhile found nothing in
    /// incident returns: what it cost the operator is made good first.
    async fn take_in(&self, yen: i64) -> Result<()> {
        for _ in 0..TRIES {
            if self.stands("not-passed-on").await?.is_some() {
                return Ok(());
            }
            let taken = Taken::read(self.app, self.credit_id).await?;
            let returns = operator_id(AccountCode::IncidentReturned);
            let mut transfers =
                vec![self.moved("not-passed-on", (card_clearing_id(), returns), yen)];
            let taking = taken.kept(yen);
            if let Taking::Kept { regained: regained @ 1.., .. } = taking {
                let made_good = (returns, card_loss_id());
                transfers.push(self.moved("not-passed-on-regained", made_good, regained));
            }
            transfers.push(taking.at(taken.place));
            self.make("not-passed-on", transfers).await?;
        }
        Err(Error::RetryAfter(Code::Busy, 1))
    }

    /// Yen of the top-up from one account to another, once.
    fn moved(
        &self,
        what: &str,
        (debit_account_id, credit_account_id): (u128, u128),
        yen: i64,
    ) -> Transfer {
        Transfer {
            id: self.id(what),
            debit_account_id,
            credit_account_id,
            amount: yen.unsigned_abs(),
            ledger: LEDGER_JPY,
            code: TransferCode::ReturnPassedOn.number(),
            ..Transfer::default()
        }
    }

    /// Moves yen and takes a place, once; or somebody else has the place, and it is looked again.
    async fn make(&self, what: &str, mut transfers: Vec<Transfer>) -> Result<()> {
        chain(&mut transfers);
        let amount = transfers.first().map(yen);
        let others = [AccountCode::IncidentLoss, AccountCode::IncidentReturned];
        let accounts = others.map(operator_account).into_iter().chain(card_accounts()).collect();
        let detail = json!({ "act": self.act_id, "topup": Kind::Topup.text(self.credit_id),
            "what": what });
        let question = Question { amount, ..Question::plain(Act::IncidentPassOn, &detail) };
        let request = Request { accounts, transfers };
        self.app.gate.once(question, request, |result: R| is_taken(result)).await.map(drop)
    }
}
