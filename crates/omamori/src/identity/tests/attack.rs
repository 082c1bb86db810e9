//! Attacks on sign-in with a password, as programs.

use std::net::{Ipv4Addr, SocketAddr};

use axum::http::StatusCode;
use futures_util::future::join_all;
use omamori_db::sql;
use serde_json::json;

use super::password_phone::{PasswordPhone, seeded};
use super::phone::Phone;
use super::{House, NUMBER, Reply, json_request};
use crate::clock::{MINUTE, SECOND};
use crate::identity::attack::{self, work};

const TOOL: &str = "python-requests/2.32";

fn at(network: u32, host: u32) -> SocketAddr {
    let base = u32::from(Ipv4Addr::new(45, 0, 0, 0));
    SocketAddr::from((Ipv4Addr::from(base + (network << 8) + host + 1), 40_000))
}

/// 20,000 leaked pairs, one in fifty right, from 100 networks with 20 machines each, all with one
/// tool, a thousand a second. Customers sign in meanwhile, one in ten with a client that looks
/// like the tool.
#[tokio::test]
async fn list_attack() {
    const PAIRS: u32 = 20_000;
    const RIGHT: u32 = 50;
    let house = House::open().await;
    let customers = seeded(&house, PAIRS / RIGHT).await;
    let hashes = house.app.identity.passwords.computed();
    house.clock.advance(MINUTE);
    let machines: Vec<Phone> = (0..2_000).map(|_| Phone::new()).collect();

    let (mut entered, mut looked_at_right, mut turned_away, mut signed_in) = (0, 0, 0, 0);
    for (round, customers) in customers.chunks(10).enumerate() {
        let first = u32::try_from(round).unwrap() * 500;
        for begin in (first..first + 500).step_by(50) {
            let tries = (begin..begin + 50).map(|n| try_pair(&house, &machines, n, n % RIGHT == 0));
            for (n, reply) in (begin..).zip(join_all(tries).await) {
                entered += u32::from(reply.status.is_success());
                match reply.code {
                    "proof_failed" => looked_at_right += u32::from(n % RIGHT == 0),
                    "work_required" | "too_many_requests" => turned_away += 1,
                    other => panic!("{other}"),
                }
            }
        }
        house.clock.advance(SECOND / 2);
        for (n, customer) in (0..).zip(customers) {
            let mut customer = PasswordPhone { peer: at(1_000 + n, first), ..customer.again() };
            customer.agent = if n == 0 { TOOL } else { customer.agent };
            signed_in += u32::from(customer.sign_in_patiently(&house).await.status.is_success());
        }
    }
    println!("{turned_away} of {PAIRS} turned away unseen; {signed_in} customers signed in");
    assert_eq!(entered, 0);
    assert!(looked_at_right > 0, "some right pairs were looked at, and refused like wrong ones");
    assert!(turned_away > PAIRS * 9 / 10, "{turned_away}");
    assert!(signed_in * 100 >= PAIRS / RIGHT * 99, "{signed_in}");
    let hashed = house.app.identity.passwords.computed() - hashes;
    assert_eq!(hashed, u64::from(PAIRS / RIGHT), "the list cost not one hash");

    attack::store(&house.app).await.unwrap();
    let query = sql("SELECT failures, turned_away, accounts, closed_at, scopes FROM attack_wave");
    let waves = house.app.stores.registry.all(query).await.unwrap();
    assert_eq!(waves.len(), 1, "one attack is one event");
    assert_eq!(waves[0].int_optional("closed_at").unwrap(), None);
    let counted = waves[0].int("turned_away").unwrap();
    assert!(counted >= i64::from(turned_away), "{counted}: customers who then worked, too");
    assert!(waves[0].int("accounts").unwrap() >= 60);
    assert!(waves[0].text("scopes").unwrap().contains("shape"));
    house.clock.advance(5 * 60 * MINUTE);
    attack::store(&house.app).await.unwrap();
    let query = sql("SELECT closed_at FROM attack_wave WHERE closed_at IS NOT NULL");
    assert_eq!(house.app.stores.registry.all(query).await.unwrap().len(), 1);
}

async fn try_pair(house: &House, machines: &[Phone], n: u32, right: bool) -> Reply {
    let account = if right { n / 50 } else { 1_000_000 + n };
    let number = format!("0801{account:07}");
    let machine = &machines[n as usize % machines.len()];
    let (password, totp) = (format!("leaked once, {account} times"), "123456");
    let mut attempt = PasswordPhone::stranger(&number, &password);
    attempt.phone.sign_key = machine.sign_key.clone();
    attempt.peer = at(n % 100, n / 100 % 20);
    attempt.agent = TOOL;
    attempt.sign_in_with(house, &password, totp).await
}

/// No two attempts have a network, a key, a client or a password in common, so no scope stands
/// out. Strangers are looked at up to a bound all the same, and customers' phones are no strangers.
#[tokio::test]
async fn list_attack_without_two_attempts_alike() {
    let house = House::open().await;
    let customer = PasswordPhone::signed_up(&house, NUMBER, 1).await;
    house.clock.advance(MINUTE);
    customer.sign_in(&house).await.ok();
    const AGENTS: [&str; 4] = ["a", "b", "c", "d"];
    let (mut looked_at, mut turned_away) = (0, 0);
    for n in 0..1_500 {
        let mut attempt = PasswordPhone::stranger(&format!("0805{n:07}"), "x");
        attempt.peer = at(n, 1);
        attempt.agent = AGENTS[n as usize % AGENTS.len()];
        let mut request = attempt.request(&house, &format!("leaked once, {n} times"), "123456");
        let language = format!("x-{n}").parse().unwrap();
        request.headers_mut().insert("accept-language", language);
        match house.call(request).await.code {
            "proof_failed" => looked_at += 1,
            "too_many_requests" => turned_away += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!((looked_at, turned_away), (500, 1_000), "all in one instant");
    house.clock.advance(30 * SECOND);
    customer.sign_in(&house).await.ok();
}

#[tokio::test]
async fn one_password_over_many_accounts_is_seen_from_any_number_of_networks() {
    let house = House::open().await;
    let spray = async |n: u32, password: &str| {
        let mut attempt = PasswordPhone::stranger(&format!("0802{n:07}"), password);
        attempt.peer = at(n, 1);
        attempt.sign_in_with(&house, password, "123456").await
    };
    for n in 0..10 {
        spray(n, "Spring!2026").await.refused("proof_failed");
    }
    let mut later = Vec::new();
    for n in 10..13 {
        later.push(spray(n, "Spring!2026").await.code);
    }
    assert!(later.contains(&"work_required"), "{later:?}");
    spray(99, "another password").await.refused("proof_failed");
}

#[tokio::test]
async fn one_network_is_shut_out_and_its_neighbours_and_passkeys_are_not() {
    let house = House::open().await;
    let mut owner = Phone::signed_up(&house).await;
    let attempt = async |n: u32, network: u32| {
        let mut attempt = PasswordPhone::stranger(&format!("0803{n:07}"), "wrong password");
        attempt.peer = at(network, n % 25);
        attempt.agent = ["a", "b", "c", "d", "e"][n as usize % 5];
        attempt.sign_in_with(&house, &format!("wrong password {n}"), "123456").await
    };
    let mut codes = Vec::new();
    for n in 0..200 {
        codes.push(attempt(n, 7).await);
    }
    let shut = codes.last().unwrap();
    assert_eq!(shut.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(shut.code == "too_many_requests" && shut.headers.contains_key("retry-after"));
    attempt(1, 8).await.refused("proof_failed");
    owner.sign_in(&house).await.ok();
    house.clock.advance(11 * MINUTE);
    attempt(1, 7).await.refused("proof_failed");
}

/// Someone else's work, old work, used work, work for another request: none of it counts.
#[tokio::test]
async fn work_can_be_neither_precomputed_nor_reused() {
    let house = House::open().await;
    let mut phone = PasswordPhone::stranger(NUMBER, "wrong password");
    phone.peer = at(1, 1);
    for n in 0..30 {
        let mut attempt = PasswordPhone::stranger(&format!("0804{n:07}"), "x");
        attempt.peer = at(1, 2 + n % 6);
        attempt.sign_in_with(&house, &format!("wrong password {n}"), "123456").await;
    }
    phone.sign_in(&house).await.refused("work_required");
    let with = async |phone: &PasswordPhone, work_of: &dyn Fn(&str) -> String| {
        let mut request = phone.request(&house, "wrong password", "123456");
        let proof = request.headers()["dpop"].to_str().unwrap().to_owned();
        request.headers_mut().insert(work::HEADER, work_of(&proof).parse().unwrap());
        house.call(request).await
    };
    let challenge = phone.challenge(&house).await;
    let for_another_request = work::solve(&challenge, "another proof");
    with(&phone, &|_| for_another_request.clone()).await.refused("work_required");
    let made_up = "A".repeat(challenge.len());
    with(&phone, &|proof| work::solve(&made_up, proof)).await.refused("work_required");
    with(&phone, &|_| format!("{challenge}.1")).await.refused("work_required");
    let mut elsewhere = PasswordPhone::stranger(NUMBER, "wrong password");
    elsewhere.peer = at(1, 200);
    with(&elsewhere, &|proof| work::solve(&challenge, proof)).await.refused("work_required");

    let request = phone.request(&house, "wrong password", "123456");
    let proof = request.headers()["dpop"].to_str().unwrap().to_owned();
    let done = work::solve(&challenge, &proof);
    for expected in ["proof_failed", "work_required"] {
        let mut request = phone.request(&house, "wrong password", "123456");
        request.headers_mut().insert("dpop", proof.parse().unwrap());
        request.headers_mut().insert(work::HEADER, done.parse().unwrap());
        house.call(request).await.refused(expected);
    }
    let old = phone.challenge(&house).await;
    house.clock.advance(120 * SECOND);
    with(&phone, &|proof| work::solve(&old, proof)).await.refused("work_required");
}

/// Whoever writes the header is believed only if it is a proxy of ours.
#[tokio::test]
async fn x_forwarded_for_spoof() {
    let direct = House::open().await;
    let behind = House::with(|config| config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()]);
    let behind = behind.await;
    let start = async |house: &House, n: u32, peer: [u8; 4]| {
        let number = format!("0901{:03}{:04}", n, n * 7);
        let mut request = json_request("/signup/start", &json!({ "phone": number }));
        let forwarded = format!("203.0.113.{n}").parse().unwrap();
        request.headers_mut().insert("x-forwarded-for", forwarded);
        let peer = SocketAddr::from((peer, 1));
        request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
        house.call(request).await.code
    };
    let mut refused = (0, 0, 0);
    for n in 0..20 {
        refused.0 += u32::from(start(&direct, n, [198, 51, 100, 1]).await == "too_many_requests");
        refused.1 += u32::from(start(&behind, n, [10, 0, 0, 1]).await == "too_many_requests");
        refused.2 += u32::from(start(&behind, n, [198, 51, 100, 1]).await == "too_many_requests");
    }
    assert_eq!(refused, (10, 0, 10));
}

#[tokio::test]
async fn sms_pumping() {
    let house = House::open().await;
    let start = async |n: u32, number: String| {
        let mut request = json_request("/signup/start", &json!({ "phone": number }));
        request.extensions_mut().insert(axum::extract::ConnectInfo(at(n, n)));
        house.call(request).await.code
    };
    let mut block = 0;
    for n in 0..40 {
        block += u32::from(start(n, format!("+2527{:03}{n:04}", 123)).await.is_empty());
    }
    assert_eq!(block, 20, "of one block of numbers, from any number of networks");
    let mut network = 0;
    for n in 0..80 {
        let mut request = json_request(
            "/signup/start",
            &json!({ "phone": format!("090{n:02}001234", n = 10 + n) }),
        );
        request.extensions_mut().insert(axum::extract::ConnectInfo(at(500, n)));
        network += u32::from(house.call(request).await.code.is_empty());
    }
    assert_eq!(network, 50, "of one neighbourhood, from any number of its addresses");
}

/// A list tried through one provider, each time from another network, with another key, another
/// client, another account and another password: nothing is in common but who runs the networks.
#[tokio::test]
async fn a_list_from_one_provider_is_seen_whatever_else_changes() {
    const AGENTS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let folder = tempfile::tempdir().unwrap();
    let file = crate::networks::tests::on_disk(folder.path());
    let house = House::with(|config| config.networks = Some(file)).await;
    let try_from = async |peer: SocketAddr, n: u32| {
        let number = format!("090-{:04}-{:04}", 1_000 + n / 10, n);
        let mut stranger = PasswordPhone::stranger(&number, "");
        stranger.peer = peer;
        stranger.agent = AGENTS[n as usize % AGENTS.len()];
        stranger.sign_in_with(&house, &format!("leaked password {n}"), "000000").await.code
    };
    let mut asked_for_work = 0;
    for n in 0..200 {
        asked_for_work += u32::from(try_from(at(n * 3, n), n).await == "work_required");
    }
    assert!((50..=140).contains(&asked_for_work), "{asked_for_work}");
    assert_eq!(try_from(at(30_000, 1), 201).await, "work_required", "from yet another network");
    let elsewhere = SocketAddr::from((Ipv4Addr::new(203, 0, 113, 5), 40_000));
    assert_eq!(try_from(elsewhere, 202).await, "proof_failed", "others are left alone");
}
