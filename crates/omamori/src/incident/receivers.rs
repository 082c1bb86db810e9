//! Who received what members lost: value that was sent on, hop by hop, to accounts that are not of
//! the cohort. They may be accomplices, or somebody who sold a bicycle: staff look, and stop or
//! dismiss them. Nothing is reckoned as a loss here, and nothing moves.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};

use omamori_db::{Db, Row, Tx, sql, sql_rows};
use serde_json::{Value, json};

use super::count::Found;
use super::moves::Move;
use super::{cohort, log, row, words};
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::Micros;
use crate::gate::Act;
use crate::gate::chart::wallet_account_id;
use crate::identity::account;
use crate::pos::{micros, yen};
use crate::send::transfers::{self, State};
use crate::wallet::entry::EntryKind;
use crate::web::codes::Code;
use crate::web::error::Result;

/// Accounts of one path, the member's with it: who splits further has lost most of it on the way.
const PATH_MAX: usize = 12;
/// Receivers that are followed: more is a market, and no longer a list to work through.
const RECEIVERS_MAX: usize = 2_000;
/// Rows of one statement: it takes 32,766 values.
const ROWS_AT_ONCE: usize = 2_500;
/// Transfers that are read at one time.
const PAGE: usize = 500;

/// A receiver, as a count finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// Yen of members' losses that reached the wallet.
    pub yen: i64,
    /// From the member to this one, of the largest part.
    pub path: Vec<String>,
    /// When the first of it came.
    pub first_at: Micros,
    /// Of it, what has not been sent on.
    left: i64,
    largest: i64,
}

/// A send that was taken.
struct Flow {
    to: u128,
    yen: i64,
    from: From,
}

enum From {
    /// Disputed: all of it is a loss.
    Member(String),
    /// Of it, only what had come from members.
    Receiver(u128),
}

struct Trace<'a> {
    app: &'a App,
    /// Up to where is looked, in nanoseconds.
    until: u64,
    members: HashSet<u128>,
    flows: HashMap<u128, Flow>,
    /// The sends by when they were taken: value goes on after it came.
    due: BinaryHeap<Reverse<(Micros, u128)>>,
    found: HashMap<u128, (String, Traced)>,
}

/// Follows the disputed sends of who was not cleared, up to where the count looked. By customer.
///
/// # Errors
/// A fault if a store fails.
pub(super) async fn trace(
    app: &App,
    incident_id: &str,
    found: &Found,
) -> Result<BTreeMap<String, Traced>> {
    let (members, sends) = seeds(app, incident_id, found).await?;
    let mut trace = Trace {
        app,
        until: found.position.ledger,
        members,
        flows: HashMap::new(),
        due: BinaryHeap::new(),
        found: HashMap::new(),
    };
    for (send, customer_id) in sends {
        trace.push(send, From::Member(customer_id)).await?;
    }
    while let Some(Reverse((at, send))) = trace.due.pop() {
        trace.arrives(at, send).await?;
    }
    Ok(trace.found.into_values().collect())
}

/// The wallets of who was not cleared, and their disputed sends: those that the count found, and
/// those of the lists that it did not.
async fn seeds(
    app: &App,
    incident_id: &str,
    found: &Found,
) -> Result<(HashSet<u128>, BTreeMap<u128, String>)> {
    let registry = &app.stores.registry;
    let listed = cohort::members(registry, incident_id).await?;
    let moves = cohort::moves(registry, incident_id).await?;
    let cleared: HashSet<&str> = listed
        .iter()
        .filter(|member| member.state == "cleared")
        .map(|member| member.customer_id.as_str())
        .collect();
    let own: HashSet<u128> = moves
        .iter()
        .filter(|(_, state)| state != "disputed")
        .map(|(one, _)| one.transfer_id)
        .collect();
    let ids = found.members.keys().chain(listed.iter().map(|member| &member.customer_id));
    let members = ids.filter(|id| !cleared.contains(id.as_str()));
    let is_lost = |one: &&Move| {
        one.is_send()
            && one.gone() > 0
            && !cleared.contains(one.customer_id.as_str())
            && !own.contains(&one.transfer_id)
    };
    let sends = found.moves.iter().chain(moves.iter().map(|(one, _)| one)).filter(is_lost);
    let sends = sends.map(|one| (one.transfer_id, one.customer_id.clone())).collect();
    Ok((members.map(|id| wallet_account_id(id)).collect(), sends))
}

impl Trace<'_> {
    /// Takes a send up, if somebody has taken it by then.
    async fn push(&mut self, send: u128, from: From) -> Result<()> {
        if self.flows.contains_key(&send) {
            return Ok(());
        }
        let Some(known) = transfers::known(self.app, send).await? else { return Ok(()) };
        let State::Taken { at, by } = known.state else { return Ok(()) };
        let is_in = u64::try_from(at).is_ok_and(|at| at.saturating_mul(1_000) <= self.until);
        if is_in && by != 0 {
            self.flows.insert(send, Flow { to: by, yen: yen(&known.transfer), from });
            self.due.push(Reverse((at, send)));
        }
        Ok(())
    }

    /// A send arrives: what of it was members' is the receiver's from now on.
    async fn arrives(&mut self, at: Micros, send: u128) -> Result<()> {
        let Some(flow) = self.flows.get(&send) else { return Ok(()) };
        let (to, mut path, part) = match &flow.from {
            From::Member(customer_id) => (flow.to, vec![customer_id.clone()], flow.yen),
            From::Receiver(wallet) => {
                let Some((_, sender)) = self.found.get_mut(wallet) else { return Ok(()) };
                let part = flow.yen.min(sender.left);
                sender.left -= part;
                (flow.to, sender.path.clone(), part)
            }
        };
        // What a member gets is in the lists already.
        if part <= 0 || self.members.contains(&to) {
            return Ok(());
        }
        if let Some((customer_id, known)) = self.found.get_mut(&to) {
            known.yen += part;
            known.left += part;
            if part > known.largest {
                path.push(customer_id.clone());
                (known.path, known.largest) = (path, part);
            }
            return Ok(());
        }
        if self.found.len() >= RECEIVERS_MAX {
            return Ok(());
        }
        let of_wallet = account::of_wallet(&self.app.stores.registry, to).await?;
        let Some(customer_id) = of_wallet else { return Ok(()) };
        path.push(customer_id.clone());
        let goes_on = path.len() < PATH_MAX;
        let traced = Traced { yen: part, path, first_at: at, left: part, largest: part };
        self.found.insert(to, (customer_id, traced));
        if goes_on {
            self.follow(to, at).await?;
        }
        Ok(())
    }

    /// Takes up what a wallet sent since an instant.
    async fn follow(&mut self, wallet: u128, since: Micros) -> Result<()> {
        let mut before = Some(self.until.saturating_add(1));
        loop {
            let page = self.app.gate.statement(wallet, before, PAGE).await?;
            before = page.last().map(|transfer| transfer.timestamp);
            let is_last = page.len() < PAGE;
            for transfer in &page {
                if micros(transfer) < since {
                    return Ok(());
                }
                let is_send = EntryKind::of(transfer) == Some(EntryKind::SendWaiting);
                if is_send && transfer.debit_account_id == wallet {
                    self.push(transfer.id, From::Receiver(wallet)).await?;
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }
}

/// Writes down what a count found; what staff dismissed stays so, and who is not found any more
/// leaves the list.
pub(super) async fn take_over(
    tx: &mut Tx,
    (incident_id, number): (&str, i64),
    found: &BTreeMap<String, Traced>,
) -> Result<()> {
    let all: Vec<_> = found.iter().collect();
    for some in all.chunks(ROWS_AT_ONCE) {
        let mut insert = sql_rows(
            "INSERT INTO incident_receiver (incident_id, customer_id, yen, from_member, path,
                 first_at, counted, state, reason)",
            9,
        )
        .ending(
            "ON CONFLICT (incident_id, customer_id) DO UPDATE SET yen = excluded.yen,
                 from_member = excluded.from_member, path = excluded.path,
                 first_at = excluded.first_at, counted = excluded.counted",
        );
        for (customer_id, traced) in some {
            insert.push(incident_id);
            insert.push(customer_id.as_str());
            insert.push(traced.yen);
            insert.push(traced.path.first().map_or("", String::as_str));
            insert.push(serde_json::to_string(&traced.path)?);
            insert.push(traced.first_at);
            insert.push(number);
            insert.push("found");
            insert.push("");
        }
        tx.execute(insert).await?;
    }
    let gone = sql("DELETE FROM incident_receiver
         WHERE incident_id = $1 AND state = 'found' AND counted <> $2");
    tx.execute(gone.bind(incident_id).bind(number)).await?;
    Ok(())
}

/// A receiver in the list.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// `cus_…`.
    pub customer_id: String,
    /// Yen of members' losses that reached the wallet.
    pub yen: i64,
    /// From the member to this one, of the largest part.
    pub path: Vec<String>,
    /// When the first of it came.
    pub first_at: Micros,
    /// `found` or `dismissed`.
    pub state: String,
    /// Why it was decided so.
    pub reason: String,
    /// How the account stands: `active`, `frozen`, `closed`.
    pub status: String,
}

impl Receiver {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            customer_id: row.text("customer_id")?,
            yen: row.int("yen")?,
            path: serde_json::from_str(&row.text("path")?)?,
            first_at: row.int("first_at")?,
            state: row.text("state")?,
            reason: row.text("reason")?,
            status: row.text("status")?,
        })
    }
}

/// The receivers, as the newest count found them, the largest first; none whom staff have made a
/// member since, nor whose path begins with somebody who was cleared.
///
/// # Errors
/// A fault if the registry fails.
pub async fn list(registry: &Db, incident_id: &str) -> Result<Vec<Receiver>> {
    let query = sql("SELECT r.customer_id, r.yen, r.path, r.first_at, r.state, r.reason, c.status
         FROM incident_receiver r JOIN customer c ON c.customer_id = r.customer_id
         WHERE r.incident_id = $1 AND NOT EXISTS (SELECT 1 FROM incident_member m
             WHERE m.incident_id = r.incident_id
               AND (m.customer_id = r.customer_id AND m.state <> 'cleared'
                    OR m.customer_id = r.from_member AND m.state = 'cleared'))
         ORDER BY CASE r.state WHEN 'found' THEN 0 ELSE 1 END, r.yen DESC, r.customer_id");
    registry.all(query.bind(incident_id)).await?.iter().map(Receiver::read).collect()
}

/// Whether somebody still is a receiver whom nobody dismissed, in the transaction of an act.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn stands(tx: &mut Tx, incident_id: &str, customer_id: &str) -> Result<bool> {
    let query = sql("SELECT r.customer_id FROM incident_receiver r
         WHERE r.incident_id = $1 AND r.customer_id = $2 AND r.state = 'found'
           AND NOT EXISTS (SELECT 1 FROM incident_member m WHERE m.incident_id = r.incident_id
               AND m.customer_id = r.from_member AND m.state = 'cleared')");
    Ok(tx.optional(query.bind(incident_id).bind(customer_id)).await?.is_some())
}

/// Says that somebody received it in good faith, or that it is not sure after all.
///
/// # Errors
/// A wrong field; [`Code::NotFound`]: no receiver; [`Code::IncidentClosed`]; a fault.
pub async fn decide(
    app: &App,
    actor: &Actor,
    (incident_id, customer_id): (&str, &str),
    is_dismissed: bool,
    reason: &str,
) -> Result<()> {
    row::open_one(&app.stores.registry, incident_id).await?;
    let reason = words::checked("reason", reason)?;
    let (state, event) =
        if is_dismissed { ("dismissed", "receiver_dismissed") } else { ("found", "receiver_back") };
    let after = json!({ "incident": incident_id, "receiver": customer_id, "state": state });
    let act = Act::IncidentReview;
    let clearance = actor.decide(app, act, None, &after, Ok(())).await?;
    let now = app.clock.now();
    let mut tx = app.stores.registry.begin().await?;
    let told = format!("{customer_id} {reason}");
    log::add(&mut tx, incident_id, (&actor.id, now), event, &told).await?;
    let update = sql("UPDATE incident_receiver
         SET state = $1, reason = $2, decided_by = $3, decided_at = $4
         WHERE incident_id = $5 AND customer_id = $6");
    let update = update.bind(state).bind(reason).bind(&actor.id).bind(now);
    if tx.execute(update.bind(incident_id).bind(customer_id)).await? != 1 {
        return Err(Code::NotFound.into());
    }
    let (subject, before) = (incident_id, Value::Null);
    let entry = Entry { actor, act, subject, before, after, reason };
    audit::commit(app, tx, &clearance, &entry).await
}
