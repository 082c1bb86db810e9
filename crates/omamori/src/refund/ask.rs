//! A customer claims: the bank account, confirmed by step-up, and done. The account can be
//! corrected until the claim is in a file.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;

use super::claim::{self, Claim, Made, New, State as Standing};
use super::{end, money};
use crate::app::App;
use crate::gate::Act;
use crate::identity::stepup::{self, Confirmed, Intent};
use crate::identity::{Customer, Network, moves};
use crate::notify::{Notice, fill, tell};
use crate::settlement::bank::Bank;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters::yen_text;
use crate::web::json::Json;
use crate::web::text::Text;

/// A claim, as its holder sees it.
#[derive(Serialize)]
pub(super) struct Claimed {
    claim_id: String,
    state: &'static str,
    yen: i64,
    last_digits: String,
}

impl From<Claim> for Claimed {
    fn from(claim: Claim) -> Self {
        let Claim { claim_id, state, yen, last_digits, .. } = claim;
        Self { claim_id, state: state.as_str(), yen, last_digits }
    }
}

/// The words that are confirmed name the account: another one would be another act.
fn intent(act: Act, bank: &Bank, text: Text, yen: i64) -> Result<Intent> {
    let words = match act {
        Act::RefundAsk => text.t("stepup.refund"),
        _ => text.t("stepup.refund_account"),
    };
    let values = [
        ("amount", yen_text(yen)),
        ("bank", bank.bank.clone()),
        ("branch", bank.branch.clone()),
        ("digits", bank.last_digits().to_owned()),
    ];
    Intent::new(act, bank, fill(words, &values))
}

/// What forbids a claim now; the end under which it is made.
async fn claimable(
    app: &App,
    customer: &Customer,
) -> Result<std::result::Result<(String, i64), Code>> {
    let now = app.clock.now();
    let standing = end::standing(&app.stores.registry).await?;
    let Some(standing) = standing.filter(|end| end.takes_claims(now)) else {
        return Ok(Err(Code::RefundNotOpen));
    };
    app.gate.catch_up().await?;
    let left = money::left(app, &customer.customer_id);
    Ok(if left > 0 { Ok((standing.end_id, left)) } else { Err(Code::RefundNothing) })
}

/// `POST /api/wallet/v1/refunds/options`: what is wrong is said before anything is asked.
pub(super) async fn options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
    Json(bank): Json<Bank>,
) -> Result<Answer<Value>> {
    bank.account()?;
    app.gate.open_door(Act::RefundAsk, None, Some(&customer.customer_id))?;
    let (_, yen) = claimable(&app, &customer).await??;
    stepup::offer(&app, &customer, &intent(Act::RefundAsk, &bank, text, yen)?).await
}

/// `POST /api/wallet/v1/refunds`: confirmed, on a phone that is no newcomer.
pub(super) async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request: bank, proof }): Json<Confirmed<Bank>>,
) -> Result<Answer<Claimed>> {
    bank.account()?;
    let registry = &app.stores.registry;
    let settled = moves::settled(registry, &customer, app.clock.now()).await?;
    let claimable = claimable(&app, &customer).await?;
    let opinion = settled.and(claimable.as_ref().map(drop).map_err(|code| *code));
    let intent = intent(Act::RefundAsk, &bank, text, 0)?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, opinion).await?;
    let (end_id, _) = claimable?;
    let new = New {
        customer_id: &customer.customer_id,
        made: Made::Of(&end_id),
        bank: &bank,
        asked_by: "customer",
    };
    let mut tx = registry.begin().await?;
    let claim = claim::insert(&app, &mut tx, &new).await?;
    tx.commit().await?;
    Ok(Answer(money::set_aside(&app, &claim).await?.into()))
}

/// The claims whose account the customer may correct now: all of them at once.
async fn correctable(app: &App, customer: &Customer) -> Result<Vec<Claim>> {
    let mut claims = claim::of_customer(&app.stores.registry, &customer.customer_id).await?;
    claims.retain(|claim| claim.state.takes_account());
    if claims.is_empty() { Err(Code::RefundUnderWay.into()) } else { Ok(claims) }
}

/// `POST /api/wallet/v1/refunds/account/options`
pub(super) async fn account_options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
    Json(bank): Json<Bank>,
) -> Result<Answer<Value>> {
    bank.account()?;
    app.gate.open_door(Act::RefundAccountChange, None, Some(&customer.customer_id))?;
    let claims = correctable(&app, &customer).await?;
    let yen = claims.iter().map(|claim| claim.yen).sum();
    let act = Act::RefundAccountChange;
    stepup::offer(&app, &customer, &intent(act, &bank, text, yen)?).await
}

/// How many claims go to the new account.
#[derive(Serialize)]
pub(super) struct Changed {
    claims: usize,
}

/// `POST /api/wallet/v1/refunds/account`: another account for what was not paid yet. It is told at
/// every address, since whoever changes it gets the money.
pub(super) async fn change_account(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request: bank, proof }): Json<Confirmed<Bank>>,
) -> Result<Answer<Changed>> {
    bank.account()?;
    let (registry, act) = (&app.stores.registry, Act::RefundAccountChange);
    let now = app.clock.now();
    let settled = moves::settled(registry, &customer, now).await?;
    let claims = correctable(&app, &customer).await;
    let opinion = settled.and(claims.as_ref().map(drop).map_err(|_| Code::RefundUnderWay));
    let intent = intent(act, &bank, text, 0)?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, opinion).await?;
    let claims = claims?;
    let review = claim::needs_review(registry, &customer.customer_id, now).await?;
    let mut tx = registry.begin().await?;
    for claim in &claims {
        // Two people agreed on the account that they saw.
        let looked_at = review || claim.is_of_closing();
        let state = if looked_at { Standing::Review } else { Standing::Waiting };
        claim::set_account(&app, &mut tx, claim, &bank, (state, "customer")).await?;
    }
    let notice = Notice::RefundAccountChanged { last_digits: bank.last_digits().to_owned() };
    tell(&app, &mut tx, &customer.customer_id, &notice).await?;
    tx.commit().await?;
    Ok(Answer(Changed { claims: claims.len() }))
}
