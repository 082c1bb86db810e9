use super::*;
use crate::gate::reservation::{handover_id, void_id};

const CUSTOMER: u128 = 7;
const HOUR: u64 = 3_600 * 1_000_000_000;
const START: u64 = 1_000_000 * HOUR;

fn transfer(code: TransferCode, amount: u64, timestamp: u64, then: u32) -> Fact {
    let (debit_account_id, credit_account_id) = match code {
        TransferCode::Payment | TransferCode::TopupCashCancel => (CUSTOMER, 1),
        _ => (1, CUSTOMER),
    };
    Fact::TransferCreated(Transfer {
        code: code.number(),
        amount,
        user_data_64: Position { amount: amount.cast_signed(), to_customer: amount.cast_signed() }
            .user_data(),
        timestamp,
        debit_account_id,
        credit_account_id,
        user_data_32: then,
        ..Transfer::default()
    })
}

fn admission(amount: i64) -> Admission {
    Admission {
        account: CUSTOMER,
        amount,
        bounds: vec![
            Bound::day(Class::Payment, 10_000, Code::LimitPayment24h),
            Bound::month(Class::Payment, 15_000, Code::LimitPayment30d),
        ],
        flow: Flow::Out,
    }
}

#[test]
fn windows_roll_and_never_open_early() {
    let mut windows = Windows::default();
    windows.observe(&[transfer(TransferCode::Payment, 9_000, START, 0)]);
    let check = |windows: &Windows, yen, at| windows.check(&admission(yen), 0, at);
    assert_eq!(check(&windows, 1_000, START), Ok(()));
    assert_eq!(check(&windows, 1_001, START), Err(Code::LimitPayment24h));
    assert_eq!(check(&windows, 1_001, START + 24 * HOUR), Err(Code::LimitPayment24h));
    assert_eq!(check(&windows, 6_000, START + 25 * HOUR), Ok(()));
    assert_eq!(check(&windows, 6_001, START + 25 * HOUR), Err(Code::LimitPayment30d));
    assert_eq!(check(&windows, 10_000, START + 31 * 24 * HOUR), Ok(()));
}

#[test]
fn a_refund_gives_the_limit_back_where_it_was_used() {
    let mut windows = Windows::default();
    windows.observe(&[
        transfer(TransferCode::Payment, 9_000, START, 0),
        transfer(TransferCode::Payment, 500, START + 2 * HOUR, 0),
        transfer(TransferCode::RefundPosition, 4_000, START + 3 * HOUR, slot(START)),
    ]);
    let used = windows.used(CUSTOMER, Class::Payment, START + 3 * HOUR);
    assert_eq!(used, Used { in_24h: 5_500, in_30d: 5_500 });
    let later = windows.used(CUSTOMER, Class::Payment, START + 25 * HOUR);
    assert_eq!(later, Used { in_24h: 500, in_30d: 5_500 });
}

/// Sixteen top-ups by card under way use the limit sixteen times, before any card has paid.
#[test]
fn a_reservation_uses_the_limit_until_it_is_void_or_expired() {
    let mut windows = Windows::default();
    let reserve = |id: u128| {
        let Fact::TransferCreated(transfer) = transfer(TransferCode::TopupCard, 10_000, START, 0)
        else {
            unreachable!()
        };
        Transfer { id, flags: TransferFlags::PENDING, ..transfer }
    };
    let resolve = |pending_id: u128, flags: TransferFlags| {
        let timestamp = START + 3 * HOUR;
        Fact::TransferCreated(Transfer {
            id: pending_id + 100,
            pending_id,
            flags,
            timestamp,
            ..reserve(0)
        })
    };
    windows.observe(&[1, 2, 3].map(|id| Fact::TransferCreated(reserve(id))));
    let used = |windows: &Windows, class, at| windows.used(CUSTOMER, class, at).in_24h;
    assert_eq!(used(&windows, Class::CardTopup, START), 30_000);
    assert_eq!(used(&windows, Class::Topup, START), 30_000);
    windows.observe(&[resolve(1, TransferFlags::POST_PENDING_TRANSFER)]);
    assert_eq!(used(&windows, Class::CardTopup, START + 3 * HOUR), 30_000, "not twice");
    windows.observe(&[resolve(2, TransferFlags::VOID_PENDING_TRANSFER)]);
    assert_eq!(used(&windows, Class::CardTopup, START + 3 * HOUR), 20_000);
    let expired = Fact::PendingTransferExpired { pending_id: 3, timestamp: START + 4 * HOUR };
    windows.observe(&[expired]);
    assert_eq!(used(&windows, Class::CardTopup, START + 4 * HOUR), 10_000);
    assert_eq!(used(&windows, Class::CardTopup, START + 25 * HOUR), 0, "counted at its start");
}

#[test]
fn a_payment_counts_once_with_all_kinds_of_value() {
    let mut windows = Windows::default();
    windows.observe(&[
        transfer(TransferCode::Payment, 100, START, 700),
        transfer(TransferCode::FreeSpent, 400, START, 0),
        transfer(TransferCode::Payment, 50, START, 0),
    ]);
    assert_eq!(windows.used(CUSTOMER, Class::Payment, START).in_24h, 750);
}

#[test]
fn a_top_up_may_not_pass_the_largest_balance() {
    let windows = Windows::default();
    let flow = Flow::In { balance_max: 100_000 };
    let topup = Admission { bounds: Vec::new(), flow, ..admission(5_000) };
    assert_eq!(windows.check(&topup, 95_000, START), Ok(()));
    assert_eq!(windows.check(&topup, 95_001, START), Err(Code::LimitBalance));
}

/// What is set aside counts from then on; a capture of less gives the rest back exactly, and what
/// was captured counts when it was set aside, not a second time when it is captured.
#[test]
fn an_authorization_counts_once_and_gives_back_what_is_not_captured() {
    let phase = |at, yen, (id, pending_id): (u128, u128), code: TransferCode, flags| {
        let Fact::TransferCreated(made) = transfer(TransferCode::Payment, yen, at, 0) else {
            unreachable!()
        };
        let code = code.number();
        Fact::TransferCreated(Transfer { id, pending_id, code, flags, ..made })
    };
    let (set_aside_code, payment) = (TransferCode::Authorization, TransferCode::Payment);
    let set_aside = |id, at, yen| phase(at, yen, (id, 0), set_aside_code, TransferFlags::PENDING);
    let void = |id, pending_id, at| {
        phase(at, 0, (id, pending_id), set_aside_code, TransferFlags::VOID_PENDING_TRANSFER)
    };
    let capture = |id, at, yen| {
        let (first, post) = (handover_id(id), TransferFlags::POST_PENDING_TRANSFER);
        [
            void(id + 50, id, at),
            phase(at, yen, (first, 0), payment, TransferFlags::PENDING),
            phase(at, yen, (id + 70, first), payment, post),
        ]
    };
    let mut windows = Windows::default();
    let used = |windows: &Windows, at| windows.used(CUSTOMER, Class::Payment, at).in_24h;
    windows.observe(&[set_aside(1, START, 1_000), set_aside(2, START, 2_000)]);
    windows.observe(&[set_aside(3, START + HOUR, 4_000)]);
    assert_eq!(used(&windows, START + HOUR), 7_000);
    assert_eq!(windows.reservations(CUSTOMER), [1, 2, 3]);
    windows.observe(&capture(1, START + 3 * HOUR, 300));
    assert_eq!(used(&windows, START + 3 * HOUR), 6_300);
    windows.observe(&[void(void_id(2), 2, START + 4 * HOUR)]);
    assert_eq!(used(&windows, START + 4 * HOUR), 4_300);
    assert_eq!(windows.reservations(CUSTOMER), [3]);
    assert_eq!(used(&windows, START + 24 * HOUR + HOUR / 2), 4_000, "where it was set aside");
    let timestamp = START + 5 * HOUR;
    windows.observe(&[Fact::PendingTransferExpired { pending_id: 3, timestamp }]);
    assert_eq!(used(&windows, START + 5 * HOUR), 300);
    assert!(windows.reservations(CUSTOMER).is_empty());
    // One that was set aside before all windows, of which a restarted node never heard.
    windows.observe(&capture(9, START + 6 * HOUR, 500));
    assert_eq!(used(&windows, START + 6 * HOUR), 300);
}
