//! Starting what was ordered: once more whether it is needed and allowed, then the conversation of
//! every top-up by card.

use std::sync::Arc;

use omamori_db::sql;
use serde_json::json;
use tokio::task::JoinSet;

use super::setting::{self, Setting, State as Set};
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::gate::{Act, Clearance, Question, Use};
use crate::id::{Kind, derive};
use crate::identity::account::Account;
use crate::identity::{account, rested};
use crate::notify::{Notice, tell};
use crate::topup::card::conversation::{self, Origin, State, Topup};
use crate::topup::card::{CLAIM, begin, cards, due};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// A customer whose limits leave no room is told so once in this time.
const HELD_AGAIN: Micros = DAY;

/// A top-up to be started.
struct Order {
    customer_id: String,
    trigger: [u8; 16],
    next_at: Micros,
}

impl Order {
    fn topup_id(&self) -> String {
        Kind::Topup.text(derive("auto-topup", &[&self.trigger]))
    }
}

/// Takes up the orders that are due, once. Gives how many were taken up by this node.
///
/// # Errors
/// A fault if a store fails; the order stays.
pub async fn start_due(app: &Arc<App>) -> Result<usize> {
    let registry = &app.stores.registry;
    let query = sql("SELECT customer_id, trigger_id, next_at FROM auto_order
         WHERE next_at <= $1 ORDER BY next_at LIMIT $2");
    let mut tasks = JoinSet::new();
    for row in registry.all(query.bind(app.clock.now()).bind(due::BATCH)).await? {
        let order = Order {
            customer_id: row.text("customer_id")?,
            trigger: row.array("trigger_id")?,
            next_at: row.int("next_at")?,
        };
        let app = app.clone();
        tasks.spawn(async move { take_up(&app, &order).await });
    }
    Ok(due::all(tasks).await)
}

/// Claims an order and carries it out; false if another node was faster. Who dies in between
/// leaves the claim to run out, and the same top-up is started again.
async fn take_up(app: &App, order: &Order) -> Result<bool> {
    let registry = &app.stores.registry;
    let claim = sql("UPDATE auto_order SET next_at = $1
         WHERE customer_id = $2 AND trigger_id = $3 AND next_at = $4");
    let claim = claim.bind(app.clock.now() + CLAIM).bind(&order.customer_id).bind(order.trigger);
    if registry.execute(claim.bind(order.next_at)).await? != 1 {
        return Ok(false);
    }
    match start(app, order).await {
        Ok(()) | Err(Error::Refused(_)) => {}
        Err(fault) => return Err(fault),
    }
    let done = sql("DELETE FROM auto_order WHERE customer_id = $1 AND trigger_id = $2");
    registry.execute(done.bind(&order.customer_id).bind(order.trigger)).await?;
    Ok(true)
}

async fn start(app: &App, order: &Order) -> Result<()> {
    let (registry, id) = (&app.stores.registry, &order.customer_id);
    let topup_id = order.topup_id();
    let Some(set) = setting::find(registry, id).await? else { return Ok(()) };
    if set.state != Set::On || under_way(app, order, &topup_id).await? {
        return Ok(());
    }
    let account = account::find(registry, id).await?;
    app.gate.catch_up().await?;
    if app.gate.soon(account.wallet_account) >= set.terms.threshold {
        return Ok(()); // it was topped up meanwhile, on whatever way
    }
    let card = match cards::find(registry, id, &set.terms.card_id).await {
        Ok(card) => card,
        Err(Error::Fault(fault)) => return Err(Error::Fault(fault)),
        Err(_) => {
            let mut tx = registry.begin().await?;
            setting::turn_off(app, &mut tx, id).await?;
            return Ok(tx.commit().await?);
        }
    };
    let clearance = match clear(app, &account, &set, &topup_id).await {
        Ok(clearance) => clearance,
        Err(Error::Refused(code)) => return held(app, id, &set, code).await,
        Err(error) => return Err(error),
    };
    let topup = Topup {
        topup_id,
        customer_id: id.clone(),
        card_id: set.terms.card_id.clone(),
        origin: Origin::Auto,
        amount: set.terms.amount,
        state: State::Asked,
        attempts: 0,
        created_at: app.clock.now(),
    };
    begin::begin(app, clearance, topup, &card, account.wallet_account).await.map(drop)
}

/// Whether this one was started before, or another one of the customer's is under way.
async fn under_way(app: &App, order: &Order, topup_id: &str) -> Result<bool> {
    if conversation::find(&app.stores.registry, topup_id).await?.is_some() {
        return Ok(true);
    }
    let query = sql("SELECT topup_id FROM card_topup
         WHERE customer_id = $1 AND kind = 'auto' AND done_at IS NULL LIMIT 1");
    Ok(app.stores.registry.optional(query.bind(&order.customer_id)).await?.is_some())
}

async fn clear(app: &App, account: &Account, set: &Setting, topup_id: &str) -> Result<Clearance> {
    let (terms, limits) = (&set.terms, &app.config.limits);
    let opinion = if account.frozen {
        Err(Code::AccountFrozen)
    } else if terms.amount > limits.topup_card_max {
        Err(Code::LimitTopupAmount)
    } else {
        rested(&app.stores.registry, &account.customer_id, app.clock.now()).await?
    };
    let detail = json!({ "topup": topup_id, "card": terms.card_id, "threshold": terms.threshold });
    let of = Use::TopupAuto { month_max: terms.month_max };
    let question = Question {
        customer: Some(&account.customer_id),
        amount: Some(terms.amount),
        admission: Some(app.gate.admission(of, account.wallet_account, terms.amount)),
        ..Question::plain(Act::TopupAuto, &detail)
    };
    app.gate.decide(question, opinion).await
}

/// Nothing is started. If a limit is why, its customer is told, now and then.
async fn held(app: &App, customer_id: &str, set: &Setting, code: Code) -> Result<()> {
    let now = app.clock.now();
    let by_limit = matches!(
        code,
        Code::LimitTopupAuto
            | Code::LimitTopupCard24h
            | Code::LimitTopupCard30d
            | Code::LimitTopup24h
            | Code::LimitTopupAmount
            | Code::LimitOwn
            | Code::LimitBalance
    );
    if !by_limit || set.held_at.is_some_and(|at| at + HELD_AGAIN > now) {
        return Ok(());
    }
    let mut tx = app.stores.registry.begin().await?;
    let update = sql("UPDATE auto_topup SET held_at = $1 WHERE customer_id = $2 AND state = 'on'");
    if tx.execute(update.bind(now).bind(customer_id)).await? == 1 {
        tell(app, &mut tx, customer_id, &Notice::AutoTopupHeld {}).await?;
    }
    Ok(tx.commit().await?)
}
