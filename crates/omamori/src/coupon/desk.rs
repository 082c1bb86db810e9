//! Campaigns begun and stopped by the operator's staff: as [`super::manage`], with an entry of the
//! audit log.

use omamori_db::{Query, Row, Tx, sql};
use serde_json::{Value, json};

use super::campaign::{Campaign, Terms};
use super::manage::{self, Detail, find};
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::{DAY, Micros};
use crate::db::changes::{Subject, note};
use crate::gate::Act;
use crate::id::{Kind, derive};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// The id of a campaign that a person begins. `key` is the page's own id of this act: sent twice it
/// is one campaign.
#[must_use]
pub fn campaign_id(staff_id: &str, key: &str) -> String {
    Kind::Campaign.text(derive("campaign-of-staff", &[staff_id.as_bytes(), key.as_bytes()]))
}

/// A campaign of the operator.
#[must_use]
pub fn campaign(
    staff_id: &str,
    key: &str,
    terms: Terms,
    (starts_at, ends_at): (Micros, Micros),
) -> Campaign {
    let campaign_id = campaign_id(staff_id, key);
    Campaign { campaign_id, merchant_id: None, terms, starts_at, ends_at, stopped_at: None }
}

/// Begins a campaign of the operator and gives it its budget, if this person may do it alone; false
/// if it takes two.
///
/// # Errors
/// Fields that are wrong; a fault.
pub async fn begin_alone(
    app: &App,
    (actor, reason): (&Actor, &str),
    campaign: &Campaign,
) -> Result<bool> {
    if let Some(known) = find(app, &campaign.campaign_id).await? {
        if known.terms != campaign.terms || known.ends_at != campaign.ends_at {
            return Err(Error::field("key", "out_of_range"));
        }
        fund_once(app, actor, &campaign.campaign_id).await?;
        return Ok(true);
    }
    manage::check(app, campaign).await?;
    let room = app.config.desk.campaign_alone_24h - campaign.terms.budget;
    let since = app.clock.now() - DAY;
    if !campaign.terms.gift.is_coupon()
        || yen(&app.stores.registry.all(begun_alone(actor, since)).await?)? > room
    {
        return Ok(false);
    }
    let detail = Detail::of(campaign, &actor.id);
    let clearance = actor.decide(app, Act::CampaignCreate, None, &detail, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    // Two requests of one person at once: the second one waits here and counts the first.
    tx.execute(sql("UPDATE staff SET name = name WHERE staff_id = $1").bind(&actor.id)).await?;
    if yen(&tx.all(begun_alone(actor, since)).await?)? > room {
        return Ok(false);
    }
    tx.execute(manage::insert(campaign, app.clock.now())?).await?;
    note(app, &mut tx, Subject::Campaigns).await?;
    let Campaign { starts_at, ends_at, terms, .. } = campaign;
    let entry = Entry {
        actor,
        act: Act::CampaignCreate,
        subject: &campaign.campaign_id,
        before: Value::Null,
        after: json!({ "starts_at": starts_at, "ends_at": ends_at, "terms": terms }),
        reason,
    };
    audit::commit(app, tx, &clearance, &entry).await?;
    manage::fund(app, clearance, campaign).await?;
    Ok(true)
}

/// The campaigns that one person has begun.
fn begun_alone(actor: &Actor, since: Micros) -> Query {
    let query = sql("SELECT after_state FROM audit_entry
         WHERE actor = $1 AND act = 'campaign_create' AND at > $2");
    query.bind(&actor.id).bind(since)
}

/// The sum of their budgets, without those to which a second person agreed.
fn yen(rows: &[Row]) -> Result<i64> {
    let mut sum: i64 = 0;
    for row in rows {
        let after: Value = serde_json::from_str(&row.text("after_state")?)?;
        if after["approval"].is_null() {
            sum = sum.saturating_add(after["terms"]["budget"].as_i64().unwrap_or_default());
        }
    }
    Ok(sum)
}

/// Writes a campaign to which two agreed, in their transaction; its budget comes after the commit.
///
/// # Errors
/// It makes no sense, or does not any more; a fault.
pub async fn row_in(app: &App, tx: &mut Tx, campaign: &Campaign) -> Result<()> {
    let Campaign { terms, starts_at, ends_at, .. } = campaign;
    terms.check()?;
    let now = app.clock.now();
    if *ends_at <= now.max(*starts_at) {
        return Err(Error::field("ends_at", "out_of_range")); // it was asked for days ago
    }
    tx.execute(manage::insert(campaign, now)?).await?;
    Ok(note(app, tx, Subject::Campaigns).await?)
}

/// Gives a campaign its budget, once: if it has one already, or was stopped, nothing happens.
///
/// # Errors
/// A fault.
pub async fn fund_once(app: &App, actor: &Actor, campaign_id: &str) -> Result<()> {
    let campaign = find(app, campaign_id).await?.ok_or(Code::NotFound)?;
    if app.gate.account(campaign.budget_account()).is_some() || campaign.stopped_at.is_some() {
        return Ok(());
    }
    let detail = Detail::of(&campaign, &actor.id);
    let clearance = actor.decide(app, Act::CampaignCreate, None, &detail, Ok(())).await?;
    manage::fund(app, clearance, &campaign).await
}

/// Stops a campaign at once, the operator's or a merchant's: what is left of its budget goes back
/// to who gave it. Repeating it changes nothing.
///
/// # Errors
/// Not found; a fault.
pub async fn stop(app: &App, actor: &Actor, campaign_id: &str, reason: &str) -> Result<()> {
    let campaign = find(app, campaign_id).await?.ok_or(Code::NotFound)?;
    if campaign.stopped_at.is_none() {
        let detail = json!({ "campaign_id": campaign_id });
        let clearance = actor.decide(app, Act::CampaignStop, None, &detail, Ok(())).await?;
        let mut tx = app.stores.registry.begin().await?;
        // Of two at once, one stopped it.
        if tx.execute(manage::stopped(campaign_id, app.clock.now())).await? == 1 {
            note(app, &mut tx, Subject::Campaigns).await?;
            let entry = Entry {
                actor,
                act: Act::CampaignStop,
                subject: campaign_id,
                before: json!({ "stage": campaign.stage(app.clock.now()).as_str() }),
                after: json!({ "stage": "stopped" }),
                reason,
            };
            audit::commit(app, tx, &clearance, &entry).await?;
        }
    }
    manage::release(app, &actor.id, &campaign).await
}
