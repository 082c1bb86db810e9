//! A card's holder says that a top-up was not theirs. The account is stopped first, so that
//! nothing leaves it meanwhile; then its value is taken as far as it is there and an incident has
//! not taken it back before, the rest is the operator's loss, and staff are to look at it. Each
//! step may be done twice.

use omamori_db::{Row, sql};
use omamori_ledger::{CreateTransferResult as R, Request, Transfer, TransferFlags};
use serde_json::json;

use super::conversation::{self, State, Topup};
use super::due::{self, Due};
use super::gateway::Dispute;
use super::ledger::credit_id;
use super::taken::{Taken, Taking, chain};
use super::{auto, cards};
use crate::app::App;
use crate::case::{self, CaseKind, NewCase, Opener};
use crate::gate::chart::{
    AccountCode, LEDGER_JPY, TransferCode, card_accounts, card_clearing_id, card_loss_id,
};
use crate::gate::once::is_taken;
use crate::gate::{Act, Question};
use crate::id::{Kind, derive};
use crate::identity::{account, standing};
use crate::notify::{AccountStopper, Notice, tell};
use crate::pos::yen;
use crate::value::legs::{operator_account, operator_id};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// How often a chargeback looks again because something else moved meanwhile.
const TRIES: usize = 8;

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
    let parts = match topup.state {
        State::Credited => {
            standing::freeze(app, &topup.customer_id, AccountStopper::Staff).await?;
            take(app, dispute, &topup).await?
        }
        // Not balance and never will be: there is nothing to take.
        State::Refused(_) | State::Refunded(_) => Parts::default(),
        _ => return Ok(()), // under way: looked at again
    };
    end(app, dispute, &topup, parts).await
}

/// Where the yen of a chargeback came from.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    /// The wallet.
    taken: i64,
    /// What an incident had taken back of the same top-up. A chargeback that began before there
    /// were places did not look there: its row says so for ever ([`Taken::read`]).
    returned: Option<i64>,
    /// The operator's loss account.
    lost: i64,
}

impl Parts {
    fn sum(&self) -> i64 {
        self.taken + self.returned.unwrap_or_default() + self.lost
    }
}

/// Moves value to what the gateway owes, which it takes back from there; once. First what an
/// incident has taken back of the top-up, then what is left of it in the wallet; the rest is lost.
async fn take(app: &App, dispute: &Claimed, topup: &Topup) -> Result<Parts> {
    let wallet = account::find(&app.stores.registry, &topup.customer_id).await?.wallet_account;
    let credit_id = credit_id(&topup.topup_id)?;
    let detail = json!({
        "topup": topup.topup_id, "dispute": dispute.dispute_id, "amount": dispute.amount,
    });
    let mut is_closed = false;
    for _ in 0..TRIES {
        match taken_before(app, dispute).await? {
            Some(parts) if parts.sum() >= dispute.amount => return Ok(parts),
            Some(parts) => {
                the_rest(app, dispute, topup, parts).await?;
                continue;
            }
            None => {}
        }
        let there = if is_closed { 0 } else { app.gate.paid(wallet) };
        let before = Taken::read(app, credit_id).await?;
        let taking = before.charged_back(dispute.amount, topup.amount, there);
        let mut transfers = moved(dispute, wallet, taking);
        if transfers.is_empty() {
            return Ok(Parts::default()); // a chargeback of nothing
        }
        transfers.push(taking.at(before.place));
        chain(&mut transfers);
        let mut accounts = card_accounts().to_vec();
        accounts.push(operator_account(AccountCode::IncidentReturned));
        let question = Question {
            customer: Some(&topup.customer_id),
            amount: Some(dispute.amount),
            ..Question::plain(Act::CardChargeback, &detail)
        };
        let expects = |result| {
            is_taken(result) || matches!(result, R::ExceedsCredits | R::DebitAccountAlreadyClosed)
        };
        let made = app.gate.once(question, Request { accounts, transfers }, expects).await?;
        // An account that takes and gives nothing any more has nothing to take.
        is_closed |= made.is_err_and(|refusal| refusal == R::DebitAccountAlreadyClosed);
    }
    Err(Error::RetryAfter(Code::Busy, 1))
}

/// The ids of a chargeback's parts: out of the wallet, out of incident returns, the loss.
fn part_ids(dispute: &Claimed) -> [u128; 3] {
    ["card-chargeback", "card-chargeback-returned", "card-chargeback-loss"]
        .map(|part| derive(part, &[dispute.dispute_id.as_bytes()]))
}

/// What was taken for a chargeback already, if anything was: all of it is one chain, but for one
/// that began before there were places.
async fn taken_before(app: &App, dispute: &Claimed) -> Result<Option<Parts>> {
    app.gate.catch_up().await?;
    let mut found = [None; 3];
    for (part, id) in found.iter_mut().zip(part_ids(dispute)) {
        *part = app.gate.transfer(id).await?.map(|part| part.transfer);
    }
    let Some(first) = found.iter().flatten().next() else { return Ok(None) };
    let is_in_place = first.flags.contains(TransferFlags::LINKED);
    let [taken, returned, lost] = found.map(|part| part.as_ref().map_or(0, yen));
    Ok(Some(Parts { taken, returned: is_in_place.then_some(returned), lost }))
}

/// What a chargeback that began before there were places has not found is lost: it was two
/// transfers, and the process ended between them.
async fn the_rest(app: &App, dispute: &Claimed, topup: &Topup, parts: Parts) -> Result<()> {
    let lost = dispute.amount - parts.sum();
    let detail = json!({ "topup": topup.topup_id, "dispute": dispute.dispute_id, "lost": lost });
    let question = Question {
        customer: Some(&topup.customer_id),
        amount: Some(lost),
        ..Question::plain(Act::CardChargeback, &detail)
    };
    let taking = Taking::PaidBack { wallet: 0, returned: 0, lost };
    let transfers = moved(dispute, 0, taking);
    let request = Request { accounts: card_accounts().to_vec(), transfers };
    app.gate.once(question, request, is_taken).await.map(drop)
}

/// The transfers that move the parts of a chargeback.
fn moved(dispute: &Claimed, wallet: u128, taking: Taking) -> Vec<Transfer> {
    let Taking::PaidBack { wallet: taken, returned, lost } = taking else { return Vec::new() };
    let [of_wallet, of_returns, of_operator] = part_ids(dispute);
    let returns = operator_id(AccountCode::IncidentReturned);
    let parts = [
        (of_wallet, wallet, taken, TransferCode::CardChargeback),
        (of_returns, returns, returned, TransferCode::ReturnPassedOn),
        (of_operator, card_loss_id(), lost, TransferCode::ChargebackLoss),
    ];
    let parts = parts.into_iter().filter(|(.., yen, _)| *yen > 0);
    let transfer = |(id, debit_account_id, yen, code): (_, _, i64, TransferCode)| Transfer {
        id,
        debit_account_id,
        credit_account_id: card_clearing_id(),
        amount: yen.unsigned_abs(),
        ledger: LEDGER_JPY,
        code: code.number(),
        ..Transfer::default()
    };
    parts.map(transfer).collect()
}

async fn end(app: &App, dispute: &Claimed, topup: &Topup, parts: Parts) -> Result<()> {
    let Parts { taken, returned, lost } = parts;
    let now = app.clock.now();
    let card = cards::name(&app.stores.registry, &topup.card_id).await?;
    let mut tx = app.stores.registry.begin().await?;
    let update = sql("UPDATE card_dispute
         SET state = 'reversed', taken = $1, returned = $2, lost = $3, next_at = NULL, done_at = $4
         WHERE dispute_id = $5 AND done_at IS NULL");
    let update = update.bind(taken).bind(returned).bind(lost).bind(now);
    if tx.execute(update.bind(&dispute.dispute_id)).await? != 1 {
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
    let evidence = json!({ "chargeback": dispute.dispute_id, "taken": taken,
        "returned": returned, "lost": lost });
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
    tracing::warn!(dispute_id, taken, returned, lost, "a top-up by card was charged back");
    Ok(())
}
