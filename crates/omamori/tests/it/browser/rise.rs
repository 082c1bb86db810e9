//! What a page asks for while a step-up renews its session.

use omamori::web::text::Lang;
use serde_json::Value;

use super::house::House;
use super::phone::Phone;

/// Confirms new recovery codes as the settings do, and asks for other things between the answer,
/// which brings the new cookie, and the moment in which the page keeps what its proofs say. The
/// last request carries a proof of its own, which the service worker does not touch: it is refused,
/// and when that is known the others are on their way.
const RISE: &str = r#"return (async () => {
    const { api } = await import("/assets/js/api.js");
    const { use } = await import("/assets/js/passkey.js");
    const { keepSession, prover } = await import("/assets/js/device.js");
    const { proof } = await import("/assets/js/dpop.js");
    const codes = "/api/wallet/v1/recovery-codes", me = "/api/wallet/v1/me";
    const passkey = await use(await api("POST", `${codes}/options`, {}));
    const before = await prover();
    const { session } = await api("POST", codes, { request: {}, proof: { passkey } });
    const asked = Array.from({ length: 8 }, async () => (await fetch(me)).status);
    const dpop = await proof("GET", new URL(me, location).href, before);
    const old = (await fetch(me, { headers: { dpop } })).status;
    await keepSession(session);
    return { old, asked: await Promise.all(asked), risen: session.ath !== before.ath };
})()"#;

/// Goal: the proof of before is refused as soon as a step-up has renewed the session; but what the
/// page asks for in that moment is asked again with the new one, and nobody is signed out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_during_a_stepup_are_asked_again_and_succeed() {
    let house = House::open().await;
    let mut phone = Phone::signed_up(&house, "phone", Lang::Ja).await;
    phone.go("/settings").await;
    phone.see("[data-signout]").await;
    let before = house.wire.refused();
    let raced = phone.run(RISE).await;
    assert_eq!(raced["risen"], true);
    assert_eq!(raced["old"], 401, "the proof of before is worth nothing");
    assert_eq!(raced["asked"], Value::from(vec![200; 8]));
    let refused = house.wire.refused() - before;
    assert!(refused > 1, "none of them met the old session");
    phone.go("/history").await;
    phone.see("#history").await;
    phone.provokes("status of 401");
    phone.close().await;
    house.close().await;
}
