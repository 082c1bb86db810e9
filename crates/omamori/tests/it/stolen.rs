//! A stolen session cookie is worth nothing without the phone's key.

use axum::http::{Request, header};
use omamori::clock::MINUTE;
use omamori::web::codes::Code;

use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::customer::{Customer, new_key};
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(
    a_cookie_without_the_phones_key_shows_nothing,
    a_proof_is_good_for_one_request,
    a_signed_out_session_is_gone_for_the_phone_too,
);

/// Everything of the wallet that shows or changes something of a customer.
fn doors(payment_id: &str) -> Vec<(&'static str, String)> {
    vec![
        ("GET", "/".into()),
        ("GET", "/history".into()),
        ("GET", "/topup".into()),
        ("GET", "/settings".into()),
        ("GET", format!("/receipt/{payment_id}")),
        ("GET", "/api/wallet/v1/me".into()),
        ("GET", "/api/wallet/v1/history".into()),
        ("GET", format!("/api/wallet/v1/payments/{payment_id}")),
        ("GET", "/api/wallet/v1/events".into()),
        ("GET", "/api/wallet/v1/devices".into()),
        ("POST", "/api/wallet/v1/recovery-codes/options".into()),
        ("POST", "/api/wallet/v1/recovery-codes".into()),
        ("POST", "/api/wallet/v1/signout".into()),
    ]
}

async fn customer_with_payment(app: &TestApp) -> (Register, Customer, String) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 12_000).await;
    let paid = register.sell(app, "s-1", &customer.code(app.now()), 4_321).await.ok();
    let payment_id = paid["payment"]["payment_id"].as_str().unwrap().to_owned();
    (register, customer, payment_id)
}

/// Refused, and with nothing of the customer in the answer.
#[track_caller]
fn assert_shows_nothing(answer: &Answer, path: &str) {
    if path.starts_with("/api/") {
        answer.refused(Code::Unauthorized);
    } else {
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.headers.contains_key(header::WWW_AUTHENTICATE), "{path}");
    }
    for secret in ["4,321", "4321", "7,679", "7679", "新宿本店", "cus_", "dev_"] {
        assert!(!answer.text().contains(secret), "{path} shows {secret}");
    }
}

/// Goal: with the cookie alone, with a proof by another key, for another session, for another
/// address or of another minute, no page and no answer shows or changes anything.
async fn a_cookie_without_the_phones_key_shows_nothing(app: &mut TestApp) {
    let (_, customer, payment_id) = customer_with_payment(app).await;
    let thief = Customer::new(&app.app).await;
    let other_key = new_key(&app.app);
    for (method, path) in doors(&payment_id) {
        let now = app.now();
        let proofs = [
            None,
            Some("no proof".to_owned()),
            Some(customer.proof_by(&other_key, method, &path, now)),
            Some(thief.proof(method, &path, now)),
            Some(customer.proof(method, "/api/wallet/v1/time", now)),
            Some(customer.proof("DELETE", &path, now)),
            Some(customer.proof(method, &path, now - 2 * MINUTE)),
            Some(customer.proof(method, &path, now + 2 * MINUTE)),
        ];
        for proof in proofs {
            let answer = app.call(customer.request(method, &path, proof.as_deref())).await;
            assert_shows_nothing(&answer, &path);
        }
    }
    assert_eq!(customer.get(app, "/api/wallet/v1/me").await.ok()["balance"], 7_679);
    assert!(customer.get(app, "/history").await.text().contains("4,321"));
}

/// Goal: what was seen on the wire cannot be sent again, and two proofs are no proof.
async fn a_proof_is_good_for_one_request(app: &mut TestApp) {
    let (_, customer, payment_id) = customer_with_payment(app).await;
    for path in ["/history", "/api/wallet/v1/me", &format!("/receipt/{payment_id}")] {
        let proof = customer.proof("GET", path, app.now());
        assert_eq!(app.call(customer.request("GET", path, Some(&proof))).await.status, 200);
        let again = app.call(customer.request("GET", path, Some(&proof))).await;
        assert_shows_nothing(&again, path);
        let mut two = customer.request("GET", path, Some(&customer.proof("GET", path, app.now())));
        let second = customer.proof("GET", path, app.now()).parse().unwrap();
        two.headers_mut().append("dpop", second);
        assert_shows_nothing(&app.call(two).await, path);
    }
}

/// Goal: after signing out neither cookie nor phone opens anything; a guest is asked to sign in.
async fn a_signed_out_session_is_gone_for_the_phone_too(app: &mut TestApp) {
    let (_, customer, _) = customer_with_payment(app).await;
    let path = "/api/wallet/v1/signout";
    let proof = customer.proof("POST", path, app.now());
    let signed_out = app.call(customer.request("POST", path, Some(&proof))).await;
    assert!(signed_out.status.is_success(), "{}", signed_out.status);
    customer.get(app, "/api/wallet/v1/me").await.refused(Code::Unauthorized);
    let page = customer.get(app, "/history").await;
    assert_eq!(page.status, 303);
    assert_eq!(page.headers[header::LOCATION], "/signin");
    let guest = app.call(Request::get("/").body("".into()).unwrap()).await;
    assert_eq!(guest.status, 200);
}
