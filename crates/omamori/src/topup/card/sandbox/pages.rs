//! The pages of the sandbox: one on which a card is typed, and one of a bank.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Form, Router};

use super::Inside;
use super::cards::CARDS;
use super::world::Step;
use crate::notify::fill;
use crate::web::filters::yen_text;

const PAGE: &str = include_str!("page.html");

pub fn router() -> Router<Arc<Inside>> {
    Router::new()
        .route("/checkout/{id}", get(checkout).post(card))
        .route("/bank/card/{id}", get(bank_of_card).post(bank_of_card_answered))
        .route("/bank/consent/{id}", get(bank_of_consent).post(bank_of_consent_answered))
        .route("/bank/charge/{id}", get(bank_of_charge).post(bank_of_charge_answered))
}

fn page(ja: bool, title: &str, body: String) -> Response {
    let ribbon = pick(
        ja,
        "サンドボックスのカード会社です。実在のカードを入力しないでください。何も請求されません。",
        "A sandbox gateway. Do not type a real card. Nothing is charged.",
    );
    let html = fill(
        PAGE,
        &[
            ("lang", pick(ja, "ja", "en").to_owned()),
            ("title", title.to_owned()),
            ("ribbon", ribbon.to_owned()),
            ("body", body),
        ],
    );
    // Its styles stand in the page; nothing else is allowed, and nobody may frame it.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                  frame-ancestors 'none'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
}

const fn pick(ja: bool, japanese: &'static str, english: &'static str) -> &'static str {
    if ja { japanese } else { english }
}

/// The page on which a card is typed.
async fn checkout(State(inside): State<Arc<Inside>>, Path(id): Path<String>) -> Response {
    let world = inside.world.lock();
    let Some(session) = world.sessions.get(&id) else { return gone() };
    match session.step {
        Step::Form => form(session.ja, session.error),
        Step::Bank => Redirect::to(&format!("/bank/card/{id}")).into_response(),
        Step::Complete | Step::Expired => Redirect::to(&session.return_url).into_response(),
    }
}

fn gone() -> Response {
    (StatusCode::NOT_FOUND, "The sandbox was started again and knows nothing of this.")
        .into_response()
}

fn form(ja: bool, error: bool) -> Response {
    let rows: String = CARDS
        .iter()
        .map(|card| {
            let says = pick(ja, card.says.ja, card.says.en);
            format!("<tr><td>{}</td><td>{says}</td></tr>", card.number)
        })
        .collect();
    let error = match error {
        true => pick(
            ja,
            "<p class=\"error\" role=\"alert\">このカードは登録できません。</p>",
            "<p class=\"error\" role=\"alert\">This card cannot be registered.</p>",
        ),
        false => "",
    };
    let [number, expiry, code, submit, cancel, list] = match ja {
        true => {
            ["カード番号", "有効期限", "セキュリティコード", "登録する", "やめる", "テスト用カード"]
        }
        false => ["Card number", "Expiry", "Security code", "Register", "Cancel", "Test cards"],
    };
    let body = format!(
        "{error}<form method=\"post\">\
         <label>{number}<input name=\"number\" inputmode=\"numeric\" autocomplete=\"off\" \
         value=\"4242424242424242\"></label>\
         <div class=\"pair\"><label>{expiry}<input name=\"expiry\" autocomplete=\"off\" \
         value=\"12/34\"></label>\
         <label>{code}<input name=\"code\" inputmode=\"numeric\" autocomplete=\"off\" \
         value=\"123\"></label></div>\
         <button name=\"act\" value=\"register\">{submit}</button>\
         <button class=\"quiet\" name=\"act\" value=\"leave\">{cancel}</button></form>\
         <table><caption>{list}</caption>{rows}</table>"
    );
    page(ja, pick(ja, "カードを登録", "Register a card"), body)
}

/// A card was typed.
async fn card(
    State(inside): State<Arc<Inside>>,
    Path(id): Path<String>,
    Form(fields): Form<HashMap<String, String>>,
) -> Response {
    let leaves = fields.get("act").is_some_and(|act| act == "leave");
    let number = fields.get("number").map_or("", String::as_str);
    if !leaves {
        let events = inside.world.lock().card_typed(&id, number);
        inside.tell(events);
    }
    let world = inside.world.lock();
    let Some(session) = world.sessions.get(&id) else { return gone() };
    match session.step {
        Step::Form if !leaves => Redirect::to(&format!("/checkout/{id}")).into_response(),
        Step::Bank => Redirect::to(&format!("/bank/card/{id}")).into_response(),
        _ => Redirect::to(&session.return_url).into_response(),
    }
}

fn bank(ja: bool, about: &str) -> Response {
    let [ok, fail, leave] = match ja {
        true => ["本人として認証する", "認証に失敗する", "答えずに戻る"],
        false => ["Confirm that it is me", "Fail", "Go back without an answer"],
    };
    let body = format!(
        "<p>{about}</p><form method=\"post\">\
         <button name=\"answer\" value=\"right\">{ok}</button>\
         <button class=\"quiet\" name=\"answer\" value=\"wrong\">{fail}</button>\
         <button class=\"quiet\" name=\"answer\" value=\"none\">{leave}</button></form>"
    );
    page(ja, pick(ja, "本人認証（3Dセキュア）", "3-D Secure"), body)
}

async fn bank_of_card(State(inside): State<Arc<Inside>>, Path(id): Path<String>) -> Response {
    let world = inside.world.lock();
    let Some(session) = world.sessions.get(&id) else { return gone() };
    if session.step != Step::Bank {
        return Redirect::to(&session.return_url).into_response();
    }
    let about = pick(
        session.ja,
        "テスト銀行です。カードの登録を承認しますか？",
        "This is Test Bank. Do you approve the registration of your card?",
    );
    bank(session.ja, about)
}

async fn bank_of_card_answered(
    State(inside): State<Arc<Inside>>,
    Path(id): Path<String>,
    Form(fields): Form<HashMap<String, String>>,
) -> Response {
    if let Some(right) = answer(&fields) {
        let events = inside.world.lock().session_answered(&id, right);
        inside.tell(events);
    }
    let world = inside.world.lock();
    let session = world.sessions.get(&id);
    session.map_or_else(gone, |session| Redirect::to(&session.return_url).into_response())
}

async fn bank_of_consent(State(inside): State<Arc<Inside>>, Path(id): Path<String>) -> Response {
    let world = inside.world.lock();
    let Some(consent) = world.consents.get(&id) else { return gone() };
    if consent.status != "requires_action" {
        return Redirect::to(&consent.return_url).into_response();
    }
    // A bank speaks its own language: both.
    bank(true, "テスト銀行です。自動での支払いを承認しますか？<br>Approve automatic payments?")
}

async fn bank_of_consent_answered(
    State(inside): State<Arc<Inside>>,
    Path(id): Path<String>,
    Form(fields): Form<HashMap<String, String>>,
) -> Response {
    if let Some(right) = answer(&fields) {
        let events = inside.world.lock().consent_answered(&id, right);
        inside.tell(events);
    }
    let world = inside.world.lock();
    let consent = world.consents.get(&id);
    consent.map_or_else(gone, |consent| Redirect::to(&consent.return_url).into_response())
}

async fn bank_of_charge(State(inside): State<Arc<Inside>>, Path(id): Path<String>) -> Response {
    let world = inside.world.lock();
    let Some(intent) = world.intents.get(&id) else { return gone() };
    if intent.status != "requires_action" {
        return Redirect::to(&intent.return_url).into_response();
    }
    let yen = yen_text(intent.amount);
    // A bank speaks its own language: both.
    bank(true, &format!("テスト銀行です。{yen} の支払いを承認しますか？<br>Approve {yen}?"))
}

async fn bank_of_charge_answered(
    State(inside): State<Arc<Inside>>,
    Path(id): Path<String>,
    Form(fields): Form<HashMap<String, String>>,
) -> Response {
    if let Some(right) = answer(&fields) {
        let now = inside.clock.now();
        let events = inside.world.lock().intent_answered(&id, right, now);
        inside.tell(events);
    }
    let world = inside.world.lock();
    let intent = world.intents.get(&id);
    intent.map_or_else(gone, |intent| Redirect::to(&intent.return_url).into_response())
}

/// The answer to the bank's question, if there is one.
fn answer(fields: &HashMap<String, String>) -> Option<bool> {
    match fields.get("answer").map(String::as_str) {
        Some("right") => Some(true),
        Some("wrong") => Some(false),
        _ => None,
    }
}
