//! A run: every merchant, up to a day.

use jiff::civil::Date;
use omamori_db::sql;
use omamori_ledger::{Request, Transfer};
use serde_json::json;

use super::calendar::end_of;
use super::carry::{carry_out, owed};
use super::figures::{Period, nanos, of_store, own_discounts, stores};
use super::statement::{self, Basis, Reckoned, Settlement, Statement, Summary};
use super::{hold, returned, terms};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::chart::{AccountCode, LEDGER_JPY, TransferCode};
use crate::gate::{Act, Question};
use crate::id::{Kind, derive};
use crate::value::legs::operator_account;
use crate::web::error::{Error, Result};
use crate::web::filters::japan;

/// Merchants that are read at one time.
const PAGE: i64 = 500;

/// What came of a run.
#[derive(Debug, Default)]
pub struct Ran {
    /// The statements that it made or finished, in the order of merchants' ids and of days.
    pub made: Vec<Summary>,
    /// The merchants that could not be settled.
    pub failed: Vec<Failed>,
}

/// A merchant that could not be settled. Nothing of it was; the next run tries again.
#[derive(Debug)]
pub struct Failed {
    /// `mer_…`.
    pub merchant_id: String,
    /// Why: for the operator's engineers.
    pub error: Error,
}

/// Settles every merchant for all closing days up to and with `until` that are not settled yet.
/// A merchant that cannot be settled holds nobody else up: it is told of at the end. To do it again
/// changes nothing.
///
/// # Errors
/// The day is not over yet; a fault before any merchant: what was done until then stands.
pub async fn settle(app: &App, until: Date) -> Result<Ran> {
    begin(app, until).await?;
    let (mut ran, mut after) = (Ran::default(), String::new());
    loop {
        let some = merchants(app, &after, PAGE).await?;
        let Some(last) = some.last() else { return Ok(ran) };
        after.clone_from(&last.merchant_id);
        for merchant in &some {
            one(app, merchant, until, &mut ran).await;
        }
    }
}

/// What a run does before the first merchant: the period must be over and is closed, and what banks
/// gave back is booked, so that statements tell of it.
///
/// # Errors
/// The day is not over yet; a fault.
pub(super) async fn begin(app: &App, until: Date) -> Result<()> {
    let end = end_of(until);
    if end > app.clock.now() {
        return Err(Error::field("until", "out_of_range"));
    }
    returned::book_all(app).await?;
    mark(app, end).await
}

/// A merchant to be settled.
pub(super) struct Merchant {
    pub(super) merchant_id: String,
    since: Date,
}

/// The next merchants, in the order of their ids.
pub(super) async fn merchants(app: &App, after: &str, limit: i64) -> Result<Vec<Merchant>> {
    let query = sql("SELECT merchant_id, created_at FROM merchant WHERE merchant_id > $1
         ORDER BY merchant_id LIMIT $2");
    let mut merchants = Vec::new();
    for row in app.stores.registry.all(query.bind(after).bind(limit)).await? {
        let since = japan(row.int("created_at")?).date();
        merchants.push(Merchant { merchant_id: row.text("merchant_id")?, since });
    }
    Ok(merchants)
}

/// Settles one merchant, or notes that it could not be.
pub(super) async fn one(app: &App, merchant: &Merchant, until: Date, ran: &mut Ran) {
    if let Err(error) = settle_merchant(app, merchant, until, &mut ran.made).await {
        let merchant_id = merchant.merchant_id.clone();
        match &error {
            Error::Fault(fault) => tracing::error!(merchant_id, %fault, "not settled"),
            other => tracing::error!(merchant_id, code = other.code().as_str(), "not settled"),
        }
        ran.failed.push(Failed { merchant_id, error });
    }
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
    merchant: &Merchant,
    until: Date,
    made: &mut Vec<Summary>,
) -> Result<()> {
    let merchant_id = merchant.merchant_id.as_str();
    // In this order: what another node writes between the two is carried out, not built upon.
    let mut last = statement::list(app, merchant_id, 1).await?.pop();
    let unfinished = statement::unfinished(app, merchant_id).await?;
    // What other nodes have settled is in their rows; now it is in this node's ledger as well.
    app.gate.catch_up().await?;
    for known in &unfinished {
        carry_out(app, known).await?;
        made.push(known.summary());
    }
    let mut day = match &last {
        Some(last) => last.closing_on.tomorrow().ok(),
        None => Some(merchant.since),
    };
    let terms = terms::of(app, merchant_id).await?;
    while let Some(closing_on) = day.and_then(|day| terms.calendar.next(day)) {
        if closing_on > until {
            return Ok(());
        }
        if let Some(stands) = written(app, merchant_id, closing_on, last.as_ref()).await? {
            carry_out(app, &stands).await?;
            made.push(stands.summary());
            last = Some(stands.summary());
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
    last: Option<&Summary>,
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
    last: Option<&Summary>,
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
    last: Option<&Summary>,
) -> Result<Statement> {
    let mut figures = Vec::new();
    for store in &stores(app, merchant_id).await? {
        figures.push(of_store(app, store, period).await?);
    }
    let carried_in = last.map_or(0, |last| last.carried_out);
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
