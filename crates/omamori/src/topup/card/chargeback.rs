//! A card's holder says that a top-up was not theirs. The account is stopped first, so that
//! nothing leaves it meanwhile; then its value is taken as far as it is there, the rest is the
//! operator's loss, and staff are to look at it. Each step may be done twice.

use omamori_db::{Row, sql};
use omamori_ledger::{CreateTransferResult as R, Request, Transfer, TransferFlags};
use serde_json::json;

use super::conversation::{self, State, Topup};
use super::due::{self, Due};
use super::gateway::Dispute;
use super::{auto, cards};
use crate::app::App;
use crate::case::{self, CaseKind, NewCase, Opener};
use crate::gate::chart::{LEDGER_JPY, TransferCode, card_accounts, card_clearing_id, card_loss_id};
use crate::gate::{Act, Question};
use crate::id::{Kind, derive};
use crate::identity::{account, standing};
use crate::notify::{AccountStopper, Notice, tell};
use crate::pos::yen;
use crate::web::error::{Error, Result};

/// Notes a chargeback; what follows is done by [`reverse_due`]. One that is known, or that is not
/// about a top-up of ours, changes nothing.
///
/// # Errors
/// A fault if the registry fails: the gateway tells it again.
pub async fn note(app: &App, dispute: &Dispute) -> Result<()> {
    let registry = &app.stores.registry;
    let query = sql("SELECT topup_id, amount FROM card_topup WHERE reference = $1");
    let Some(row) = registry.optional(query.bind(&dispute.reference)).await? else {
        tracing::error!(dispute_id = dispute.id, "a chargeback of what is no top-up of ours");
        return Ok(());
    };
    let amount = dispute.amount.clamp(0, row.int("amount")?);
    let insert = sql("INSERT INTO card_dispute (dispute_id, topup_id, amount, reason, state,
             attempts, next_at, created_at)
         VALUES ($1, $2, $3, $4, 'told', CAST(0 AS BIGINT), $5, $5)
         ON CONFLICT (dispute_id) DO NOTHING");
    let insert = insert.bind(&dispute.id).bind(row.text("topup_id")?).bind(amount);
    registry.execute(insert.bind(&dispute.reason).bind(app.clock.now())).await?;
    Ok(())
}

/// Yen of a top-up that chargebacks took out of the wallet, or are about to. Of what is no top-up
/// by card, none.
///
/// # Errors
/// A fault if the registry fails.
pub async fn charged_back(app: &App, topup_id: &str) -> Result<i64> {
    let query = sql("SELECT CAST(COALESCE(SUM(COALESCE(taken, amount)), 0) AS BIGINT) AS yen
         FROM card_dispute WHERE topup_id = $1");
    Ok(app.stores.registry.one(query.bind(topup_id)).await?.int("yen")?)
}

struct Claimed {
    dispute_id: String,
    topup_id: String,
    amount: i64,
    attempts: i64,
}

impl Due for Claimed {
    const DUE: &'static str = "SELECT dispute_id, topup_id, amount, attempts FROM card_dispute
         WHERE next_at IS NOT NULL AND next_at <= $1 ORDER BY next_at LIMIT $2";
    const CLAIMED: &'static str = "UPDATE card_dispute SET attempts = attempts + 1, next_at = $1
         WHERE dispute_id = $2 AND attempts = $3 AND next_at IS NOT NULL";

    fn read(row: &Row) -> omamori_db::Result<Self> {
        Ok(Self {
            dispute_id: row.text("dispute_id")?,
            topup_id: row.text("topup_id")?,
            amount: row.int("amount")?,
            attempts: row.int("attempts")?,
        })
    }

    fn id(&self) -> &str {
        &self.dispute_id
    }

    fn attempts(&self) -> i64 {
        self.attempts
    }

    async fn go_on(&self, app: &App) -> Result<()> {
        reverse(app, self).await
    }
}

/// Takes up chargebacks that are due, once. Gives how many were taken up by this node.
///
/// # Errors
/// A fault if the registry fails.
pub async fn reverse_due(app: &App) -> Result<usize> {
    due::take_up::<Claimed>(app).await
}

async fn reverse(app: &App, dispute: &Claimed) -> Result<()> {
    let topup = conversation::find(&app.stores.registry, &dispute.topup_id).await?;
    let topup = topup.ok_or(Error::fault("a chargeback of no top-up"))?;
    let (taken, lost) = match topup.state {
        State::Credited => {
            standing::freeze(app, &topup.customer_id, AccountStopper::Staff).await?;
            take(app, dispute, &topup).await?
        }
        // Not balance and never will be: there is nothing to take.
        State::Refused(_) | State::Refunded(_) => (0, 0),
        _ => return Ok(()), // under way: looked at again
    };
    end(app, dispute, &topup, taken, lost).await
}

/// Takes what is there, and books the rest as lost: `(taken, lost)` in yen.
async fn take(app: &App, dispute: &Claimed, topup: &Topup) -> Result<(i64, i64)> {
    let wallet = account::find(&app.stores.registry, &topup.customer_id).await?.wallet_account;
    let at = Taking { app, dispute, topup };
    let of_wallet = Transfer {
        id: derive("card-chargeback", &[dispute.dispute_id.as_bytes()]),
        debit_account_id: wallet,
        amount: dispute.amount.unsigned_abs(),
        code: TransferCode::CardChargeback.number(),
        flags: TransferFlags::BALANCING_DEBIT,
        ..Transfer::default()
    };
    let taken = at.transfer(of_wallet).await?;
    let lost = dispute.amount - taken;
    if lost > 0 {
        let of_operator = Transfer {
            id: derive("card-chargeback-loss", &[dispute.dispute_id.as_bytes()]),
            debit_account_id: card_loss_id(),
            amount: lost.unsigned_abs(),
            code: TransferCode::ChargebackLoss.number(),
            ..Transfer::default()
        };
        at.transfer(of_operator).await?;
    }
    Ok((taken, lost))
}

struct Taking<'a> {
    app: &'a App,
    dispute: &'a Claimed,
    topup: &'a Topup,
}

impl Taking<'_> {
    /// Moves value to what the gateway owes, which it takes back from there; once. Gives the yen
    /// that were moved.
    async fn transfer(&self, transfer: Transfer) -> Result<i64> {
        let Self { app, dispute, topup } = self;
        if let Some(done) = app.gate.transfer_certainly(transfer.id).await? {
            return Ok(yen(&done.transfer));
        }
        let detail = json!({
            "topup": topup.topup_id, "dispute": dispute.dispute_id, "amount": dispute.amount,
        });
        let question = Question {
            customer: Some(&topup.customer_id),
            amount: Some(dispute.amount),
            ..Question::plain(Act::CardChargeback, &detail)
        };
        let clearance = app.gate.decide(question, Ok(())).await?;
        let transfer =
            Transfer { credit_account_id: card_clearing_id(), ledger: LEDGER_JPY, ..transfer };
        let request = Request { accounts: card_accounts().to_vec(), transfers: vec![transfer] };
        let result = app.gate.commit(clearance, request).await?.transfers[0].result;
        match app.gate.transfer(transfer.id).await? {
            Some(done) => Ok(yen(&done.transfer)),
            // An account that takes and gives nothing any more has nothing to take.
            None if result == R::DebitAccountAlreadyClosed => Ok(0),
            None => Err(Error::fault("a chargeback was refused by the ledger")),
        }
    }
}

async fn end(app: &App, dispute: &Claimed, topup: &Topup, taken: i64, lost: i64) -> Result<()> {
    let now = app.clock.now();
    let card = cards::name(&app.stores.registry, &topup.card_id).await?;
    let mut tx = app.stores.registry.begin().await?;
    let update = sql("UPDATE card_dispute
         SET state = 'reversed', taken = $1, lost = $2, next_at = NULL, done_at = $3
         WHERE dispute_id = $4 AND done_at IS NULL");
    let update = update.bind(taken).bind(lost).bind(now).bind(&dispute.dispute_id);
    if tx.execute(update).await? != 1 {
        return Ok(());
    }
    let block = sql("UPDATE card SET state = 'blocked' WHERE card_id = $1 AND state = 'active'");
    tx.execute(block.bind(&topup.card_id)).await?;
    auto::card_gone(app, &mut tx, &topup.customer_id, &topup.card_id).await?;
    let review = derive("chargeback", &[dispute.dispute_id.as_bytes()]);
    let insert = sql("INSERT INTO topup_review (review_id, customer_id, kind, subject, created_at)
         VALUES ($1, $2, 'chargeback', $3, $4) ON CONFLICT (review_id) DO NOTHING");
    let insert = insert.bind(Kind::TopupReview.text(review)).bind(&topup.customer_id);
    tx.execute(insert.bind(&dispute.dispute_id).bind(now)).await?;
    let evidence = json!({ "chargeback": dispute.dispute_id, "taken": taken, "lost": lost });
    case::open(
        app,
        &mut tx,
        &NewCase {
            kind: CaseKind::Chargeback,
            key: &dispute.dispute_id,
            customer_id: Some(&topup.customer_id),
            store_id: None,
            subjects: std::slice::from_ref(&topup.topup_id),
            amount: Some(dispute.amount),
            decision_id: None,
            opener: Opener::Machine("chargeback"),
            evidence: &evidence,
        },
    )
    .await?;
    let notice = Notice::CardChargedBack { amount: topup.amount, card, taken };
    tell(app, &mut tx, &topup.customer_id, &notice).await?;
    tx.commit().await?;
    let dispute_id = &dispute.dispute_id;
    tracing::warn!(dispute_id, taken, lost, "a top-up by card was charged back");
    Ok(())
}
