//! An online shop: a terminal of the kind `online`, whose key is on the shop's server.

use omamori_db::{Db, sql};

use super::back;
use crate::app::App;
use crate::merchant::{NewTerminal, create_terminal_by};
use crate::web::error::{Error, Result};

/// The kind of such terminals.
pub const ONLINE: &str = "online";

/// Adds an online shop to a store and makes its key, at the word of `by`. `origin` is where its
/// pages are: customers are sent back there and nowhere else.
///
/// # Errors
/// The origin is none that customers may be sent to; a fault if a store fails.
pub async fn create(
    app: &App,
    by: &str,
    store_id: &str,
    name: &str,
    origin: &str,
) -> Result<NewTerminal> {
    let origin = back::origin(origin, app.config.is_loopback());
    let origin = origin.ok_or_else(|| Error::field("origin", "malformed"))?;
    let made = create_terminal_by(app, by, store_id, name, ONLINE).await?;
    // A terminal without the row has no shop: it makes no orders.
    let insert = sql("INSERT INTO online_shop (terminal_number, origin)
         SELECT terminal_number, $1 FROM terminal WHERE terminal_id = $2");
    app.stores.registry.execute(insert.bind(origin).bind(&made.terminal_id)).await?;
    Ok(made)
}

/// Where the pages of a terminal's shop are.
pub(super) async fn origin_of(registry: &Db, terminal_number: i64) -> Result<Option<String>> {
    let query = sql("SELECT origin FROM online_shop WHERE terminal_number = $1");
    let row = registry.optional(query.bind(terminal_number)).await?;
    Ok(row.map(|row| row.text("origin")).transpose()?)
}
