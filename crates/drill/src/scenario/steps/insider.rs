//! Attacks by somebody of staff, and on the desk from outside.

use serde_json::{Value, json};

use super::super::file::Params;
use super::super::world::{Whose, World};
use crate::load::Request;
use crate::player::{Failure, Passkey, expect_ok, passkey_of};

pub(super) const DESK: &str = "/api/admin/v1";

/// A request of a browser at the desk.
pub(super) fn at_desk(
    world: &World<'_>,
    cookie: &str,
    method: &'static str,
    path: &str,
    body: &Value,
) -> Request {
    let mut request = world.stranger(9_000, method, path);
    request.headers.push(("origin", world.server().origin.clone()));
    if !cookie.is_empty() {
        request.headers.push(("cookie", cookie.to_owned()));
    }
    request.body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    request
}

/// The insider makes the passkey of the invitation and is signed in: the cookie.
pub(super) async fn enter(world: &mut World<'_>) -> Result<(String, Passkey), Failure> {
    enter_as(world, "insider").await
}

/// The same by one of several.
pub(super) async fn enter_as(
    world: &mut World<'_>,
    name: &str,
) -> Result<(String, Passkey), Failure> {
    let nobody = || Failure::NotUnderstood("an insider");
    let invite = world.stage.insider.as_ref().ok_or_else(nobody)?().await.ok_or_else(nobody)?;
    let mut passkey = passkey_of(name, world.stage.first_customer, &world.server().origin);
    let path = format!("{DESK}/enrol/options");
    let asked = at_desk(world, "", "POST", &path, &json!({ "invite": invite }));
    let options = expect_ok(&path, &world.http.ask(&asked).await?)?;
    let path = format!("{DESK}/enrol/finish");
    let body = json!({ "invite": invite, "credential": passkey.create(&options) });
    let reply = world.http.ask(&at_desk(world, "", "POST", &path, &body)).await?;
    if !reply.is_ok() {
        return Err(Failure::Refused { path, code: reply.code() });
    }
    Ok((reply.cookie.unwrap_or_default(), passkey))
}

/// An insider asks for something that takes two people, agrees to it, and carries it out.
pub(super) async fn approve_own_request(
    world: &mut World<'_>,
    _: Params<'_>,
) -> Result<(), Failure> {
    let (cookie, mut passkey) = enter(world).await?;
    let thief = world.actor(Whose::Thief, 0).phone.customer_id().to_owned();
    let freeze = format!("{DESK}/customers/{thief}/freeze");
    let body = json!({ "reason": "drill" });
    let frozen = world.http.ask(&at_desk(world, &cookie, "POST", &freeze, &body)).await?;
    expect_ok(&freeze, &frozen)?;
    let path = format!("{DESK}/customers/{thief}/unfreeze");
    let asked = world.http.ask(&at_desk(world, &cookie, "POST", &path, &body)).await?;
    let asked = expect_ok(&path, &asked)?;
    let id = asked["approval_id"].as_str().unwrap_or_default().to_owned();
    if id.is_empty() {
        world.tally.attempts += 1;
        world.breach("an account was started again by one person");
        return Ok(());
    }
    let options = format!("{DESK}/approvals/{id}/options");
    let asked = at_desk(world, &cookie, "POST", &options, &json!({ "verdict": "give" }));
    let offered = world.attack(&asked).await?;
    world.must_refuse("the one who asked was asked to agree", &offered);
    let credential = passkey.get(&offered.json());
    for (act, body) in [
        ("decide", json!({ "verdict": "give", "credential": credential })),
        ("carry-out", json!({})),
    ] {
        let path = format!("{DESK}/approvals/{id}/{act}");
        let request = at_desk(world, &cookie, "POST", &path, &body);
        world.refused("one person was two", &request).await?;
    }
    Ok(())
}

/// An insider reads one customer after the other, unmasked, and searches for everybody.
pub(super) async fn export_customers(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let (cookie, _) = enter(world).await?;
    let asks = ["", "%", "_", "cus_", "090", "+81", "*", "' OR '1'='1"].map(|q| json!({ "q": q }));
    let pages = [
        json!({ "q": "cus_", "limit": 100_000 }),
        json!({ "q": "cus_", "page": 2, "size": 1_000 }),
        json!({ "q": { "$ne": "" } }),
        json!({ "q": ["cus_", "090"] }),
        json!([{ "q": "090" }, { "q": "080" }]),
    ];
    for query in asks.into_iter().chain(pages) {
        let path = format!("{DESK}/search");
        let request = at_desk(world, &cookie, "POST", &path, &query);
        let reply = world.attack(&request).await?;
        let found = String::from_utf8_lossy(&reply.body).matches("cus_").count();
        if found > params.count("reads", 1) {
            world.breach(&format!("a search for {query} lists {found} customers"));
        }
    }
    for path in [
        "/console/customers",
        "/console/customers?limit=100000&offset=0",
        "/console/customers.csv",
        "/api/admin/v1/customers",
        "/api/admin/v1/customers?after=cus_0&limit=1000",
        "/api/admin/v1/export",
        "/api/wallet/v1/history.csv",
    ] {
        let request = at_desk(world, &cookie, "GET", path, &Value::Null);
        world.refused("there is a list of customers", &request).await?;
    }
    let victim = world.actor(Whose::Victim, 0).phone.customer_id().to_owned();
    let path = format!("{DESK}/customers/{victim}/unmask");
    let request =
        at_desk(world, &cookie, "POST", &path, &json!({ "contact": "phone", "reason": "" }));
    world.refused("a number was unmasked without a reason", &request).await
}

/// The desk's doors without a session, with a customer's, with a register's key.
pub(super) async fn open_the_desk_from_outside(
    world: &mut World<'_>,
    _: Params<'_>,
) -> Result<(), Failure> {
    let victim = world.actor(Whose::Victim, 0).phone.customer_id().to_owned();
    let customer = world.actor(Whose::Victim, 0).phone.session().cookie;
    let key = world.stage.registers[0].clone();
    let doors = [
        format!("{DESK}/customers/{victim}/freeze"),
        format!("{DESK}/customers/{victim}/unfreeze"),
        format!("{DESK}/customers/{victim}/unmask"),
        format!("{DESK}/customers/{victim}/recover"),
        format!("{DESK}/doors/payment/close"),
        format!("{DESK}/staff/invite"),
        format!("{DESK}/search"),
    ];
    for path in doors {
        for cookie in ["", customer.as_str(), "omamori_staff=sss_0123456789", "__Host-staff=x"] {
            let body = json!({ "reason": "drill", "q": "cus_", "name": "x", "role": "admin" });
            let mut request = at_desk(world, cookie, "POST", &path, &body);
            world.refused("the desk opened to a stranger", &request).await?;
            request.headers.push(("authorization", format!("Bearer {key}")));
            world.refused("the desk opened to a register", &request).await?;
        }
    }
    for page in ["/console/staff", "/console/audit", "/console/doors", "/console/cases"] {
        let request = at_desk(world, &customer, "GET", page, &Value::Null);
        let reply = world.attack(&request).await?;
        if String::from_utf8_lossy(&reply.body).contains("cus_") {
            world.breach("a page of the desk showed something to a stranger");
        }
    }
    Ok(())
}
