//! Payouts: into a file that others read, booked, held, and given back.

use jiff::civil::{Date, date};
use omamori::audit::Actor;
use omamori::clock::DAY;
use omamori::console::access::Role;
use omamori::control::{self, Closing, Door, Scope};
use omamori::gate::chart::AccountCode;
use omamori::settlement::bank::{self, Bank};
use omamori::settlement::waiting::{self, Waiting, YEN_MAX};
use omamori::settlement::{SenderSettings, carry, payout, returned, run};
use omamori::web::codes::Code;
use omamori_db::sql;
use omamori_zengin::{File, LineEnd};
use serde_json::{Value, json};

use super::{APRIL, MAY, TERMS, net, of_operator, shop, stated};
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(
    a_file_pays_what_the_statements_say_and_others_read_it,
    a_held_merchant_waits_and_a_new_account_too,
    a_file_that_was_not_booked_is_booked_by_the_next_run,
    what_the_bank_gives_back_is_owed_again,
    an_account_is_sealed_and_what_is_wrong_with_it_is_said,
    a_payout_comes_back_at_the_word_of_two_people,
    a_payout_that_the_bank_refuses_holds_nobody_up,
    what_cannot_be_paid_keeps_nobody_from_being_paid,
);

pub const PAY_ON: Date = date(2026, 5, 7);
const PAY_ON_LATER: Date = date(2026, 6, 30);

pub fn account(number: &str) -> Bank {
    Bank {
        bank: "0001".to_owned(),
        bank_name: "ミズホ".to_owned(),
        branch: "240".to_owned(),
        branch_name: String::new(),
        kind: "1".to_owned(),
        number: number.to_owned(),
        holder: "カ）ヒノマルショウテン".to_owned(),
    }
}

/// The operator's account in the settings.
pub async fn with_sender(app: &mut TestApp) {
    app.restart_with(|config| {
        config.settlement.sender = Some(SenderSettings {
            code: 1_234_567_890,
            name: "オマモリペイ".to_owned(),
            bank: "0005".to_owned(),
            bank_name: String::new(),
            branch: "001".to_owned(),
            branch_name: String::new(),
            is_current: true,
            number: "7654321".to_owned(),
        });
    })
    .await;
}

/// Two merchants that sold ¥10,000 and ¥20,000 in April, with accounts, settled.
pub async fn two_shops(app: &mut TestApp) -> Vec<(Register, Customer)> {
    with_sender(app).await;
    let mut shops = Vec::new();
    for (number, amount) in [("0000001", 10_000), ("0000002", 20_000)] {
        let (register, customer) = shop(app, TERMS).await;
        register.sell(app, "s-1", &customer.code(app.now()), amount).await.ok();
        let actor = Actor::machine();
        bank::set(&app.app, &actor, &register.merchant_id, &account(number)).await.unwrap();
        shops.push((register, customer));
    }
    app.clock.advance(31 * DAY);
    run::settle(&app.app, APRIL).await.unwrap();
    shops
}

/// Goal: the file's sum is the statements', as a reader that we did not write has it; the
/// ledger has it in transit, and off the bank account when it is sent. Each step again is nothing.
async fn a_file_pays_what_the_statements_say_and_others_read_it(app: &mut TestApp) {
    let shops = two_shops(app).await;
    let actor = Actor::machine();
    let mut owed = 0;
    for (register, _) in &shops {
        owed += stated(app, register, APRIL).await.statement.payout;
    }
    let made = payout::make_file(&app.app, &actor, PAY_ON, "").await.unwrap();
    let file = made.file.unwrap();
    assert!(made.waiting.is_empty());
    assert_eq!((file.count, file.total), (2, owed));
    let bytes = payout::contents(&app.app, &actor, &file.file_id).await.unwrap();
    let others = zengin_fmt::parse_general_transfer(&bytes).unwrap();
    let sum: u64 = others.details.iter().map(|detail| detail.amount).sum();
    assert_eq!((others.details.len(), sum), (2, u64::try_from(owed).unwrap()));
    assert_eq!((others.trailer.total_count, others.trailer.total_amount), (2, sum));
    assert_eq!(others.header.remitter_name, "ｵﾏﾓﾘﾍﾟｲ");
    assert!(others.details.iter().all(|detail| detail.recipient_name == "ｶ)ﾋﾉﾏﾙｼﾖｳﾃﾝ"));
    let read = File::read(&bytes, LineEnd::CrLf).unwrap();
    assert_eq!(read.day.text(), "0507");
    let numbers: Vec<_> =
        read.transfers.iter().map(|transfer| transfer.account.number.to_string()).collect();
    assert_eq!(numbers.iter().filter(|number| *number == "0000001").count(), 1);
    assert_eq!(read.transfers[0].holder.as_str(), "ｶ)ﾋﾉﾏﾙｼﾖｳﾃﾝ");

    assert_eq!(of_operator(app, AccountCode::PayoutTransit), owed);
    assert_eq!(payout::transit(&app.app).await.unwrap(), (owed, owed));
    let again = payout::make_file(&app.app, &actor, PAY_ON, "").await.unwrap();
    assert!(again.file.is_none() && again.waiting.is_empty());
    for _ in 0..2 {
        payout::sent(&app.app, &actor, &file.file_id, "").await.unwrap();
        assert_eq!(of_operator(app, AccountCode::PayoutTransit), 0);
        assert_eq!(of_operator(app, AccountCode::OperatorBank), owed);
    }
    for (register, _) in &shops {
        assert_eq!(net(app, carry::payable_id(&register.merchant_id)), 0);
    }
    let unknown = payout::sent(&app.app, &actor, "pof_x", "").await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

/// Goal: of two merchants one is held: the other is paid. Nothing goes to an account that was
/// changed a moment ago. Neither yen is lost by waiting.
async fn a_held_merchant_waits_and_a_new_account_too(app: &mut TestApp) {
    let shops = two_shops(app).await;
    let (actor, held) = (Actor::machine(), &shops[0].0.merchant_id);
    let closing = Closing {
        door: Door::Payouts,
        scope: Scope::Merchant(held.clone()),
        reason: "調査中".to_owned(),
        notice_ja: String::new(),
        notice_en: String::new(),
        ends_at: None,
    };
    assert!(closing.scope.fits(Door::Payouts));
    let control_id = control::close(&app.app, &actor, "山田", closing).await.unwrap();
    bank::set(&app.app, &actor, &shops[1].0.merchant_id, &account("0000009")).await.unwrap();
    let made = payout::make_file(&app.app, &actor, PAY_ON, "").await.unwrap();
    assert!(made.file.is_none());
    let why: Vec<_> = made.waiting.iter().map(|(_, why)| *why).collect();
    assert!(why.contains(&Waiting::Held) && why.contains(&Waiting::Account), "{why:?}");

    app.clock.advance(3 * DAY);
    let made = payout::make_file(&app.app, &actor, PAY_ON, "").await.unwrap();
    let total = stated(app, &shops[1].0, APRIL).await.statement.payout;
    assert_eq!(made.file.map(|file| (file.count, file.total)), Some((1, total)));
    control::open(&app.app, &actor, "鈴木", &control_id, "済").await.unwrap();
    let made = payout::make_file(&app.app, &actor, PAY_ON, "").await.unwrap();
    let total = stated(app, &shops[0].0, APRIL).await.statement.payout;
    assert_eq!(made.file.map(|file| (file.count, file.total)), Some((1, total)));
}

/// Goal: killed between the file and its booking: the next run books it, once, and pays nobody
/// twice.
async fn a_file_that_was_not_booked_is_booked_by_the_next_run(app: &mut TestApp) {
    let shops = two_shops(app).await;
    let registry = &app.app.stores.registry;
    let file = sql("INSERT INTO payout_file
             (file_id, pay_on, sealed, payout_count, total_yen, made_at)
         SELECT 'pof_dead', '2026-05-07', $1, COUNT(*), CAST(SUM(yen) AS BIGINT), $2 FROM payout");
    registry.execute(file.bind([0_u8; 40].to_vec()).bind(app.now())).await.unwrap();
    let of = sql("UPDATE payout SET file_id = 'pof_dead', file_line = CAST(1 AS BIGINT)");
    registry.execute(of).await.unwrap();
    assert_eq!(of_operator(app, AccountCode::PayoutTransit), 0);
    app.restart().await;
    let actor = Actor::machine();
    let mut owed = 0;
    for (register, _) in &shops {
        owed += stated(app, register, APRIL).await.statement.payout;
    }
    for _ in 0..2 {
        let made = payout::make_file(&app.app, &actor, PAY_ON, "").await.unwrap();
        assert!(made.file.is_none() && made.waiting.is_empty());
        assert_eq!(of_operator(app, AccountCode::PayoutTransit), owed);
    }
    // Half of it was booked, and the row does not know.
    let forget = sql("UPDATE payout_file SET booked_at = NULL");
    app.app.stores.registry.execute(forget).await.unwrap();
    payout::make_file(&app.app, &actor, PAY_ON, "").await.unwrap();
    assert_eq!(payout::transit(&app.app).await.unwrap(), (owed, owed));
}

/// Goal: a payout that was not sent cannot come back; one that was is owed again, once, is told on
/// the next statement and paid with it.
async fn what_the_bank_gives_back_is_owed_again(app: &mut TestApp) {
    let shops = two_shops(app).await;
    let (actor, register) = (Actor::machine(), &shops[0].0);
    let file = payout::make_file(&app.app, &actor, PAY_ON, "").await.unwrap().file.unwrap();
    let payouts = payout::of_merchant(&app.app, &register.merchant_id, 10).await.unwrap();
    let (id, yen) = (&payouts[0].payout_id, payouts[0].yen);
    let early = returned::returned(&app.app, &actor, id, "口座相違").await.unwrap_err();
    assert_eq!(early.code(), Code::NotFound);
    payout::sent(&app.app, &actor, &file.file_id, "").await.unwrap();
    for _ in 0..2 {
        returned::returned(&app.app, &actor, id, "口座相違").await.unwrap();
        assert_eq!(net(app, carry::payable_id(&register.merchant_id)), yen);
    }
    assert_eq!(of_operator(app, AccountCode::OperatorBank), file.total - yen);
    app.clock.advance(31 * DAY);
    run::settle(&app.app, MAY).await.unwrap();
    let may = stated(app, register, MAY).await.statement;
    assert_eq!((may.carried_in, may.returned, may.payout), (0, yen, yen));
    let all = omamori::settlement::statement::list(&app.app, &shops[1].0.merchant_id, 9).await;
    assert_eq!(all.unwrap().len(), 1, "where nothing was there is no statement");
}

/// Goal: nothing of an account stands in the registry in clear; each wrong field is named, and
/// nothing is changed by it.
async fn an_account_is_sealed_and_what_is_wrong_with_it_is_said(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let (actor, merchant) = (Actor::machine(), register.merchant_id.as_str());
    bank::set(&app.app, &actor, merchant, &account("1234567")).await.unwrap();
    let row = sql("SELECT sealed, last_digits FROM payout_account");
    let row = app.app.stores.registry.one(row).await.unwrap();
    let sealed = row.bytes("sealed").unwrap();
    assert!(!sealed.windows(7).any(|part| part == b"1234567"));
    assert_eq!(row.text("last_digits").unwrap(), "567");
    let wrong = [
        Bank { number: "123456".to_owned(), ..account("0") },
        Bank { bank: "１２３４".to_owned(), ..account("1234567") },
        Bank { kind: "3".to_owned(), ..account("1234567") },
        Bank { holder: "日の丸商店".to_owned(), ..account("1234567") },
        Bank { holder: String::new(), ..account("1234567") },
        Bank { holder: "ア".repeat(31), ..account("1234567") },
    ];
    for bank in &wrong {
        let refused = bank::set(&app.app, &actor, merchant, bank).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidRequest);
    }
    let nobody = bank::set(&app.app, &actor, "mer_x", &account("1234567")).await.unwrap_err();
    assert_eq!(nobody.code(), Code::NotFound);
    let shown = bank::shown(&app.app, merchant).await.unwrap().unwrap();
    assert_eq!(shown.last_digits, "567");
}

/// The attack: one of finance alone says that the bank gave a payout back, which it did not, so
/// that the next statement pays it a second time.
async fn a_payout_comes_back_at_the_word_of_two_people(app: &mut TestApp) {
    let shops = two_shops(app).await;
    let (actor, merchant_id) = (Actor::machine(), &shops[0].0.merchant_id);
    let file = payout::make_file(&app.app, &actor, PAY_ON, "").await.unwrap().file.unwrap();
    payout::sent(&app.app, &actor, &file.file_id, "").await.unwrap();
    let paid = payout::of_merchant(&app.app, merchant_id, 1).await.unwrap().remove(0);
    let (alone, second) =
        (Person::new(&app.app, Role::Finance).await, Person::new(&app.app, Role::Finance).await);
    let (path, why) =
        (format!("/payouts/{}/returned", paid.payout_id), json!({ "reason": "口座相違" }));
    let viewer = Person::new(&app.app, Role::Support).await;
    viewer.post(app, &path, &why).await.refused(Code::Forbidden);
    alone.post(app, "/payouts/pot_x/returned", &why).await.refused(Code::NotFound);
    let asked = alone.post(app, &path, &why).await.ok();
    let approval = asked["approval_id"].as_str().unwrap();
    let carry_out = format!("/approvals/{approval}/carry-out");
    alone.post(app, &carry_out, &Value::Null).await.refused(Code::ApprovalClosed);
    let owed = || net(app, carry::payable_id(merchant_id));
    assert_eq!(owed(), 0, "nothing is owed at the word of one");
    let page = second.get(app, "/console/approvals").await.text().to_owned();
    assert!(page.contains(&paid.payout_id), "{page}");
    given(app, &second, approval).await;
    for _ in 0..2 {
        alone.post(app, &carry_out, &Value::Null).await.ok();
        assert_eq!(owed(), paid.yen, "once, however often it is carried out");
    }
    alone.post(app, &path, &why).await.refused(Code::NotFound);

    // Killed between the word and its booking: the next run books it.
    let other = payout::of_merchant(&app.app, &shops[1].0.merchant_id, 1).await.unwrap().remove(0);
    let said = sql("UPDATE payout SET returned_at = $1 WHERE payout_id = $2");
    let said = said.bind(app.now()).bind(&other.payout_id);
    app.app.stores.registry.execute(said).await.unwrap();
    payout::make_file(&app.app, &actor, PAY_ON, "").await.unwrap();
    assert_eq!(net(app, carry::payable_id(&shops[1].0.merchant_id)), other.yen);
}

/// Goal: the bank refuses the file because of one merchant's account: that payout alone comes out,
/// at the word of two people, and is owed again; the other is paid out of the same file.
async fn a_payout_that_the_bank_refuses_holds_nobody_up(app: &mut TestApp) {
    let shops = two_shops(app).await;
    let (actor, merchant_id) = (Actor::machine(), &shops[0].0.merchant_id);
    let file = payout::make_file(&app.app, &actor, PAY_ON, "").await.unwrap().file.unwrap();
    let of = async |app: &TestApp, number: usize| {
        let merchant_id = &shops[number].0.merchant_id;
        payout::of_merchant(&app.app, merchant_id, 1).await.unwrap().remove(0)
    };
    let (bad, good) = (of(app, 0).await, of(app, 1).await);
    let (alone, second) =
        (Person::new(&app.app, Role::Finance).await, Person::new(&app.app, Role::Finance).await);
    let path = |id: &str| format!("/payouts/{id}/refused");
    let why = json!({ "reason": "口座なし" });
    let viewer = Person::new(&app.app, Role::Support).await;
    viewer.post(app, &path(&bad.payout_id), &why).await.refused(Code::Forbidden);
    alone.post(app, &path("pot_x"), &why).await.refused(Code::NotFound);
    let carry_out = async |app: &TestApp, id: &str| {
        let asked = alone.post(app, &path(id), &why).await.ok();
        let approval = asked["approval_id"].as_str().unwrap().to_owned();
        given(app, &second, &approval).await;
        format!("/approvals/{approval}/carry-out")
    };
    let first = carry_out(app, &bad.payout_id).await;
    let late = carry_out(app, &good.payout_id).await;
    let owed = || net(app, carry::payable_id(merchant_id));
    for _ in 0..2 {
        alone.post(app, &first, &Value::Null).await.ok();
        assert_eq!(owed(), bad.yen, "once, however often it is carried out");
    }
    alone.post(app, &path(&bad.payout_id), &why).await.refused(Code::NotFound);
    assert_eq!(payout::transit(&app.app).await.unwrap(), (good.yen, good.yen));
    let bytes = payout::contents(&app.app, &actor, &file.file_id).await.unwrap();
    let read = File::read(&bytes, LineEnd::CrLf).unwrap();
    assert_eq!(read.transfers.len(), 1);
    assert_eq!(read.total(), good.yen.unsigned_abs());

    payout::sent(&app.app, &actor, &file.file_id, "").await.unwrap();
    assert_eq!(of_operator(app, AccountCode::OperatorBank), good.yen);
    // Agreed on before the bank had the file, carried out after it: it was paid.
    alone.post(app, &late, &Value::Null).await.refused(Code::NotFound);
    let returned = format!("/payouts/{}/returned", bad.payout_id);
    alone.post(app, &returned, &why).await.refused(Code::NotFound);
    assert_eq!(payout::transit(&app.app).await.unwrap(), (0, 0));
    app.clock.advance(31 * DAY);
    run::settle(&app.app, MAY).await.unwrap();
    let may = stated(app, &shops[0].0, MAY).await.statement;
    assert_eq!((may.returned, may.payout), (bad.yen, bad.yen));

    // A file of which nothing is left is given to nobody.
    let next = payout::make_file(&app.app, &actor, PAY_ON_LATER, "").await.unwrap().file.unwrap();
    let (alone, second) =
        (Person::new(&app.app, Role::Finance).await, Person::new(&app.app, Role::Finance).await);
    let again = of(app, 0).await;
    let asked = alone.post(app, &path(&again.payout_id), &why).await.ok();
    let approval = asked["approval_id"].as_str().unwrap();
    given(app, &second, approval).await;
    alone.post(app, &format!("/approvals/{approval}/carry-out"), &Value::Null).await.ok();
    for gone in [
        payout::contents(&app.app, &actor, &next.file_id).await.map(drop),
        payout::sent(&app.app, &actor, &next.file_id, "").await,
    ] {
        assert_eq!(gone.unwrap_err().code(), Code::NotFound);
    }
    assert_eq!((owed(), of_operator(app, AccountCode::PayoutTransit)), (bad.yen, 0));
    let page = alone.get(app, "/console/settlements").await;
    assert!(
        page.text().contains(&next.file_id)
            && !page.text().contains(&format!("files/{}", next.file_id))
    );
}

/// Lets a second person agree. How they do has tests of its own (`console/tests/approvals.rs`).
pub async fn given(app: &TestApp, second: &Person, approval_id: &str) {
    let given = sql("UPDATE approval SET state = 'given', decided_by = $1 WHERE approval_id = $2");
    let given = given.bind(&second.staff_id).bind(approval_id);
    assert_eq!(app.app.stores.registry.execute(given).await.unwrap(), 1);
}

/// A payout of a statement that is older than all others.
async fn older(tx: &mut omamori_db::Tx, merchant_id: &str, number: i64, yen: i64) {
    let settlement = sql("INSERT INTO settlement (settlement_id, merchant_id, closing_on, from_at,
             until_at, statement, planned_at, settled_at, net_sales_yen, net_cash_yen,
             fee_and_tax_yen, payout_yen, carried_out_yen, held_yen)
         VALUES ($1, $2, $3, CAST(0 AS BIGINT), $4, '{}', $4, $4, $5, CAST(0 AS BIGINT),
             CAST(0 AS BIGINT), $5, CAST(0 AS BIGINT), CAST(0 AS BIGINT))");
    let day = date(2000, 1, 1).checked_add(jiff::Span::new().days(number)).unwrap();
    let id = format!("stl_old_{number:05}");
    let settlement = settlement.bind(&id).bind(merchant_id).bind(day.to_string());
    tx.execute(settlement.bind(number + 1).bind(yen)).await.unwrap();
    let payout = sql("INSERT INTO payout (payout_id, settlement_id, merchant_id, yen)
         VALUES ($1, $2, $3, $4)");
    let payout = payout.bind(format!("pot_old_{number:05}")).bind(&id).bind(merchant_id);
    tx.execute(payout.bind(yen)).await.unwrap();
}

/// Goal: five thousand older payouts without an account, one of ten billion yen, one to an account
/// that does not open: all wait, each says why, and who comes after them is paid.
async fn what_cannot_be_paid_keeps_nobody_from_being_paid(app: &mut TestApp) {
    let shops = two_shops(app).await;
    let (actor, poor) = (Actor::machine(), Register::new(&app.app).await.merchant_id);
    let (large, broken) =
        (Register::new(&app.app).await.merchant_id, Register::new(&app.app).await.merchant_id);
    for merchant_id in [&large, &broken] {
        bank::set(&app.app, &actor, merchant_id, &account("0000003")).await.unwrap();
    }
    let spoil = sql("UPDATE payout_account SET sealed = $1 WHERE merchant_id = $2");
    let spoil = spoil.bind(vec![7_u8; 60]).bind(&broken);
    app.app.stores.registry.execute(spoil).await.unwrap();
    app.clock.advance(4 * DAY); // so that the new accounts can be used
    let mut tx = app.app.stores.registry.begin().await.unwrap();
    for number in 0..5_000 {
        older(&mut tx, &poor, number, 100).await;
    }
    older(&mut tx, &large, 5_000, YEN_MAX + 1).await;
    older(&mut tx, &broken, 5_001, 100).await;
    tx.commit().await.unwrap();
    let mut owed = 0;
    for (register, _) in &shops {
        owed += stated(app, register, APRIL).await.statement.payout;
    }
    let made = payout::make_file(&app.app, &actor, PAY_ON, "").await.unwrap();
    assert_eq!(made.file.map(|file| (file.count, file.total)), Some((2, owed)));
    let count = |of: Waiting| made.waiting.iter().filter(|(_, why)| *why == of).count();
    assert_eq!(count(Waiting::Account), 5_000);
    assert_eq!((count(Waiting::TooLarge), count(Waiting::Unreadable)), (1, 1));
    assert_eq!(waiting::total(&app.app).await.unwrap(), (5_002, 500_000 + YEN_MAX + 1 + 100));
    let listed = waiting::listed(&app.app, 6_000).await.unwrap();
    let last: Vec<_> = listed.iter().rev().take(3).map(|(_, why)| *why).collect();
    let wanted = [Waiting::Unreadable, Waiting::TooLarge, Waiting::Account];
    assert_eq!(last, wanted.map(Some));
    let finance = Person::new(&app.app, Role::Finance).await;
    let page = finance.get(app, "/console/settlements").await.text().to_owned();
    assert!(page.contains("pot_old_00000") && !page.contains("pot_old_00100"), "the oldest");
}
