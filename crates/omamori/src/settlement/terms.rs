//! On which terms a merchant is settled.

use omamori_db::sql;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::calendar::Calendar;
use super::settings::Rounding;
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::gate::Act;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Hundredths of a percent in a whole.
pub(super) const BASIS_POINTS: i64 = 10_000;

/// Terms of a merchant.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Terms {
    /// How often.
    pub calendar: Calendar,
    /// The fee of sales less refunds, in hundredths of a percent. Tax comes on top.
    pub fee_basis_points: i64,
    /// Kept to the next settlement for refunds: of sales less refunds, in hundredths of a percent.
    pub holdback_basis_points: i64,
    /// And so many yen.
    pub holdback_yen: i64,
}

impl Terms {
    /// The fee on net sales, and the tax on it; below zero when refunds were more than sales.
    #[must_use]
    pub fn fee(&self, net_sales: i64, tax_percent: i64, rounding: Rounding) -> (i64, i64) {
        let fee = Rounding::Down.share(net_sales, self.fee_basis_points, BASIS_POINTS);
        (fee, rounding.share(fee, tax_percent, 100))
    }

    /// Refuses what is out of range.
    ///
    /// # Errors
    /// The field.
    pub fn check(&self) -> Result<()> {
        for (field, value, max) in [
            ("fee_basis_points", self.fee_basis_points, 5_000),
            ("holdback_basis_points", self.holdback_basis_points, 10_000),
            ("holdback_yen", self.holdback_yen, 1_000_000_000),
        ] {
            if !(0..=max).contains(&value) {
                return Err(Error::field(field, "out_of_range"));
            }
        }
        Ok(())
    }
}

/// A merchant's terms: its own, or the operator's.
///
/// # Errors
/// A fault if the registry fails.
pub async fn of(app: &App, merchant_id: &str) -> Result<Terms> {
    let query = sql("SELECT terms FROM settlement_terms WHERE merchant_id = $1").bind(merchant_id);
    Ok(match app.stores.registry.optional(query).await? {
        Some(row) => serde_json::from_str(&row.text("terms")?)?,
        None => app.config.settlement.terms,
    })
}

/// Gives a merchant terms of its own, from the next statement on.
///
/// # Errors
/// Terms out of range; no such merchant; a fault.
pub async fn set(app: &App, actor: &Actor, merchant_id: &str, terms: Terms) -> Result<()> {
    terms.check()?;
    exists(app, merchant_id).await?;
    let before = of(app, merchant_id).await?;
    let about = json!({ "merchant": merchant_id, "terms": terms });
    let clearance = actor.decide(app, Act::SettlementTerms, None, &about, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let upsert = sql("INSERT INTO settlement_terms (merchant_id, terms, changed_at)
         VALUES ($1, $2, $3) ON CONFLICT (merchant_id)
         DO UPDATE SET terms = excluded.terms, changed_at = excluded.changed_at");
    let upsert = upsert.bind(merchant_id).bind(serde_json::to_string(&terms)?);
    tx.execute(upsert.bind(app.clock.now())).await?;
    let entry = Entry {
        actor,
        act: Act::SettlementTerms,
        subject: merchant_id,
        before: serde_json::to_value(before)?,
        after: serde_json::to_value(terms)?,
        reason: "",
    };
    audit::commit(app, tx, &clearance, &entry).await
}

/// Whether there is such a merchant.
///
/// # Errors
/// [`Code::NotFound`]; a fault.
pub(super) async fn exists(app: &App, merchant_id: &str) -> Result<()> {
    let query = sql("SELECT merchant_id FROM merchant WHERE merchant_id = $1").bind(merchant_id);
    app.stores.registry.optional(query).await?.ok_or(Code::NotFound)?;
    Ok(())
}
