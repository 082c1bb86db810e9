//! A finish whose answer got lost on the way to the phone.
//!
//! The account exists, but the phone knows neither the secret of its codes nor that it may come
//! in. It asks again, with the same sign-up and a proof by the key that was bound, and gets a new
//! secret, new recovery codes and a session; what the lost answer held works no more.

use omamori_db::sql;
use omamori_paycode::code::DeviceNumber;
use serde_json::json;

use super::finish::{Checked, Enrolled, Finished};
use crate::app::App;
use crate::db::changes::{Subject, changed};
use crate::gate::{Act, Question};
use crate::identity::directory::secret_place;
use crate::identity::dpop::Proof;
use crate::identity::enrol::agree;
use crate::identity::replay::Admitted;
use crate::identity::{recovery, session};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// The answer once more; `None` if this sign-up was not finished by this phone.
pub(super) async fn finish(
    app: &App,
    signup_id: &str,
    phone: &Checked,
    proof: &Proof,
) -> Result<Option<Finished>> {
    let now = app.clock.now();
    let query = sql("SELECT d.device_id, d.device_number, d.customer_id
         FROM signup s JOIN device d ON d.customer_id = s.customer_id
         WHERE s.signup_id = $1 AND s.state = 'finished' AND s.expires_at > $2
           AND d.sign_key_thumbprint = $3 AND d.state = 'active'");
    let query = query.bind(signup_id).bind(now).bind(phone.thumbprint);
    let Some(row) = app.stores.registry.optional(query).await? else { return Ok(None) };
    if app.identity.replays.admit(proof.id, now) != Admitted::New {
        return Err(Code::Unauthorized.into());
    }
    let (device_id, customer_id) = (row.text("device_id")?, row.text("customer_id")?);
    let number = u32::try_from(row.int("device_number")?).ok().and_then(DeviceNumber::new);
    let number = number.ok_or_else(|| Error::fault("a device number has more than nine digits"))?;

    let question = Question {
        act: Act::SignUp,
        customer: Some(&customer_id),
        device: Some(&device_id),
        terminal: None,
        amount: None,
        admission: None,
        detail: &json!({ "step": "again", "signup": signup_id }),
    };
    let _cleared = app.gate.decide(question, Ok(())).await?;
    let agreement = agree(app.rng.as_ref(), &phone.agree_key, number);
    let place = secret_place(&device_id);
    let sealed = app.vault.seal(app.rng.as_ref(), &place, agreement.secret.as_slice());
    let mut tx = app.stores.registry.begin().await?;
    let update = sql("UPDATE device SET code_secret = $1 WHERE device_id = $2");
    tx.execute(update.bind(sealed).bind(&device_id)).await?;
    let lost = sql("DELETE FROM session WHERE device_id = $1");
    tx.execute(lost.bind(&device_id)).await?;
    let recovery_codes = recovery::replace(&mut tx, app.rng.as_ref(), &customer_id, now).await?;
    let session = session::open(app, &mut tx, &customer_id, &device_id).await?;
    tx.commit().await?;
    changed(app, Subject::Device(number)).await?;
    let device = Enrolled::new(&app.config, device_id, number, agreement);
    Ok(Some(Finished { customer_id, device, recovery_codes, session }))
}
