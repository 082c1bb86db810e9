//! Starting from a snapshot gives the state that it was taken of, or a named error.

use omamori_ledger::{
    Account, PendingStatus, Request, SnapshotError, State, Transfer, TransferFlags,
};

use super::world::{World, sorted_accounts, sorted_pending};

const SECOND: u64 = 1_000_000_000;

/// Two accounts, one posted transfer, and one pending transfer that expires.
fn world() -> World {
    let account = |id| Account { id, ledger: 1, code: 1, ..Account::default() };
    let transfer = |id, amount, flags| Transfer {
        id,
        debit_account_id: 1,
        credit_account_id: 2,
        amount,
        ledger: 1,
        code: 1,
        flags,
        ..Transfer::default()
    };
    let mut pending = transfer(12, 3, TransferFlags::PENDING);
    pending.timeout = 60;
    let mut world = World::default();
    let accounts = vec![account(1), account(2)];
    let transfers = vec![transfer(11, 7, TransferFlags::NONE), pending];
    world.commit(SECOND, &[Request { accounts, transfers }]);
    world
}

fn parts(state: &State) -> (Vec<Account>, Vec<Transfer>) {
    (state.accounts().copied().collect(), state.pending_transfers().copied().collect())
}

#[test]
fn a_snapshot_goes_on_as_the_state_did() {
    let mut world = world();
    let (accounts, pending) = parts(&world.state);
    let position = *world.state.position();
    let mut started = State::from_snapshot(position, accounts, pending).expect("a state");
    started.remember_old(11);
    assert_eq!(sorted_accounts(&started), sorted_accounts(&world.state));
    assert_eq!(sorted_pending(&started), sorted_pending(&world.state));
    assert_eq!(started.next_expiry(), world.state.next_expiry());
    assert_eq!(started.transfer(11), None);
    assert!(started.may_be_old(11) && !started.may_be_old(12));

    // Another node appends; this one folds the entry and comes to the same.
    world.commit(61 * SECOND + 9, &[]);
    let last = world.entries.last().expect("an expiry is an entry");
    started.fold(&omamori_ledger::Entry::decode(last).expect("an entry")).expect("it follows");
    assert_eq!(started.position(), world.state.position());
    assert_eq!(sorted_accounts(&started), sorted_accounts(&world.state));
    let status = started.transfer(12).map(|stored| stored.pending_status);
    assert_eq!(status, Some(PendingStatus::Expired));
}

#[test]
fn a_snapshot_that_does_not_add_up_is_refused() {
    let state = world().state;
    let position = *state.position();
    let refused = |change: &dyn Fn(&mut Vec<Account>, &mut Vec<Transfer>)| {
        let (mut accounts, mut pending) = parts(&state);
        change(&mut accounts, &mut pending);
        State::from_snapshot(position, accounts, pending).err()
    };
    assert_eq!(refused(&|_, _| {}), None);
    let unbalanced = Some(SnapshotError::Unbalanced { ledger: 1 });
    assert_eq!(refused(&|accounts, _| accounts[0].debits_posted += 1), unbalanced);
    assert_eq!(refused(&|_, pending| pending.clear()), unbalanced);
    assert_eq!(refused(&|_, pending| pending[0].amount -= 1), unbalanced);
    let not_pending = Some(SnapshotError::NotPending { id: 12 });
    assert_eq!(refused(&|_, pending| pending[0].credit_account_id = 9), not_pending);
    assert_eq!(refused(&|_, pending| pending[0].credit_account_id = 1), not_pending);
    assert_eq!(refused(&|_, pending| pending[0].ledger = 2), not_pending);
    assert_eq!(refused(&|_, pending| pending[0].flags = TransferFlags::NONE), not_pending);
    assert_eq!(refused(&|_, pending| pending[0].amount = 4), not_pending);
    let twice = |id| Some(SnapshotError::Repeated { id });
    assert_eq!(refused(&|accounts, _| accounts[1].id = 1), twice(1));
    assert_eq!(refused(&|_, pending| pending.push(pending[0])), twice(12));
}
