//! `GET /external/{provider}/callback`: the issuer sends the browser back, with a code or without.
//!
//! The one request here that comes from another site. It changes nothing of any account: what it
//! proves is noted with the trip, and the page that the trip was for goes on with it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::json;

use super::flow::{Flow, Purpose, redirect_uri};
use super::identity_hash;
use super::provider::{Exchange, Failure};
use super::reach::Unreached;
use crate::app::App;
use crate::gate::{Act, Question};
use crate::identity::rate::Network;
use crate::risk::Facts;
use crate::secret::Secret;
use crate::web::error::{Error, Result};
use crate::web::page::page;
use crate::web::text::Text;

/// For all that is asked of an issuer here: less than the wallet's service worker waits for a page
/// before it shows the one for a phone without network.
const PATIENCE: Duration = Duration::from_secs(7);

/// The answer of the issuer (OpenID Connect Core §3.1.2.5, RFC 9207). Other members are ignored,
/// as they must be; one that comes twice makes it none.
#[derive(Deserialize)]
pub(in crate::identity) struct Returned {
    state: String,
    code: Option<Secret>,
    iss: Option<String>,
    error: Option<String>,
}

#[derive(askama::Template)]
#[template(path = "external.html")]
struct FailedPage {
    text: Text,
    sandbox: bool,
    title: &'static str,
    lead: &'static str,
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    network: Network,
    text: Text,
    Path(provider): Path<String>,
    headers: HeaderMap,
    query: std::result::Result<Query<Returned>, QueryRejection>,
) -> Result<Response> {
    app.identity.doors.external.check(network, app.clock.now())?;
    let (flow, outcome) = match query {
        Ok(Query(returned)) => look(&app, &headers, &provider, &returned).await?,
        Err(_) => (None, Err(Failure::NoFlow)),
    };
    let failure = match (&flow, outcome) {
        (Some(flow), Ok(())) => return Ok(Redirect::to(flow.purpose.page()).into_response()),
        (_, Err(failure)) => failure,
        (None, Ok(())) => return Err(Error::fault("a trip ended that never began")),
    };
    record(&app, network, flow.as_ref(), failure).await?;
    failed(text, app.sandbox(), failure)
}

/// The trip, if it is this browser's, and whether the issuer proved who it is.
async fn look(
    app: &App,
    headers: &HeaderMap,
    provider: &str,
    returned: &Returned,
) -> Result<(Option<Flow>, Result<(), Failure>)> {
    let flow = Flow::returned(app, headers, provider, &returned.state).await?;
    let Some(flow) = flow else { return Ok((None, Err(Failure::NoFlow))) };
    let proven = tokio::time::timeout(PATIENCE, prove(app, &flow, returned)).await;
    let outcome = match proven.unwrap_or(Err(Failure::Unreached(Unreached::Timeout))) {
        Ok(identity) => {
            flow.prove(app, identity).await?;
            Ok(())
        }
        Err(failure) => Err(failure),
    };
    Ok((Some(flow), outcome))
}

async fn prove(app: &App, flow: &Flow, returned: &Returned) -> Result<[u8; 32], Failure> {
    let provider = app.identity.external.open(&flow.provider).map_err(|_| Failure::Closed)?;
    let now = app.clock.now();
    let metadata = provider.metadata(now).await?;
    // RFC 9207 §2.4: looked at before anything else, and before the code goes anywhere.
    let issuer = &provider.settings.issuer;
    match &returned.iss {
        Some(named) if named != issuer => return Err(Failure::MixUp),
        None if metadata.names_issuer => return Err(Failure::MixUp),
        _ => {}
    }
    let code = match (&returned.error, &returned.code) {
        (Some(error), _) if error == "access_denied" => return Err(Failure::Canceled),
        (Some(_), _) | (None, None) => return Err(Failure::Refused),
        (None, Some(code)) => code.reveal(),
    };
    let exchange = Exchange {
        code,
        verifier: &flow.verifier(),
        redirect_uri: &redirect_uri(&app.config, &flow.provider),
        nonce: &flow.nonce(),
        now,
    };
    let subject = provider.redeem(&metadata, &exchange).await?;
    Ok(identity_hash(app, issuer, &subject))
}

/// Each trip that ends badly leaves a record, with the reason that the person is not bothered with.
async fn record(app: &App, network: Network, flow: Option<&Flow>, failure: Failure) -> Result<()> {
    let act = flow.map_or(Act::SignIn, |flow| flow.purpose.act());
    let linking = flow.filter(|flow| flow.purpose == Purpose::Link);
    let customer = linking.and_then(|flow| flow.subject.split(' ').next());
    let detail = json!({
        "ip": network.address(),
        "step": "external",
        "provider": flow.map(|flow| &flow.provider),
        "why": failure.to_string(),
    });
    let facts = Facts::from(network.address());
    let question = Question { customer, facts, ..Question::plain(act, &detail) };
    match app.gate.decide(question, Err(failure.code())).await {
        Ok(_) => Err(Error::fault("the gate allowed what was refused")),
        Err(Error::Fault(fault)) => Err(Error::Fault(fault)),
        Err(_) => Ok(()),
    }
}

fn failed(text: Text, sandbox: bool, failure: Failure) -> Result<Response> {
    let (title, lead) = match failure {
        Failure::Canceled => ("external.canceled", "external.canceled_text"),
        Failure::NoFlow => ("external.no_flow", "external.no_flow_text"),
        Failure::Closed => ("external.closed", "external.closed_text"),
        failure if failure.is_theirs() => ("external.down", "external.down_text"),
        _ => ("external.failed", "external.failed_text"),
    };
    let mut response = page(&FailedPage { text, sandbox, title, lead })?;
    *response.status_mut() = failure.code().status();
    Ok(response)
}
