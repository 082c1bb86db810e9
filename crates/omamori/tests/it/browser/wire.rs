//! The network between a browser and the server: it can be cut, and it can lose an answer.
//!
//! Everything of a browser goes through it, its service workers too, which the browser's own
//! "offline" switch does not reach.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What becomes of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Whole,
    /// Every connection breaks at once.
    Cut,
    /// Requests whose first line contains this break before they arrive.
    LosesRequests(&'static str),
    /// Requests whose first line contains this arrive, and their answers do not.
    LosesAnswers(&'static str),
}

/// A network that a test can break.
pub struct Wire {
    state: watch::Sender<State>,
    lost: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
    carrying: JoinHandle<()>,
}

impl Wire {
    /// Carries what comes to `listener` to a server on this machine.
    pub fn new(listener: TcpListener, server: SocketAddr) -> Self {
        let (state, seen) = watch::channel(State::Whole);
        let lost = Arc::new(AtomicUsize::new(0));
        let refused = Arc::new(AtomicUsize::new(0));
        let counters = (lost.clone(), refused.clone());
        let carrying = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, seen.clone(), counters.clone()));
            }
        });
        Self { state, lost, refused, carrying }
    }

    /// Breaks all connections, and every new one.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// From now on requests whose first line contains `part` do not arrive.
    pub fn lose_requests(&self, part: &'static str) {
        self.state.send_replace(State::LosesRequests(part));
    }

    /// From now on requests whose first line contains `part` arrive and are not answered.
    pub fn lose_answers(&self, part: &'static str) {
        self.state.send_replace(State::LosesAnswers(part));
    }

    /// How many answers so far were a 401, those that only a service worker saw too.
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    /// Makes it whole again. Gives the number of requests that were hit.
    pub fn mend(&self) -> usize {
        self.state.send_replace(State::Whole);
        self.lost.swap(0, Ordering::SeqCst)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.cut();
        self.carrying.abort();
    }
}

/// Carries one connection until one side closes it or the wire breaks it.
async fn carry(
    client: TcpStream,
    server: SocketAddr,
    mut state: watch::Receiver<State>,
    (lost, refused): (Arc<AtomicUsize>, Arc<AtomicUsize>),
) {
    let seen = state.clone();
    tokio::select! {
        biased;
        _ = state.wait_for(|state| *state == State::Cut) => {}
        _ = relay(client, server, &seen, (&lost, &refused)) => {}
    }
}

/// Carries both ways. An error of one side is an end of the connection like any other.
async fn relay(
    mut client: TcpStream,
    server: SocketAddr,
    state: &watch::Receiver<State>,
    (lost, refused): (&AtomicUsize, &AtomicUsize),
) -> std::io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    let (mut asked, mut answered) = ([0; 16_384], [0; 16_384]);
    let mut answer_is_lost = false;
    loop {
        tokio::select! {
            length = client.read(&mut asked) => {
                let request = &asked[..length?];
                if request.is_empty() {
                    return Ok(());
                }
                let state = *state.borrow();
                match state {
                    State::LosesRequests(part) if first_line(request).contains(part) => {
                        lost.fetch_add(1, Ordering::SeqCst);
                        return Ok(());
                    }
                    State::LosesAnswers(part) if first_line(request).contains(part) => {
                        lost.fetch_add(1, Ordering::SeqCst);
                        answer_is_lost = true;
                    }
                    _ => {}
                }
                server.write_all(request).await?;
            }
            length = server.read(&mut answered) => {
                let answer = &answered[..length?];
                if answer.is_empty() || answer_is_lost {
                    return Ok(());
                }
                if first_line(answer).starts_with("HTTP/1.1 401") {
                    refused.fetch_add(1, Ordering::SeqCst);
                }
                client.write_all(answer).await?;
            }
        }
    }
}

/// The method and the address, if a request begins here.
fn first_line(bytes: &[u8]) -> &str {
    let end = bytes.iter().position(|byte| *byte == b'\r').unwrap_or(bytes.len());
    str::from_utf8(&bytes[..end]).unwrap_or_default()
}
