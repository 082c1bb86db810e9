//! `/settings/limits`: each limit, how much of it is used, and what waits.

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use super::Kind;
use crate::app::App;
use crate::clock::Micros;
use crate::gate::windows::Span;
use crate::identity::{Customer, PageCustomer};
use crate::wallet::{self, Meter};
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// A limit as its customer sees it.
#[derive(Debug, Serialize)]
pub struct OwnView {
    limit: Kind,
    /// What is used, and what holds; of one payment nothing is ever used.
    #[serde(flatten)]
    meter: Meter,
    /// The operator's, in yen.
    operators: i64,
    /// Whether the customer's own is lower.
    own: bool,
    raise: Option<RaiseView>,
}

/// A raise that waits.
#[derive(Debug, Serialize)]
pub struct RaiseView {
    /// What will hold.
    pub(super) yen: i64,
    /// From when on.
    #[serde(serialize_with = "filters::as_rfc3339")]
    pub(super) at: Micros,
}

/// All limits of a customer.
#[derive(Debug, Serialize)]
pub struct Views {
    limits: Vec<OwnView>,
}

/// Reads them.
pub(super) fn views(app: &App, customer: &Customer) -> Views {
    let (account, now) = (customer.wallet_account, app.clock.now());
    let set = app.gate.own().of(account);
    let view = |limit: Kind| {
        let operators = limit.operators(&app.config.limits);
        let used = app.gate.used(account, limit.class());
        let max = app.gate.limit(limit, account);
        OwnView {
            limit,
            meter: Meter {
                used: match limit.span() {
                    Span::Once => 0,
                    Span::Day => used.in_24h,
                    Span::Month => used.in_30d,
                },
                max,
            },
            operators,
            own: max < operators,
            raise: set.get(limit).waiting(now).map(|raise| RaiseView {
                yen: raise.to.unwrap_or(operators).min(operators),
                at: raise.at,
            }),
        }
    };
    Views { limits: Kind::ALL.into_iter().map(view).collect() }
}

/// `GET /api/wallet/v1/limits`
pub(super) async fn list(State(app): State<Arc<App>>, customer: Customer) -> Json<Views> {
    Json(views(&app, &customer))
}

#[derive(Template)]
#[template(path = "limits.html")]
struct LimitsPage {
    text: Text,
    sandbox: bool,
    /// What holds beside them on a phone's first day.
    held: wallet::Limits,
    limits: Vec<OwnView>,
}

/// `GET /settings/limits`
pub(super) async fn limits(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    let Views { limits } = views(&app, &customer);
    let held = wallet::limits(&app, &customer).await?;
    page(&LimitsPage { text, sandbox: app.sandbox(), held, limits })
}
