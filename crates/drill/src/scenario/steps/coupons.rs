//! Attacks on coupons and gifts.

use serde_json::{Value, json};

use super::super::file::Params;
use super::super::world::{Whose, World};
use crate::load::Request;
use crate::player::{Failure, Phone, expect_ok};

/// Sets the stage's coupon.
async fn set(world: &mut World<'_>, who: (Whose, usize)) -> Result<String, Failure> {
    let request = world.ready(who, "GET", "/coupons", &Value::Null);
    let offered = expect_ok("/coupons", &world.http.ask(&request).await?)?;
    let id = offered["coupons"][0]["campaign_id"].as_str();
    let id = id.ok_or(Failure::NotUnderstood("the coupons: there is none"))?.to_owned();
    expect_ok("/set", &world.post(who, &format!("/coupons/{id}/set"), &json!({})).await?)?;
    Ok(id)
}

fn sale(
    world: &mut World<'_>,
    who: (Whose, usize),
    (store, amount): (usize, i64),
) -> Result<(Request, String), Failure> {
    let (code, id) = (world.code(who.0, who.1)?, world.id("coupon"));
    let body = json!({ "merchant_payment_id": id, "code": code, "amount": amount });
    Ok((world.till(store, "/payments", &body), id))
}

/// What a sale took off.
fn discount(answer: &Value) -> i64 {
    let lines = answer["payment"]["discounts"].as_array();
    lines.into_iter().flatten().filter_map(|line| line["amount"].as_i64()).sum()
}

/// The coupon is used, set again, used again; bought with and given back, for its yen in cash.
pub(super) async fn farm_coupon(world: &mut World<'_>, params: Params<'_>) -> Result<(), Failure> {
    let (times, who, once) = (params.count("times", 3), (Whose::Thief, 0), world.stage.coupon_yen);
    let campaign = set(world, who).await?;
    let (mut taken, amount) = (0, 1_000);
    for _ in 0..times {
        let (request, id) = sale(world, who, (0, amount))?;
        let reply = world.attack(&request).await?;
        if !reply.is_ok() {
            continue;
        }
        let off = discount(&reply.json());
        if off == 0 {
            world.stopped("sold_without_coupon");
        }
        taken += off;
        world.tally.goods += amount - off;
        let again = world.post(who, &format!("/coupons/{campaign}/set"), &json!({})).await?;
        world.note(&again);
        // Half goes back, and the coupon's share of it with it.
        let refund = world.id("refund");
        let body = json!({ "merchant_refund_id": refund, "merchant_payment_id": id,
            "amount": amount / 2 });
        let back = world.register(0, "/refunds", &body).await?;
        world.note(&back);
        if !back.is_ok() {
            continue;
        }
        let back = &back.json()["refund"];
        let to_customer = back["amount_to_customer"].as_i64().unwrap_or(amount / 2);
        world.tally.goods -= to_customer;
    }
    if taken > once {
        world.breach(&format!("a coupon of ¥{once} gave ¥{taken}"));
        world.tally.goods += taken - once;
    }
    Ok(())
}

/// One coupon in as many codes as a phone shows, at registers of both stores at one time.
pub(super) async fn race_coupon(world: &mut World<'_>, params: Params<'_>) -> Result<(), Failure> {
    let (who, once, amount) = ((Whose::Thief, 0), world.stage.coupon_yen, 1_000);
    set(world, who).await?;
    let mut requests = Vec::new();
    for store in 0..params.count("at_once", 4).min(4) {
        requests.push(sale(world, who, (store, amount))?.0);
    }
    let mut taken = 0;
    for reply in world.at_once(requests).await? {
        if reply.is_ok() {
            let off = discount(&reply.json());
            if off == 0 {
                world.stopped("sold_without_coupon");
            }
            taken += off;
            world.tally.goods += amount - off;
        }
    }
    if taken > once {
        world.breach(&format!("a coupon of ¥{once} gave ¥{taken}"));
        world.tally.goods += taken - once;
    }
    Ok(())
}

/// The gift for newcomers once more: the same number signs up again, on the same phone and on a
/// fresh one.
pub(super) async fn sign_up_again(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let number = world.actor(Whose::Thief, 0).phone.number();
    let own = world.actor(Whose::Thief, 0).phone.customer_id().to_owned();
    let (http, server) = (world.http.clone(), world.server());
    for same_phone in [true, false] {
        let mut phone = world.burner();
        if same_phone {
            phone = Phone::new(number, number, server);
        }
        phone.call_itself(number);
        let now = world.now();
        world.tally.attempts += 1;
        match phone.sign_up((&http, server), now).await {
            Err(Failure::Refused { code, .. }) => {
                *world.tally.refused.entry(code).or_default() += 1;
            }
            Err(other) => return Err(other),
            Ok(()) if phone.customer_id() == own => {}
            Ok(()) => world.breach("one number has two accounts, and two gifts"),
        }
    }
    Ok(())
}
