//! Refunds of charges.

use serde_json::{Value, json};

use super::{Intent, World};
use crate::clock::Micros;

impl Intent {
    /// Whether all of it was refunded.
    pub(super) fn is_refunded(&self) -> bool {
        self.back.iter().map(|(_, yen)| yen).sum::<i64>() == self.amount
    }
}

impl World {
    /// Refunds all of a charge, or a part; or why not. A part is not refunded of what its holder
    /// has charged back.
    pub fn refund(
        &mut self,
        id: &str,
        (ours, yen): (&str, Option<i64>),
        now: Micros,
    ) -> Result<(), &'static str> {
        let Some(intent) = self.intents.get_mut(id) else { return Err("resource_missing") };
        let back: i64 = intent.back.iter().map(|(_, yen)| yen).sum();
        let is_disputed = intent.booked.iter().any(|(kind, ..)| *kind == "dispute");
        if yen.is_some() && is_disputed {
            return Err("charge_disputed");
        }
        let yen = yen.unwrap_or(intent.amount);
        if intent.status != "succeeded" || yen <= 0 || back + yen > intent.amount {
            return Err("charge_already_refunded");
        }
        intent.back.push((ours.to_owned(), yen));
        intent.booked.push(("refund", -yen, now));
        Ok(())
    }

    /// The refunds of a charge.
    pub fn refunds(&self, id: &str) -> Vec<Value> {
        let back = self.intents.get(id).map_or(&[][..], |intent| &intent.back);
        let one = |(n, (ours, yen)): (usize, &(String, i64))| refund_json(id, n, ours, *yen);
        back.iter().enumerate().map(one).collect()
    }
}

/// A refund, as it is listed.
fn refund_json(id: &str, number: usize, ours: &str, yen: i64) -> Value {
    json!({ "id": format!("{}_{number}", id.replace("pi_", "re_")), "object": "refund",
        "amount": yen, "payment_intent": id, "status": "succeeded",
        "metadata": { "refund_id": ours } })
}
