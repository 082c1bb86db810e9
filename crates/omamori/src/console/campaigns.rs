//! `/console/campaigns`: every campaign, the operator's and merchants', and what one has brought;
//! the operator's begin here (`campaign`), and any is stopped by one act.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use omamori_db::{Row as Columns, sql};
use serde::Deserialize;

use super::access::{Finance, Viewer};
use super::approval::checked_reason;
use super::dashboard::{Plot, draw};
use super::frame::Frame;
use crate::app::App;
use crate::clock::Micros;
use crate::coupon::manage::{self, find};
use crate::coupon::{Campaign, Day, Gift, Results, Stage, StoreChoice, desk, results};
use crate::gate::chart::available;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters::{self, japan, yen_text};
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::Text;

struct Row {
    campaign: Campaign,
    state: Stage,
    /// Of the merchant whose budget it is; none is the operator.
    merchant_name: Option<String>,
    /// Yen that can still be given.
    left: i64,
}

#[derive(Template)]
#[template(path = "console_campaigns.html")]
struct CampaignsPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    campaigns: Vec<Row>,
    may_act: bool,
    stores: Vec<StoreChoice>,
    today: Micros,
    is_operator: bool,
}

/// `GET /console/campaigns`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
) -> Result<Response> {
    let now = app.clock.now();
    let names = manage::merchant_names(&app).await?;
    let row = |campaign: Campaign| Row {
        state: campaign.stage(now),
        merchant_name: campaign.merchant_id.as_ref().and_then(|id| names.get(id).cloned()),
        left: app.gate.account(campaign.budget_account()).as_ref().map_or(0, available),
        campaign,
    };
    page(&CampaignsPage {
        text,
        sandbox: app.sandbox(),
        frame: Frame::new(&app, &staff, "campaigns").await?,
        campaigns: manage::newest(&app).await?.into_iter().map(row).collect(),
        may_act: Finance::is_of(staff.role),
        stores: stores(&app).await?,
        today: now,
        is_operator: true,
    })
}

/// What a campaign can be for. Of more stores than these, a campaign is for all.
async fn stores(app: &App) -> Result<Vec<StoreChoice>> {
    let query = sql("SELECT s.store_id, m.name AS merchant_name, s.name
         FROM store s JOIN merchant m ON m.merchant_id = s.merchant_id
         ORDER BY m.name, s.name LIMIT 200");
    let choice = |row: &Columns| {
        let name = format!("{} {}", row.text("merchant_name")?, row.text("name")?);
        Ok(StoreChoice { store_id: row.text("store_id")?, name })
    };
    let rows = app.stores.registry.all(query).await?;
    Ok(rows.iter().map(choice).collect::<omamori_db::Result<_>>()?)
}

/// Why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    reason: String,
}

/// `POST /api/admin/v1/campaigns/{campaign_id}/stop`: anybody's, at once.
pub(super) async fn stop(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Path(campaign_id): Path<String>,
    Json(asked): Json<Reason>,
) -> Result<StatusCode> {
    let reason = checked_reason(&asked.reason)?;
    desk::stop(&app, &staff.actor, &campaign_id, reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Template)]
#[template(path = "console_campaign.html")]
struct CampaignPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    campaign: Campaign,
    state: Stage,
    merchant_name: Option<String>,
    results: Results,
    plots: Vec<Plot>,
    may_act: bool,
}

/// `GET /console/campaigns/{campaign_id}`
pub(super) async fn one(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
    Path(campaign_id): Path<String>,
) -> Result<Response> {
    let campaign = find(&app, &campaign_id).await?.ok_or(Code::NotFound)?;
    let merchant_name = match &campaign.merchant_id {
        None => None,
        Some(merchant_id) => {
            let query = sql("SELECT name FROM merchant WHERE merchant_id = $1").bind(merchant_id);
            Some(app.stores.registry.one(query).await?.text("name")?)
        }
    };
    let results = results(&app, &campaign).await?;
    page(&CampaignPage {
        text,
        sandbox: app.sandbox(),
        frame: Frame::new(&app, &staff, "campaigns").await?,
        state: campaign.stage(app.clock.now()),
        merchant_name,
        plots: plots(&results),
        may_act: Finance::is_of(staff.role),
        results,
        campaign,
    })
}

fn plots(results: &Results) -> Vec<Plot> {
    let of = |figure: fn(&Day) -> i64| -> Vec<(String, i64)> {
        let day = |day: &Day| (japan(day.at).strftime("%m/%d").to_string(), figure(day));
        results.days.iter().map(day).collect()
    };
    vec![
        draw("campaigns.chart", &of(|day| day.uses), |uses| uses.to_string()),
        draw("campaigns.chart_yen", &of(|day| day.yen), yen_text),
    ]
}
