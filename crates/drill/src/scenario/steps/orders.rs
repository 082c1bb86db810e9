//! Attacks on what the customer scans.

use serde_json::{Value, json};

use super::super::file::Params;
use super::super::world::{Whose, World, till};
use crate::player::{Failure, expect_ok};

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// An order is paid with another amount than the store asked for, by a tap and without one.
pub(super) async fn change_amount_of_order(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let amount = params.int("amount", 5_000);
    let id = world.id("order");
    let body = json!({ "merchant_payment_id": id, "amount": amount });
    let made = expect_ok("/orders", &world.register(0, "/orders", &body).await?)?;
    let path = format!("/orders/{}/pay", text(&made["order"]["order_id"]));
    for other in [1, amount - 1, -amount] {
        let pay = json!({ "request": { "amount": other }, "proof": null });
        let request = world.ready((Whose::Thief, 0), "POST", &path, &pay);
        world.refused("an order was paid with another amount", &request).await?;
    }
    let status = world.till(0, &format!("/orders/{id}"), &Value::Null);
    let status = expect_ok("/orders", &world.http.ask(&status).await?)?;
    if status["order"]["status"] != "open" {
        world.tally.goods += amount;
        world.breach("the register thinks that it was paid");
    }
    Ok(())
}

/// A sticker over the store's QR: texts of a store's code that were changed, and a code of another
/// merchant's store. The first must not be read; of the second the customer must see the name.
pub(super) async fn swap_sticker(world: &mut World<'_>, params: Params<'_>) -> Result<(), Failure> {
    let amount = params.int("amount", 3_000);
    let id = world.id("order");
    let body = json!({ "merchant_payment_id": id, "amount": amount });
    let made = expect_ok("/orders", &world.register(0, "/orders", &body).await?)?;
    let qr = text(&made["order"]["qr_text"]);
    let digits = amount.to_string();
    let mut forged = vec![
        qr.replacen(&digits, &"1".repeat(digits.len()), 1),
        format!("{}0000", qr.get(..qr.len().saturating_sub(4)).unwrap_or_default()),
        format!("{qr}{qr}"),
        qr.get(..qr.len() / 2).unwrap_or_default().to_owned(),
        "https://thief.example/pay".to_owned(),
        format!("{}/orders/1#", world.server().origin),
    ];
    forged.retain(|text| *text != qr);
    for text in forged {
        let body = json!({ "text": text });
        let request = world.ready((Whose::Victim, 0), "POST", "/store-codes/look", &body);
        world.refused("a changed code was read", &request).await?;
    }
    let Some(rival) = &world.stage.rival else { return Ok(()) };
    let id = world.id("order");
    let body = json!({ "merchant_payment_id": id, "amount": amount });
    let other = expect_ok("/orders", &world.http.ask(&till(rival, "/orders", &body)).await?)?;
    let qr = text(&other["order"]["qr_text"]);
    let look = world.post((Whose::Victim, 0), "/store-codes/look", &json!({ "text": qr })).await?;
    let found = expect_ok("/store-codes/look", &look)?;
    world.tally.attempts += 1;
    let first = text(&made["order"]["order_id"]);
    if found["order"]["merchant_name"].as_str().is_none_or(str::is_empty)
        || found["order"]["order_id"] == first.as_str()
        || found["order"]["amount"] != amount
    {
        world.breach("the customer is not told whom they pay, and how much");
    } else {
        world.stopped("told_whom");
    }
    Ok(())
}
