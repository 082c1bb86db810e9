//! Who received what members lost: followed hop by hop, stopped or dismissed by staff, and nobody
//! else.

use omamori::clock::MINUTE;
use omamori::console::access::Role;
use omamori::incident::{act, cohort, receivers, work_due};
use omamori::web::codes::Code;
use serde_json::json;

use super::{World, opened, rows, world};
use crate::durability::child::omamori;
use crate::send::{id, rich, to_phone};
use crate::support::app::{Node, TestApp};
use crate::support::desk::Person as Staff;
use crate::support::on_both_engines;
use crate::support::passkey::Person;
use crate::support::settings;

on_both_engines!(
    what_was_lost_is_followed_from_wallet_to_wallet,
    receivers_are_stopped_and_who_was_dismissed_is_let_be,
    who_may_say_what_of_a_receiver,
    a_member_who_is_cleared_leaves_no_receivers,
    a_count_is_made_from_the_shell,
);

/// A thief's path: the victim's ¥9,000 go to `a`, who has ¥2,500; of that ¥6,000 by way of `b` to
/// `c`, and ¥4,000 to `d`. Before all that `a` sent ¥500 to `e`.
struct Path {
    world: World,
    victim: Person,
    a: Person,
    b: Person,
    c: Person,
    d: Person,
    e: Person,
}

async fn sends(app: &TestApp, from: &mut Person, yen: i64, to: &Person) {
    let name = format!("{yen}-{}", to.phone());
    let sent = id(&from.send(app, &to_phone(&name, yen, &to.phone())).await);
    to.act(app, &sent, "take").await.ok();
    app.clock.advance(MINUTE);
}

async fn path(app: &TestApp) -> Path {
    let world = world(app, 0).await;
    let (mut victim, mut a) = (rich(app, 10_000).await, rich(app, 3_000).await);
    let mut b = Person::new(&app.app).await;
    let (c, d, e) =
        (Person::new(&app.app).await, Person::new(&app.app).await, Person::new(&app.app).await);
    sends(app, &mut a, 500, &e).await;
    sends(app, &mut victim, 9_000, &a).await;
    sends(app, &mut a, 6_000, &b).await;
    sends(app, &mut b, 6_000, &c).await;
    sends(app, &mut a, 4_000, &d).await;
    Path { world, victim, a, b, c, d, e }
}

impl Path {
    async fn counted(&self, app: &TestApp) {
        let conditions = format!("customer:{} act:send", self.victim.customer.customer_id);
        self.world.count(app, &conditions).await;
    }

    /// Customer, yen and path of each receiver, with letters for ids.
    async fn found(&self, node: &Node) -> Vec<(char, i64, String)> {
        let of = |id: &str| {
            let people = [&self.victim, &self.a, &self.b, &self.c, &self.d, &self.e];
            let place = people.iter().position(|person| person.customer.customer_id == id);
            ['v', 'a', 'b', 'c', 'd', 'e'][place.unwrap()]
        };
        let all = receivers::list(&node.app.stores.registry, &self.world.incident).await.unwrap();
        let mut found: Vec<_> = all
            .iter()
            .map(|one| {
                let path = one.path.iter().map(|id| of(id)).collect();
                (of(&one.customer_id), one.yen, path)
            })
            .collect();
        found.sort();
        found
    }

    async fn says(&self, app: &TestApp, person: &Person, state: &str) {
        let path = format!("receivers/{}/{state}", person.customer.customer_id);
        let reason = json!({ "reason": "自転車の代金" });
        let said = self.world.fraud.post(app, &self.world.path(&path), &reason).await;
        assert_eq!(said.status, 204, "{}", said.text());
    }
}

/// Goal: who, how much and by which path; of ¥4,000 that `a` sent on, only ¥3,000 had been the
/// victim's; what `a` sent before is nobody's loss. The same count finds the same again.
async fn what_was_lost_is_followed_from_wallet_to_wallet(app: &mut TestApp) {
    let path = path(app).await;
    path.counted(app).await;
    let expected = [
        ('a', 9_000, "va".to_owned()),
        ('b', 6_000, "vab".to_owned()),
        ('c', 6_000, "vabc".to_owned()),
        ('d', 3_000, "vad".to_owned()),
    ];
    assert_eq!(path.found(app).await, expected);
    path.counted(app).await;
    assert_eq!(path.found(app).await, expected);
    let viewer = Staff::new(&app.app, Role::Viewer).await;
    let read = viewer.get(app, &format!("/api/admin/v1{}", path.world.path("receivers"))).await;
    let read = read.ok();
    assert_eq!(read["receivers"].as_array().unwrap().len(), 4);
    let first = &read["receivers"][0];
    assert_eq!((&first["yen"], &first["there"]), (&json!(9_000), &json!(1_500)), "{first}");
    let page = format!("/console/incidents/{}", path.world.incident);
    let page = path.world.fraud.get(app, &page).await;
    assert_eq!(page.text().matches("data-receiver=").count(), 4);
    // Nothing of it is a loss of theirs, or a figure.
    let counts = cohort::counts(&app.app.stores.registry, &path.world.incident).await.unwrap();
    assert_eq!((counts[0].figures.customers, counts[0].figures.loss), (1, 9_000));

    // One of them turns out to be of the cohort: no longer somebody else.
    let add = json!({ "customer_id": path.b.customer.customer_id, "reason": "同じ手口" });
    path.world.fraud.post(app, &path.world.path("members"), &add).await;
    let letters: String = path.found(app).await.iter().map(|(letter, ..)| *letter).collect();
    assert_eq!(letters, "acd");
}

/// Goal: two people stop all who were not dismissed; who is dismissed after the dry run is let be,
/// as is `e`; they are started again, the dismissed ones too. Money is not moved by it.
async fn receivers_are_stopped_and_who_was_dismissed_is_let_be(app: &mut TestApp) {
    let path = path(app).await;
    path.counted(app).await;
    path.says(app, &path.d, "dismissed").await;
    path.counted(app).await;
    let freeze = json!({ "kind": "freeze", "on": "receivers" });
    let act_id = path.world.planned(app, &freeze).await;
    path.says(app, &path.c, "dismissed").await;
    path.world.start(app, &act_id).await;
    assert_eq!(work_due(&app.app).await.unwrap(), 3);
    let done = act::rows(&app.app.stores.registry, &act_id, 9).await.unwrap();
    let outcome = |person: &Person| {
        let row = done.iter().find(|row| row.subject == person.customer.customer_id);
        row.map(|row| row.outcome.clone())
    };
    let outcomes = [&path.a, &path.b, &path.c, &path.d, &path.e].map(outcome);
    let expected = [Some("done"), Some("done"), Some("cleared"), None, None];
    assert_eq!(outcomes, expected.map(|outcome| outcome.map(str::to_owned)));
    assert_eq!(rows(app, "customer", "frozen").await, 2);
    assert_eq!(path.c.customer.balance(app), 6_000);

    path.says(app, &path.a, "dismissed").await;
    path.says(app, &path.d, "found").await;
    let unfreeze = json!({ "kind": "unfreeze", "on": "receivers" });
    let (_, plan) = path.world.agreed(app, &unfreeze).await;
    assert_eq!(plan["rows"], 1, "who was dismissed is started again at their own page");
    for kind in ["compensate", "reverse", "notify", "require_factors"] {
        let mut wrong = json!({ "kind": kind, "on": "receivers" });
        if kind == "notify" {
            wrong["letter"] = json!("affected");
        }
        let refused = path.world.fraud.post(app, &path.world.path("acts"), &wrong).await;
        assert_eq!(refused.refused(Code::InvalidRequest)["fields"][0]["field"], "on", "{kind}");
    }
}

/// Goal: nobody says anything of a receiver without the role and a reason, of who is none, or by
/// way of another incident; what was said is in both logs.
async fn who_may_say_what_of_a_receiver(app: &mut TestApp) {
    let path = path(app).await;
    path.counted(app).await;
    let at = |state: &str| {
        path.world.path(&format!("receivers/{}/{state}", path.a.customer.customer_id))
    };
    let reason = json!({ "reason": "確認済み" });
    for role in [Role::Viewer, Role::Support, Role::Finance] {
        let staff = Staff::new(&app.app, role).await;
        staff.post(app, &at("dismissed"), &reason).await.refused(Code::Forbidden);
    }
    let fraud = &path.world.fraud;
    fraud
        .post(app, &at("dismissed"), &json!({ "reason": " " }))
        .await
        .refused(Code::InvalidRequest);
    fraud.post(app, &at("frozen"), &reason).await.refused(Code::NotFound);
    let none = path.world.path(&format!("receivers/{}/dismissed", path.e.customer.customer_id));
    fraud.post(app, &none, &reason).await.refused(Code::NotFound);
    let other = opened(app, fraud, "別件").await;
    let by_other =
        format!("/incidents/{other}/receivers/{}/dismissed", path.a.customer.customer_id);
    fraud.post(app, &by_other, &reason).await.refused(Code::NotFound);
    assert!(path.found(app).await.iter().any(|(letter, ..)| *letter == 'a'));

    let before = rows(app, "audit_entry", "incident_review").await;
    path.says(app, &path.a, "dismissed").await;
    assert_eq!(rows(app, "audit_entry", "incident_review").await, before + 1);
    let page = format!("/console/incidents/{}", path.world.incident);
    let page = fraud.get(app, &page).await.text().to_owned();
    assert!(page.contains(r#"data-receiver-state="dismissed""#), "{page}");
    assert!(page.contains("受け取った人を問題なしに"), "{page}");
}

/// Goal: a victim turns out to be none: who got money of theirs is nobody's accomplice, at once
/// and after the next count, and no act planned before stops them.
async fn a_member_who_is_cleared_leaves_no_receivers(app: &mut TestApp) {
    let path = path(app).await;
    path.counted(app).await;
    let freeze = json!({ "kind": "freeze", "on": "receivers" });
    let act_id = path.world.planned(app, &freeze).await;
    let said = json!({ "customers": [path.victim.customer.customer_id], "state": "cleared",
        "reason": "本人の送金" });
    path.world.fraud.post(app, &path.world.path("review"), &said).await.ok();
    assert_eq!(path.found(app).await, []);
    path.world
        .fraud
        .post(app, &path.world.path("acts"), &freeze)
        .await
        .refused(Code::IncidentEmpty);
    path.world.start(app, &act_id).await;
    work_due(&app.app).await.unwrap();
    assert_eq!(rows(app, "customer", "frozen").await, 0);
    path.counted(app).await;
    assert_eq!(path.found(app).await, []);
}

/// Goal: `omamori incident count` asks the saved question again and prints what the desk has; of an
/// incident without a question, or of none, it says so and fails.
async fn a_count_is_made_from_the_shell(app: &mut TestApp) {
    let path = path(app).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = settings::written(&app.app.config.store, folder.path());
    let count = |incident: &str| {
        let mut command = omamori();
        command.args(["incident", "count", incident, "--config"]).arg(&settings);
        command.output().unwrap()
    };
    for none in ["inc_none", path.world.incident.as_str()] {
        let ended = count(none);
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success() && said.contains("no question yet"), "{said}");
    }
    path.counted(app).await;
    let ended = count(&path.world.incident);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let said = String::from_utf8(ended.stdout).unwrap();
    let counts = cohort::counts(&app.app.stores.registry, &path.world.incident).await.unwrap();
    assert_eq!(counts.len(), 2);
    assert_eq!((counts[0].number, &*counts[0].counted_by), (2, "machine"));
    let found = format!("{} customers", counts[0].figures.customers);
    assert!(said.contains("count 2 of question 1") && said.contains(&found), "{said}");
}
