//! What a merchant's people are told by e-mail, and everybody who wants them not to be.

use omamori::audit::Actor;
use omamori::clock::{DAY, HOUR, MINUTE};
use omamori::config::Mail;
use omamori::merchant::access::Role;
use omamori::merchant::notice::{deliver_due, tell};
use omamori::merchant::{MerchantNotice, create_terminal};
use omamori::notify::Channel;
use omamori::privacy::retain;
use omamori::settlement::{bank, payout, returned, run};
use omamori::web::codes::Code;
use omamori::webhook;
use omamori_db::sql;
use serde_json::{Value, json};

use crate::notices::outbox::sent;
use crate::payback::announced;
use crate::settlement::payouts::{PAY_ON, account, with_sender};
use crate::settlement::{APRIL, TERMS, shop};
use crate::support::answer::Answer;
use crate::support::app::{Node, TestApp};
use crate::support::shop::Register;
use crate::support::staff::Staff;
use crate::support::{at_once, on_both_engines, on_several_nodes, wait_until};
use crate::webhook::{Does, Receiver, add};

on_both_engines!(
    an_address_counts_after_its_code_and_the_one_before_is_told,
    a_stolen_session_moves_and_silences_nobody,
    a_code_is_one_persons_and_has_five_tries,
    codes_are_few_and_say_nothing_of_others,
    from_the_statement_to_the_payout_that_came_back,
    a_changed_account_is_told_to_every_owner_at_every_address,
    people_and_keys_are_told_to_who_may_know,
    a_webhook_and_the_end_of_the_service_are_told,
    what_is_switched_off_is_not_sent_and_security_is,
    a_flood_of_one_kind_hides_no_other,
    a_notice_is_there_if_and_only_if_the_change_is,
    what_cannot_be_sent_is_given_up_and_read_in_the_office,
    what_was_kept_long_enough_goes,
);
on_several_nodes!(two_nodes_send_each_letter_once);

pub(super) const EMAIL: &str = "/api/merchant/v1/email";
pub(super) const PEOPLE: &str = "/api/merchant/v1/people";

/// The letters to an address, the oldest first: subject and text.
pub(super) fn letters(node: &Node, to: &str) -> Vec<(String, String)> {
    let mail = sent(node).into_iter().filter(|one| one.channel == Channel::Email && one.to == to);
    mail.map(|one| (one.title.unwrap_or_default(), one.text)).collect()
}

/// Their subjects, without the codes.
pub(super) async fn told(app: &TestApp, to: &str) -> Vec<String> {
    deliver_due(&app.app).await.unwrap();
    let notices = letters(app, to).into_iter().map(|(subject, _)| subject);
    notices.filter(|subject| !subject.contains("認証コード")).collect()
}

/// The newest code to an address.
async fn code(app: &TestApp, to: &str, count: usize) -> String {
    let codes = || sent(app).into_iter().filter(|one| one.to == to && one.code().is_some());
    wait_until(|| codes().count() >= count).await;
    codes().next_back().unwrap().code().unwrap().to_owned()
}

/// Asks for an address, and gives the check.
pub(super) async fn asked(app: &TestApp, staff: &mut Staff, to: &str) -> String {
    let begun = staff.confirmed(app, EMAIL, &json!({ "email": to })).await.ok();
    begun["check_id"].as_str().unwrap().to_owned()
}

async fn typed(app: &TestApp, staff: &Staff, check_id: &str, code: &str) -> Answer {
    let body = json!({ "check_id": check_id, "code": code });
    staff.call(app, "POST", &format!("{EMAIL}/confirm"), &body).await
}

/// From the wish to the confirmed address.
pub(super) async fn at(app: &TestApp, staff: &mut Staff, to: &str) {
    let count = sent(app).into_iter().filter(|one| one.to == to && one.code().is_some()).count();
    let check_id = asked(app, staff, to).await;
    let code = code(app, to, count + 1).await;
    assert_eq!(typed(app, staff, &check_id, &code).await.status, 204);
}

/// Somebody of a merchant who is told at an address.
pub(super) async fn person(app: &TestApp, register: &Register, role: Role, to: &str) -> Staff {
    app.clock.advance(1); // what was before is not told
    let mut staff = Staff::with_passkey(&app.app, &register.merchant_id, role).await;
    at(app, &mut staff, to).await;
    deliver_due(&app.app).await.unwrap();
    staff
}

pub(super) async fn page(app: &TestApp, staff: &Staff) -> String {
    staff.call(app, "GET", "/merchant/notices", &Value::Null).await.text().to_owned()
}

/// Goal: nothing goes to an address before its code was typed; from then on it does, masked on the
/// page; the address before is told of the next change, and of security for seven days.
async fn an_address_counts_after_its_code_and_the_one_before_is_told(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut owner = Staff::with_passkey(&app.app, &register.merchant_id, Role::Owner).await;
    let home = owner.call(app, "GET", "/merchant", &Value::Null).await.text().to_owned();
    assert!(home.contains("data-no-address"), "{home}");
    let check_id = asked(app, &mut owner, "a@example.jp").await;
    create_terminal(&app.app, &register.store_id, "レジ2", "till").await.unwrap();
    assert_eq!(told(app, "a@example.jp").await, Vec::<String>::new());
    let code = code(app, "a@example.jp", 1).await;
    assert_eq!(typed(app, &owner, &check_id, &code).await.status, 204);
    typed(app, &owner, &check_id, &code).await.refused(Code::ProofFailed); // used up
    assert_eq!(told(app, "a@example.jp").await.len(), 1, "told of itself");
    let shown = page(app, &owner).await;
    assert!(shown.contains("a***@example.jp") && !shown.contains("a@example.jp"), "{shown}");

    at(app, &mut owner, "b@example.jp").await;
    assert_eq!(told(app, "b@example.jp").await.len(), 1);
    assert_eq!(told(app, "a@example.jp").await.len(), 2, "the address before is told");
    create_terminal(&app.app, &register.store_id, "レジ3", "till").await.unwrap();
    assert_eq!(told(app, "a@example.jp").await.len(), 3, "of security, for seven days");
    app.clock.advance(7 * DAY + MINUTE);
    create_terminal(&app.app, &register.store_id, "レジ4", "till").await.unwrap();
    assert_eq!(told(app, "a@example.jp").await.len(), 3, "no longer");
    let (_, letter) = letters(app, "b@example.jp").pop().unwrap();
    assert!(letter.contains("レジ4") && letter.contains("管理画面"), "{letter}");
    assert!(!letter.contains("://") && !letter.contains("omk_"), "no link, no key: {letter}");
}

/// Goal: who has a cookie and not the passkey neither moves the letters nor stops them: no answer,
/// the answer to another address, the answer to an address for a removal.
async fn a_stolen_session_moves_and_silences_nobody(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut owner = person(app, &register, Role::Owner, "a@example.jp").await;
    let (mine, thiefs) = (json!({ "email": "b@example.jp" }), json!({ "email": "t@example.jp" }));
    owner.call(app, "POST", EMAIL, &thiefs).await.refused(Code::InvalidRequest);
    let credential = owner.credential(app, EMAIL, &mine).await.unwrap();
    let body = json!({ "request": thiefs, "credential": credential });
    owner.call(app, "POST", EMAIL, &body).await.refused(Code::ProofFailed);
    let credential = owner.credential(app, EMAIL, &mine).await.unwrap();
    let remove = format!("{EMAIL}/remove");
    let body = json!({ "request": {}, "credential": credential });
    owner.call(app, "POST", &remove, &body).await.refused(Code::ProofFailed);
    assert!(page(app, &owner).await.contains("a***@example.jp"));
    assert_eq!(letters(app, "t@example.jp"), []);

    assert_eq!(owner.confirmed(app, &remove, &json!({})).await.status, 204);
    owner.confirmed(app, &remove, &json!({})).await.refused(Code::NotFound);
    let subjects = told(app, "a@example.jp").await;
    assert!(subjects.last().unwrap().contains("外されました"), "{subjects:?}");
    for wrong in ["", "a", "a@example", "a@example.jp\r\nBcc: t@example.jp", "花子@example.jp"] {
        let refused = owner.credential(app, EMAIL, &json!({ "email": wrong })).await.unwrap_err();
        let error = refused.refused(Code::InvalidRequest);
        assert_eq!(error["fields"][0]["field"], "email", "{wrong}");
    }
}

/// Goal: the code of one person's letter is worth nothing to a colleague or to another merchant's
/// person, whoever has the check's id; five wrong codes are all there are; ten minutes too.
async fn a_code_is_one_persons_and_has_five_tries(app: &mut TestApp) {
    let (register, rival) = (Register::new(&app.app).await, Register::new(&app.app).await);
    let mut owner = Staff::with_passkey(&app.app, &register.merchant_id, Role::Owner).await;
    let colleague = Staff::of_role(&app.app, &register.merchant_id, Role::Owner).await;
    let theirs = Staff::of_role(&app.app, &rival.merchant_id, Role::Owner).await;
    let check_id = asked(app, &mut owner, "a@example.jp").await;
    let right = code(app, "a@example.jp", 1).await;
    for other in [&colleague, &theirs] {
        typed(app, other, &check_id, &right).await.refused(Code::ProofFailed);
    }
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        typed(app, &owner, &check_id, wrong).await.refused(Code::ProofFailed);
    }
    typed(app, &owner, &check_id, &right).await.refused(Code::ProofFailed);
    typed(app, &owner, "chk_none", &right).await.refused(Code::ProofFailed);

    let check_id = asked(app, &mut owner, "a@example.jp").await;
    let right = code(app, "a@example.jp", 2).await;
    app.clock.advance(10 * MINUTE);
    typed(app, &owner, &check_id, &right).await.refused(Code::ProofFailed);
    assert!(!page(app, &owner).await.contains("@example.jp"));
}

/// Goal: nobody has codes poured over an address, by one account or by many; and the answers to an
/// address that another merchant has are those to one that nobody has.
async fn codes_are_few_and_say_nothing_of_others(app: &mut TestApp) {
    let (register, rival) = (Register::new(&app.app).await, Register::new(&app.app).await);
    person(app, &rival, Role::Owner, "known@example.jp").await;
    let mut owner = Staff::with_passkey(&app.app, &register.merchant_id, Role::Owner).await;
    let known = owner.confirmed(app, EMAIL, &json!({ "email": "known@example.jp" })).await.ok();
    let unknown = owner.confirmed(app, EMAIL, &json!({ "email": "new@example.jp" })).await.ok();
    let names = |body: &Value| body.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&known), names(&unknown));
    for place in 0..3 {
        asked(app, &mut owner, &format!("n{place}@example.jp")).await;
    }
    let more = owner.confirmed(app, EMAIL, &json!({ "email": "n9@example.jp" })).await;
    more.refused(Code::TooManyRequests);

    for place in 0..5 {
        let mut other = Staff::with_passkey(&app.app, &register.merchant_id, Role::Clerk).await;
        let wish = json!({ "email": "victim@example.jp" });
        assert!(other.confirmed(app, EMAIL, &wish).await.status == 200, "{place}");
    }
    let mut other = Staff::with_passkey(&app.app, &rival.merchant_id, Role::Clerk).await;
    let more = other.confirmed(app, EMAIL, &json!({ "email": "victim@example.jp" })).await;
    more.refused(Code::TooManyRequests);
    app.clock.advance(DAY + MINUTE);
    other.token.push('x'); // a session of the next day
    other.sign_in(&app.app).await;
    asked(app, &mut other, "victim@example.jp").await;
}

/// Goal: the statement, the payout and its return are told to owner and manager, each once and in
/// their language; not to the clerk, and not to another merchant.
async fn from_the_statement_to_the_payout_that_came_back(app: &mut TestApp) {
    with_sender(app).await;
    let (register, customer) = shop(app, TERMS).await;
    let (rival, _) = shop(app, TERMS).await;
    let actor = Actor::machine();
    bank::set(&app.app, &actor, &register.merchant_id, &account("1111111")).await.unwrap();
    person(app, &register, Role::Owner, "owner@example.jp").await;
    let manager = person(app, &register, Role::Manager, "manager@example.jp").await;
    let english = json!({ "on": ["statement", "payout"], "language": "en" });
    let choose = format!("{EMAIL}/choices");
    assert_eq!(manager.call(app, "POST", &choose, &english).await.status, 204);
    person(app, &register, Role::Clerk, "clerk@example.jp").await;
    person(app, &rival, Role::Owner, "rival@example.jp").await;
    let known = told(app, "owner@example.jp").await.len();
    register.sell(app, "s-1", &customer.code(app.now()), 10_000).await.ok();
    app.clock.advance(31 * DAY);
    for _ in 0..2 {
        run::settle(&app.app, APRIL).await.unwrap();
    }
    let file = payout::make_file(&app.app, &actor, PAY_ON, "").await.unwrap().file.unwrap();
    for _ in 0..2 {
        payout::sent(&app.app, &actor, &file.file_id, "").await.unwrap();
    }
    let payouts = payout::of_merchant(&app.app, &register.merchant_id, 9).await.unwrap();
    for _ in 0..2 {
        returned::returned(&app.app, &actor, &payouts[0].payout_id, "口座相違").await.unwrap();
    }
    let subjects = told(app, "owner@example.jp").await.split_off(known);
    let title = |word: &str| format!("【お守りPay】{word}");
    let words = ["精算書ができました", "振込を依頼しました", "振込が戻りました"];
    let mut expected = words.map(title).to_vec();
    let mut found = subjects;
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    let yen = omamori::web::filters::yen_text(file.total);
    let all = letters(app, "owner@example.jp");
    assert_eq!(all.iter().filter(|(_, text)| text.contains(&yen)).count(), 3, "{all:?}");
    let english = letters(app, "manager@example.jp");
    assert!(english.iter().any(|(subject, _)| subject.contains("A payout came back")));
    for other in ["clerk@example.jp", "rival@example.jp"] {
        let mine = told(app, other).await;
        assert!(!mine.iter().any(|one| one.contains("振込") || one.contains("精算")), "{mine:?}");
    }
}

/// Goal: the attack by an insider with an owner's passkey who changes the account after moving the
/// letters of his own address away: every owner knows, the address before too, and of its end.
async fn a_changed_account_is_told_to_every_owner_at_every_address(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    person(app, &register, Role::Owner, "true@example.jp").await;
    person(app, &register, Role::Manager, "manager@example.jp").await;
    let mut insider = person(app, &register, Role::Owner, "victim@example.jp").await;
    at(app, &mut insider, "thief@example.jp").await;
    let everything_off = json!({ "on": [], "language": "ja" });
    let choose = format!("{EMAIL}/choices");
    assert_eq!(insider.call(app, "POST", &choose, &everything_off).await.status, 204);
    let form = serde_json::to_value(account("9999999")).unwrap();
    insider.confirmed(app, "/api/merchant/v1/bank", &form).await.ok();
    let shown = bank::shown(&app.app, &register.merchant_id).await.unwrap().unwrap();
    let change = (register.merchant_id.as_str(), shown.changed_at);
    bank::refuse(&app.app, &Actor::machine(), change, "電話で確認").await.unwrap();
    for to in ["true@example.jp", "victim@example.jp", "thief@example.jp"] {
        let subjects = told(app, to).await;
        for word in ["振込先が変更されました", "振込先の変更を取り消しました"]
        {
            assert!(subjects.iter().any(|one| one.contains(word)), "{to}: {subjects:?}");
        }
    }
    let (_, letter) = letters(app, "true@example.jp")
        .into_iter()
        .find(|(subject, _)| subject.contains("変更されました") && subject.contains("振込先"))
        .unwrap();
    assert!(letter.contains("末尾999") && letter.contains("操作した人: 店長"), "{letter}");
    assert!(!letter.contains("9999999"), "{letter}");
    let manager = told(app, "manager@example.jp").await;
    assert!(!manager.iter().any(|one| one.contains("振込先")), "{manager:?}");
}

/// Goal: invitations, roles and removals are told to owners and to whom they are about; keys to who
/// runs the stores. Somebody removed hears of that, and of nothing after it. What others chose as
/// a name becomes no link.
async fn people_and_keys_are_told_to_who_may_know(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut owner = person(app, &register, Role::Owner, "owner@example.jp").await;
    let manager = person(app, &register, Role::Manager, "manager@example.jp").await;
    person(app, &register, Role::Clerk, "clerk@example.jp").await;
    let wish = json!({ "name": "tap https://evil.example", "role": "clerk" });
    owner.confirmed(app, PEOPLE, &wish).await.ok();
    let path = format!("{PEOPLE}/{}", manager.user_id);
    let rotate = format!("/api/merchant/v1/terminals/{}/rotate", register.terminal_id);
    manager.call(app, "POST", &rotate, &json!({ "at_once": false })).await.ok();
    deliver_due(&app.app).await.unwrap(); // to those who have the role by then
    let down = owner.confirmed(app, &format!("{path}/role"), &json!({ "role": "clerk" })).await;
    assert_eq!(down.status, 204);
    assert_eq!(owner.confirmed(app, &format!("{path}/remove"), &json!({})).await.status, 204);
    create_terminal(&app.app, &register.store_id, "レジ9", "till").await.unwrap();

    let subjects = told(app, "owner@example.jp").await;
    for word in ["招待されました", "役割が変わりました", "外されました", "新しいキー", "端末が追加"]
    {
        let of = |(subject, text): &(String, String)| subject.contains(word) || text.contains(word);
        assert!(letters(app, "owner@example.jp").iter().any(of), "{word}: {subjects:?}");
    }
    let to_manager = told(app, "manager@example.jp").await.join("\n");
    for word in ["端末のキーが変わりました", "役割が変わりました", "メンバーが外されました"]
    {
        assert!(to_manager.contains(word), "{word}: {to_manager}");
    }
    assert!(!to_manager.contains("招待") && !to_manager.contains("端末が追加"), "{to_manager}");
    assert_eq!(told(app, "clerk@example.jp").await.len(), 1, "of its own address alone");
    for one in sent(app) {
        assert!(!one.text.contains("evil.example"), "{}", one.text);
        assert!(!one.text.contains("omk_") && !one.text.contains("inv_"), "{}", one.text);
    }
}

/// Goal: a webhook that nobody takes, and the end of the service: the second to everybody of every
/// merchant, the first to those who run the stores.
async fn a_webhook_and_the_end_of_the_service_are_told(app: &mut TestApp) {
    with_sender(app).await;
    let (register, rival) = (Register::new(&app.app).await, Register::new(&app.app).await);
    let owner = person(app, &register, Role::Owner, "owner@example.jp").await;
    person(app, &register, Role::Clerk, "clerk@example.jp").await;
    person(app, &rival, Role::Manager, "rival@example.jp").await;
    let receiver = Receiver::open().await;
    let made = add(app, &owner, &receiver.url).await;
    receiver.does([Does::Says(410)]);
    let test = format!("/api/merchant/v1/webhooks/{}/test", made["endpoint_id"].as_str().unwrap());
    assert!(owner.call(app, "POST", &test, &Value::Null).await.status.is_success());
    webhook::deliver_due(&app.app).await.unwrap();
    announced(app).await;
    let has = |all: &[String], word: &str| all.iter().filter(|one| one.contains(word)).count();
    let (webhook, end) = ("Webhookが止まりました", "サービス終了のお知らせ");
    for (to, expected) in
        [("owner@example.jp", (1, 1)), ("clerk@example.jp", (0, 1)), ("rival@example.jp", (0, 1))]
    {
        let subjects = told(app, to).await;
        assert_eq!((has(&subjects, webhook), has(&subjects, end)), expected, "{to}: {subjects:?}");
    }
}

/// Goal: what somebody switched off does not come by e-mail and stands on the page; a topic that
/// there is not, and security, cannot be switched off.
async fn what_is_switched_off_is_not_sent_and_security_is(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let owner = person(app, &register, Role::Owner, "owner@example.jp").await;
    let choose = format!("{EMAIL}/choices");
    for wrong in [json!({ "on": ["security"], "language": "ja" }), json!({ "on": [] })] {
        owner.call(app, "POST", &choose, &wrong).await.refused(Code::InvalidRequest);
    }
    let odd = json!({ "on": [], "language": "xx" });
    owner.call(app, "POST", &choose, &odd).await.refused(Code::InvalidRequest);
    let off = json!({ "on": ["payout", "webhook", "service"], "language": "ja" });
    assert_eq!(owner.call(app, "POST", &choose, &off).await.status, 204);
    let closing_on = || "2026-04-30".to_owned();
    for notice in [
        MerchantNotice::Statement { closing_on: closing_on(), payout: 1 },
        MerchantNotice::PayoutSent { closing_on: closing_on(), yen: 1 },
        MerchantNotice::KeyCreated { terminal: "レジ".to_owned() },
    ] {
        let mut tx = app.app.stores.registry.begin().await.unwrap();
        tell(&app.app, &mut tx, &register.merchant_id, "", &notice).await.unwrap();
        tx.commit().await.unwrap();
    }
    let subjects = told(app, "owner@example.jp").await;
    assert_eq!(subjects.len(), 3, "address, payout, key: {subjects:?}");
    assert!(!subjects.iter().any(|one| one.contains("精算書")), "{subjects:?}");
    let page = page(app, &owner).await;
    assert!(page.contains("精算書ができました"), "{page}");
    assert!(page.contains(r#"value="payout" checked"#), "{page}");
    assert!(!page.contains(r#"value="statement" checked"#), "{page}");
}

/// Goal: a manager's stolen session gives a register new keys a hundred times, so that the letter
/// about the account drowns: of those some are left out, of the account none.
async fn a_flood_of_one_kind_hides_no_other(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let owner = person(app, &register, Role::Owner, "owner@example.jp").await;
    let rotate = format!("/api/merchant/v1/terminals/{}/rotate", register.terminal_id);
    for _ in 0..60 {
        owner.call(app, "POST", &rotate, &json!({ "at_once": false })).await.ok();
    }
    let actor = Actor::machine();
    bank::set(&app.app, &actor, &register.merchant_id, &account("1111111")).await.unwrap();
    let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM merchant_letter l
         JOIN merchant_notice n ON n.notice_id = l.notice_id WHERE n.kind = $1");
    deliver_due(&app.app).await.unwrap();
    for (kind, expected) in [("key_rotated", 50), ("payout_account_changed", 1)] {
        let row = app.app.stores.registry.one(count.clone().bind(kind)).await.unwrap();
        assert_eq!(row.int("n").unwrap(), expected, "{kind}");
    }
}

/// Goal: a change that is rolled back tells nothing; a refused one neither.
async fn a_notice_is_there_if_and_only_if_the_change_is(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut owner = person(app, &register, Role::Owner, "owner@example.jp").await;
    let known = told(app, "owner@example.jp").await.len();
    let mut tx = app.app.stores.registry.begin().await.unwrap();
    let notice = MerchantNotice::KeyCreated { terminal: "x".to_owned() };
    tell(&app.app, &mut tx, &register.merchant_id, "", &notice).await.unwrap();
    drop(tx);
    let path = format!("{PEOPLE}/{}/remove", owner.user_id);
    owner.confirmed(app, &path, &json!({})).await.refused(Code::LastOwner);
    let revoke = "/api/merchant/v1/terminals/ter_none/revoke";
    owner.call(app, "POST", revoke, &Value::Null).await.refused(Code::NotFound);
    assert_eq!(told(app, "owner@example.jp").await.len(), known);
}

/// Goal: without a way to send, letters are given up and the notice stands in the office; the page
/// says that there is no e-mail, and nobody is asked for an address.
async fn what_cannot_be_sent_is_given_up_and_read_in_the_office(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut owner = person(app, &register, Role::Owner, "owner@example.jp").await;
    app.restart_with(|config| config.mail = Mail::None).await;
    create_terminal(&app.app, &register.store_id, "レジ9", "till").await.unwrap();
    assert_eq!(deliver_due(&app.app).await.unwrap(), 1);
    assert_eq!(deliver_due(&app.app).await.unwrap(), 0);
    let state = sql("SELECT last_error FROM merchant_letter WHERE state = 'given_up'");
    let row = app.app.stores.registry.one(state).await.unwrap();
    assert_eq!(row.text("last_error").unwrap(), "unsendable");
    let shown = page(app, &owner).await;
    assert!(shown.contains("レジ9") && !shown.contains("data-address-change"), "{shown}");
    let wish = json!({ "email": "b@example.jp" });
    owner.confirmed(app, EMAIL, &wish).await.refused(Code::FunctionClosed);
}

/// Goal: letters, notices, checks and replaced addresses go by themselves; the address that counts
/// stays.
async fn what_was_kept_long_enough_goes(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut owner = person(app, &register, Role::Owner, "old@example.jp").await;
    at(app, &mut owner, "new@example.jp").await;
    deliver_due(&app.app).await.unwrap();
    app.clock.advance(401 * DAY + HOUR);
    retain(&app.app).await.unwrap();
    for table in ["merchant_letter", "merchant_notice", "merchant_contact_check"] {
        assert_eq!(rows(app, table).await, 0, "{table}");
    }
    assert_eq!(rows(app, "merchant_contact").await, 1);
}

async fn rows(node: &Node, table: &str) -> i64 {
    let query = match table {
        "merchant_letter" => sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM merchant_letter"),
        "merchant_notice" => sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM merchant_notice"),
        "merchant_contact" => sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM merchant_contact"),
        _ => sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM merchant_contact_check"),
    };
    node.app.stores.registry.one(query).await.unwrap().int("n").unwrap()
}

/// Goal: two nodes that see the same notices write and send each letter once.
async fn two_nodes_send_each_letter_once(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    person(app, &register, Role::Owner, "owner@example.jp").await;
    let known = letters(app, "owner@example.jp").len();
    let other = app.another_node().await;
    for place in 0..20 {
        let name = format!("レジ{place}");
        create_terminal(&app.app, &register.store_id, &name, "till").await.unwrap();
    }
    let nodes = [app.app.clone(), other.app.clone(), app.app.clone(), other.app.clone()];
    at_once(nodes.map(|app| async move { deliver_due(&app).await.unwrap() })).await;
    // Who was faster at a notice may still have been at its letters when the other had looked.
    deliver_due(&app.app).await.unwrap();
    let all = letters(app, "owner@example.jp").len() + letters(&other, "owner@example.jp").len();
    assert_eq!(all, known + 20);
    other.app.close().await;
}
