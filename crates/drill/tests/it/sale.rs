use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Json, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use omamori_drill::load::{self, Pace, Plan};
use omamori_drill::sale::{Cast, Phone, Sales, Settings};
use omamori_paycode::code::{CodeSecret, CustomerCode, DeviceNumber, Prefix, Verdict, verify};
use serde_json::{Value, json};

use crate::server;

const NOW: u64 = 1_800_000_000;
const PHONES: u32 = 50;
/// A phone shows four codes in a step, and time stands still here.
const SALES_MAX: usize = 4 * PHONES as usize;

fn secret(device: u32) -> CodeSecret {
    CodeSecret::new([device as u8; 32])
}

fn cast(yen: u32) -> Cast {
    let phone =
        |device| Phone { device: DeviceNumber::new(device).unwrap(), secret: secret(device), yen };
    Cast {
        prefix: Prefix::DEFAULT,
        phones: (1..=PHONES).map(phone).collect(),
        terminal_keys: (0..8).map(|store| format!("omk_{store}")).collect(),
    }
}

fn sales(yen: u32) -> Sales {
    let settings = Settings { run: "test", seed: 1, unix_seconds: Box::new(|| NOW) };
    Sales::new(cast(yen), settings)
}

/// What tills sent, and what there is to answer.
#[derive(Default)]
struct Till {
    codes: HashSet<(DeviceNumber, u64, u8)>,
    ids: HashSet<String>,
    keys: HashSet<String>,
    yen: i64,
}

type Shared = Arc<Mutex<Till>>;

async fn sell(
    State(till): State<Shared>,
    headers: HeaderMap,
    Json(asked): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let mut till = till.lock().unwrap();
    let code = CustomerCode::parse(asked["code"].as_str().unwrap(), Prefix::DEFAULT).unwrap();
    let Verdict::Valid { step, count } = verify(&secret(code.device.get()), NOW, code.one_time)
    else {
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"error": {"code": "code_wrong"}})));
    };
    assert!(till.codes.insert((code.device, step.get(), count.get())), "a code is shown once");
    let id = asked["merchant_payment_id"].as_str().unwrap().to_owned();
    assert!(till.ids.insert(id.clone()), "an id is used once");
    till.keys.insert(headers["authorization"].to_str().unwrap().to_owned());
    let amount = asked["amount"].as_i64().unwrap();
    till.yen += amount;
    if id == "test-13" {
        let refusal = json!({"error": {"code": "account_frozen", "message": "unlucky"}});
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(refusal));
    }
    let charged = if id == "test-17" { amount + 1 } else { amount };
    let payment = json!({"merchant_payment_id": id, "status": "captured", "amount": charged});
    (StatusCode::OK, Json(json!({"payment": payment})))
}

fn run(sales: Sales) -> (load::Report, Till) {
    let till = Shared::default();
    let router = Router::new().route("/api/pos/v1/payments", post(sell)).with_state(till.clone());
    let plan = Plan {
        label: String::new(),
        connections: 4,
        pace: Pace::Closed,
        warm_up: Duration::ZERO,
        duration: Duration::from_secs(600),
    };
    let (report, _) = load::run(server::start(router), &plan, sales).unwrap();
    (report, std::mem::take(&mut *till.lock().unwrap()))
}

#[test]
fn every_phone_shows_each_code_of_a_step_once() {
    let (report, till) = run(sales(1_000_000));
    assert!(report.exhausted, "all codes of the step were shown");
    assert_eq!(report.right + report.wrong_total(), SALES_MAX as u64);
    assert_eq!((till.codes.len(), till.ids.len()), (SALES_MAX, SALES_MAX));
    assert!(till.keys.len() > 4, "several tills took part");
    assert!(till.keys.iter().all(|key| key.starts_with("Bearer omk_")));
}

#[test]
fn refusals_and_wrong_answers_are_told_apart() {
    let (report, _) = run(sales(1_000_000));
    assert_eq!(report.wrong["422 account_frozen"], 1);
    assert_eq!(report.wrong["another_payment_answered"], 1);
    assert_eq!(report.wrong_total(), 2);
}

#[test]
fn everyone_spends_what_they_have_and_no_more() {
    let (report, till) = run(sales(100));
    assert!(report.exhausted);
    assert_eq!(till.yen, i64::from(100 * PHONES));
}
