//! The rows of a dry run: whom and what an act concerns, and with how many yen. Writes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use omamori_db::{Tx, sql};

use super::act::{ActKind, On, Parameters};
use super::cohort::{Lists, Member, made_good};
use super::count::Position;
use super::moves::{Move, passed_on};
use super::now::{came_now, given_by_card, loss_now};
use super::own;
use super::plan::scope;
use super::receivers;
use crate::app::App;
use crate::clock::Micros;
use crate::control::Door;
use crate::gate::chart::wallet_account_id;
use crate::id::Kind;
use crate::settlement::hold;
use crate::topup::card::taken::Taken;
use crate::wallet::entry::EntryKind;
use crate::web::error::{Error, Result};

/// What an act does.
#[derive(Debug, Default)]
pub(super) struct Dry {
    /// Yen by subject.
    pub rows: BTreeMap<String, i64>,
    /// The transfers that it makes good or takes back.
    pub moves: BTreeMap<u128, Part>,
}

/// What an act has to do with one transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Whose it is, `cus_…`.
    pub customer_id: String,
    /// Yen of it that had come from other members: [`Move::received`].
    pub received: i64,
}

impl Part {
    fn of(one: &Move) -> (u128, Self) {
        let part = Self { customer_id: one.customer_id.clone(), received: one.received };
        (one.transfer_id, part)
    }
}

impl Dry {
    /// As it was written down.
    pub(super) async fn read(tx: &mut Tx, act_id: &str) -> Result<Self> {
        let mut dry = Self::default();
        let query = sql("SELECT subject, yen FROM incident_act_row WHERE act_id = $1");
        for row in tx.all(query.bind(act_id)).await? {
            dry.rows.insert(row.text("subject")?, row.int("yen")?);
        }
        let query = sql("SELECT transfer_id, customer_id, received_yen FROM incident_act_move
             WHERE act_id = $1");
        for row in tx.all(query.bind(act_id)).await? {
            let transfer_id = u128::from_be_bytes(row.array("transfer_id")?);
            let (customer_id, received) = (row.text("customer_id")?, row.int("received_yen")?);
            dry.moves.insert(transfer_id, Part { customer_id, received });
        }
        Ok(dry)
    }
}

struct Look<'a> {
    app: &'a App,
    incident_id: &'a str,
    parameters: &'a Parameters,
    lists: &'a Lists,
}

/// Works the rows out.
pub(super) async fn of(app: &App, incident_id: &str, parameters: &Parameters) -> Result<Dry> {
    let lists = Lists::read(&app.stores.registry, incident_id).await?;
    let look = Look { app, incident_id, parameters, lists: &lists };
    let rows = match parameters.kind {
        ActKind::Compensate => return look.losses().await,
        ActKind::CloseDoors => look.doors()?,
        ActKind::HoldPayouts => look.merchants().await?,
        ActKind::HoldSales => look.sales().await?,
        ActKind::ReleaseSales => look.held().await?,
        ActKind::Reverse => return look.unspent().await,
        ActKind::PassOn => look.returned().await?,
        ActKind::Unfreeze => look.accounts(|status| status == "frozen").await?,
        ActKind::Freeze | ActKind::SignOut | ActKind::RequireFactors | ActKind::Notify => {
            look.accounts(|status| status != "closed").await?
        }
    };
    Ok(Dry { rows, ..Dry::default() })
}

impl<'a> Look<'a> {
    fn members(&self) -> impl Iterator<Item = &'a Member> {
        let on = self.parameters.on;
        self.lists.members.iter().filter(move |member| match on {
            On::Confirmed => member.state == "confirmed",
            On::All => member.state != "cleared",
            On::Receivers => false,
        })
    }

    /// The moves that no act has taken yet, by customer, each with what of it was other members'.
    async fn open_moves(&self, now: &Position) -> Result<HashMap<String, Vec<Move>>> {
        let registry = &self.app.stores.registry;
        let taken: HashSet<u128> = made_good(registry, self.incident_id).await?;
        let members = self.lists.members.iter().filter(|member| member.state != "cleared");
        let members: HashMap<u128, &str> =
            members.map(|one| (wallet_account_id(&one.customer_id), &*one.customer_id)).collect();
        // A receipt of who is cleared is no part of it, nor is a send.
        let ids: HashSet<&str> = members.values().copied().collect();
        let is_listed = |one: &&Move| ids.contains(&*one.customer_id);
        let mut all: Vec<Move> = self.lists.moves.iter().filter(is_listed).cloned().collect();
        passed_on(self.app, &mut all, &members, (now, Micros::MAX)).await?;
        own::share_as_listed(registry, self.incident_id, &mut all, &taken).await?;
        let mut moves: HashMap<String, Vec<Move>> = HashMap::new();
        for one in all.into_iter().filter(|one| !taken.contains(&one.transfer_id)) {
            moves.entry(one.customer_id.clone()).or_default().push(one);
        }
        Ok(moves)
    }

    /// Members, or receivers, whose accounts stand so.
    async fn accounts(&self, fits: fn(&str) -> bool) -> Result<BTreeMap<String, i64>> {
        if self.parameters.on == On::Receivers {
            let all = receivers::list(&self.app.stores.registry, self.incident_id).await?;
            let meant = all.into_iter().filter(|one| one.state == "found" && fits(&one.status));
            return Ok(meant.map(|one| (one.customer_id, 0)).collect());
        }
        let query = sql("SELECT c.customer_id, c.status FROM customer c
             JOIN incident_member m ON m.customer_id = c.customer_id WHERE m.incident_id = $1");
        let mut standings = HashMap::new();
        for row in self.app.stores.registry.all(query.bind(self.incident_id)).await? {
            standings.insert(row.text("customer_id")?, row.text("status")?);
        }
        let is_so = |member: &&Member| standings.get(&member.customer_id).is_some_and(|s| fits(s));
        Ok(self.members().filter(is_so).map(|one| (one.customer_id.clone(), 0)).collect())
    }

    fn doors(&self) -> Result<BTreeMap<String, i64>> {
        let mut rows = BTreeMap::new();
        for word in &self.parameters.subjects {
            let door = Door::of(word).ok_or_else(|| Error::field("subjects", "malformed"))?;
            scope(self.parameters, door)?;
            rows.insert(word.clone(), 0);
        }
        Ok(rows)
    }

    async fn merchants(&self) -> Result<BTreeMap<String, i64>> {
        let of_all = self.lists.extent.stores.iter().map(|store| store.store_id.clone());
        let stores = match self.parameters.subjects.as_slice() {
            [] => of_all.collect(),
            some => some.to_vec(),
        };
        let mut rows = BTreeMap::new();
        for store_id in stores {
            let store = self.app.merchants.store(&store_id).await?;
            let store = store.ok_or_else(|| Error::field("subjects", "unknown"))?;
            rows.insert(store.merchant_id.clone(), 0);
        }
        Ok(rows)
    }

    /// Whether a sale is among the stores and payments that were named; all are if none was.
    fn is_named(&self, store_id: &str, payment_id: &str) -> bool {
        let named = &self.parameters.subjects;
        named.is_empty() || named.iter().any(|one| one == store_id || one == payment_id)
    }

    /// Disputed payments of the members; what a statement has paid already is listed with nothing.
    async fn sales(&self) -> Result<BTreeMap<String, i64>> {
        let members: BTreeSet<&str> = self.members().map(|one| &*one.customer_id).collect();
        let settled = hold::settled_until(self.app).await?;
        let mut rows = BTreeMap::new();
        for one in &self.lists.moves {
            let payment_id = Kind::Payment.text(one.transfer_id);
            let is_meant = one.kind == EntryKind::Payment.as_str()
                && members.contains(&*one.customer_id)
                && self.is_named(&one.store_id, &payment_id);
            if !is_meant {
                continue;
            }
            if let Some(sale) = hold::sale(self.app, one.transfer_id).await? {
                let until = settled.get(&sale.merchant_id).copied().unwrap_or_default();
                let yen = if sale.sold_at < until { 0 } else { sale.yen };
                if sale.yen > 0 {
                    rows.insert(payment_id, yen);
                }
            }
        }
        Ok(rows)
    }

    /// The sales that the incident holds.
    async fn held(&self) -> Result<BTreeMap<String, i64>> {
        let mut rows = BTreeMap::new();
        for transfer_id in hold::of_incident(self.app, self.incident_id).await? {
            let payment_id = Kind::Payment.text(transfer_id);
            if let Some(sale) = hold::sale(self.app, transfer_id).await?
                && self.is_named(&sale.store_id, &payment_id)
            {
                rows.insert(payment_id, sale.yen);
            }
        }
        Ok(rows)
    }

    /// What nobody has made good yet, less what a chargeback has given the card's holder.
    async fn losses(&self) -> Result<Dry> {
        let now = Position::of_ledger(self.app).await?;
        let moves = self.open_moves(&now).await?;
        let mut topups: HashMap<&str, Vec<Move>> = HashMap::new();
        for one in self.lists.moves.iter().filter(|one| one.is_card()) {
            topups.entry(&one.customer_id).or_default().push(one.clone());
        }
        let mut dry = Dry::default();
        for member in self.members() {
            let (mut yen, mut parts) = (0, Vec::new());
            for one in moves.get(&member.customer_id).into_iter().flatten() {
                let loss = loss_now(self.app, one).await?.most();
                if loss > 0 {
                    yen += loss;
                    parts.push(Part::of(one));
                }
            }
            if let Some(topups) = topups.get(&*member.customer_id) {
                let given = given_by_card(self.app, topups).await?;
                yen -= given.iter().map(|taken| taken.lost).sum::<i64>();
            }
            if yen > 0 {
                dry.rows.insert(member.customer_id.clone(), yen);
                dry.moves.extend(parts);
            }
        }
        Ok(dry)
    }

    /// What came in, was not taken back yet, and is there.
    async fn unspent(&self) -> Result<Dry> {
        let now = Position::of_ledger(self.app).await?;
        let moves = self.open_moves(&now).await?;
        let mut dry = Dry::default();
        for member in self.members() {
            let there = self.app.gate.paid(wallet_account_id(&member.customer_id));
            let (mut came, mut parts) = (0, Vec::new());
            for one in moves.get(&member.customer_id).into_iter().flatten() {
                let yen = came_now(self.app, one).await?.yen;
                if yen > 0 {
                    came += yen;
                    parts.push(Part::of(one));
                }
            }
            if came.min(there) > 0 {
                dry.rows.insert(member.customer_id.clone(), came.min(there));
                dry.moves.extend(parts);
            }
        }
        Ok(dry)
    }

    /// Top-ups by card of which something lies in incident returns.
    async fn returned(&self) -> Result<BTreeMap<String, i64>> {
        self.app.topups.gateway()?; // without one nothing could be returned
        self.app.gate.catch_up().await?;
        let members: BTreeSet<&str> = self.members().map(|one| &*one.customer_id).collect();
        let of_members = |one: &&Move| one.is_card() && members.contains(&*one.customer_id);
        let mut rows = BTreeMap::new();
        for one in self.lists.moves.iter().filter(of_members) {
            let taken = Taken::read(self.app, one.transfer_id).await?;
            if taken.returned > 0 {
                rows.insert(Kind::Topup.text(one.transfer_id), taken.returned);
            }
        }
        Ok(rows)
    }
}
