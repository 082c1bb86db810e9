//! From rows to what people read: names come from the registry, a page at once.

use std::collections::HashMap;

use super::read::Line;
use crate::app::App;
use crate::clock::Micros;
use crate::id::Kind;
use crate::send::names_of;
use crate::topup::card::names_of_topups;
use crate::wallet::entry::{Entry, EntryKind};
use crate::web::error::Result;

/// Lines as entries of the history, in their order. Stores are in memory; for sends and for cards
/// there is one query each.
///
/// # Errors
/// A fault if the registry fails.
pub async fn entries(app: &App, lines: &[Line]) -> Result<Vec<Entry>> {
    let registry = &app.stores.registry;
    let ids = |wanted: fn(EntryKind) -> bool| -> Vec<u128> {
        let found = lines.iter().filter(|line| wanted(line.kind));
        found.map(|line| line.transfer_id).collect()
    };
    let sent = ids(EntryKind::is_sent);
    let received = ids(|kind| kind == EntryKind::Receive);
    let sends = names_of(registry, &sent, &received).await?;
    let by_card = ids(|kind| matches!(kind, EntryKind::TopupCard | EntryKind::TopupAuto));
    let cards = names_of_topups(registry, &by_card).await?;
    let mut entries = Vec::with_capacity(lines.len());
    for line in lines {
        entries.push(entry(app, line, &sends, &cards).await?);
    }
    Ok(entries)
}

async fn entry(
    app: &App,
    line: &Line,
    sends: &HashMap<u128, (String, String)>,
    cards: &HashMap<u128, String>,
) -> Result<Entry> {
    let kind = line.kind;
    let id_kind = kind.id_kind();
    let (id, name) = match sends.get(&line.transfer_id) {
        Some((send_id, name)) => (send_id.clone(), name.clone()),
        None => {
            let store = app.merchants.store_by_account(line.other).await?;
            let card = || cards.get(&line.transfer_id).cloned().unwrap_or_default();
            let name = store.map_or_else(card, |store| store.name.clone());
            (id_kind.text(line.transfer_id), name)
        }
    };
    Ok(Entry {
        payment_id: matches!(id_kind, Kind::Payment | Kind::Refund).then(|| id.clone()),
        send_id: (id_kind == Kind::Send).then(|| id.clone()),
        id,
        kind,
        amount: line.amount,
        store_name: name,
        at: Micros::try_from(line.timestamp / 1_000).unwrap_or(Micros::MAX),
        until: None,
    })
}
