//! To which account a merchant is paid, and everybody who wants it to be another one.

use omamori::audit::Actor;
use omamori::clock::DAY;
use omamori::console::access::Role as Desk;
use omamori::merchant::access::Role;
use omamori::settlement::waiting::Waiting;
use omamori::settlement::{bank, payout, run};
use omamori::web::codes::Code;
use omamori_db::sql;
use omamori_zengin::{File, LineEnd};
use serde_json::{Value, json};

use crate::settlement::payouts::{PAY_ON, account, given, with_sender};
use crate::settlement::{TERMS, shop};
use crate::support::app::TestApp;
use crate::support::desk::Person;
use crate::support::on_both_engines;
use crate::support::shop::Register;
use crate::support::staff::Staff;
use crate::webhook::{Receiver, add};

on_both_engines!(
    an_owner_enters_the_account_and_sees_its_end,
    a_stolen_session_changes_no_account,
    a_swapped_account_is_not_paid_and_is_taken_back,
    two_approve_what_they_looked_at_and_nothing_else,
    what_is_wrong_with_an_account_is_said_at_its_field,
    all_of_the_merchant_are_told,
);

const BANK: &str = "/api/merchant/v1/bank";

/// An account, as the form sends it.
fn form(number: &str) -> Value {
    serde_json::to_value(account(number)).unwrap()
}

async fn owner(app: &TestApp, register: &Register) -> Staff {
    Staff::with_passkey(&app.app, &register.merchant_id, Role::Owner).await
}

async fn digits(app: &TestApp, register: &Register) -> Option<String> {
    let shown = bank::shown(&app.app, &register.merchant_id).await.unwrap();
    shown.map(|shown| shown.last_digits)
}

/// Goal: from the form to the page, which has no more than the last digits; a manager sees those
/// and has no form, and changes nothing.
async fn an_owner_enters_the_account_and_sees_its_end(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut owner = owner(app, &register).await;
    owner.confirmed(app, BANK, &form("1234567")).await.ok();
    let page = owner.call(app, "GET", "/merchant/bank", &Value::Null).await.text().to_owned();
    assert!(page.contains("****567") && !page.contains("1234567"), "{page}");
    let mut manager = Staff::with_passkey(&app.app, &register.merchant_id, Role::Manager).await;
    let page = manager.call(app, "GET", "/merchant/bank", &Value::Null).await.text().to_owned();
    assert!(page.contains("****567") && !page.contains("data-bank-form"), "{page}");
    manager.confirmed(app, BANK, &form("7654321")).await.refused(Code::Forbidden);
    let row = sql("SELECT sealed FROM payout_account WHERE merchant_id = $1");
    let row = app.app.stores.registry.one(row.bind(&register.merchant_id)).await.unwrap();
    let sealed = row.bytes("sealed").unwrap();
    assert!(!sealed.windows(7).any(|seven| seven == b"1234567"), "at rest it is sealed");
}

/// Goal: the attack by a stolen cookie: without the passkey, with its answer to another account or
/// to another act, and with an answer that was used, the account stays.
async fn a_stolen_session_changes_no_account(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut owner = owner(app, &register).await;
    let (mine, thiefs) = (form("1111111"), form("9999999"));
    owner.call(app, "POST", BANK, &thiefs).await.refused(Code::InvalidRequest);
    let for_mine = owner.credential(app, BANK, &mine).await.unwrap();
    let invite = json!({ "name": "x", "role": "clerk" });
    let people = "/api/merchant/v1/people";
    let for_invite = owner.credential(app, people, &invite).await.unwrap();
    for credential in [&for_mine, &for_invite] {
        let body = json!({ "request": thiefs, "credential": credential });
        owner.call(app, "POST", BANK, &body).await.refused(Code::ProofFailed);
    }
    assert_eq!(digits(app, &register).await, None);
    owner.confirmed(app, BANK, &mine).await.ok();
    let body = json!({ "request": mine, "credential": for_mine });
    owner.call(app, "POST", BANK, &body).await.refused(Code::ProofFailed);
    assert_eq!(digits(app, &register).await.as_deref(), Some("111"));
}

/// The account numbers in the file that is made now, and how many payouts wait for an account.
async fn paid(app: &TestApp) -> (Vec<String>, usize) {
    let actor = Actor::machine();
    let made = payout::make_file(&app.app, &actor, PAY_ON, "").await.unwrap();
    let waiting = made.waiting.iter().filter(|(_, why)| *why == Waiting::Account).count();
    let Some(file) = made.file else { return (Vec::new(), waiting) };
    let bytes = payout::contents(&app.app, &actor, &file.file_id).await.unwrap();
    let read = File::read(&bytes, LineEnd::CrLf).unwrap();
    let numbers = read.transfers.iter().map(|transfer| transfer.account.number.to_string());
    (numbers.collect(), waiting)
}

/// A page's link of finance: the word about the change that stands now.
async fn path(app: &TestApp, register: &Register, word: &str) -> String {
    let shown = bank::shown(&app.app, &register.merchant_id).await.unwrap().unwrap();
    format!("/payout-accounts/{}/{}/{word}", register.merchant_id, shown.changed_at)
}

/// Goal: the attack by an insider with an owner's passkey, a day before payday, twice, so that the
/// true account is forgotten: the payout waits, finance takes the change back, and the true account
/// is paid.
async fn a_swapped_account_is_not_paid_and_is_taken_back(app: &mut TestApp) {
    with_sender(app).await;
    let (register, customer) = shop(app, TERMS).await;
    let actor = Actor::machine();
    bank::set(&app.app, &actor, &register.merchant_id, &account("1111111")).await.unwrap();
    register.sell(app, "s-1", &customer.code(app.now()), 10_000).await.ok();
    app.clock.advance(31 * DAY);
    run::settle(&app.app, jiff::civil::date(2026, 4, 30)).await.unwrap();
    let mut insider = owner(app, &register).await;
    insider.confirmed(app, BANK, &form("8888888")).await.ok();
    app.clock.advance(1);
    insider.confirmed(app, BANK, &form("9999999")).await.ok();
    assert_eq!(paid(app).await, (Vec::new(), 1));

    let finance = Person::new(&app.app, Desk::Finance).await;
    let page = finance.get(app, "/console/settlements").await.text().to_owned();
    assert!(page.contains("****111 → ****999") && page.contains(&insider.user_id), "{page}");
    let refuse = path(app, &register, "refuse").await;
    let reason = json!({ "reason": "加盟店に電話で確認" });
    let viewer = Person::new(&app.app, Desk::Viewer).await;
    viewer.post(app, &refuse, &reason).await.refused(Code::Forbidden);
    assert!(finance.post(app, &refuse, &reason).await.status.is_success());
    finance.post(app, &refuse, &reason).await.refused(Code::NotFound);
    assert_eq!(paid(app).await, (vec!["1111111".to_owned()], 0));
}

/// Goal: finance asks the merchant about one account; two of them approve that one, and one alone
/// does not. An account that was put in its place meanwhile, before the one asked or after the
/// other agreed, is not approved with it. What is approved is paid at once.
async fn two_approve_what_they_looked_at_and_nothing_else(app: &mut TestApp) {
    with_sender(app).await;
    let (register, customer) = shop(app, TERMS).await;
    register.sell(app, "s-1", &customer.code(app.now()), 10_000).await.ok();
    app.clock.advance(31 * DAY);
    run::settle(&app.app, jiff::civil::date(2026, 4, 30)).await.unwrap();
    let mut owner = owner(app, &register).await;
    owner.confirmed(app, BANK, &form("1111111")).await.ok();
    let approve = path(app, &register, "approve").await;
    app.clock.advance(1);
    owner.confirmed(app, BANK, &form("9999999")).await.ok();
    let (finance, second) =
        (Person::new(&app.app, Desk::Finance).await, Person::new(&app.app, Desk::Finance).await);
    let reason = json!({ "reason": "加盟店に電話で確認" });
    finance.post(app, &approve, &reason).await.refused(Code::NotFound);
    assert_eq!(paid(app).await, (Vec::new(), 1));

    let asked = finance.post(app, &path(app, &register, "approve").await, &reason).await.ok();
    let too_late = asked["approval_id"].as_str().unwrap();
    given(app, &second, too_late).await;
    app.clock.advance(1);
    owner.confirmed(app, BANK, &form("1111111")).await.ok();
    let carry_out = |approval: &str| format!("/approvals/{approval}/carry-out");
    finance.post(app, &carry_out(too_late), &Value::Null).await.refused(Code::NotFound);

    let asked = finance.post(app, &path(app, &register, "approve").await, &reason).await.ok();
    let approval = asked["approval_id"].as_str().unwrap();
    finance.post(app, &carry_out(approval), &Value::Null).await.refused(Code::ApprovalClosed);
    assert_eq!(paid(app).await, (Vec::new(), 1), "one alone shortens no wait");
    given(app, &second, approval).await;
    finance.post(app, &carry_out(approval), &Value::Null).await.ok();
    assert_eq!(paid(app).await, (vec!["1111111".to_owned()], 0));
    let refuse = path(app, &register, "refuse").await;
    finance.post(app, &refuse, &reason).await.refused(Code::NotFound);
}

/// Goal: kanji, a short number, a bank of letters: each is told by its field before any passkey is
/// asked, and nothing is stored.
async fn what_is_wrong_with_an_account_is_said_at_its_field(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut owner = owner(app, &register).await;
    for (field, wrong) in [
        ("holder", "日の丸商店"),
        ("holder", ""),
        ("number", "123456"),
        ("number", "12345678"),
        ("bank", "00a1"),
        ("branch", "1"),
        ("kind", "3"),
        ("bank_name", "アアアアアアアアアアアアアアアア"),
    ] {
        let mut account = form("1111111");
        account[field] = wrong.into();
        let refused = owner.confirmed(app, BANK, &account).await;
        let error = refused.refused(Code::InvalidRequest);
        assert_eq!(error["fields"][0]["field"], field, "{error}");
    }
    assert_eq!(digits(app, &register).await, None);
}

/// Goal: a clerk who signs in sees that the account changed, and the merchant's server is told,
/// with no more than the last digits; once payouts go there the page is quiet again.
async fn all_of_the_merchant_are_told(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut owner = owner(app, &register).await;
    let receiver = Receiver::open().await;
    add(app, &owner, &receiver.url).await;
    owner.confirmed(app, BANK, &form("1234567")).await.ok();
    let told = sql("SELECT kind, body FROM webhook_event WHERE merchant_id = $1");
    let told = app.app.stores.registry.one(told.bind(&register.merchant_id)).await.unwrap();
    assert_eq!(told.text("kind").unwrap(), "payout_account.changed");
    let body = told.text("body").unwrap();
    assert!(body.contains("\"567\"") && !body.contains("1234567"), "{body}");
    let clerk = Staff::of_role(&app.app, &register.merchant_id, Role::Clerk).await;
    let page = clerk.call(app, "GET", "/merchant", &Value::Null).await.text().to_owned();
    assert!(page.contains("data-new-account") && page.contains("****567"), "{page}");
    app.clock.advance(4 * DAY);
    let clerk = Staff::of_role(&app.app, &register.merchant_id, Role::Clerk).await;
    let page = clerk.call(app, "GET", "/merchant", &Value::Null).await.text().to_owned();
    assert!(!page.contains("data-new-account"));
}
