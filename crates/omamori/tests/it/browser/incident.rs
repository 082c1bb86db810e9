//! An incident by hand: from the alert to doors closed, victims counted, stopped, told and made
//! good, with two people, and the report. The time that each step took is printed.

use std::time::{Duration, Instant};

use omamori::alert::{self, Kind, Seen};
use omamori::audit::Actor;
use omamori::console::access::Role;
use omamori::console::{customer_acts, staff};
use omamori::incident::row;
use omamori::notify::ContactKind;
use omamori::web::text::Lang;
use serde_json::json;

use super::browser::Browser;
use super::console::{desk, does};
use super::house::House;
use super::phone::Phone;
use super::pictures::{picture, whole_picture};
use crate::support::customer::Customer;

const HAD: i64 = 5_000;
const STOLEN: i64 = 1_200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_is_worked_through_in_japanese() {
    an_incident_is_worked_through(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_is_worked_through_in_english() {
    an_incident_is_worked_through(Lang::En).await;
}

/// Says what took how long.
struct Stopwatch(Instant, Vec<(&'static str, Duration)>);

impl Stopwatch {
    fn start() -> Self {
        Self(Instant::now(), Vec::new())
    }

    fn lap(&mut self, what: &'static str) {
        self.1.push((what, self.0.elapsed()));
    }

    #[expect(clippy::print_stdout, reason = "the figures are for whoever runs the test")]
    fn print(&self, lang: Lang) {
        println!("incident, by hand in a browser ({}), since the first alert:", lang.tag());
        for (what, at) in &self.1 {
            println!("  {:>6.1} s  {what}", at.as_secs_f64());
        }
    }
}

/// Victims of one of the staff who read their numbers and gave them away: what is stated to be lost
/// is ¥1,200 of each.
async fn theft(house: &House, phone: &Phone) -> Vec<Customer> {
    let invited = staff::invite(&house.app, "内部 太郎", Role::Support).await.unwrap();
    assert!(!invited.is_empty());
    let people = staff::list(&house.app.stores.registry).await.unwrap();
    let insider = people.into_iter().find(|person| person.name == "内部 太郎").unwrap();
    let actor = Actor::on_behalf_of(insider.staff_id);
    let mut victims = Vec::new();
    for number in 0..3 {
        let victim = Customer::new(&house.app).await;
        let code = || victim.code(house.app.clock.now());
        let load = json!({ "merchant_topup_id": format!("t-{number}"), "code": code(),
            "amount": HAD });
        house.pos("POST", "/topups", &load).await.ok();
        reads(house, &actor, &victim.customer_id).await;
        house.sell(&format!("theft-{number}"), &code(), STOLEN).await.ok();
        victims.push(victim);
    }
    let load = json!({ "merchant_topup_id": "t-phone", "code": phone.code().await,
        "amount": HAD });
    house.pos("POST", "/topups", &load).await.ok();
    phone.is_told("happened.topup", "¥5,000", "¥5,000").await;
    let newest = omamori_db::sql("SELECT customer_id FROM customer WHERE phone = $1");
    let newest = newest.bind(super::phone::NUMBER.1);
    let row = house.app.stores.registry.one(newest).await.unwrap();
    reads(house, &actor, &row.text("customer_id").unwrap()).await;
    house.sell("theft-phone", &phone.code().await, STOLEN).await.ok();
    victims
}

async fn reads(house: &House, actor: &Actor, customer_id: &str) {
    let (kind, reason) = (ContactKind::Phone, "照会");
    customer_acts::unmask(&house.app, actor, customer_id, kind, reason).await.unwrap();
}

/// Plans an act, has a second person agree, carries it out and sees its end.
async fn act(first: &Browser, second: &Browser, incident: &str, kind: &str) {
    first.go(&format!("/console/incidents/{incident}")).await;
    first.see("[data-plan] [type=submit]").await;
    let choose = format!(
        "const kind = document.querySelector('[data-plan] [name=kind]'); kind.value = '{kind}'; \
         kind.dispatchEvent(new Event('change'))"
    );
    first.run(&choose).await;
    first.press("[data-plan] [type=submit]").await;
    first.see(r#"[data-act-state="planned"]"#).await;
    let page = first.path().await;
    if kind == "compensate" {
        picture(first, "console-incident-act").await;
        first.screen(1280, 800, 1).await;
    }
    does(first, r#".deskhead__acts [data-act$="/ask"]"#, "被害の拡大を止める").await;
    second.go("/console/approvals").await;
    second.press("[data-decide=give]").await;
    second.read(".card__title", second.text.t("console.approval_given")).await;
    first.go("/console/approvals").await;
    first.press("[data-carry-out]").await;
    first.gone("[data-carry-out]").await;
    first.go(&page).await;
    first.see(r#"[data-act-state="done"]"#).await;
}

async fn opens(first: &Browser) -> String {
    first.go("/console/alerts").await;
    first.press("[data-alert=risk_rule] [data-incident-from]").await;
    first.fill("[data-incident-open] [name=title]", "内部者による番号の持ち出し").await;
    picture(first, "console-incidents").await;
    first.screen(1280, 800, 1).await;
    first.press("[data-incident-open] [type=submit]").await;
    first.see("[data-conditions]").await;
    first.path().await.rsplit('/').next().unwrap().to_owned()
}

async fn counts(first: &Browser, insider: &str) {
    first.fill("[data-conditions]", &format!("staff:{insider}")).await;
    first.press("[data-count]").await;
    first.read("[data-figure=customers]", "4").await;
    first.read("[data-figure=loss]", "¥4,800").await;
    does(first, "[data-live=review] [data-act]", "記録と本人の確認").await;
    first.gone("[data-live=review] [data-act]").await;
    first.press("[data-again]").await;
    let values = [("customers", "4".to_owned())];
    let mut same = first.text.t("incident.same").to_owned();
    for (name, value) in values {
        same = same.replace(&format!("{{{name}}}"), &value);
    }
    first.read("[data-counted-again]", &same).await;
    picture(first, "console-incident").await;
    first.screen(1280, 800, 1).await;
}

async fn an_incident_is_worked_through(lang: Lang) {
    let house = House::open().await;
    let phone = Phone::signed_up(&house, "phone", lang).await;
    let victims = theft(&house, &phone).await;
    let registry = &house.app.stores.registry;
    let people = staff::list(registry).await.unwrap();
    let insider = people.into_iter().find(|one| one.name == "内部 太郎").unwrap().staff_id;
    let first = desk(&house, "佐藤 花子", Role::Fraud, lang).await;
    let second = desk(&house, "鈴木 一郎", Role::Admin, lang).await;
    let seen = Seen { kind: Kind::RiskRule, subject: "large".into(), figure: 4, threshold: 3 };
    alert::raise(&house.app, &seen).await.unwrap();

    let mut watch = Stopwatch::start();
    first.go("/console/doors").await;
    does(&first, r#"[data-act="/api/admin/v1/doors/payment/close"]"#, "被害の拡大を止める").await;
    watch.lap("payments closed");
    let incident = opens(&first).await;
    watch.lap("incident opened from the alert");
    counts(&first, &insider).await;
    watch.lap("cohort counted and confirmed");
    for (kind, what) in [
        ("freeze", "all frozen, agreed by a second person"),
        ("notify", "all told"),
        ("compensate", "all made good"),
    ] {
        act(&first, &second, &incident, kind).await;
        watch.lap(what);
    }
    for kind in ["authority", "public", "board"] {
        first.go(&format!("/console/incidents/{incident}/reports/{kind}")).await;
        first.read("main", "¥4,800").await;
        picture(&first, &format!("console-incident-{kind}")).await;
        first.screen(1280, 800, 1).await;
    }
    watch.lap("reports read");
    watch.print(lang);
    first.go(&format!("/console/incidents/{incident}")).await;
    first.see("[data-live=log]").await;
    whole_picture(&first, "console-incident-whole").await;
    first.screen(1280, 800, 1).await;

    for victim in &victims {
        assert_eq!(house.app.gate.balance(victim.wallet_account), HAD, "whole to the yen");
    }
    assert!(row::find(registry, &incident).await.unwrap().is_open());
    phone.go("/affected").await;
    phone.see(r#"[data-standing="affected"]"#).await;
    phone.read("[data-standing]", "¥1,200").await;
    phone.picture("wallet-affected").await;
    first.close().await;
    second.close().await;
    phone.close().await;
    house.close().await;
}
