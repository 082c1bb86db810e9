//! The limits of one customer's sending, as pages and native apps show them.

use serde::Serialize;

use crate::app::App;
use crate::clock::DAY;
use crate::gate::Use;
use crate::identity::Customer;
use crate::identity::devices::devices;
use crate::limit::Kind;
use crate::web::error::Result;

/// What holds for a customer now, in yen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// One send.
    pub once_max: i64,
    /// Sends of 24 hours.
    pub sent_24h: i64,
    /// Sends of 30 days.
    pub sent_30d: i64,
    /// Payments and sends of 24 hours, while the phone is new.
    pub first_day: Option<i64>,
    /// What can be sent at once now, whatever the balance.
    pub room: i64,
}

/// The limits that hold for a customer on this phone.
///
/// # Errors
/// A fault if the registry fails.
pub async fn of(app: &App, customer: &Customer) -> Result<Limits> {
    let set = &app.config.limits;
    let devices = devices(&app.stores.registry, &customer.customer_id).await?;
    let mine = devices.iter().find(|device| device.device_id == customer.device_id);
    // A phone that is not found is new: the safe side.
    let is_new = mine.is_none_or(|device| app.clock.now() < device.enrolled_at + DAY);
    let first_day = is_new.then_some(set.payment_first_day);
    let account = customer.wallet_account;
    let room = app.gate.room(Use::Send { first_day: is_new }, account);
    Ok(Limits {
        once_max: set.sending.once_max,
        sent_24h: app.gate.limit(Kind::Send24h, account),
        sent_30d: app.gate.limit(Kind::Send30d, account),
        first_day,
        room: room.min(set.sending.once_max),
    })
}
