//! `vectors.json`, which the phone's JavaScript is held to as well.

use omamori_paycode::code::{
    CodeSecret, CustomerCode, DeviceNumber, Prefix, RefreshCount, TimeStep, authorization_id,
    one_time,
};
use omamori_paycode::draw;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    prefix: String,
    codes: Vec<Code>,
    code128: Vec<Bars>,
    qr: Qr,
}

#[derive(Deserialize)]
struct Code {
    secret: String,
    device: u32,
    step: String,
    count: u8,
    one_time: String,
    code: String,
    authorization_id: String,
}

#[derive(Deserialize)]
struct Bars {
    digits: String,
    modules: String,
    svg: String,
}

#[derive(Deserialize)]
struct Qr {
    version: u8,
    level: String,
    mode: String,
    mask: u8,
    symbols: Vec<Symbol>,
}

#[derive(Deserialize)]
struct Symbol {
    digits: String,
    rows: Vec<String>,
    svg: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../vectors.json")).unwrap()
}

fn secret(hex: &str) -> CodeSecret {
    let bytes: Vec<u8> = (0..hex.len() / 2)
        .map(|index| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).unwrap())
        .collect();
    CodeSecret::new(bytes.try_into().unwrap())
}

fn line(modules: &[bool]) -> String {
    modules.iter().map(|&dark| if dark { '1' } else { '0' }).collect()
}

#[test]
fn codes_are_as_computed_elsewhere() {
    let vectors = vectors();
    let prefix: Prefix = vectors.prefix.parse().unwrap();
    assert_eq!(prefix, Prefix::DEFAULT);
    assert!(vectors.codes.len() >= 10);
    for case in &vectors.codes {
        let device = DeviceNumber::new(case.device).unwrap();
        let step = TimeStep::new(case.step.parse().unwrap());
        let count = RefreshCount::new(case.count).unwrap();
        let one_time = one_time(&secret(&case.secret), step, count);
        assert_eq!(one_time.to_string(), case.one_time);
        let code = CustomerCode { prefix, device, one_time };
        assert_eq!(code.to_string(), case.code);
        assert_eq!(CustomerCode::parse(&case.code, prefix), Ok(code));
        let id = authorization_id(device, step, count);
        assert_eq!(format!("{id:032x}"), case.authorization_id);
    }
}

#[test]
fn bars_are_as_drawn_elsewhere() {
    let vectors = vectors();
    assert!(!vectors.code128.is_empty());
    for case in &vectors.code128 {
        let bars = draw::code128(&case.digits).unwrap();
        assert_eq!(line(bars.modules()), case.modules, "{}", case.digits);
        assert_eq!(bars.svg(), case.svg);
    }
}

#[test]
fn symbols_are_as_drawn_elsewhere() {
    let qr = vectors().qr;
    let kind = (qr.version, qr.level.as_str(), qr.mode.as_str(), qr.mask);
    assert_eq!(kind, (1, "Q", "numeric", 0));
    assert!(!qr.symbols.is_empty());
    for case in &qr.symbols {
        let prefix = case.digits[..6].parse().unwrap();
        let matrix = draw::customer_code_qr(&CustomerCode::parse(&case.digits, prefix).unwrap());
        let rows: Vec<String> = matrix.rows().iter().map(|row| line(row)).collect();
        assert_eq!(rows, case.rows, "{}", case.digits);
        assert_eq!(matrix.svg(), case.svg);
    }
}
