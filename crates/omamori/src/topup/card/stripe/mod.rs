//! Stripe, over its HTTP API with forms in and JSON out. The card is typed on Checkout, the
//! challenge is answered at the bank: both by redirection, so that no script of anybody else's
//! runs on our pages.
//!
//! Sources: <https://docs.stripe.com/api> (payment intents, setup intents, checkout sessions,
//! idempotent requests), <https://docs.stripe.com/payments/3d-secure>. The shapes are those of the
//! API version that every request names.

mod client;
mod event;
#[cfg(test)]
mod tests;
mod wire;

use axum::http::HeaderMap;
use serde_json::Value;

use super::gateway::{
    Asking, CardGateway, ChargeOrder, ChargeState, Confirmation, ConsentOrder, ConsentState, Event,
    GatewayError, OpenedConsent, OpenedSetup, Presence, ReportLine, SetupOrder, SetupState,
    Unsigned,
};
use crate::clock::{Micros, SECOND};
use crate::secret::Secret;
use client::{Client, Form, Reply};
pub(super) use event::{SIGNATURE, sign};

/// The address of the API.
const ADDRESS: &str = "https://api.stripe.com";

/// Bookings of one page of a report: with their sources they must stay below what an answer may
/// have.
const REPORT_PAGE: usize = 25;

/// The adapter.
pub struct Stripe {
    name: &'static str,
    client: Client,
    webhook_secret: Secret,
}

impl Stripe {
    /// An account at Stripe.
    #[must_use]
    pub fn new(secret_key: Secret, webhook_secret: Secret, address: Option<String>) -> Self {
        let address = address.unwrap_or_else(|| ADDRESS.to_owned());
        Self { name: "stripe", client: Client::new(address, secret_key), webhook_secret }
    }

    /// The sandbox speaks as Stripe does, so that what is tried there is what runs in production.
    pub(super) fn of_sandbox(key: Secret, webhook_secret: Secret, address: String) -> Self {
        Self { name: "sandbox", ..Self::new(key, webhook_secret, Some(address)) }
    }

    fn charge(reply: Reply) -> Result<ChargeState, GatewayError> {
        match reply {
            Reply::Done(intent) => wire::charge_state(&intent),
            // A card that says no is an answer, not an error of ours.
            Reply::CardError(error) => Ok(ChargeState::Failed(wire::reason(&error))),
        }
    }
}

fn done(reply: Reply) -> Result<Value, GatewayError> {
    match reply {
        Reply::Done(value) => Ok(value),
        Reply::CardError(error) => {
            Err(GatewayError::Refused { status: 402, code: wire::error_code(&error) })
        }
    }
}

/// A look that was refused says nothing of what may have been done before it: nobody knows.
fn not_looked(error: GatewayError) -> GatewayError {
    match error {
        GatewayError::Refused { status, code } => {
            GatewayError::Unknown(format!("no look at the refunds: {status} {code}"))
        }
        unknown @ GatewayError::Unknown(_) => unknown,
    }
}

impl CardGateway for Stripe {
    fn name(&self) -> &'static str {
        self.name
    }

    fn open_setup<'a>(&'a self, order: &'a SetupOrder) -> Asking<'a, OpenedSetup> {
        Box::pin(async move {
            let form = Form::new().with("metadata[setup_id]", &order.id);
            let key = format!("{}-customer", order.id);
            let customer = done(self.client.post("/v1/customers", Some(key), form).await?)?;
            let holder = wire::id(&customer)?;
            let form = Form::new()
                .with("mode", "setup")
                .with("customer", &holder)
                .with("payment_method_types[0]", "card")
                .with("payment_method_options[card][request_three_d_secure]", "any")
                .with("client_reference_id", &order.id)
                // So that the message of a card that failed says of which registration it was.
                .with("setup_intent_data[metadata][setup_id]", &order.id)
                .with("locale", order.language.tag())
                .with("success_url", &order.return_url)
                .with("cancel_url", &order.return_url);
            let key = Some(order.id.clone());
            let session = done(self.client.post("/v1/checkout/sessions", key, form).await?)?;
            let url = wire::text(&session, "url")?;
            Ok(OpenedSetup { reference: wire::id(&session)?, holder, url })
        })
    }

    fn find_setup<'a>(&'a self, reference: &'a str) -> Asking<'a, SetupState> {
        Box::pin(async move {
            let path = format!(
                "/v1/checkout/sessions/{reference}\
                 ?expand[]=setup_intent.payment_method&expand[]=setup_intent.latest_attempt"
            );
            wire::setup_state(&done(self.client.get(&path).await?)?)
        })
    }

    /// A setup intent of a card that is registered already: it charges nothing, asks the bank for
    /// 3-D Secure, and says that later charges come without the holder
    /// (<https://docs.stripe.com/payments/save-and-reuse>).
    fn open_consent<'a>(&'a self, order: &'a ConsentOrder) -> Asking<'a, OpenedConsent> {
        Box::pin(async move {
            let form = Form::new()
                .with("customer", &order.holder)
                .with("payment_method", &order.token)
                .with("payment_method_types[0]", "card")
                .with("payment_method_options[card][request_three_d_secure]", "any")
                .with("usage", "off_session")
                .with("confirm", "true")
                .with("return_url", &order.return_url)
                .with("metadata[consent_id]", &order.id)
                .with("expand[]", "latest_attempt");
            let key = Some(order.id.clone());
            match self.client.post("/v1/setup_intents", key, form).await? {
                Reply::Done(intent) => Ok(OpenedConsent {
                    reference: Some(wire::id(&intent)?),
                    state: wire::consent_state(&intent)?,
                }),
                Reply::CardError(error) => Ok(OpenedConsent {
                    reference: None,
                    state: ConsentState::Failed(wire::reason(&error)),
                }),
            }
        })
    }

    fn find_consent<'a>(&'a self, reference: &'a str) -> Asking<'a, ConsentState> {
        Box::pin(async move {
            let path = format!("/v1/setup_intents/{reference}?expand[]=latest_attempt");
            wire::consent_state(&done(self.client.get(&path).await?)?)
        })
    }

    fn open_charge<'a>(&'a self, order: &'a ChargeOrder) -> Asking<'a, String> {
        Box::pin(async move {
            let form = Form::new()
                .with("amount", &order.amount.to_string())
                .with("currency", "jpy")
                .with("customer", &order.holder)
                .with("payment_method", &order.token)
                .with("payment_method_types[0]", "card")
                .with("metadata[topup_id]", &order.id);
            let key = Some(order.id.clone());
            wire::id(&done(self.client.post("/v1/payment_intents", key, form).await?)?)
        })
    }

    fn confirm_charge<'a>(&'a self, ask: &'a Confirmation) -> Asking<'a, ChargeState> {
        Box::pin(async move {
            let form = Form::new().with("expand[]", "latest_charge");
            let form = match &ask.presence {
                Presence::Holder { return_url } => form
                    .with("return_url", return_url)
                    .with("payment_method_options[card][request_three_d_secure]", "any"),
                Presence::Consented => form.with("off_session", "true"),
            };
            let path = format!("/v1/payment_intents/{}/confirm", ask.reference);
            let key = Some(format!("{}-confirm", ask.id));
            Self::charge(self.client.post(&path, key, form).await?)
        })
    }

    fn find_charge<'a>(&'a self, reference: &'a str) -> Asking<'a, ChargeState> {
        Box::pin(async move {
            let path = format!("/v1/payment_intents/{reference}?expand[]=latest_charge");
            Self::charge(self.client.get(&path).await?)
        })
    }

    fn cancel_charge<'a>(&'a self, reference: &'a str) -> Asking<'a, ChargeState> {
        Box::pin(async move {
            let path = format!("/v1/payment_intents/{reference}/cancel");
            let form = Form::new().with("cancellation_reason", "abandoned");
            match self.client.post(&path, None, form).await {
                Ok(reply) => Self::charge(reply),
                // It was paid or canceled a moment ago, or is at work: what it is counts.
                Err(GatewayError::Refused { status: 400, .. }) => self.find_charge(reference).await,
                Err(error) => Err(error),
            }
        })
    }

    fn refund<'a>(&'a self, id: &'a str, reference: &'a str) -> Asking<'a, ()> {
        Box::pin(async move {
            let form =
                Form::new().with("payment_intent", reference).with("metadata[refund_id]", id);
            match self.client.post("/v1/refunds", Some(id.to_owned()), form).await {
                Ok(reply) => done(reply).map(drop),
                // By us: idempotency keys are forgotten after a day.
                Err(GatewayError::Refused { code, .. }) if code == "charge_already_refunded" => {
                    Ok(())
                }
                Err(error) => Err(error),
            }
        })
    }

    /// Refunds (<https://docs.stripe.com/api/refunds/create>). A key is forgotten after a day and a
    /// part can be refunded again, so those that there are are looked at first.
    fn refund_part<'a>(&'a self, id: &'a str, reference: &'a str, yen: i64) -> Asking<'a, ()> {
        Box::pin(async move {
            let path = format!("/v1/refunds?limit={REPORT_PAGE}&payment_intent={reference}");
            let made = self.client.get(&path).await.and_then(done).map_err(not_looked)?;
            if wire::has_refund(&made, id)? {
                return Ok(());
            }
            let form = Form::new()
                .with("payment_intent", reference)
                .with("amount", &yen.to_string())
                .with("metadata[refund_id]", id);
            let reply = self.client.post("/v1/refunds", Some(id.to_owned()), form).await?;
            done(reply).map(drop)
        })
    }

    /// Balance transactions with their sources (<https://docs.stripe.com/api/balance_transactions>),
    /// page by page.
    fn report(&self, from: Micros, until: Micros) -> Asking<'_, Vec<ReportLine>> {
        Box::pin(async move {
            let (from, until) = (from.div_euclid(SECOND), until.div_euclid(SECOND));
            let (mut lines, mut after) = (Vec::new(), String::new());
            loop {
                let path = format!(
                    "/v1/balance_transactions?currency=jpy&limit={REPORT_PAGE}\
                     &created[gte]={from}&created[lt]={until}&expand[]=data.source{after}"
                );
                let page = done(self.client.get(&path).await?)?;
                let last = wire::report(&page, &mut lines)?;
                match last {
                    Some(last) if page["has_more"] == true => {
                        after = format!("&starting_after={last}");
                    }
                    _ => return Ok(lines),
                }
            }
        })
    }

    fn forget_card<'a>(&'a self, token: &'a str) -> Asking<'a, ()> {
        Box::pin(async move {
            let path = format!("/v1/payment_methods/{token}/detach");
            match self.client.post(&path, None, Form::new()).await {
                Ok(_) | Err(GatewayError::Refused { .. }) => Ok(()), // it is not there any more
                Err(error) => Err(error),
            }
        })
    }

    fn read_event(&self, headers: &HeaderMap, body: &[u8], now: Micros) -> Result<Event, Unsigned> {
        event::read(headers, body, &self.webhook_secret, now)
    }
}
