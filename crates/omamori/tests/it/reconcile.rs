//! What others say of money is compared with the ledger, and somebody explains what differs.

use jiff::civil::{Date, date};
use omamori::audit::Actor;
use omamori::clock::{DAY, MINUTE, SECOND};
use omamori::console::access::Role;
use omamori::reconcile::compare::{Difference, Line, What, compare};
use omamori::reconcile::{Period, row, run};
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use crate::cardtopup::world::{World, deliver, work};
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(
    the_gateways_report_agrees_with_the_ledger,
    what_only_one_side_knows_is_listed_until_it_agrees,
    a_gateway_that_is_down_writes_nothing,
    a_partners_days_agree_or_differ,
    a_file_with_a_wrong_line_is_refused_whole,
    a_difference_is_taken_up_and_explained,
    another_file_closes_nothing_without_a_word,
);

const PLAIN: &str = "4242424242424242";
const CHARGED_BACK: &str = "4000000000000259";
const NOT_AUTHENTICATED: &str = "4000000000000077";
const APRIL_FIRST: Date = date(2026, 4, 1);

fn day(app: &TestApp) -> Period {
    Period::new(APRIL_FIRST, APRIL_FIRST, app.now()).unwrap()
}

async fn by_card(app: &TestApp) -> run::Done {
    run::card(&app.app, &Actor::machine(), day(app)).await.unwrap()
}

/// Goal: hand-made sides: equal sums of several lines, one side alone, other amounts, charged and
/// given back, and what lies around the period.
#[test]
fn two_sides_differ_where_they_do() {
    let line = |reference: &str, yen, inside| Line {
        reference: reference.to_owned(),
        yen,
        day: APRIL_FIRST,
        inside,
    };
    let ours = [line("a", 300, true), line("b", 50, true), line("c", 7, true), line("f", 1, false)];
    let theirs = [
        line("a", 500, true),
        line("a", -200, true),
        line("c", 9, true),
        line("d", 40, true),
        line("e", 10, true),
        line("e", -10, false),
    ];
    let differs = |reference: &str, what, ours, theirs| Difference {
        reference: reference.to_owned(),
        day: APRIL_FIRST,
        what,
        ours,
        theirs,
    };
    let found = compare(&ours, &theirs);
    assert_eq!(
        found,
        [
            differs("b", What::OnlyOurs, 50, 0),
            differs("c", What::Amount, 7, 9),
            differs("d", What::OnlyTheirs, 0, 40),
        ]
    );
}

/// Goal: more charges than a page of the report has, one that went back for want of 3-D Secure and
/// a chargeback: the sums agree, the gateway's fee (3.6 % of each charge) is told, and a second run
/// is the same run. A day that is not over is refused.
async fn the_gateways_report_agrees_with_the_ledger(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let card = world.card(app, PLAIN).await;
    for _ in 0..27 {
        app.clock.advance(10 * SECOND);
        assert_eq!(world.top_up(app, &card, 1_000).await["status"], "credited");
    }
    let refused = world.card(app, NOT_AUTHENTICATED).await;
    assert_eq!(world.top_up(app, &refused, 1_000).await["status"], "refunded");
    let back = world.card(app, CHARGED_BACK).await;
    assert_eq!(world.top_up(app, &back, 2_000).await["status"], "credited");
    app.clock.advance(2 * MINUTE);
    work(app).await;
    for message in world.sandbox.take_messages() {
        deliver(app, &message).await;
    }
    work(app).await;
    assert!(Period::new(APRIL_FIRST, APRIL_FIRST, app.now()).is_err());
    app.clock.advance(DAY);
    let done = by_card(app).await;
    assert!(done.differences.is_empty(), "{:?}", done.differences);
    assert_eq!((done.ours, done.theirs), ((29, 27_000), (31, 27_000)));
    assert_eq!(done.fee, 28 * 36 + 72);
    let again = by_card(app).await;
    assert_eq!(again.reconciliation_id, done.reconciliation_id);
    assert_eq!(row::runs(&app.app, 10).await.unwrap().len(), 1);
}

/// Goal: a top-up whose charge the gateway knows by another name is listed on both sides; when the
/// name is mended the next run closes both.
async fn what_only_one_side_knows_is_listed_until_it_agrees(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let card = world.card(app, PLAIN).await;
    assert_eq!(world.top_up(app, &card, 3_000).await["status"], "credited");
    app.clock.advance(DAY);
    let registry = &app.app.stores.registry;
    let row = registry.one(sql("SELECT reference FROM card_topup")).await.unwrap();
    let name = row.text("reference").unwrap();
    let rename = |to: &str| sql("UPDATE card_topup SET reference = $1").bind(to);
    registry.execute(rename("pi_lost")).await.unwrap();
    let found = by_card(app).await.differences;
    let said: Vec<_> =
        found.iter().map(|one| (one.what, one.reference.clone(), one.ours, one.theirs)).collect();
    let mut wanted = vec![
        (What::OnlyOurs, "pi_lost".to_owned(), 3_000, 0),
        (What::OnlyTheirs, name.clone(), 0, 3_000),
    ];
    wanted.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(said, wanted);
    assert_eq!(row::differences(&app.app, false, 10).await.unwrap().len(), 2);
    registry.execute(rename(&name)).await.unwrap();
    assert!(by_card(app).await.differences.is_empty());
    assert!(row::differences(&app.app, false, 10).await.unwrap().is_empty());
    let over = row::differences(&app.app, true, 10).await.unwrap();
    assert!(over.len() == 2 && over.iter().all(|one| one.state == "agreed"));
}

/// Goal: no answer is no agreement.
async fn a_gateway_that_is_down_writes_nothing(app: &mut TestApp) {
    let world = World::new(app).await;
    app.clock.advance(DAY);
    world.sandbox.set_down(true);
    run::card(&app.app, &Actor::machine(), day(app)).await.unwrap_err();
    assert!(row::runs(&app.app, 10).await.unwrap().is_empty());
}

/// Two terminals of a partner that took ¥3,000, and ¥3,000 less ¥1,000.
async fn partner(app: &TestApp) -> (Register, Register) {
    let first = Register::new(&app.app).await;
    let second = Register::of_store(&app.app, &first.merchant_id, &first.store_id).await;
    let customer = Customer::new(&app.app).await;
    for (register, id, yen) in [
        (&first, "t-1", 1_000),
        (&first, "t-2", 2_000),
        (&second, "t-3", 2_000),
        (&second, "t-4", 1_000),
    ] {
        app.clock.advance(30 * SECOND);
        register.top_up(app, id, &customer.code(app.now()), yen).await.ok();
    }
    second.cancel_top_up(app, "t-4").await.ok();
    app.clock.advance(DAY);
    (first, second)
}

async fn by_cash(app: &TestApp, merchant_id: &str, csv: &str) -> run::Done {
    let file = run::File { name: "partner.csv", csv, reason: "訂正版" };
    run::cash(&app.app, &Actor::machine(), merchant_id, day(app), file).await.unwrap()
}

/// Goal: the partner's file agrees; a terminal that is left out, one that is not ours and another
/// amount are each listed.
async fn a_partners_days_agree_or_differ(app: &mut TestApp) {
    let (first, second) = partner(app).await;
    let (a, b) = (&first.terminal_id, &second.terminal_id);
    let right = format!(
        "\u{feff}day,terminal_id,count,yen\r\n2026-04-01,{a},2,3000\r\n2026-04-01,{b},1,2000\r\n"
    );
    let done = by_cash(app, &first.merchant_id, &right).await;
    assert_eq!((done.ours, done.theirs), ((2, 5_000), (2, 5_000)));
    assert!(done.differences.is_empty(), "{:?}", done.differences);
    let wrong =
        format!("terminal_id,yen,day\n{a},3100,2026-04-01\nter_of_somebody_else,700,2026-04-01\n");
    let found = by_cash(app, &first.merchant_id, &wrong).await.differences;
    let mut said: Vec<_> = found.iter().map(|one| (one.ours, one.theirs)).collect();
    said.sort_unstable();
    assert_eq!(said, [(0, 700), (2_000, 0), (3_000, 3_100)]);
    assert!(by_cash(app, &first.merchant_id, &right).await.differences.is_empty());
    let file = run::File { csv: &right, ..run::File::default() };
    let nobody = run::cash(&app.app, &Actor::machine(), "mer_x", day(app), file).await;
    assert_eq!(nobody.unwrap_err().code(), Code::NotFound);
}

/// Goal: a day outside, a terminal that is none, no number, a terminal said twice, no head: refused
/// by the line, and nothing is written.
async fn a_file_with_a_wrong_line_is_refused_whole(app: &mut TestApp) {
    let (first, _) = partner(app).await;
    let (finance, id) = (Person::new(&app.app, Role::Finance).await, &first.terminal_id);
    let good = format!("day,terminal_id,yen\n2026-04-01,{id},3000\n");
    for (line, field) in [
        (format!("2026-04-02,{id},1"), "csv[3]"),
        ("2026-04-01,'; DROP TABLE,1".to_owned(), "csv[3]"),
        (format!("2026-04-01,{id},1.5"), "csv[3]"),
        (format!("2026-04-01,{id},3000"), "csv[3]"),
        (format!("2026-04-01,{id}"), "csv[3]"),
        (format!("2026-04-01,{id},99999999999"), "csv[3]"),
    ] {
        let body = json!({ "merchant_id": first.merchant_id, "from": "2026-04-01",
            "until": "2026-04-01", "csv": format!("{good}{line}\n") });
        let refused = finance.post(app, "/reconciliations/cash", &body).await;
        let error = refused.refused(Code::InvalidRequest);
        assert_eq!(error["fields"][0]["field"], field, "{line}: {error}");
    }
    let body = json!({ "merchant_id": first.merchant_id, "from": "2026-04-01",
        "until": "2026-04-01", "csv": "a,b\n1,2\n" });
    let error =
        finance.post(app, "/reconciliations/cash", &body).await.refused(Code::InvalidRequest);
    assert_eq!(error["fields"][0]["field"], "csv[1]");
    assert!(row::runs(&app.app, 10).await.unwrap().is_empty());
}

/// Goal: at the desk: finance alone; who explains has taken it up; what is explained stays so when
/// the same difference is found again, and opens when its figures change.
async fn a_difference_is_taken_up_and_explained(app: &mut TestApp) {
    let (first, second) = partner(app).await;
    let finance = Person::new(&app.app, Role::Finance).await;
    let file = |yen: i64| {
        let (a, b) = (&first.terminal_id, &second.terminal_id);
        let csv = format!("day,terminal_id,yen\n2026-04-01,{a},{yen}\n2026-04-01,{b},2000\n");
        json!({ "merchant_id": first.merchant_id, "from": "2026-04-01", "until": "2026-04-01",
            "csv": csv })
    };
    let viewer = Person::new(&app.app, Role::Viewer).await;
    viewer.post(app, "/reconciliations/cash", &file(1)).await.refused(Code::Forbidden);
    let ran = finance.post(app, "/reconciliations/cash", &file(2_900)).await.ok();
    assert_eq!((&ran["ours_yen"], &ran["differences"]), (&json!(5_000), &json!(1)));
    let id = row::differences(&app.app, false, 10).await.unwrap().remove(0).difference_id;
    let of = |act: &str| format!("/reconciliations/differences/{id}/{act}");
    let words = json!({ "reason": "釣銭の数え間違い。提携先が翌日に入金" });
    finance.post(app, &of("explain"), &words).await.refused(Code::NotFound);
    let other = Person::new(&app.app, Role::Finance).await;
    assert!(other.post(app, &of("take"), &Value::Null).await.status.is_success());
    finance.post(app, &of("explain"), &words).await.refused(Code::NotFound);
    let page = other.get(app, "/console/reconciliation").await.text().to_owned();
    assert!(page.contains(&first.terminal_id) && page.contains("¥2,900"), "{page}");
    assert!(other.post(app, &of("explain"), &words).await.status.is_success());
    finance.post(app, "/reconciliations/cash", &file(2_900)).await.ok();
    assert!(row::differences(&app.app, false, 10).await.unwrap().is_empty());
    let over = row::differences(&app.app, true, 10).await.unwrap().remove(0);
    assert_eq!(over.state, "explained");
    finance.post(app, "/reconciliations/cash", &file(2_800)).await.ok();
    let open = row::differences(&app.app, false, 10).await.unwrap().remove(0);
    assert_eq!((open.state.as_str(), open.theirs, open.explanation), ("open", 2_800, None));
}

/// The attack: an inconvenient difference goes away by uploading a file that was made to agree. The
/// second file is refused until somebody says why there is one; which files they were, and the
/// words, are kept. The same file again needs no words.
async fn another_file_closes_nothing_without_a_word(app: &mut TestApp) {
    let (first, second) = partner(app).await;
    let finance = Person::new(&app.app, Role::Finance).await;
    let (a, b) = (&first.terminal_id, &second.terminal_id);
    let file = |yen: i64, name: &str, reason: &str| {
        let csv = format!("day,terminal_id,yen\n2026-04-01,{a},{yen}\n2026-04-01,{b},2000\n");
        json!({ "merchant_id": first.merchant_id, "from": "2026-04-01", "until": "2026-04-01",
            "csv": csv, "file_name": name, "reason": reason })
    };
    let path = "/reconciliations/cash";
    finance.post(app, path, &file(2_900, "april.csv", "")).await.ok();
    finance.post(app, path, &file(2_900, "april.csv", "")).await.ok();
    let refused = finance.post(app, path, &file(3_000, "made.csv", "")).await;
    let error = refused.refused(Code::InvalidRequest);
    assert_eq!(error["fields"][0]["field"], "reason", "{error}");
    assert_eq!(row::differences(&app.app, false, 10).await.unwrap().len(), 1, "it stays open");
    let kept = row::runs(&app.app, 10).await.unwrap().remove(0).file.unwrap();
    assert_eq!(kept.0, "april.csv");
    let bad = finance.post(app, path, &file(3_000, "a\nb", "x")).await;
    assert_eq!(bad.refused(Code::InvalidRequest)["fields"][0]["field"], "file_name");

    let words = "提携先が訂正版を送付";
    finance.post(app, path, &file(3_000, "made.csv", words)).await.ok();
    assert!(row::differences(&app.app, false, 10).await.unwrap().is_empty());
    let over = row::differences(&app.app, true, 10).await.unwrap().remove(0);
    assert_eq!((over.state.as_str(), over.explanation.as_deref()), ("agreed", Some(words)));
    let newer = row::runs(&app.app, 10).await.unwrap().remove(0).file.unwrap();
    assert!(newer.0 == "made.csv" && newer.1 != kept.1 && newer.1.len() == 12);
    let entry = sql("SELECT before_state, after_state, reason FROM audit_entry
         WHERE act = 'reconcile' ORDER BY seq DESC LIMIT 1");
    let entry = app.app.stores.registry.one(entry).await.unwrap();
    let said = |column: &str| serde_json::from_str::<Value>(&entry.text(column).unwrap()).unwrap();
    assert_eq!(entry.text("reason").unwrap(), words);
    assert_eq!(said("before_state")["file"]["name"], "april.csv");
    assert_eq!(said("after_state")["file"]["name"], "made.csv");
    assert_ne!(said("before_state")["file"]["sha256"], said("after_state")["file"]["sha256"]);
    let page = finance.get(app, "/console/reconciliation").await.text().to_owned();
    assert!(page.contains("made.csv") && page.contains(words), "{page}");
}
