//! `/console/customers/cus_…`: everything about one customer on one screen.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::timeline::{Timeline, timeline};
use crate::app::App;
use crate::clock::Micros;
use crate::console::access::{Support, Viewer};
use crate::console::frame::Frame;
use crate::gate::windows::Class;
use crate::identity::desk::{Overview, overview};
use crate::identity::devices::{Device, SessionSummary, devices, sessions};
use crate::limit::Kind;
use crate::notify::contacts;
use crate::wallet::entry::{Entry, reservations};
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// One limit: what is used of it.
struct Limit {
    name: &'static str,
    used: i64,
    max: i64,
}

/// A contact, masked.
struct ShownContact {
    kind: &'static str,
    masked: String,
    /// When it was replaced, if it was: good for recovery for seven days still.
    replaced_at: Option<Micros>,
}

#[derive(Template)]
#[template(path = "console_customer.html")]
struct CustomerPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    customer: Overview,
    balance: i64,
    reserved: Vec<Entry>,
    limits: Vec<Limit>,
    contacts: Vec<ShownContact>,
    devices: Vec<Device>,
    sessions: Vec<SessionSummary>,
    timeline: Timeline,
    may_act: bool,
}

/// Where the timeline begins.
#[derive(Deserialize)]
pub(in crate::console) struct Page {
    before: Option<Micros>,
}

/// `GET /console/customers/{customer_id}`
pub(in crate::console) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
    Path(customer_id): Path<String>,
    Query(place): Query<Page>,
) -> Result<Response> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let customer = overview(registry, &customer_id, now).await?.ok_or(Code::NotFound)?;
    let may_act = Support::is_of(staff.role);
    let account = &customer.account;
    let shown = CustomerPage {
        frame: Frame::new(&app, &staff, "customer").await?,
        balance: app.gate.balance(account.wallet_account),
        reserved: reservations(&app, account.wallet_account).await?,
        limits: limits(&app, account.wallet_account),
        contacts: shown_contacts(&app, &customer_id).await?,
        devices: devices(registry, &customer_id).await?,
        sessions: sessions(registry, &customer_id, now).await?,
        timeline: timeline(&app, account, place.before, may_act, text).await?,
        sandbox: app.sandbox(),
        text,
        may_act,
        customer,
    };
    page(&shown)
}

fn limits(app: &App, account: u128) -> Vec<Limit> {
    let (paid, loaded) =
        (app.gate.used(account, Class::Payment), app.gate.used(account, Class::Topup));
    let max = |kind| app.gate.limit(kind, account); // the customer's own, if that is lower
    vec![
        Limit { name: "console.limit_payment_24h", used: paid.in_24h, max: max(Kind::Payment24h) },
        Limit { name: "console.limit_payment_30d", used: paid.in_30d, max: max(Kind::Payment30d) },
        Limit { name: "console.limit_topup_24h", used: loaded.in_24h, max: max(Kind::Topup24h) },
    ]
}

async fn shown_contacts(app: &App, customer_id: &str) -> Result<Vec<ShownContact>> {
    let found = contacts::of(&app.stores.registry, customer_id, app.clock.now()).await?;
    let kind = |contact: &contacts::Contact| match contact {
        contacts::Contact::Phone(_) => "phone",
        contacts::Contact::Email(_) => "email",
    };
    let mut shown =
        vec![ShownContact { kind: "phone", masked: found.phone.masked(), replaced_at: None }];
    if let Some(email) = &found.email {
        shown.push(ShownContact { kind: "email", masked: email.masked(), replaced_at: None });
    }
    shown.extend(found.replaced.iter().map(|(contact, at)| ShownContact {
        kind: kind(contact),
        masked: contact.masked(),
        replaced_at: Some(*at),
    }));
    Ok(shown)
}
