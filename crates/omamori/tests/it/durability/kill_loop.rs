//! The loop: start, load, kill, again and again; then every receipt is compared with the books.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use omamori::app::App;
use omamori::cli::open::{open_here, read_key};
use omamori::config::{Config, Store};
use omamori::gate::chart::TransferCode;
use serde_json::Value;

use super::child::{Demo, free_port, run_on};
use super::client::{Acknowledged, Client, Wish};
use crate::support::app::Node;
use crate::support::customer::Customer;
use crate::support::fold;
use crate::support::shop::Register;

const CLIENTS: usize = 4;
const CUSTOMERS_PER_CLIENT: usize = 60;
/// With what each customer begins, in yen.
const LOADED: i64 = 3_000;
/// Kills of an ordinary run, and of a long one.
const KILLS: (usize, usize) = (60, 2_000);

/// Goal: no acknowledged sale, refund or top-up is lost, none is doubled, and each is answered
/// as the first time, however often and whenever the process is killed.
#[test]
fn nothing_acknowledged_is_lost_or_doubled_by_kill_9() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut first = Demo::start(folder.path(), port);
    first.ready();
    first.kill();
    let key = pos_key(folder.path());
    let mut clients = runtime.block_on(prepare(folder.path(), &key));
    let long = std::env::var_os("OMAMORI_TEST_LONG").is_some();
    let kills = if long { KILLS.1 } else { KILLS.0 };
    let mut heard = 0;
    for life in 0..kills {
        heard += live_and_die(folder.path(), port, &key, life, &mut clients);
        if life % 20 == 19 {
            delete_views(folder.path());
        }
    }
    assert!(heard > 10 * kills, "too little happened to say anything");
    let on_paper = clients.iter().map(|client| client.acknowledged.len() + client.given_up.len());
    assert!(on_paper.sum::<usize>() >= heard, "an answer was not written down");
    runtime.block_on(compare(folder.path(), &key, &mut clients));
    let verified = run_on(folder.path(), "verify");
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success() && said.contains("clean"), "{said}");
}

/// One life of the process: killed after a number of answers that differs from life to life, at
/// whatever the other registers are just in the middle of; some lives end while they begin.
/// Gives the number of answers that were heard.
fn live_and_die(folder: &Path, port: u16, key: &str, life: usize, clients: &mut [Client]) -> usize {
    let mut demo = Demo::start(folder, port);
    if life % 8 == 7 {
        let (_nobody, silence) = channel::<()>();
        let moment = Duration::from_millis(life as u64 * 37 % 200);
        assert!(silence.recv_timeout(moment).is_err());
        demo.kill();
        return 0;
    }
    demo.ready();
    let address = format!("127.0.0.1:{port}");
    let (answers, heard) = channel();
    thread::scope(|scope| {
        for client in clients.iter_mut() {
            let (address, answers) = (&address, answers.clone());
            scope.spawn(move || client.work(address, key, &answers));
        }
        drop(answers);
        let count = heard.iter().take(1 + life * 29 % 61).count();
        demo.kill();
        count
    })
}

fn pos_key(folder: &Path) -> String {
    let memory = std::fs::read_to_string(folder.join("demo.json")).unwrap();
    let memory: Value = serde_json::from_str(&memory).unwrap();
    memory["stores"][0]["pos_key"].as_str().unwrap().to_owned()
}

fn delete_views(folder: &Path) {
    for file in ["views.sqlite", "views.sqlite-wal", "views.sqlite-shm"] {
        let file = folder.join(file);
        if file.exists() {
            std::fs::remove_file(file).unwrap();
        }
    }
}

/// The same service in this process.
async fn open(folder: &Path) -> Arc<App> {
    let store = Store::Sqlite { folder: folder.to_owned() };
    let master_key = read_key(&folder.join("master.key")).unwrap();
    open_here(Config { store, ..Config::default() }, &master_key).await.unwrap()
}

fn register(key: &str) -> Register {
    Register {
        merchant_id: String::new(),
        store_id: String::new(),
        terminal_id: String::new(),
        key: key.to_owned(),
    }
}

/// Customers with some money each.
async fn prepare(folder: &Path, key: &str) -> Vec<Client> {
    let app = open(folder).await;
    let (node, register) = (Node::new(app.clone()), register(key));
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let mut customers = Vec::new();
        for place in 0..CUSTOMERS_PER_CLIENT {
            let customer = Customer::new(&app).await;
            let read = serde_json::json!({ "version": 1 }); // as the demo publishes them
            let confirmed = customer.post(&node, "/terms/confirm", &read).await;
            assert!(confirmed.status.is_success(), "{}", confirmed.text());
            let code = customer.code(app.clock.now());
            register.top_up(&node, &format!("p{number}-{place}"), &code, LOADED).await.ok();
            customers.push(customer);
        }
        clients.push(Client::new(number, customers));
    }
    app.close().await;
    clients
}

/// What the registers have on paper is what the books have, and the books have nothing else.
async fn compare(folder: &Path, key: &str, clients: &mut [Client]) {
    let app = open(folder).await;
    let (node, register) = (Node::new(app.clone()), register(key));
    for client in clients.iter_mut() {
        if let Some(wish) = client.open.take() {
            let answer = register.post(&node, wish.path(), &wish.body).await;
            client.answered(wish, answer.status.as_u16(), answer.text());
        }
        for done in &client.acknowledged {
            compare_answer(&node, &register, done).await;
        }
        for wish in &client.given_up {
            let answer = register.get(&node, &inquiry(wish)).await;
            assert_eq!(answer.status, 404, "{wish:?} was refused and is there");
        }
        compare_balances(&node, client).await;
    }
    fold::check(&app).await;
    app.close().await;
}

fn inquiry(wish: &Wish) -> String {
    format!("{}/{}", wish.path(), wish.id)
}

/// The same request gets the same answer, and so does the question what became of it.
async fn compare_answer(node: &Node, register: &Register, done: &Acknowledged) {
    let Acknowledged { wish, answer } = done;
    let again = register.post(node, wish.path(), &wish.body).await.ok();
    assert_eq!(wish.lasting(&again), wish.lasting(answer), "{wish:?}");
    assert_eq!(register.get(node, &inquiry(wish)).await.ok(), again, "{wish:?}");
}

/// Each wallet has moved as often, and by as much, as its registers were told.
async fn compare_balances(node: &Node, client: &Client) {
    for (place, customer) in client.customers.iter().enumerate() {
        let mine = client.acknowledged.iter().filter(|done| done.wish.customer == place);
        let (mut count, mut balance) = (1, LOADED); // the first top-up
        for done in mine {
            count += 1;
            balance += done.wish.signed_amount;
        }
        assert_eq!(customer.balance(node), balance, "{}", customer.customer_id);
        let account = customer.wallet_account;
        let statement = node.app.gate.statement(account, None, 10_000).await.unwrap();
        let moved = statement.iter().filter(|transfer| {
            let counts = [TransferCode::Payment, TransferCode::Refund, TransferCode::TopupCash];
            !transfer.is_pending() && counts.iter().any(|code| code.number() == transfer.code)
        });
        assert_eq!(moved.count(), count, "{}", customer.customer_id);
    }
}
