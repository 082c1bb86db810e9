//! Those who collect from many (府令23条の3第1項1号): seen, flagged for staff, and in the end refused
//! by the windows of [`super::limits::taking`].

use omamori_db::sql;
use serde_json::json;

use crate::app::App;
use crate::case::{self, CaseKind, NewCase, Opener};
use crate::gate::windows::Class;
use crate::id::Kind;
use crate::identity::account::Account;
use crate::web::error::Result;

/// Looks at a customer who has just received, and raises what is to be raised. Each reason is
/// raised once until staff close it.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn look(app: &App, receiver: &Account) -> Result<()> {
    let set = &app.config.limits.sending;
    let yen = app.gate.used(receiver.wallet_account, Class::Receive);
    let senders = app.gate.used(receiver.wallet_account, Class::Senders);
    let reasons = [
        ("received_24h", yen.in_24h, set.review_received_24h),
        ("received_30d", yen.in_30d, set.review_received_30d),
        ("senders_24h", senders.in_24h, set.review_senders_24h),
        ("senders_30d", senders.in_30d, set.review_senders_30d),
    ];
    for (reason, found, threshold) in reasons {
        if found >= threshold {
            raise(app, &receiver.customer_id, reason, found).await?;
        }
    }
    Ok(())
}

async fn raise(app: &App, customer_id: &str, reason: &'static str, found: i64) -> Result<()> {
    let insert = sql("INSERT INTO review_flag (flag_id, customer_id, reason, raised_at)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (customer_id, reason) WHERE closed_at IS NULL DO NOTHING");
    let flag_id = Kind::ReviewFlag.random_text(app.rng.as_ref());
    let insert = insert.bind(&flag_id).bind(customer_id).bind(reason).bind(app.clock.now());
    let mut tx = app.stores.registry.begin().await?;
    if tx.execute(insert).await? == 1 {
        let new = NewCase {
            kind: CaseKind::Collecting,
            key: &flag_id,
            customer_id: Some(customer_id),
            store_id: None,
            subjects: std::slice::from_ref(&flag_id),
            amount: reason.starts_with("received").then_some(found),
            decision_id: None,
            opener: Opener::Rule(reason),
            evidence: &json!({ "reason": reason, "found": found }),
        };
        case::open(app, &mut tx, &new).await?;
        tx.commit().await?;
        tracing::warn!(flag_id, reason, found, "a customer collects from many: to be looked at");
    }
    Ok(())
}
