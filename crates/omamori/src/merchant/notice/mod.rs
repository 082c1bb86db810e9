//! What a merchant's people are told: a row in the transaction of what happened ([`tell`]), read at
//! `/merchant/notices` and passed on by e-mail to who confirmed an address there.
//!
//! What always holds: what concerns security cannot be switched off and goes to replaced addresses
//! too, for seven days; no notice has a link or a secret; names that others chose cannot become an
//! address to tap on.

mod contact;
mod kind;
mod outbox;
mod page;

use omamori_db::{Tx, sql};
use serde_json::{Value, json};

pub(super) use contact::{end_with, has_address};
pub use kind::{MerchantNotice, Topic};
pub use outbox::{deliver_due, start};
pub use page::router;

use crate::app::App;
use crate::id::Kind;
use crate::web::error::{Error, Result};

/// Tells a merchant of what happened, in the transaction in which it does. `by` is who did it: the
/// name of a `mus_…` of the merchant is shown, anybody else is the operator.
///
/// # Errors
/// A fault if the registry fails.
pub async fn tell(
    app: &App,
    tx: &mut Tx,
    merchant_id: &str,
    by: &str,
    notice: &MerchantNotice,
) -> Result<()> {
    write(app, tx, (Some(merchant_id), None), by, notice).await
}

/// The same; `about` is whom it concerns, who is told whatever the role.
///
/// # Errors
/// A fault if the registry fails.
pub async fn tell_about(
    app: &App,
    tx: &mut Tx,
    (merchant_id, about): (&str, &str),
    by: &str,
    notice: &MerchantNotice,
) -> Result<()> {
    write(app, tx, (Some(merchant_id), Some(about)), by, notice).await
}

/// Tells every merchant.
///
/// # Errors
/// A fault if the registry fails.
pub async fn tell_all(app: &App, tx: &mut Tx, notice: &MerchantNotice) -> Result<()> {
    write(app, tx, (None, None), "", notice).await
}

async fn write(
    app: &App,
    tx: &mut Tx,
    (merchant_id, about): (Option<&str>, Option<&str>),
    by: &str,
    notice: &MerchantNotice,
) -> Result<()> {
    let (kind, params) = kept(notice)?;
    let insert = sql("INSERT INTO merchant_notice
             (notice_id, merchant_id, merchant_user_id, kind, params, by_name, at)
         VALUES ($1, $2, $3, $4, $5,
             COALESCE((SELECT name FROM merchant_user
                 WHERE merchant_user_id = $6 AND merchant_id = $2), ''), $7)");
    let insert = insert.bind(Kind::MerchantNotice.random_text(app.rng.as_ref()));
    let insert = insert.bind(merchant_id).bind(about).bind(kind).bind(params).bind(by);
    tx.execute(insert.bind(app.clock.now())).await?;
    Ok(())
}

/// The kind and the parameters, as the table has them.
fn kept(notice: &MerchantNotice) -> Result<(String, String)> {
    let mut kept = serde_json::to_value(notice)?;
    let params = kept["params"].take().to_string();
    match kept["kind"].take() {
        Value::String(kind) => Ok((kind, params)),
        _ => Err(Error::fault("a notice has no kind")),
    }
}

/// The same; none if this version knows no such notice. Nothing is logged: who waits for a newer
/// version looks each second.
fn known(kind: &str, params: &str) -> Option<MerchantNotice> {
    read(kind, params).ok()
}

/// The notice of a kind and parameters in the table.
fn read(kind: &str, params: &str) -> Result<MerchantNotice> {
    let params: Value = serde_json::from_str(params)?;
    Ok(serde_json::from_value(json!({ "kind": kind, "params": params }))?)
}
