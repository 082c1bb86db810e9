//! Attacks through the desk of somebody of staff who is signed in.

use serde_json::{Value, json};

use super::super::file::Params;
use super::super::world::{Whose, World};
use super::insider::{DESK, at_desk, enter, enter_as};
use crate::load::Request;
use crate::player::{Failure, expect_ok};

/// The request of a page of another origin, with what a browser lets such a page say.
fn from_origin(mut request: Request, origin: Option<&str>, kind: &str) -> Request {
    request.headers.retain(|(name, _)| *name != "origin" && *name != "content-type");
    request.headers.push(("content-type", kind.to_owned()));
    if let Some(origin) = origin {
        request.headers.push(("origin", origin.to_owned()));
    }
    request
}

/// Somebody of staff opens a page of the attackers, which posts to the desk with their cookie: from
/// a sandboxed frame, a look-alike, another port, without saying where from.
pub(super) async fn forge_staff_posts(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let (cookie, _) = enter(world).await?;
    let own = world.server().origin.clone();
    let port = world.server().address.port();
    let thief = world.actor(Whose::Thief, 0).phone.customer_id().to_owned();
    let path = format!("{DESK}/customers/{thief}/freeze");
    let right = at_desk(world, &cookie, "POST", &path, &json!({ "reason": "drill" }));
    let others = [
        "null".to_owned(),
        "https://thief.example".to_owned(),
        format!("{own}.thief.example"),
        format!("{own}@thief.example"),
        format!("http://127.0.0.1:{port}"),
        "http://localhost".to_owned(),
        format!("{own}/"),
        format!("{own}, null"),
    ];
    let others = others.iter().map(|origin| Some(origin.as_str())).chain([None]);
    for origin in others {
        for kind in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
            let request = from_origin(right.clone(), origin, kind);
            world.refused(&format!("the desk took a post from {origin:?}"), &request).await?;
        }
    }
    // Nothing else was wrong with it.
    expect_ok(&path, &world.http.ask(&right).await?)?;
    Ok(())
}

/// What somebody asks of the desk: the answer.
pub(super) async fn ask(
    world: &World<'_>,
    cookie: &str,
    (path, body): (&str, &Value),
) -> Result<Value, Failure> {
    let path = format!("{DESK}{path}");
    expect_ok(&path, &world.http.ask(&at_desk(world, cookie, "POST", &path, body)).await?)
}

/// Two people start an account again, as they must. It is stopped once more, and one of them plays
/// the other's word again: for the same request, and for a new one.
pub(super) async fn replay_approval(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let (first, _) = enter(world).await?;
    let (second, mut finger) = enter_as(world, "accomplice").await?;
    let thief = world.actor(Whose::Thief, 0).phone.customer_id().to_owned();
    let (stop, start) =
        (format!("/customers/{thief}/freeze"), format!("/customers/{thief}/unfreeze"));
    let why = json!({ "reason": "drill" });
    ask(world, &first, (&stop, &why)).await?;
    let asked = ask(world, &first, (&start, &why)).await?;
    let old = asked["approval_id"].as_str().unwrap_or_default().to_owned();
    let give = json!({ "verdict": "give" });
    let offered = ask(world, &second, (&format!("/approvals/{old}/options"), &give)).await?;
    let word = json!({ "verdict": "give", "credential": finger.get(&offered) });
    ask(world, &second, (&format!("/approvals/{old}/decide"), &word)).await?;
    ask(world, &first, (&format!("/approvals/{old}/carry-out"), &json!({}))).await?;
    // The account pays again. Now it is stopped once more.
    ask(world, &first, (&stop, &why)).await?;
    let asked = ask(world, &first, (&start, &why)).await?;
    let new = asked["approval_id"].as_str().unwrap_or_default().to_owned();
    for (cookie, id, act, body) in [
        (&first, &old, "carry-out", json!({})),
        (&second, &old, "carry-out", json!({})),
        (&second, &old, "decide", word.clone()),
        (&first, &new, "decide", word.clone()),
        (&second, &new, "decide", word.clone()),
        (&first, &new, "carry-out", json!({})),
    ] {
        let path = format!("{DESK}/approvals/{id}/{act}");
        let request = at_desk(world, cookie, "POST", &path, &body);
        world.refused("a word that was given once counted twice", &request).await?;
    }
    let (code, id) = (world.code(Whose::Thief, 0)?, world.id("spend"));
    let body = json!({ "merchant_payment_id": id, "code": code, "amount": 500 });
    let sale = world.till(0, "/payments", &body);
    world.refused("a stopped account paid", &sale).await
}
