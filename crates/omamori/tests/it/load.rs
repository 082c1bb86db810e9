//! Too much at once: who is turned away, and who never is.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode, header};
use futures_util::stream;
use omamori::server;
use omamori::web::codes::Code;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinSet, spawn_blocking};

use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(
    a_flood_of_signups_takes_nothing_from_sales,
    a_body_that_never_ends_is_answered,
    slow_clients_are_cut_and_take_nothing_from_others,
);

/// A request whose body never comes.
fn endless(path: &str) -> Request<Body> {
    let never = stream::pending::<Result<Bytes, std::io::Error>>();
    Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from_stream(never))
        .unwrap()
}

/// Sends so many at once; gives those at work when all others were turned away.
async fn flood(node: &Node, path: &'static str, count: usize, at_work: usize) -> JoinSet<Answered> {
    let mut flood = JoinSet::new();
    for _ in 0..count {
        let node = node.clone();
        flood.spawn(async move {
            let answer = node.open(endless(path)).await;
            let retry = answer.headers().get(header::RETRY_AFTER).cloned();
            (answer.status(), retry.map(|value| value.to_str().unwrap().to_owned()))
        });
    }
    for _ in 0..count - at_work {
        let (status, retry_after) = flood.join_next().await.unwrap().unwrap();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(retry_after.unwrap().parse::<u32>().unwrap() > 0);
    }
    assert!(flood.try_join_next().is_none(), "{path}: {} are at work", flood.len());
    flood
}

type Answered = (StatusCode, Option<String>);

/// Attack: a launch crowd, or a botnet, opens sign-ups and never goes on; then wallets the same.
/// What is asserted is the order: while as many are at work as may be, every sale passes.
async fn a_flood_of_signups_takes_nothing_from_sales(app: &mut TestApp) {
    app.restart_with(|config| config.load.requests = 20).await;
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 5_000).await;
    let signups = flood(app, "/api/wallet/v1/signup/start", 500, 5).await;
    let number = json!({ "phone": "090-1234-5678" }).to_string();
    let signup = || {
        Request::post("/api/wallet/v1/signup/start")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(number.clone()))
            .unwrap()
    };
    app.call(signup()).await.refused(Code::Busy);
    let page = app.get("/signup").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "a page is told so as a page");
    assert!(page.text().starts_with("<!doctype html>"));
    for number in 0..4 {
        let sale = register.sell(app, &format!("s-{number}"), &customer.code(app.now()), 10).await;
        sale.ok();
    }
    customer.get(app, "/history").await.status.is_success().then_some(()).unwrap();
    let wallets = flood(app, "/api/wallet/v1/recover/cancel/code", 500, 11).await;
    assert_eq!(customer.get(app, "/history").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.get("/console").await.status, StatusCode::UNAUTHORIZED, "staff still get in");
    for number in 4..8 {
        let sale = register.sell(app, &format!("s-{number}"), &customer.code(app.now()), 10).await;
        sale.ok();
    }
    assert_eq!(customer.balance(app), 5_000 - 80);
    assert!(app.figures().await.contains("omamori_http_shed_total{class=\"signup\"} 497"));
    drop((signups, wallets));
    while app.get("/signup").await.status != StatusCode::OK {
        tokio::task::yield_now().await;
    }
    app.call(signup()).await.ok();
}

/// Attack: a body comes a byte a minute. Its place is free again in bounded time.
async fn a_body_that_never_ends_is_answered(app: &mut TestApp) {
    app.restart_with(|config| config.load.request_seconds = 1).await;
    let late = app.call(endless("/api/wallet/v1/signup/start")).await;
    late.refused(Code::Busy);
    assert!(late.headers.contains_key(header::RETRY_AFTER));
    let register = Register::new(&app.app).await;
    let mut request = register.request("POST", "/payments", Body::empty());
    *request.body_mut() = endless("/").into_body();
    app.call(request).await.refused(Code::Busy);
}

/// Says something, then nothing, and waits until the other side has had enough.
fn say_and_wait(address: SocketAddr, words: &'static str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    // So that a server that never cuts it fails the test.
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(words.as_bytes()).unwrap();
    let mut heard = Vec::new();
    match stream.read_to_end(&mut heard) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{words:?}: {error}"),
    }
    String::from_utf8_lossy(&heard).into_owned()
}

/// Attack: slow-loris. Hundreds of connections that say nothing, half a head or half a body, one
/// that speaks HTTP/2 and then nothing. Another client sells meanwhile, and each is cut.
async fn slow_clients_are_cut_and_take_nothing_from_others(app: &mut TestApp) {
    app.restart_with(|config| {
        config.load.head_seconds = 1;
        config.load.request_seconds = 1;
    })
    .await;
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 1_000).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let until = async move { drop(stopped.await) };
    let served = tokio::spawn(server::serve(app.app.clone(), listener, until));
    let words = [
        "",
        "P",
        "GET /signup HTT",
        "GET /status HTTP/1.1\r\nhost: localhost\r\nx-slow: ",
        "POST /api/wallet/v1/signup/start HTTP/1.1\r\nhost: localhost\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{\"phone\":",
        "PRI * HTTP/2.0\r\n\r\n",
    ];
    let slow: Vec<_> = words
        .into_iter()
        .flat_map(|words| std::iter::repeat_n(words, 20))
        .map(|words| spawn_blocking(move || say_and_wait(address, words)))
        .collect();
    let body = json!({ "merchant_payment_id": "s-1", "code": customer.code(app.now()),
        "amount": 100 });
    let key = register.key.clone();
    let sold = spawn_blocking(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder().build().into();
        let sent = agent
            .post(format!("http://{address}/api/pos/v1/payments"))
            .header("authorization", format!("Bearer {key}"))
            .content_type("application/json")
            .send(body.to_string());
        sent.unwrap().status().as_u16()
    });
    assert_eq!(sold.await.unwrap(), 200);
    for client in slow {
        let heard = client.await.unwrap();
        let is_refusal = heard.is_empty()
            || heard.starts_with("HTTP/1.1 408")
            || heard.starts_with("HTTP/1.1 400")
            || heard.starts_with("HTTP/1.1 503")
            || !heard.starts_with("HTTP/1.1");
        assert!(is_refusal, "{heard}");
    }
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
    app.restart().await;
    assert_eq!(customer.balance(app), 900);
}
