//! `GET /settings/factors`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use omamori_db::sql;

use crate::app::App;
use crate::clock::Micros;
use crate::identity::customer::PageCustomer;
use crate::identity::{passkeys_of, totp};
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

#[derive(askama::Template)]
#[template(path = "factors.html")]
struct FactorsPage {
    text: Text,
    sandbox: bool,
    passkeys: Vec<passkeys_of::Listed>,
    /// When the password was chosen, if there is one.
    password_at: Option<Micros>,
    /// When the app was set up, if there is one.
    totp_at: Option<Micros>,
    /// Whether somebody without a passkey could sign in: the app, and a password or an account
    /// elsewhere.
    has_other_way: bool,
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    let (registry, id) = (&app.stores.registry, &customer.customer_id);
    let query = sql("SELECT changed_at FROM password WHERE customer_id = $1");
    let row = registry.optional(query.bind(id)).await?;
    let password_at = row.map(|row| row.int("changed_at")).transpose()?;
    let totp_at = totp::since(registry, id).await?;
    let elsewhere = sql("SELECT provider FROM external_identity WHERE customer_id = $1");
    let is_elsewhere = !registry.all(elsewhere.bind(id)).await?.is_empty();
    page(&FactorsPage {
        text,
        sandbox: app.sandbox(),
        passkeys: passkeys_of::list(registry, id).await?,
        password_at,
        totp_at,
        has_other_way: totp_at.is_some() && (password_at.is_some() || is_elsewhere),
    })
}
