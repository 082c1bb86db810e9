//! Legal holds: while one stands, the account is not closed at its customer's wish.

use omamori_db::{Db, sql};

use crate::app::App;
use crate::clock::Micros;
use crate::id::Kind;
use crate::web::error::Result;

/// Places a hold on an account, and gives its id.
///
/// # Errors
/// A fault if the registry fails or there is no such customer.
pub async fn place(
    app: &App,
    customer_id: &str,
    reason: &str,
    until: Micros,
    by: &str,
) -> Result<String> {
    let hold_id = Kind::Hold.random_text(app.rng.as_ref());
    let insert =
        sql("INSERT INTO customer_hold (hold_id, customer_id, reason, held_until, held_by,
                               created_at)
         VALUES ($1, $2, $3, $4, $5, $6)");
    let insert = insert.bind(&hold_id).bind(customer_id).bind(reason).bind(until).bind(by);
    app.stores.registry.execute(insert.bind(app.clock.now())).await?;
    Ok(hold_id)
}

/// Ends all holds on an account now, and says how many stood.
///
/// # Errors
/// A fault if the registry fails.
pub async fn release(app: &App, customer_id: &str) -> Result<u64> {
    let now = app.clock.now();
    let update = sql("UPDATE customer_hold SET released_at = $1
         WHERE customer_id = $2 AND released_at IS NULL AND held_until > $1");
    Ok(app.stores.registry.execute(update.bind(now).bind(customer_id)).await?)
}

/// Whether one stands.
pub(super) async fn stands(registry: &Db, customer_id: &str, now: Micros) -> Result<bool> {
    let query = sql("SELECT hold_id FROM customer_hold
         WHERE customer_id = $1 AND released_at IS NULL AND held_until > $2 LIMIT 1");
    Ok(registry.optional(query.bind(customer_id).bind(now)).await?.is_some())
}
