//! Giving an app its secret: offered first, kept when the app has shown that it has it.

use omamori_db::{Tx, sql};
use omamori_paycode::draw::{Level, qr};
use serde::Serialize;

use super::{Code, Secret, secret_place, steps};
use crate::app::App;
use crate::clock::{MINUTE, Micros};
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
    owner: String,
    secret: Secret,
    step: i64,
}

/// How long the app may take: as long as the other steps of a sign-up.
const LIFE: Micros = 10 * MINUTE;

fn offer_place(owner: &str) -> String {
    format!("totp_offer.secret/{owner}")
}

/// A new secret for who may answer with `owner`: a sign-up, a recovery or a session that has proved
/// enough. The one offered before works no more.
pub(in crate::identity) async fn offer(app: &App, owner: &str, account: &str) -> Result<Offer> {
    let (secret, now) = (Secret::random(app.rng.as_ref()), app.clock.now());
    let mut tx = app.stores.registry.begin().await?;
    let old = sql("DELETE FROM totp_offer WHERE owner = $1 OR expires_at <= $2");
    tx.execute(old.bind(owner).bind(now)).await?;
    let insert = sql("INSERT INTO totp_offer (owner, secret, expires_at) VALUES ($1, $2, $3)");
    let insert = insert.bind(owner).bind(secret.seal(app, &offer_place(owner)));
    tx.execute(insert.bind(now + LIFE)).await?;
    tx.commit().await?;
    let address = secret.address(&app.config.issuer_name, account);
    let symbol = qr(&address, Level::M).map_err(|error| Error::Fault(Box::new(error)))?;
    Ok(Offer { secret: secret.base32(), address, qr: symbol.svg() })
}

/// The offered secret, if `code` is one of its codes now.
pub(in crate::identity) async fn verified(
    app: &App,
    owner: &str,
    code: Code,
) -> Result<Option<Verified>> {
    let now = app.clock.now();
    let query = sql("SELECT secret FROM totp_offer WHERE owner = $1 AND expires_at > $2");
    let row = app.stores.registry.optional(query.bind(owner).bind(now)).await?;
    let Some(row) = row else { return Ok(None) };
    let secret = Secret::open(app, &offer_place(owner), &row.bytes("secret")?)?;
    let step = secret.step_of(code, steps(now));
    Ok(step.map(|step| Verified { owner: owner.to_owned(), secret, step }))
}

/// Makes it the customer's, in the place of the one before. The code that showed it is used up, and
/// so is the offer.
pub(in crate::identity) async fn set(
    app: &App,
    tx: &mut Tx,
    customer_id: &str,
    verified: &Verified,
    now: Micros,
) -> Result<()> {
    tx.execute(sql("DELETE FROM totp_offer WHERE owner = $1").bind(&verified.owner)).await?;
    tx.execute(sql("DELETE FROM totp WHERE customer_id = $1").bind(customer_id)).await?;
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
        (Self { owner: String::new(), secret, step: 0 }, base32)
    }
}
