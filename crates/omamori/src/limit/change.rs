//! Lowering a limit, raising it, and calling a raise off.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::{Tx, sql};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::page::{RaiseView, Views, views};
use super::{Kind, Own, Raise, WAIT};
use crate::app::App;
use crate::db::changes::{self, Subject};
use crate::gate::Act;
use crate::identity::stepup::{self, Confirmed, Intent, Risen};
use crate::identity::{Customer, Network, account};
use crate::notify::{Notice, fill, tell};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::yen_text;
use crate::web::json::Json;
use crate::web::text::Text;

/// A lower limit.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Lower {
    limit: Kind,
    /// Yen, from 0.
    yen: i64,
}

/// A higher limit.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Higher {
    limit: Kind,
    /// Yen; null for the operator's.
    yen: Option<i64>,
}

/// A limit.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    limit: Kind,
}

fn check(app: &App, limit: Kind, yen: i64) -> Result<()> {
    if (0..=limit.operators(&app.config.limits)).contains(&yen) {
        Ok(())
    } else {
        Err(Error::field("yen", "out_of_range"))
    }
}

/// `POST /api/wallet/v1/limits/lower`: holds at once. A raise that waits is called off by it.
pub async fn lower(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    Json(asked): Json<Lower>,
) -> Result<Answer<Views>> {
    check(&app, asked.limit, asked.yen)?;
    let detail = json!({ "ip": network.address(), "limit": asked.limit, "yen": asked.yen });
    let _cleared = app.gate.decide(customer.asks(Act::LimitLower, &detail), Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let own = lock(&mut tx, &customer, asked.limit).await?;
    let now = app.clock.now();
    let operators = asked.limit.operators(&app.config.limits);
    let holds = own.now(now).unwrap_or(operators).min(operators);
    if asked.yen > holds {
        return Err(Code::LimitNotLower.into());
    }
    // The same again changes nothing and is not told twice.
    if asked.yen < holds {
        let set = Own { yen: Some(asked.yen).filter(|yen| *yen < operators), raise: None };
        let notice = Notice::LimitLowered { limit: asked.limit, yen: asked.yen };
        store(&app, tx, &customer, (asked.limit, set), &notice).await?;
    }
    Ok(Answer(views(&app, &customer)))
}

fn intent(asked: &Higher, operators: i64, text: Text) -> Result<Intent> {
    let name = text.t(asked.limit.text_key()).to_owned();
    let values = [("limit", name), ("yen", yen_text(asked.yen.unwrap_or(operators)))];
    Intent::new(Act::LimitRaise, asked, fill(text.t("stepup.limit_raise"), &values))
}

/// `POST /api/wallet/v1/limits/raise/options`
pub async fn raise_options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
    Json(asked): Json<Higher>,
) -> Result<Answer<Value>> {
    let operators = asked.limit.operators(&app.config.limits);
    check(&app, asked.limit, asked.yen.unwrap_or_default())?;
    stepup::offer(&app, &customer, &intent(&asked, operators, text)?).await
}

/// `POST /api/wallet/v1/limits/raise`: holds 24 hours later.
pub async fn raise(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request: asked, proof }): Json<Confirmed<Higher>>,
) -> Result<Risen<RaiseView>> {
    let operators = asked.limit.operators(&app.config.limits);
    check(&app, asked.limit, asked.yen.unwrap_or_default())?;
    let frozen = account::find(&app.stores.registry, &customer.customer_id).await?.frozen;
    let opinion = if frozen { Err(Code::AccountFrozen) } else { Ok(()) };
    let intent = intent(&asked, operators, text)?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, opinion).await?;
    let mut tx = app.stores.registry.begin().await?;
    let own = lock(&mut tx, &customer, asked.limit).await?;
    let now = app.clock.now();
    let holds = own.now(now).unwrap_or(operators).min(operators);
    let to = asked.yen.filter(|yen| *yen < operators);
    if to.unwrap_or(operators) <= holds {
        return Err(Error::field("yen", "out_of_range"));
    }
    let at = now + WAIT;
    let set = Own { yen: Some(holds), raise: Some(Raise { to, at }) };
    let yen = to.unwrap_or(operators);
    let notice = Notice::LimitRaiseAsked { limit: asked.limit, yen, at };
    let risen = Risen::new(&app, &mut tx, &customer, RaiseView { yen, at }).await?;
    store(&app, tx, &customer, (asked.limit, set), &notice).await?;
    Ok(risen)
}

/// `POST /api/wallet/v1/limits/keep`: calls a raise off. No factor: it only protects.
pub async fn keep(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    Json(Which { limit }): Json<Which>,
) -> Result<Answer<Views>> {
    let detail = json!({ "ip": network.address(), "limit": limit });
    let _cleared = app.gate.decide(customer.asks(Act::LimitKeep, &detail), Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let own = lock(&mut tx, &customer, limit).await?;
    if own.waiting(app.clock.now()).is_some() {
        let set = Own { raise: None, ..own };
        store(&app, tx, &customer, (limit, set), &Notice::LimitKept { limit }).await?;
    }
    Ok(Answer(views(&app, &customer)))
}

/// Makes changes of one customer's limits come one after the other, and reads what holds.
async fn lock(tx: &mut Tx, customer: &Customer, limit: Kind) -> Result<Own> {
    let update = sql("UPDATE customer SET status = status WHERE customer_id = $1");
    tx.execute(update.bind(&customer.customer_id)).await?;
    let query = sql("SELECT yen, raise_to, raise_at FROM own_limit
         WHERE customer_id = $1 AND kind = $2");
    let row = tx.optional(query.bind(&customer.customer_id).bind(limit.as_str())).await?;
    Ok(row.as_ref().map(Own::read).transpose()?.unwrap_or_default())
}

/// Writes, tells the customer, and makes all nodes read it: this one before it answers.
async fn store(
    app: &App,
    mut tx: Tx,
    customer: &Customer,
    (limit, own): (Kind, Own),
    notice: &Notice,
) -> Result<()> {
    let registry = &app.stores.registry;
    let put = sql("INSERT INTO own_limit (customer_id, kind, yen, raise_to, raise_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (customer_id, kind) DO UPDATE SET yen = excluded.yen,
             raise_to = excluded.raise_to, raise_at = excluded.raise_at,
             changed_at = excluded.changed_at");
    let put = put
        .bind(&customer.customer_id)
        .bind(limit.as_str())
        .bind(own.yen)
        .bind(own.raise.and_then(|raise| raise.to))
        .bind(own.raise.map(|raise| raise.at))
        .bind(app.clock.now());
    tx.execute(put).await?;
    tell(app, &mut tx, &customer.customer_id, notice).await?;
    changes::note(app, &mut tx, Subject::OwnLimits(customer.wallet_account)).await?;
    tx.commit().await?;
    Ok(app.gate.own().reload(registry, customer.wallet_account).await?)
}
