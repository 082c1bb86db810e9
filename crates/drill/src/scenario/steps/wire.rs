//! Attacks on the wire. While they go on, a customer buys something.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::file::Params;
use super::super::world::{Whose, World};
use crate::player::{API, Failure};

/// How long an answer to bytes that are no request is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// Sends bytes as they are; what came back until the server closed or fell silent.
async fn raw(world: &mut World<'_>, bytes: &[u8]) -> Result<String, Failure> {
    let mut stream = TcpStream::connect(world.server().address).await?;
    // The server may close before it has read all: then there is nothing more to write.
    let _closed = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while let Ok(Ok(count)) = tokio::time::timeout(PATIENCE, stream.read(&mut part)).await {
        if count == 0 || answer.len() > 64 * 1024 {
            break;
        }
        answer.extend_from_slice(&part[..count]);
        if bytes.ends_with(b"\r\n\r\n") && answer.windows(4).any(|four| four == b"\r\n\r\n") {
            break;
        }
    }
    world.tally.attempts += 1;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The status of an answer, as a word for the tally.
fn note_status(world: &mut World<'_>, answer: &str) {
    let status = answer.split(' ').nth(1).unwrap_or("closed").to_owned();
    if !status.starts_with('2') {
        *world.tally.refused.entry(status).or_default() += 1;
    }
}

/// Many connections that send a byte and wait (Slowloris), in the head and in the body.
pub(super) async fn hold_connections(
    world: &mut World<'_>,
    params: Params<'_>,
) -> Result<(), Failure> {
    let mut held = Vec::new();
    for place in 0..params.count("connections", 200) {
        let mut stream = TcpStream::connect(world.server().address).await?;
        let begin: &[u8] = match place % 3 {
            0 => b"G",
            1 => b"POST /api/wallet/v1/signup/start HTTP/1.1\r\nhost: x\r\nx-slow: ",
            _ => {
                b"POST /api/wallet/v1/signup/start HTTP/1.1\r\nhost: x\r\n\
                   content-type: application/json\r\ncontent-length: 60000\r\n\r\n{"
            }
        };
        let _closed = stream.write_all(begin).await;
        world.tally.attempts += 1;
        held.push(stream);
    }
    let (store, amount) = (0, 100);
    let bought = tokio::time::timeout(PATIENCE, world.buy((Whose::Victim, 0), (store, amount)));
    match bought.await {
        Ok(bought) => {
            bought?;
            world.stopped("customer_served");
        }
        Err(_late) => world.breach("nobody could buy while slow clients held their connections"),
    }
    drop(held);
    Ok(())
}

/// Many streams of events and large answers that are asked for and never read, by a register's key
/// that was stolen.
pub(super) async fn never_read(world: &mut World<'_>, params: Params<'_>) -> Result<(), Failure> {
    let key = world.stage.registers[0].clone();
    let mut held = Vec::new();
    for place in 0..params.count("connections", 200) {
        let mut stream = TcpStream::connect(world.server().address).await?;
        let path = if place % 2 == 0 { "/api/pos/v1/events" } else { "/api/openapi.json" };
        let asks = if place % 2 == 0 { 1 } else { 40 };
        let ask = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n");
        let _closed = stream.write_all(ask.repeat(asks).as_bytes()).await;
        world.tally.attempts += 1;
        held.push(stream);
    }
    let bought = tokio::time::timeout(PATIENCE, world.buy((Whose::Victim, 0), (1, 100)));
    match bought.await {
        Ok(bought) => {
            bought?;
            world.stopped("customer_served");
        }
        Err(_late) => world.breach("nobody could buy while answers were not read"),
    }
    drop(held);
    Ok(())
}

/// Bodies that are too large, too deep, or not what they say.
pub(super) async fn send_huge_bodies(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let wide = format!("{{{}\"z\":1}}", "\"a\":1,".repeat(10_000));
    let bodies = [
        "x".repeat(8 * 1024 * 1024),
        format!("{{\"phone\":\"{}\"}}", "0".repeat(1024 * 1024)),
        deep,
        wide,
        "{\"phone\":1e999999}".to_owned(),
        "\u{feff}{}".to_owned(),
    ];
    for body in bodies {
        let mut head = format!(
            "POST {API}/signup/start HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            world.server().address,
            body.len()
        )
        .into_bytes();
        head.extend(body.into_bytes());
        let answer = raw(world, &head).await?;
        if answer.starts_with("HTTP/1.1 2") || answer.starts_with("HTTP/1.1 5") {
            world.breach(&format!("a body that is none was answered {:?}", answer.get(..12)));
        }
        note_status(world, &answer);
    }
    world.buy((Whose::Victim, 0), (0, 100)).await?;
    Ok(())
}

/// Requests with two lengths, two hosts or an obsolete form, with a second request hidden behind:
/// a sale, by a key that a proxy would have added.
pub(super) async fn smuggle_requests(world: &mut World<'_>, _: Params<'_>) -> Result<(), Failure> {
    let hidden = "GET /api/pos/v1/terminal HTTP/1.1\r\nhost: x\r\n\r\n";
    let key = world.stage.registers[0].clone();
    let length = hidden.len();
    let post = format!("POST {API}/signup/start HTTP/1.1\r\nhost: x\r\n");
    let requests = [
        format!("{post}content-length: 0\r\ncontent-length: {length}\r\n\r\n{hidden}"),
        format!(
            "{post}content-length: {length}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
        ),
        format!(
            "{post}transfer-encoding: chunked\r\ntransfer-encoding: x\r\n\r\n0\r\n\r\n{hidden}"
        ),
        format!("{post}transfer-encoding : chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("{post}content-length: +{length}\r\n\r\n{hidden}"),
        format!("{post}x: a\r\n folded\r\n\r\n"),
        format!(
            "GET / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\nauthorization: x\r\n\r\n"
        ),
        "GET / HTTP/9.9\r\nhost: x\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\r\n\r\n".to_owned(),
        format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(200_000)),
    ];
    for request in requests {
        let answer = raw(world, request.as_bytes()).await?;
        if answer.contains("\"terminal_id\"") {
            world.breach("a hidden request was answered as a register's");
        }
        note_status(world, &answer);
    }
    world.buy((Whose::Victim, 0), (0, 100)).await?;
    Ok(())
}
