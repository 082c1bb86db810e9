//! Step-up: a fresh answer of the passkey for one act.

use serde_json::Value;
use webauthn_rs::prelude::{Passkey, PublicKeyCredential};

use super::customer::Customer;
use super::{passkeys_of, signin};
use crate::app::App;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Acts that are confirmed with the passkey. An answer for one is none for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConfirmedAct {
    RecoveryCodesRenew,
}

impl ConfirmedAct {
    fn subject(self, customer_id: &str) -> String {
        match self {
            Self::RecoveryCodesRenew => format!("{customer_id} recovery_codes_renew"),
        }
    }
}

/// Options for `navigator.credentials.get()`, to confirm `act`.
pub(super) async fn offer(app: &App, customer: &Customer, act: ConfirmedAct) -> Result<Value> {
    let now = app.clock.now();
    signin::lock::check(&app.stores.registry, &customer.customer_id, now).await?;
    let passkeys = passkeys_of::customer(&app.stores.registry, &customer.customer_id).await?;
    let subject = act.subject(&customer.customer_id);
    app.identity.passkeys.offer_stepup(&subject, &passkeys, now).await
}

/// Whether `answer` confirms `act`: what the gate wants to know as the feature's opinion. A wrong
/// answer counts as a failed sign-in.
///
/// # Errors
/// A fault, or sign-in is locked.
pub(super) async fn confirm(
    app: &App,
    customer: &Customer,
    act: ConfirmedAct,
    answer: &PublicKeyCredential,
) -> Result<Result<(), Code>> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    signin::lock::check(registry, &customer.customer_id, now).await?;
    let mut passkeys: Vec<Passkey> = passkeys_of::customer(registry, &customer.customer_id).await?;
    let subject = act.subject(&customer.customer_id);
    let accepted = app.identity.passkeys.accept_stepup(&subject, answer, &mut passkeys, now).await;
    match accepted {
        Ok(used) if passkeys_of::store_use(registry, &passkeys[used], now).await? => {
            signin::lock::succeeded(registry, &customer.customer_id).await?;
            Ok(Ok(()))
        }
        Ok(_) | Err(Error::Refused(_)) => {
            signin::lock::failed(registry, &customer.customer_id, now).await?;
            Ok(Err(Code::ProofFailed))
        }
        Err(fault) => Err(fault),
    }
}
