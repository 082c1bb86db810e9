//! The incident desk: whom an incident touched, counted once; what two people agree on, done once;
//! each victim whole to the yen.

mod acts;
mod back;
mod cohort;
mod compensation;
mod counting;
mod desk;
mod document;
mod holds;
pub mod once;
mod pass_on;
mod receivers;
mod reports;
mod rounds;
mod speed;
mod unsure;

use omamori::clock::{HOUR, MINUTE};
use omamori::console::access::Role;
use omamori::incident;
use omamori_db::sql;
use serde_json::{Value, json};

use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::shop::Register;

/// A store where thieves paid, its victims, and the people who look into it.
pub struct World {
    pub register: Register,
    pub victims: Vec<Customer>,
    pub fraud: Person,
    pub second: Person,
    pub incident: String,
}

/// What the nth victim had, and what a thief paid with it.
pub const HAD: i64 = 5_000;

pub fn stolen(number: usize) -> i64 {
    3_000 + i64::try_from(number).unwrap()
}

/// So many victims, and an incident that was opened after it.
pub async fn world(app: &TestApp, victims: usize) -> World {
    let register = Register::new(&app.app).await;
    let shop = Register::new(&app.app).await;
    let mut world = World {
        victims: Vec::new(),
        fraud: Person::new(&app.app, Role::Fraud).await,
        second: Person::new(&app.app, Role::Admin).await,
        incident: String::new(),
        register,
    };
    for number in 0..victims {
        let victim = Customer::new(&app.app).await;
        victim.load(app, &shop, HAD).await;
        let (id, code) = (format!("theft-{number}"), victim.code(app.now()));
        world.register.sell(app, &id, &code, stolen(number)).await.ok();
        world.victims.push(victim);
    }
    app.clock.advance(MINUTE);
    world.incident = opened(app, &world.fraud, "電子タバコの大量購入").await;
    world
}

/// Opens an incident that began an hour ago.
pub async fn opened(app: &TestApp, person: &Person, title: &str) -> String {
    let new = json!({ "title": title, "kind": "takeover", "first_event_at": app.now() - HOUR });
    let opened = person.post(app, "/incidents", &new).await.ok();
    opened["incident_id"].as_str().unwrap().to_owned()
}

impl World {
    pub fn path(&self, end: &str) -> String {
        format!("/incidents/{}/{end}", self.incident)
    }

    /// All that was paid in the thieves' store.
    pub fn conditions(&self) -> String {
        format!("store:{} act:payment", self.register.store_id)
    }

    /// Saves a question and counts.
    pub async fn count(&self, app: &TestApp, conditions: &str) -> Value {
        let question = json!({ "from": app.now() - 2 * HOUR, "money": "matched",
            "conditions": conditions });
        self.fraud.post(app, &self.path("cohort"), &question).await.ok();
        self.counted(app).await
    }

    /// Asks for a count, lets the worker make it, and gives it.
    pub async fn counted(&self, app: &TestApp) -> Value {
        let asked = self.fraud.post(app, &self.path("count"), &json!({})).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        assert_eq!(incident::counting::work_due(&app.app).await.unwrap(), 1);
        let count =
            incident::cohort::counts(&app.app.stores.registry, &self.incident).await.unwrap();
        json!({ "number": count[0].number, "figures": count[0].figures })
    }

    /// Counts and confirms all who are found.
    pub async fn confirmed(&self, app: &TestApp) {
        self.count(app, &self.conditions()).await;
        let all = json!({ "state": "confirmed", "reason": "本人に確認" });
        self.fraud.post(app, &self.path("review"), &all).await.ok();
    }

    /// Plans an act, and lets two people agree on it.
    pub async fn agreed(&self, app: &TestApp, parameters: &Value) -> (String, Value) {
        let plan = self.fraud.post(app, &self.path("acts"), parameters).await.ok();
        let act = plan["act_id"].as_str().unwrap().to_owned();
        self.start(app, &act).await;
        (act, plan)
    }

    /// Plans an act, and gives its id.
    pub async fn planned(&self, app: &TestApp, parameters: &Value) -> String {
        let plan = self.fraud.post(app, &self.path("acts"), parameters).await.ok();
        plan["act_id"].as_str().unwrap().to_owned()
    }

    /// Lets two people agree on a plan, and starts it.
    pub async fn start(&self, app: &TestApp, act: &str) {
        let carry_out = self.approved(app, act).await;
        self.fraud.post(app, &carry_out, &Value::Null).await.ok();
    }

    /// Lets two people agree on a plan. Gives the path that starts it.
    pub async fn approved(&self, app: &TestApp, act: &str) -> String {
        let reason = json!({ "reason": "被害の拡大を止める" });
        let asked = self.fraud.post(app, &format!("/incident-acts/{act}/ask"), &reason).await.ok();
        let approval = asked["approval_id"].as_str().unwrap().to_owned();
        given(app, &approval, &self.second.staff_id).await;
        format!("/approvals/{approval}/carry-out")
    }

    /// Other sessions, of the same roles: the old ones have run out.
    pub async fn signed_in(&mut self, app: &TestApp) {
        self.fraud = Person::new(&app.app, Role::Fraud).await;
        self.second = Person::new(&app.app, Role::Admin).await;
    }
}

/// A second person says yes. (How, has tests of its own: `console/tests/approvals.rs`.)
pub async fn given(app: &TestApp, approval: &str, by: &str) {
    let given = sql("UPDATE approval SET state = 'given', decided_by = $1, decided_at = $2
         WHERE approval_id = $3");
    let given = given.bind(by).bind(app.now()).bind(approval);
    app.app.stores.registry.execute(given).await.unwrap();
}

/// How many rows a table has where something is so.
pub async fn rows(node: &Node, table: &'static str, word: &str) -> i64 {
    let query = match table {
        "notice" => "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM notice WHERE kind = $1",
        "audit_entry" => "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM audit_entry WHERE act = $1",
        "session" => "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM session WHERE strength = $1",
        "device" => "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM device WHERE state = $1",
        "risk_label" => "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM risk_label WHERE kind = $1",
        _ => "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM customer WHERE status = $1",
    };
    node.app.stores.registry.one(sql(query).bind(word)).await.unwrap().int("n").unwrap()
}
