//! Codes that are not right: each refused with its own reason, and counted where it is a guess.

use omamori::clock::{DAY, MINUTE, SECOND};
use omamori::web::codes::Code;

use crate::support::app::TestApp;
use crate::support::customer::{Customer, step_at};
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(
    a_code_is_good_for_its_step_and_the_ones_beside_it,
    a_code_that_is_not_right_is_refused_with_its_reason,
    a_refused_code_leaves_a_decision_and_no_money_behind,
    too_many_wrong_codes_lock_the_code_of_that_phone,
    too_many_wrong_codes_lock_the_terminal,
    a_phone_that_no_longer_pays_shows_no_code,
);

/// Another digit in one place, with the check digit made to fit again or not.
fn with_digit_changed(code: &str, place: usize, fit: bool) -> String {
    let mut digits: Vec<u8> = code.bytes().map(|byte| byte - b'0').collect();
    digits[place] = (digits[place] + 1) % 10;
    if fit {
        let sum: u32 = digits[..23]
            .iter()
            .rev()
            .enumerate()
            .map(|(index, digit)| {
                let weighted = u32::from(*digit) * if index % 2 == 0 { 2 } else { 1 };
                weighted / 10 + weighted % 10
            })
            .sum();
        digits[23] = u8::try_from((10 - sum % 10) % 10).unwrap();
    }
    digits.into_iter().map(|digit| char::from(b'0' + digit)).collect()
}

/// Goal: current, last and next step pay with each of their four codes; the step before that is
/// expired, and so it stays for ten minutes; what is older or farther ahead is a guess.
async fn a_code_is_good_for_its_step_and_the_ones_beside_it(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    register.top_up(app, "t-1", &customer.code_of(step_at(app.now()), 3), 5_000).await.ok();
    app.clock.advance(DAY);
    let step = step_at(app.now());
    for (number, (shown_at, count)) in
        [(step - 1, 0), (step - 1, 3), (step, 0), (step, 1), (step + 1, 0), (step + 1, 2)]
            .into_iter()
            .enumerate()
    {
        let code = customer.code_of(shown_at, count);
        register.sell(app, &format!("s-{number}"), &code, 100).await.ok();
    }
    for old in [2, 3, 21] {
        let code = customer.code_of(step - old, 0);
        register.sell(app, "late", &code, 100).await.refused(Code::CodeExpired);
    }
    for far in [step - 22, step + 2] {
        let code = customer.code_of(far, 0);
        register.sell(app, "far", &code, 100).await.refused(Code::CodeWrong);
    }
    assert_eq!(customer.balance(app), 4_400);
}

/// Goal: one wrong digit, another operator's prefix, a phone that there is not, another phone's
/// one-time part: each has its own answer, the same for sale and top-up.
async fn a_code_that_is_not_right_is_refused_with_its_reason(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    let other = Customer::new(&app.app).await;
    customer.load(app, &register, 5_000).await;
    let right = customer.code(app.now());
    let others = other.code(app.now());
    let mut crossed = format!("{}{}", &right[..15], &others[15..23]);
    crossed.push('0');
    let crossed = with_digit_changed(&with_digit_changed(&crossed, 20, true), 20, true);
    for (code, reason) in [
        (with_digit_changed(&right, 23, false), Code::CodeCheckDigit),
        (with_digit_changed(&right, 18, false), Code::CodeCheckDigit),
        (with_digit_changed(&right, 8, false), Code::CodeCheckDigit),
        (with_digit_changed(&right, 0, true), Code::CodeUnknownPrefix),
        (with_digit_changed(&right, 5, false), Code::CodeUnknownPrefix),
        (with_digit_changed(&right, 8, true), Code::CodeWrong),
        (with_digit_changed(&right, 18, true), Code::CodeWrong),
        (crossed, Code::CodeWrong),
    ] {
        register.sell(app, "s-1", &code, 100).await.refused(reason);
        register.top_up(app, "t-1", &code, 1_000).await.refused(reason);
    }
    register.sell(app, "s-1", &right, 100).await.ok();
    assert_eq!(customer.balance(app), 4_900);
    assert_eq!(other.balance(app), 0);
}

/// Goal: the gate writes down what it refused; the journal has nothing of it.
async fn a_refused_code_leaves_a_decision_and_no_money_behind(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    let (entries, decisions) = (app.journal_entries().await, app.decisions().await);
    let wrong = with_digit_changed(&customer.code(app.now()), 17, true);
    register.sell(app, "s-1", &wrong, 100).await.refused(Code::CodeWrong);
    assert_eq!(app.journal_entries().await, entries);
    assert_eq!(app.decisions().await, decisions + 1);
}

/// Goal: five wrong codes rest the code of that phone for a minute, then for two; the right code
/// is refused too meanwhile; another customer pays; an expired code is no guess.
async fn too_many_wrong_codes_lock_the_code_of_that_phone(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    let neighbour = Customer::new(&app.app).await;
    customer.load(app, &register, 5_000).await;
    neighbour.load(app, &register, 5_000).await;
    for old in 2..12 {
        let expired = customer.code_of(step_at(app.now()) - old, 0);
        register.sell(app, "old", &expired, 100).await.refused(Code::CodeExpired);
    }
    for (round, lock) in [MINUTE, 2 * MINUTE].into_iter().enumerate() {
        let wrong = with_digit_changed(&customer.code(app.now()), 19, true);
        for _ in 0..5 {
            register.sell(app, "wrong", &wrong, 100).await.refused(Code::CodeWrong);
        }
        let right = customer.code(app.now());
        register.sell(app, "right", &right, 100).await.refused(Code::CodeLocked);
        let id = format!("neighbour-{round}");
        register.sell(app, &id, &neighbour.code(app.now()), 100).await.ok();
        app.clock.advance(lock - SECOND);
        let right = customer.code(app.now());
        register.sell(app, "right", &right, 100).await.refused(Code::CodeLocked);
        app.clock.advance(SECOND);
        register.sell(app, &format!("s-{round}"), &customer.code(app.now()), 100).await.ok();
    }
    assert_eq!(customer.balance(app), 4_800);
    assert_eq!(neighbour.balance(app), 4_800);
}

/// Goal: a register that tries numbers is paused and told for how long; the one beside it sells.
async fn too_many_wrong_codes_lock_the_terminal(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let beside = Register::of_store(&app.app, &register.merchant_id, &register.store_id).await;
    let customer = Customer::new(&app.app).await;
    customer.load(app, &register, 5_000).await;
    let code = customer.code(app.now());
    for number in 0..20 {
        // Numbers of phones that there are not, so that no phone's code is locked.
        let device = format!("{:09}", 100_000_000 + number * 7);
        let guess = format!("{}{device}{}", &code[..6], &code[15..]);
        let guess = with_digit_changed(&guess, 22, true);
        register.sell(app, "guess", &guess, 100).await.refused(Code::CodeWrong);
    }
    let refused = register.sell(app, "s-1", &code, 100).await;
    refused.refused(Code::TerminalLocked);
    let seconds: i64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    beside.sell(app, "s-1", &code, 100).await.ok();
    app.clock.advance(seconds * SECOND);
    register.sell(app, "s-2", &customer.code(app.now()), 100).await.ok();
}

/// Goal: a phone that another took the place of, or whose customer is stopped, does not pay from
/// the moment that the nodes are told.
async fn a_phone_that_no_longer_pays_shows_no_code(app: &mut TestApp) {
    use omamori::db::changes::{Subject, changed};
    use omamori_db::sql;
    let register = Register::new(&app.app).await;
    let (moved, frozen) = (Customer::new(&app.app).await, Customer::new(&app.app).await);
    moved.load(app, &register, 5_000).await;
    frozen.load(app, &register, 5_000).await;
    let registry = &app.app.stores.registry;
    let end = sql("UPDATE device SET state = 'ended' WHERE device_id = $1");
    registry.execute(end.bind(&moved.device_id)).await.unwrap();
    changed(&app.app, Subject::Device(moved.device_number)).await.unwrap();
    let freeze = sql("UPDATE customer SET status = 'frozen' WHERE customer_id = $1");
    registry.execute(freeze.bind(&frozen.customer_id)).await.unwrap();
    changed(&app.app, Subject::Device(frozen.device_number)).await.unwrap();
    register.sell(app, "s-1", &moved.code(app.now()), 100).await.refused(Code::CodeWrong);
    register.sell(app, "s-2", &frozen.code(app.now()), 100).await.refused(Code::AccountFrozen);
}
