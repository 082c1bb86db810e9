//! The customer's coupons, and the merchant's campaigns.

use std::sync::Arc;

use askama::Template;
use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::response::Response;
use omamori_db::sql;
use serde::{Deserialize, Serialize};

use super::campaign::{Campaign, Gift, Stage, Terms};
use super::manage::{self, Owner};
use super::results::{Bar, Results, bars, results};
use super::target::Target;
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::gate::chart::available;
use crate::gate::purse::Month;
use crate::identity::{Customer, PageCustomer, account};
use crate::merchant::Frame;
use crate::merchant::access::Manager;
use crate::web::error::{Error, Result};
use crate::web::filters;
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::Text;

/// A coupon as its customer sees it.
#[derive(Serialize)]
pub struct Coupon {
    campaign_id: String,
    name: String,
    gift: Gift,
    amount_min: i64,
    /// The stores it is for, by name; none is all.
    stores: Vec<String>,
    #[serde(serialize_with = "filters::as_rfc3339")]
    ends_at: Micros,
    /// Used in every payment that it fits.
    set: bool,
    /// How often the customer may still use it.
    uses_left: i64,
    /// For new customers only.
    for_newcomers: bool,
    /// For customers who have not paid for a while only.
    for_dormant: bool,
    /// When free value ends that is taken now.
    #[serde(serialize_with = "filters::as_rfc3339_or_null")]
    value_ends_at: Option<Micros>,
}

/// A customer's coupons.
#[derive(Serialize)]
pub struct Coupons {
    coupons: Vec<Coupon>,
}

#[derive(Template)]
#[template(path = "coupons.html")]
struct CouponsPage {
    text: Text,
    sandbox: bool,
    coupons: Vec<Coupon>,
}

/// `GET /coupons`.
pub(super) async fn coupons(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    let coupons = coupons_of(&app, &customer).await?;
    page(&CouponsPage { text, sandbox: app.sandbox(), coupons })
}

/// `GET /api/wallet/v1/coupons`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    customer: Customer,
) -> Result<Answer<Coupons>> {
    Ok(Answer(Coupons { coupons: coupons_of(&app, &customer).await? }))
}

async fn coupons_of(app: &App, customer: &Customer) -> Result<Vec<Coupon>> {
    let now = app.clock.now();
    let set = app.campaigns.set_by(&customer.customer_id).await?;
    let since = account::find(&app.stores.registry, &customer.customer_id).await?.created_at;
    let mut target = Target::new(app, customer.wallet_account, since);
    let mut coupons = Vec::new();
    for campaign in app.campaigns.all(now).await?.iter() {
        let terms = &campaign.terms;
        let is_set = set.contains(&campaign.campaign_id);
        if !campaign.is_running(now) || !terms.gift.is_coupon() {
            continue;
        }
        let left = |account| app.gate.account(account).as_ref().map(available);
        let pieces = left(campaign.pieces_account(customer.wallet_account));
        let free = terms.gift.free_value();
        let taken = match free {
            Some(_) => {
                let taken = campaign.taken(customer.wallet_account);
                app.gate.transfer_certainly(taken).await?.is_some()
            }
            None => false,
        };
        let uses_left = if taken { 0 } else { pieces.unwrap_or(terms.per_customer) };
        let budget = left(campaign.budget_account()).unwrap_or_default();
        if uses_left == 0 || budget < free.unwrap_or(1) {
            continue;
        }
        if !is_set && !target.is_meant(terms).await? {
            continue;
        }
        coupons.push(Coupon {
            campaign_id: campaign.campaign_id.clone(),
            name: terms.name.clone(),
            gift: terms.gift.clone(),
            amount_min: terms.amount_min,
            stores: store_names(app, campaign).await?,
            ends_at: campaign.ends_at,
            set: is_set,
            uses_left,
            for_newcomers: terms.new_customer_days.is_some(),
            for_dormant: terms.dormant_days.is_some(),
            value_ends_at: free.map(|_| Month::of(now).plus(app.config.value.free_months).end()),
        });
    }
    Ok(coupons)
}

/// Where a coupon can be used: the names of its stores, or of its merchant.
async fn store_names(app: &App, campaign: &Campaign) -> Result<Vec<String>> {
    let registry = &app.stores.registry;
    let mut names = Vec::new();
    for store_id in &campaign.terms.stores {
        let query = sql("SELECT m.name AS merchant_name, s.name FROM store s
             JOIN merchant m ON m.merchant_id = s.merchant_id WHERE s.store_id = $1");
        if let Some(row) = registry.optional(query.bind(store_id)).await? {
            names.push(format!("{} {}", row.text("merchant_name")?, row.text("name")?));
        }
    }
    if let (true, Some(merchant_id)) = (names.is_empty(), &campaign.merchant_id) {
        let query = sql("SELECT name FROM merchant WHERE merchant_id = $1").bind(merchant_id);
        names.push(registry.one(query).await?.text("name")?);
    }
    Ok(names)
}

struct Shown {
    campaign: Campaign,
    state: Stage,
    results: Results,
    uses: Vec<Bar>,
    yen: Vec<Bar>,
}

/// A store that a campaign can be for.
pub struct StoreChoice {
    /// `sto_…`.
    pub store_id: String,
    /// Of the merchant, where there are several, and the store.
    pub name: String,
}

#[derive(Template)]
#[template(path = "campaigns.html")]
struct CampaignsPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    campaigns: Vec<Shown>,
    stores: Vec<StoreChoice>,
    today: Micros,
    /// More kinds are the operator's.
    is_operator: bool,
}

/// `GET /merchant/campaigns`: whoever is not signed in is sent there.
pub(super) async fn campaigns(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    text: Text,
) -> Result<Response> {
    let now = app.clock.now();
    let mut shown = Vec::new();
    for campaign in manage::list(&app, Some(&user.merchant_id)).await? {
        let results = results(&app, &campaign).await?;
        shown.push(Shown {
            state: campaign.stage(now),
            uses: bars(&results.days, |day| day.uses),
            yen: bars(&results.days, |day| day.yen),
            results,
            campaign,
        });
    }
    page(&CampaignsPage {
        text,
        sandbox: app.sandbox(),
        stores: stores(&app, &user.merchant_id).await?,
        frame: Frame::new(&user, "campaigns"),
        campaigns: shown,
        today: now,
        is_operator: false,
    })
}

async fn stores(app: &App, merchant_id: &str) -> Result<Vec<StoreChoice>> {
    let query = sql("SELECT store_id, name FROM store WHERE merchant_id = $1 ORDER BY created_at");
    let rows = app.stores.registry.all(query.bind(merchant_id)).await?;
    let store =
        |row| Ok(StoreChoice { store_id: text_of(row, "store_id")?, name: text_of(row, "name")? });
    rows.iter().map(store).collect()
}

fn text_of(row: &omamori_db::Row, column: &str) -> omamori_db::Result<String> {
    row.text(column)
}

/// A campaign to begin.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    terms: Terms,
    /// The first day in Japan, `2026-12-01`.
    starts_on: String,
    /// The last day.
    ends_on: String,
}

#[derive(Serialize)]
pub(super) struct Created {
    campaign_id: String,
}

/// `POST /api/merchant/v1/campaigns`.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    Json(asked): Json<Create>,
) -> Result<Answer<Created>> {
    let (starts_at, ends_at) = period(&asked.starts_on, &asked.ends_on)?;
    let owner = Owner { merchant_id: Some(&user.merchant_id), by: &user.merchant_user_id };
    let campaign_id = manage::create(&app, owner, asked.terms, starts_at, ends_at).await?;
    Ok(Answer(Created { campaign_id }))
}

/// The first instant of a first day and the last of a last day, in Japan.
///
/// # Errors
/// The field that is not a day.
pub fn period(starts_on: &str, ends_on: &str) -> Result<(Micros, Micros)> {
    let midnight = |field: &str, text: &str| {
        let date = text.parse::<jiff::civil::Date>();
        let date = date.ok().filter(|_| text.len() == 10);
        let zone = filters::japan(0).time_zone().clone();
        let start = date.and_then(|date| date.at(0, 0, 0, 0).to_zoned(zone).ok());
        let start = start.map(|start| start.timestamp().as_microsecond());
        start.ok_or_else(|| Error::field(field, "malformed"))
    };
    Ok((midnight("starts_on", starts_on)?, midnight("ends_on", ends_on)? + DAY))
}

/// `POST /api/merchant/v1/campaigns/{campaign_id}/stop`: repeating it changes nothing.
pub(super) async fn stop(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    Path(campaign_id): Path<String>,
) -> Result<Answer<Created>> {
    let owner = Owner { merchant_id: Some(&user.merchant_id), by: &user.merchant_user_id };
    manage::stop(&app, owner, &campaign_id).await?;
    Ok(Answer(Created { campaign_id }))
}
