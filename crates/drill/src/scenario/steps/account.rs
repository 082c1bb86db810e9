//! Attacks on sign-up, on moves to another phone and on recovery.

use serde_json::{Value, json};

use super::super::file::Params;
use super::super::world::{Whose, World};
use super::signin::sign_in;
use crate::player::{API, Failure, Phone};

/// The reset of 2019: the thief names the address that the link goes to, and knows what was asked
/// for (a birth date that was 2019-01-01 for many).
pub(super) async fn reset_elsewhere(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let (field, value) = (params.text("field", "email"), params.text("value", "thief@example.com"));
    for victim in 0..world.victims.len() {
        let telephone = Phone::telephone(world.victims[victim].phone.number());
        let mut burner = world.burner();
        let keys = burner.keys();
        for body in [
            json!({ "phone": telephone, "recovery_code": value, "device": keys }),
            json!({ "phone": telephone, "device": keys, (field): value }),
            json!({ "phone": telephone, "recovery_code": "2019-0701-2019-0701", "device": keys,
                (field): value }),
        ] {
            let (server, now) = (world.server(), world.now());
            let path = format!("{API}/recover/start");
            let request = burner.ready(server, ("POST", &path), (&body, now));
            world.refused("a reset began with what a thief knows", &request).await?;
        }
        guess_recovery(world, &mut burner, (&telephone, "2019-0701-2019-0701")).await?;
        reset_of_2019(world, &mut burner, &telephone, params).await?;
    }
    Ok(())
}

/// The same at the address that had it in 2019, which only the baseline has: the mail goes to the
/// thief, who sets a password, brings a phone of the thief's to the account and goes shopping.
async fn reset_of_2019(
    world: &mut World<'_>,
    burner: &mut Phone,
    telephone: &str,
    params: Params<'_>,
) -> Result<(), Failure> {
    let http = world.http.clone();
    let of = |field: &str, without: &str| match params.text("field", "") {
        named if named == field => params.text("value", without).to_owned(),
        _ => without.to_owned(),
    };
    let (address, birth_date) = (of("email", "thief@example.com"), of("birth_date", "2019-01-01"));
    let before = burner.newest_message(&http, &address).await?;
    let asked = json!({ "phone": telephone, "birth_date": birth_date, "address": address });
    let mut request = burner.request("POST", &format!("{API}/2019/reset"), &asked.to_string());
    if !world.attack(&request).await?.is_ok() {
        return Ok(());
    }
    world.breach("a reset went to an address that the thief named");
    let mail = burner.next_message(&http, &address, &before).await?;
    let token = mail.split("reset:").nth(1).unwrap_or_default();
    let token: String = token.chars().take_while(char::is_ascii_hexdigit).collect();
    let password = "dorobo no pasuwado";
    let asked = json!({ "phone": telephone, "token": token, "password": password });
    request.path = format!("{API}/2019/reset/finish");
    request.body = asked.to_string().into_bytes();
    if world.attack(&request).await?.is_ok() {
        take_all(world, burner, (telephone, password)).await?;
    }
    Ok(())
}

/// Whoever has the password brings another phone, and spends what is there.
async fn take_all(
    world: &mut World<'_>,
    burner: &mut Phone,
    (telephone, password): (&str, &str),
) -> Result<(), Failure> {
    let (http, now) = (world.http.clone(), world.now());
    let place = (&*http, world.server());
    let moved = burner.take_over(place, (telephone, password), now).await?;
    world.note(&moved);
    match moved.is_ok() {
        true => spend_all(world, burner, telephone).await,
        false => Ok(()),
    }
}

/// A thief's phone pays for somebody's account, and goes shopping with all that is there.
pub(super) async fn spend_all(
    world: &mut World<'_>,
    burner: &mut Phone,
    telephone: &str,
) -> Result<(), Failure> {
    let (http, now) = (world.http.clone(), world.now());
    let place = (&*http, world.server());
    world.tally.entered.insert(telephone.to_owned());
    let me = burner.get(place, "/me", now).await?;
    let holds = me.json()["balance"].as_i64().unwrap_or_default();
    let (code, id) = (burner.code(now)?.to_string(), world.id("goods"));
    let body = json!({ "merchant_payment_id": id, "code": code, "amount": holds });
    let request = world.till(0, "/payments", &body);
    if world.attack(&request).await?.is_ok() {
        world.tally.goods += holds;
    }
    Ok(())
}

/// One guess in the right form: it begins for everybody, and goes on for nobody.
async fn guess_recovery(
    world: &mut World<'_>,
    burner: &mut Phone,
    (telephone, code): (&str, &str),
) -> Result<(), Failure> {
    let (server, now) = (world.server(), world.now());
    let body = json!({ "phone": telephone, "device": burner.keys(), "recovery_code": code });
    let path = format!("{API}/recover/start");
    let started = world.attack(&burner.ready(server, ("POST", &path), (&body, now))).await?;
    let Some(id) = started.json()["recovery_id"].as_str().map(str::to_owned) else {
        return Ok(());
    };
    let body = json!({ "recovery_id": id, "code": "201907" });
    let path = format!("{API}/recover/verify");
    let request = burner.ready(server, ("POST", &path), (&body, now));
    world.refused("a guessed recovery code went on", &request).await
}

/// Recovery codes are guessed, then the codes by SMS that nobody sent.
pub(super) async fn guess_recovery_codes(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let telephone = Phone::telephone(world.actor(Whose::Victim, 0).phone.number());
    for guess in 0..params.count("tries", 20) {
        let mut burner = world.burner();
        let code = format!("7{guess:03}-2019-0701-0000");
        guess_recovery(world, &mut burner, (&telephone, &code)).await?;
    }
    Ok(())
}

/// The thief has the password and reads the victim's messages (a SIM swap, or a phishing page that
/// asks for them), and lacks the app; or has one of its codes that was used.
pub(super) async fn move_with_password(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let now = world.now();
    let victim = &world.actor(Whose::Victim, 0).phone;
    let telephone = Phone::telephone(victim.number());
    let password = victim.password().to_owned();
    let totp = match params.text("totp", "guessed") {
        "used" => {
            let totp = victim.totp(now);
            let body = json!({ "phone": telephone, "password": password, "totp": totp });
            sign_in(world, &body).await?;
            totp
        }
        _ => "123456".to_owned(),
    };
    let mut burner = world.burner();
    let (server, http) = (world.server(), world.http.clone());
    let before = burner.newest_message(&http, &telephone).await?;
    let body = json!({ "phone": telephone, "device": burner.keys() });
    let path = format!("{API}/move/password/start");
    let started = world.attack(&burner.ready(server, ("POST", &path), (&body, now))).await?;
    let Some(id) = started.json()["move_id"].as_str().map(str::to_owned) else {
        return Ok(()); // the door is closed
    };
    let code = burner.next_code(&http, &telephone, &before).await?;
    let code = code.ok_or(Failure::NotUnderstood("the SMS of a move"))?;
    let path = format!("{API}/move/finish");
    for body in [
        json!({ "move_id": id, "code": code }),
        json!({ "move_id": id, "code": code, "password": password, "totp": totp }),
        json!({ "move_id": id, "code": code, "password": "leaked elsewhere 2019", "totp": totp }),
    ] {
        let reply = world.attack(&burner.ready(server, ("POST", &path), (&body, now))).await?;
        if reply.is_ok() {
            world.tally.entered.insert(telephone.clone());
            world.breach("another phone took the account over");
        }
    }
    Ok(())
}

/// A SIM swap: the number is the thief's now, and so are its messages. Signing up with it must give
/// a new and empty account or none, and nothing of the old one.
pub(super) async fn sign_up_with_stolen_number(
    world: &mut World<'_>,
    _: Params<'_>,
) -> Result<(), Failure> {
    let number = world.actor(Whose::Victim, 0).phone.number();
    let victim = world.actor(Whose::Victim, 0).phone.customer_id().to_owned();
    let mut burner = world.burner();
    burner.call_itself(number);
    let (http, server, now) = (world.http.clone(), world.server(), world.now());
    world.tally.attempts += 1;
    match burner.sign_up((&http, server), now).await {
        Err(Failure::Refused { code, .. }) => {
            *world.tally.refused.entry(code).or_default() += 1;
        }
        Err(other) => return Err(other),
        Ok(()) => {
            if burner.customer_id() == victim {
                world.tally.entered.insert(victim);
                world.breach("a number alone opened its owner's account");
            }
            let path = format!("{API}/me");
            let me = burner.ready(server, ("GET", &path), (&Value::Null, now));
            if world.attack(&me).await?.json()["balance"] != json!(0) {
                world.breach("a new account of an old number holds its owner's money");
            }
        }
    }
    Ok(())
}

/// An app of the thief's own goes past the page of the terms: cash at once, and confirmations of
/// versions that are not there.
pub(super) async fn skip_terms(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let mut burner = world.burner();
    let (http, server, now) = (world.http.clone(), world.server(), world.now());
    burner.sign_up_alone((&http, server), now).await?;
    let code = burner.code(now)?.to_string();
    let mut cash = Vec::new();
    for _ in 0..2 {
        let id = world.id("cash");
        let body = json!({ "merchant_topup_id": id, "code": code, "amount": 1_000 });
        cash.push(world.till(0, "/topups", &body));
    }
    world.refused("cash was taken before the terms were confirmed", &cash[0]).await?;
    for version in [json!(0), json!(-1), json!(2), json!(i64::MAX), json!(null), json!("1")] {
        let path = format!("{API}/terms/confirm");
        let body = json!({ "version": version });
        let request = burner.ready(server, ("POST", &path), (&body, now));
        world.refused("terms that are not there were confirmed", &request).await?;
    }
    world.refused("cash was taken before the terms were confirmed", &cash[1]).await
}

/// Whether the service answers otherwise for numbers that have an account.
pub(super) async fn tell_numbers_apart(
    world: &mut World<'_>,
    _: Params<'_>,
) -> Result<(), Failure> {
    let known = Phone::telephone(world.actor(Whose::Victim, 0).phone.number());
    let unknown = "+818012345678".to_owned();
    let asks = ["/signup/start", "/signin/password", "/move/password/start", "/recover/start"];
    for ask in asks {
        let mut shapes = Vec::new();
        for telephone in [&known, &unknown] {
            let mut burner = world.burner();
            let (server, now, keys) = (world.server(), world.now(), burner.keys());
            let body = match ask {
                "/signup/start" => json!({ "phone": telephone }),
                "/signin/password" => {
                    json!({ "phone": telephone, "password": "nani mo shiranai", "totp": "123456" })
                }
                "/move/password/start" => json!({ "phone": telephone, "device": keys }),
                _ => json!({ "phone": telephone, "device": keys,
                    "recovery_code": "0000-0000-0000-0000" }),
            };
            let path = format!("{API}{ask}");
            let reply = world.attack(&burner.ready(server, ("POST", &path), (&body, now))).await?;
            let json = reply.json();
            let fields = json.as_object().map(|all| all.keys().cloned().collect::<Vec<_>>());
            // How long each text is; those of instants end where their zeros begin.
            let lengths = json.as_object().map(|all| {
                let timeless = all.iter().filter(|(name, _)| !name.ends_with("_at"));
                timeless.map(|(_, value)| value.to_string().len()).collect::<Vec<_>>()
            });
            shapes.push((reply.status, reply.code(), fields, lengths));
        }
        if shapes[0] != shapes[1] {
            world.breach(&format!("{ask} tells who has an account: {shapes:?}"));
        }
    }
    Ok(())
}

/// Many messages to many numbers, from one machine: whoever owns the numbers earns on each.
pub(super) async fn pump_messages(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let (numbers, at_most) = (params.count("numbers", 60), params.count("at_most", 30));
    let is_forged = params.text("forwarded", "as_it_is") == "forged";
    let mut sent = 0;
    for number in 0..numbers {
        let mut request = world.stranger(1, "POST", &format!("{API}/signup/start"));
        let body = json!({ "phone": format!("+8170{:08}", 40_000_000 + number) });
        request.body = body.to_string().into_bytes();
        if is_forged {
            // Proxies add whom they heard at the right; what stands before it, the machine wrote.
            let forged =
                |(_, real): &mut (&str, String)| *real = format!("192.0.2.{number}, {real}");
            request
                .headers
                .iter_mut()
                .filter(|(name, _)| *name == "x-forwarded-for")
                .for_each(forged);
            request.headers.push(("x-real-ip", format!("192.0.2.{number}")));
            request.headers.push(("forwarded", format!("for=192.0.2.{number}")));
        }
        sent += usize::from(world.attack(&request).await?.is_ok());
    }
    if sent > at_most {
        world.breach(&format!("{sent} messages for one machine"));
    }
    Ok(())
}
