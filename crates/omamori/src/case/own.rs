//! What a customer sees of their own cases, and adds to them.

use omamori_db::{Db, sql};
use serde_json::json;

use super::notes::{self, NoteKind, checked};
use super::row::{Case, find_in};
use super::state::State;
use crate::app::App;
use crate::gate::Act;
use crate::identity::Customer;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Words of one customer in one case.
const REPLIES_MAX: i64 = 20;

/// A case of this customer that the customer may see. Another's is not there.
///
/// # Errors
/// [`Code::NotFound`]; a fault if the registry fails.
pub async fn find(registry: &Db, customer_id: &str, case_id: &str) -> Result<Case> {
    let case = super::find(registry, case_id).await?;
    let is_own = |case: &Case| {
        case.customer_id.as_deref() == Some(customer_id) && case.kind.is_shown_to_customer()
    };
    Ok(case.filter(is_own).ok_or(Code::NotFound)?)
}

/// Adds the customer's words. If staff had asked, the case goes back to who asked, and the clock
/// goes on where it stood.
///
/// # Errors
/// [`Code::NotFound`], [`Code::CaseClosed`], [`Code::TooManyRequests`], a wrong text; a fault.
pub async fn reply(app: &App, customer: &Customer, case_id: &str, body: &str) -> Result<()> {
    let body = checked("text", body)?;
    let customer_id = customer.customer_id.as_str();
    find(&app.stores.registry, customer_id, case_id).await?;
    let about = json!({ "case": case_id });
    let _recorded = app.gate.decide(customer.asks(Act::CaseReply, &about), Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let case = find_in(&mut tx, case_id).await?.ok_or(Code::NotFound)?;
    if case.state.is_decided() {
        return Err(Code::CaseClosed.into());
    }
    let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS replies FROM case_note
         WHERE case_id = $1 AND kind = 'reply'");
    if tx.one(count.bind(case_id)).await?.int("replies")? >= REPLIES_MAX {
        return Err(Error::RetryAfter(Code::TooManyRequests, 86_400));
    }
    notes::add(app, &mut tx, case_id, (NoteKind::Reply, customer_id), body).await?;
    if let State::Waiting { by, at } = &case.state {
        let now = app.clock.now();
        let update =
            sql("UPDATE case_file SET state = 'taken', state_at = $1, due_at = due_at + $2
             WHERE case_id = $3 AND state = 'waiting' AND state_by = $4 AND state_at = $5");
        let update = update.bind(now).bind(now - at).bind(case_id).bind(by).bind(*at);
        tx.execute(update).await?;
    }
    Ok(tx.commit().await?)
}
