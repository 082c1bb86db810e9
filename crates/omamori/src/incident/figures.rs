//! What a cohort adds up to. Pure: from members and moves alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::moves::Move;
use crate::clock::{HOUR, MINUTE, Micros};

/// A way of money with what it moved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IncidentByWay)]
pub struct ByWay {
    /// As the history names it.
    pub way: String,
    /// Times.
    pub count: i64,
    /// Yen.
    pub yen: i64,
}

/// A store with what was paid there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IncidentByStore)]
pub struct ByStore {
    /// `sto_…`.
    pub store_id: String,
    /// Payments.
    pub count: i64,
    /// Yen, less what came back.
    pub yen: i64,
    /// Different customers.
    pub customers: i64,
}

/// A network's owner with the customers who were seen from there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IncidentByNetwork)]
pub struct ByNetwork {
    /// `JP`; empty if not known.
    pub country: String,
    /// 0 if not known.
    pub asn: i64,
    /// Different customers.
    pub customers: i64,
}

/// A step of time: ten minutes, or an hour where all took long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IncidentByTime)]
pub struct ByTime {
    /// When it begins.
    pub at: Micros,
    /// Yen in.
    pub came: i64,
    /// Yen out.
    pub out: i64,
    /// Customers seen for the first time.
    pub customers: i64,
}

/// The figures. Yen, none below zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IncidentFigures)]
pub struct Figures {
    /// Customers.
    pub customers: i64,
    /// Of them, those who lost something.
    pub with_loss: i64,
    /// Came into their wallets, less what was taken back.
    pub came: i64,
    /// Went out.
    pub out: i64,
    /// Came back.
    pub back: i64,
    /// What is lost: out less back, less what members had received of other members.
    pub loss: i64,
    /// The first decision that matched.
    pub first_at: Option<Micros>,
    /// The last payment or send.
    pub last_loss_at: Option<Micros>,
    /// Ways in.
    pub ways_in: Vec<ByWay>,
    /// Ways out.
    pub ways_out: Vec<ByWay>,
    /// The most yen first.
    pub stores: Vec<ByStore>,
    /// The most customers first.
    pub networks: Vec<ByNetwork>,
    /// Every step from before the first to after the last, at most [`STEPS_MAX`].
    pub course: Vec<ByTime>,
}

/// Steps of a plot.
pub const STEPS_MAX: usize = 120;
/// Steps before the first and after the last.
const MARGIN: i64 = 6;

/// What figures need of a member.
pub struct Counted<'a> {
    /// `cus_…`.
    pub customer_id: &'a str,
    /// The first decision that matched.
    pub first_at: Micros,
    /// Whence.
    pub networks: &'a BTreeSet<(String, i64)>,
}

impl Figures {
    /// Adds up. Moves of nobody in `members` do not count.
    #[must_use]
    pub fn of(members: &[Counted<'_>], moves: &[Move]) -> Self {
        let known: BTreeSet<&str> = members.iter().map(|member| member.customer_id).collect();
        let moves: Vec<&Move> =
            moves.iter().filter(|one| known.contains(&*one.customer_id)).collect();
        let mut loss_of: BTreeMap<&str, i64> = BTreeMap::new();
        let (mut ways_in, mut ways_out) = (BTreeMap::new(), BTreeMap::new());
        for one in &moves {
            *loss_of.entry(&one.customer_id).or_default() += one.loss();
            if one.came != 0 {
                add(&mut ways_in, &one.kind, one.came);
            }
            if one.out != 0 {
                add(&mut ways_out, &one.kind, one.loss());
            }
        }
        let sum = |figure: fn(&Move) -> i64| moves.iter().map(|one| figure(one)).sum::<i64>();
        let spent = moves.iter().filter(|one| one.gone() > 0);
        Self {
            customers: size(members.len()),
            with_loss: size(loss_of.values().filter(|loss| **loss > 0).count()),
            came: sum(|one| one.came),
            out: sum(|one| one.out),
            back: sum(|one| one.back),
            loss: sum(Move::loss),
            first_at: members.iter().map(|member| member.first_at).min(),
            last_loss_at: spent.map(|one| one.at).max(),
            ways_in: ways_in.into_values().collect(),
            ways_out: ways_out.into_values().collect(),
            stores: stores(&moves),
            networks: networks(members),
            course: course(members, &moves),
        }
    }
}

fn size(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn add(ways: &mut BTreeMap<String, ByWay>, kind: &str, yen: i64) {
    let way = ways.entry(kind.to_owned()).or_default();
    kind.clone_into(&mut way.way);
    way.count += 1;
    way.yen += yen;
}

fn stores(moves: &[&Move]) -> Vec<ByStore> {
    let mut stores: BTreeMap<&str, (ByStore, BTreeSet<&str>)> = BTreeMap::new();
    for one in moves.iter().filter(|one| one.out > 0 && !one.store_id.is_empty()) {
        let (store, customers) = stores.entry(&one.store_id).or_default();
        one.store_id.clone_into(&mut store.store_id);
        store.count += 1;
        store.yen += one.gone();
        customers.insert(&one.customer_id);
    }
    let whole = |(store, customers): (ByStore, BTreeSet<&str>)| ByStore {
        customers: size(customers.len()),
        ..store
    };
    let mut stores: Vec<_> = stores.into_values().map(whole).collect();
    stores.sort_by_key(|store| std::cmp::Reverse(store.yen));
    stores
}

fn networks(members: &[Counted<'_>]) -> Vec<ByNetwork> {
    let mut networks: BTreeMap<&(String, i64), i64> = BTreeMap::new();
    for network in members.iter().flat_map(|member| member.networks) {
        *networks.entry(network).or_default() += 1;
    }
    let row = |((country, asn), customers): (&(String, i64), i64)| ByNetwork {
        country: country.clone(),
        asn: *asn,
        customers,
    };
    let mut networks: Vec<_> = networks.into_iter().map(row).collect();
    networks.sort_by_key(|network| std::cmp::Reverse(network.customers));
    networks
}

fn course(members: &[Counted<'_>], moves: &[&Move]) -> Vec<ByTime> {
    let all = || members.iter().map(|m| m.first_at).chain(moves.iter().map(|one| one.at));
    let (Some(first), Some(last)) = (all().min(), all().max()) else { return Vec::new() };
    let step = if last - first <= 12 * HOUR { 10 * MINUTE } else { HOUR };
    let start = |at: Micros| at - at.rem_euclid(step);
    let mut steps: BTreeMap<Micros, ByTime> = BTreeMap::new();
    for member in members {
        steps.entry(start(member.first_at)).or_default().customers += 1;
    }
    for one in moves {
        let at = steps.entry(start(one.at)).or_default();
        at.came += one.came.max(0);
        at.out += one.out;
    }
    // A little before and after, so that a minute does not fill the whole plot.
    let (from, to) = (start(first) - MARGIN * step, start(last) + MARGIN * step);
    let places = (0..).map(|number| from + number * step).take_while(|at| *at <= to);
    places
        .take(STEPS_MAX)
        .map(|at| ByTime { at, ..steps.remove(&at).unwrap_or_default() })
        .collect()
}
