//! A page that looks like ours stands between the customer and us and passes on, at once, whatever
//! the customer gives it: the attack that codes by SMS, by app and by push do not withstand.

use serde_json::json;

use super::password_phone::{PASSWORD, PasswordPhone};
use super::phone::Phone;
use super::{House, NUMBER};
use crate::clock::SECOND;

/// The phisher fetches a challenge from us, shows it to the victim, and hands in the answer with a
/// proof by a key of its own. The browser writes the page's true origin into what the passkey
/// signs; a phisher that rewrites it breaks the signature; and the key is not the phone's.
#[tokio::test]
async fn real_time_phishing_proxy() {
    let house = House::open().await;
    let mut victim = Phone::signed_up(&house).await;
    let phisher = Phone::new();
    let relay = async |victim: &mut Phone, origin: &str| {
        let challenge = house.post("/signin/options", &json!({})).await.ok();
        victim.authenticator.origin = origin.into();
        victim.authenticator.get(&challenge)
    };
    let ours = victim.authenticator.origin.clone();
    for look_alike in ["https://pay.example.evil", "http://localhost:8081", "http://1ocalhost:8080"]
    {
        let taken = relay(&mut victim, look_alike).await;
        let reply = phisher.answer_signin(&house, &taken).await;
        assert!(!reply.headers.contains_key("set-cookie"));
        reply.refused("proof_failed");
        // Even from the victim's own phone it is no answer to us.
        victim.answer_signin(&house, &taken).await.refused("proof_failed");
    }
    let mut rewritten = relay(&mut victim, "https://pay.example.evil").await;
    let honest = relay(&mut victim, &ours).await;
    rewritten["response"]["clientDataJSON"] = honest["response"]["clientDataJSON"].clone();
    phisher.answer_signin(&house, &rewritten).await.refused("proof_failed");
    // Should a browser be so broken that it signs for us, the phisher's phone is still not bound.
    let signed = relay(&mut victim, &ours).await;
    phisher.answer_signin(&house, &signed).await.refused("device_not_enrolled");
    victim.sign_in(&house).await.ok();
}

/// Password and code of the app can be typed into any page. What they are worth on another phone
/// than the bound one: nothing, and it does not use the code up.
#[tokio::test]
async fn real_time_phishing_proxy_with_a_password() {
    let house = House::open().await;
    let victim = PasswordPhone::signed_up(&house, NUMBER, 1).await;
    house.clock.advance(30 * SECOND);
    let typed = victim.totp(&house, 0);
    let phisher = PasswordPhone::stranger(NUMBER, PASSWORD);
    let reply = phisher.sign_in_with(&house, PASSWORD, &typed).await;
    assert!(!reply.headers.contains_key("set-cookie"));
    reply.refused("proof_failed");
    victim.sign_in_with(&house, PASSWORD, &typed).await.ok();
}
