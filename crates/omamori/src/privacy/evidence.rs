//! A customer's lines in the evidence: found, and scrubbed.
//!
//! Decisions are many to a row and have no index by customer, for that would cost more than the
//! payments they explain. So the rows of a week are looked through at a time: rare, beside the
//! requests, and never more than a week at once in memory.

use omamori_db::{Db, Row, sql};
use serde_json::Value;

use crate::clock::{DAY, Micros};
use crate::gate::evidence::RETENTION;
use crate::gate::seal::{SealKey, Sealed};
use crate::web::error::{Error, Result};

/// Looked through at once.
pub(super) const STEP: Micros = 7 * DAY;

/// A row may begin so much before a decision in it; far more than it ever is.
pub(super) const BATCH_SPAN: Micros = DAY;

/// What explains only who sat where, and no yen.
const WHO_AND_WHERE: [&str; 2] = ["ip", "session"];

/// The decisions about a customer that were written in a step from `from` on, in order.
pub(super) async fn decisions(db: &Db, customer_id: &str, from: Micros) -> Result<Vec<Value>> {
    let mut found = Vec::new();
    for row in batches(db, customer_id, from).await? {
        for line in row.text("body")?.lines() {
            let decision: Value = serde_json::from_str(line)?;
            if decision["customer"] == customer_id {
                found.push(decision);
            }
        }
    }
    Ok(found)
}

async fn batches(db: &Db, customer_id: &str, from: Micros) -> Result<Vec<Row>> {
    let query =
        sql("SELECT node, first_number, last_number, first_at, last_at, delete_after, body,
             previous_hash, body_hash, hash, scrub_seal FROM decision_batch
         WHERE first_at >= $1 AND first_at < $2 AND body LIKE $3 ORDER BY first_at");
    let query = query.bind(from).bind(from + STEP).bind(format!("%{customer_id}%"));
    Ok(db.all(query).await?)
}

/// Takes what is personal out of the decisions about a customer in a step from `from` on.
pub(super) async fn scrub(db: &Db, key: &SealKey, customer_id: &str, from: Micros) -> Result<()> {
    for row in batches(db, customer_id, from).await? {
        let body = row.text("body")?;
        let mut scrubbed = String::with_capacity(body.len());
        for line in body.lines() {
            match serde_json::from_str::<Value>(line)? {
                decision if decision["customer"] == customer_id => {
                    scrubbed.push_str(&without_person(decision).to_string());
                }
                _ => scrubbed.push_str(line),
            }
            scrubbed.push('\n');
        }
        if scrubbed != body {
            // Guarded by what was read: another closing may be at work on the same row, and what
            // it took out must not come back. It comes again with the next round.
            let before = Sealed::read(&row)?;
            // A body that somebody changed is scrubbed too, and does not get a seal for it.
            let seal = if before.has_no_seal() || !key.holds_body(&before) {
                before.scrub_seal
            } else {
                key.scrub_seal(before.node, before.first, &before.body_hash, &scrubbed).to_vec()
            };
            let update = sql("UPDATE decision_batch SET body = $1, scrub_seal = $2
                 WHERE node = $3 AND first_number = $4 AND body = $5");
            let update = update.bind(scrubbed).bind(seal).bind(before.node).bind(before.first);
            let update = update.bind(body);
            if db.execute(update).await? != 1 {
                return Err(Error::fault("a decision batch changed meanwhile"));
            }
        }
    }
    Ok(())
}

/// What the books need stays: act, verdict, amounts, the store's own ids, under the customer's id.
fn without_person(mut decision: Value) -> Value {
    let moves_money = !decision["amount"].is_null();
    if let Some(members) = decision.as_object_mut() {
        members.remove("device");
        if !moves_money {
            members.insert("detail".to_owned(), Value::Object(serde_json::Map::new()));
        }
    }
    if let Some(detail) = decision["detail"].as_object_mut() {
        for name in WHO_AND_WHERE {
            detail.remove(name);
        }
    }
    decision
}

/// Takes the bodies away that are past their time, of rows that stay for the chain.
pub(super) async fn empty(db: &Db, now: Micros, limit: i64) -> omamori_db::Result<u64> {
    let update = sql("UPDATE decision_batch SET body = '' WHERE (node, first_number) IN
         (SELECT node, first_number FROM decision_batch
          WHERE first_at < $1 AND delete_after < $2 AND body <> '' LIMIT $3)");
    db.execute(update.bind(now - RETENTION).bind(now).bind(limit)).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_sale_stays_and_the_person_goes() {
        let sale = json!({ "act": "payment", "customer": "cus_1", "device": "dev_1", "amount": 5,
            "detail": { "store_id": "sto_1", "ip": "192.0.2.1" } });
        let kept = json!({ "act": "payment", "customer": "cus_1", "amount": 5,
            "detail": { "store_id": "sto_1" } });
        assert_eq!(without_person(sale), kept);
        let signin = json!({ "act": "sign_in", "customer": "cus_1", "device": "dev_1",
            "detail": { "ip": "192.0.2.1", "name": "花子" } });
        let kept = json!({ "act": "sign_in", "customer": "cus_1", "detail": {} });
        assert_eq!(without_person(signin), kept);
    }
}
