//! Telling those who are asked, after the answer was given. A number without an account is told
//! nothing: an SMS that asks for money is what swindlers send.

use omamori_db::sql;

use crate::app::App;
use crate::identity::{account, standing};
use crate::notify::{Notice, tell};
use crate::send::block;
use crate::web::error::Result;

/// Tells all who were not told yet.
///
/// # Errors
/// A fault if the registry fails.
pub async fn tell_due(app: &App) -> Result<()> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let query = sql("SELECT request_id, asker_id, to_phone, wanted_yen FROM money_request
         WHERE told_at IS NULL AND canceled_at IS NULL AND expires_at > $1 AND to_phone IS NOT NULL
         ORDER BY created_at LIMIT CAST(50 AS BIGINT)");
    for row in registry.all(query.bind(now)).await? {
        let (request_id, asker_id) = (row.text("request_id")?, row.text("asker_id")?);
        let payer = standing::find(app, &row.text("to_phone")?).await?;
        let asker = account::find(registry, &asker_id).await?;
        let hears = match &payer {
            Some(payer) => !block::stands(registry, payer, &asker_id).await?,
            None => false,
        };
        let mut tx = registry.begin().await?;
        let mark =
            sql("UPDATE money_request SET told_at = $1 WHERE request_id = $2 AND told_at IS NULL");
        let mine = tx.execute(mark.bind(now).bind(request_id)).await? == 1;
        if let Some(payer) = payer
            && mine
            && hears
        {
            let (amount, from) = (row.int("wanted_yen")?, (&asker.phone).into());
            tell(app, &mut tx, &payer, &Notice::MoneyRequested { amount, from }).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
