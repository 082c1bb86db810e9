//! A service that somebody else started.

use std::net::SocketAddr;
use std::path::Path;

use omamori_drill::scenario::{Insider, Outcome, Scenario, Server, Stage, run};
use serde::Deserialize;

use super::Error;
use crate::clock::{Clock, SECOND, SystemClock};

/// Customers of one scenario, at most.
const CUSTOMERS: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// `public_url`, if it is not `http://localhost:PORT`.
    origin: Option<String>,
    registers: Vec<String>,
    rival: Option<String>,
    formula: Option<String>,
    revoked: Option<String>,
    insider: Option<String>,
    #[serde(default)]
    coupon_yen: i64,
}

/// Runs the `place`-th scenario against a service at an address.
pub(super) async fn run_at(
    (address, allow_remote): (&str, bool),
    keys: &Path,
    place: usize,
    scenario: &Scenario,
) -> Result<Outcome, Error> {
    let address = address.trim_start_matches("http://").trim_end_matches('/');
    let address: SocketAddr = address.replace("localhost", "127.0.0.1").parse()?;
    if !address.ip().is_loopback() && !allow_remote {
        return Err(
            "this address is not of this machine; --allow-remote attacks it all the same, \
                    if it is yours"
                .into(),
        );
    }
    let keys: Keys = serde_json::from_str(&std::fs::read_to_string(keys)?)?;
    if keys.registers.len() < 2 {
        return Err("the keys need registers of two stores".into());
    }
    let now = || u64::try_from(SystemClock.now() / SECOND).unwrap_or_default();
    let origin = keys.origin.unwrap_or_else(|| format!("http://localhost:{}", address.port()));
    let begin = usize::try_from(now() % 1_000_000)?;
    let stage = Stage {
        server: Server { address, origin },
        registers: keys.registers,
        rival: keys.rival,
        formula: keys.formula,
        revoked: keys.revoked,
        insider: keys.insider.map(|invite| -> Insider {
            Box::new(move || Box::pin(std::future::ready(Some(invite.clone()))))
        }),
        office: None,
        tampering: None,
        coupon_yen: keys.coupon_yen,
        now: Box::new(now),
        pass: Box::new(|_| ()),
        first_customer: begin * CUSTOMERS + place * CUSTOMERS,
        desk: std::sync::Arc::default(),
    };
    match run(&stage, scenario).await {
        Ok(outcome) => Ok(outcome),
        Err(why) => Ok(Outcome::broken_off(scenario, &why.to_string())),
    }
}
