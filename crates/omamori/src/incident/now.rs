//! A disputed transfer as the ledger has it now: what of it is lost, and what came in by it and was
//! not taken back. A list says what was so when it was made.

use super::moves::Move;
use crate::app::App;
use crate::gate::chart::due;
use crate::pos::topup::topup_cancel_id;
use crate::pos::{Given, Paid, yen};
use crate::send::transfers::{self, State};
use crate::topup::card::taken::Taken;
use crate::web::error::Result;

/// A loss as the ledger has it now. Yen.
#[derive(Debug, Default)]
pub(super) struct LossNow {
    /// Lost.
    pub lost: i64,
    /// Sent, and waiting to be taken: it is lost when it is taken, and not when it comes back.
    pub waits: i64,
    /// Of a payment, what was given back: whoever makes it good takes the next place.
    pub given: Option<Given>,
}

impl LossNow {
    /// If nothing of it comes back.
    pub(super) const fn most(&self) -> i64 {
        self.lost + self.waits
    }
}

/// What is lost by a move as the ledger has it now: a refund since the count is no loss, nor is
/// what was made good before, and what waits to be taken is not known yet.
pub(super) async fn loss_now(app: &App, known: &Move) -> Result<LossNow> {
    if known.out <= 0 {
        return Ok(LossNow::default());
    }
    let own = |gone: i64| (gone - known.received).max(0);
    if known.is_send() {
        let Some(send) = transfers::known(app, known.transfer_id).await? else {
            return Ok(LossNow::default());
        };
        let yen = own(yen(&send.transfer));
        return Ok(match send.state {
            State::Waiting { .. } => LossNow { waits: yen, ..LossNow::default() },
            State::Taken { .. } => LossNow { lost: yen, ..LossNow::default() },
            State::Returned { .. } => LossNow::default(),
        });
    }
    let Some(found) = app.gate.transfer(known.transfer_id).await? else {
        return Ok(LossNow::default());
    };
    let paid = Paid::read(app, found.transfer).await?;
    let given = Given::read(app, &paid).await?;
    if given.made_good.is_some() {
        return Ok(LossNow::default());
    }
    let out = i64::try_from(due(&paid.capture)).unwrap_or(i64::MAX);
    let lost = own(out - given.to_customer);
    Ok(LossNow { lost, waits: 0, given: Some(given) })
}

/// What came in by a move, as the ledger has it now.
#[derive(Debug, Default)]
pub(super) struct CameNow {
    /// Yen that nobody has taken back.
    pub yen: i64,
    /// Of a top-up by card, what was taken: whoever takes more takes the next place.
    pub taken: Option<Taken>,
}

/// What came by a move and was not taken back since, less what left the wallet again as others'
/// loss: by a cancel, a chargeback or another act. What a chargeback did not find, and a
/// compensation counted, was spent: what is there now is not of it.
pub(super) async fn came_now(app: &App, known: &Move) -> Result<CameNow> {
    if known.came <= 0 {
        return Ok(CameNow::default());
    }
    if known.is_card() {
        let taken = Taken::read(app, known.transfer_id).await?;
        let yen = (known.came - taken.wallet - taken.settled - known.received).max(0);
        return Ok(CameNow { yen, taken: Some(taken) });
    }
    let is_back = app.gate.transfer(topup_cancel_id(known.transfer_id)).await?.is_some();
    let yen = if is_back { 0 } else { (known.came - known.received).max(0) };
    Ok(CameNow { yen, taken: None })
}

/// What chargebacks of these top-ups cost the operator, and no act has counted yet: so much their
/// holder has back already, and an act makes that much less good.
pub(super) async fn given_by_card(app: &App, moves: &[Move]) -> Result<Vec<Taken>> {
    let mut given = Vec::new();
    for topup in moves.iter().filter(|one| one.is_card()) {
        given.push(Taken::read(app, topup.transfer_id).await?);
    }
    Ok(given)
}
