//! `セットする`: a customer takes a coupon, or puts it away again.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use omamori_db::{Tx, sql};
use omamori_ledger::{AccountFlags, CreateTransferResult as R, Request, Transfer};
use serde::Serialize;

use super::campaign::Campaign;
use super::manage::find;
use super::take::take;
use super::target::Target;
use crate::app::App;
use crate::gate::Act;
use crate::gate::chart::{AccountCode, LEDGER_PIECES, TransferCode, account_in};
use crate::id::derive;
use crate::identity::{Customer, Network, account};
use crate::value::choices;
use crate::value::legs::operator_account;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Coupons that one customer may have set at one time.
const SET_MAX: i64 = 50;

/// Whether a coupon is set now.
#[derive(Debug, Serialize)]
pub struct SetAnswer {
    campaign_id: String,
    set: bool,
}

#[derive(Serialize)]
pub(super) struct Detail<'a> {
    pub(super) campaign_id: &'a str,
}

/// `POST /api/wallet/v1/coupons/{campaign_id}/set`: repeating it changes nothing. Free value is
/// taken by it.
pub async fn set(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    Path(campaign_id): Path<String>,
) -> Result<Json<SetAnswer>> {
    app.gate.open_door(Act::CouponSet, None, Some(&customer.customer_id))?;
    let campaign = find(&app, &campaign_id).await?.filter(|found| found.terms.gift.is_coupon());
    let campaign = campaign.ok_or(Code::NotFound)?;
    let opinion = may_set(&app, &customer, &campaign).await?;
    if let Some(yen) = campaign.terms.gift.free_value() {
        take(&app, (&customer, network), &campaign, yen, opinion).await?;
        return Ok(Json(SetAnswer { campaign_id, set: true }));
    }
    let detail = Detail { campaign_id: &campaign_id };
    let mut question = customer.asks(Act::CouponSet, &detail);
    question.facts.address = Some(network.address());
    let clearance = app.gate.decide(question, opinion).await?;
    let request = pieces(&app, &campaign, customer.wallet_account);
    let given = request.transfers[0].id;
    let result = app.gate.commit(clearance, request).await?.transfers[0].result;
    // The pieces come once for ever, however often the coupon is set.
    if result != R::Ok && app.gate.transfer(given).await?.is_none() {
        return Err(Error::fault("the pieces of a coupon were refused by the ledger"));
    }
    let mut tx = app.stores.registry.begin().await?;
    let insert = sql("INSERT INTO coupon_set (customer_id, campaign_id, set_at)
         VALUES ($1, $2, $3) ON CONFLICT (customer_id, campaign_id) DO NOTHING");
    let insert = insert.bind(&customer.customer_id).bind(&campaign_id).bind(app.clock.now());
    tx.execute(insert).await?;
    remember(&mut tx, &customer).await?;
    tx.commit().await?;
    choices::changed(&app, &customer.customer_id).await?;
    Ok(Json(SetAnswer { campaign_id, set: true }))
}

/// `POST /api/wallet/v1/coupons/{campaign_id}/unset`: not used until it is set again.
pub async fn unset(
    State(app): State<Arc<App>>,
    customer: Customer,
    Path(campaign_id): Path<String>,
) -> Result<Json<SetAnswer>> {
    let mut tx = app.stores.registry.begin().await?;
    let delete = sql("DELETE FROM coupon_set WHERE customer_id = $1 AND campaign_id = $2");
    tx.execute(delete.bind(&customer.customer_id).bind(&campaign_id)).await?;
    remember(&mut tx, &customer).await?;
    tx.commit().await?;
    choices::changed(&app, &customer.customer_id).await?;
    Ok(Json(SetAnswer { campaign_id, set: false }))
}

/// Whether payments of this customer have to look for coupons.
async fn remember(tx: &mut Tx, customer: &Customer) -> Result<()> {
    let update = sql("UPDATE customer SET has_coupons =
         CASE WHEN EXISTS (SELECT 1 FROM coupon_set WHERE customer_id = $1) THEN 1 ELSE 0 END
         WHERE customer_id = $1");
    tx.execute(update.bind(&customer.customer_id)).await?;
    Ok(())
}

async fn may_set(
    app: &App,
    customer: &Customer,
    campaign: &Campaign,
) -> Result<std::result::Result<(), Code>> {
    let now = app.clock.now();
    let about = account::find(&app.stores.registry, &customer.customer_id).await?;
    if about.frozen {
        return Ok(Err(Code::AccountFrozen));
    }
    let mut target = Target::new(app, customer.wallet_account, about.created_at);
    if !campaign.is_running(now) || !target.is_meant(&campaign.terms).await? {
        return Ok(Err(Code::CouponNotOffered));
    }
    let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS many FROM coupon_set
         WHERE customer_id = $1 AND campaign_id <> $2");
    let count = count.bind(&customer.customer_id).bind(&campaign.campaign_id);
    let many = app.stores.registry.one(count).await?.int("many")?;
    Ok(if many >= SET_MAX { Err(Code::TooManyCoupons) } else { Ok(()) })
}

/// As many pieces as the customer may use.
fn pieces(app: &App, campaign: &Campaign, wallet: u128) -> Request {
    let id = campaign.pieces_account(wallet);
    let flags = AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS;
    let issue = operator_account(AccountCode::PieceIssue);
    let mine = account_in(LEDGER_PIECES, id, AccountCode::CouponPieces, flags);
    let mut accounts = vec![issue, omamori_ledger::Account { user_data_128: wallet, ..mine }];
    accounts.retain(|account| app.gate.account(account.id).is_none());
    let given = Transfer {
        id: derive("coupon-given", &[&id.to_be_bytes()]),
        debit_account_id: issue.id,
        credit_account_id: id,
        amount: campaign.terms.per_customer.unsigned_abs(),
        ledger: LEDGER_PIECES,
        code: TransferCode::CouponGiven.number(),
        ..Transfer::default()
    };
    Request { accounts, transfers: vec![given] }
}
