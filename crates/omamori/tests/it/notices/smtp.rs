//! Real adapters against stand-ins on this machine: letters over SMTP, failures, and what the log
//! may know of them.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use omamori::cli::open::open;
use omamori::clock::{DAY, ManualClock, SECOND};
use omamori::config::{Config, Mail, MailTls, Push, Sms, Smtp};
use omamori::notify::{deliver_due, tell_alone};
use omamori::secret::Secret;
use omamori_db::sql;

use super::moved;
use super::outbox::deliveries;
use crate::support::app::{MASTER_KEY, NOON, Node};
use crate::support::customer::Customer;
use crate::support::place::Place;
use crate::support::rng::TestRng;

/// A mail server that says what it is told to say to each recipient, then yes.
struct MailServer {
    address: SocketAddr,
    letters: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    fn start(answers: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let letters = Arc::new(Mutex::new(Vec::new()));
        let kept = letters.clone();
        let mut answers: VecDeque<_> = answers.iter().copied().collect();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                // A client that goes away in the middle is no fault of the server.
                let _ = serve(&client.unwrap(), &mut answers, &kept);
            }
        });
        Self { address, letters }
    }

    fn letters(&self) -> Vec<String> {
        self.letters.lock().unwrap().clone()
    }
}

fn serve(
    client: &TcpStream,
    answers: &mut VecDeque<&'static str>,
    letters: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let say = |line: &str| (&mut &*client).write_all(format!("{line}\r\n").as_bytes());
    let mut lines = BufReader::new(client).lines();
    say("220 stand-in")?;
    while let Some(line) = lines.next().transpose()? {
        match line.split(' ').next().unwrap_or_default() {
            "RCPT" => say(answers.pop_front().unwrap_or("250 OK"))?,
            "DATA" => {
                say("354 go on")?;
                let letter = lines.by_ref().map_while(Result::ok).take_while(|line| line != ".");
                let letter = letter.collect::<Vec<_>>().join("\n");
                letters.lock().unwrap().push(letter);
                say("250 OK")?;
            }
            "QUIT" => return say("221 bye"),
            _ => say("250 OK")?,
        }
    }
    Ok(())
}

/// A service whose letters go to `mail`, with one customer who has an address.
struct House {
    node: Node,
    clock: Arc<ManualClock>,
    customer: Customer,
    place: Place,
}

impl House {
    async fn open(mail: Mail, sms: Sms) -> Self {
        let place = Place::sqlite();
        let config = Config { store: place.store(), mail, sms, ..Config::default() };
        let clock = Arc::new(ManualClock::at(NOON));
        let rng = Arc::new(TestRng::default());
        let node = Node::new(open(config, &MASTER_KEY, clock.clone(), rng).await.unwrap());
        let customer = Customer::new(&node.app).await;
        let contact =
            sql("INSERT INTO contact (contact_id, customer_id, kind, value, verified_at) \
                           VALUES ('con_1', $1, 'email', 'hanako@example.jp', $2)");
        let contact = contact.bind(&customer.customer_id).bind(NOON);
        node.app.stores.registry.execute(contact).await.unwrap();
        Self { node, clock, customer, place }
    }

    async fn tell(&self) {
        tell_alone(&self.node.app, &self.customer.customer_id, &moved()).await.unwrap();
    }

    async fn deliver(&self) -> usize {
        deliver_due(&self.node.app).await.unwrap()
    }

    /// State, attempts and error of the e-mails.
    async fn emails(&self) -> Vec<(String, i64, Option<String>)> {
        let sms = sql("DELETE FROM delivery WHERE channel <> 'email'");
        self.node.app.stores.registry.execute(sms).await.unwrap();
        deliveries(&self.node).await
    }

    async fn close(self) {
        self.node.app.close().await;
        self.place.discard().await;
    }
}

fn mail_by(address: SocketAddr) -> Mail {
    Mail::Smtp(Smtp {
        host: address.ip().to_string(),
        port: Some(address.port()),
        tls: MailTls::None,
        from: "お守りPay <no-reply@pay.example.jp>".to_owned(),
        user: None,
        password: None,
    })
}

fn state(state: &str, attempts: i64, error: Option<&str>) -> (String, i64, Option<String>) {
    (state.to_owned(), attempts, error.map(str::to_owned))
}

/// An address of this machine where nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Goal: the server is busy, then takes the letter; one letter arrives, whole and as it should be.
#[tokio::test]
async fn a_letter_arrives_after_the_server_was_busy() {
    let server = MailServer::start(&["451 4.3.0 busy", "452 4.2.2 full"]);
    let house = House::open(mail_by(server.address), Sms::Sandbox).await;
    house.tell().await;
    house.deliver().await;
    assert_eq!(house.emails().await, [state("waiting", 1, Some("later"))]);
    assert_eq!(house.deliver().await, 0, "not at once again");
    house.clock.advance(10 * SECOND);
    assert_eq!(house.deliver().await, 1);
    house.clock.advance(19 * SECOND);
    assert_eq!(house.deliver().await, 0, "the pause has doubled");
    house.clock.advance(SECOND);
    assert_eq!(house.deliver().await, 1);
    assert_eq!(house.emails().await, [state("sent", 3, None)], "a success leaves no error");

    let letters = server.letters();
    let [letter] = &letters[..] else { panic!("{} letters", letters.len()) };
    let (head, body) = letter.split_once("\n\n").unwrap();
    for line in [
        "To: hanako@example.jp",
        "Date: Wed, 01 Apr 2026 03:00:00 +0000",
        "Auto-Submitted: auto-generated",
        "Content-Type: text/plain; charset=utf-8",
    ] {
        assert!(head.lines().any(|l| l == line), "no {line} in {head}");
    }
    assert!(head.contains("<no-reply@pay.example.jp>"), "{head}");
    let id = head.lines().find(|line| line.starts_with("Message-ID: <dlv_")).unwrap();
    assert!(id.ends_with("@localhost>"), "{id}");
    assert!(head.contains("Content-Transfer-Encoding: base64"), "{head}");
    let body = STANDARD.decode(body.replace('\n', "")).unwrap();
    let body = String::from_utf8(body).unwrap();
    for said in ["Pixel から iPhone に変わりました", "2026/04/01 12:00", "お守りPay"] {
        assert!(body.contains(said), "no {said} in {body}");
    }
    assert!(!body.contains("http"), "no link");
    house.close().await;
}

/// Goal: an address that the server refuses is not asked for again; a password that it refuses
/// is, for that is ours to mend.
#[tokio::test]
async fn a_final_no_is_taken_as_one() {
    let server = MailServer::start(&["550 5.1.1 <hanako@example.jp> unknown", "535 5.7.8 no"]);
    let house = House::open(mail_by(server.address), Sms::Sandbox).await;
    house.tell().await;
    house.deliver().await;
    assert_eq!(house.emails().await, [state("given_up", 1, Some("refused"))]);
    house.clock.advance(SECOND);
    house.tell().await;
    house.deliver().await;
    let later = state("waiting", 1, Some("later"));
    assert_eq!(house.emails().await, [state("given_up", 1, Some("refused")), later]);
    assert!(server.letters().is_empty());
    house.close().await;
}

/// Goal: a server that is gone is tried for three days, ever less often, and then no more.
#[tokio::test]
async fn a_server_that_is_gone_is_tried_within_bounds() {
    let house = House::open(mail_by(nobody()), Sms::Sandbox).await;
    house.tell().await;
    let mut tries = 0;
    for _ in 0..(3 * DAY / (60 * SECOND)) {
        tries += i64::try_from(house.deliver().await).unwrap();
        house.clock.advance(60 * SECOND);
    }
    let emails = house.emails().await;
    let [(state, attempts, error)] = &emails[..] else { panic!("{emails:?}") };
    assert_eq!((&**state, error.as_deref()), ("given_up", Some("unreached")));
    assert_eq!(*attempts, 16);
    assert_eq!(tries, attempts + 1, "and one SMS to the sandbox");
    house.close().await;
}

/// Goal: no mail adapter, no e-mail; customers are not asked for an address.
#[tokio::test]
async fn without_an_adapter_there_is_no_email() {
    let house = House::open(Mail::None, Sms::Sandbox).await;
    assert!(!house.node.app.identity.outbox().offers_email());
    house.tell().await;
    assert_eq!(house.emails().await, []);
    house.close().await;
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Goal: whatever goes wrong, the log knows no address, no number and no text. (All tasks of this
/// test run on one thread, whose log it is.)
#[tokio::test]
async fn the_log_knows_no_address_and_no_text() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    // Where there is but one subscriber, a thread without it may switch an event off for all; where
    // there are two, each is asked.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let guard = tracing::subscriber::set_default(subscriber);
    let server = MailServer::start(&["550 5.1.1 <hanako@example.jp> unknown", "451 hanako"]);
    let (url, token) = (format!("http://{}/sms", nobody()), Secret::new("t0ken".to_owned()));
    let house = House::open(mail_by(server.address), Sms::Http { url, token }).await;
    for _ in 0..3 {
        house.tell().await;
        house.deliver().await;
        house.clock.advance(SECOND);
    }
    assert_eq!(server.letters().len(), 1);
    let number = house.customer.phone()[3..].to_owned();
    house.close().await;
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("a message was not sent"), "something was logged: {log}");
    for private in ["hanako", &*number, "iPhone", "t0ken"] {
        assert!(!log.contains(private), "{private} in {log}");
    }
}

/// Goal: settings that would send letters in the open, or as nobody, do not start.
#[test]
fn settings_that_are_not_safe_are_refused() {
    let smtp = |change: fn(&mut Smtp)| {
        let Mail::Smtp(mut smtp) = mail_by(nobody()) else { unreachable!() };
        change(&mut smtp);
        Config { mail: Mail::Smtp(smtp), ..Config::default() }.check()
    };
    assert!(smtp(|_| {}).is_ok());
    assert!(smtp(|smtp| smtp.host = "mail.example.jp".to_owned()).is_err(), "in the open");
    assert!(smtp(|smtp| smtp.user = Some("omamori".to_owned())).is_err(), "no password");
    assert!(smtp(|smtp| smtp.from = "nobody".to_owned()).is_err());
    let push = |contact: &str| {
        let push = Push::Web { contact: contact.to_owned() };
        Config { push, ..Config::default() }.check()
    };
    assert!(push("mailto:ops@example.jp").is_ok() && push("https://example.jp").is_ok());
    assert!(push("ops@example.jp").is_err());
}
