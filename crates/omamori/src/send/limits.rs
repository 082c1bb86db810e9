//! The limits of one customer's sending and receiving: the one place where they come from.

use serde::Serialize;

use crate::app::App;
use crate::clock::DAY;
use crate::gate::windows::{Bound, Class};
use crate::identity::Customer;
use crate::identity::devices::devices;
use crate::web::codes::Code;
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
    let sent = app.gate.used(customer.wallet_account, Class::Send);
    let out = app.gate.used(customer.wallet_account, Class::Out).in_24h;
    let room = set
        .sending
        .once_max
        .min(set.sending.sent_24h - sent.in_24h)
        .min(set.sending.sent_30d - sent.in_30d)
        .min(first_day.map_or(i64::MAX, |max| max - out));
    Ok(Limits {
        once_max: set.sending.once_max,
        sent_24h: set.sending.sent_24h,
        sent_30d: set.sending.sent_30d,
        first_day,
        room: room.max(0),
    })
}

impl Limits {
    /// The windows of a send.
    #[must_use]
    pub fn bounds(&self) -> Vec<Bound> {
        let first_day = self.first_day.map(|max| Bound::day(Class::Out, max, Code::LimitNewDevice));
        let rolling = [
            Bound::day(Class::Send, self.sent_24h, Code::LimitSend24h),
            Bound::month(Class::Send, self.sent_30d, Code::LimitSend30d),
        ];
        first_day.into_iter().chain(rolling).collect()
    }
}

/// The windows of taking what was sent.
#[must_use]
pub fn taking(app: &App) -> Vec<Bound> {
    let set = &app.config.limits.sending;
    vec![
        Bound::month(Class::Receive, set.received_30d, Code::LimitReceive),
        Bound::month(Class::Senders, set.senders_30d, Code::LimitReceive),
    ]
}
