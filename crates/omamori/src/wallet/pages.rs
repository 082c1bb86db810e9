//! The customer's pages, rendered on the server.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use super::entry::{Entry, history as read_history, reservations};
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::coupon::set_count;
use crate::gate::Act;
use crate::gate::Use;
use crate::gate::windows::Class;
use crate::identity::devices::{devices, sessions};
use crate::identity::external::{Linkable, linkable};
use crate::identity::{Customer, PageCustomer, Visitor, account, recover, recovery};
use crate::limit::Kind;
use crate::notify::{contacts, money};
use crate::refund::review::is_leaving;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// How much of a limit is used.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Meter {
    /// Yen.
    pub used: i64,
    /// Yen.
    pub max: i64,
}

impl Meter {
    /// The whole of it, for a bar: never nothing.
    #[must_use]
    pub fn scale(&self) -> i64 {
        self.max.max(1)
    }
}

/// The customer's limits now.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Limits {
    /// The balance.
    pub balance: Meter,
    /// Payments of 24 hours.
    pub payment_day: Meter,
    /// Whether that counts sends too: on a phone's first day the two have one limit.
    pub payment_day_with_sends: bool,
    /// Payments of 30 days.
    pub payment_month: Meter,
    /// Top-ups of 24 hours.
    pub topup_day: Meter,
    /// The largest top-up at a register.
    pub topup_once_max: i64,
    /// What can be topped up now.
    pub topup_room: i64,
    /// Until when the phone counts as new.
    #[serde(serialize_with = "filters::as_rfc3339_or_null")]
    pub new_device_until: Option<Micros>,
    /// Payments and sends of 24 hours while it does.
    pub new_device_max: i64,
}

impl Limits {
    /// What the limit of 24 hours is called.
    fn payment_day_key(&self) -> &'static str {
        if self.payment_day_with_sends {
            "settings.limit_out_day"
        } else {
            "settings.limit_payment_day"
        }
    }
}

/// Reads them.
///
/// # Errors
/// A fault if the registry fails.
pub async fn limits(app: &App, customer: &Customer) -> Result<Limits> {
    let set = &app.config.limits;
    let account = customer.wallet_account;
    let balance = Meter { used: app.gate.balance(account), max: set.balance_max };
    let (paid, out) = (app.gate.used(account, Class::Payment), app.gate.used(account, Class::Out));
    let topped_up = app.gate.used(account, Class::Topup).in_24h;
    let devices = devices(&app.stores.registry, &customer.customer_id).await?;
    let mine = devices.iter().find(|device| device.device_id == customer.device_id);
    let new_until = mine.map_or(Micros::MAX, |device| device.enrolled_at + DAY);
    let is_new = app.clock.now() < new_until;
    let payment_24h = app.gate.limit(Kind::Payment24h, account);
    let with_sends = is_new && set.payment_first_day < payment_24h;
    let (paid_24h, payment_24h) =
        if with_sends { (out.in_24h, set.payment_first_day) } else { (paid.in_24h, payment_24h) };
    let room = app.gate.room(Use::TopupCash, account).min(set.topup_register_max);
    Ok(Limits {
        balance,
        payment_day: Meter { used: paid_24h, max: payment_24h },
        payment_day_with_sends: with_sends,
        payment_month: Meter { used: paid.in_30d, max: app.gate.limit(Kind::Payment30d, account) },
        topup_day: Meter { used: topped_up, max: app.gate.limit(Kind::Topup24h, account) },
        topup_once_max: set.topup_register_max,
        topup_room: room - room % set.topup_register_unit,
        new_device_until: is_new.then_some(new_until),
        new_device_max: set.payment_first_day,
    })
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage {
    text: Text,
    sandbox: bool,
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    text: Text,
    sandbox: bool,
    balance: i64,
    balance_paid: i64,
    balance_free: i64,
    points: i64,
    coupons_set: usize,
    code_closed: bool,
    /// Stopped by its holder or by staff: no register takes its code.
    is_stopped: bool,
    /// It is shut, since it closes and its rest is claimed.
    leaving: bool,
    /// What is set aside, and how much together.
    reserved: Vec<Entry>,
    reserved_yen: i64,
    entries: Vec<Entry>,
}

/// Whether staff closed the customer's code: then none is shown, as none would be taken.
#[must_use]
pub fn code_is_closed(app: &App, customer_id: &str) -> bool {
    app.gate.open_door(Act::CodeUse, None, Some(customer_id)).is_err()
}

/// The wallet, or the welcome page for somebody who is not signed in.
pub async fn home(State(app): State<Arc<App>>, visitor: Visitor, text: Text) -> Result<Response> {
    let sandbox = app.sandbox();
    let Visitor::Customer(customer) = visitor else {
        return page(&WelcomePage { text, sandbox });
    };
    let purse = app.gate.purse(customer.wallet_account);
    let entries = read_history(&app, customer.wallet_account, None, 5).await?.entries;
    let reserved = reservations(&app, customer.wallet_account).await?;
    let registry = &app.stores.registry;
    let is_stopped = account::find(registry, &customer.customer_id).await?.frozen;
    page(&HomePage {
        text,
        sandbox,
        leaving: is_stopped && is_leaving(registry, &customer.customer_id).await?,
        is_stopped,
        reserved_yen: -reserved.iter().map(|entry| entry.amount).sum::<i64>(),
        reserved,
        balance: purse.balance(),
        balance_paid: purse.paid,
        balance_free: purse.free_total(),
        points: purse.points_total(),
        coupons_set: set_count(&app, &customer.customer_id, customer.wallet_account).await?,
        code_closed: code_is_closed(&app, &customer.customer_id),
        entries,
    })
}

#[derive(Template)]
#[template(path = "topup_register.html")]
struct TopupPage {
    text: Text,
    sandbox: bool,
    limits: Limits,
}

/// How to load cash at a register.
pub async fn topup(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    if let Some(first) = crate::terms::confirm::in_the_way(&app, &customer, text).await? {
        return Ok(first);
    }
    let limits = limits(&app, &customer).await?;
    page(&TopupPage { text, sandbox: app.sandbox(), limits })
}

struct Device {
    device_id: String,
    name: String,
    enrolled_at: Micros,
    last_used_at: Micros,
    current: bool,
    replaced: bool,
}

struct Session {
    session_id: String,
    created_at: Micros,
    last_used_at: Micros,
    current: bool,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    text: Text,
    sandbox: bool,
    phone_masked: String,
    email_masked: Option<String>,
    offers_email: bool,
    money_mail: bool,
    frozen: bool,
    /// It closes, and its rest is claimed.
    leaving: bool,
    recovery_ready_at: Option<Micros>,
    devices: Vec<Device>,
    sessions: Vec<Session>,
    recovery_codes_left: i64,
    external: Option<Vec<Linkable>>,
    limits: Limits,
}

/// Contacts, phones, sessions, recovery codes, limits, language, stop, sign-out.
pub async fn settings(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    let (registry, id) = (&app.stores.registry, &customer.customer_id);
    let now = app.clock.now();
    let account = account::find(registry, id).await?;
    let contacts = contacts::of(registry, id, now).await?;
    let devices = devices(registry, id).await?.into_iter().map(|device| Device {
        current: device.device_id == customer.device_id,
        device_id: device.device_id,
        name: device.name,
        enrolled_at: device.enrolled_at,
        last_used_at: device.last_used_at,
        replaced: device.replaced,
    });
    let here = sessions(registry, id, now).await?.into_iter();
    let here = here.filter(|session| session.device_id == customer.device_id);
    let sessions = here.map(|session| Session {
        current: session.session_id == customer.session_id,
        session_id: session.session_id,
        created_at: session.created_at,
        last_used_at: session.last_used_at,
    });
    page(&SettingsPage {
        text,
        sandbox: app.sandbox(),
        phone_masked: account.phone.masked(),
        email_masked: contacts.email.map(|email| email.masked()),
        offers_email: app.identity.outbox().offers_email(),
        money_mail: money::by_mail(registry, id).await?,
        leaving: account.frozen && is_leaving(registry, id).await?,
        frozen: account.frozen,
        recovery_ready_at: recover::ready_at(registry, id, now).await?,
        devices: devices.collect(),
        sessions: sessions.collect(),
        recovery_codes_left: recovery::count_left(registry, id).await?,
        external: linkable(&app, id, text).await?,
        limits: limits(&app, &customer).await?,
    })
}

#[derive(Template)]
#[template(path = "offline.html")]
struct OfflinePage {
    text: Text,
    sandbox: bool,
}

/// The page that the phone keeps for when there is no network. Holds nothing of anybody.
pub async fn offline(State(app): State<Arc<App>>, text: Text) -> Result<Response> {
    page(&OfflinePage { text, sandbox: app.sandbox() })
}
