//! One box for everything: `POST /api/admin/v1/search`.
//!
//! What is typed may be a telephone number, so it is in no address and in no record; the record
//! says who looked for what kind of thing and how much was found. Matches are exact.

use std::sync::Arc;

use axum::extract::State;
use omamori_paycode::code::DeviceNumber;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::access::Viewer;
use crate::app::App;
use crate::case;
use crate::gate::Act;
use crate::gate::chart::TransferCode;
use crate::id::Kind;
use crate::identity::{Phone, desk, standing};
use crate::merchant;
use crate::notify::{Email, contacts};
use crate::web::error::{Error, Result};
use crate::web::json::Json;

const CHARACTERS_MAX: usize = 320;

/// What was typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    q: String,
}

/// Where it is.
#[derive(Serialize)]
pub(super) struct Found {
    results: Vec<Hit>,
}

#[derive(Serialize)]
struct Hit {
    kind: &'static str,
    label: String,
    href: String,
}

pub(super) async fn find(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    Json(request): Json<Search>,
) -> Result<axum::Json<Found>> {
    let typed = request.q.trim();
    if typed.is_empty() || typed.chars().count() > CHARACTERS_MAX {
        return Err(Error::field("q", "malformed"));
    }
    let (kind, results) = look(&app, typed).await?;
    let about = json!({ "kind": kind, "found": results.len() });
    let _recorded = staff.actor.decide(&app, Act::StaffSearch, None, &about, Ok(())).await?;
    Ok(axum::Json(Found { results }))
}

/// What kind of thing was typed, and what there is of it.
async fn look(app: &App, typed: &str) -> Result<(&'static str, Vec<Hit>)> {
    let registry = &app.stores.registry;
    if let Some((kind, _)) = typed.split_once('_') {
        return match kind {
            "cus" => Ok(("customer", customers(standing::find(app, typed).await?))),
            "mer" | "sto" | "ter" => Ok(("store", stores(app, typed).await?)),
            "pay" | "rfd" | "aut" => Ok(("payment", payments(app, typed).await?)),
            "cse" => Ok(("case", cases(app, typed).await?)),
            _ => Ok(("unknown", Vec::new())),
        };
    }
    if let Some(email) = typed.contains('@').then(|| Email::parse(typed)).flatten() {
        return Ok(("email", customers(contacts::holders(registry, &email).await?)));
    }
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    // Nine digits are a phone's number in its codes; 24 are such a code as a register read it.
    let number = match (digits.len() == typed.len(), digits.len()) {
        (true, 9) => digits.parse().ok().and_then(DeviceNumber::new),
        (true, 24) => digits[6..15].parse().ok().and_then(DeviceNumber::new),
        _ => None,
    };
    if let Some(number) = number {
        return Ok(("device", customers(desk::holder_of_device(registry, number).await?)));
    }
    if Phone::parse(typed).is_some() {
        return Ok(("phone", customers(standing::find(app, typed).await?)));
    }
    Ok(("unknown", Vec::new()))
}

fn customers(ids: impl IntoIterator<Item = String>) -> Vec<Hit> {
    let hit =
        |id: String| Hit { kind: "customer", href: format!("/console/customers/{id}"), label: id };
    ids.into_iter().map(hit).collect()
}

async fn stores(app: &App, id: &str) -> Result<Vec<Hit>> {
    let found = merchant::desk::find(&app.stores.registry, id).await?;
    let hit = |merchant: merchant::desk::Merchant| Hit {
        kind: "store",
        label: merchant.name,
        href: format!("/console/stores/{id}"),
    };
    Ok(found.into_iter().map(hit).collect())
}

async fn cases(app: &App, id: &str) -> Result<Vec<Hit>> {
    let found = case::find(&app.stores.registry, id).await?;
    let hit = |case: case::Case| Hit {
        kind: "case",
        href: format!("/console/cases/{}", case.case_id),
        label: case.case_id,
    };
    Ok(found.into_iter().map(hit).collect())
}

async fn payments(app: &App, id: &str) -> Result<Vec<Hit>> {
    if let Some(number) = Kind::Authorization.parse(id) {
        let found = crate::pos::Reservation::find(app, number).await?;
        let href = format!("/console/authorizations/{id}");
        let hit = |_| Hit { kind: "authorization", label: id.to_owned(), href };
        return Ok(found.map(hit).into_iter().collect());
    }
    let Some(number) = Kind::Payment.parse(id).or_else(|| Kind::Refund.parse(id)) else {
        return Ok(Vec::new());
    };
    let found = app.gate.transfer(number).await?.filter(|found| {
        let codes = [TransferCode::Payment, TransferCode::Refund, TransferCode::Cancel];
        codes.iter().any(|code| code.number() == found.transfer.code)
    });
    let hit =
        |_| Hit { kind: "payment", label: id.to_owned(), href: format!("/console/payments/{id}") };
    Ok(found.into_iter().map(hit).collect())
}
