//! Attacks on the code that a customer shows.

use omamori_paycode::code::{CustomerCode, OneTime};
use serde_json::json;

use super::super::file::Params;
use super::super::world::{Whose, World};
use crate::load::Request;
use crate::player::Failure;

/// A sale by attackers: a request, and what a success of it means for the books.
fn sale(world: &mut World<'_>, store: usize, (code, amount): (&str, i64)) -> Request {
    let id = world.id("theft");
    let body = json!({ "merchant_payment_id": id, "code": code, "amount": amount });
    world.till(store, "/payments", &body)
}

async fn steal_with(
    world: &mut World<'_>,
    store: usize,
    (code, amount): (&str, i64),
) -> Result<String, Failure> {
    let request = sale(world, store, (code, amount));
    let reply = world.attack(&request).await?;
    if reply.is_ok() {
        world.tally.goods += amount;
        world.breach("a code in other hands paid");
    }
    Ok(reply.code())
}

/// A screenshot that was shared, or a code made ahead by a clock that is wrong: the code of a time
/// so many seconds from now.
pub(super) async fn present_code_of_other_time(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let (seconds, amount) = (params.int("seconds", -300), params.int("amount", 3_000));
    let at = world.now().saturating_add_signed(seconds);
    for victim in 0..world.victims.len() {
        let code = world.victims[victim].phone.old_code(at)?.to_string();
        for store in 0..2 {
            steal_with(world, store, (&code, amount)).await?;
        }
    }
    Ok(())
}

/// One-time parts are guessed for a phone whose number is known, at one register and then at
/// another.
pub(super) async fn guess_codes(world: &mut World<'_>, params: Params<'_>) -> Result<(), Failure> {
    let (tries, amount) = (params.count("tries", 60), params.int("amount", 9_000));
    let now = world.now();
    let shown = world.victims[0].phone.old_code(now)?;
    for guess in 0..tries {
        let part = (u32::try_from(guess).unwrap_or_default() * 7_919 + 123_456) % 100_000_000;
        let Some(one_time) = OneTime::new(part) else { continue };
        let code = CustomerCode { one_time, ..shown };
        if code == shown {
            continue;
        }
        steal_with(world, guess % 2, (&code.to_string(), amount)).await?;
    }
    Ok(())
}

/// One code at the registers of two stores at one time, several times each: one may sell.
pub(super) async fn replay_in_two_stores(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let (amount, copies) = (params.int("amount", 1_000), params.count("copies", 4));
    let code = world.code(Whose::Victim, 0)?;
    let requests = (0..copies * 2).map(|copy| sale(world, copy, (&code, amount))).collect();
    let sold = world.at_once(requests).await?.iter().filter(|reply| reply.is_ok()).count();
    world.actor(Whose::Victim, 0).yen -= amount; // the sale that the customer wanted
    if sold != 1 {
        world.breach(&format!("{sold} sales by one code"));
    }
    Ok(())
}

/// A code that paid already, seen by the next in the queue: for a sale, for cash.
pub(super) async fn replay_used_code(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let amount = params.int("amount", 1_000);
    let (code, id) = (world.code(Whose::Victim, 0)?, world.id("own"));
    let body = json!({ "merchant_payment_id": id, "code": code, "amount": amount });
    crate::player::expect_ok("/payments", &world.register(0, "/payments", &body).await?)?;
    world.actor(Whose::Victim, 0).yen -= amount;
    for store in 0..2 {
        steal_with(world, store, (&code, amount)).await?;
    }
    let id = world.id("cash");
    let cash = json!({ "merchant_topup_id": id, "code": code, "amount": 1_000 });
    let request = world.till(0, "/topups", &cash);
    world.refused("a code that paid took cash too", &request).await
}
