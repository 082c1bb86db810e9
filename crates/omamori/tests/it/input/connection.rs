//! The same over real connections: what no client library would send, and many clients at once.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use omamori::server;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::support::app::TestApp;
use crate::support::customer::{CODES_AT_ONCE, Customer};
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(
    sixteen_connections_with_one_sale_make_one_payment,
    broken_requests_leave_the_server_alive,
    what_was_answered_before_a_stop_is_there_after_it,
    a_store_that_does_not_let_go_holds_no_stop_up,
);

/// The service on a port of its own.
pub struct Listening {
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Listening {
    pub async fn start(app: &TestApp) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let until = async move { drop(stopped.await) };
        let served = tokio::spawn(server::serve(app.app.clone(), listener, until));
        Self { address, stop, served }
    }

    /// Stops it as a signal does, and starts the service again without it.
    pub async fn stop(self, app: &mut TestApp) {
        self.stop.send(()).unwrap();
        self.served.await.unwrap().unwrap();
        app.restart().await;
    }
}

/// Sells over a connection; `None` if it broke before there was an answer.
fn sell(address: SocketAddr, key: &str, body: &Value) -> Option<(u16, Value)> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let sent = agent
        .post(format!("http://{address}/api/pos/v1/payments"))
        .header("authorization", format!("Bearer {key}"))
        .content_type("application/json")
        .send(body.to_string());
    let mut answer = sent.ok()?;
    let text = answer.body_mut().read_to_string().ok()?;
    Some((answer.status().as_u16(), serde_json::from_str(&text).unwrap()))
}

fn sale(id: &str, code: &str) -> Value {
    json!({ "merchant_payment_id": id, "code": code, "amount": 100 })
}

/// Goal: one payment, and the same answer on every connection.
async fn sixteen_connections_with_one_sale_make_one_payment(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 1_000).await;
    let listening = Listening::start(app).await;
    let body = sale("s-1", &customer.code(app.now()));
    let mut clients = Vec::new();
    for _ in 0..16 {
        let (address, key, body) = (listening.address, register.key.clone(), body.clone());
        clients.push(spawn_blocking(move || sell(address, &key, &body).unwrap()));
    }
    let mut answers = Vec::new();
    for client in clients {
        answers.push(client.await.unwrap());
    }
    assert_eq!(answers[0].0, 200, "{}", answers[0].1);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    listening.stop(app).await;
    assert_eq!(customer.balance(app), 900);
}

/// Sends bytes and gives what comes back until the other side is done.
fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    // So that a server that never answers fails the test.
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // It may answer and close before everything is sent.
    let _refused_early = stream.write_all(bytes);
    let _closed = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Requests that break the rules of HTTP, or off in the middle.
fn broken(key: &str) -> Vec<Vec<u8>> {
    let head = format!(
        "POST /api/pos/v1/payments HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\n"
    );
    let with = |rest: &str| format!("{head}{rest}").into_bytes();
    let large = "x".repeat(10 << 20);
    vec![
        b"\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00".to_vec(),
        b"SELL everything\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        with("content-length: 100\r\n\r\n{\"amount\":"),
        with("content-length: -1\r\n\r\n{}"),
        with("content-length: 99999999999999999999\r\n\r\n{}"),
        with("content-length: 2\r\ncontent-length: 3\r\n\r\n{}"),
        with("transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
        with("transfer-encoding: chunked\r\n\r\n5\r\n{\"am"),
        with(&format!("x-large: {}\r\n\r\n", "y".repeat(1 << 20))),
        with(&"x-many: 1\r\n".repeat(10_000)),
        with(&format!("content-length: {}\r\n\r\n{large}", large.len())),
        with(&format!(
            "transfer-encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
            large.len()
        )),
    ]
}

/// Goal: a 4xx or a closed connection for each, no entry in the journal, and the next sale works.
async fn broken_requests_leave_the_server_alive(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 1_000).await;
    let listening = Listening::start(app).await;
    let entries = app.journal_entries().await;
    for bytes in broken(&register.key) {
        let address = listening.address;
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
        let answer = spawn_blocking(move || exchange(address, &bytes)).await.unwrap();
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        assert!(refused, "{shown} was answered with {answer}");
    }
    assert_eq!(app.journal_entries().await, entries);
    let (address, key) = (listening.address, register.key.clone());
    let body = sale("s-1", &customer.code(app.now()));
    let sold = spawn_blocking(move || sell(address, &key, &body)).await.unwrap().unwrap();
    assert_eq!(sold.0, 200, "{}", sold.1);
    listening.stop(app).await;
}

/// Sells with all codes of a phone until the connection breaks; gives what was answered.
fn sell_all(
    address: SocketAddr,
    key: &str,
    sales: Vec<Value>,
    answered: &Sender<()>,
) -> Vec<(Value, Value)> {
    let mut paid = Vec::new();
    for body in sales {
        let Some((status, answer)) = sell(address, key, &body) else { break };
        if status == 200 {
            paid.push((body, answer));
        }
        if answered.send(()).is_err() {
            break;
        }
    }
    paid
}

/// Goal: eight registers sell while the service is told to stop; each answer that one of them got
/// is found again afterwards.
async fn what_was_answered_before_a_stop_is_there_after_it(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut sales = Vec::new();
    for number in 0..8 {
        let customer = Customer::new(&app.app).await;
        customer.load(app, &register, 2_000).await;
        let codes = (1..CODES_AT_ONCE).map(|_| customer.code(app.now()));
        let of_one =
            codes.enumerate().map(|(place, code)| sale(&format!("s-{number}-{place}"), &code));
        sales.push(of_one.collect::<Vec<_>>());
    }
    let listening = Listening::start(app).await;
    let (answered, heard) = channel();
    let clients: Vec<_> = sales
        .into_iter()
        .map(|sales| {
            let (address, key) = (listening.address, register.key.clone());
            let answered = answered.clone();
            spawn_blocking(move || sell_all(address, &key, sales, &answered))
        })
        .collect();
    drop(answered);
    let heard = spawn_blocking(move || heard.iter().take(20).count());
    assert_eq!(heard.await.unwrap(), 20);
    listening.stop(app).await;
    let mut found = 0;
    for client in clients {
        for (body, answer) in client.await.unwrap() {
            assert_eq!(register.post(app, "/payments", &body).await.ok(), answer);
            found += 1;
        }
    }
    assert!(found >= 20);
}

/// Goal: a store is stuck when the order to stop comes – on SQLite the one writer of the views, on
/// PostgreSQL one of the connections of the pool –, as with a database that is away. The service
/// stops all the same, and what was answered is there.
async fn a_store_that_does_not_let_go_holds_no_stop_up(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 1_000).await;
    let Listening { stop, served, .. } = Listening::start(app).await;
    let stuck = app.app.stores.views.begin().await.unwrap();
    register.sell(app, "s-1", &customer.code(app.now()), 400).await.ok();
    stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(60), served).await;
    ended.unwrap().unwrap().unwrap(); // it does not wait for ever
    drop(stuck);
    app.restart().await;
    assert_eq!(customer.balance(app), 600);
}
