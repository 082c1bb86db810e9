//! Whose loss a yen is that went through several members' wallets: of who had it first. What a
//! member received by a disputed send of another member, and what left the wallet again, is lost
//! there and not here. Pure, but for what it reads.

use std::collections::{HashMap, HashSet};

use omamori_db::{Db, sql};

use super::moves::Move;
use crate::send::transfers::receive_id;
use crate::web::error::Result;

/// What members received of other members, and what was taken back of all that they received.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    /// The receipts that count: of disputed sends of who was not cleared.
    ids: HashSet<u128>,
    /// Yen that acts took back, by customer.
    reversed: HashMap<String, i64>,
}

/// The receipts of the sends among these moves.
pub(super) fn receipts_of(moves: &[Move]) -> Receipts {
    let sends = moves.iter().filter(|one| one.is_send());
    let ids = sends.map(|one| receive_id(one.transfer_id)).collect();
    Receipts { ids, ..Receipts::default() }
}

impl Receipts {
    /// As the lists stand, of all incidents: a chain may begin in one and end in another.
    pub(super) async fn read(registry: &Db, incident_id: &str) -> Result<Self> {
        let mut receipts = Self::default();
        let sends = sql("SELECT v.transfer_id FROM incident_move v JOIN incident_member m
                 ON m.incident_id = v.incident_id AND m.customer_id = v.customer_id
             WHERE v.kind = 'send_waiting' AND v.state = 'disputed' AND m.state <> 'cleared'");
        for row in registry.all(sends).await? {
            let send = u128::from_be_bytes(row.array("transfer_id")?);
            receipts.ids.insert(receive_id(send));
        }
        let reversed = sql("SELECT r.subject, CAST(SUM(r.moved_yen) AS BIGINT) AS moved
             FROM incident_act_row r JOIN incident_act a ON a.act_id = r.act_id
             WHERE a.incident_id = $1 AND a.kind = 'reverse' GROUP BY r.subject");
        for row in registry.all(reversed.bind(incident_id)).await? {
            receipts.reversed.insert(row.text("subject")?, row.int("moved")?);
        }
        Ok(receipts)
    }
}

/// Shares what each customer received among what they lost, as the lists stand.
pub(super) async fn share_as_listed(
    registry: &Db,
    incident_id: &str,
    moves: &mut [Move],
    first: &HashSet<u128>,
) -> Result<()> {
    if moves.iter().any(Move::is_receipt) {
        share(moves, &Receipts::read(registry, incident_id).await?, first);
    }
    Ok(())
}

/// Shares what each customer received among what went out of their wallet: the transfers of
/// `first` before the others, so that what an act took already keeps its share; the oldest of each
/// before the newer ones.
pub(super) fn share(moves: &mut [Move], receipts: &Receipts, first: &HashSet<u128>) {
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, one) in moves.iter_mut().enumerate() {
        one.received = 0;
        places.entry(one.customer_id.clone()).or_default().push(place);
    }
    for (customer_id, mut places) in places {
        places.sort_by_key(|place| {
            let one = &moves[*place];
            (!first.contains(&one.transfer_id), one.at, one.transfer_id)
        });
        let is_of_members =
            |one: &Move| one.is_receipt() && receipts.ids.contains(&one.transfer_id);
        let came = |fits: &dyn Fn(&Move) -> bool| {
            let theirs = places.iter().map(|place| &moves[*place]).filter(|one| fits(one));
            theirs.map(|one| one.came).sum::<i64>()
        };
        let received = came(&is_of_members);
        // What was taken back was of other ways in first.
        let reversed = receipts.reversed.get(&customer_id).copied().unwrap_or_default();
        let reversed = (reversed - came(&|one| !is_of_members(one)).max(0)).max(0);
        let mut left = (received - reversed).max(0);
        let mut gone_on = 0;
        for place in &places {
            let one = &mut moves[*place];
            if one.out > 0 {
                one.received = one.gone().clamp(0, left);
                left -= one.received;
                gone_on += one.received;
            }
        }
        for place in &places {
            let one = &mut moves[*place];
            if one.is_receipt() && receipts.ids.contains(&one.transfer_id) {
                one.received = one.came.clamp(0, gone_on);
                gone_on -= one.received;
            }
        }
    }
}
