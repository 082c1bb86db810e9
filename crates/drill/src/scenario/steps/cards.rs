//! Attacks on cards and on the conversation with the card gateway.

use serde_json::{Value, json};

use super::super::file::Params;
use super::super::world::{Whose, World};
use crate::load::Request;
use crate::player::{API, Failure, Reply, card_number, expect_ok, form_request, place_of};

/// How often a page looks for the gateway's word.
const LOOKS_MAX: u32 = 400;
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(25);
/// What is not an end yet.
const UNDER_WAY: [&str; 2] = ["unknown", "challenge"];
/// The sandbox's card that is charged back after a minute.
const CHARGED_BACK: &str = "4000000000000259";
/// The sandbox's card that is registered and never pays.
const DECLINED: &str = "4000000000000341";
const CHARGEBACK_SECONDS: u64 = 90;
/// The bank asks for this one.
const ASKS: &str = "400002";
/// The bank asks for nothing.
const QUIET: &str = "424242";

pub(super) async fn look(
    world: &mut World<'_>,
    who: (Whose, usize),
    path: &str,
    waits: &[&str],
) -> Result<Value, Failure> {
    for _ in 0..LOOKS_MAX {
        let answer = expect_ok(path, &world.post(who, path, &json!({})).await?)?;
        let status = answer["topup"]["status"].as_str().or_else(|| answer["status"].as_str());
        if !waits.contains(&status.unwrap_or_default()) {
            return Ok(answer);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Err(Failure::NotUnderstood("the gateway, which has no answer"))
}

/// Somebody registers a card on the gateway's pages: its id.
async fn register(
    world: &mut World<'_>,
    who: (Whose, usize),
    number: &str,
) -> Result<Result<String, Reply>, Failure> {
    let begun = world.confirmed(who, "/cards/register", &json!({})).await?;
    if !begun.is_ok() {
        return Ok(Err(begun));
    }
    let begun = begun.json();
    let (gateway, path) = place_of(begun["url"].as_str().unwrap_or_default())?;
    let form = format!("act=register&number={number}&expiry=12%2F34&code=123");
    gateway.ask(&form_request(&path, &form)).await?;
    let bank = path.replace("/checkout/", "/bank/card/");
    gateway.ask(&form_request(&bank, "answer=right")).await?;
    let setup = begun["setup_id"].as_str().unwrap_or_default();
    let setup = look(world, who, &format!("/cards/setups/{setup}/look"), &["open"]).await?;
    Ok(Ok(setup["card_id"].as_str().unwrap_or_default().to_owned()))
}

pub(super) async fn own_card(
    world: &mut World<'_>,
    who: (Whose, usize),
    begin: &str,
) -> Result<String, Failure> {
    let number = world.actor(who.0, who.1).phone.number();
    match register(world, who, &card_number(begin, number)).await? {
        Ok(card) if !card.is_empty() => Ok(card),
        _ => Err(Failure::NotUnderstood("the registration of a card")),
    }
}

/// A top-up by card is begun: the answer.
pub(super) async fn begin(
    world: &mut World<'_>,
    who: (Whose, usize),
    (card, amount): (&str, i64),
) -> Result<Reply, Failure> {
    let id = world.id("card-top-up");
    let body = json!({ "request_id": id, "card_id": card, "amount": amount });
    world.confirmed(who, "/topups/card", &body).await
}

/// The bank was never answered; forged messages of the gateway say that it was, unsigned and with
/// signatures of the attackers' own.
pub(super) async fn forge_gateway_events(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let who = (Whose::Thief, 0);
    let card = own_card(world, who, ASKS).await?;
    let begun = expect_ok("/topups/card", &begin(world, who, (&card, 10_000)).await?)?;
    let topup = begun["topup"]["topup_id"].as_str().unwrap_or_default().to_owned();
    let url = begun["topup"]["url"].as_str().or_else(|| begun["url"].as_str()).unwrap_or_default();
    let intent = url.rsplit('/').next().unwrap_or_default().to_owned();
    let (path, now) = ("/api/card/v1/events", world.now());
    for time in 0..params.count("times", 4) {
        let body = json!({ "id": format!("evt_{time}"), "type": "payment_intent.succeeded",
            "data": { "object": { "id": intent, "object": "payment_intent", "status": "succeeded",
                "amount": 10_000, "amount_received": 10_000, "currency": "jpy" } } });
        let signed = format!("t={now},v1={}", "0123456789abcdef".repeat(4));
        let forged = [
            None,
            Some(("stripe-signature", signed)),
            Some(("stripe-signature", "t=0,v1=".to_owned())),
            Some(("omamori-signature", "0".repeat(64))),
            Some(("authorization", "Bearer whsec_test".to_owned())),
        ];
        for header in forged {
            let mut request: Request = world.stranger(time, "POST", path);
            request.body = body.to_string().into_bytes();
            request.headers.extend(header);
            world.refused("a forged message of the gateway was taken", &request).await?;
        }
    }
    let path = format!("/topups/card/{topup}/look");
    let seen = expect_ok(&path, &world.post(who, &path, &json!({})).await?)?;
    if seen["topup"]["status"] == "credited" {
        world.tally.topped_up += 10_000;
    }
    Ok(())
}

/// The bank's answer and the page that looks for it are sent again, many at one time.
pub(super) async fn answer_gateway_again(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let (who, amount) = ((Whose::Thief, 0), params.int("amount", 10_000));
    let card = own_card(world, who, ASKS).await?;
    let begun = expect_ok("/topups/card", &begin(world, who, (&card, amount)).await?)?;
    let topup = begun["topup"]["topup_id"].as_str().unwrap_or_default().to_owned();
    let url = begun["topup"]["url"].as_str().or_else(|| begun["url"].as_str()).unwrap_or_default();
    let (gateway, bank) = place_of(url)?;
    let path = format!("/topups/card/{topup}/look");
    let before = world.balance(Whose::Thief, 0).await?;
    for _ in 0..params.count("times", 4) {
        gateway.ask(&form_request(&bank, "answer=right")).await?;
        let looks = (0..8).map(|_| world.ready(who, "POST", &path, &json!({}))).collect();
        world.at_once(looks).await?;
    }
    let seen = look(world, who, &path, &UNDER_WAY).await?;
    if seen["topup"]["status"] != "credited" {
        return Err(Failure::NotUnderstood("the top-up that the bank agreed to"));
    }
    world.tally.paid_in += amount;
    if world.balance(Whose::Thief, 0).await? == before + amount {
        world.stopped("credited_once");
    } else {
        world.breach("one charge was not credited once");
    }
    Ok(())
}

/// A card whose holder says a minute later that the top-up was not theirs. The value is kept, and
/// goes on: spent, sent, and loaded once more with the same card.
pub(super) async fn charge_back(world: &mut World<'_>, params: Params<'_>) -> Result<(), Failure> {
    let (who, amount) = ((Whose::Thief, 0), params.int("amount", 10_000));
    let card = match register(world, who, CHARGED_BACK).await? {
        Ok(card) if !card.is_empty() => card,
        _ => return Err(Failure::NotUnderstood("the registration of a card")),
    };
    let begun = expect_ok("/topups/card", &begin(world, who, (&card, amount)).await?)?;
    let topup = begun["topup"]["topup_id"].as_str().unwrap_or_default();
    let path = format!("/topups/card/{topup}/look");
    let seen = look(world, who, &path, &UNDER_WAY).await?;
    if seen["topup"]["status"] != "credited" {
        return Err(Failure::NotUnderstood("the top-up that is charged back"));
    }
    let before = world.balance(Whose::Thief, 0).await?;
    (world.stage.pass)(CHARGEBACK_SECONDS);
    for _ in 0..LOOKS_MAX {
        if world.balance(Whose::Thief, 0).await? <= before - amount {
            world.stopped("value_taken_back");
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let (code, id) = (world.code(Whose::Thief, 0)?, world.id("spend"));
    let body = json!({ "merchant_payment_id": id, "code": code, "amount": 500 });
    let sale = world.till(0, "/payments", &body);
    let reply = world.attack(&sale).await?;
    if reply.is_ok() {
        world.tally.goods += 500;
        world.breach("an account that charged back went on paying");
    }
    let again = begin(world, who, (&card, amount)).await?;
    world.note(&again);
    world.must_refuse("a card that was charged back was charged again", &again);
    let send = json!({ "client_send_id": id, "amount": 500, "to": { "kind": "link" } });
    let sent = world.confirmed(who, "/sends", &send).await?;
    world.note(&sent);
    world.must_refuse("an account that charged back sent", &sent);
    Ok(())
}

/// Stolen card numbers are tried, to see which of them work: registered one after the other, and
/// one that the bank declines charged again and again.
pub(super) async fn test_cards(world: &mut World<'_>, params: Params<'_>) -> Result<(), Failure> {
    let (cards, at_most) = (params.count("cards", 12), params.count("at_most", 4));
    let mut registered = 0;
    for card in 0..cards {
        match register(world, (Whose::Thief, 0), &card_number(QUIET, 700_000 + card)).await? {
            Ok(card) => {
                world.tally.attempts += 1;
                registered += usize::from(!card.is_empty());
            }
            Err(refused) => world.note(&refused),
        }
    }
    if registered > at_most {
        world.breach(&format!("{registered} stolen cards were told to work"));
    }
    let tester = (Whose::Thief, 1);
    let card = match register(world, tester, DECLINED).await? {
        Ok(card) if !card.is_empty() => card,
        _ => return Err(Failure::NotUnderstood("the registration of a card")),
    };
    let mut asked = 0;
    for _ in 0..cards {
        let begun = begin(world, tester, (&card, 1_000)).await?;
        world.note(&begun);
        let topup = begun.json()["topup"]["topup_id"].as_str().map(str::to_owned);
        let Some(topup) = topup.filter(|_| begun.is_ok()) else { continue };
        let seen = look(world, tester, &format!("/topups/card/{topup}/look"), &UNDER_WAY).await?;
        if seen["topup"]["status"] == "credited" {
            world.tally.topped_up += 1_000;
        }
        asked += 1;
    }
    if asked > at_most {
        world.breach(&format!("a bank was asked {asked} times about one stolen card"));
    }
    Ok(())
}

/// The chain of July 2019, step 2: the victim has a card on file; whoever has the victim's cookie
/// and cannot prove the phone tops up with it.
pub(super) async fn top_up_strangers_card(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let (times, amount) = (params.count("times", 3), params.int("amount", 30_000));
    let card = own_card(world, (Whose::Victim, 0), QUIET).await?;
    let session = world.actor(Whose::Victim, 0).phone.session();
    let mut burner = world.burner();
    burner.put_session(&session);
    for time in 0..times {
        let id = world.id("stolen-top-up");
        let asked = json!({ "request_id": id, "card_id": card, "amount": amount });
        let proof = burner.passkey_on(&world.server().origin, &json!({ "publicKey": {} }));
        let confirmed = json!({ "request": asked, "proof": { "passkey": proof } });
        let (server, now) = (world.server(), world.now());
        for (path, body) in [("/topups/card/options", &asked), ("/topups/card", &confirmed)] {
            let request = burner.ready(server, ("POST", &format!("{API}{path}")), (body, now));
            let reply = world.attack(&request).await?;
            if reply.is_ok() {
                world.tally.topped_up += amount;
                world.breach("a stranger topped up with a customer's card");
            }
        }
        // Malware on the phone itself has the phone's key and not the finger.
        let options = expect_ok(
            "/topups/card/options",
            &world.post((Whose::Victim, 0), "/topups/card/options", &asked).await?,
        )?;
        let by_thief = burner.passkey_on(&world.server().origin, &options);
        for proof in [
            json!({ "passkey": by_thief }),
            json!({ "totp": { "challenge": "A".repeat(43), "code": format!("{time:06}") } }),
        ] {
            let no_finger = json!({ "request": asked, "proof": proof });
            let request = world.ready((Whose::Victim, 0), "POST", "/topups/card", &no_finger);
            let reply = world.attack(&request).await?;
            if reply.is_ok() {
                world.tally.topped_up += amount;
                world.breach("a card was charged without its owner's finger");
            }
        }
    }
    Ok(())
}

/// A card of somebody else, by its id, from an account of the thief's own.
pub(super) async fn top_up_with_anothers_card(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let amount = params.int("amount", 30_000);
    let card = own_card(world, (Whose::Victim, 0), QUIET).await?;
    let reply = begin(world, (Whose::Thief, 0), (&card, amount)).await?;
    world.note(&reply);
    world.must_refuse("a top-up with another's card began", &reply);
    let path = format!("/cards/{card}/remove");
    let request = world.ready((Whose::Thief, 0), "POST", &path, &json!({}));
    world.refused("another's card was removed", &request).await
}
