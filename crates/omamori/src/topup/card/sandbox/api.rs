//! The part of Stripe's API that our adapter uses.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use serde_json::{Value, json};

use super::cards::Script;
use super::world::card_error;
use super::{Inside, KEY};
use crate::clock::SECOND;

type Fields = Form<HashMap<String, String>>;
type Answer = Result<Json<Value>, Refusal>;

/// A refusal in the form that Stripe's errors have.
struct Refusal(StatusCode, Value);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

fn invalid(code: &str) -> Refusal {
    Refusal(
        StatusCode::BAD_REQUEST,
        json!({ "type": "invalid_request_error", "code": code, "message": code }),
    )
}

fn missing() -> Refusal {
    Refusal(
        StatusCode::NOT_FOUND,
        json!({ "type": "invalid_request_error", "code": "resource_missing", "message": "-" }),
    )
}

pub fn router() -> Router<Arc<Inside>> {
    let api = Router::new()
        .route("/customers", post(customer))
        .route("/checkout/sessions", post(open_session))
        .route("/checkout/sessions/{id}", get(session))
        .route("/setup_intents", post(open_consent))
        .route("/setup_intents/{id}", get(consent))
        .route("/payment_intents", post(open_intent))
        .route("/payment_intents/{id}", get(intent))
        .route("/payment_intents/{id}/confirm", post(confirm))
        .route("/payment_intents/{id}/cancel", post(cancel))
        .route("/refunds", post(refund).get(refunds))
        .route("/balance_transactions", get(booked))
        .route("/payment_methods/{id}/detach", post(detach))
        .layer(middleware::from_fn(admit));
    Router::new().nest("/v1", api)
}

/// The key must be right and a version named, as our adapter must do for Stripe.
async fn admit(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let key = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if key != Some(&format!("Bearer {KEY}")) || !headers.contains_key("stripe-version") {
        let error = json!({ "type": "invalid_request_error", "message": "no key" });
        return Refusal(StatusCode::UNAUTHORIZED, error).into_response();
    }
    next.run(request).await
}

impl Inside {
    fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    fn is_up(&self) -> Result<(), Refusal> {
        match self.world.lock().down {
            true => Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, json!({ "type": "api_error" }))),
            false => Ok(()),
        }
    }

    /// The first answer to this key again, or that of `act`.
    fn once(&self, headers: &HeaderMap, act: impl FnOnce() -> Answer) -> Answer {
        let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
        let Some(key) = key.map(str::to_owned) else { return act() };
        if let Some(first) = self.world.lock().answered.get(&key) {
            return Ok(Json(first.clone()));
        }
        let answer = act()?;
        self.world.lock().answered.insert(key, answer.0.clone());
        Ok(answer)
    }
}

async fn customer(State(inside): State<Arc<Inside>>, headers: HeaderMap) -> Answer {
    inside.is_up()?;
    inside.once(&headers, || {
        let id = inside.world.lock().name("cus");
        Ok(Json(json!({ "id": id, "object": "customer" })))
    })
}

async fn open_session(
    State(inside): State<Arc<Inside>>,
    headers: HeaderMap,
    Form(fields): Fields,
) -> Answer {
    inside.is_up()?;
    let field = |name: &str| fields.get(name).map(String::as_str).ok_or(invalid("missing"));
    let wants = "payment_method_options[card][request_three_d_secure]";
    if field("mode")? != "setup" || field(wants)? != "any" {
        return Err(invalid("not_for_us"));
    }
    let (url, locale) = (field("success_url")?, field("locale")?);
    let whose = (field("customer")?, field("setup_intent_data[metadata][setup_id]")?);
    inside.once(&headers, || {
        let mut world = inside.world.lock();
        let id = world.open_session(whose, url, locale == "ja");
        world.session_json(&id, &inside.address()).map(Json).ok_or(missing())
    })
}

async fn session(State(inside): State<Arc<Inside>>, Path(id): Path<String>) -> Answer {
    inside.is_up()?;
    inside.world.lock().session_json(&id, &inside.address()).map(Json).ok_or(missing())
}

async fn open_consent(
    State(inside): State<Arc<Inside>>,
    headers: HeaderMap,
    Form(fields): Fields,
) -> Answer {
    inside.is_up()?;
    let field = |name: &str| fields.get(name).map(String::as_str).ok_or(invalid("missing"));
    let wants = "payment_method_options[card][request_three_d_secure]";
    if field("usage")? != "off_session" || field("confirm")? != "true" || field(wants)? != "any" {
        return Err(invalid("not_for_us"));
    }
    let (token, url) = (field("payment_method")?, field("return_url")?);
    inside.once(&headers, || {
        let mut world = inside.world.lock();
        let id = world.open_consent(token, url).ok_or(missing())?;
        world.consent_json(&id, &inside.address()).map(Json).ok_or(missing())
    })
}

async fn consent(State(inside): State<Arc<Inside>>, Path(id): Path<String>) -> Answer {
    inside.is_up()?;
    inside.world.lock().consent_json(&id, &inside.address()).map(Json).ok_or(missing())
}

async fn open_intent(
    State(inside): State<Arc<Inside>>,
    headers: HeaderMap,
    Form(fields): Fields,
) -> Answer {
    inside.is_up()?;
    let field = |name: &str| fields.get(name).map(String::as_str).ok_or(invalid("missing"));
    let amount = field("amount")?.parse().map_err(|_| invalid("parameter_invalid_integer"))?;
    let (token, currency) = (field("payment_method")?, field("currency")?);
    if currency != "jpy" || fields.contains_key("confirm") {
        return Err(invalid("not_for_us"));
    }
    inside.once(&headers, || {
        let mut world = inside.world.lock();
        let id = world.open_intent(token, amount).ok_or(missing())?;
        world.intent_json(&id, &inside.address()).map(Json).ok_or(missing())
    })
}

async fn intent(State(inside): State<Arc<Inside>>, Path(id): Path<String>) -> Answer {
    inside.is_up()?;
    inside.happen();
    inside.world.lock().intent_json(&id, &inside.address()).map(Json).ok_or(missing())
}

async fn confirm(
    State(inside): State<Arc<Inside>>,
    Path(id): Path<String>,
    Form(fields): Fields,
) -> Answer {
    inside.is_up()?;
    let return_url = fields.get("return_url").map(String::as_str);
    let wants = "payment_method_options[card][request_three_d_secure]";
    let alone = fields.get("off_session").map(String::as_str) == Some("true");
    let asks = fields.get(wants).map(String::as_str) == Some("any");
    if return_url.is_some() != asks || alone == asks {
        return Err(invalid("not_for_us"));
    }
    let now = inside.clock.now();
    let (script, events) = inside.world.lock().confirm(&id, return_url, now).ok_or_else(missing)?;
    inside.tell(events);
    match script {
        Script::NoAnswer => {
            tokio::time::sleep(inside.silence).await;
            Err(Refusal(StatusCode::GATEWAY_TIMEOUT, json!({ "type": "api_error" })))
        }
        Script::Declined => Err(Refusal(StatusCode::PAYMENT_REQUIRED, card_error("card_declined"))),
        Script::AlwaysAsks if return_url.is_none() => {
            let error = card_error("authentication_required");
            Err(Refusal(StatusCode::PAYMENT_REQUIRED, error))
        }
        _ => inside.world.lock().intent_json(&id, &inside.address()).map(Json).ok_or(missing()),
    }
}

async fn cancel(State(inside): State<Arc<Inside>>, Path(id): Path<String>) -> Answer {
    inside.is_up()?;
    let mut world = inside.world.lock();
    if !world.cancel(&id) {
        return Err(invalid("payment_intent_unexpected_state"));
    }
    world.intent_json(&id, &inside.address()).map(Json).ok_or(missing())
}

async fn refund(
    State(inside): State<Arc<Inside>>,
    headers: HeaderMap,
    Form(fields): Fields,
) -> Answer {
    inside.is_up()?;
    let id = fields.get("payment_intent").ok_or_else(missing)?;
    let yen = fields.get("amount").map(|yen| yen.parse().map_err(|_| invalid("amount")));
    let (yen, ours) = (yen.transpose()?, fields.get("metadata[refund_id]").map_or("", |id| id));
    inside.once(&headers, || {
        let mut world = inside.world.lock();
        world.refund(id, (ours, yen), inside.clock.now()).map_err(invalid)?;
        world.refunds(id).pop().map(Json).ok_or_else(missing)
    })
}

/// The refunds of a charge.
async fn refunds(
    State(inside): State<Arc<Inside>>,
    Query(asked): Query<HashMap<String, String>>,
) -> Answer {
    inside.is_up()?;
    let id = asked.get("payment_intent").ok_or_else(missing)?;
    let world = inside.world.lock();
    if world.hides_refunds {
        let error = json!({ "type": "invalid_request_error", "message": "no right" });
        return Err(Refusal(StatusCode::FORBIDDEN, error));
    }
    let data = world.refunds(id);
    Ok(Json(json!({ "object": "list", "url": "/v1/refunds", "has_more": false, "data": data })))
}

async fn detach(State(inside): State<Arc<Inside>>, Path(id): Path<String>) -> Answer {
    inside.is_up()?;
    inside.world.lock().forget(&id);
    Ok(Json(json!({ "id": id, "object": "payment_method", "customer": null })))
}

/// A page of what is booked, the newest first.
async fn booked(
    State(inside): State<Arc<Inside>>,
    Query(asked): Query<HashMap<String, String>>,
) -> Answer {
    inside.is_up()?;
    inside.happen();
    let number = |name: &str, default: i64| match asked.get(name) {
        Some(text) => text.parse().map_err(|_| invalid("parameter_invalid_integer")),
        None => Ok(default),
    };
    let (from, until) = (number("created[gte]", 0)?, number("created[lt]", i64::MAX)?);
    let limit = usize::try_from(number("limit", 10)?).map_err(|_| invalid("limit"))?;
    let all = inside.world.lock().booked();
    let mut rest: Vec<_> =
        all.into_iter().filter(|one| (from..until).contains(&(one.at / SECOND))).collect();
    if let Some(after) = asked.get("starting_after") {
        let place = rest.iter().position(|one| one.id == *after).ok_or_else(missing)?;
        rest.drain(..=place);
    }
    let has_more = rest.len() > limit;
    let data: Vec<Value> = rest.iter().take(limit).map(|one| one.json()).collect();
    Ok(Json(json!({ "object": "list", "url": "/v1/balance_transactions", "has_more": has_more,
        "data": data })))
}
