//! Giving an app its secret: offered while a sign-up is under way, kept when the app has shown
//! that it has it.

use omamori_db::{Tx, sql};
use omamori_paycode::draw::{Level, qr};
use serde::Serialize;

use super::{Code, Secret, secret_place, steps};
use crate::app::App;
use crate::clock::Micros;
use crate::web::error::{Error, Result};

/// What the page shows, once.
#[derive(Serialize)]
pub(in crate::identity) struct Offer {
    /// Base 32, for typing.
    secret: String,
    /// `otpauth://…`: opens the app where it is on this phone.
    address: String,
    /// The same as a QR code, SVG, for an app on another device.
    qr: String,
}

/// A secret that the app has, and the step of the code that showed it.
pub(in crate::identity) struct Verified {
    secret: Secret,
    step: i64,
}

fn offer_place(signup_id: &str) -> String {
    format!("signup.totp_secret/{signup_id}")
}

/// A new secret for a sign-up whose number is verified; the one before works no more.
pub(in crate::identity) async fn offer(app: &App, signup_id: &str, account: &str) -> Result<Offer> {
    let secret = Secret::random(app.rng.as_ref());
    let update = sql("UPDATE signup SET totp_secret = $1
         WHERE signup_id = $2 AND state = 'phone_verified'");
    let update = update.bind(secret.seal(app, &offer_place(signup_id))).bind(signup_id);
    app.stores.registry.execute(update).await?;
    let address = secret.address(&app.config.issuer_name, account);
    let symbol = qr(&address, Level::M).map_err(|error| Error::Fault(Box::new(error)))?;
    Ok(Offer { secret: secret.base32(), address, qr: symbol.svg() })
}

/// The offered secret, if `code` is one of its codes now.
pub(in crate::identity) async fn verified(
    app: &App,
    signup_id: &str,
    code: Code,
) -> Result<Option<Verified>> {
    let query = sql("SELECT totp_secret FROM signup WHERE signup_id = $1");
    let row = app.stores.registry.optional(query.bind(signup_id)).await?;
    let sealed = row.map(|row| row.bytes_optional("totp_secret")).transpose()?.flatten();
    let Some(sealed) = sealed else { return Ok(None) };
    let secret = Secret::open(app, &offer_place(signup_id), &sealed)?;
    let step = secret.step_of(code, steps(app.clock.now()));
    Ok(step.map(|step| Verified { secret, step }))
}

/// Keeps it for the customer. The code that showed it is used up.
pub(in crate::identity) async fn insert(
    app: &App,
    tx: &mut Tx,
    customer_id: &str,
    verified: &Verified,
    now: Micros,
) -> Result<()> {
    let sealed = verified.secret.seal(app, &secret_place(customer_id));
    let insert = sql("INSERT INTO totp (customer_id, secret, last_step, created_at)
         VALUES ($1, $2, $3, $4)");
    let insert = insert.bind(customer_id).bind(sealed).bind(verified.step).bind(now);
    tx.execute(insert).await?;
    Ok(())
}

#[cfg(test)]
impl Verified {
    /// A secret that an app in software has, in base 32, too.
    pub(in crate::identity) fn of_software(app: &App) -> (Self, String) {
        let secret = Secret::random(app.rng.as_ref());
        let base32 = secret.base32();
        (Self { secret, step: 0 }, base32)
    }
}
