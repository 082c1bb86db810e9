//! What happened to an account, newest first: decisions with their evidence, money, notices, and
//! what staff did.

use std::cmp::Reverse;

use serde_json::Value;

use crate::app::App;
use crate::audit::list::about;
use crate::clock::Micros;
use crate::id::Kind;
use crate::identity::account::Account;
use crate::notify::newest_notices;
use crate::wallet::history;
use crate::web::error::Result;
use crate::web::filters::yen_text;
use crate::web::text::Text;

/// Lines of one page.
const SHOWN: usize = 120;
const MONEY: usize = 60;
const STAFF_ACTS: i64 = 60;

/// One line.
pub(in crate::console) struct Item {
    pub at: Micros,
    /// `decision`, `refused`, `money`, `notice` or `staff`.
    pub kind: &'static str,
    pub title: String,
    pub detail: String,
    pub href: Option<String>,
    /// The record behind it, as it was written.
    pub evidence: Option<String>,
}

/// The lines, and where older decisions begin.
pub(in crate::console) struct Timeline {
    pub items: Vec<Item>,
    pub older_than: Option<Micros>,
}

/// `sees_evidence`: records hold addresses of the network and ids of phones; who only looks at the
/// console does not see them.
pub(in crate::console) async fn timeline(
    app: &App,
    account: &Account,
    before: Option<Micros>,
    sees_evidence: bool,
    text: Text,
) -> Result<Timeline> {
    let before = before.unwrap_or(i64::MAX);
    let found = app.gate.evidence_of(&account.customer_id, before).await?;
    let mut items: Vec<Item> = found
        .records
        .into_iter()
        // What staff did is told by the audit log; only what they were refused stands here alone.
        .filter(|(_, record)| {
            !(record["detail"]["actor"].is_string() && record["verdict"] == "allow")
        })
        .map(|(decision, record)| {
            let id = Kind::Decision.text(decision.to_u128());
            decided(&id, &record, sees_evidence, text)
        })
        .collect();
    items.extend(money(app, account, text).await?);
    items.extend(notices(app, account, text).await?);
    items.extend(staff_acts(app, account, text).await?);
    items.retain(|item| item.at < before && found.older_than.is_none_or(|since| item.at >= since));
    items.sort_by_key(|item| Reverse(item.at));
    let cut = items.get(SHOWN).map(|item| item.at + 1);
    items.truncate(SHOWN);
    Ok(Timeline { items, older_than: cut.or(found.older_than) })
}

fn decided(id: &str, record: &Value, sees_evidence: bool, text: Text) -> Item {
    let refused = record["verdict"] != "allow";
    let act = record["act"].as_str().unwrap_or_default();
    let amount = record["amount"].as_i64().map(yen_text);
    let reason = record["reason"].as_str().map(|reason| text.named("reason.", reason));
    let parts = [amount, reason, sees_evidence.then(|| address(record)).flatten()];
    Item {
        at: record["at"].as_i64().unwrap_or_default(),
        kind: if refused { "refused" } else { "decision" },
        title: text.named("act.", act),
        detail: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        href: None,
        evidence: sees_evidence.then(|| format!("{id}\n{record:#}")),
    }
}

/// Where it came from, if the feature wrote it down.
fn address(record: &Value) -> Option<String> {
    record["detail"]["ip"].as_str().map(str::to_owned)
}

async fn money(app: &App, account: &Account, text: Text) -> Result<Vec<Item>> {
    let entries = history(app, account.wallet_account, None, MONEY).await?.entries;
    let item = |entry: crate::wallet::Entry| Item {
        at: entry.at,
        kind: "money",
        title: format!("{} {}", text.named("entry.", entry.kind.as_str()), yen_text(entry.amount)),
        detail: entry.store_name,
        href: entry.payment_id.map(|id| format!("/console/payments/{id}")),
        evidence: None,
    };
    Ok(entries.into_iter().map(item).collect())
}

async fn notices(app: &App, account: &Account, text: Text) -> Result<Vec<Item>> {
    let notices = newest_notices(&app.stores.registry, &account.customer_id, text).await?;
    let item = |notice: crate::notify::ShownNotice| Item {
        at: notice.at,
        kind: "notice",
        title: notice.title,
        detail: notice.body,
        href: None,
        evidence: None,
    };
    Ok(notices.into_iter().map(item).collect())
}

async fn staff_acts(app: &App, account: &Account, text: Text) -> Result<Vec<Item>> {
    let entries = about(&app.stores.registry, &account.customer_id, STAFF_ACTS).await?;
    let item = |entry: crate::audit::list::Stored| Item {
        at: entry.at,
        kind: "staff",
        title: text.named("act.", &entry.act),
        detail: [entry.actor, entry.reason].join(" · "),
        href: Some(format!("/console/audit?subject={}", account.customer_id)),
        evidence: None,
    };
    Ok(entries.into_iter().map(item).collect())
}
