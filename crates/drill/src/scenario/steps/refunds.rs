//! Attacks by refunds.

use serde_json::{Value, json};

use super::super::file::Params;
use super::super::world::{Whose, World};
use crate::player::Failure;

/// A refund that names another wallet: by a code, by a customer, by a number.
pub(super) async fn refund_elsewhere(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let amount = params.int("amount", 2_000);
    let bought = world.buy((Whose::Victim, 0), (0, amount)).await?;
    let code = world.code(Whose::Thief, 0)?;
    let thief = world.actor(Whose::Thief, 0).phone.customer_id().to_owned();
    for (field, value) in
        [("code", &code), ("customer_id", &thief), ("to", &thief), ("wallet_account", &thief)]
    {
        let id = world.id("refund");
        let body = json!({ "merchant_refund_id": id, "merchant_payment_id": bought,
            "amount": amount, (field): value });
        let request = world.till(0, "/refunds", &body);
        world.refused("a refund took the name of another wallet", &request).await?;
    }
    Ok(())
}

/// More than was paid: at once, in parts, many at one time, and after a cancel.
pub(super) async fn refund_too_much(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let (amount, at_once) = (params.int("amount", 3_000), params.count("at_once", 16));
    let bought = world.buy((Whose::Thief, 0), (0, amount)).await?;
    let refund = |world: &mut World<'_>, yen: i64| {
        let id = world.id("refund");
        let body =
            json!({ "merchant_refund_id": id, "merchant_payment_id": bought, "amount": yen });
        world.till(0, "/refunds", &body)
    };
    for yen in [amount + 1, amount * 2, i64::MAX] {
        let request = refund(world, yen);
        world.refused("more was refunded than was paid", &request).await?;
    }
    let requests = (0..at_once).map(|_| refund(world, amount / 2)).collect();
    let replies = world.at_once(requests).await?;
    let made = i64::try_from(replies.iter().filter(|reply| reply.is_ok()).count()).unwrap_or(0);
    world.tally.goods -= made * (amount / 2); // the goods went back
    if made > 2 {
        world.breach("halves of a payment were refunded more than twice");
    }
    let request = world.till(0, &format!("/payments/{bought}/cancel"), &Value::Null);
    world.refused("a refunded payment was canceled", &request).await
}

/// A clerk refunds what customers bought long ago, hoping that it lands in the clerk's own wallet,
/// and cancels what was refunded.
pub(super) async fn clerk_refunds(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let (amount, times) = (params.int("amount", 1_000), params.count("times", 3));
    for time in 0..times {
        let bought = world.buy((Whose::Victim, time), (0, amount)).await?;
        let id = world.id("refund");
        let body = json!({ "merchant_refund_id": id, "merchant_payment_id": bought,
            "amount": amount });
        let request = world.till(1, "/refunds", &body);
        let reply = world.attack(&request).await?;
        if reply.is_ok() {
            world.actor(Whose::Victim, time).yen += amount; // it is the customer's, not the clerk's
        }
        let request = world.till(1, &format!("/payments/{bought}/cancel"), &Value::Null);
        world.refused("what was refunded was canceled too", &request).await?;
        let other = world.id("refund");
        let body = json!({ "merchant_refund_id": other, "merchant_payment_id": bought,
            "amount": 1 });
        let request = world.till(1, "/refunds", &body);
        world.refused("one yen more was refunded", &request).await?;
    }
    Ok(())
}
