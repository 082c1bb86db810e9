//! A run: every merchant, up to a day.

use jiff::civil::Date;
use omamori_db::sql;
use omamori_ledger::{Request, Transfer};
use serde_json::json;

use super::calendar::end_of;
use super::carry::{carry_out, owed};
use super::figures::{Period, nanos, of_store, own_discounts, stores};
use super::statement::{self, Basis, Reckoned, Settlement, Statement};
use super::{hold, terms};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::chart::{AccountCode, LEDGER_JPY, TransferCode};
use crate::gate::{Act, Question};
use crate::id::{Kind, derive};
use crate::value::legs::operator_account;
use crate::web::error::{Error, Result};
use crate::web::filters::japan;

/// Newer statements than this of a merchant are not unfinished ones.
const LOOKED_AT: i64 = 400;

/// Settles every merchant for all closing days up to and with `until` that are not settled yet.
/// Gives the statements that this run made or finished, in the order of merchants and days. To do
/// it again changes nothing.
///
/// # Errors
/// The day is not over yet; a fault: what was done until then stands, and a further run goes on.
pub async fn settle(app: &App, until: Date) -> Result<Vec<Settlement>> {
    let end = end_of(until);
    if end > app.clock.now() {
        return Err(Error::field("until", "out_of_range"));
    }
    mark(app, end).await?;
    let query =
        sql("SELECT merchant_id, created_at FROM merchant ORDER BY created_at, merchant_id");
    let mut made = Vec::new();
    for row in app.stores.registry.all(query).await? {
        let merchant_id = row.text("merchant_id")?;
        let since = japan(row.int("created_at")?).date();
        settle_merchant(app, &merchant_id, since, until, &mut made).await?;
    }
    Ok(made)
}

/// Writes a mark into the journal, newer than `end`. Timestamps rise strictly over all nodes, so
/// after it nothing can come any more that belongs to a period before `end`, whatever the clock of
/// another node says.
async fn mark(app: &App, end: Micros) -> Result<()> {
    let id = derive("settlement-mark", &[&end.to_be_bytes()]);
    if app.gate.transfer_certainly(id).await?.is_some() {
        return Ok(());
    }
    let accounts = [AccountCode::PayoutTransit, AccountCode::OperatorBank].map(operator_account);
    let mark = Transfer {
        id,
        debit_account_id: accounts[0].id,
        credit_account_id: accounts[1].id,
        ledger: LEDGER_JPY,
        code: TransferCode::SettlementMark.number(),
        ..Transfer::default()
    };
    let detail = json!({ "until": end });
    let clearance = app.gate.decide(Question::plain(Act::Settle, &detail), Ok(())).await?;
    let request = Request { accounts: accounts.to_vec(), transfers: vec![mark] };
    app.gate.commit(clearance, request).await?;
    // Written by this run, or by another one at the same time, with a decision of its own.
    match app.gate.transfer_certainly(id).await? {
        Some(mark) if mark.transfer.timestamp >= nanos(end) => Ok(()),
        _ => Err(Error::fault("the end of a period was refused by the ledger")),
    }
}

async fn settle_merchant(
    app: &App,
    merchant_id: &str,
    since: Date,
    until: Date,
    made: &mut Vec<Settlement>,
) -> Result<()> {
    let before = statement::list(app, merchant_id, LOOKED_AT).await?;
    // What other nodes have settled is in their rows; now it is in this node's ledger as well.
    app.gate.catch_up().await?;
    for unfinished in before.iter().rev().filter(|known| known.settled_at.is_none()) {
        carry_out(app, unfinished).await?;
        made.push(unfinished.clone());
    }
    let mut last = before.into_iter().next();
    let mut day = match &last {
        Some(last) => last.closing_on.tomorrow().ok(),
        None => Some(since),
    };
    let terms = terms::of(app, merchant_id).await?;
    while let Some(closing_on) = day.and_then(|day| terms.calendar.next(day)) {
        if closing_on > until {
            return Ok(());
        }
        if let Some(stands) = written(app, merchant_id, closing_on, last.as_ref()).await? {
            carry_out(app, &stands).await?;
            made.push(stands.clone());
            last = Some(stands);
        }
        day = closing_on.tomorrow().ok();
    }
    Ok(())
}

/// Reckons the statement of a day and writes it down; none if there is nothing to say. Where sales
/// were held or released meanwhile, it is reckoned again with them.
async fn written(
    app: &App,
    merchant_id: &str,
    closing_on: Date,
    last: Option<&Settlement>,
) -> Result<Option<Settlement>> {
    while let Some(reckoned) = plan(app, merchant_id, closing_on, last).await? {
        let stands = statement::write_down(app, &reckoned).await?;
        if stands.is_some() {
            return Ok(stands);
        }
    }
    Ok(None)
}

/// Reckons the statement of a day; none if there is nothing to say. Writes nothing.
///
/// # Errors
/// The ledger does not add up; a fault.
pub async fn plan(
    app: &App,
    merchant_id: &str,
    closing_on: Date,
    last: Option<&Settlement>,
) -> Result<Option<Reckoned>> {
    let holds = hold::version(app, merchant_id).await?;
    let number = Settlement::number(merchant_id, closing_on);
    let settlement_id = Kind::Settlement.text(number);
    let period = Period { from: last.map_or(0, |last| last.until_at), until: end_of(closing_on) };
    let reckoned = match reckon(app, merchant_id, period, last).await {
        Ok(reckoned) => reckoned,
        // What another node has settled meanwhile no longer adds up here: its statement stands.
        Err(error) => {
            return match statement::find(app, merchant_id, &settlement_id).await? {
                Some(settlement) => Ok(Some(Reckoned { settlement, holds })),
                None => Err(error),
            };
        }
    };
    let settlement = Settlement {
        settlement_id,
        merchant_id: merchant_id.to_owned(),
        closing_on,
        from_at: period.from,
        until_at: period.until,
        statement: reckoned,
        settled_at: None,
    };
    let is_empty = settlement.statement.is_empty();
    Ok((!is_empty).then_some(Reckoned { settlement, holds }))
}

async fn reckon(
    app: &App,
    merchant_id: &str,
    period: Period,
    last: Option<&Settlement>,
) -> Result<Statement> {
    let mut figures = Vec::new();
    for store in &stores(app, merchant_id).await? {
        figures.push(of_store(app, store, period).await?);
    }
    let carried_in = last.map_or(0, |last| last.statement.carried_out);
    let settings = &app.config.settlement;
    let terms = terms::of(app, merchant_id).await?;
    let tax = (settings.tax_percent, settings.tax_rounding);
    let basis = Basis {
        held: hold::of(app, merchant_id, period, (&terms, tax), last).await?,
        terms,
        tax_percent: settings.tax_percent,
        tax_rounding: settings.tax_rounding,
        stores: figures,
        own_discounts: own_discounts(app, merchant_id, period).await?,
        carried_in,
        // Nothing else moves the account between two statements.
        returned: owed(app, merchant_id) - carried_in,
    };
    Ok(basis.reckon())
}
