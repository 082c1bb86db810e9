//! Campaigns begun and stopped by the operator's staff: as [`super::manage`], with an entry of the
//! audit log.

use serde_json::{Value, json};

use super::campaign::{Campaign, Terms};
use super::manage::{self, Detail, find};
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::Micros;
use crate::db::changes::{Subject, note};
use crate::gate::Act;
use crate::id::{Kind, derive};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Begins a campaign of the operator and gives it its budget. `key` is the page's own id of this
/// act: sent twice it is one campaign.
///
/// # Errors
/// Fields that are wrong; a fault.
pub async fn begin(
    app: &App,
    (actor, reason, key): (&Actor, &str, &str),
    terms: Terms,
    (starts_at, ends_at): (Micros, Micros),
) -> Result<String> {
    let id = derive("campaign-of-staff", &[actor.id.as_bytes(), key.as_bytes()]);
    let campaign_id = Kind::Campaign.text(id);
    let campaign =
        Campaign { campaign_id, merchant_id: None, terms, starts_at, ends_at, stopped_at: None };
    let known = find(app, &campaign.campaign_id).await?;
    if let Some(known) = &known {
        if known.terms != campaign.terms || known.ends_at != ends_at {
            return Err(Error::field("key", "out_of_range"));
        }
        if app.gate.account(campaign.budget_account()).is_some() || known.stopped_at.is_some() {
            return Ok(campaign.campaign_id);
        }
    }
    manage::check(app, &campaign).await?;
    let detail = Detail::of(&campaign, &actor.id);
    let clearance = actor.decide(app, Act::CampaignCreate, None, &detail, Ok(())).await?;
    if known.is_none() {
        let mut tx = app.stores.registry.begin().await?;
        tx.execute(manage::insert(&campaign, app.clock.now())?).await?;
        note(app, &mut tx, Subject::Campaigns).await?;
        let after = json!({ "starts_at": starts_at, "ends_at": ends_at, "terms": campaign.terms });
        let entry = Entry {
            actor,
            act: Act::CampaignCreate,
            subject: &campaign.campaign_id,
            before: Value::Null,
            after,
            reason,
        };
        audit::commit(app, tx, &clearance, &entry).await?;
    }
    manage::fund(app, clearance, &campaign).await?;
    Ok(campaign.campaign_id)
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
