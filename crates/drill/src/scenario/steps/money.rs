//! Attacks on amounts, limits and balances.

use serde_json::{Value, json};

use super::super::file::Params;
use super::super::world::{Whose, World};
use crate::player::{Failure, expect_ok};

/// The largest balance that a wallet may hold by the default settings, in yen.
pub(super) const BALANCE_MAX: i64 = 100_000;

/// The register's request again, under its id, with another amount.
pub(super) async fn change_amount_of_retry(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let amount = params.int("amount", 1_000);
    let (code, id) = (world.code(Whose::Victim, 0)?, world.id("own"));
    let body = json!({ "merchant_payment_id": id, "code": code, "amount": amount });
    expect_ok("/payments", &world.register(0, "/payments", &body).await?)?;
    world.actor(Whose::Victim, 0).yen -= amount;
    for other in [amount * 5, 1, amount - 1] {
        let body = json!({ "merchant_payment_id": id, "code": code, "amount": other });
        let request = world.till(0, "/payments", &body);
        world.refused("one id paid two amounts", &request).await?;
        let cash = json!({ "merchant_topup_id": id, "code": code, "amount": 1_000 });
        let request = world.till(0, "/topups", &cash);
        world.refused("a payment became cash", &request).await?;
    }
    Ok(())
}

/// Amounts that are none.
fn odd() -> Vec<Value> {
    let mut all = vec![json!(0), json!(-1), json!(-3_000), json!(i64::MIN), json!(i64::MAX)];
    all.extend([json!(u64::MAX), json!(0.5), json!(1e300), json!("1000"), json!(null), json!([1])]);
    all.extend([json!(4_294_967_297_i64), json!(9_007_199_254_740_993_i64), json!(true)]);
    all
}

/// Negative, overflowing and malformed amounts, wherever an amount is taken.
pub(super) async fn odd_amounts(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let bought = world.buy((Whose::Thief, 0), (0, 500)).await?;
    for amount in odd() {
        let code = world.actor(Whose::Thief, 0).phone.last_code()?.to_string();
        let (sale, cash, order) = (world.id("odd"), world.id("odd"), world.id("odd"));
        let refund = world.id("odd");
        for (path, body) in [
            ("/payments", json!({ "merchant_payment_id": sale, "code": code, "amount": amount })),
            ("/topups", json!({ "merchant_topup_id": cash, "code": code, "amount": amount })),
            ("/orders", json!({ "merchant_payment_id": order, "amount": amount })),
            (
                "/refunds",
                json!({ "merchant_refund_id": refund, "merchant_payment_id": bought,
                "amount": amount }),
            ),
        ] {
            let request = world.till(0, path, &body);
            world.refused(&format!("{path} took {amount}"), &request).await?;
        }
        let send = json!({ "client_send_id": sale, "amount": amount, "to": { "kind": "link" } });
        let topup = json!({ "request_id": format!("{sale}-request"), "card_id": "crd_1",
            "amount": amount });
        let points = json!({ "conversion_id": sale, "points": amount });
        for (path, body) in
            [("/sends/options", send), ("/topups/card/options", topup), ("/points/convert", points)]
        {
            let request = world.ready((Whose::Thief, 0), "POST", path, &body);
            world.refused(&format!("{path} took {amount}"), &request).await?;
        }
    }
    Ok(())
}

/// Numbers as only some readers of JSON take them: with exponents, fractions, signs and zeros in
/// front, as texts, in wide digits, beyond 64 bits, twice.
const TRICKS: [&str; 16] = [
    "1e3",
    "1E+3",
    "1000.0",
    "1000.0000000000000000000000001",
    "-0",
    "+1000",
    "01000",
    "0x3e8",
    "1_000",
    "NaN",
    "Infinity",
    "\"1000\"",
    "\u{ff11}\u{ff10}\u{ff10}\u{ff10}",
    "18446744073709552616",
    "1000,\"amount\":1",
    "1,\"\\u0061mount\":1000",
];

/// The same amount to one reader and another to the next.
pub(super) async fn trick_numbers(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let bought = world.buy((Whose::Thief, 0), (0, 500)).await?;
    let code = world.actor(Whose::Thief, 0).phone.last_code()?.to_string();
    for trick in TRICKS {
        let id = world.id("trick");
        for (path, rest) in [
            ("/payments", format!("\"merchant_payment_id\":\"{id}\",\"code\":\"{code}\"")),
            ("/topups", format!("\"merchant_topup_id\":\"{id}\",\"code\":\"{code}\"")),
            ("/orders", format!("\"merchant_payment_id\":\"{id}\"")),
            (
                "/refunds",
                format!("\"merchant_refund_id\":\"{id}\",\"merchant_payment_id\":\"{bought}\""),
            ),
        ] {
            let mut request = world.till(0, path, &json!({}));
            request.body = format!("{{{rest},\"amount\":{trick}}}").into_bytes();
            world.refused(&format!("{path} took {trick}"), &request).await?;
        }
        let mut request = world.ready((Whose::Thief, 0), "POST", "/sends/options", &json!({}));
        let send = format!(
            "{{\"client_send_id\":\"{id}\",\"to\":{{\"kind\":\"link\"}},\"amount\":{trick}}}"
        );
        request.body = send.into_bytes();
        world.refused(&format!("a send took {trick}"), &request).await?;
    }
    Ok(())
}

/// Orders of a register that one customer can pay, each of so many yen.
async fn orders(world: &mut World<'_>, count: usize, amount: i64) -> Result<Vec<String>, Failure> {
    let mut orders = Vec::with_capacity(count);
    for _ in 0..count {
        let id = world.id("order");
        let body = json!({ "merchant_payment_id": id, "amount": amount });
        let made = expect_ok("/orders", &world.register(0, "/orders", &body).await?)?;
        orders.push(made["order"]["order_id"].as_str().unwrap_or_default().to_owned());
    }
    Ok(orders)
}

/// One balance is spent many times at one time.
pub(super) async fn race_balance(world: &mut World<'_>, params: Params<'_>) -> Result<(), Failure> {
    let (count, amount) = (params.count("at_once", 16), params.int("amount", 1_500));
    let held = world.balance(Whose::Thief, 0).await?;
    let orders = orders(world, count, amount).await?;
    let pay = json!({ "request": { "amount": amount }, "proof": null });
    let requests = orders
        .iter()
        .map(|id| world.ready((Whose::Thief, 0), "POST", &format!("/orders/{id}/pay"), &pay))
        .collect();
    let replies = world.at_once(requests).await?;
    let paid = replies.iter().filter(|reply| reply.is_ok()).count();
    let goods = amount * i64::try_from(paid).unwrap_or(i64::MAX);
    world.tally.goods += goods;
    if goods > held {
        world.breach("more was spent than there was");
    }
    Ok(())
}

/// Cash at many registers at one time, to pass the largest balance.
pub(super) async fn race_limits(world: &mut World<'_>, params: Params<'_>) -> Result<(), Failure> {
    let (count, amount) = (params.count("at_once", 4), params.int("amount", 49_000));
    let mut requests = Vec::new();
    for store in 0..count.min(4) {
        let (code, id) = (world.code(Whose::Thief, 0)?, world.id("cash"));
        let body = json!({ "merchant_topup_id": id, "code": code, "amount": amount });
        requests.push(world.till(store, "/topups", &body));
    }
    let taken = world.at_once(requests).await?.iter().filter(|reply| reply.is_ok()).count();
    world.tally.paid_in += amount * i64::try_from(taken).unwrap_or_default();
    if world.balance(Whose::Thief, 0).await? > BALANCE_MAX {
        world.breach("a wallet holds more than is allowed");
    }
    Ok(())
}

/// Cash in, spend it, and have the cash back from a clerk who cancels.
pub(super) async fn spend_canceled_cash(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let amount = params.int("amount", 5_000);
    let (code, id) = (world.code(Whose::Thief, 0)?, world.id("cash"));
    let body = json!({ "merchant_topup_id": id, "code": code, "amount": amount });
    expect_ok("/topups", &world.register(0, "/topups", &body).await?)?;
    world.tally.paid_in += amount;
    let held = world.balance(Whose::Thief, 0).await?;
    world.buy((Whose::Thief, 0), (1, held)).await?;
    let request = world.till(0, &format!("/topups/{id}/cancel"), &Value::Null);
    let reply = world.attack(&request).await?;
    if reply.is_ok() {
        world.tally.paid_in -= amount; // the clerk hands the cash back
        world.breach("cash that was spent was handed back");
    }
    Ok(())
}

/// A sale that was canceled because no answer came arrives late, and is sent again and again.
pub(super) async fn late_sale_after_cancel(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let (code, id) = (world.code(Whose::Victim, 0)?, world.id("late"));
    let cancel = world.till(0, &format!("/payments/{id}/cancel"), &Value::Null);
    expect_ok("/cancel", &world.http.ask(&cancel).await?)?;
    let body = json!({ "merchant_payment_id": id, "code": code,
        "amount": params.int("amount", 3_000) });
    for store in [0, 1, 0] {
        let request = world.till(store, "/payments", &body);
        world.refused("a canceled sale was made", &request).await?;
    }
    Ok(())
}

/// The owner stopped the account; whoever holds the phone goes on.
pub(super) async fn pay_from_stopped_account(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let amount = params.int("amount", 3_000);
    let stopped = world.post((Whose::Victim, 0), "/account/stop", &json!({})).await?;
    if !stopped.is_ok() {
        return Err(Failure::Refused { path: "/account/stop".to_owned(), code: stopped.code() });
    }
    for store in 0..2 {
        let (code, id) = (world.code(Whose::Victim, 0)?, world.id("theft"));
        let body = json!({ "merchant_payment_id": id, "code": code, "amount": amount });
        let request = world.till(store, "/payments", &body);
        world.refused("a stopped account paid", &request).await?;
    }
    let orders = orders(world, 1, amount).await?;
    let pay = json!({ "request": { "amount": amount }, "proof": null });
    let path = format!("/orders/{}/pay", orders[0]);
    let request = world.ready((Whose::Victim, 0), "POST", &path, &pay);
    world.refused("a stopped account paid an order", &request).await?;
    let send = json!({ "client_send_id": orders[0], "amount": amount, "to": { "kind": "link" } });
    let reply = world.confirmed((Whose::Victim, 0), "/sends", &send).await?;
    world.note(&reply);
    world.must_refuse("a stopped account sent", &reply);
    Ok(())
}
