//! Telling of money: a follower of the journal puts a message into the outbox for each top-up,
//! payment, refund and cancel, for those who take push or chose e-mail.
//!
//! In the app the history tells of it; so for a customer without push and without the choice
//! nothing is written here. For the others it is one row for each way and transfer, in batches, in
//! the transaction that moves the follower's position: none is lost, and none is told twice
//! however often the process dies or how many nodes run. The row's id is derived from the transfer,
//! so that not even a position that was lost tells twice. Payments never wait for any of it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use omamori_db::{Db, Row, Tx, sql, sql_built};
use omamori_ledger::{Entry as JournalEntry, Fact, Follower, Transfer};
use serde::Deserialize;
use serde_json::json;

use super::delivery::{Parcel, queue_money};
use super::notice::{fill, shown, stamp};
use super::push;
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::gate::Act;
use crate::gate::reservation::{is_reservation, void_id};
use crate::id::{Kind, derive};
use crate::identity::{Customer, Network};
use crate::wallet::entry::{self, Entry, EntryKind};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::yen_text;
use crate::web::json::Json;
use crate::web::text::{Lang, Text};

/// What is older is no news: after a first start on a full journal, or a long stop.
const NEWS: Micros = DAY;
/// How long it waits for more before it writes: a push a quarter of a second later is as good, and
/// the registry gets four transactions a second at most.
const LINGER: Duration = Duration::from_millis(250);
/// Accounts looked up by one statement.
const ACCOUNTS_PER_STATEMENT: usize = 256;

/// Starts the follower. It ends with the ledger.
///
/// # Errors
/// [`omamori_db::Error`] if its position cannot be read.
pub async fn start(app: &Arc<App>) -> omamori_db::Result<()> {
    let follower = MoneyNotices { app: Arc::downgrade(app) };
    app.gate.reader().follow(app.stores.registry.clone(), follower).await?;
    Ok(())
}

struct MoneyNotices {
    app: Weak<App>,
}

/// What is told: a transfer, or that what it set aside is over.
struct News {
    transfer: Transfer,
    expired: bool,
}

/// A customer who wants to be told on some way.
struct Listener {
    customer_id: String,
    language: Lang,
    email: Option<String>,
}

impl Follower for MoneyNotices {
    fn name(&self) -> &'static str {
        "money_notices"
    }

    async fn apply(
        &mut self,
        tx: &mut Tx,
        entries: &[Arc<JournalEntry>],
    ) -> omamori_db::Result<()> {
        // Without the service the ledger is about to end too: nothing is told, and not forgotten.
        let app = self.app.upgrade().ok_or(omamori_db::Error::RowNotFound)?;
        let since = app.clock.now() - NEWS;
        let is_news = |transfer: &Transfer| {
            let is_shown = !transfer.is_pending() || is_reservation(transfer);
            is_shown && crate::pos::micros(transfer) > since
        };
        let since_nanos = u64::try_from(since).unwrap_or_default() * 1_000;
        let mut news = Vec::new();
        for fact in entries.iter().flat_map(|entry| &entry.facts) {
            match fact {
                Fact::TransferCreated(transfer) if is_news(transfer) => {
                    news.push(News { transfer: *transfer, expired: false });
                }
                Fact::PendingTransferExpired { pending_id, timestamp }
                    if *timestamp > since_nanos =>
                {
                    let pending = app.gate.transfer(*pending_id).await.map_err(stored)?;
                    let pending = pending.map(|pending| pending.transfer).filter(is_reservation);
                    news.extend(pending.map(|transfer| News { transfer, expired: true }));
                }
                _ => {}
            }
        }
        let listeners = listeners(tx, &news).await?;
        for news in &news {
            for account in [news.transfer.debit_account_id, news.transfer.credit_account_id] {
                if let Some(listener) = listeners.get(&account) {
                    tell(&app, tx, listener, account, news).await.map_err(stored)?;
                }
            }
        }
        Ok(())
    }

    fn linger(&self) -> Duration {
        LINGER
    }
}

/// The follower knows the store's errors alone; what went wrong is said here.
fn stored(error: Error) -> omamori_db::Error {
    match error {
        Error::Fault(fault) => tracing::warn!(%fault, "a payment is not told yet"),
        other => tracing::warn!(code = other.code().as_str(), "a payment is not told yet"),
    }
    omamori_db::Error::Corrupt { column: "what a payment's message is made of".to_owned() }
}

/// Who of those whose money moved wants to be told, by account.
async fn listeners(tx: &mut Tx, news: &[News]) -> omamori_db::Result<HashMap<u128, Listener>> {
    let both = news
        .iter()
        .flat_map(|news| [news.transfer.debit_account_id, news.transfer.credit_account_id]);
    let accounts: Vec<u128> = both.collect::<HashSet<_>>().into_iter().collect();
    let mut found = HashMap::new();
    for accounts in accounts.chunks(ACCOUNTS_PER_STATEMENT) {
        let places: Vec<_> = (1..=accounts.len()).map(|place| format!("${place}")).collect();
        let mut query = sql_built(format!(
            "SELECT c.wallet_account, c.customer_id, c.language, e.value AS email
             FROM customer c
             LEFT JOIN money_mail m ON m.customer_id = c.customer_id
             LEFT JOIN contact e ON e.customer_id = m.customer_id AND e.kind = 'email'
                  AND e.replaced_at IS NULL
             WHERE c.wallet_account IN ({}) AND c.status <> 'closed'
               AND (e.value IS NOT NULL OR EXISTS (SELECT p.subscription_id
                    FROM push_subscription p WHERE p.customer_id = c.customer_id))",
            places.join(", ")
        ));
        for account in accounts {
            query.push(account.to_be_bytes());
        }
        for row in tx.all(query).await? {
            found.insert(u128::from_be_bytes(row.array("wallet_account")?), listener(&row)?);
        }
    }
    Ok(found)
}

fn listener(row: &Row) -> omamori_db::Result<Listener> {
    Ok(Listener {
        customer_id: row.text("customer_id")?,
        language: Lang::parse(&row.text("language")?).unwrap_or_default(),
        email: row.text_optional("email")?,
    })
}

async fn tell(
    app: &App,
    tx: &mut Tx,
    listener: &Listener,
    account: u128,
    News { transfer, expired }: &News,
) -> Result<()> {
    let entry = if *expired {
        let at = app.clock.now();
        Some(Entry { at, ..entry::reserved(app, transfer, true).await? })
    } else {
        entry::news(app, account, transfer).await?
    };
    let Some(entry) = entry else { return Ok(()) };
    let text = Text::new(listener.language);
    let Some((title, body)) = words(text, &entry) else { return Ok(()) };
    let mut parcels = Vec::new();
    let outbox = app.identity.outbox();
    if outbox.offers_push() {
        let phones = push::subscribed(tx, &listener.customer_id, app.clock.now()).await?;
        parcels.extend(phones.into_iter().map(|subscription_id| Parcel::Push {
            subscription_id,
            title: title.clone(),
            body: body.clone(),
            path: "/history".to_owned(),
        }));
    }
    if let Some(to) = listener.email.clone().filter(|_| outbox.offers_email()) {
        let issuer = &app.config.issuer_name;
        let when = fill(text.t("notice.when"), &[("at", stamp(entry.at))]);
        let no_links = fill(text.t("notice.no_links"), &[("issuer", issuer.clone())]);
        let advice = text.t("notice.advice");
        parcels.push(Parcel::Email {
            to,
            subject: format!("【{issuer}】{title}"),
            text: format!("{body}\n\n{when}\n\n{advice}\n\n--\n{issuer}\n{no_links}\n"),
        });
    }
    for parcel in parcels {
        let to = match &parcel {
            Parcel::Push { subscription_id: to, .. }
            | Parcel::Email { to, .. }
            | Parcel::Sms { to, .. } => to,
        };
        // What expired was told of when it was made, under its own id.
        let about = if *expired { void_id(transfer.id) } else { transfer.id };
        let parts = [&about.to_be_bytes()[..], &account.to_be_bytes()[..], to.as_bytes()];
        let delivery_id = Kind::Delivery.text(derive("money notice", &parts));
        queue_money(app, tx, &delivery_id, &listener.customer_id, &parcel).await?;
    }
    Ok(())
}

/// As people who pay by phone know it: where, how much, what. None for what cards and
/// sending tell of in notices of their own, and for points, which the customer turns into balance.
fn words(text: Text, entry: &Entry) -> Option<(String, String)> {
    let (title, body) = match entry.kind {
        EntryKind::Payment => ("money.payment", "money.payment_text"),
        EntryKind::Refund => ("money.refund", "money.refund_text"),
        EntryKind::Cancel => ("money.cancel", "money.cancel_text"),
        EntryKind::CompensationBack => ("money.made_good", "money.made_good_text"),
        EntryKind::Topup | EntryKind::TopupAtm => ("money.topup", "money.topup_text"),
        EntryKind::TopupCancel => ("money.topup_cancel", "money.topup_cancel_text"),
        EntryKind::Authorization => ("money.reserved", "money.reserved_text"),
        EntryKind::AuthorizationEnded => ("money.reserved_back", "money.reserved_back_text"),
        EntryKind::PaymentHeld => ("money.held", "money.held_text"),
        EntryKind::PaymentHeldEnded => ("money.held_back", "money.held_back_text"),
        EntryKind::Points
        | EntryKind::Gift
        | EntryKind::TopupCard
        | EntryKind::TopupAuto
        | EntryKind::Chargeback
        | EntryKind::Compensation
        | EntryKind::Reversal
        | EntryKind::RefundClaim
        | EntryKind::RefundClaimBack
        | EntryKind::Excluded
        | EntryKind::SendWaiting
        | EntryKind::Send
        | EntryKind::SendReturned
        | EntryKind::Receive => return None,
    };
    let store = match shown(&entry.store_name) {
        store if store.is_empty() => text.t("money.unknown_store").to_owned(),
        store => store,
    };
    let yen = yen_text(entry.amount.abs());
    let until = entry.until.map(stamp).unwrap_or_default();
    let values = [("store", store), ("yen", yen), ("until", until)];
    Some((text.t(title).to_owned(), fill(text.t(body), &values)))
}

/// Whether a customer chose to be told by e-mail too.
///
/// # Errors
/// A fault if the registry fails.
pub async fn by_mail(registry: &Db, customer_id: &str) -> Result<bool> {
    let query = sql("SELECT chosen_at FROM money_mail WHERE customer_id = $1");
    Ok(registry.optional(query.bind(customer_id)).await?.is_some())
}

/// The request of [`choose`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Choice {
    on: bool,
}

/// `POST /api/wallet/v1/notices/money-mail`: payments by e-mail too, or not. What is about the
/// account's security has no such choice.
pub(super) async fn choose(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    Json(choice): Json<Choice>,
) -> Result<StatusCode> {
    if !app.identity.outbox().offers_email() {
        return Err(Code::NotFound.into());
    }
    let detail = json!({ "ip": network.address(), "on": choice.on });
    let _cleared = app.gate.decide(customer.asks(Act::MoneyMailChoose, &detail), Ok(())).await?;
    let registry = &app.stores.registry;
    if choice.on {
        let insert = sql("INSERT INTO money_mail (customer_id, chosen_at) VALUES ($1, $2)
             ON CONFLICT (customer_id) DO NOTHING");
        registry.execute(insert.bind(&customer.customer_id).bind(app.clock.now())).await?;
    } else {
        let delete = sql("DELETE FROM money_mail WHERE customer_id = $1");
        registry.execute(delete.bind(&customer.customer_id)).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
