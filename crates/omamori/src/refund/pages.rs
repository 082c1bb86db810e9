//! `/end-of-service`, for everybody; `/refund`, where a holder claims and follows it; `/close`, for
//! the value in an account that closes.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::claim::{self, Claim};
use super::closing::Reason;
use super::end::{self, ServiceEnd};
use super::money;
use super::notice::{Item, day, items};
use super::review::is_leaving;
use crate::app::App;
use crate::gate::chart::wallet_account_id;
use crate::identity::{PageCustomer, account};
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

#[derive(Template)]
#[template(path = "end_of_service.html")]
struct EndPage {
    text: Text,
    sandbox: bool,
    issuer: String,
    end: ServiceEnd,
    last_day: String,
    takes_claims: bool,
    is_over: bool,
    items: Vec<Item>,
}

/// `GET /end-of-service`: the public notice, as long as an end stands.
pub(super) async fn end_of_service(State(app): State<Arc<App>>, text: Text) -> Result<Response> {
    let end = end::standing(&app.stores.registry).await?.ok_or(Code::NotFound)?;
    let now = app.clock.now();
    page(&EndPage {
        text,
        sandbox: app.sandbox(),
        issuer: app.config.issuer_name.clone(),
        last_day: day(end.claims_until - 1, text),
        takes_claims: end.takes_claims(now),
        is_over: end.is_over(now),
        items: items(&end, &app.config.issuer_name, text),
        end,
    })
}

#[derive(Template)]
#[template(path = "refund.html")]
struct RefundPage {
    text: Text,
    sandbox: bool,
    end: Option<ServiceEnd>,
    last_day: String,
    takes_claims: bool,
    is_ahead: bool,
    /// Paid value that would be paid back now.
    left: i64,
    /// What is set aside for a purchase or under way: not yet.
    pending: bool,
    /// What ends with the service.
    free: i64,
    points: i64,
    /// The account closes, and what is left came after the claim.
    came_back: bool,
    claims: Vec<Claim>,
    /// The account of the newest claim that is not being paid.
    correctable: Option<String>,
    /// Whether a claim of the account's closing can be taken back.
    droppable: bool,
}

/// `GET /refund`
pub(super) async fn refund(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    let registry = &app.stores.registry;
    let (end, now) = (end::standing(registry).await?, app.clock.now());
    let claims = claim::of_customer(registry, &customer.customer_id).await?;
    if end.is_none() && claims.is_empty() {
        return Err(Code::NotFound.into());
    }
    let wallet = wallet_account_id(&customer.customer_id);
    let purse = app.gate.purse(wallet);
    let correctable = claims.iter().find(|claim| claim.state.takes_account());
    let left = money::left(&app, &customer.customer_id);
    let has_ended = end.as_ref().is_some_and(|end| end.has_ended(now));
    page(&RefundPage {
        text,
        sandbox: app.sandbox(),
        came_back: left > 0 && !has_ended && is_leaving(registry, &customer.customer_id).await?,
        last_day: end.as_ref().map_or_else(String::new, |end| day(end.claims_until - 1, text)),
        takes_claims: end.as_ref().is_some_and(|end| end.takes_claims(now)),
        is_ahead: end.is_some() && !has_ended,
        left,
        pending: app.gate.is_pending(wallet),
        free: purse.free_total(),
        points: purse.points_total(),
        droppable: claims.iter().any(|it| it.is_of_closing() && it.state.takes_account()),
        correctable: correctable.map(|claim| claim.last_digits.clone()),
        claims,
        end,
    })
}

#[derive(Template)]
#[template(path = "close.html")]
struct ClosePage {
    text: Text,
    sandbox: bool,
    /// Paid value that can be claimed now.
    left: i64,
    /// What is set aside for a purchase or under way.
    pending: bool,
    /// What is lost with the account.
    free: i64,
    points: i64,
    /// Use has ended: the rest is claimed as the end of the service says.
    has_ended: bool,
    /// A claim stands: the account is shut.
    leaving: bool,
    /// It is stopped: nothing can be spent.
    frozen: bool,
    reasons: [&'static str; 3],
}

/// `GET /close`: the end of an account, and what becomes of the value in it.
pub(super) async fn close(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    let registry = &app.stores.registry;
    let now = app.clock.now();
    let wallet = wallet_account_id(&customer.customer_id);
    let purse = app.gate.purse(wallet);
    page(&ClosePage {
        text,
        sandbox: app.sandbox(),
        left: money::left(&app, &customer.customer_id),
        pending: app.gate.is_pending(wallet),
        free: purse.free_total(),
        points: purse.points_total(),
        has_ended: app.gate.controls().ending().is_some_and(|end| end.banner(now).has_ended()),
        leaving: is_leaving(registry, &customer.customer_id).await?,
        frozen: account::find(registry, &customer.customer_id).await?.frozen,
        reasons: Reason::OF_CUSTOMERS.map(Reason::as_str),
    })
}
