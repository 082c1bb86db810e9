//! Payment codes: whose, when, and how many wrong ones.

use omamori_db::sql;
use omamori_paycode::code::{CustomerCode, DeviceNumber, OneTime};

use super::House;
use super::phone::{Phone, seconds};
use crate::clock::MINUTE;
use crate::web::codes::Code;

async fn check(house: &House, code: &CustomerCode, terminal: i64) -> Result<(), Code> {
    let checked = house.app.identity.codes.check(&house.app, code, terminal).await;
    checked.map(drop).map_err(|error| error.code())
}

fn wrong(code: &CustomerCode, guess: u32) -> CustomerCode {
    CustomerCode { one_time: OneTime::new(guess).unwrap(), ..*code }
}

#[tokio::test]
async fn a_code_is_right_in_its_step_and_beside_it() {
    let house = House::open().await;
    let phone = Phone::signed_up(&house).await;
    for steps in [-1, 0, 1] {
        assert_eq!(check(&house, &phone.code(&house, steps), 1).await, Ok(()), "{steps}");
    }
    assert_eq!(check(&house, &phone.code(&house, -2), 1).await, Err(Code::CodeExpired));
    let expired = phone.code(&house, 0);
    house.clock.advance(seconds(60));
    for _ in 0..10 {
        assert_eq!(check(&house, &expired, 1).await, Err(Code::CodeExpired), "no guess");
    }
    assert_eq!(check(&house, &phone.code(&house, 0), 1).await, Ok(()));
}

/// The numbers of a phone and of nobody: five wrong codes, the same six answers.
#[tokio::test]
async fn answers_do_not_tell_which_device_numbers_exist() {
    let house = House::open().await;
    let phone = Phone::signed_up(&house).await;
    let known = phone.code(&house, 0);
    let nobody = DeviceNumber::new((known.device.get() + 1) % 1_000_000_000).unwrap();
    let unknown = CustomerCode { device: nobody, ..known };
    for (code, terminal) in [(known, 1), (unknown, 2)] {
        let mut answers = Vec::new();
        for guess in 0..6 {
            answers.push(check(&house, &wrong(&code, guess), terminal).await);
        }
        let expected = [&[Err(Code::CodeWrong); 5][..], &[Err(Code::CodeLocked)]].concat();
        assert_eq!(answers, expected);
    }
    assert_eq!(check(&house, &known, 3).await, Err(Code::CodeLocked), "the right code too");
    assert!(house.sms(2).await.contains("ロック"), "the customer is told");
    house.clock.advance(MINUTE);
    assert_eq!(check(&house, &phone.code(&house, 0), 3).await, Ok(()));
}

#[tokio::test]
async fn a_terminal_that_guesses_at_many_phones_rests() {
    let house = House::open().await;
    let phone = Phone::signed_up(&house).await;
    let code = phone.code(&house, 0);
    for guess in 0..20 {
        let device = DeviceNumber::new((code.device.get() + 1 + guess) % 1_000_000_000).unwrap();
        let guessed = CustomerCode { device, ..wrong(&code, guess) };
        assert_eq!(check(&house, &guessed, 1).await, Err(Code::CodeWrong));
    }
    assert_eq!(check(&house, &code, 1).await, Err(Code::TerminalLocked));
    assert_eq!(check(&house, &code, 2).await, Ok(()), "other terminals go on");
    house.clock.advance(seconds(30));
    assert_eq!(check(&house, &phone.code(&house, 0), 1).await, Ok(()));
}

#[tokio::test]
async fn a_stopped_account_and_an_ended_phone_show_no_code_that_works() {
    let house = House::open().await;
    let phone = Phone::signed_up(&house).await;
    let registry = &house.app.stores.registry;
    assert_eq!(check(&house, &phone.code(&house, 0), 1).await, Ok(()));
    registry.execute(sql("UPDATE customer SET status = 'frozen'")).await.unwrap();
    assert_eq!(check(&house, &phone.code(&house, 0), 1).await, Ok(()), "remembered");
    house.app.identity.forget(phone.number());
    assert_eq!(check(&house, &phone.code(&house, 0), 1).await, Err(Code::AccountFrozen));
    registry.execute(sql("UPDATE device SET state = 'ended'")).await.unwrap();
    house.app.identity.forget(phone.number());
    assert_eq!(check(&house, &phone.code(&house, 0), 1).await, Err(Code::CodeWrong));
}
