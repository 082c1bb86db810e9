//! Connections: how many, and how long one may take to say what it wants.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use super::LoadSettings;

/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Streams of one HTTP/2 connection.
const STREAMS_MAX: u32 = 128;
/// A connection that nobody answers on is closed after so long without a word.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// After the system could not give a connection (no more files, mostly).
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` resolves, then lets open requests finish for at most `drain`.
pub async fn serve(
    listener: TcpListener,
    router: &Router,
    settings: &LoadSettings,
    stop: impl Future<Output = ()> + Send,
    drain: Duration,
) {
    let places = Arc::new(Semaphore::new(settings.connections.min(Semaphore::MAX_PERMITS)));
    let head = Duration::from_secs(settings.head_seconds.into());
    let builder = Arc::new(builder(head));
    let graceful = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let place = tokio::select! {
            () = &mut stop => break,
            place = places.clone().acquire_owned() => place,
        };
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let (builder, router) = (builder.clone(), router.clone());
        let watcher = graceful.watcher();
        tokio::spawn(async move {
            let _place = place;
            converse(stream, peer, &builder, router, watcher, head).await;
        });
    }
    drop(listener);
    // Event streams never end by themselves: after the drain they are cut.
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::info!("open streams were cut");
    }
}

fn builder(head: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head).max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .max_concurrent_streams(STREAMS_MAX)
        .enable_connect_protocol();
    builder
}

async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    builder: &Builder<TokioExecutor>,
    router: Router,
    watcher: Watcher,
    head: Duration,
) {
    // Small answers are not held back for more to come.
    let _ = stream.set_nodelay(true);
    let heard = Arc::new(AtomicBool::new(false));
    let hears = heard.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        hears.store(true, Ordering::Relaxed);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let connection = watcher.watch(connection);
    tokio::pin!(connection);
    // Which version a client speaks is read before any head, and that has no bound of its own.
    tokio::select! {
        _ended = &mut connection => return,
        () = tokio::time::sleep(head) => {
            if !heard.load(Ordering::Relaxed) {
                return;
            }
        }
    }
    // An error here is the client's: it went away, or it does not speak HTTP.
    let _ended = connection.await;
}
