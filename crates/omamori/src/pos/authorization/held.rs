//! A payment that the gate wants staff to look at: it waits as a reservation, for a bounded time,
//! until staff release or refuse it. Nobody there in time is a no, by the ledger's own clock.
//!
//! The register is told `payment_held`, an error and no success, so that a register that has never
//! heard of it hands nothing over; it asks again with the same id until there is a payment or a
//! refusal. Released, it is paid in full, coupons and all, as the customer saw it.

use serde_json::json;

use super::create::{is_code_of as is_code_of_made, text};
use super::reservation::{Reservation, Reserve, State};
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::case::evidence::snapshot;
use crate::case::{self, CaseKind, NewCase, Opener};
use crate::clock::{Micros, SECOND};
use crate::gate::chart::TransferCode;
use crate::gate::{Act, Clearance, Question};
use crate::id::{Kind, derive};
use crate::identity::account;
use crate::pos::auth::Terminal;
use crate::pos::model::SaleDetail;
use crate::pos::payment::capture_id;
use crate::pos::sell::Sale;
use crate::value::{Bill, Purchase, TRIES, plan};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// When a register asks again.
const ASK_AGAIN_SECONDS: u32 = 3;

fn held_id(merchant_id: &str, merchant_payment_id: &str) -> u128 {
    derive("held-payment", &[merchant_id.as_bytes(), merchant_payment_id.as_bytes()])
}

/// A sale that is to wait.
pub struct Hold<'a> {
    /// The sale.
    pub sale: &'a Sale<'a>,
    /// What is bought: what campaigns take off, whether points are used.
    pub purchase: &'a Purchase<'a>,
    /// What the decision's record says of it.
    pub detail: &'a SaleDetail,
}

impl Hold<'_> {
    /// Sets its value aside and lets it wait. `None` if the customer's value changed since it was
    /// looked at: look again.
    ///
    /// # Errors
    /// As of a payment.
    pub async fn make(&self, app: &App, clearance: Clearance) -> Result<Option<Reservation>> {
        let Self { sale, purchase, detail } = *self;
        let device = sale.device;
        let seconds = app.config.authorization.hold_seconds();
        let until = app.clock.now() + Micros::from(seconds) * SECOND;
        let purse = app.gate.purse(device.wallet_account).outliving(until);
        let Purchase { discounts, use_points, .. } = purchase;
        let bill = Bill { amount: sale.amount, discounts, use_points: *use_points };
        let spending = plan(&purse, &bill, app.config.value.spending_order);
        let spending = spending.ok_or(Code::InsufficientFunds)?;
        let reserve = Reserve {
            id: held_id(&detail.merchant_id, &detail.merchant_payment_id),
            claim_id: sale.authorization_id,
            wallet: device.wallet_account,
            store: sale.store.sales_account,
            code: TransferCode::PaymentHeld,
            seconds,
            terminal_number: sale.place.terminal_number,
            spending: &spending,
        };
        let decision_id = Kind::Decision.text(clearance.decision().to_u128());
        let made = reserve.make(app, clearance, Code::PaymentIdReused).await?;
        if let Some(made) = &made {
            self.open_case(app, made, &decision_id).await?;
        }
        Ok(made)
    }

    /// The queue of staff. Without its case a held payment ends as one that nobody decided.
    async fn open_case(&self, app: &App, made: &Reservation, decision_id: &str) -> Result<()> {
        let Sale { device, store, amount, .. } = *self.sale;
        let evidence = snapshot(app, &device.customer_id, Some(&made.transfer)).await?;
        let id = Kind::Authorization.text(made.transfer.id);
        let new = NewCase {
            kind: CaseKind::HeldPayment,
            key: &id,
            customer_id: Some(&device.customer_id),
            store_id: Some(&store.store_id),
            subjects: std::slice::from_ref(&id),
            amount: Some(amount),
            decision_id: Some(decision_id),
            opener: Opener::Machine("gate"),
            evidence: &evidence,
        };
        let mut tx = app.stores.registry.begin().await?;
        case::open(app, &mut tx, &new).await?;
        Ok(tx.commit().await?)
    }
}

/// What a register is told of a sale that waits, or that staff refused; `Ok` if there is none.
/// `sale` is the code and the amount of one that is asked for again.
pub(in crate::pos) async fn look(
    app: &App,
    merchant_id: &str,
    merchant_payment_id: &str,
    sale: Option<(&str, i64)>,
) -> Result<()> {
    let id = held_id(merchant_id, merchant_payment_id);
    let Some(made) = Reservation::find(app, id).await? else { return Ok(()) };
    if let Some((code, amount)) = sale
        && (made.spending().amount() != amount || !is_code_of_made(app, code, &made).await?)
    {
        return Err(Code::PaymentIdReused.into());
    }
    match made.state(app).await? {
        // Captured just now: the next time there is a payment.
        State::Open | State::Captured(_) => Err(still_held()),
        State::Voided { .. } | State::Expired { .. } => Err(Code::PaymentRefused.into()),
    }
}

/// The answer about a sale that waits.
pub(in crate::pos) fn still_held() -> Error {
    Error::RetryAfter(Code::PaymentHeld, ASK_AGAIN_SECONDS)
}

/// Whether `digits` is the code that the reservation `id` used up.
pub(in crate::pos) async fn is_code_of(app: &App, digits: &str, id: u128) -> Result<bool> {
    match Reservation::find(app, id).await? {
        Some(made) if made.is_held() => is_code_of_made(app, digits, &made).await,
        _ => Ok(false),
    }
}

/// The register waits no longer: what is set aside for its sale goes back.
pub(in crate::pos) async fn give_up(
    app: &App,
    terminal: &Terminal,
    merchant_payment_id: &str,
) -> Result<()> {
    let id = held_id(&terminal.store.merchant_id, merchant_payment_id);
    let Some(made) = Reservation::find(app, id).await? else { return Ok(()) };
    if made.state(app).await? != State::Open {
        return Ok(());
    }
    let About { customer_id, device_id, sale } = about(app, &made).await?;
    let question = Question {
        customer: customer_id.as_deref(),
        device: device_id.as_deref(),
        terminal: Some(terminal.place()),
        amount: Some(made.spending().amount()),
        ..Question::plain(Act::AuthorizationVoid, &sale)
    };
    let clearance = app.gate.decide(question, Ok(())).await?;
    made.void(app, clearance, terminal.terminal_number).await?;
    Ok(())
}

/// What stands behind a held payment in the evidence.
pub struct About {
    /// `cus_…`.
    pub customer_id: Option<String>,
    /// `dev_…`.
    pub device_id: Option<String>,
    /// What is to be bought, and where.
    pub sale: SaleDetail,
}

/// Reads it.
///
/// # Errors
/// A fault if the evidence store fails.
pub async fn about(app: &App, made: &Reservation) -> Result<About> {
    let records = app.gate.evidence(std::slice::from_ref(&made.transfer)).await?;
    let mut record = records.into_iter().next().flatten().unwrap_or_default();
    let sale = match record["detail"].take() {
        serde_json::Value::Null => SaleDetail::default(),
        detail => serde_json::from_value(detail)?,
    };
    Ok(About { customer_id: text(&record["customer"]), device_id: text(&record["device"]), sale })
}

/// The held payment with this id, `aut_…`.
///
/// # Errors
/// A fault if a store fails.
pub async fn find(app: &App, id: &str) -> Result<Option<Reservation>> {
    let Some(id) = Kind::Authorization.parse(id) else { return Ok(None) };
    Ok(Reservation::find(app, id).await?.filter(Reservation::is_held))
}

/// Staff let a held payment through: it is paid in full. Again is the same.
///
/// # Errors
/// [`Code::NotFound`]; [`Code::PaymentRefused`] if it was refused or nobody decided in time;
/// [`Code::PaymentCanceled`] if the register gave up; [`Code::AccountFrozen`]; a fault.
pub async fn release(app: &App, actor: &Actor, id: &str, reason: &str) -> Result<()> {
    let mut is_written = false;
    for _ in 0..TRIES {
        app.gate.catch_up().await?;
        let made = find(app, id).await?.ok_or(Code::NotFound)?;
        let about = about(app, &made).await?;
        let opinion = match made.state(app).await? {
            State::Captured(_) => return Ok(()),
            State::Voided { .. } | State::Expired { .. } => Err(Code::PaymentRefused),
            State::Open => standing(app, &made, &about.sale).await?,
        };
        let act = Act::HeldRelease;
        if !is_written {
            write(app, actor, act, (id, &about, reason), opinion).await?;
            is_written = true;
        }
        opinion?;
        let question = Question {
            customer: about.customer_id.as_deref(),
            device: about.device_id.as_deref(),
            amount: Some(made.spending().amount()),
            ..Question::plain(Act::Capture, &about.sale)
        };
        let clearance = app.gate.decide(question, Ok(())).await?;
        let terminal = i64::try_from(made.transfer.user_data_64).unwrap_or_default();
        let capture_id = capture_id(&about.sale.merchant_id, &about.sale.merchant_payment_id);
        made.capture(app, clearance, capture_id, made.spending(), terminal).await?;
    }
    Err(Error::RetryAfter(Code::Busy, 1))
}

/// Whether it may be paid now.
async fn standing(app: &App, made: &Reservation, sale: &SaleDetail) -> Result<Result<(), Code>> {
    let capture_id = capture_id(&sale.merchant_id, &sale.merchant_payment_id);
    if app.gate.transfer(capture_id).await?.is_some() {
        return Ok(Err(Code::PaymentCanceled));
    }
    let wallet = made.transfer.debit_account_id;
    let stands = account::stands(&app.stores.registry, wallet).await?;
    Ok(if stands { Ok(()) } else { Err(Code::AccountFrozen) })
}

/// Staff refuse a held payment: what was set aside goes back. Again is the same.
///
/// # Errors
/// [`Code::NotFound`]; [`Code::AuthorizationCaptured`] if it was released; a fault.
pub async fn refuse(app: &App, actor: &Actor, id: &str, reason: &str) -> Result<()> {
    let mut is_written = false;
    for _ in 0..TRIES {
        app.gate.catch_up().await?;
        let made = find(app, id).await?.ok_or(Code::NotFound)?;
        let about = about(app, &made).await?;
        let opinion = match made.state(app).await? {
            State::Voided { .. } | State::Expired { .. } => return Ok(()),
            State::Captured(_) => Err(Code::AuthorizationCaptured),
            State::Open => Ok(()),
        };
        let act = Act::HeldRefuse;
        if !is_written {
            write(app, actor, act, (id, &about, reason), opinion).await?;
            is_written = true;
        }
        opinion?;
        let question = Question {
            customer: about.customer_id.as_deref(),
            amount: Some(made.spending().amount()),
            ..Question::plain(Act::AuthorizationVoid, &about.sale)
        };
        let clearance = app.gate.decide(question, Ok(())).await?;
        let terminal = i64::try_from(made.transfer.user_data_64).unwrap_or_default();
        made.void(app, clearance, terminal).await?;
    }
    Err(Error::RetryAfter(Code::Busy, 1))
}

/// Asks the gate about an act of staff and writes it into the audit log, before any money moves:
/// done twice it is written twice, and never not at all.
async fn write(
    app: &App,
    actor: &Actor,
    act: Act,
    (id, about, reason): (&str, &About, &str),
    opinion: Result<(), Code>,
) -> Result<()> {
    let customer = about.customer_id.as_deref();
    let detail = json!({ "held": id, "reason": reason });
    let clearance = actor.decide(app, act, customer, &detail, opinion).await?;
    let entry = Entry {
        actor,
        act,
        subject: id,
        before: json!({ "status": "held" }),
        after: json!({ "status": if act == Act::HeldRelease { "released" } else { "refused" } }),
        reason,
    };
    audit::commit(app, app.stores.registry.begin().await?, &clearance, &entry).await
}
