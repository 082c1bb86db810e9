//! What a customer has chosen about payments to come: points, coupons. The phone computes its
//! code offline, so the choice is kept here and not in the code.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::sql;
use omamori_paycode::code::DeviceNumber;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::db::changes::{self, Subject};
use crate::gate::{Act, Question};
use crate::identity::Customer;
use crate::web::error::Result;
use crate::web::json::Json;

/// Whether points are used.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointsUse {
    /// True: payments take points first, one for a yen, all there are.
    pub use_points: bool,
}

/// `POST /api/wallet/v1/points/use`: holds for every payment from now on.
pub(super) async fn use_points(
    State(app): State<Arc<App>>,
    customer: Customer,
    Json(choice): Json<PointsUse>,
) -> Result<Answer<PointsUse>> {
    let question = Question {
        customer: Some(&customer.customer_id),
        device: Some(&customer.device_id),
        ..Question::plain(Act::PointsUse, &choice)
    };
    let _recorded = app.gate.decide(question, Ok(())).await?;
    let update = sql("UPDATE customer SET uses_points = $1 WHERE customer_id = $2");
    let update = update.bind(i64::from(choice.use_points)).bind(&customer.customer_id);
    app.stores.registry.execute(update).await?;
    changed(&app, &customer.customer_id).await?;
    Ok(Answer(choice))
}

/// Whether the customer uses points.
///
/// # Errors
/// A fault if the registry fails.
pub async fn uses_points(app: &App, customer_id: &str) -> Result<bool> {
    let query = sql("SELECT uses_points FROM customer WHERE customer_id = $1").bind(customer_id);
    Ok(app.stores.registry.one(query).await?.int("uses_points")? == 1)
}

/// Makes every node read the choices of a customer again: they are kept with the phone that pays.
///
/// # Errors
/// A fault if the registry fails.
pub async fn changed(app: &App, customer_id: &str) -> Result<()> {
    let query = sql("SELECT device_number FROM device WHERE customer_id = $1 AND state = 'active'");
    for row in app.stores.registry.all(query.bind(customer_id)).await? {
        let number = u32::try_from(row.int("device_number")?).ok().and_then(DeviceNumber::new);
        if let Some(number) = number {
            changes::changed(app, Subject::Device(number)).await?;
        }
    }
    Ok(())
}
