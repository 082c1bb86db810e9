//! Attacks on sending between customers.

use serde_json::{Value, json};

use super::super::file::Params;
use super::super::world::{Whose, World};
use crate::player::{API, Failure, Phone, expect_ok};

/// A send by link: its id, the secret of the link, and the passcode.
async fn link(
    world: &mut World<'_>,
    who: (Whose, usize),
    amount: i64,
) -> Result<(String, String, String), Failure> {
    let id = world.id("send");
    let body = json!({ "client_send_id": id, "amount": amount, "to": { "kind": "link" } });
    let made = expect_ok("/sends", &world.confirmed(who, "/sends", &body).await?)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let link = &made["send"]["link"];
    let address = text(&link["address"]);
    let token = address.split_once("#link=").map_or("", |(_, token)| token).to_owned();
    world.actor(who.0, who.1).yen -= amount;
    Ok((text(&made["send"]["send_id"]), token, text(&link["passcode"])))
}

/// The link leaked, the passcode did not: it is guessed.
pub(super) async fn guess_passcodes(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let (victim, amount) = ((Whose::Victim, 0), params.int("amount", 3_000));
    let (id, token, right) = link(world, victim, amount).await?;
    let right: usize = right.parse().unwrap_or_default();
    for guess in 0..params.count("tries", 12) {
        let passcode = format!("{:06}", (right + 1 + guess) % 1_000_000);
        let body = json!({ "token": token, "passcode": passcode });
        let path = if guess % 2 == 0 { "/send-links/look" } else { "/send-links/take" };
        let request = world.ready((Whose::Thief, 0), "POST", path, &body);
        world.refused("a guessed passcode opened a link", &request).await?;
    }
    // It went back by itself, or the sender calls it back.
    world.post(victim, &format!("/sends/{id}/call-back"), &json!({})).await?;
    world.actor(Whose::Victim, 0).yen += amount;
    // The right passcode is of no use any more.
    let body = json!({ "token": token, "passcode": format!("{right:06}") });
    let request = world.ready((Whose::Thief, 0), "POST", "/send-links/take", &body);
    world.refused("a link that is over was taken", &request).await
}

/// One send is taken by many at one time.
pub(super) async fn take_at_once(world: &mut World<'_>, params: Params<'_>) -> Result<(), Failure> {
    let (amount, at_once) = (params.int("amount", 2_000), params.count("at_once", 16));
    let (id, token, passcode) = link(world, (Whose::Thief, 0), amount).await?;
    let body = json!({ "token": token, "passcode": passcode });
    let thieves = world.thieves.len();
    let mut requests = Vec::new();
    for place in 0..at_once {
        let thief = (Whose::Thief, 1 + place % (thieves - 1).max(1));
        requests.push(world.ready(thief, "POST", "/send-links/take", &body));
        let back = format!("/sends/{id}/call-back");
        requests.push(world.ready((Whose::Thief, 0), "POST", &back, &json!({})));
    }
    world.at_once(requests).await?;
    Ok(())
}

/// Malware has the phone's key and the session; the finger it does not have.
pub(super) async fn send_without_finger(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let amount = params.int("amount", 5_000);
    let mule = Phone::telephone(world.actor(Whose::Thief, 0).phone.number());
    let id = world.id("theft");
    let asked = json!({ "client_send_id": id, "amount": amount,
        "to": { "kind": "phone", "phone": mule, "name": "" } });
    let victim = (Whose::Victim, 0);
    let http = world.http.clone();
    let offer = world.ready(victim, "POST", "/sends/options", &asked);
    let options = http.ask(&offer).await?.json();
    let origin = world.stage.server.origin.clone();
    let by_thief = world.actor(Whose::Thief, 0).phone.passkey_on(&origin, &options);
    let small = json!({ "client_send_id": id, "amount": 1,
        "to": { "kind": "phone", "phone": mule, "name": "" } });
    // The finger is given for ¥1, and the answer is put to the large one.
    let offer = world.ready(victim, "POST", "/sends/options", &small);
    let options = http.ask(&offer).await?.json();
    let for_small = world.actor(Whose::Victim, 0).phone.passkey_on(&origin, &options);
    for proof in [
        json!({ "passkey": by_thief }),
        json!({ "passkey": for_small }),
        json!({ "totp": { "challenge": "A".repeat(43), "code": "123456" } }),
        Value::Null,
        json!({}),
    ] {
        let body = json!({ "request": asked, "proof": proof });
        let request = world.ready(victim, "POST", "/sends", &body);
        world.refused("a send went out without its owner's finger", &request).await?;
    }
    Ok(())
}

/// Money of many accounts is to come together at one, as far as the law's bound goes. The money is
/// the attackers' own; what must hold is the bound.
pub(super) async fn collect_as_mule(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let amount = params.int("amount", 20_000);
    let mule = Phone::telephone(world.actor(Whose::Thief, 0).phone.number());
    let mut collected = 0;
    for place in 1..world.thieves.len() {
        let id = world.id("mule");
        let body = json!({ "client_send_id": id, "amount": amount,
            "to": { "kind": "phone", "phone": mule, "name": "" } });
        let sent = world.confirmed((Whose::Thief, place), "/sends", &body).await?;
        world.note(&sent);
        let Some(send) = sent.json()["send"]["send_id"].as_str().map(str::to_owned) else {
            continue;
        };
        let take =
            world.ready((Whose::Thief, 0), "POST", &format!("/sends/{send}/take"), &json!({}));
        if world.attack(&take).await?.is_ok() {
            collected += amount;
        } else {
            let back = format!("/sends/{send}/call-back");
            world.post((Whose::Thief, place), &back, &json!({})).await?;
        }
    }
    if collected > 100_000 {
        world.breach(&format!("one account collected ¥{collected}"));
    }
    Ok(())
}

/// Friends' codes are guessed, and sends and requests of others by their ids.
pub(super) async fn guess_friend_codes(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let victim = (Whose::Victim, 0);
    let (id, _, _) = link(world, victim, 1_000).await?;
    let thief = (Whose::Thief, 0);
    for guess in 0..params.count("tries", 12) {
        let body = json!({ "code": format!("ABCD2345{guess:04}") });
        let request = world.ready(thief, "POST", "/friend-codes/look", &body);
        world.refused("a guessed code named somebody", &request).await?;
    }
    for act in ["take", "decline", "call-back", "block"] {
        let request = world.ready(thief, "POST", &format!("/sends/{id}/{act}"), &json!({}));
        world.refused("a stranger did something with a send", &request).await?;
    }
    let request = world.ready(thief, "GET", &format!("/sends/{id}"), &Value::Null);
    world.refused("a stranger saw a send", &request).await?;
    let back = world.post(victim, &format!("/sends/{id}/call-back"), &json!({})).await?;
    expect_ok(&format!("{API}/sends/call-back"), &back)?;
    world.actor(Whose::Victim, 0).yen += 1_000;
    Ok(())
}
