//! The whole router, and the loop that serves it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;
use crate::web::{assets, headers, json};
use crate::worker::Worker;
use crate::{
    alert, baseline, checkout, console, control, coupon, dispute, identity, incident, language,
    limit, load, merchant, notify, observe, openapi, order, pos, privacy, refund, risk, send,
    settlement, terms, till, topup, value, wallet, webhook,
};

/// How long open requests may take to finish after the order to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// How long the stores may take to let go after that. A database that is away must not hold up a
/// stop: what was answered is durable, and views are made up to date at the next start.
const CLOSE: Duration = Duration::from_secs(5);

/// Every route of every surface.
pub fn router(app: Arc<App>) -> Router {
    let mut router = Router::new()
        .merge(identity::router())
        .merge(wallet::router())
        .merge(pos::router())
        .merge(order::router())
        .merge(send::router())
        .merge(value::router())
        .merge(dispute::router())
        .merge(incident::router())
        .merge(refund::router())
        .merge(coupon::router())
        .merge(till::router())
        .merge(topup::router())
        .merge(merchant::router())
        .merge(settlement::router())
        .merge(webhook::router())
        .merge(checkout::router())
        .merge(notify::router())
        .merge(control::router())
        .merge(terms::router())
        .merge(privacy::router())
        .merge(risk::confirm::router())
        .merge(console::router())
        .merge(limit::router())
        .merge(observe::router())
        .merge(language::router())
        .merge(openapi::router())
        .merge(assets::router());
    if app.sandbox() {
        router = router.merge(notify::sandbox_router());
    }
    router
        .fallback(headers::not_found)
        .method_not_allowed_fallback(headers::method_not_allowed)
        .layer(DefaultBodyLimit::max(json::BODY_BYTES_MAX))
        .layer(CatchPanicLayer::custom(headers::panicked))
        .layer(middleware::from_fn_with_state(app.clone(), control::known))
        .layer(middleware::from_fn_with_state(app.clone(), load::bounded))
        .layer(middleware::from_fn_with_state(app.clone(), headers::finish))
        .with_state(app)
}

/// Serves until `stop` resolves, then lets open requests finish, the workers stop beside them, and
/// closes the ledger: `drain_seconds` and fifteen more at most, whatever is away.
///
/// # Errors
/// If the service cannot be started.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    baseline::may_listen(listener.local_addr()?)?;
    let workers = [
        notify::start(&app),
        privacy::start(&app),
        alert::start(&app),
        send::start(&app),
        topup::start(&app),
        webhook::start(&app),
        merchant::notice::start(&app),
        checkout::start(&app),
        incident::start(&app),
        refund::start(&app),
        settlement::progress::start(&app),
        value::sweep::start(&app),
    ];
    let draining = app.clone();
    let stop = async move {
        stop.await;
        draining.readiness.drain();
        tokio::time::sleep(Duration::from_secs(draining.config.drain_seconds.into())).await;
    };
    let (draining, drained) = tokio::sync::oneshot::channel();
    let stop = async move {
        stop.await;
        let _ = draining.send(());
    };
    let workers = async move {
        let _ = drained.await;
        Worker::stop_all(workers).await;
    };
    let router = router(app.clone());
    tokio::join!(load::serve(listener, &router, &app.config.load, stop, DRAIN), workers);
    if tokio::time::timeout(CLOSE, app.close()).await.is_err() {
        tracing::warn!("stopped with open stores: a store is away, or slow");
    }
    Ok(())
}
