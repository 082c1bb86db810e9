//! Legal holds: while one stands, the account is not closed at its customer's wish.

use omamori_db::sql;
use serde_json::{Value, json};

use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::Micros;
use crate::gate::Act;
use crate::id::Kind;
use crate::web::error::Result;

/// A hold to be placed.
pub struct NewHold<'a> {
    /// Why: for staff and auditors; the customer is not told.
    pub reason: &'a str,
    /// Until when it stands.
    pub until: Micros,
    /// Who wants it.
    pub by: &'a str,
}

/// Places a hold on an account, and gives its id.
///
/// # Errors
/// A fault if a store fails or there is no such customer.
pub async fn place(
    app: &App,
    actor: &Actor,
    customer_id: &str,
    hold: &NewHold<'_>,
) -> Result<String> {
    let act = Act::LegalHoldPlace;
    let after = json!({ "until": hold.until, "by": hold.by });
    let clearance = actor.decide(app, act, Some(customer_id), &after, Ok(())).await?;
    let hold_id = Kind::Hold.random_text(app.rng.as_ref());
    let insert =
        sql("INSERT INTO customer_hold (hold_id, customer_id, reason, held_until, held_by,
                               created_at)
         VALUES ($1, $2, $3, $4, $5, $6)");
    let insert = insert.bind(&hold_id).bind(customer_id).bind(hold.reason).bind(hold.until);
    let mut tx = app.stores.registry.begin().await?;
    tx.execute(insert.bind(hold.by).bind(app.clock.now())).await?;
    let (before, reason) = (Value::Null, hold.reason);
    let entry = Entry { actor, act, subject: customer_id, before, after, reason };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(hold_id)
}

/// Ends all holds on an account now, and says how many stood.
///
/// # Errors
/// A fault if a store fails.
pub async fn release(app: &App, actor: &Actor, customer_id: &str) -> Result<u64> {
    let act = Act::LegalHoldEnd;
    let clearance = actor.decide(app, act, Some(customer_id), &json!({}), Ok(())).await?;
    let update = sql("UPDATE customer_hold SET released_at = $1
         WHERE customer_id = $2 AND released_at IS NULL AND held_until > $1");
    let mut tx = app.stores.registry.begin().await?;
    let ended = tx.execute(update.bind(app.clock.now()).bind(customer_id)).await?;
    if ended > 0 {
        let (before, after) = (json!({ "holds": ended }), json!({ "holds": 0 }));
        let entry = Entry { actor, act, subject: customer_id, before, after, reason: "" };
        audit::commit(app, tx, &clearance, &entry).await?;
    }
    Ok(ended)
}
