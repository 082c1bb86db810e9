//! `POST /api/admin/v1/campaigns`: a campaign of the operator begins. One person alone may promise
//! so many yen in 24 hours (`desk.campaign_alone_24h`), all campaigns together; more takes two
//! people, and so do points, whose campaigns have no budget that could not be passed.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::Tx;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::access::{Finance, Staff};
use super::approval::{self, Asked, Done, Proposal, checked_reason};
use crate::app::App;
use crate::coupon::{Terms, desk, period};
use crate::pos::is_id;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

/// A campaign of the operator to begin.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Begin {
    /// The page's own id of this act.
    key: String,
    terms: Terms,
    /// The first day in Japan, `2026-12-01`.
    starts_on: String,
    /// The last day.
    ends_on: String,
    reason: String,
}

/// What became of the request.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Begun {
    /// It has begun.
    Begun {
        /// `cmp_…`.
        campaign_id: String,
    },
    /// It waits for a second person.
    Asked(Asked),
}

pub(super) async fn begin(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Json(asked): Json<Begin>,
) -> Result<Answer<Begun>> {
    let reason = checked_reason(&asked.reason)?;
    if !is_id(&asked.key) {
        return Err(Error::field("key", "malformed"));
    }
    let Begin { key, terms, starts_on, ends_on, .. } = asked;
    let days = period(&starts_on, &ends_on)?;
    let campaign = desk::campaign(&staff.staff_id, &key, terms, days);
    let begun = desk::begin_alone(&app, (&staff.actor, reason), &campaign).await?;
    Ok(Answer(if begun {
        Begun::Begun { campaign_id: campaign.campaign_id }
    } else {
        let terms = Box::new(campaign.terms);
        let proposal = Proposal::BeginCampaign { key, terms, starts_on, ends_on };
        Begun::Asked(approval::ask(&app, &staff, &proposal, reason).await?)
    }))
}

/// Writes the campaign to which two agreed.
///
/// # Errors
/// It makes no sense, or does not any more; a fault.
pub(super) async fn row_in(
    app: &App,
    tx: &mut Tx,
    (key, terms): (&str, &Terms),
    days: (&str, &str),
    asked_by: &str,
) -> Result<Done> {
    let (starts_at, ends_at) = period(days.0, days.1)?;
    let campaign = desk::campaign(asked_by, key, terms.clone(), (starts_at, ends_at));
    desk::row_in(app, tx, &campaign).await?;
    let after = json!({ "starts_at": starts_at, "ends_at": ends_at, "terms": campaign.terms });
    Ok(Done { subject: campaign.campaign_id, before: Value::Null, after, shown_once: None })
}

/// Gives it its budget, once.
///
/// # Errors
/// A fault.
pub(super) async fn fund(app: &App, staff: &Staff, key: &str) -> Result<()> {
    desk::fund_once(app, &staff.actor, &desk::campaign_id(&staff.staff_id, key)).await
}
