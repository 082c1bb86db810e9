//! Attacks on the log of what staff did.

use serde_json::{Value, json};

use super::super::file::Params;
use super::super::stage::Tamper;
use super::super::world::{Whose, World};
use super::insider::{DESK, at_desk, enter};
use crate::player::{Failure, expect_ok};

/// What an entry of another would look like.
const FORGED: &str = "drill</td></tr><tr><td>stf_0000000000</td><td>staff_invite";

/// Ways that a log which can be changed would have.
const WAYS: [(&str, &str); 8] = [
    ("DELETE", "/console/audit"),
    ("PUT", "/console/audit"),
    ("PATCH", "/console/audit"),
    ("POST", "/console/audit"),
    ("DELETE", "/api/admin/v1/audit/1"),
    ("POST", "/api/admin/v1/audit/1/delete"),
    ("PUT", "/api/admin/v1/audit/1"),
    ("POST", "/api/admin/v1/audit"),
];

/// An insider stops an account and wants it never to have been: writes a reason that would look
/// like an entry of somebody else's, asks for every way to change the log, and at last has a hand
/// in the store.
pub(super) async fn tamper_with_audit(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let how = match params.text("how", "newest") {
        "anew" => Tamper::Anew,
        "cut_off" => Tamper::CutOff,
        _ => Tamper::Newest,
    };
    let (cookie, _) = enter(world).await?;
    let thief = world.actor(Whose::Thief, 0).phone.customer_id().to_owned();
    let freeze = format!("{DESK}/customers/{thief}/freeze");
    let body = json!({ "reason": FORGED });
    let frozen = world.http.ask(&at_desk(world, &cookie, "POST", &freeze, &body)).await?;
    expect_ok(&freeze, &frozen)?;
    for (method, path) in WAYS {
        let body = json!({ "seq": 1, "reason": "drill" });
        let request = at_desk(world, &cookie, method, path, &body);
        world.refused("the log was changed over HTTP", &request).await?;
    }
    let page = at_desk(world, &cookie, "GET", "/console/audit", &Value::Null);
    let page = world.http.ask(&page).await?;
    let page = String::from_utf8_lossy(&page.body).into_owned();
    if page.contains(FORGED) {
        world.breach("a reason looks like an entry");
    }
    // Somebody has looked at the log as it is, and staff have gone on with their work.
    world.stage.desk.settle().await;
    let next = format!("{DESK}/customers/{thief}/unmask");
    let body = json!({ "contact": "phone", "reason": "drill" });
    expect_ok(&next, &world.http.ask(&at_desk(world, &cookie, "POST", &next, &body)).await?)?;
    let stage = world.stage;
    let Some(tampering) = &stage.tampering else { return Ok(()) };
    if !tampering(how).await {
        return Err(Failure::NotUnderstood("the log in the store"));
    }
    world.tally.attempts += 1;
    world.stage.desk.settle().await;
    if world.stage.desk.seen().kinds.contains("audit_broken") {
        world.stopped("audit_broken");
    } else {
        world.breach("nobody was told that the log was changed");
    }
    Ok(())
}
