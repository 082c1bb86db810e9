//! Sign-in on the phone that the account is bound to: its passkey and a proof by its key.
//!
//! Nobody types who they are, so there is nothing to try names against: the passkey names the
//! account. A right passkey on another phone is refused; moving to it is another, longer way.
//!
//! Beside it [`password`], for phones without passkeys, which asks for the bound phone's key first
//! and stands behind [`crate::identity::attack`].

pub(super) mod finish;
pub(super) mod lock;
pub(super) mod options;
pub(super) mod password;

use axum::Json as Answer;
use axum::http::header;
use axum::response::IntoResponse;

use super::devices;
use super::session::{self, Strength};
use crate::app::App;
use crate::notify::{Notice, tell};
use crate::web::error::Result;
use finish::Finished;

/// Opens the session of a customer who was let in on the bound phone, and tells them.
pub(super) async fn enter(
    app: &App,
    customer_id: String,
    device_id: &str,
    strength: Strength,
) -> Result<impl IntoResponse + use<>> {
    let mut tx = app.stores.registry.begin().await?;
    let session = session::open(app, &mut tx, &customer_id, device_id, strength).await?;
    let device = devices::name(&mut tx, device_id).await?;
    tell(app, &mut tx, &customer_id, &Notice::NewSession { device }).await?;
    tx.commit().await?;
    let cookie = session.cookie.clone();
    Ok(([(header::SET_COOKIE, cookie)], Answer(Finished { customer_id, session })))
}
