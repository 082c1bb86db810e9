//! Attacks on a merchant's back office.

use serde_json::{Value, json};

use super::super::file::Params;
use super::super::world::{Whose, World};
use super::insider::at_desk;
use crate::load::Request;
use crate::player::{Failure, Passkey, expect_ok, passkey_of};

const OFFICE: &str = "/api/merchant/v1";
/// A new account is paid to after some days (three, by the settings), and sales are settled after
/// their day.
const WAIT_SECONDS: u64 = 5 * 86_400;
const OWN: &str = "1111111";
const THIEFS: &str = "9999999";

fn account(number: &str) -> Value {
    json!({ "bank": "0001", "bank_name": "", "branch": "240", "branch_name": "", "kind": "1",
        "number": number, "holder": "カ）ヒノマルショウテン" })
}

/// A request of a browser in the back office.
fn at_office(world: &World<'_>, cookie: &str, path: &str, body: &Value) -> Request {
    at_desk(world, cookie, "POST", &format!("{OFFICE}{path}"), body)
}

async fn ask(
    world: &World<'_>,
    cookie: &str,
    (path, body): (&str, &Value),
) -> Result<Value, Failure> {
    expect_ok(path, &world.http.ask(&at_office(world, cookie, path, body)).await?)
}

/// The cookie of an answer that lets somebody in.
async fn let_in(world: &World<'_>, (path, body): (&str, &Value)) -> Result<String, Failure> {
    let reply = world.http.ask(&at_office(world, "", path, body)).await?;
    expect_ok(path, &reply)?;
    Ok(reply.cookie.unwrap_or_default())
}

/// The owner comes by an invitation and makes a passkey.
async fn enrol(world: &World<'_>, invite: &str, finger: &mut Passkey) -> Result<String, Failure> {
    let asked = json!({ "invite": invite, "name": "店主" });
    let options = ask(world, "", ("/invites/options", &asked)).await?;
    let body = json!({ "invite": invite, "credential": finger.create(&options) });
    let_in(world, ("/invites/finish", &body)).await
}

async fn sign_in(world: &World<'_>, finger: &mut Passkey) -> Result<String, Failure> {
    let options = ask(world, "", ("/signin/options", &Value::Null)).await?;
    let body = json!({ "credential": finger.get(&options) });
    let_in(world, ("/signin/finish", &body)).await
}

/// Something that the owner does, with the finger.
async fn confirmed(
    world: &World<'_>,
    (cookie, finger): (&str, &mut Passkey),
    (path, request): (&str, &Value),
) -> Result<Value, Failure> {
    let options = ask(world, cookie, (&format!("{path}/options"), request)).await?;
    let body = json!({ "request": request, "credential": finger.get(&options) });
    ask(world, cookie, (path, &body)).await
}

/// The owner is told at an address from now on.
async fn listen(
    world: &mut World<'_>,
    (cookie, finger): (&str, &mut Passkey),
    mail: &str,
) -> Result<(), Failure> {
    let (http, reader) = (world.http.clone(), world.burner());
    let before = reader.newest_message(&http, mail).await?;
    let begun = confirmed(world, (cookie, finger), ("/email", &json!({ "email": mail }))).await?;
    let code = reader.next_code(&http, mail, &before).await?;
    let body = json!({ "check_id": begun["check_id"], "code": code.unwrap_or_default() });
    ask(world, cookie, ("/email/confirm", &body)).await?;
    Ok(())
}

/// The session of a merchant's owner is stolen the day before payday: the thief wants to be paid in
/// the merchant's place, and nobody to hear of it. Then the same by somebody who has the owner's
/// finger too: what is left then are the days for which a new account waits, and the letter.
pub(super) async fn swap_payout_account(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let nobody = || Failure::NotUnderstood("a back office");
    let office = world.stage.office.as_ref().ok_or_else(nobody)?;
    let invite = (office.owner)().await.ok_or_else(nobody)?;
    let place = world.stage.first_customer;
    let mut finger = passkey_of("owner", place, &world.server().origin);
    let cookie = enrol(world, &invite, &mut finger).await?;
    let mail = format!("owner{place}@shop.example");
    listen(world, (&cookie, &mut finger), &mail).await?;
    confirmed(world, (&cookie, &mut finger), ("/bank", &account(OWN))).await?;
    world.buy((Whose::Victim, 0), (0, params.int("amount", 3_000))).await?;
    (world.stage.pass)(WAIT_SECONDS);

    let stolen = sign_in(world, &mut finger).await?;
    with_the_cookie_alone(world, &stolen, &mut finger).await?;
    let (http, reader) = (world.http.clone(), world.burner());
    let before = reader.newest_message(&http, &mail).await?;
    let swapped = confirmed(world, (&stolen, &mut finger), ("/bank", &account(THIEFS))).await?;
    if swapped["usable_at"].is_null() {
        return Err(Failure::NotUnderstood("the change of an account"));
    }
    let letter = reader.next_message(&http, &mail, &before).await?;
    match letter.contains("振込先") {
        true => world.stopped("told_owner"),
        false => world.breach("the owner heard nothing of another account"),
    }
    let payday = (office.payday)().await.ok_or(Failure::NotUnderstood("a payday"))?;
    world.tally.attempts += 1;
    let gone = payday.paid.iter().filter(|(number, _)| number == THIEFS);
    let gone: i64 = gone.map(|(_, yen)| yen).sum();
    world.tally.goods += gone;
    match (gone, payday.waiting) {
        (0, 1..) => world.stopped("payout_waits"),
        (0, _) => return Err(Failure::NotUnderstood("a payday without a payout")),
        _ => world.breach("a merchant's money went to a thief"),
    }
    Ok(())
}

/// No answer of the passkey, a thief's own, the owner's to something else: to another account, and
/// to another place for the letters.
async fn with_the_cookie_alone(
    world: &mut World<'_>,
    stolen: &str,
    finger: &mut Passkey,
) -> Result<(), Failure> {
    let mut thief = passkey_of("office-thief", world.stage.first_customer, &world.server().origin);
    let clerk = json!({ "name": "アルバイト", "role": "clerk" });
    let asked = ask(world, stolen, ("/people/options", &clerk)).await?;
    let for_clerk = finger.get(&asked);
    let mail = json!({ "email": "thief@thief.example" });
    for (path, request) in [("/bank", &account(THIEFS)), ("/email", &mail)] {
        let bare = at_office(world, stolen, path, &json!({ "request": request }));
        world.refused("the back office took an act without the finger", &bare).await?;
        let options = ask(world, stolen, (&format!("{path}/options"), request)).await?;
        for credential in [thief.get(&options), for_clerk.clone()] {
            let body = json!({ "request": request, "credential": credential });
            let request = at_office(world, stolen, path, &body);
            world.refused("the back office took another's finger", &request).await?;
        }
    }
    Ok(())
}
