//! Attacks by many requests at one time, through several doors.

use serde_json::{Value, json};

use super::super::file::Params;
use super::super::world::{Whose, World};
use super::money::BALANCE_MAX;
use crate::player::{Failure, Phone, expect_ok};

/// One payment is given back by registers of both stores, in parts, and canceled, all at one time.
pub(super) async fn race_refunds(world: &mut World<'_>, params: Params<'_>) -> Result<(), Failure> {
    let (amount, at_once) = (params.int("amount", 3_000), params.count("at_once", 12));
    let bought = world.buy((Whose::Thief, 0), (0, amount)).await?;
    let before = world.balance(Whose::Thief, 0).await?;
    let part = amount / 3;
    let mut requests = Vec::new();
    for place in 0..at_once {
        let id = world.id("refund");
        let body =
            json!({ "merchant_refund_id": id, "merchant_payment_id": bought, "amount": part });
        requests.push(world.till(place, "/refunds", &body));
        if place % 4 == 3 {
            let path = format!("/payments/{bought}/cancel");
            requests.push(world.till(place, &path, &Value::Null));
        }
    }
    world.at_once(requests).await?;
    let back = world.balance(Whose::Thief, 0).await? - before;
    world.tally.goods -= back.min(amount); // the goods went back
    if back > amount {
        world.breach(&format!("of ¥{amount} that were paid ¥{back} came back"));
    } else {
        world.stopped("given_back_once");
    }
    Ok(())
}

/// What many sent to one wallet is taken at one time, to pass the largest balance.
pub(super) async fn race_into_mule(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let amount = params.int("amount", 20_000);
    let mule = Phone::telephone(world.actor(Whose::Thief, 0).phone.number());
    let mut takes = Vec::new();
    for place in 1..world.thieves.len() {
        let id = world.id("mule");
        let body = json!({ "client_send_id": id, "amount": amount,
            "to": { "kind": "phone", "phone": mule, "name": "" } });
        let sent = world.confirmed((Whose::Thief, place), "/sends", &body).await?;
        let sent = expect_ok("/sends", &sent)?;
        let send = sent["send"]["send_id"].as_str().unwrap_or_default();
        let path = format!("/sends/{send}/take");
        takes.push(world.ready((Whose::Thief, 0), "POST", &path, &json!({})));
    }
    world.at_once(takes).await?;
    if world.balance(Whose::Thief, 0).await? > BALANCE_MAX {
        world.breach("a mule holds more than is allowed");
    }
    Ok(())
}

/// A customer's own limit, dodged: by codes at all registers and orders at one time, and by a
/// raise that is to hold at once.
pub(super) async fn dodge_own_limit(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let (limit, amount) = (params.int("limit", 3_000), params.int("amount", 2_000));
    let who = (Whose::Thief, 0);
    let lower = json!({ "limit": "payment_24h", "yen": limit });
    expect_ok("/limits/lower", &world.post(who, "/limits/lower", &lower).await?)?;
    let higher = json!({ "limit": "payment_24h", "yen": null });
    let other = json!({ "limit": "send_24h", "yen": null });
    // The finger is given for a raise of another limit, and by somebody else.
    let origin = world.server().origin.clone();
    let mut burner = world.burner();
    for (offered, is_own) in [(&other, true), (&higher, false)] {
        let offer = world.post(who, "/limits/raise/options", offered).await?;
        let offer = expect_ok("/limits/raise/options", &offer)?;
        let own = &mut world.actor(who.0, who.1).phone;
        let phone = if is_own { own } else { &mut burner };
        let passkey = phone.passkey_on(&origin, &offer);
        let body = json!({ "request": higher, "proof": { "passkey": passkey } });
        let request = world.ready(who, "POST", "/limits/raise", &body);
        world.refused("a limit was raised without its owner's finger", &request).await?;
    }
    // With it, it is raised a day later.
    expect_ok("/limits/raise", &world.confirmed(who, "/limits/raise", &higher).await?)?;
    let mut requests = Vec::new();
    for store in 0..4 {
        let (code, id) = (world.code(Whose::Thief, 0)?, world.id("buy"));
        let body = json!({ "merchant_payment_id": id, "code": code, "amount": amount });
        requests.push(world.till(store, "/payments", &body));
        let id = world.id("order");
        let body = json!({ "merchant_payment_id": id, "amount": amount });
        let made = expect_ok("/orders", &world.register(store, "/orders", &body).await?)?;
        let order = made["order"]["order_id"].as_str().unwrap_or_default();
        let pay = json!({ "request": { "amount": amount }, "proof": null });
        requests.push(world.ready(who, "POST", &format!("/orders/{order}/pay"), &pay));
    }
    let paid = world.at_once(requests).await?.iter().filter(|reply| reply.is_ok()).count();
    let paid = amount * i64::try_from(paid).unwrap_or(i64::MAX);
    world.tally.goods += paid;
    if paid > limit {
        world.breach(&format!("¥{paid} were paid under a limit of ¥{limit}"));
    }
    Ok(())
}
