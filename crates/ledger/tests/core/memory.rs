//! What stays in memory, and what happens when the caller does not keep its part.

use omamori_ledger::{
    Account, Applying, CreateTransferResult, EXPIRIES_PER_BATCH_MAX, OlderTransfers, PendingStatus,
    Request, State, Transfer, TransferFlags,
};

use super::world::World;

const SECOND: u64 = 1_000_000_000;

fn accounts() -> Request {
    let account = |id| Account { id, ledger: 1, code: 1, ..Account::default() };
    Request { accounts: vec![account(1), account(2)], ..Request::default() }
}

fn transfer(id: u128) -> Transfer {
    Transfer {
        id,
        debit_account_id: 1,
        credit_account_id: 2,
        amount: 1,
        ledger: 1,
        code: 1,
        ..Transfer::default()
    }
}

fn pending(id: u128, timeout: u32) -> Transfer {
    Transfer { flags: TransferFlags::PENDING, timeout, ..transfer(id) }
}

fn post(id: u128, pending_id: u128) -> Transfer {
    let flags = TransferFlags::POST_PENDING_TRANSFER;
    Transfer { id, pending_id, amount: 1, flags, ..Transfer::default() }
}

fn request(transfers: Vec<Transfer>) -> Request {
    Request { transfers, ..Request::default() }
}

#[test]
fn a_new_id_costs_no_look_up_and_an_old_one_does() {
    let mut world = World::default();
    world.commit(SECOND, &[accounts(), request((1..=100).map(transfer).collect())]);
    let old = request(vec![transfer(7)]);
    let new = request((1_001..=2_000).map(transfer).collect());
    assert_eq!(world.state.older_ids(&old).count(), 0, "what is in memory is not looked up");
    world.forget_until(world.state.position().timestamp);
    assert_eq!(world.state.memory_use().transfer_count, 0);
    assert_eq!(world.state.memory_use().old_id_count, 100);
    assert_eq!(world.state.older_ids(&old).collect::<Vec<_>>(), [7]);
    assert!(world.state.older_ids(&new).count() < 20, "new ids are seldom taken for old ones");
}

#[test]
#[should_panic(expected = "transfer 7 may be old, but was not looked up")]
fn an_old_id_that_nobody_looked_up_is_not_taken_for_a_new_one() {
    let mut world = World::default();
    world.commit(SECOND, &[accounts(), request(vec![transfer(7)])]);
    world.forget_until(world.state.position().timestamp);
    let older = OlderTransfers::default();
    let mut applying = Applying::new(&world.state, &older, 2 * SECOND);
    applying.request(&request(vec![transfer(7)]));
}

#[test]
fn an_id_remembered_after_a_snapshot_is_old() {
    let mut state = State::new();
    state.remember_old(7);
    assert!(state.may_be_old(7));
    assert_eq!(state.older_ids(&request(vec![post(9, 7)])).collect::<Vec<_>>(), [7]);
}

#[test]
fn a_status_is_kept_in_memory_until_the_other_store_knows_it() {
    let mut world = World::default();
    world.commit(SECOND, &[accounts(), request(vec![pending(1, 0), pending(2, 5)])]);
    let created = world.state.position().timestamp;
    world.commit(2 * SECOND, &[request(vec![post(3, 1)])]);
    world.commit(6 * SECOND + 9, &[]);
    world.forget_until(created);
    assert_eq!(world.state.memory_use().transfer_count, 3);
    let status = |world: &World, id| world.state.transfer(id).map(|stored| stored.pending_status);
    assert_eq!(status(&world, 1), Some(PendingStatus::Posted));
    assert_eq!(status(&world, 2), Some(PendingStatus::Expired));
    world.forget_until(2 * SECOND);
    assert_eq!(status(&world, 1), None);
    assert_eq!(status(&world, 2), Some(PendingStatus::Expired));
    world.forget_until(world.state.position().timestamp);
    assert_eq!(status(&world, 2), None);
    assert_eq!(world.state.memory_use().transfer_count, 0);
}

#[test]
fn what_expires_beyond_the_bound_of_a_batch_waits_and_cannot_be_posted() {
    let count = EXPIRIES_PER_BATCH_MAX as u128 + 2;
    let mut world = World::default();
    let transfers = (1..=count).map(|id| pending(id, 1)).collect();
    world.commit(SECOND, &[accounts(), request(transfers)]);
    let first_expiry = world.state.next_expiry().expect("they expire");
    assert_eq!(first_expiry, 2 * SECOND + 2);

    let replies = world.commit(9 * SECOND, &[request(vec![post(count + 1, count)])]);
    let expired = CreateTransferResult::PendingTransferExpired;
    assert_eq!(replies[0].transfers[0].result, expired);
    assert_eq!(world.state.memory_use().pending_count, 2);
    assert!(world.state.next_expiry().is_some_and(|at| at < 9 * SECOND));
    world.commit(10 * SECOND, &[]);
    assert_eq!(world.state.memory_use().pending_count, 0);
    assert_eq!(world.state.next_expiry(), None);
    assert_eq!(world.state.account(1).map(|account| account.debits_pending), Some(0));
}

#[test]
fn a_delta_that_is_not_merged_leaves_no_trace() {
    let mut world = World::default();
    world.commit(SECOND, &[accounts()]);
    let older = OlderTransfers::default();
    let mut applying = Applying::new(&world.state, &older, 2 * SECOND);
    applying.request(&request(vec![transfer(1), pending(2, 0)]));
    assert_eq!(applying.fact_count(), 2);
    drop(applying.finish());
    assert_eq!(world.state.memory_use().transfer_count, 0);
    let reply = world.commit(2 * SECOND, &[request(vec![transfer(1)])]);
    assert_eq!(reply[0].transfers[0].result, CreateTransferResult::Ok);
}

#[test]
#[should_panic(expected = "time must rise")]
fn a_batch_does_not_go_back_in_time() {
    let mut world = World::default();
    world.commit(SECOND, &[accounts()]);
    let _ = Applying::new(&world.state, &OlderTransfers::default(), SECOND + 1);
}

#[test]
#[should_panic(expected = "the delta was made from another state")]
fn a_delta_is_merged_only_into_its_own_state() {
    let mut world = World::default();
    world.commit(SECOND, &[accounts()]);
    let older = OlderTransfers::default();
    let mut applying = Applying::new(&world.state, &older, 2 * SECOND);
    applying.request(&request(vec![transfer(1)]));
    let delta = applying.finish();
    let entry = delta.encode();
    world.commit(2 * SECOND, &[request(vec![transfer(2)])]);
    world.state.merge(delta, entry.position);
}
