//! Attacks by texts: scripts, line breaks, SQL, paths, ids of others.

use serde_json::{Value, json};

use super::super::file::Params;
use super::super::world::{Whose, World, till};
use super::signin::tells_of_a_customer;
use crate::player::{API, Failure, expect_ok};

/// What a browser would run if it were not escaped.
const SCRIPTS: [&str; 3] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</title><svg onload=alert(1)>",
];

/// The page as the customer's browser gets it.
async fn page(world: &mut World<'_>, path: &str) -> Result<String, Failure> {
    let (server, now) = (world.server(), world.now());
    let victim = &mut world.actor(Whose::Victim, 0).phone;
    let request = victim.ready(server, ("GET", path), (&Value::Null, now));
    let reply = world.http.ask(&request).await?;
    world.tally.attempts += 1;
    if reply.status != 200 {
        return Err(Failure::Refused { path: path.to_owned(), code: reply.code() });
    }
    Ok(String::from_utf8_lossy(&reply.body).into_owned())
}

/// A store of another merchant has a script for a name, and so have the goods it sells; the
/// customer opens receipt, history and the store's order.
pub(super) async fn store_script(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let rival = world.stage.rival.clone().ok_or(Failure::NotUnderstood("a second merchant"))?;
    let mut pages = vec!["/".to_owned(), "/history".to_owned(), "/notices".to_owned()];
    for script in SCRIPTS {
        let (code, id) = (world.code(Whose::Victim, 0)?, world.id("script"));
        let body = json!({ "merchant_payment_id": id, "code": code, "amount": 100,
            "description": script, "order_receipt_number": "7",
            "items": [{ "name": script, "quantity": 1, "unit_price": 100 }] });
        let reply = world.attack(&till(&rival, "/payments", &body)).await?;
        let paid = expect_ok("/payments", &reply)?;
        world.actor(Whose::Victim, 0).yen -= 100;
        let payment = paid["payment"]["payment_id"].as_str().unwrap_or_default();
        pages.push(format!("/receipt/{payment}"));
    }
    let mut shown = 0;
    for path in pages {
        let text = page(world, &path).await?;
        shown += usize::from(text.contains("&lt;script&gt;") || text.contains("&#60;script&#62;"));
        for raw in ["<script>alert", "<img src=x", "<svg onload"] {
            if text.contains(raw) {
                world.breach(&format!("{path} runs {raw}"));
            }
        }
    }
    if shown == 0 {
        return Err(Failure::NotUnderstood("the pages: none shows the store's name"));
    }
    world.stopped("escaped");
    Ok(())
}

/// Line breaks and control characters, encoded as a browser may send them, where a header or a
/// line of a log is made of it.
pub(super) async fn inject_into_headers(
    world: &mut World<'_>,
    _: Params<'_>,
) -> Result<(), Failure> {
    let paths = [
        "/history%0d%0aset-cookie:%20thief=1",
        "/receipt/pay_%0d%0aset-cookie:%20thief=1",
        "/external/sandbox%0d%0aset-cookie:%20thief=1/callback?state=x",
        "/external/sandbox/callback?state=x%0d%0aset-cookie:%20thief=1",
        "/signin?next=https://thief.example/%0d%0aset-cookie:%20thief=1",
        "//thief.example/%2e%2e",
        "/\\thief.example",
    ];
    for path in paths {
        let mut request = world.stranger(7, "GET", path);
        request.headers.push(("accept-language", "ja\u{85}thief".to_owned()));
        request.headers.push(("x-request-id", "req_1\tINFO forged line".to_owned()));
        let reply = world.attack(&request).await?;
        if reply.cookie.as_deref().is_some_and(|cookie| cookie.contains("thief")) {
            world.breach(&format!("{path} set a cookie"));
        }
        if reply.location.as_deref().is_some_and(|place| place.contains("thief.example")) {
            world.breach(&format!("{path} led elsewhere"));
        }
    }
    Ok(())
}

/// Texts that say something else than they seem to: marks that turn the direction of writing, in
/// what a receipt, a notice or a list shows; and a store whose name a spreadsheet would run.
pub(super) async fn spoof_texts(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let key =
        world.stage.formula.clone().ok_or(Failure::NotUnderstood("a store with a formula"))?;
    for mark in ['\u{202e}', '\u{2066}', '\u{200f}', '\u{0}', '\u{7}', '\n'] {
        let text = format!("返金 ¥{mark}000,3");
        let (code, id) = (world.actor(Whose::Victim, 0).phone.last_code()?, world.id("spoof"));
        let code = code.to_string();
        for (field, value) in [
            ("description", json!(text)),
            ("items", json!([{ "name": text, "quantity": 1, "unit_price": 100 }])),
        ] {
            let body = json!({ "merchant_payment_id": id, "code": code, "amount": 100,
                (field): value });
            let request = till(&key, "/payments", &body);
            world.refused("a text that turns was taken from a register", &request).await?;
        }
        let mut burner = world.burner();
        let mut keys = burner.keys();
        keys["name"] = json!(text);
        let telephone = crate::player::Phone::telephone(world.victims[0].phone.number());
        let body = json!({ "phone": telephone, "recovery_code": "2019-0701-2019-0701",
            "device": keys });
        let (server, now) = (world.server(), world.now());
        let path = format!("{API}/recover/start");
        let request = burner.ready(server, ("POST", &path), (&body, now));
        world.refused("a text that turns is the name of a phone", &request).await?;
    }
    let (code, id) = (world.code(Whose::Victim, 0)?, world.id("formula"));
    let body = json!({ "merchant_payment_id": id, "code": code, "amount": 100 });
    expect_ok("/payments", &world.attack(&till(&key, "/payments", &body)).await?)?;
    world.actor(Whose::Victim, 0).yen -= 100;
    let file = page(world, &format!("{API}/history.csv")).await?;
    let runs = |cell: &str| cell.trim_matches('"').trim_start().starts_with(['=', '＝', '@', '＠']);
    if !file.contains("HYPERLINK") {
        return Err(Failure::NotUnderstood("the file of a history: the store is not in it"));
    }
    if file.lines().flat_map(|line| line.split(',')).any(runs) {
        world.breach("a store's name is a formula in a customer's file");
    } else {
        world.stopped("harmless_cell");
    }
    Ok(())
}

/// SQL where texts are taken.
pub(super) async fn inject_sql(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    for text in
        ["' OR '1'='1", "x'; DROP TABLE customer; --", "1) UNION SELECT 1 --", "\0", "%' --"]
    {
        let id = world.id("sql");
        for (path, body) in [
            ("/payments", json!({ "merchant_payment_id": text, "code": text, "amount": 1 })),
            (
                "/refunds",
                json!({ "merchant_refund_id": id, "merchant_payment_id": text,
                "amount": 1 }),
            ),
            ("/topups", json!({ "merchant_topup_id": text, "code": text, "amount": 1_000 })),
        ] {
            let request = world.till(0, path, &body);
            world.refused("a text that is no id was taken", &request).await?;
        }
        for (path, body) in [
            ("/send-links/look", json!({ "token": text, "passcode": "000000" })),
            ("/store-codes/look", json!({ "text": text })),
            ("/friend-codes/look", json!({ "code": text })),
        ] {
            let request = world.ready((Whose::Thief, 0), "POST", path, &body);
            world.refused("a text that is no secret was taken", &request).await?;
        }
    }
    world.balance(Whose::Thief, 0).await?;
    Ok(())
}

/// Receipts and payments of another customer by their ids.
pub(super) async fn read_others_papers(
    world: &mut World<'_>,
    _: Params<'_>,
) -> Result<(), Failure> {
    let (code, id) = (world.code(Whose::Victim, 0)?, world.id("own"));
    let body = json!({ "merchant_payment_id": id, "code": code, "amount": 500 });
    let paid = expect_ok("/payments", &world.register(0, "/payments", &body).await?)?;
    world.actor(Whose::Victim, 0).yen -= 500;
    let payment = paid["payment"]["payment_id"].as_str().unwrap_or_default();
    let receipt = format!("/receipt/{payment}");
    for path in [receipt.clone(), format!("{API}/payments/{payment}")] {
        let (server, now) = (world.server(), world.now());
        let thief = &mut world.actor(Whose::Thief, 0).phone;
        let request = thief.ready(server, ("GET", &path), (&Value::Null, now));
        let reply = world.attack(&request).await?;
        if reply.is_ok() || tells_of_a_customer(&reply) {
            world.breach("a customer read another's receipt");
        }
    }
    if !page(world, &receipt).await?.contains("500") {
        return Err(Failure::NotUnderstood("the owner's receipt"));
    }
    Ok(())
}

/// Paths that lead out of the folder of assets, and to what is not for everybody.
pub(super) async fn walk_paths(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let paths = [
        "/assets/../Cargo.toml",
        "/assets/%2e%2e/%2e%2e/master.key",
        "/assets/..%2f..%2fmaster.key",
        "/assets/....//....//etc/passwd",
        "/assets//etc/passwd",
        "/assets/%00",
        "/.env",
        "/.git/config",
        "/metrics",
        "/master.key",
        "/api/admin/v1",
        "/actuator/env",
    ];
    for path in paths {
        let request = world.stranger(8, "GET", path);
        let reply = world.attack(&request).await?;
        if reply.is_ok() {
            world.breach(&format!("{path} is there"));
        }
    }
    Ok(())
}
