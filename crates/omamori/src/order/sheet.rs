//! `/merchant/stores/{store_id}/qr`: the sheet with a store's QR, to be printed and put up.

use std::sync::Arc;

use askama::Template;
use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::response::Response;
use omamori_paycode::draw::{Level, qr};

use super::store_qr::{Details, StoreQr, of_store, set_details};
use crate::app::App;
use crate::merchant::access::{Anyone, Manager};
use crate::merchant::{Frame, MerchantUser, StoreEntry};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::Text;

#[derive(Template)]
#[template(path = "store_qr.html")]
struct SheetPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    store: Arc<StoreEntry>,
    qr: StoreQr,
    /// Our own drawing, as SVG.
    picture: String,
    /// The number in groups, for people.
    number: String,
}

/// The page: whoever is not signed in is sent there.
pub async fn show(
    State(app): State<Arc<App>>,
    Anyone(user): Anyone,
    text: Text,
    Path(store_id): Path<String>,
) -> Result<Response> {
    let store = mine(&app, &user, &store_id).await?;
    let qr_of_store = of_store(&app, &store_id).await?;
    let symbol = qr(&qr_of_store.static_text(&store)?, Level::M);
    let symbol = symbol.map_err(|error| Error::Fault(Box::new(error)))?;
    let number = qr_of_store.number.as_bytes().chunks(4);
    let number: Vec<_> = number.map(String::from_utf8_lossy).collect();
    page(&SheetPage {
        sandbox: app.sandbox(),
        frame: Frame::new(&user, "stores"),
        picture: symbol.svg(),
        number: number.join(" "),
        qr: qr_of_store,
        store,
        text,
    })
}

/// `POST /api/merchant/v1/stores/{store_id}/qr`: what was printed goes on working.
pub async fn set(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    Path(store_id): Path<String>,
    Json(details): Json<Details>,
) -> Result<Answer<Details>> {
    let store = mine(&app, &user, &store_id).await?;
    set_details(&app, &store.store_id, &details).await?;
    Ok(Answer(details))
}

/// A store of another merchant is not there.
async fn mine(app: &App, user: &MerchantUser, store_id: &str) -> Result<Arc<StoreEntry>> {
    let store = app.merchants.store(store_id).await?;
    Ok(store.filter(|store| store.merchant_id == user.merchant_id).ok_or(Code::NotFound)?)
}
