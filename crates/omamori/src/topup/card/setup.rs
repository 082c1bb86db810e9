//! What became of a registration: asked by the page that its holder comes back to, by the
//! gateway's message, and by the worker for who never came back.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use hmac::Mac;
use omamori_db::{Db, Query, Row, Tx, sql};
use serde::Serialize;
use serde_json::json;

use super::due::Due;
use super::gateway::{CardDetails, Reason, SetupState};
use super::look::Nothing;
use super::register::{CARDS_MAX, count_cards, lock};
use super::{CLAIM, LOOK_EVERY, cards};
use crate::app::App;
use crate::case::{self, CaseKind, NewCase, Opener};
use crate::clock::{DAY, HOUR, Micros};
use crate::gate::{Act, Question};
use crate::id::{Kind, derive};
use crate::identity::{Customer, account};
use crate::notify::{Notice, tell};
use crate::risk::Facts;
use crate::secret::hmac_sha256;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

/// How long a registration may take.
const LIFE: Micros = HOUR;
/// Accounts that one card may be registered on within 30 days. A family may share one; a thief who
/// spreads one over many accounts may not.
const ACCOUNTS_MAX: i64 = 2;
/// A registration.
pub struct Setup {
    /// `cds_…`.
    pub setup_id: String,
    /// `cus_…`.
    pub customer_id: String,
    /// `asked`, `opened`, `done` or `refused`.
    pub state: String,
    /// Why it was refused.
    pub reason: Option<String>,
    /// The card that it led to.
    pub card_id: Option<String>,
    reference: Option<String>,
    holder: Option<String>,
    attempts: i64,
    created_at: Micros,
}

/// The columns of a [`Setup`].
macro_rules! setup_columns {
    () => {
        "setup_id, customer_id, state, reference, holder, reason, card_id, attempts, created_at"
    };
}

fn read(row: &Row) -> omamori_db::Result<Setup> {
    Ok(Setup {
        setup_id: row.text("setup_id")?,
        customer_id: row.text("customer_id")?,
        state: row.text("state")?,
        reason: row.text_optional("reason")?,
        card_id: row.text_optional("card_id")?,
        reference: row.text_optional("reference")?,
        holder: row.text_optional("holder")?,
        attempts: row.int("attempts")?,
        created_at: row.int("created_at")?,
    })
}

/// The registration with this id.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find(registry: &Db, setup_id: &str) -> Result<Option<Setup>> {
    let query = sql(concat!("SELECT ", setup_columns!(), " FROM card_setup WHERE setup_id = $1"));
    Ok(registry.optional(query.bind(setup_id)).await?.as_ref().map(read).transpose()?)
}

/// The customer's own.
///
/// # Errors
/// [`Code::NotFound`]; a fault if the registry fails.
pub async fn own(app: &App, customer: &Customer, setup_id: &str) -> Result<Setup> {
    let found = find(&app.stores.registry, setup_id).await?;
    let mine = found.filter(|setup| setup.customer_id == customer.customer_id);
    Ok(mine.ok_or(Code::NotFound)?)
}

/// What became of a registration.
#[derive(Serialize)]
pub struct SetupView {
    setup_id: String,
    /// `open`, `done` or `refused`.
    status: &'static str,
    reason: Option<String>,
    card_id: Option<String>,
    /// The gateway's page, if the card can be typed there still.
    url: Option<String>,
}

/// `POST /api/wallet/v1/cards/setups/{setup_id}/look`
pub async fn look(
    State(app): State<Arc<App>>,
    customer: Customer,
    Path(setup_id): Path<String>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Answer<SetupView>> {
    let setup = own(&app, &customer, &setup_id).await?;
    let now = app.clock.now();
    let update = sql("UPDATE card_setup SET looked_at = $1
         WHERE setup_id = $2 AND looked_at <= $3 AND done_at IS NULL");
    let update = update.bind(now).bind(&setup_id).bind(now - LOOK_EVERY);
    let mut url = None;
    if app.stores.registry.execute(update).await? == 1 {
        url = resolve(&app, &setup).await?;
    }
    let setup = own(&app, &customer, &setup_id).await?;
    Ok(Answer(SetupView {
        status: match setup.state.as_str() {
            "done" => "done",
            "refused" => "refused",
            _ => "open",
        },
        setup_id,
        reason: setup.reason,
        card_id: setup.card_id,
        url,
    }))
}

impl Due for Setup {
    const DUE: &'static str = concat!(
        "SELECT ",
        setup_columns!(),
        " FROM card_setup WHERE next_at IS NOT NULL AND next_at <= $1 ORDER BY next_at LIMIT $2"
    );
    const CLAIMED: &'static str = "UPDATE card_setup SET attempts = attempts + 1, next_at = $1
         WHERE setup_id = $2 AND attempts = $3 AND next_at IS NOT NULL";

    fn read(row: &Row) -> omamori_db::Result<Self> {
        read(row)
    }

    fn id(&self) -> &str {
        &self.setup_id
    }

    fn attempts(&self) -> i64 {
        self.attempts
    }

    async fn go_on(&self, app: &App) -> Result<()> {
        resolve(app, self).await.map(drop)
    }
}

/// Asks the gateway, and ends the registration if it has ended there. Gives the page on which it
/// can go on.
///
/// # Errors
/// A fault if a store fails.
pub async fn resolve(app: &App, setup: &Setup) -> Result<Option<String>> {
    let too_old = setup.created_at + LIFE <= app.clock.now();
    let Some(reference) = &setup.reference else {
        if setup.created_at + CLAIM <= app.clock.now() {
            refuse(app, setup, Reason::Unreachable).await?;
        }
        return Ok(None);
    };
    if setup.state != "opened" {
        return Ok(None);
    }
    match app.topups.gateway()?.find_setup(reference).await {
        Ok(SetupState::Done { card, authenticated: true }) => add(app, setup, &card).await?,
        Ok(SetupState::Done { card, authenticated: false }) => {
            refuse_card(app, setup, &card, Reason::AuthenticationFailed).await?;
        }
        Ok(SetupState::Expired) => refuse(app, setup, Reason::Declined).await?,
        Ok(SetupState::Open { .. }) if too_old => refuse(app, setup, Reason::Abandoned).await?,
        Ok(SetupState::Open { url }) => return Ok(url),
        Err(error) => {
            let setup_id = &setup.setup_id;
            tracing::warn!(setup_id, %error, "the card gateway did not answer");
        }
    }
    Ok(None)
}

async fn refuse(app: &App, setup: &Setup, reason: Reason) -> Result<()> {
    let update = sql("UPDATE card_setup
         SET state = 'refused', reason = $1, next_at = NULL, done_at = $2
         WHERE setup_id = $3 AND done_at IS NULL");
    let update = update.bind(reason.as_str()).bind(app.clock.now()).bind(&setup.setup_id);
    app.stores.registry.execute(update).await?;
    Ok(())
}

/// Counts a card that was tried and failed: who tries stolen numbers has many such. The gateway
/// may tell it twice; then it counts twice, for a day.
///
/// # Errors
/// A fault if a store fails.
pub async fn note_failure(app: &App, setup: &Setup) -> Result<()> {
    let detail = json!({ "setup": setup.setup_id });
    let facts = Facts { failed: true, ..Facts::NONE };
    let question = Question {
        customer: Some(&setup.customer_id),
        facts,
        ..Question::plain(Act::CardAdd, &detail)
    };
    match app.gate.decide(question, Err(Code::ProofFailed)).await {
        Err(Error::Refused(_)) | Ok(_) => Ok(()),
        Err(fault) => Err(fault),
    }
}

/// A card that the gateway has and we do not want.
async fn refuse_card(app: &App, setup: &Setup, card: &CardDetails, reason: Reason) -> Result<()> {
    if let Err(error) = app.topups.gateway()?.forget_card(&card.token).await {
        tracing::warn!(setup_id = setup.setup_id, %error, "the gateway did not forget a card");
        return Ok(()); // the registration stays open here, and is asked for again
    }
    refuse(app, setup, reason).await
}

/// The keyed hash under which a card number is known again, whoever registers it.
fn fingerprint(app: &App, gateway: &str, card: &CardDetails) -> [u8; 32] {
    let key = app.vault.derive("card fingerprints");
    let mut mac = hmac_sha256(key.as_slice());
    mac.update(gateway.as_bytes());
    mac.update(b"\0");
    mac.update(card.fingerprint.as_bytes());
    mac.finalize().into_bytes().into()
}

/// Puts the card on the account, if it may be there.
async fn add(app: &App, setup: &Setup, card: &CardDetails) -> Result<()> {
    let (registry, customer_id) = (&app.stores.registry, &setup.customer_id);
    let gateway = app.topups.gateway()?.name();
    let print = fingerprint(app, gateway, card);
    let now = app.clock.now();
    let mut others = registry.one(others(customer_id, print, now)).await?.int("n")?;
    loop {
        if let Err(reason) = judge(app, setup, print, others).await? {
            return refuse_card(app, setup, card, reason).await;
        }
        let mut tx = registry.begin().await?;
        lock(&mut tx, customer_id).await?;
        if count_cards(&mut tx, customer_id).await? >= CARDS_MAX {
            drop(tx);
            return refuse_card(app, setup, card, Reason::GatewayRefused).await;
        }
        let by_now = others_in_turn(&mut tx, customer_id, print, now).await?;
        if by_now > others {
            // Other accounts came between: that is another question.
            drop(tx);
            others = by_now;
            continue;
        }
        if insert(app, &mut tx, setup, card, gateway, print).await? {
            let card = cards::label(&card.brand, &card.last4);
            tell(app, &mut tx, customer_id, &Notice::CardAdded { card }).await?;
        }
        return Ok(tx.commit().await?);
    }
}

/// Whether the card may be on the account, beside so many others. `Err` inside: it may not.
async fn judge(
    app: &App,
    setup: &Setup,
    print: [u8; 32],
    others: i64,
) -> Result<std::result::Result<(), Reason>> {
    let customer_id = &setup.customer_id;
    let frozen = account::find(&app.stores.registry, customer_id).await?.frozen;
    let opinion = match (frozen, others >= ACCOUNTS_MAX) {
        (true, _) => Err(Code::AccountFrozen),
        (_, true) => Err(Code::Forbidden),
        _ => Ok(()),
    };
    let detail = json!({ "setup": setup.setup_id, "accounts": others });
    let print = cards::hex(&print);
    // Its registration was confirmed when it began; the bank's page brought it here.
    let facts = Facts { card: Some(&print), confirmed: true, ..Facts::NONE };
    let question =
        Question { customer: Some(customer_id), facts, ..Question::plain(Act::CardAdd, &detail) };
    let cleared = app.gate.decide(question, opinion).await;
    if others > 0 {
        flag(app, customer_id, &setup.setup_id).await?;
    }
    match cleared {
        Ok(_cleared) => Ok(Ok(())),
        Err(Error::Refused(_)) if frozen => Ok(Err(Reason::AccountFrozen)),
        Err(Error::Refused(_)) => Ok(Err(Reason::GatewayRefused)),
        Err(fault) => Err(fault),
    }
}

/// Writes the card; false if it was written meanwhile.
async fn insert(
    app: &App,
    tx: &mut Tx,
    setup: &Setup,
    card: &CardDetails,
    gateway: &str,
    fingerprint: [u8; 32],
) -> Result<bool> {
    let now = app.clock.now();
    let card_id = Kind::Card.text(derive("card", &[setup.setup_id.as_bytes()]));
    let done = sql("UPDATE card_setup SET state = 'done', next_at = NULL, done_at = $1
         WHERE setup_id = $2 AND done_at IS NULL");
    if tx.execute(done.bind(now).bind(&setup.setup_id)).await? != 1 {
        return Ok(false);
    }
    let insert =
        sql("INSERT INTO card (card_id, customer_id, state, gateway, holder, token, brand,
             last4, exp_month, exp_year, fingerprint, created_at)
         VALUES ($1, $2, 'active', $3, $4, $5, $6, $7, $8, $9, $10, $11)");
    let insert = insert
        .bind(&card_id)
        .bind(&setup.customer_id)
        .bind(gateway)
        .bind(setup.holder.as_deref().unwrap_or_default())
        .bind(&card.token)
        .bind(&card.brand)
        .bind(&card.last4)
        .bind(card.exp_month)
        .bind(card.exp_year)
        .bind(fingerprint)
        .bind(now);
    tx.execute(insert).await?;
    let name = sql("UPDATE card_setup SET card_id = $1 WHERE setup_id = $2");
    tx.execute(name.bind(&card_id).bind(&setup.setup_id)).await?;
    Ok(true)
}

/// How many other accounts the card was registered on within 30 days.
fn others(customer_id: &str, fingerprint: [u8; 32], now: Micros) -> Query {
    let count = sql("SELECT CAST(COUNT(DISTINCT customer_id) AS BIGINT) AS n FROM card
         WHERE fingerprint = $1 AND customer_id <> $2 AND created_at > $3");
    count.bind(fingerprint).bind(customer_id).bind(now - 30 * DAY)
}

/// The same, where no other account can get the card before the transaction ends: all who write
/// one take its row first.
async fn others_in_turn(
    tx: &mut Tx,
    customer_id: &str,
    fingerprint: [u8; 32],
    now: Micros,
) -> Result<i64> {
    let take = sql("INSERT INTO card_print (fingerprint, registered_at) VALUES ($1, $2)
         ON CONFLICT (fingerprint) DO UPDATE SET registered_at = excluded.registered_at");
    tx.execute(take.bind(fingerprint).bind(now)).await?;
    Ok(tx.one(others(customer_id, fingerprint, now)).await?.int("n")?)
}

async fn flag(app: &App, customer_id: &str, setup_id: &str) -> Result<()> {
    let review_id = Kind::TopupReview.text(derive("card-shared", &[setup_id.as_bytes()]));
    let insert = sql("INSERT INTO topup_review (review_id, customer_id, kind, subject, created_at)
         VALUES ($1, $2, 'card_shared', $3, $4) ON CONFLICT (review_id) DO NOTHING");
    let insert = insert.bind(review_id).bind(customer_id).bind(setup_id);
    let mut tx = app.stores.registry.begin().await?;
    tx.execute(insert.bind(app.clock.now())).await?;
    let new = NewCase {
        kind: CaseKind::SharedCard,
        key: setup_id,
        customer_id: Some(customer_id),
        store_id: None,
        subjects: &[setup_id.to_owned()],
        amount: None,
        decision_id: None,
        opener: Opener::Machine("card_shared"),
        evidence: &serde_json::json!({}),
    };
    case::open(app, &mut tx, &new).await?;
    Ok(tx.commit().await?)
}
