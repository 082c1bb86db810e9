//! The member API of 7pay's group gave a token for an id and the two digits of a provider, without
//! asking the provider. Here an id opens nothing, whatever stands beside it.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use crate::census::routes::routes;
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::on_both_engines;

on_both_engines!(an_id_without_a_proof_opens_nothing);

/// What somebody knows who knows everything of a customer but the proofs.
fn claims(customer: &Customer) -> Vec<Value> {
    let id = &customer.customer_id;
    let phone = format!("+8190{:08}", customer.device_number.get() % 100_000_000);
    vec![
        json!({}),
        json!({ "customer_id": id }),
        json!({ "user_id": id, "ext_id_site_cd": "03" }),
        json!({ "provider": "google", "sub": id, "iss": "https://accounts.google.com" }),
        json!({ "id_token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0." }),
        json!({ "phone": phone }),
        json!({ "phone": phone, "birth_date": "2019-01-01", "email": "thief@example.com" }),
        json!({ "phone": phone, "device_id": customer.device_id }),
    ]
}

/// Goal: no address of the service opens a session, or answers with a session's token, for ids
/// and contacts alone, be they right.
async fn an_id_without_a_proof_opens_nothing(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let mut asked = 0;
    for route in routes().iter().filter(|route| route.method == "POST") {
        for claim in claims(&customer) {
            let request = Request::post(route.path.replace(['{', '}'], "x"))
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::ORIGIN, "http://localhost:8080")
                .body(Body::from(claim.to_string()));
            let answer = app.call(request.unwrap()).await;
            asked += 1;
            let cookies = answer.headers.get_all(header::SET_COOKIE).iter();
            let sessions = cookies.filter(|cookie| {
                let cookie = cookie.to_str().unwrap();
                ["oms_", "mse_", "omamori="].iter().any(|token| cookie.contains(token))
            });
            assert_eq!(sessions.count(), 0, "{} opened a session for {claim}", route.name());
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            for token in ["oms_", "\"session\"", "\"ath\"", "access_token"] {
                assert!(!text.contains(token), "{} answered {claim} with {text}", route.name());
            }
        }
    }
    assert!(asked > 200, "the routes are not read: {asked}");
}
