//! The journal by itself: appending after an expected entry, reading, searching by time.

use omamori_ledger::{
    Append, Applying, EncodedEntry, Journal, OlderTransfers, Position, Request, State,
};

use super::place::{Place, on_both_engines};
use super::shop::{OPERATOR, customer, opening, transfer};

on_both_engines!(
    an_entry_follows_only_the_one_it_was_made_for,
    entries_are_read_in_order_and_found_by_time,
    of_many_who_append_at_once_one_wins,
);

/// Makes the entry after a state, at `timestamp`, and merges it.
fn next(state: &mut State, timestamp: u64, request: &Request) -> (Position, EncodedEntry) {
    let older = OlderTransfers::default();
    let base = *state.position();
    let mut applying = Applying::new(state, &older, timestamp);
    applying.request(request);
    let delta = applying.finish();
    let entry = delta.encode();
    state.merge(delta, entry.position);
    (base, entry)
}

fn top_up(id: u128) -> Request {
    Request { accounts: Vec::new(), transfers: vec![transfer(id, OPERATOR, customer(0), 5)] }
}

async fn an_entry_follows_only_the_one_it_was_made_for(place: Place) {
    let journal = Journal::open(place.journal().await).await.expect("the journal");
    assert_eq!(journal.head().await.expect("the head"), Position::default());
    let (mut state, mut other) = (State::new(), State::new());
    let (base, first) = next(&mut state, 100, &opening(1, 10));
    let (_, other_first) = next(&mut other, 200, &opening(1, 20));
    let (second_base, second) = next(&mut state, 1_000, &top_up(7));
    let (other_base, other_second) = next(&mut other, 1_000, &top_up(8));

    assert!(matches!(journal.append(&second_base, &second).await, Append::Conflict));
    assert!(matches!(journal.append(&base, &first).await, Append::Done));
    assert!(matches!(journal.append(&base, &first).await, Append::Conflict));
    assert!(matches!(journal.append(&base, &other_first).await, Append::Conflict));
    assert!(matches!(journal.append(&other_base, &other_second).await, Append::Conflict));
    assert_eq!(journal.head().await.expect("the head"), first.position);
    assert!(matches!(journal.append(&second_base, &second).await, Append::Done));
    assert_eq!(journal.head().await.expect("the head"), second.position);
    let bodies: Vec<_> = journal.read_from(1, 9).await.expect("entries");
    assert_eq!(
        bodies.iter().map(|stored| &stored.body).collect::<Vec<_>>(),
        [&first.bytes, &second.bytes]
    );
}

async fn entries_are_read_in_order_and_found_by_time(place: Place) {
    let journal = Journal::open(place.journal().await).await.expect("the journal");
    assert_eq!(journal.seq_at(0).await.expect("a search"), 1);
    let mut state = State::new();
    let mut ends = Vec::new();
    for number in 0..9_u64 {
        let request = if number == 0 { opening(1, 10) } else { top_up(u128::from(number)) };
        let (base, entry) = next(&mut state, 1_000 * (number + 1), &request);
        assert!(matches!(journal.append(&base, &entry).await, Append::Done));
        ends.push(entry.position.timestamp);
    }
    for (seq, end) in (1..).zip(&ends) {
        assert_eq!(journal.seq_at(*end).await.expect("a search"), seq);
        assert_eq!(journal.seq_at(*end + 1).await.expect("a search"), seq + 1);
    }
    assert_eq!(journal.seq_at(0).await.expect("a search"), 1);
    let page = journal.read_from(4, 3).await.expect("entries");
    assert_eq!(page.iter().map(|stored| stored.seq).collect::<Vec<_>>(), [4, 5, 6]);
    assert!(journal.read_from(10, 3).await.expect("entries").is_empty());
}

async fn of_many_who_append_at_once_one_wins(place: Place) {
    let mut tasks = Vec::new();
    for number in 0..8_u64 {
        let journal = Journal::open(place.journal().await).await.expect("the journal");
        let (base, entry) = next(&mut State::new(), 1_000 + number, &opening(1, 10));
        tasks.push(tokio::spawn(async move { journal.append(&base, &entry).await }));
    }
    let mut done = 0;
    for task in tasks {
        match task.await.expect("the task ends") {
            Append::Done => done += 1,
            Append::Conflict => {}
            Append::Unknown(error) => panic!("{error}"),
        }
    }
    assert_eq!(done, 1);
}
