//! `/merchant/authorizations`: what is set aside in a merchant's stores.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use omamori_db::sql;

use super::access::Anyone;
use super::frame::Frame;
use crate::app::App;
use crate::pos::{SetAside, set_aside};
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// Of each store.
const SHOWN: usize = 50;

struct Store {
    store_id: String,
    name: String,
    authorizations: Vec<SetAside>,
}

#[derive(Template)]
#[template(path = "merchant_authorizations.html")]
struct AuthorizationsPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    stores: Vec<Store>,
}

/// `GET /merchant/authorizations`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Anyone(user): Anyone,
    text: Text,
) -> Result<Response> {
    let query = sql("SELECT store_id, name, sales_account FROM store
         WHERE merchant_id = $1 ORDER BY created_at, store_id");
    let rows = app.stores.registry.all(query.bind(&user.merchant_id)).await?;
    let mut stores = Vec::with_capacity(rows.len());
    for row in rows {
        let account = u128::from_be_bytes(row.array("sales_account")?);
        stores.push(Store {
            store_id: row.text("store_id")?,
            name: row.text("name")?,
            authorizations: set_aside(&app, account, SHOWN).await?,
        });
    }
    page(&AuthorizationsPage {
        text,
        sandbox: app.sandbox(),
        frame: Frame::new(&user, "authorizations"),
        stores,
    })
}
