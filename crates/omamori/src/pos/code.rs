//! The customer's code, as the register read it.

use std::sync::Arc;

use omamori_paycode::code::{self, CodeError, CustomerCode, Prefix};

use crate::app::App;
use crate::clock::{Micros, SECOND};
use crate::gate::{Act, Place};
use crate::identity::DeviceEntry;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// A code that is right, now.
pub struct Verified {
    /// The phone that shows it.
    pub device: Arc<DeviceEntry>,
    /// The id of the transfer that uses it up.
    pub authorization_id: u128,
}

/// Reads the digits: length and character were checked before.
pub fn read(app: &App, digits: &str) -> Result<CustomerCode, Code> {
    let prefix = app.config.code_prefix.parse::<Prefix>().map_err(|_| Code::Internal)?;
    CustomerCode::parse(digits, prefix).map_err(|error| match error {
        CodeError::WrongPrefix => Code::CodeUnknownPrefix,
        CodeError::WrongCheckDigit => Code::CodeCheckDigit,
        _ => Code::CodeWrong,
    })
}

/// Whether codes are taken here, and this one is right, unlocked and of this moment.
///
/// # Errors
/// The refusal, which the gate is to record; or a fault.
pub async fn verify(app: &App, digits: &str, place: &Place<'_>) -> Result<Verified> {
    let code = read(app, digits)?;
    app.gate.open_door(Act::CodeUse, Some(place), None)?;
    let verified = app.identity.codes.check(app, &code, place.terminal_number).await?;
    app.gate.open_door(Act::CodeUse, Some(place), Some(&verified.device.customer_id))?;
    Ok(Verified {
        authorization_id: code::authorization_id(code.device, verified.step, verified.count),
        device: verified.device,
    })
}

/// What the gate is told about a code: its refusal as an opinion, a fault as a fault.
///
/// # Errors
/// A fault.
pub fn opinion(verified: &Result<Verified>) -> Result<Result<(), Code>> {
    match verified {
        Ok(_) => Ok(Ok(())),
        Err(Error::Fault(_)) => Err(Error::fault("a code could not be checked")),
        Err(refused) => Ok(Err(refused.code())),
    }
}

/// Whether `digits` is the code that `authorization_id` used up at `at`: asked for retries, whose
/// code has expired by now.
pub async fn is_same(app: &App, digits: &str, authorization_id: u128, at: Micros) -> Result<bool> {
    Ok(id_at(app, digits, at).await? == Some(authorization_id))
}

/// The id of the transfer that used `digits` up at `at`, if it was right then.
pub async fn id_at(app: &App, digits: &str, at: Micros) -> Result<Option<u128>> {
    let Ok(code) = read(app, digits) else { return Ok(None) };
    let Some(device) = app.identity.device(app, code.device).await? else { return Ok(None) };
    let seconds = u64::try_from(at / SECOND).unwrap_or_default();
    let verdict = code::verify(&device.code_secret, seconds, code.one_time);
    Ok(match verdict {
        // The ledger's time is a little later than that of the check, or much if this node's
        // clock was set back: the code may be of an older step than was accepted by then.
        code::Verdict::Valid { step, count } | code::Verdict::Expired { step, count } => {
            Some(code::authorization_id(code.device, step, count))
        }
        code::Verdict::Wrong => None,
    })
}
