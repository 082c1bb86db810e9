//! Beginning and ending campaigns: for merchants, the operator's command line and its staff.

use std::collections::HashMap;

use omamori_db::{Query, Row, sql};
use omamori_ledger::{AccountFlags, CreateTransferResult as R, Request, Transfer};
use serde::Serialize;

use super::campaign::{Campaign, Terms, campaign_columns, merchant_discount, merchant_funding};
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::db::changes::{Subject, changed};
use crate::gate::chart::{AccountCode, LEDGER_JPY, TransferCode, account_in, available};
use crate::gate::{Act, Clearance, Question};
use crate::id::{Kind, derive};
use crate::value::legs::operator_account;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// The longest that a campaign runs.
const LENGTH_MAX: Micros = 366 * DAY;

#[derive(Serialize)]
pub(super) struct Detail<'a> {
    campaign_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_id: Option<&'a str>,
    by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    terms: Option<&'a Terms>,
}

impl<'a> Detail<'a> {
    /// Of the beginning of a campaign.
    pub(super) fn of(campaign: &'a Campaign, by: &'a str) -> Self {
        let merchant_id = campaign.merchant_id.as_deref();
        let terms = Some(&campaign.terms);
        Self { campaign_id: &campaign.campaign_id, merchant_id, by, terms }
    }
}

/// Who begins or ends a campaign.
#[derive(Clone, Copy)]
pub struct Owner<'a> {
    /// `mer_…`, or the operator.
    pub merchant_id: Option<&'a str>,
    /// The person, for the record.
    pub by: &'a str,
}

/// Begins a campaign and gives it its budget.
///
/// # Errors
/// Fields that are wrong; a fault.
pub async fn create(
    app: &App,
    owner: Owner<'_>,
    terms: Terms,
    starts_at: Micros,
    ends_at: Micros,
) -> Result<String> {
    let campaign_id = Kind::Campaign.random_text(app.rng.as_ref());
    let merchant_id = owner.merchant_id.map(str::to_owned);
    let campaign =
        Campaign { campaign_id, merchant_id, terms, starts_at, ends_at, stopped_at: None };
    check(app, &campaign).await?;
    // The row first: a campaign without a budget gives nothing, a budget without one is lost.
    app.stores.registry.execute(insert(&campaign, app.clock.now())?).await?;
    let detail = Detail::of(&campaign, owner.by);
    let question = Question {
        amount: Some(campaign.terms.budget),
        ..Question::plain(Act::CampaignCreate, &detail)
    };
    let clearance = app.gate.decide(question, Ok(())).await?;
    fund(app, clearance, &campaign).await?;
    changed(app, Subject::Campaigns).await?;
    Ok(campaign.campaign_id)
}

/// Refuses a campaign that makes no sense, or that its owner may not begin.
pub(super) async fn check(app: &App, campaign: &Campaign) -> Result<()> {
    let Campaign { terms, starts_at, ends_at, .. } = campaign;
    let merchant_id = campaign.merchant_id.as_deref();
    terms.check()?;
    if merchant_id.is_some() && terms.gift.is_of_operator() {
        return Err(Error::field("gift.kind", "out_of_range"));
    }
    let now = app.clock.now();
    if *ends_at <= now.max(*starts_at) || ends_at - now.max(*starts_at) > LENGTH_MAX {
        return Err(Error::field("ends_at", "out_of_range"));
    }
    check_stores(app, merchant_id, &terms.stores).await
}

/// Its row.
pub(super) fn insert(campaign: &Campaign, now: Micros) -> Result<Query> {
    let insert = sql("INSERT INTO campaign
         (campaign_id, merchant_id, terms, starts_at, ends_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)");
    let insert = insert.bind(&campaign.campaign_id).bind(campaign.merchant_id.as_deref());
    let insert = insert.bind(serde_json::to_string(&campaign.terms)?).bind(campaign.starts_at);
    Ok(insert.bind(campaign.ends_at).bind(now))
}

async fn check_stores(app: &App, merchant_id: Option<&str>, stores: &[String]) -> Result<()> {
    for store_id in stores {
        let row = app
            .stores
            .registry
            .optional(sql("SELECT merchant_id FROM store WHERE store_id = $1").bind(store_id))
            .await?;
        let of = row.map(|row| row.text("merchant_id")).transpose()?;
        if of.is_none() || merchant_id.is_some_and(|mine| Some(mine) != of.as_deref()) {
            return Err(Error::field("stores", "out_of_range"));
        }
    }
    Ok(())
}

/// Gives a campaign its budget, once.
pub(super) async fn fund(app: &App, clearance: Clearance, campaign: &Campaign) -> Result<()> {
    if campaign.terms.budget == 0 {
        return Ok(());
    }
    let flags = AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS;
    let budget = campaign.budget_account();
    let mut accounts = vec![account_in(LEDGER_JPY, budget, AccountCode::CampaignBudget, flags)];
    let none = AccountFlags::default();
    match campaign.merchant_id.as_deref() {
        None => accounts.push(operator_account(AccountCode::CampaignFunding)),
        Some(id) => accounts.extend([
            account_in(LEDGER_JPY, merchant_funding(id), AccountCode::MerchantFunding, none),
            account_in(LEDGER_JPY, merchant_discount(id), AccountCode::StoreDiscount, none),
        ]),
    }
    let given = Transfer {
        id: derive("campaign-funded", &[campaign.campaign_id.as_bytes()]),
        debit_account_id: accounts[1].id,
        credit_account_id: budget,
        amount: campaign.terms.budget.unsigned_abs(),
        ledger: LEDGER_JPY,
        code: TransferCode::CampaignFunded.number(),
        ..Transfer::default()
    };
    accounts.retain(|account| app.gate.account(account.id).is_none());
    let reply = app.gate.commit(clearance, Request { accounts, transfers: vec![given] }).await?;
    match reply.transfers[0].result {
        R::Ok | R::Exists => Ok(()),
        _ => Err(Error::fault("a campaign's budget was refused by the ledger")),
    }
}

/// Ends a campaign at once, on every node: what is left of its budget goes back to who gave it, so
/// no use is possible any more, whatever a node remembers.
///
/// # Errors
/// Not found, for another owner's too; a fault.
pub async fn stop(app: &App, owner: Owner<'_>, campaign_id: &str) -> Result<()> {
    let campaign = find(app, campaign_id).await?.ok_or(Code::NotFound)?;
    if campaign.merchant_id.as_deref() != owner.merchant_id {
        return Err(Code::NotFound.into());
    }
    app.stores.registry.execute(stopped(campaign_id, app.clock.now())).await?;
    changed(app, Subject::Campaigns).await?;
    release(app, owner.by, &campaign).await
}

/// It gives nothing more.
pub(super) fn stopped(campaign_id: &str, now: Micros) -> Query {
    let update = sql("UPDATE campaign SET stopped_at = $1 \
                      WHERE campaign_id = $2 AND stopped_at IS NULL");
    update.bind(now).bind(campaign_id)
}

/// More uses than this do not come between while a budget is released.
const TRIES: usize = 8;

/// Gives back what is left of a budget.
pub(super) async fn release(app: &App, by: &str, campaign: &Campaign) -> Result<()> {
    let budget = campaign.budget_account();
    for _ in 0..TRIES {
        let Some(account) = app.gate.account(budget) else { return Ok(()) };
        let left = available(&account);
        if left == 0 {
            return Ok(());
        }
        let detail = Detail {
            campaign_id: &campaign.campaign_id,
            merchant_id: campaign.merchant_id.as_deref(),
            by,
            terms: None,
        };
        let question =
            Question { amount: Some(left), ..Question::plain(Act::CampaignStop, &detail) };
        let clearance = app.gate.decide(question, Ok(())).await?;
        let operator = operator_account(AccountCode::CampaignFunding).id;
        let back = Transfer {
            // Once for each state of the budget: refunds may fill it again later.
            id: derive(
                "campaign-released",
                &[
                    &budget.to_be_bytes(),
                    &account.debits_posted.to_be_bytes(),
                    &account.credits_posted.to_be_bytes(),
                ],
            ),
            debit_account_id: budget,
            credit_account_id: campaign.merchant_id.as_deref().map_or(operator, merchant_funding),
            amount: left.unsigned_abs(),
            ledger: LEDGER_JPY,
            code: TransferCode::CampaignReleased.number(),
            ..Transfer::default()
        };
        let request = Request { accounts: Vec::new(), transfers: vec![back] };
        // Refused: used or released in between. Look again.
        app.gate.commit(clearance, request).await?;
    }
    Err(Error::RetryAfter(Code::Busy, 1))
}

/// A campaign, however old.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find(app: &App, campaign_id: &str) -> Result<Option<Campaign>> {
    let query =
        sql(concat!("SELECT ", campaign_columns!(), " FROM campaign WHERE campaign_id = $1"));
    let row = app.stores.registry.optional(query.bind(campaign_id)).await?;
    row.as_ref().map(Campaign::of).transpose()
}

/// The newest campaigns of all owners, newest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn newest(app: &App) -> Result<Vec<Campaign>> {
    let query = sql(concat!(
        "SELECT ",
        campaign_columns!(),
        " FROM campaign ORDER BY created_at DESC LIMIT 200"
    ));
    app.stores.registry.all(query).await?.iter().map(Campaign::of).collect()
}

/// The names of the merchants that ever had a campaign, by their ids.
///
/// # Errors
/// A fault if the registry fails.
pub async fn merchant_names(app: &App) -> Result<HashMap<String, String>> {
    let query = sql("SELECT merchant_id, name FROM merchant
         WHERE merchant_id IN (SELECT c.merchant_id FROM campaign c)");
    let rows = app.stores.registry.all(query).await?;
    let name = |row: &Row| Ok((row.text("merchant_id")?, row.text("name")?));
    rows.iter().map(name).collect()
}

/// The campaigns of an owner, newest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn list(app: &App, merchant_id: Option<&str>) -> Result<Vec<Campaign>> {
    let query = sql(concat!(
        "SELECT ",
        campaign_columns!(),
        " FROM campaign WHERE COALESCE(merchant_id, '') = $1 ORDER BY created_at DESC LIMIT 100"
    ));
    let query = query.bind(merchant_id.unwrap_or_default());
    app.stores.registry.all(query).await?.iter().map(Campaign::of).collect()
}
