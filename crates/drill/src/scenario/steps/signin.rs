//! Attacks on the way in.

use serde_json::json;

use super::super::file::Params;
use super::super::world::{Whose, World};
use crate::player::{API, Failure, Phone, Reply};

const PATH: &str = "/signin/password";

/// Who was let in, as the service names them.
fn note_entry(world: &mut World<'_>, reply: &Reply) {
    if reply.is_ok() {
        let who = reply.json()["customer_id"].as_str().unwrap_or("somebody").to_owned();
        world.tally.entered.insert(who);
    }
}

/// A list of leaked pairs, of which some are right, each from a phone and a network of its own.
/// Where the service asks for work, the attackers do it.
pub(super) async fn try_pairs(world: &mut World<'_>, params: Params<'_>) -> Result<(), Failure> {
    let (pairs, right_every) = (params.count("pairs", 60), params.count("right_every", 10));
    for pair in 0..pairs {
        let mut burner = world.burner();
        let (telephone, password) = if pair % right_every.max(1) == 0 {
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
        if reply.code() == "work_required" {
            let request = burner.ready(server, ("POST", &path), (&body, world.now()));
            let reply = burner.worked(&world.http, request).await?;
            world.note(&reply);
            note_entry(world, &reply);
        }
    }
    Ok(())
}

/// All guesses at one account, from one machine, the right password at the end.
pub(super) async fn crack_password(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let tries = params.count("tries", 40);
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
        let request = burner.ready(server, ("POST", &format!("{API}{PATH}")), (&body, now));
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
    let own = world.ready((Whose::Victim, 0), "POST", PATH, &body);
    let reply = world.http.ask(&own).await?;
    if !reply.is_ok() {
        return Err(Failure::Refused { path: PATH.to_owned(), code: reply.code() });
    }
    let session = reply.json()["session"]["ath"].as_str().unwrap_or_default().to_owned();
    let cookie = reply.cookie.unwrap_or_default();
    let session = crate::player::Session { cookie, ath: session };
    world.actor(Whose::Victim, 0).phone.put_session(&session);
    for _ in 0..3 {
        let again = world.ready((Whose::Victim, 0), "POST", PATH, &body);
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
    let origin = params.text("origin", "https://omarnori.example");
    let mut burner = world.burner();
    let http = world.http.clone();
    for (offer, path) in [("/signin/options", "/signin/finish"), ("/move/options", "/move/start")] {
        let options = burner.plain(&http, offer, &json!({})).await?;
        let credential = world.actor(Whose::Victim, 0).phone.passkey_on(origin, &options);
        let mut body = json!({ "credential": credential });
        if path == "/move/start" {
            body["device"] = burner.keys();
        }
        let (server, now) = (world.server(), world.now());
        let request = burner.ready(server, ("POST", &format!("{API}{path}")), (&body, now));
        let reply = world.attack(&request).await?;
        note_entry(world, &reply);
        world.must_refuse("an answer of another origin was taken", &reply);
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
        let path = format!("/external/sandbox/callback?state=forged{time}&code=forged");
        let request = world.stranger(time, "GET", &path);
        let reply = world.attack(&request).await?;
        if reply.cookie.is_some_and(|cookie| cookie.contains("session")) {
            world.breach("a forged answer of an issuer opened a session");
        }
    }
    Ok(())
}

/// Whether an answer holds something of a customer.
pub(super) fn tells_of_a_customer(reply: &Reply) -> bool {
    let text = String::from_utf8_lossy(&reply.body);
    ["cus_", "\"balance\"", "\"cards\"", "\"payments\""].iter().any(|word| text.contains(word))
}
