//! What is to be seen when a case is opened, kept with it: the record of the decision, phones and
//! sessions as they were, and what the gate decided around it. Later nobody can change it, and
//! what has gone meanwhile is still there.

use omamori_db::{Db, sql};
use omamori_ledger::Transfer;
use omamori_paycode::code::{RefreshCount, STEP_SECONDS, TimeStep, authorization_id};
use serde_json::{Value, json};

use crate::app::App;
use crate::clock::{DAY, Micros, SECOND};
use crate::gate::evidence::DecisionId;
use crate::id::Kind;
use crate::identity::desk::number_of_device;
use crate::identity::devices::{devices, sessions};
use crate::pos::{micros, yen};
use crate::web::error::Result;
use crate::web::filters::rfc3339;

/// Decisions that are kept with a case.
const AROUND: usize = 60;
/// Steps before a payment whose code can have paid: the check takes one, clocks differ.
const STEPS_AROUND: u64 = 3;

/// The decision behind a transfer, `dec_…`.
#[must_use]
pub fn decision_of(transfer: &Transfer) -> String {
    Kind::Decision.text(DecisionId::of(transfer.user_data_128).to_u128())
}

/// What is to be seen of a customer, and of a transfer if the case is about one. Addresses of the
/// network are in it: it is for who may see evidence. To be taken *before* the transaction that
/// opens the case: that would hold a connection while this waits for others.
///
/// # Errors
/// A fault if a store fails.
pub async fn snapshot(app: &App, customer_id: &str, transfer: Option<&Transfer>) -> Result<Value> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let at = transfer.map_or(now, micros);
    let phones = devices(registry, customer_id).await?.into_iter().map(|device| {
        json!({
            "device": device.device_id, "name": device.name, "pays": device.active,
            "enrolled_at": rfc3339(device.enrolled_at),
            "last_used_at": rfc3339(device.last_used_at),
        })
    });
    let signed_in = sessions(registry, customer_id, now).await?.into_iter().map(|session| {
        json!({
            "session": session.session_id, "device": session.device_id,
            "since": rfc3339(session.created_at), "last_used_at": rfc3339(session.last_used_at),
        })
    });
    let mut snapshot = json!({
        "taken_at": rfc3339(now),
        "phones": phones.collect::<Vec<_>>(),
        "sessions": signed_in.collect::<Vec<_>>(),
        "around": around(app, customer_id, at).await?,
    });
    if let Some(transfer) = transfer {
        let record = app.gate.evidence(std::slice::from_ref(transfer)).await?.pop().flatten();
        let record = record.unwrap_or(Value::Null);
        if let Some(device_id) = record["device"].as_str() {
            snapshot["code"] = code(registry, device_id, transfer, at).await?;
        }
        snapshot["decision"] = record;
        snapshot["transfer"] = json!({
            "id": format!("{:032x}", transfer.id), "yen": yen(transfer), "at": rfc3339(at),
            "code": transfer.code, "terminal_number": transfer.user_data_64,
        });
        let accounts = [transfer.debit_account_id, transfer.credit_account_id];
        for account in accounts {
            if let Some(store) = app.merchants.store_by_account(account).await? {
                snapshot["store"] = json!({
                    "store": store.store_id, "name": store.name, "merchant": store.merchant_name,
                });
            }
        }
    }
    Ok(snapshot)
}

/// Which code paid: when its step began on the phone, and how often it had been renewed in it.
/// Found by trying the few that can have been; null if it was paid without a code.
async fn code(registry: &Db, device_id: &str, transfer: &Transfer, at: Micros) -> Result<Value> {
    let Some(device) = number_of_device(registry, device_id).await? else {
        return Ok(Value::Null);
    };
    let now = u64::try_from(at / SECOND).unwrap_or_default() / STEP_SECONDS;
    for step in (now.saturating_sub(STEPS_AROUND)..=now + 1).rev() {
        for renewed in (0..=u8::MAX).map_while(RefreshCount::new) {
            if authorization_id(device, TimeStep::new(step), renewed) == transfer.pending_id {
                let began = i64::try_from(step * STEP_SECONDS).unwrap_or_default() * SECOND;
                return Ok(json!({ "step_began": rfc3339(began), "renewed": renewed.get() }));
            }
        }
    }
    Ok(Value::Null)
}

/// The decisions of a day before and after, the newest first.
async fn around(app: &App, customer_id: &str, at: Micros) -> Result<Vec<Value>> {
    let found = app.gate.evidence_of(customer_id, at + DAY).await?;
    let near = |record: &Value| record["at"].as_i64().is_some_and(|when| when >= at - DAY);
    let records = found.records.into_iter().map(|(_, record)| record).filter(near);
    Ok(records.take(AROUND).collect())
}

/// The evidence of a case, as it was seen; null after the account was closed.
///
/// # Errors
/// A fault if the registry fails or the row is not as it was written.
pub async fn of(registry: &Db, case_id: &str) -> Result<Value> {
    let query = sql("SELECT evidence FROM case_file WHERE case_id = $1");
    let row = registry.one(query.bind(case_id)).await?;
    let text = row.text("evidence")?;
    Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
}
