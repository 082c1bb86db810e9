//! What staff say of a cohort's members: confirmed, cleared, and added by hand.

use std::collections::HashSet;

use omamori_db::{Tx, sql, sql_rows};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::cohort::{self, Lists, Member};
use super::moves::Move;
use super::row::{self, Incident, IncidentKind};
use super::{log, words};
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::Micros;
use crate::gate::Act;
use crate::gate::evidence::DecisionId;
use crate::identity::standing;
use crate::risk::label::{self, Source};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Customers that one request decides about.
const AT_ONCE: usize = 1_000;
/// Rows of one statement: it takes 32,766 values.
const ROWS_AT_ONCE: usize = 2_500;

/// What staff say of members.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MemberReview)]
pub struct Review {
    /// Whom; empty for all who are suspected.
    #[serde(default)]
    pub customers: Vec<String>,
    /// `confirmed`, `cleared` or `suspected`.
    pub state: String,
    /// Why.
    pub reason: String,
}

/// Confirms or clears members. What moved their money is labelled for back-tests. Gives how many.
///
/// # Errors
/// A wrong field; [`Code::NotFound`]: one of them is no member; [`Code::IncidentClosed`]; a fault.
pub async fn review(app: &App, actor: &Actor, incident_id: &str, review: &Review) -> Result<usize> {
    let registry = &app.stores.registry;
    let incident = row::open_one(registry, incident_id).await?;
    let reason = words::checked("reason", &review.reason)?;
    if !["confirmed", "cleared", "suspected"].contains(&&*review.state) {
        return Err(Error::field("state", "malformed"));
    }
    if review.customers.len() > AT_ONCE {
        return Err(Error::field("customers", "too_long"));
    }
    let lists = Lists::read(registry, incident_id).await?;
    let is_meant = |member: &&Member| match review.customers.as_slice() {
        [] => member.state == "suspected",
        some => some.contains(&member.customer_id),
    };
    let meant: Vec<&Member> = lists.members.iter().filter(is_meant).collect();
    if meant.len() < review.customers.len() {
        return Err(Code::NotFound.into());
    }
    let after = json!({ "incident": incident_id, "state": review.state, "count": meant.len() });
    let clearance = actor.decide(app, Act::IncidentReview, None, &after, Ok(())).await?;
    let claimed = newly_claimed(app, incident_id, review, &meant).await?;
    let labels = labels(app, &lists, &meant, &claimed).await?;
    let now = app.clock.now();
    let mut tx = registry.begin().await?;
    // The incident's row first, as everybody who changes its lists takes it.
    let told = format!("{} {reason}", meant.len());
    log::add(&mut tx, incident_id, (&actor.id, now), &review.state, &told).await?;
    for members in meant.chunks(ROWS_AT_ONCE) {
        let mut insert = sql_rows(
            "INSERT INTO incident_member (incident_id, customer_id, state, source, networks, acts,
                 first_at, reason, decided_by, decided_at, added_at)",
            11,
        )
        .ending(
            "ON CONFLICT (incident_id, customer_id) DO UPDATE SET state = excluded.state,
                 reason = excluded.reason, decided_by = excluded.decided_by,
                 decided_at = excluded.decided_at",
        );
        for member in members {
            insert.push(incident_id);
            insert.push(&member.customer_id);
            insert.push(&review.state);
            insert.push(&member.source);
            insert.push(serde_json::to_string(&member.networks)?);
            insert.push(member.acts);
            insert.push(member.first_at);
            insert.push(reason);
            insert.push(&actor.id);
            insert.push(now);
            insert.push(now);
        }
        tx.execute(insert).await?;
    }
    for one in &claimed {
        let update = sql("UPDATE incident_move SET state = 'disputed'
             WHERE incident_id = $1 AND transfer_id = $2 AND state = 'claimed'");
        tx.execute(update.bind(incident_id).bind(one.transfer_id.to_be_bytes())).await?;
    }
    set_labels(&mut tx, &incident, &review.state, &labels, now).await?;
    let entry = Entry {
        actor,
        act: Act::IncidentReview,
        subject: incident_id,
        before: Value::Null,
        after,
        reason,
    };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(meant.len())
}

/// What members claimed before they were confirmed: it is reviewed with them. What a confirmed one
/// claims afterwards is reviewed transfer by transfer.
async fn newly_claimed(
    app: &App,
    incident_id: &str,
    review: &Review,
    meant: &[&Member],
) -> Result<Vec<Move>> {
    if review.state != "confirmed" {
        return Ok(Vec::new());
    }
    let new = meant.iter().filter(|member| member.state != "confirmed");
    let new: HashSet<&str> = new.map(|member| &*member.customer_id).collect();
    let moves = cohort::moves(&app.stores.registry, incident_id).await?;
    let is_meant =
        |(one, state): &(Move, String)| state == "claimed" && new.contains(&*one.customer_id);
    Ok(moves.into_iter().filter(is_meant).map(|(one, _)| one).collect())
}

async fn labels(
    app: &App,
    lists: &Lists,
    meant: &[&Member],
    claimed: &[Move],
) -> Result<Vec<(DecisionId, Micros)>> {
    let meant: HashSet<&str> = meant.iter().map(|member| &*member.customer_id).collect();
    let is_meant = |one: &&Move| meant.contains(&*one.customer_id);
    let moves = lists.moves.iter().filter(is_meant).chain(claimed);
    label::decided(app, &moves.map(|one| &*one.decision_id).collect::<Vec<_>>()).await
}

async fn set_labels(
    tx: &mut Tx,
    incident: &Incident,
    state: &str,
    labels: &[(DecisionId, Micros)],
    now: Micros,
) -> Result<()> {
    let fraud = match incident.kind {
        IncidentKind::Takeover => label::Kind::StolenAccount,
        IncidentKind::CardFraud => label::Kind::StolenCard,
        IncidentKind::Insider | IncidentKind::Merchant | IncidentKind::Other => label::Kind::Other,
        IncidentKind::System => return Ok(()), // nobody's fraud
    };
    let kind = match state {
        "confirmed" => fraud,
        "cleared" => label::Kind::Honest,
        _ => return Ok(()),
    };
    for decision in labels {
        let by = (Source::Incident, incident.incident_id.as_str());
        label::set(tx, *decision, kind, by, now).await?;
    }
    Ok(())
}

/// Puts a customer on the list of the suspected by hand.
///
/// # Errors
/// [`Code::NotFound`]: no such customer; [`Code::IncidentMember`]: they are in the lists already;
/// [`Code::IncidentClosed`]; a fault.
pub async fn add(
    app: &App,
    actor: &Actor,
    incident_id: &str,
    customer_id: &str,
    reason: &str,
) -> Result<()> {
    let registry = &app.stores.registry;
    let incident = row::open_one(registry, incident_id).await?;
    let reason = words::checked("reason", reason)?;
    let known = standing::find(app, customer_id).await?;
    let customer_id = known.filter(|id| id == customer_id).ok_or(Code::NotFound)?;
    let after = json!({ "incident": incident_id, "added": customer_id });
    let decided = actor.decide(app, Act::IncidentReview, Some(&customer_id), &after, Ok(()));
    let clearance = decided.await?;
    let now = app.clock.now();
    let mut tx = registry.begin().await?;
    log::add(&mut tx, incident_id, (&actor.id, now), "added", &customer_id).await?;
    let insert = sql("INSERT INTO incident_member (incident_id, customer_id, state, source,
             networks, acts, first_at, reason, decided_by, decided_at, added_at)
         VALUES ($1, $2, 'suspected', 'hand', '[]', CAST(0 AS BIGINT), $3, $4, $5, $6, $6)
         ON CONFLICT (incident_id, customer_id) DO NOTHING");
    let insert = insert.bind(incident_id).bind(&customer_id).bind(incident.first_event_at);
    if tx.execute(insert.bind(reason).bind(&actor.id).bind(now)).await? != 1 {
        return Err(Code::IncidentMember.into());
    }
    let entry = Entry {
        actor,
        act: Act::IncidentReview,
        subject: incident_id,
        before: Value::Null,
        after,
        reason,
    };
    audit::commit(app, tx, &clearance, &entry).await
}

/// Says of one transfer that it is disputed, or that it was the customer's own after all.
///
/// # Errors
/// A wrong field; [`Code::NotFound`]: it is none of the incident's; [`Code::IncidentPaid`],
/// [`Code::IncidentClosed`]; a fault.
pub async fn dispute(
    app: &App,
    actor: &Actor,
    (incident_id, transfer_id): (&str, u128),
    is_disputed: bool,
    reason: &str,
) -> Result<()> {
    row::open_one(&app.stores.registry, incident_id).await?;
    let reason = words::checked("reason", reason)?;
    let (state, event) =
        if is_disputed { ("disputed", "move_disputed") } else { ("cleared", "move_cleared") };
    let transfer = format!("{transfer_id:032x}");
    let after = json!({ "incident": incident_id, "transfer": transfer, "state": state });
    let clearance = actor.decide(app, Act::IncidentReview, None, &after, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let told = format!("{transfer} {reason}");
    let by = (actor.id.as_str(), app.clock.now());
    log::add(&mut tx, incident_id, by, event, &told).await?;
    let paid = sql("SELECT act_id FROM incident_paid WHERE transfer_id = $1 AND incident_id = $2");
    let paid = paid.bind(transfer_id.to_be_bytes()).bind(incident_id);
    if tx.optional(paid).await?.is_some() {
        return Err(Code::IncidentPaid.into());
    }
    let update = sql("UPDATE incident_move SET state = $1
         WHERE incident_id = $2 AND transfer_id = $3");
    let update = update.bind(state).bind(incident_id).bind(transfer_id.to_be_bytes());
    if tx.execute(update).await? != 1 {
        return Err(Code::NotFound.into());
    }
    let entry = Entry {
        actor,
        act: Act::IncidentReview,
        subject: incident_id,
        before: Value::Null,
        after,
        reason,
    };
    audit::commit(app, tx, &clearance, &entry).await
}
