//! `POST /api/wallet/v1/sends`: sets value aside for somebody, confirmed by the sender.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use omamori_ledger::CreateTransferResult as R;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::recipient::{Recipient, To};
use super::row::{self, Send};
use super::transfers::{self, request_claim_id, send_id};
use super::view::{SendView, view};
use super::{limits, link, take};
use crate::app::App;
use crate::gate::{Act, Question, Use};
use crate::id::Kind;
use crate::identity::account;
use crate::identity::stepup::{self, Confirmed, Intent, Risen};
use crate::identity::{Customer, Network};
use crate::notify::fill;
use crate::secret::token_hash;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::yen_text;
use crate::web::json::Json;
use crate::web::text::{Text, is_hidden};

/// No limit that can be set is higher: what is above is a slip of a program.
const AMOUNT_MAX: i64 = 1_000_000;
/// Characters of a message and of a name.
const MESSAGE_MAX: usize = 60;
const NAME_MAX: usize = 30;

/// What is to be sent.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CreateSend {
    /// The client's own id of this send: 1–64 of `A–Z a–z 0–9 . _ -`. A retry uses it again.
    client_send_id: String,
    /// Yen.
    amount: i64,
    to: To,
    /// To the receiver.
    #[serde(default)]
    message: String,
}

/// A send, wrapped.
#[derive(Debug, Serialize)]
pub struct SendAnswer {
    /// The send.
    pub send: SendView,
}

impl CreateSend {
    fn check(&self) -> Result<()> {
        client_id("client_send_id", &self.client_send_id)?;
        if !(1..=AMOUNT_MAX).contains(&self.amount) {
            return Err(Error::field("amount", "out_of_range"));
        }
        line("message", &self.message, MESSAGE_MAX)?;
        line("to.name", self.to.name(), NAME_MAX)
    }

    fn digest(&self) -> Result<[u8; 32]> {
        Ok(Sha256::digest(serde_json::to_vec(self)?).into())
    }
}

/// An id of the client's own.
pub(super) fn client_id(field: &str, id: &str) -> Result<()> {
    let fits = (1..=64).contains(&id.len());
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if fits && id.chars().all(plain) { Ok(()) } else { Err(Error::field(field, "malformed")) }
}

/// One line of text that people read: no control characters, no turning of direction.
///
/// # Errors
/// The field that is too long or malformed.
pub(crate) fn line(field: &str, text: &str, max: usize) -> Result<()> {
    if text.chars().count() > max {
        return Err(Error::field(field, "too_long"));
    }
    if text.chars().any(is_hidden) {
        return Err(Error::field(field, "malformed"));
    }
    Ok(())
}

fn intent(request: &CreateSend, to: &Recipient, text: Text) -> Result<Intent> {
    let amount = yen_text(request.amount);
    let words = match to.shown() {
        Some(to) => fill(text.t("stepup.send"), &[("amount", amount), ("to", to)]),
        None => fill(text.t("stepup.send_link"), &[("amount", amount)]),
    };
    Intent::new(Act::Send, request, words)
}

/// `POST /api/wallet/v1/sends/options`
pub async fn options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
    Json(request): Json<CreateSend>,
) -> Result<Answer<Value>> {
    app.gate.open_door(Act::Send, None, Some(&customer.customer_id))?;
    request.check()?;
    let to = request.to.find(&app, &customer).await?;
    stepup::offer(&app, &customer, &intent(&request, &to, text)?).await
}

/// Sends. A retry with the same id gets the same answer, without a further confirmation.
pub async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request, proof }): Json<Confirmed<CreateSend>>,
) -> Result<Response> {
    request.check()?;
    let answered = |send| Answer(SendAnswer { send }).into_response();
    if let Some(send) = earlier(&app, &customer, &request).await? {
        return Ok(answered(send));
    }
    let to = request.to.find(&app, &customer).await?;
    let intent = intent(&request, &to, text)?;
    let proof = stepup::confirm(&app, &customer, &intent, &proof).await?;
    match set_aside(&app, &customer, network, &request, &to, proof).await {
        Ok(()) => {}
        Err(fault @ Error::Fault(_)) => return Err(fault),
        Err(refused) => {
            // Refused, perhaps because the same request was carried out in between.
            app.gate.catch_up().await?;
            let made = earlier(&app, &customer, &request).await?;
            return made.map(answered).ok_or(refused);
        }
    }
    let send = earlier(&app, &customer, &request).await?;
    let send = send.ok_or(Error::fault("a send that was made is not there"))?;
    let mut tx = app.stores.registry.begin().await?;
    let risen = Risen::new(&app, &mut tx, &customer, SendAnswer { send }).await?;
    tx.commit().await?;
    Ok(risen.into_response())
}

/// The send that an earlier request with this id made.
async fn earlier(app: &App, customer: &Customer, request: &CreateSend) -> Result<Option<SendView>> {
    let id = send_id(&customer.customer_id, &request.client_send_id);
    let Some(known) = transfers::known(app, id).await? else { return Ok(None) };
    let row = row::find(&app.stores.registry, &Kind::Send.text(id)).await?;
    let row = row.ok_or(Error::fault("a send has no row"))?;
    if row.asked != request.digest()? {
        return Err(Code::SendIdReused.into());
    }
    // Who asked for money wants it: it waits only if they cannot take it now.
    let known = take::for_request(app, &row, known).await?;
    Ok(Some(view(app, &row, &known, &customer.customer_id).await?))
}

async fn set_aside(
    app: &App,
    customer: &Customer,
    network: Network,
    request: &CreateSend,
    to: &Recipient,
    proof: Result<(), Code>,
) -> Result<()> {
    let id = send_id(&customer.customer_id, &request.client_send_id);
    let limits = limits::of(app, customer).await?;
    let row = row_of(app, customer, request, to, id)?;
    let frozen = account::find(&app.stores.registry, &customer.customer_id).await?.frozen;
    let opinion = proof
        .and(if frozen { Err(Code::AccountFrozen) } else { Ok(()) })
        .and(if request.amount > limits.once_max { Err(Code::LimitSendAmount) } else { Ok(()) })
        .and(fits_request(app, request, to));
    let claim = match to {
        Recipient::Asker(_, asked) => Some(next_claim(app, &asked.request_id).await?),
        _ => None,
    };
    let claimed = claim.map_or(Ok(()), |claim| claim.map(drop));
    let opinion = opinion.and(claimed);
    let detail = json!({ "ip": network.address(), "session": customer.session_id,
        "send": row.send_id, "to": to.kind() });
    let mut question = customer.asks_proven(network, Act::Send, &detail);
    if let Recipient::Friend(account) | Recipient::Asker(account, _) = to {
        question.facts.receiver = Some(&account.customer_id);
        question.facts.receiver_since = Some(account.created_at);
    }
    question.facts.sender = Some(&customer.customer_id);
    let of = Use::Send { first_day: limits.first_day.is_some() };
    let question = Question {
        amount: Some(request.amount),
        admission: Some(app.gate.admission(of, customer.wallet_account, request.amount)),
        ..question
    };
    let clearance = app.gate.decide(question, opinion).await?;
    // The row decides what the id stands for: only who asks for just that may go on.
    if row::insert(&app.stores.registry, &row).await? != row.asked {
        return Err(Code::SendIdReused.into());
    }
    let claim = claim.and_then(Result::ok);
    let begun = transfers::begin(id, customer.wallet_account, request.amount, claim);
    let reply = app.gate.commit(clearance, begun).await?;
    match reply.transfers[0].result {
        R::Ok => Ok(()),
        R::ExceedsCredits | R::DebitAccountNotFound => Err(Code::InsufficientFunds.into()),
        R::DebitAccountAlreadyClosed => Err(Code::AccountFrozen.into()),
        R::LinkedEventFailed => Err(Code::RequestClosed.into()),
        _ => Err(Code::SendIdReused.into()),
    }
}

/// The place in which a request would be paid now, if all that was sent for it came back. Two who
/// pay at once want the same place, and one of them gets it.
async fn next_claim(app: &App, request_id: &str) -> Result<Result<u128, Code>> {
    let mut n = 0;
    while app.gate.transfer(request_claim_id(request_id, n)).await?.is_some() {
        n += 1;
    }
    let paid = super::request::row::payment(app, request_id).await?.is_some();
    Ok(if paid { Err(Code::RequestClosed) } else { Ok(request_claim_id(request_id, n)) })
}

/// A request is paid as it was asked for, while it stands.
fn fits_request(app: &App, request: &CreateSend, to: &Recipient) -> Result<(), Code> {
    let Recipient::Asker(_, asked) = to else { return Ok(()) };
    if asked.wanted_yen != request.amount || !asked.stands(app.clock.now()) {
        return Err(Code::RequestClosed);
    }
    Ok(())
}

fn row_of(
    app: &App,
    customer: &Customer,
    request: &CreateSend,
    to: &Recipient,
    id: u128,
) -> Result<Send> {
    let send_id = Kind::Send.text(id);
    let name = request.to.name().trim();
    let shown = to.shown().unwrap_or_default();
    let hash = matches!(to, Recipient::Link)
        .then(|| token_hash(link::Secrets::of(app, &send_id).token()).to_vec());
    Ok(Send {
        sender_id: customer.customer_id.clone(),
        asked: request.digest()?,
        to_kind: to.kind().to_owned(),
        to_phone: match to {
            Recipient::Phone(phone) => Some(phone.as_str().to_owned()),
            _ => None,
        },
        to_customer_id: match to {
            Recipient::Friend(account) | Recipient::Asker(account, _) => {
                Some(account.customer_id.clone())
            }
            _ => None,
        },
        to_name: if name.is_empty() { shown } else { name.to_owned() },
        link_hash: hash,
        message: request.message.trim().to_owned(),
        request_id: match to {
            Recipient::Asker(_, asked) => Some(asked.request_id.clone()),
            _ => None,
        },
        created_at: app.clock.now(),
        send_id,
    })
}
