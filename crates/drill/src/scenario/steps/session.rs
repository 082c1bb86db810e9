//! Attacks with a session that was stolen, and on what binds it to a phone.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::file::Params;
use super::super::world::{Whose, World};
use super::signin::tells_of_a_customer;
use crate::load::Request;
use crate::player::{API, Failure, Phone, Reply, expect_ok};

/// Everything with which a thief shows, moves or changes something of a customer.
const DOORS: [(&str, &str); 16] = [
    ("GET", "/me"),
    ("GET", "/history"),
    ("GET", "/devices"),
    ("GET", "/coupons"),
    ("GET", "/points"),
    ("GET", "/sends"),
    ("POST", "/sends/options"),
    ("POST", "/sends"),
    ("POST", "/cards/register/options"),
    ("POST", "/topups/card/options"),
    ("POST", "/topups/card"),
    ("POST", "/recovery-codes/options"),
    ("POST", "/contacts/change/options"),
    ("POST", "/factors/passkeys/options"),
    ("POST", "/limits/raise/options"),
    ("POST", "/account/close/options"),
];

fn must_not_enter(world: &mut World<'_>, what: &str, reply: &Reply) {
    if reply.is_ok() || tells_of_a_customer(reply) {
        let victim = world.actor(Whose::Victim, 0).phone.customer_id().to_owned();
        world.tally.entered.insert(victim);
        world.breach(what);
    }
}

/// A proof that `phone` makes for one request, besides the one that the request has.
fn with_proof(mut request: Request, proof: Option<&str>) -> Request {
    request.headers.retain(|(name, _)| *name != "dpop");
    if let Some(proof) = proof {
        request.headers.push(("dpop", proof.to_owned()));
    }
    request
}

/// The thief's browser with the victim's session.
fn with_stolen_session(world: &mut World<'_>) -> Phone {
    let session = world.actor(Whose::Victim, 0).phone.session();
    let mut burner = world.burner();
    burner.put_session(&session);
    burner
}

/// The cookie, and what its proofs say, with a key of the thief's own.
pub(super) async fn steal_session(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let mut burner = with_stolen_session(world);
    for (method, path) in DOORS {
        let (server, now) = (world.server(), world.now());
        let body = if method == "GET" { Value::Null } else { json!({}) };
        let request = burner.ready(server, (method, &format!("{API}{path}")), (&body, now));
        let reply = world.attack(&request).await?;
        must_not_enter(world, "a stolen session was let in", &reply);
    }
    Ok(())
}

/// The cookie alone, as a page of another site or a leaked log has it; and as a form of another
/// site would send it.
pub(super) async fn without_proof(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let burner = with_stolen_session(world);
    for (method, path) in DOORS {
        let mut request = burner.request(method, &format!("{API}{path}"), "{}");
        let reply = world.attack(&request).await?;
        must_not_enter(world, "a cookie alone was let in", &reply);
        if method == "POST" {
            request.headers.retain(|(name, _)| *name != "content-type");
            request.headers.push(("content-type", "application/x-www-form-urlencoded".to_owned()));
            request.headers.push(("origin", "https://thief.example".to_owned()));
            let reply = world.attack(&request).await?;
            must_not_enter(world, "a form of another site was taken", &reply);
        }
    }
    Ok(())
}

/// The victim's cookie with the proof of an account of the thief's own, whose phone is enrolled.
pub(super) async fn mix_cookie_and_phone(
    world: &mut World<'_>,
    _: Params<'_>,
) -> Result<(), Failure> {
    let session = world.actor(Whose::Victim, 0).phone.session();
    let own = world.actor(Whose::Thief, 0).phone.session();
    for half in [false, true] {
        let mixed = if half {
            // The victim's cookie, and proofs for the thief's own session.
            crate::player::Session { cookie: session.cookie.clone(), ath: own.ath.clone() }
        } else {
            session.clone()
        };
        world.actor(Whose::Thief, 0).phone.put_session(&mixed);
        for (method, path) in DOORS {
            let body = if method == "GET" { Value::Null } else { json!({}) };
            let request = world.ready((Whose::Thief, 0), method, path, &body);
            let reply = world.attack(&request).await?;
            must_not_enter(world, "a session went with another's phone", &reply);
        }
    }
    world.actor(Whose::Thief, 0).phone.put_session(&own);
    Ok(())
}

/// Two cookies of one name, as a page of a neighbouring host can set one: the thief's session comes
/// before the victim's, so that the victim does things in the thief's account; and the victim's
/// comes with the thief's phone, beside the thief's own.
pub(super) async fn toss_cookies(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let victims = world.actor(Whose::Victim, 0).phone.session();
    let thieves = world.actor(Whose::Thief, 0).phone.session();
    let pairs = [
        (Whose::Victim, format!("{}; {}", thieves.cookie, victims.cookie)),
        (Whose::Victim, format!("a=b; {};{}", thieves.cookie, victims.cookie)),
        (Whose::Thief, format!("{}; {}", victims.cookie, thieves.cookie)),
        (Whose::Thief, format!("{}\t;{}", victims.cookie, thieves.cookie)),
    ];
    for (who, cookies) in pairs {
        for (method, path) in DOORS {
            let body = if method == "GET" { Value::Null } else { json!({}) };
            let mut request = world.ready((who, 0), method, path, &body);
            request.headers.retain(|(name, _)| *name != "cookie");
            request.headers.push(("cookie", cookies.clone()));
            let reply = world.attack(&request).await?;
            must_not_enter(world, "a phone went with another's session", &reply);
        }
    }
    Ok(())
}

/// What was seen on the wire is sent again, and put to another request.
pub(super) async fn replay_proof(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    for path in ["/me", "/history", "/devices"] {
        let seen = world.ready((Whose::Victim, 0), "GET", path, &Value::Null);
        let own = world.http.ask(&seen).await?;
        if !own.is_ok() {
            return Err(Failure::Refused { path: path.to_owned(), code: own.code() });
        }
        let reply = world.attack(&seen).await?;
        must_not_enter(world, "a proof worked twice", &reply);
        for (method, other) in [("GET", "/points"), ("POST", "/account/stop")] {
            let fresh = world.ready((Whose::Victim, 0), "GET", path, &Value::Null);
            let proof = fresh.headers.iter().find(|(name, _)| *name == "dpop");
            let proof = proof.map(|(_, proof)| proof.clone());
            let bare = world.actor(Whose::Victim, 0).phone.request(
                method,
                &format!("{API}{other}"),
                if method == "GET" { "" } else { "{}" },
            );
            let reply = world.attack(&with_proof(bare, proof.as_deref())).await?;
            must_not_enter(world, "a proof of one request opened another", &reply);
        }
    }
    Ok(())
}

/// Proofs of other minutes, as a thief stores them up or makes them ahead.
pub(super) async fn skew_clock(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let now = world.now();
    for at in [now - 86_400, now - 600, now - 150, now + 150, now + 600, now + 86_400, 0, u64::MAX]
    {
        let server = world.server();
        let path = format!("{API}/me");
        let victim = &mut world.actor(Whose::Victim, 0).phone;
        let request = victim.ready(server, ("GET", &path), (&Value::Null, at));
        let reply = world.attack(&request).await?;
        must_not_enter(world, "a proof of another time was taken", &reply);
    }
    Ok(())
}

/// Proofs that are weaker than they must be: no algorithm, a secret one, no signature, another
/// key's signature, none at all, two.
pub(super) async fn weaken_proof(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let request = world.ready((Whose::Victim, 0), "GET", "/me", &Value::Null);
    let good = request.headers.iter().find(|(name, _)| *name == "dpop");
    let good = good.map(|(_, proof)| proof.clone()).unwrap_or_default();
    let parts: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        return Err(Failure::NotUnderstood("a proof"));
    };
    let told = URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
    let told = String::from_utf8(told).unwrap_or_default();
    let with = |alg: &str| URL_SAFE_NO_PAD.encode(told.replace("ES256", alg));
    let plain = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"ES256"}"#);
    let proofs = [
        format!("{}.{claims}.", with("none")),
        format!("{}.{claims}.{signature}", with("none")),
        format!("{}.{claims}.{signature}", with("HS256")),
        format!("{}.{claims}.{signature}", with("RS256")),
        format!("{header}.{claims}."),
        format!("{header}.{claims}.{}", "A".repeat(86)),
        format!("{plain}.{claims}.{signature}"),
        format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode("{}")),
        format!("{good}, {good}"),
        "..".to_owned(),
        String::new(),
    ];
    for proof in proofs {
        let reply = world.attack(&with_proof(request.clone(), Some(&proof))).await?;
        must_not_enter(world, "a weak proof was taken", &reply);
    }
    // Nothing else was wrong with them: as it was, it is taken.
    expect_ok("/me", &world.http.ask(&request).await?)?;
    Ok(())
}
