//! The quota of a base period (府令42条1号, 2号): by hand, at once, over a base date.

use omamori::clock::{DAY, MINUTE};
use omamori::console::access::Role;
use omamori::gate::chart::{AccountCode, TransferCode};
use omamori::law::Figures;
use omamori::law::figures;
use omamori::law::quota::Quota;
use omamori::refund::claim::State;
use omamori::refund::{quota, work_due};
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use super::closing::{agreed_on, on, paid};
use super::{Holder, announced, file, finance, of_operator};
use crate::settlement::payouts::with_sender;
use crate::support::app::TestApp;
use crate::support::desk::Person;
use crate::support::shop::Register;
use crate::support::{at_once, on_both_engines, on_several_nodes};

on_both_engines!(
    a_quota_by_hand,
    agreements_at_once_do_not_pass_the_quota,
    a_base_date_between_agreement_and_file,
    a_file_within_the_quota_is_booked_once,
    a_base_date_between_file_and_bank,
    a_quota_that_cannot_be_read_holds_up_nothing_else,
);
on_several_nodes!(an_agreement_waits_for_the_one_before);

/// What the journal has of the period that runs, and what is left by it.
async fn by_the_journal(app: &TestApp) -> (Figures, Quota) {
    let nanos = |day: jiff::civil::Date| {
        u64::try_from(omamori::law::base::day_end(day).as_nanosecond()).unwrap()
    };
    let (from, base) =
        (nanos(jiff::civil::date(2026, 3, 31)), nanos(jiff::civil::date(2026, 9, 30)));
    let journal = &app.app.stores.journal;
    let before = figures(journal, from, base).await.unwrap();
    let until = u64::try_from(app.now() + MINUTE).unwrap() * 1_000;
    let running = figures(journal, base, until).await.unwrap();
    let left = Quota::new(before.issued, before.closing, running.refunded_of_quota());
    (running, left)
}

async fn standing(app: &TestApp) -> (i64, i64) {
    let found = quota::standing(&app.app.stores.registry, app.now()).await.unwrap().unwrap();
    (found.cap, found.left())
}

/// Who has topped up `yen` in the period before and spent but `rest`.
async fn with_rest(
    app: &TestApp,
    register: &Register,
    (id, yen): (&str, i64),
    rest: i64,
) -> Holder {
    let holder = Holder::new(app, register, yen).await;
    register.sell(app, id, &holder.customer.code(app.now()), yen - rest).await.ok();
    holder
}

/// Goal: ¥25,000 issued, of which ¥5,001 is unused at the base date: a fifth is ¥5,000, a twentieth
/// ¥250 (rounded down), and the larger of the two is enough. ¥3,000 and ¥2,000 fill it; a yen more
/// is refused, unless it was unavoidable. What the bank gives back keeps its place.
async fn a_quota_by_hand(app: &mut TestApp) {
    with_sender(app).await;
    let register = Register::new(&app.app).await;
    let mut one = with_rest(app, &register, ("s-1", 10_000), 3_000).await;
    let mut two = with_rest(app, &register, ("s-2", 10_000), 2_000).await;
    let mut three = with_rest(app, &register, ("s-3", 5_000), 1).await;
    // In the first period there is none before: no quota.
    one.leaves(app, "1234567", "wishes").await.ok();
    let path = format!("/refunds/{}/propose", one.claim(app).await.claim_id);
    let support = Person::new(&app.app, Role::Support).await;
    support.post(app, &path, &on("quota")).await.refused(Code::Busy);
    work_due(&app.app).await.unwrap();
    support.post(app, &path, &on("quota")).await.refused(Code::RefundQuota);
    one.stays(app).await.ok();

    app.clock.advance(184 * DAY); // 2026-10-02
    for (holder, number) in [(&mut one, "1111111"), (&mut two, "2222222"), (&mut three, "3333333")]
    {
        holder.leaves(app, number, "wishes").await.ok();
    }
    work_due(&app.app).await.unwrap();
    assert_eq!(standing(app).await, (5_000, 5_000));
    agreed_on(app, &one, "quota").await;
    agreed_on(app, &two, "quota").await;
    assert_eq!(standing(app).await, (5_000, 0));
    let path = format!("/refunds/{}/propose", three.claim(app).await.claim_id);
    let support = Person::new(&app.app, Role::Support).await;
    support.post(app, &path, &on("quota")).await.refused(Code::RefundQuota);
    support.post(app, &path, &on("pity")).await.refused(Code::InvalidRequest);
    agreed_on(app, &three, "unavoidable").await;
    let (running, left) = by_the_journal(app).await;
    assert_eq!((running.refunded_of_quota(), left.most()), (0, 5_000), "nothing has left yet");
    assert_eq!(quota::promised(&app.app.stores.registry).await.unwrap(), 5_000);

    let first = paid(app).await;
    let (running, left) = by_the_journal(app).await;
    let of = |running: &Figures, code: TransferCode| {
        running.by_code.get(&code.number()).copied().unwrap_or_default()
    };
    assert_eq!(of(&running, TransferCode::RefundQuota), -5_000);
    assert_eq!(of(&running, TransferCode::RefundSent), -1);
    assert_eq!((running.recovered, running.unnamed, left.most()), (5_001, 0, 0));
    assert_eq!(quota::promised(&app.app.stores.registry).await.unwrap(), 0);

    let desk = finance(app).await;
    let back = format!("/refund-files/{first}/returned/{}", one.claim(app).await.claim_id);
    for _ in 0..2 {
        desk.post(app, &back, &json!({ "reason": "名義相違" })).await.done();
    }
    let (running, left) = by_the_journal(app).await;
    assert_eq!(of(&running, TransferCode::RefundQuotaReturned), 3_000);
    assert_eq!((running.refunded_of_quota(), left.most()), (2_000, 3_000));
    assert_eq!(standing(app).await, (5_000, 0), "what came back keeps its place");
    // Another account is agreed on anew, in the same place, and paid.
    one.corrects(app, "4444444").await.ok();
    assert_eq!(one.claim(app).await.state, State::Review);
    assert_eq!(standing(app).await, (5_000, 0));
    agreed_on(app, &one, "quota").await;
    paid(app).await;
    let (running, left) = by_the_journal(app).await;
    assert_eq!((running.refunded_of_quota(), left.most()), (5_000, 0));
    assert_eq!(of_operator(app, AccountCode::OperatorBank), 5_001);
    assert_eq!(of_operator(app, AccountCode::RefundPayable), 0);
    let page = loop {
        let page = desk.get(app, "/console/law").await;
        if !page.text().contains("data-follow") {
            break page.text().to_owned();
        }
    };
    assert!(page.contains(">¥5,000</dd>"), "{page}");
}

/// A claim of a holder within the quota, to which a second person has agreed: who carries it out,
/// and the approval.
async fn ready(app: &TestApp, holder: &mut Holder) -> (Person, String) {
    holder.leaves(app, "1234567", "wishes").await.ok();
    work_due(&app.app).await.unwrap();
    let path = format!("/refunds/{}/propose", holder.claim(app).await.claim_id);
    let asking = Person::new(&app.app, Role::Support).await;
    let asked = asking.post(app, &path, &on("quota")).await.ok();
    let approval = asked["approval_id"].as_str().unwrap().to_owned();
    crate::incident::given(app, &approval, &finance(app).await.staff_id).await;
    (asking, format!("/approvals/{approval}/carry-out"))
}

/// Attack: on another node an agreement is in the middle of its transaction. There is room for one:
/// the second sees the first, however long that takes.
async fn an_agreement_waits_for_the_one_before(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut one = with_rest(app, &register, ("s-1", 5_000), 1_500).await;
    let mut two = with_rest(app, &register, ("s-2", 5_000), 1_500).await;
    app.clock.advance(184 * DAY);
    ready(app, &mut one).await;
    let (asking, carry_out) = ready(app, &mut two).await;
    assert_eq!(standing(app).await, (2_000, 2_000));
    let registry = app.app.stores.registry.clone();
    let mut first = registry.begin().await.unwrap();
    first.execute(sql("UPDATE refund_quota SET turn = turn + 1")).await.unwrap();
    let agreed = sql("UPDATE refund_claim SET state = 'waiting', ground = 'quota'
         WHERE claim_id = $1");
    first.execute(agreed.bind(one.claim(app).await.claim_id)).await.unwrap();
    let node = (**app).clone();
    let second = tokio::spawn(async move { asking.post(&node, &carry_out, &Value::Null).await });
    let waits = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM pg_stat_activity
         WHERE wait_event_type = 'Lock'");
    while !second.is_finished() {
        if registry.one(waits.clone()).await.unwrap().int("n").unwrap() > 0 {
            break;
        }
    }
    first.commit().await.unwrap();
    second.await.unwrap().refused(Code::RefundQuota);
    assert_eq!(two.claim(app).await.state, State::Review);
    assert_eq!(standing(app).await, (2_000, 500));
}

/// Attack: six pairs agree at the same moment on what there is room for but four of.
async fn agreements_at_once_do_not_pass_the_quota(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut holders = Vec::new();
    for number in 0..6 {
        let id = format!("s-{number}");
        holders.push(with_rest(app, &register, (&id, 5_000), 1_500).await);
    }
    app.clock.advance(184 * DAY);
    let mut all = Vec::new();
    for holder in &mut holders {
        all.push(ready(app, holder).await);
    }
    assert_eq!(standing(app).await, (6_000, 6_000));
    let node = (**app).clone();
    let answers = at_once(all.into_iter().map(|(asking, carry_out)| {
        let node = node.clone();
        async move { asking.post(&node, &carry_out, &Value::Null).await }
    }))
    .await;
    let done = answers.iter().filter(|answer| answer.status.is_success()).count();
    for answer in answers.iter().filter(|answer| !answer.status.is_success()) {
        answer.refused(Code::RefundQuota);
    }
    assert_eq!(done, 4);
    assert_eq!(standing(app).await, (6_000, 0));
    let mut waiting = 0;
    for holder in &holders {
        waiting += i64::from(holder.claim(app).await.state == State::Waiting);
    }
    assert_eq!(waiting, 4);
}

/// Goal: what was agreed on and not paid when the period ends counts in the next one; where that
/// has no room it goes before staff again, and none of it is in a file.
async fn a_base_date_between_agreement_and_file(app: &mut TestApp) {
    with_sender(app).await;
    let register = Register::new(&app.app).await;
    let mut one = with_rest(app, &register, ("s-1", 10_000), 1_000).await;
    let mut two = with_rest(app, &register, ("s-2", 10_000), 100).await;
    app.clock.advance(184 * DAY);
    one.leaves(app, "1111111", "wishes").await.ok();
    app.clock.advance(DAY);
    two.leaves(app, "2222222", "wishes").await.ok();
    work_due(&app.app).await.unwrap();
    agreed_on(app, &two, "quota").await;
    agreed_on(app, &one, "quota").await;
    assert_eq!(standing(app).await, (4_000, 2_900));
    // Of the next one: nothing issued, ¥1,100 unused, a twentieth of which is ¥55.
    app.clock.advance(184 * DAY);
    let (desk, reason) = (finance(app).await, json!({ "reason": "定例の振込" }));
    let early = desk.post(app, "/refund-files", &reason).await.ok();
    assert!(early.get("approval_id").is_none(), "the new figures are not read yet");
    assert_eq!(one.claim(app).await.state, State::Waiting);
    work_due(&app.app).await.unwrap();
    assert_eq!(standing(app).await, (55, 0));
    let none = desk.post(app, "/refund-files", &reason).await.ok();
    assert!(none.get("approval_id").is_none());
    for holder in [&one, &two] {
        assert_eq!(holder.claim(app).await.state, State::Review);
    }
    assert_eq!(standing(app).await, (55, 55));
    // Unavoidable after all.
    agreed_on(app, &one, "unavoidable").await;
    let made = file(app).await;
    let lines = omamori::refund::file::lines(&app.app, &made).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.yen).collect::<Vec<_>>(), [1_000]);
}

/// Attack: two of finance say at once that the bank took a file of quota claims alone; the second
/// has read it as agreed on, and then the first was done.
async fn a_file_within_the_quota_is_booked_once(app: &mut TestApp) {
    with_sender(app).await;
    let register = Register::new(&app.app).await;
    let mut holder = with_rest(app, &register, ("s-1", 10_000), 1_000).await;
    let other = Holder::new(app, &register, 5_000).await;
    app.clock.advance(184 * DAY);
    holder.leaves(app, "1111111", "wishes").await.ok();
    work_due(&app.app).await.unwrap();
    agreed_on(app, &holder, "quota").await;
    let made = paid(app).await;
    // What is set aside for somebody else would be gone with it.
    let written = json!({ "customer_id": other.customer.phone(), "closing": "heir",
        "account": super::account("6666666"), "reason": "窓口で受付" });
    let desk = finance(app).await;
    desk.post(app, "/refunds", &written).await.ok();
    assert_eq!(of_operator(app, AccountCode::OperatorBank), 1_000);
    let as_read = sql("UPDATE refund_file SET state = 'agreed' WHERE file_id = $1");
    app.app.stores.registry.execute(as_read.bind(&made)).await.unwrap();
    let path = format!("/refund-files/{made}/sent");
    desk.post(app, &path, &json!({ "reason": "銀行で受付" })).await.done();
    assert_eq!(of_operator(app, AccountCode::OperatorBank), 1_000);
    assert_eq!(of_operator(app, AccountCode::RefundPayable), 5_000);
}

/// Goal: a file that was made, or agreed on, before a base date counts in the period in which it
/// goes to the bank; where that has no room, nobody agrees on it or takes it.
async fn a_base_date_between_file_and_bank(app: &mut TestApp) {
    with_sender(app).await;
    let register = Register::new(&app.app).await;
    let mut one = with_rest(app, &register, ("s-1", 10_000), 1_000).await;
    let mut two = with_rest(app, &register, ("s-2", 10_000), 900).await;
    let base = omamori::law::base::day_end(jiff::civil::date(2027, 3, 31)).as_microsecond();
    app.clock.advance(base - 10 * MINUTE - app.now());
    for holder in [&mut one, &mut two] {
        holder.leaves(app, "1111111", "wishes").await.ok();
        app.clock.advance(MINUTE);
    }
    work_due(&app.app).await.unwrap();
    agreed_on(app, &one, "quota").await;
    let agreed = file(app).await;
    agreed_on(app, &two, "quota").await;
    let (desk, reason) = (finance(app).await, json!({ "reason": "定例の振込" }));
    app.clock.advance(MINUTE);
    let asked = desk.post(app, "/refund-files", &reason).await.ok();
    let planned = omamori::refund::file::newest(&app.app, 1).await.unwrap().remove(0).file_id;
    let approval = asked["approval_id"].as_str().unwrap();
    crate::incident::given(app, approval, &finance(app).await.staff_id).await;
    // Of the next period: nothing issued, ¥1,900 unused, a twentieth of which is ¥95.
    app.clock.advance(base + 2 * MINUTE - app.now());
    let take = format!("/api/admin/v1/refund-files/{agreed}");
    let carry_out = format!("/approvals/{approval}/carry-out");
    desk.get(app, &take).await.refused(Code::Busy);
    desk.post(app, &carry_out, &Value::Null).await.refused(Code::Busy);
    work_due(&app.app).await.unwrap();
    assert_eq!(standing(app).await, (95, 0));
    desk.get(app, &take).await.refused(Code::RefundQuota);
    desk.post(app, &carry_out, &Value::Null).await.refused(Code::RefundQuota);
    for made in [&agreed, &planned] {
        desk.post(app, &format!("/refund-files/{made}/drop"), &reason).await.done();
    }
    let none = desk.post(app, "/refund-files", &reason).await.ok();
    assert!(none.get("approval_id").is_none());
    for holder in [&one, &two] {
        assert_eq!(holder.claim(app).await.state, State::Review);
    }
    assert_eq!(of_operator(app, AccountCode::OperatorBank), 0);
}

/// Nobody's fault: the quota cannot be read. Everybody is told of the service's end all the same.
async fn a_quota_that_cannot_be_read_holds_up_nothing_else(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut holder = Holder::new(app, &register, 1_000).await;
    holder.leaves(app, "1111111", "wishes").await.ok();
    announced(app).await;
    let away = "ALTER TABLE refund_quota RENAME TO refund_quota_away";
    app.app.stores.registry.execute(sql(away)).await.unwrap();
    assert!(work_due(&app.app).await.unwrap() >= 1);
}
