//! A finish whose answer got lost on the way to the phone.
//!
//! The account exists, but the phone knows neither the secret of its codes nor that it may come
//! in. It asks again, with the same sign-up and a proof by the key that was bound, and gets a new
//! secret, new recovery codes and a session; what the lost answer held works no more.

use omamori_db::sql;
use serde_json::json;

use super::finish::Finished;
use crate::app::App;
use crate::gate::{Act, Question};
use crate::identity::binding::{self, Checked};
use crate::identity::dpop::Proof;
use crate::identity::replay::Admitted;
use crate::identity::session::Strength;
use crate::identity::{devices, recovery};
use crate::risk::Facts;
use crate::web::codes::Code;
use crate::web::error::Result;

/// The answer once more; `None` if this sign-up was not finished by this phone.
pub(in crate::identity) async fn finish(
    app: &App,
    signup_id: &str,
    phone: &Checked,
    proof: &Proof,
    strength: Strength,
) -> Result<Option<Finished>> {
    let now = app.clock.now();
    let query = sql("SELECT d.device_id, d.customer_id
         FROM signup s JOIN device d ON d.customer_id = s.customer_id
         WHERE s.signup_id = $1 AND s.state = 'finished' AND s.expires_at > $2
           AND d.sign_key_thumbprint = $3 AND d.state = 'active'");
    let query = query.bind(signup_id).bind(now).bind(phone.thumbprint);
    let Some(row) = app.stores.registry.optional(query).await? else { return Ok(None) };
    if app.identity.replays.admit(proof.id, now) != Admitted::New {
        return Err(Code::Unauthorized.into());
    }
    let (device_id, customer_id) = (row.text("device_id")?, row.text("customer_id")?);
    let question = Question {
        act: Act::SignUp,
        customer: Some(&customer_id),
        device: Some(&device_id),
        terminal: None,
        amount: None,
        admission: None,
        facts: Facts { is_step: true, ..Facts::NONE },
        detail: &json!({ "step": "again", "signup": signup_id }),
    };
    let _cleared = app.gate.decide(question, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let (device, session) = binding::again(app, &mut tx, &customer_id, phone, strength).await?;
    let recovery_codes = recovery::replace(&mut tx, app.rng.as_ref(), &customer_id, now).await?;
    tx.commit().await?;
    devices::forget(app, &customer_id).await?;
    Ok(Some(Finished { customer_id, device, recovery_codes, session }))
}
