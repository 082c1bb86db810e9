//! Attacks by merchants and with their registers' keys.

use serde_json::{Value, json};

use super::super::file::Params;
use super::super::world::{Whose, World, till};
use crate::player::Failure;

/// Payments of another merchant: read, refunded, canceled, sold again under their ids.
pub(super) async fn reach_into_other_merchant(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let amount = params.int("amount", 2_000);
    let bought = world.buy((Whose::Victim, 0), (0, amount)).await?;
    let rival = world.stage.rival.clone().ok_or(Failure::NotUnderstood("a second merchant"))?;
    let id = world.id("refund");
    let refund = json!({ "merchant_refund_id": id, "merchant_payment_id": bought,
        "amount": amount });
    for (path, body) in [
        (format!("/payments/{bought}"), Value::Null),
        ("/refunds".to_owned(), refund),
        (format!("/orders/{bought}"), Value::Null),
        (format!("/refunds/{bought}"), Value::Null),
        (format!("/topups/{bought}"), Value::Null),
    ] {
        let request = till(&rival, &path, &body);
        world.refused(&format!("{path} of another merchant"), &request).await?;
    }
    Ok(())
}

/// A key that was stolen and revoked, one that is nobody's, and none.
pub(super) async fn use_revoked_key(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let (code, id) = (world.code(Whose::Victim, 0)?, world.id("theft"));
    let sale = json!({ "merchant_payment_id": id, "code": code, "amount": 3_000 });
    let revoked = world.stage.revoked.clone().unwrap_or_default();
    let almost = world.stage.registers[0].clone();
    let almost = format!("{}A", almost.get(..almost.len() - 1).unwrap_or_default());
    for key in [revoked.as_str(), almost.as_str(), "omk_", "", "' OR 1=1 --"] {
        for (path, body) in [
            ("/payments", sale.clone()),
            ("/payments", Value::Null),
            ("/topups", json!({ "merchant_topup_id": id, "code": code, "amount": 1_000 })),
            (
                "/refunds",
                json!({ "merchant_refund_id": id, "merchant_payment_id": id,
                "amount": 1 }),
            ),
            ("/products", Value::Null),
        ] {
            world.refused("a key that is none was let in", &till(key, path, &body)).await?;
        }
    }
    Ok(())
}

/// Cash that nobody paid in: a register's requests with another merchant's codes, with a sale's
/// id, in odd units.
pub(super) async fn forge_cash(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let bought = world.buy((Whose::Thief, 0), (0, 500)).await?;
    for amount in [1, 999, 1_001, 50_000, 49_001, 1_000_000] {
        let (code, id) = (world.actor(Whose::Thief, 0).phone.last_code()?, world.id("cash"));
        let body = json!({ "merchant_topup_id": id, "code": code.to_string(), "amount": amount });
        let request = world.till(0, "/topups", &body);
        world.refused("cash that cannot be was taken", &request).await?;
    }
    let request = world.till(0, &format!("/topups/{bought}"), &Value::Null);
    world.refused("a sale is cash", &request).await
}
