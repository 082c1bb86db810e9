//! Attacks on the way in.

use serde_json::{Value, json};

use super::super::file::Params;
use super::super::world::{Whose, World};
use super::account::spend_all;
use crate::player::{API, Failure, Phone, Reply, expect_ok};

const PATH: &str = "/signin/password";

/// Who was let in, as the service names them.
fn note_entry(world: &mut World<'_>, reply: &Reply) {
    if reply.is_ok() {
        let who = reply.json()["customer_id"].as_str().unwrap_or("somebody").to_owned();
        world.tally.entered.insert(who);
    }
}

/// A list of leaked pairs, of which some are right, each from a phone and a network of its own.
/// Where the service asks for work, the attackers do it for those.
pub(super) async fn try_pairs(world: &mut World<'_>, params: Params<'_>) -> Result<(), Failure> {
    let (pairs, right_every) = (params.count("pairs", 60), params.count("right_every", 10));
    for pair in 0..pairs {
        let mut burner = world.burner().with_tool();
        let is_right = pair % right_every.max(1) == 0;
        let (telephone, password) = if is_right {
            let victim = &world.actor(Whose::Victim, pair / right_every.max(1)).phone;
            (Phone::telephone(victim.number()), victim.password().to_owned())
        } else {
            (format!("+8180{:08}", 10_000_000 + pair), format!("leaked pair {pair}"))
        };
        let body = json!({ "phone": telephone, "password": password, "totp": "123456" });
        let (server, now, path) = (world.server(), world.now(), format!("{API}{PATH}"));
        let request = burner.ready(server, ("POST", &path), (&body, now));
        let reply = world.attack(&request).await?;
        note_entry(world, &reply);
        if is_right && reply.code() == "work_required" {
            let request = burner.ready(server, ("POST", &path), (&body, world.now()));
            let reply = burner.worked(&world.http, request).await?;
            world.note(&reply);
            note_entry(world, &reply);
        }
    }
    Ok(())
}

/// Somebody is told of the list while it is fresh.
pub(super) async fn wait_for_alert(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    world.stage.desk.alerted().await;
    if world.stage.desk.seen().kinds.contains("attack_wave") {
        world.stopped("attack_wave");
    }
    Ok(())
}

/// Staff saw the list and closed the door: a right pair is tried once more.
pub(super) async fn try_closed_door(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    world.stage.desk.door_closed().await;
    let victim = &world.actor(Whose::Victim, 0).phone;
    let telephone = Phone::telephone(victim.number());
    let body = json!({ "phone": telephone, "password": victim.password(), "totp": victim.totp(0) });
    let (server, now, path) = (world.server(), world.now(), format!("{API}{PATH}"));
    let mut burner = world.burner();
    let reply = world.attack(&burner.ready(server, ("POST", &path), (&body, now))).await?;
    note_entry(world, &reply);
    Ok(())
}

/// The victim signs in with number, password and app on the own phone, which must work.
pub(super) async fn sign_in(world: &mut World<'_>, body: &Value) -> Result<(), Failure> {
    let (server, now, path) = (world.server(), world.now(), format!("{API}{PATH}"));
    let victim = &mut world.actor(Whose::Victim, 0).phone;
    let own = victim.ready_outside(server, ("POST", &path), (body, now));
    let reply = world.http.ask(&own).await?;
    expect_ok(PATH, &reply)?;
    world.actor(Whose::Victim, 0).phone.keep_session(&reply);
    Ok(())
}

/// All guesses at one account, the right password at the end: from one machine that is a stranger,
/// or by malware on the victim's own phone.
pub(super) async fn crack_password(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let tries = params.count("tries", 40);
    let is_own = params.text("phone", "stranger") == "own";
    let mut burner = world.burner();
    for guess in 0..tries {
        let victim = &world.actor(Whose::Victim, 0).phone;
        let right = guess + 1 == tries;
        let password =
            if right { victim.password().to_owned() } else { format!("hanako-2019-{guess}") };
        let telephone = Phone::telephone(victim.number());
        let body =
            json!({ "phone": telephone, "password": password, "totp": format!("{guess:06}") });
        let (server, now) = (world.server(), world.now());
        let phone = if is_own { &mut world.actor(Whose::Victim, 0).phone } else { &mut burner };
        let request = phone.ready_outside(server, ("POST", &format!("{API}{PATH}")), (&body, now));
        let reply = world.attack(&request).await?;
        note_entry(world, &reply);
    }
    Ok(())
}

/// The code of the app that was read over the shoulder a moment ago, on the victim's own phone:
/// malware there, which has number, password and key.
pub(super) async fn replay_totp(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let now = world.now();
    let phone = &world.actor(Whose::Victim, 0).phone;
    let body = json!({ "phone": Phone::telephone(phone.number()), "password": phone.password(),
        "totp": phone.totp(now) });
    // The customer signs in with it: what the malware saw.
    sign_in(world, &body).await?;
    for _ in 0..3 {
        let (server, path) = (world.server(), format!("{API}{PATH}"));
        let victim = &mut world.actor(Whose::Victim, 0).phone;
        let again = victim.ready_outside(server, ("POST", &path), (&body, now));
        let reply = world.attack(&again).await?;
        note_entry(world, &reply);
        world.must_refuse("a code of the app worked twice", &reply);
    }
    Ok(())
}

/// A page that looks like ours asks the victim's passkey and hands its answer on at once.
pub(super) async fn relay_passkey(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let other = params.text("origin", "https://omarnori.example");
    let mut burner = world.burner();
    let http = world.http.clone();
    let own = world.server().origin.clone();
    for (offer, path) in [("/signin/options", "/signin/finish"), ("/move/options", "/move/start")] {
        // First as the owner does it on our page: it is the origin that makes the difference.
        for origin in [own.as_str(), other] {
            let options = burner.plain(&http, offer, &json!({})).await?;
            let victim = &mut world.actor(Whose::Victim, 0).phone;
            let credential = victim.passkey_on(origin, &options);
            let mut body = json!({ "credential": credential });
            let (server, now, path) = (world.server(), world.now(), format!("{API}{path}"));
            let request = if path.ends_with("/move/start") {
                body["device"] = burner.keys();
                burner.ready(server, ("POST", &path), (&body, now))
            } else {
                let victim = &mut world.actor(Whose::Victim, 0).phone;
                victim.ready_outside(server, ("POST", &path), (&body, now))
            };
            if origin == own {
                let reply = world.http.ask(&request).await?;
                expect_ok(&path, &reply)?;
                world.actor(Whose::Victim, 0).phone.keep_session(&reply);
                continue;
            }
            let reply = world.attack(&request).await?;
            note_entry(world, &reply);
            world.must_refuse("an answer of another origin was taken", &reply);
        }
    }
    Ok(())
}

/// As in 2019: a user's id and the provider's two digits, and nothing that the provider signed.
pub(super) async fn forge_external(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let mut burner = world.burner();
    for time in 0..params.count("times", 6) {
        let telephone = Phone::telephone(world.actor(Whose::Victim, time).phone.number());
        let (server, now) = (world.server(), world.now());
        for body in [
            json!({ "totp": "123456" }),
            json!({ "totp": "123456", "provider": "sandbox", "sub": telephone }),
            json!({ "extIdSiteCd": format!("{:02}", time + 1), "userId": telephone }),
        ] {
            let path = format!("{API}/signin/external");
            let request = burner.ready(server, ("POST", &path), (&body, now));
            let reply = world.attack(&request).await?;
            note_entry(world, &reply);
            world.must_refuse("an id alone was let in", &reply);
        }
        // The address that had it in 2019, which only the baseline has.
        for provider in ["01", "03", "04", "05", "06"] {
            let path = format!("{API}/2019/external");
            let body = json!({ "userId": telephone, "extIdSiteCd": provider });
            let request = burner.request("POST", &path, &body.to_string());
            let reply = world.attack(&request).await?;
            note_entry(world, &reply);
            world.must_refuse("an id and two digits were let in", &reply);
            if reply.is_ok() {
                shop_with_an_id(world, &telephone, provider).await?;
                break;
            }
        }
        let path = format!("/external/sandbox/callback?state=forged{time}&code=forged");
        let request = world.stranger(time, "GET", &path);
        let reply = world.attack(&request).await?;
        if reply.cookie.is_some_and(|cookie| cookie.contains("session")) {
            world.breach("a forged answer of an issuer opened a session");
        }
    }
    Ok(())
}

/// Who is in brings a phone of the thief's own to the account, and goes shopping.
async fn shop_with_an_id(
    world: &mut World<'_>,
    telephone: &str,
    provider: &str,
) -> Result<(), Failure> {
    let (http, now, mut burner) = (world.http.clone(), world.now(), world.burner());
    let place = (&*http, world.server());
    let moved = burner.take_over_by_id(place, (telephone, provider), now).await?;
    world.note(&moved);
    match moved.is_ok() {
        true => spend_all(world, &mut burner, telephone).await,
        false => Ok(()),
    }
}

/// Whether an answer holds something of a customer.
pub(super) fn tells_of_a_customer(reply: &Reply) -> bool {
    let text = String::from_utf8_lossy(&reply.body);
    ["cus_", "\"balance\"", "\"cards\"", "\"payments\""].iter().any(|word| text.contains(word))
}
