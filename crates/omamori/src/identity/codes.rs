//! Whose payment code is this? Every sale and every top-up at a register asks here first.

use std::sync::Arc;

use omamori_paycode::code::{
    CodeSecret, CustomerCode, DeviceNumber, RefreshCount, TimeStep, Verdict, verify,
};

use super::account;
use super::directory::DeviceEntry;
use super::guesses::{Counted, Guesses, Policy};
use crate::app::App;
use crate::clock::{HOUR, MINUTE, Micros, SECOND};
use crate::notify::{Message, Notice, tell_alone};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// A device number may be guessed at five times; then its code rests, not the account.
const BY_DEVICE: Policy = Policy { allowed: 5, first_lock: MINUTE, longest_lock: 6 * HOUR };
/// A terminal sees many customers: more wrong codes, shorter rests.
const BY_TERMINAL: Policy =
    Policy { allowed: 20, first_lock: 30 * SECOND, longest_lock: 30 * MINUTE };

/// A code that is right, now. That it was not used before is the ledger's to say.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Whose phone showed it.
    pub device: Arc<DeviceEntry>,
    /// The step that it was made in.
    pub step: TimeStep,
    /// Which of the step's codes it is.
    pub count: RefreshCount,
}

/// Checks codes and counts wrong ones, by device number and by terminal.
pub struct Codes {
    by_device: Guesses<DeviceNumber>,
    by_terminal: Guesses<i64>,
}

impl Default for Codes {
    fn default() -> Self {
        Self { by_device: Guesses::new(BY_DEVICE), by_terminal: Guesses::new(BY_TERMINAL) }
    }
}

impl Codes {
    /// The phone that showed `code` just now at a terminal.
    ///
    /// A number that no phone has is answered, counted and locked like a phone's with a wrong
    /// one-time part, so answers do not tell which numbers exist.
    ///
    /// # Errors
    /// [`Code::TerminalLocked`], [`Code::CodeLocked`], [`Code::CodeWrong`],
    /// [`Code::CodeExpired`], [`Code::AccountFrozen`]; a fault if the registry fails.
    pub async fn check(
        &self,
        app: &App,
        code: &CustomerCode,
        terminal_number: i64,
    ) -> Result<Verified> {
        let now = app.clock.now();
        if let Some(until) = self.by_terminal.locked_until(terminal_number, now) {
            return Err(Error::RetryAfter(Code::TerminalLocked, seconds_until(until, now)));
        }
        if self.by_device.locked_until(code.device, now).is_some() {
            return Err(Code::CodeLocked.into());
        }
        let device = app.identity.device(app, code.device).await?.filter(|device| device.active);
        let decoy = CodeSecret::new([0; 32]);
        let secret = device.as_ref().map_or(&decoy, |device| &device.code_secret);
        let now_seconds = u64::try_from(now / SECOND).unwrap_or_default();
        match (verify(secret, now_seconds, code.one_time), device) {
            (Verdict::Valid { step, count }, Some(device)) => {
                self.by_device.right(code.device);
                self.by_terminal.right(terminal_number);
                if device.frozen {
                    return Err(Code::AccountFrozen.into());
                }
                Ok(Verified { device, step, count })
            }
            // Whoever knows an old code has the secret: no guess.
            (Verdict::Expired { .. }, Some(_)) => Err(Code::CodeExpired.into()),
            (_, device) => {
                if let Counted::Locked(until) = self.by_terminal.wrong(terminal_number, now) {
                    let seconds = seconds_until(until, now);
                    tracing::warn!(terminal_number, seconds, "a terminal is locked");
                }
                if let Counted::Locked(until) = self.by_device.wrong(code.device, now) {
                    let device_id = device.as_ref().map(|device| &*device.device_id);
                    let seconds = seconds_until(until, now);
                    tracing::warn!(device_id, terminal_number, seconds, "a code is locked");
                    if let Some(device) = device {
                        tell_customer(app, &device, until).await?;
                    }
                }
                Err(Code::CodeWrong.into())
            }
        }
    }
}

/// By SMS at once, for the customer stands at a register; then as a notice like any other.
async fn tell_customer(app: &App, device: &DeviceEntry, until: Micros) -> Result<()> {
    let customer = account::find(&app.stores.registry, &device.customer_id).await?;
    let text = Message::CodeLocked.text(&app.config.issuer_name, customer.language);
    app.identity.outbox().post(customer.phone.to_string(), text);
    tell_alone(app, &device.customer_id, &Notice::CodeLocked { until }).await
}

fn seconds_until(until: Micros, now: Micros) -> u32 {
    u32::try_from((until - now).max(0) / SECOND + 1).unwrap_or(u32::MAX)
}
