//! The figures of the Payment Services Act: cases computed by hand, and any past moment against the
//! customers' balances of then.

use jiff::Timestamp;
use jiff::civil::date;
use omamori::books::{Event, read};
use omamori::clock::{DAY, HOUR, MINUTE, Micros};
use omamori::console::access::Role;
use omamori::gate::chart::{AccountCode, LEDGER_JPY, TransferCode};
use omamori::law::base::{BaseDate, day_end, day_start, deposit};
use omamori::law::quota::Quota;
use omamori::law::{Effect, effect, figures, unused};
use omamori::web::filters::japan;
use serde_json::Value;

use crate::books::busy::busy;
use crate::durability::child::omamori;
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(
    a_half_year_by_hand,
    unused_value_of_any_moment_is_what_customers_had_then,
    what_is_set_aside_is_still_the_holders,
    the_page_and_its_csv_say_what_the_report_says,
    a_reading_goes_on_without_who_asked_for_it,
);

fn nanos(at: Timestamp) -> u64 {
    at.as_nanosecond().try_into().unwrap()
}

fn moment(at: Micros) -> u64 {
    u64::try_from(at).unwrap() * 1_000
}

/// Goal: a half-year of which every figure can be added up on paper. It begins on the test's day,
/// 2026-04-01, at noon.
async fn a_half_year_by_hand(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let (one, two) = (Customer::new(&app.app).await, Customer::new(&app.app).await);
    let top_up = async |app: &TestApp, id: &str, who: &Customer, yen| {
        register.top_up(app, id, &who.code(app.now()), yen).await.ok();
    };
    top_up(app, "t-1", &one, 20_000).await;
    top_up(app, "t-2", &two, 5_000).await;
    top_up(app, "t-3", &two, 3_000).await;
    register.cancel_top_up(app, "t-3").await.ok(); // issue: 25,000
    app.clock.advance(40 * DAY);
    register.sell(app, "s-1", &one.code(app.now()), 8_000).await.ok();
    register.sell(app, "s-2", &two.code(app.now()), 1_500).await.ok();
    register.refund(app, "r-1", "s-1", 2_000).await.ok();
    register.cancel(app, "s-2").await.ok(); // recovery: 6,000
    // To 23:59 of the base date: still this period.
    app.clock.advance(142 * DAY + 11 * HOUR + 59 * MINUTE);
    top_up(app, "t-4", &one, 1_000).await; // issue: 26,000
    app.clock.advance(MINUTE);
    top_up(app, "t-5", &one, 7_000).await; // the next one's

    let journal = &app.app.stores.journal;
    let base = BaseDate::of(date(2026, 9, 30)).unwrap();
    let from = nanos(base.before().end());
    let found = figures(journal, from, nanos(base.end())).await.unwrap();
    assert_eq!((found.opening, found.issued, found.recovered), (0, 26_000, 6_000));
    assert_eq!((found.closing, found.unnamed), (20_000, 0));
    assert!(found.adds_up());
    let of = |code: TransferCode| found.by_code[&code.number()];
    assert_eq!((of(TransferCode::TopupCash), of(TransferCode::TopupCashCancel)), (29_000, -3_000));
    assert_eq!((of(TransferCode::Payment), of(TransferCode::Refund)), (-9_500, 2_000));
    let after = figures(journal, nanos(base.end()), nanos(day_end(date(2026, 10, 1)))).await;
    let after = after.unwrap();
    assert_eq!((after.opening, after.issued, after.closing), (20_000, 7_000, 27_000));
}

/// Goal: a program of its own adds up who had what, at each moment at which something happened.
/// What is set aside for a refund is the holders' until the bank has it.
async fn unused_value_of_any_moment_is_what_customers_had_then(app: &mut TestApp) {
    busy(app).await;
    let journal = &app.app.stores.journal;
    let holders = [AccountCode::Wallet, AccountCode::RefundPayable].map(|code| code as u16);
    let mut wallets = std::collections::HashMap::new();
    let mut moments = vec![(0_u64, 0_i64)];
    read(journal, None, |_, event| {
        match event {
            Event::Opened(account)
                if holders.contains(&account.code) && account.ledger == LEDGER_JPY =>
            {
                wallets.insert(account.id, 0_i64);
            }
            Event::Chain(chain) => {
                for moved in chain.iter().filter(|moved| {
                    let voids = omamori_ledger::TransferFlags::VOID_PENDING_TRANSFER;
                    !moved.is_pending() && !moved.flags.contains(voids)
                }) {
                    let amount = i64::try_from(moved.amount).unwrap();
                    if let Some(wallet) = wallets.get_mut(&moved.debit_account_id) {
                        *wallet -= amount;
                    }
                    if let Some(wallet) = wallets.get_mut(&moved.credit_account_id) {
                        *wallet += amount;
                    }
                }
                moments.push((chain[0].timestamp, wallets.values().sum()));
            }
            _ => {}
        }
        Ok(())
    })
    .await
    .unwrap();
    assert!(moments.len() > 40);
    for (at, had) in moments.iter().step_by(3) {
        assert_eq!(unused(journal, at + 1).await.unwrap(), *had, "at {at}");
    }
    let now = moment(app.now()) + 1_000_000;
    let of_ledger: i64 = wallets
        .keys()
        .map(|id| {
            let account = app.app.gate.account(*id).unwrap();
            i64::try_from(account.credits_posted - account.debits_posted).unwrap()
        })
        .sum();
    assert_eq!(unused(journal, now).await.unwrap(), of_ledger);
    // Everything that moved paid value has a name in the law, and any two periods join.
    let half = moments[moments.len() / 2].0;
    let (all, first, second) = (
        figures(journal, 0, now).await.unwrap(),
        figures(journal, 0, half).await.unwrap(),
        figures(journal, half, now).await.unwrap(),
    );
    for part in [&all, &first, &second] {
        assert!(part.adds_up() && part.unnamed == 0, "{part:?}");
    }
    assert_eq!(first.issued + second.issued, all.issued);
    assert_eq!(first.recovered + second.recovered, all.recovered);
    assert_eq!(first.closing, second.opening);
}

/// Goal: value on its way to a friend has not left the holders.
async fn what_is_set_aside_is_still_the_holders(app: &mut TestApp) {
    let mut sender = crate::support::passkey::Person::new(&app.app).await;
    sender.customer.load(app, &Register::new(&app.app).await, 10_000).await;
    let by_link = serde_json::json!({ "client_send_id": "l-1", "amount": 4_000,
        "to": { "kind": "link" } });
    sender.confirmed(app, "/sends", &by_link).await.ok();
    assert_eq!(sender.customer.balance(app), 6_000);
    let now = moment(app.now()) + 1_000_000;
    assert_eq!(unused(&app.app.stores.journal, now).await.unwrap(), 10_000);
}

/// The page, once the journal is read.
async fn law_page(app: &TestApp, finance: &Person) -> String {
    loop {
        let page = finance.get(app, "/console/law").await;
        if !page.text().contains("data-follow") {
            return page.text().to_owned();
        }
    }
}

/// Goal: a request that is cut off while the journal is read loses nothing of the reading: whoever
/// asks next is shown that one, with its time.
async fn a_reading_goes_on_without_who_asked_for_it(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 20_000).await;
    let finance = Person::new(&app.app, Role::Finance).await;
    let (node, request) = ((**app).clone(), finance.request("GET", "/console/law", &Value::Null));
    let asked_at = japan(app.now()).strftime("%Y/%m/%d %H:%M").to_string();
    let asking = tokio::spawn(async move { node.call(request).await });
    while !asking.is_finished() && !app.app.console.reads_the_law() {
        tokio::task::yield_now().await;
    }
    asking.abort();
    let _cut_off = asking.await;
    app.clock.advance(3 * MINUTE);
    let page = law_page(app, &finance).await;
    assert!(page.contains(&asked_at), "{asked_at} in {page}");
}

/// Goal: finance reads the same yen on the page and in the file; the running period has no deposit,
/// and nobody else reads any of it (`census::roles`).
async fn the_page_and_its_csv_say_what_the_report_says(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 20_000).await;
    register.sell(app, "s-1", &customer.code(app.now()), 3_000).await.ok();
    app.clock.advance(190 * DAY); // 2026-10-08
    customer.load(app, &register, 5_000).await;
    let finance = Person::new(&app.app, Role::Finance).await;
    let page = law_page(app, &finance).await;
    for figure in ["¥20,000", "¥3,000", "¥17,000", "¥22,000", "¥4,000", "¥850", "2026/11/30"]
    {
        assert!(page.contains(figure), "{figure} in {page}");
    }
    let csv = finance.get(app, "/console/law.csv").await;
    let lines: Vec<_> = csv.text().split("\r\n").collect();
    assert_eq!(
        lines,
        [
            "first,last,unused_before,issued,recovered,unused_after,deposit,due",
            "2026-10-01,,17000,5000,0,22000,0,",
            "2026-04-01,2026-09-30,0,20000,3000,17000,0,2026-11-30",
            ""
        ]
    );
    // For five minutes one reading serves; then the next yen is in it.
    customer.load(app, &register, 1_000).await;
    assert!(!law_page(app, &finance).await.contains("¥23,000"));
    app.clock.advance(6 * MINUTE);
    assert!(law_page(app, &finance).await.contains("¥23,000"));
    let viewer = Person::new(&app.app, Role::Viewer).await;
    assert_eq!(viewer.get(app, "/console/law").await.status, 403);
    assert_eq!(viewer.get(app, "/console/law.csv").await.status, 403);
    assert!(!viewer.get(app, "/console").await.text().contains("/console/law"));
}

/// Goal: the law's own days, by hand (法3条2項; 府令24条; 令6条; 法14条1項).
#[test]
fn base_dates_deposits_and_quotas_are_the_laws() {
    assert!(BaseDate::of(date(2026, 3, 30)).is_none());
    let at = |text: &str| BaseDate::last_before(text.parse().unwrap()).day();
    assert_eq!(at("2026-09-30T14:59:59Z"), date(2026, 3, 31), "the day is not over in Japan");
    assert_eq!(at("2026-09-30T15:00:00Z"), date(2026, 9, 30));
    assert_eq!(at("2027-01-01T00:00:00+09:00"), date(2026, 9, 30));
    assert_eq!(at("2027-03-31T23:59:59+09:00"), date(2026, 9, 30));
    assert_eq!(at("2027-04-01T00:00:00+09:00"), date(2027, 3, 31));
    let march = BaseDate::of(date(2026, 3, 31)).unwrap();
    assert_eq!((march.due(), march.before().day()), (date(2026, 5, 31), date(2025, 9, 30)));
    assert_eq!(march.before().due(), date(2025, 11, 30));
    assert_eq!(march.end(), "2026-04-01T00:00:00+09:00".parse().unwrap());
    assert_eq!(day_start(date(2026, 4, 1)), march.end());

    // Of the whole balance, not of what is above ten million.
    for (unused, due) in [
        (0, 0),
        (10_000_000, 0),
        (10_000_001, 5_000_001),
        (10_000_002, 5_000_001),
        (123_456_789, 61_728_395),
    ] {
        assert_eq!(deposit(unused), due, "{unused}");
    }

    // A fifth of ¥1,000,004 is ¥200,000.8; a twentieth of ¥3,000,019 is ¥150,000.95.
    let quota = Quota::new(1_000_004, 3_000_019, 0);
    assert_eq!((quota.of_issue, quota.of_unused), (200_000, 150_000));
    assert!(quota.allows(200_000) && !quota.allows(200_001));
    let later = Quota::new(1_000_004, 3_000_019, 160_000);
    assert_eq!((later.of_issue, later.of_unused), (40_000, 0));
    assert!(later.allows(40_000) && !later.allows(40_001));
    // The larger of the two is enough; nothing was issued before the first period.
    assert_eq!(later.most(), 40_000);
    assert!(Quota::new(0, 2_000_000, 0).allows(100_000));
    assert!(!Quota::new(0, 0, 0).allows(1));
}

/// Goal: the table in docs/law.md is the program's.
#[test]
fn the_document_names_every_transfer() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/law.md");
    let text = std::fs::read_to_string(path).unwrap();
    for code in (0..u16::MAX).filter_map(TransferCode::of) {
        let words = match effect(code) {
            Some(Effect::Issued) => "issued",
            Some(Effect::IssuedBack) => "taken off what was issued",
            Some(Effect::Recovered) => "recovered",
            Some(Effect::RecoveredBack) => "taken off what was recovered",
            Some(Effect::Between) => "between holders, or none",
            None => continue,
        };
        let line = format!("| `{code:?}` | {} | {words} |", code.number());
        assert!(text.contains(&line), "docs/law.md lacks: {line}");
    }
}

/// Goal: the command tells what the library does; a wrong period says what a right one is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_reports_a_period() {
    let place = crate::support::place::Place::sqlite();
    let omamori::config::Store::Sqlite { folder } = place.store() else { unreachable!() };
    let app = TestApp::start(place).await;
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(&app, &register, 10_000).await;
    register.sell(&app, "s-1", &customer.code(app.now()), 1_000).await.ok();
    let run = |arguments: &[&str]| {
        let mut command = omamori();
        command.args(["report", "law", "--data"]).arg(&folder).args(arguments);
        let output = command.output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|b| String::from_utf8(b).unwrap());
        (output.status.success(), out + err.as_str())
    };
    let (ok, said) = run(&["--period", "2026-04-01..2026-09-30", "--csv"]);
    assert!(ok, "{said}");
    for line in ["\"issued\",10000", "\"recovered\",1000", "\"deposit\",0", "not paid\",0"] {
        assert!(said.contains(line), "{said}");
    }
    assert!(said.contains("\"unused at the end of 2026-09-30\",9000"), "{said}");
    let (ok, said) = run(&["--period", "2026-03-01..2026-03-31"]);
    assert!(ok && said.contains("due on 2026-05-31"), "{said}");
    assert!(run(&[]).0);
    for wrong in ["2026-04-01", "2026-09-30..2026-04-01", "x..y"] {
        let (ok, said) = run(&["--period", wrong]);
        assert!(!ok && said.contains("2026-04-01..2026-09-30"), "{said}");
    }
    app.finish().await;
}
