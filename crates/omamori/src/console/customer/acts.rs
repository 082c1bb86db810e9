//! What one person alone may do to an account: for the console and for commands on the server.

use serde_json::{Value, json};

use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::gate::Act;
use crate::identity::{account, desk, standing};
use crate::notify::contacts::{self, Contact};
use crate::notify::{AccountStopper, ContactKind};
use crate::web::codes::Code;
use crate::web::error::Result;

/// Stops an account; its holder is told, and cannot start it again.
///
/// # Errors
/// A fault if a store fails or there is no such customer.
pub async fn freeze(app: &App, actor: &Actor, customer_id: &str, reason: &str) -> Result<()> {
    let was_frozen = account::find(&app.stores.registry, customer_id).await?.frozen;
    let about = json!({ "reason": reason });
    let clearance = actor.decide(app, Act::StaffFreeze, Some(customer_id), &about, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    standing::freeze_in(app, &mut tx, customer_id, AccountStopper::Staff).await?;
    let entry = Entry {
        actor,
        act: Act::StaffFreeze,
        subject: customer_id,
        before: json!({ "status": if was_frozen { "frozen" } else { "active" } }),
        after: json!({ "status": "frozen", "stopped_by": "staff" }),
        reason,
    };
    audit::commit(app, tx, &clearance, &entry).await?;
    standing::forget(app, customer_id).await
}

/// Starts an account again, by a command on the server. (In the console it takes two people.)
/// Gives how it stands then: it stays shut if its rest is claimed. None if it was not stopped.
///
/// # Errors
/// A fault if a store fails.
pub async fn unfreeze(app: &App, actor: &Actor, customer_id: &str) -> Result<Option<&'static str>> {
    let act = Act::StaffUnfreeze;
    let clearance = actor.decide(app, act, Some(customer_id), &json!({}), Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let Some(status) = standing::unfreeze_in(app, &mut tx, customer_id).await? else {
        return Ok(None);
    };
    let (before, after) = (json!({ "status": "frozen" }), json!({ "status": status }));
    let entry = Entry { actor, act, subject: customer_id, before, after, reason: "" };
    audit::commit(app, tx, &clearance, &entry).await?;
    standing::forget(app, customer_id).await?;
    Ok(Some(status))
}

/// Ends all sessions of a customer. Returns how many there were.
///
/// # Errors
/// A fault if a store fails.
pub async fn end_sessions(
    app: &App,
    actor: &Actor,
    customer_id: &str,
    reason: &str,
) -> Result<u64> {
    let (act, about) = (Act::StaffSessionsEnd, json!({ "reason": reason }));
    let clearance = actor.decide(app, act, Some(customer_id), &about, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let ended = desk::end_sessions(app, &mut tx, customer_id).await?;
    let (before, after) = (json!({ "sessions": ended }), json!({ "sessions": 0 }));
    let entry = Entry { actor, act, subject: customer_id, before, after, reason };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(ended)
}

/// A contact in full. It is read only after it is written down who wanted it and why.
///
/// # Errors
/// [`Code::NotFound`]: there is no such contact; a fault if a store fails.
pub async fn unmask(
    app: &App,
    actor: &Actor,
    customer_id: &str,
    kind: ContactKind,
    reason: &str,
) -> Result<String> {
    let found = contacts::of(&app.stores.registry, customer_id, app.clock.now()).await?;
    let contact = match kind {
        ContactKind::Phone => Some(Contact::Phone(found.phone)),
        ContactKind::Email => found.email.map(Contact::Email),
    };
    let contact = contact.ok_or(Code::NotFound)?;
    let (act, about) = (Act::StaffUnmask, json!({ "contact": kind, "reason": reason }));
    let clearance = actor.decide(app, act, Some(customer_id), &about, Ok(())).await?;
    let tx = app.stores.registry.begin().await?;
    let after = json!({ "contact": kind, "shown": contact.masked() });
    let entry = Entry { actor, act, subject: customer_id, before: Value::Null, after, reason };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(match contact {
        Contact::Phone(phone) => phone.national(),
        Contact::Email(email) => email.as_str().to_owned(),
    })
}
