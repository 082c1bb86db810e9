//! Every template is rendered through its route, in both languages.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, header};
use omamori::case::CaseKind;
use omamori::clock::{HOUR, SECOND};
use omamori::config::Card;
use omamori::console::access::Role;
use omamori::coupon::{Gift, Terms};
use omamori::merchant::invite;
use omamori::terms::{Kind, publish};
use omamori_db::sql;
use serde_json::json;

use super::source::{Token, sources, tokens};
use crate::atm;
use crate::checkout::{Order, Web};
use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::desk::Person as Desk;
use crate::support::on_both_engines;
use crate::support::passkey::Person;
use crate::support::shop::Register;
use crate::support::staff::Staff;
use crate::value::{begin, coupon};
use crate::{cases, payback, settlement};

on_both_engines!(every_page_is_rendered_in_both_languages);

/// A template, and a request that is answered with it.
struct Page {
    template: &'static str,
    status: u16,
    request: Request<Body>,
}

fn page(template: &'static str, path: &str, cookie: Option<&str>) -> Page {
    let mut request = Request::get(path);
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    Page { template, status: 200, request: request.body(Body::empty()).unwrap() }
}

/// What stands in the stores for the pages to show.
struct World {
    campaigns: Vec<String>,
    register: Register,
    customer: Customer,
    newcomer: Customer,
    /// Who has not confirmed the terms yet.
    unread: Customer,
    /// On a phone that another one took the place of.
    moved: Customer,
    staff: Staff,
    viewer: Desk,
    admin: Desk,
    till_cookie: String,
    invitation: String,
    receipt: String,
    sender: Person,
    sent: String,
    statement: String,
    /// A case about the customer.
    case: String,
    /// An incident with the customer in it, and an act that is planned.
    incident: (String, String),
    /// The page of an order of an online shop.
    order: String,
    /// An authorization of the customer's.
    authorization: String,
    /// A file of refunds.
    refunds: String,
    /// A registration of a card and top-ups with it, at each of their ends.
    of_card: Vec<String>,
    /// Consents to auto top-up, at each of their ends.
    of_auto: Vec<String>,
}

async fn world(app: &TestApp) -> World {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 9_000).await;
    let campaigns = begin_campaigns(app, &register).await;
    let sale = json!({ "merchant_payment_id": "s-1", "code": customer.code(app.now()),
        "amount": 1_000, "order_receipt_number": "7", "description": "<b>朝食</b>",
        "items": [{ "name": "<script>", "quantity": 2, "unit_price": 500 }] });
    let sold = register.post(app, "/payments", &sale).await.ok();
    register.refund(app, "r-1", "s-1", 100).await.ok();
    let code = customer.code(app.now());
    let set_aside = register.authorize(app, "a-1", &code, 700).await.ok();
    let authorization = set_aside["authorization"]["authorization_id"].as_str().unwrap();
    let key = json!({ "api_key": register.key }).to_string();
    let open = Request::post("/till/session").header(header::CONTENT_TYPE, "application/json");
    let opened = app.call(open.body(Body::from(key)).unwrap()).await;
    let cookie = opened.headers[header::SET_COOKIE].to_str().unwrap();
    let asked = sql("INSERT INTO act_confirmation (confirmation_id, customer_id, act, store_id, \
                     amount, asked_at) VALUES ('acf_1', $1, 'payment', $2, CAST(900 AS BIGINT), $3)");
    let asked = asked.bind(&customer.customer_id).bind(&register.store_id).bind(app.now());
    app.app.stores.registry.execute(asked).await.unwrap();
    let (viewer, admin) =
        (Desk::new(&app.app, Role::Viewer).await, Desk::new(&app.app, Role::Admin).await);
    let newcomer = json!({ "name": "<b>朝食", "role": "viewer", "reason": "<script>" });
    admin.post(app, "/staff/invite", &newcomer).await.ok();
    let mut sender = Person::new(&app.app).await;
    sender.customer.load(app, &register, 1_000).await;
    let send = json!({ "client_send_id": "s", "amount": 500, "to": { "kind": "link" },
        "message": "<b>朝食</b>" });
    let sent = sender.confirmed(app, "/sends", &send).await.ok();
    let lower = json!({ "limit": "payment_24h", "yen": 3_000 });
    sender.customer.post(app, "/limits/lower", &lower).await.ok();
    let higher = json!({ "limit": "payment_24h", "yen": 5_000 });
    sender.confirmed(app, "/limits/raise", &higher).await.ok();
    let incident = incident(app, &admin, &customer).await;
    let atm = atm::atm(app).await;
    let session = atm::session(app, &atm, "t-1").await.ok();
    atm::claim(app, &customer, session["session"]["number"].as_str().unwrap()).await;
    World {
        authorization: format!("/console/authorizations/{authorization}"),
        sent: format!("/send/{}", sent["send"]["send_id"].as_str().unwrap()),
        campaigns,
        incident,
        sender,
        viewer,
        admin,
        staff: Staff::new(&app.app, &register.merchant_id).await,
        till_cookie: cookie.split(';').next().unwrap().to_owned(),
        invitation: invite(&app.app, &register.merchant_id, "店長").await.unwrap(),
        newcomer: Customer::new(&app.app).await,
        unread: Customer::new(&app.app).await,
        of_card: of_card(app, &customer).await,
        statement: settlement::example(&app.app, &register.merchant_id, &register.store_id).await,
        case: cases::opened(app, CaseKind::Dispute, "<script>", &customer).await,
        of_auto: of_auto(app, &customer).await,
        moved: moved(app).await,
        order: online_order(app, &register).await,
        refunds: payback::example(app, &customer.customer_id).await,
        receipt: format!("/receipt/{}", sold["payment"]["payment_id"].as_str().unwrap()),
        register,
        customer,
    }
}

/// An incident whose words would be markup: the customer in its cohort, told, and an act planned.
async fn incident(app: &TestApp, admin: &Desk, customer: &Customer) -> (String, String) {
    let new = json!({ "title": "<script>", "kind": "other", "first_event_at": app.now() - HOUR });
    let opened = admin.post(app, "/incidents", &new).await.ok();
    let id = opened["incident_id"].as_str().unwrap().to_owned();
    let path = |end: &str| format!("/incidents/{id}/{end}");
    let question = json!({ "from": app.now() - HOUR, "money": "after",
        "conditions": format!("customer:{}", customer.customer_id) });
    admin.post(app, &path("cohort"), &question).await.ok();
    assert_eq!(admin.post(app, &path("count"), &json!({})).await.status, 202);
    assert_eq!(omamori::incident::counting::work_due(&app.app).await.unwrap(), 1);
    let all = json!({ "state": "confirmed", "reason": "<b>朝食" });
    admin.post(app, &path("review"), &all).await.ok();
    let published = json!({ "what": "publish", "reason": "<script>" });
    assert_eq!(admin.post(app, &path("write"), &published).await.status, 204);
    let plan = json!({ "kind": "compensate", "on": "confirmed" });
    let plan = admin.post(app, &path("acts"), &plan).await.ok();
    (id, plan["act_id"].as_str().unwrap().to_owned())
}

/// An order of an online shop, with names that would be markup.
async fn online_order(app: &TestApp, register: &Register) -> String {
    let web = Web::of_merchant(&app.app, &register.merchant_id).await;
    let mut wanted = web.wants("o-1", 500);
    wanted["description"] = "<b>朝食</b>".into();
    wanted["items"][0]["name"] = "<script>".into();
    Order::of(&web.create(app, &wanted).await.ok()).page()
}

/// A card, and the pages about its registration and about top-ups in each state.
async fn of_card(app: &TestApp, customer: &Customer) -> Vec<String> {
    let registry = &app.app.stores.registry;
    let card =
        sql("INSERT INTO card (card_id, customer_id, state, gateway, holder, token, brand, \
                    last4, exp_month, exp_year, fingerprint, created_at) \
                    VALUES ('crd_1', $1, 'active', 'sandbox', 'cus_1', 'pm_1', 'visa', '4242', \
                    CAST(12 AS BIGINT), CAST(2034 AS BIGINT), $2, $3)");
    let card = card.bind(&customer.customer_id).bind([1; 32]).bind(app.now());
    registry.execute(card).await.unwrap();
    let mut pages = Vec::new();
    for state in ["opened", "challenge", "credited", "refused", "refunded"] {
        let insert = sql("INSERT INTO card_topup (topup_id, customer_id, card_id, kind, amount, \
                          state, reference, reason, attempts, looked_at, created_at) \
                          VALUES ($1, $2, 'crd_1', 'card', CAST(1000 AS BIGINT), $3, $1, \
                          'declined', CAST(0 AS BIGINT), $4, $4)");
        let insert = insert.bind(state).bind(&customer.customer_id).bind(state).bind(app.now());
        registry.execute(insert).await.unwrap();
        pages.push(format!("/topup/card/{state}"));
    }
    for state in ["opened", "done", "refused"] {
        let insert =
            sql("INSERT INTO card_setup (setup_id, customer_id, state, reference, reason, \
                          card_id, attempts, looked_at, created_at) \
                          VALUES ($1, $2, $3, $1, 'declined', 'crd_1', CAST(0 AS BIGINT), $4, $4)");
        let insert = insert.bind(state).bind(&customer.customer_id).bind(state).bind(app.now());
        registry.execute(insert).await.unwrap();
        pages.push(format!("/topup/card/setup/{state}"));
    }
    pages
}

/// A setting of auto top-up that is paused, and the pages about its consents.
async fn of_auto(app: &TestApp, customer: &Customer) -> Vec<String> {
    let registry = &app.app.stores.registry;
    let set = sql("INSERT INTO auto_topup (customer_id, wallet_account, consent_id, card_id, \
                   threshold, amount, month_max, state, reason, failures, changed_at) \
                   VALUES ($1, $2, 'done', 'crd_1', CAST(4000 AS BIGINT), CAST(5000 AS BIGINT), \
                   CAST(30000 AS BIGINT), 'paused', 'declined', CAST(3 AS BIGINT), $3)");
    let set = set.bind(&customer.customer_id).bind(customer.wallet_account.to_be_bytes());
    registry.execute(set.bind(app.now())).await.unwrap();
    let mut pages = Vec::new();
    for state in ["opened", "done", "refused"] {
        let insert = sql("INSERT INTO auto_consent (consent_id, customer_id, card_id, threshold, \
                          amount, month_max, state, reference, reason, attempts, looked_at, \
                          created_at) VALUES ($1, $2, 'crd_1', CAST(4000 AS BIGINT), \
                          CAST(5000 AS BIGINT), CAST(30000 AS BIGINT), $1, $1, 'declined', \
                          CAST(0 AS BIGINT), $3, $3)");
        let insert = insert.bind(state).bind(&customer.customer_id).bind(app.now());
        registry.execute(insert).await.unwrap();
        pages.push(format!("/topup/auto/consent/{state}"));
    }
    pages
}

/// One of each kind, with a name that would be markup.
async fn begin_campaigns(app: &TestApp, register: &Register) -> Vec<String> {
    let mut campaigns = Vec::new();
    let gifts = [
        Gift::AmountOff { yen: 50 },
        Gift::PercentOff { percent: 10, max_yen: 300 },
        Gift::FreeItem { jan: "4901234567894".to_owned(), max_yen: 180 },
    ];
    for gift in gifts {
        let terms = Terms { name: "<script>".to_owned(), ..coupon(gift, 1_000) };
        campaigns.push(begin(app, Some(&register.merchant_id), terms).await.campaign_id);
    }
    let points = coupon(Gift::PointsFactor { factor: 3 }, 0);
    campaigns.push(begin(app, None, points).await.campaign_id);
    let value = coupon(Gift::FreeValue { yen: 300 }, 3_000);
    campaigns.push(begin(app, None, value).await.campaign_id);
    campaigns
}

/// Terms that everybody but one has confirmed.
async fn terms_are_read(app: &TestApp, unread: &Customer) {
    const TERMS: &str = include_str!("../../../../../deploy/texts/terms.example.toml");
    let registry = &app.app.stores.registry;
    let made = publish(registry, Kind::Terms, TERMS, "test", app.now()).await.unwrap();
    let read = sql("INSERT INTO terms_confirmation (customer_id, version, hash, confirmed_at)
         SELECT customer_id, CAST(1 AS BIGINT), $1, $2 FROM customer WHERE customer_id <> $3");
    registry.execute(read.bind(made.hash).bind(app.now()).bind(&unread.customer_id)).await.unwrap();
}

async fn moved(app: &TestApp) -> Customer {
    let customer = Customer::new(&app.app).await;
    let replace = sql("UPDATE device SET state = 'replaced' WHERE device_id = $1");
    app.app.stores.registry.execute(replace.bind(&customer.device_id)).await.unwrap();
    customer
}

/// A request for each template, some with and without content.
fn pages(app: &TestApp, world: &World) -> Vec<Page> {
    let of_customer = |template, customer: &Customer, path: &str| {
        let proof = customer.proof("GET", path, app.now());
        Page { template, status: 200, request: customer.request("GET", path, Some(&proof)) }
    };
    let staff = format!("omamori_merchant={}", world.staff.token);
    let with_invitation = format!("/merchant?invite={}", world.invitation);
    let sheet = format!("/merchant/stores/{}/qr", world.register.store_id);
    let boot = world.customer.request("GET", "/", None);
    let mut pages = vec![
        page("welcome.html", "/", None),
        page("signup.html", "/signup", None),
        page("signin.html", "/signin", None),
        page("offline.html", "/offline", None),
        page("move.html", "/move", None),
        page("recover.html", "/recover", None),
        page("privacy.html", "/privacy", None),
        page("receive.html", "/receive", None),
        page("recover_cancel.html", "/recover/cancel", None),
        of_customer("moved.html", &world.moved, "/moved"),
        page("api.html", "/api", None),
        page("sms.html", "/demo/sms", None),
        page("status.html", "/status", None),
        page("end_of_service.html", "/end-of-service", None),
        page("legal.html", "/terms", None),
        page("legal.html", "/compensation", None),
        page("till_key.html", "/till", None),
        page("till.html", "/till", Some(&world.till_cookie)),
        page("merchant_signin.html", "/merchant", None),
        page("merchant_signin.html", &with_invitation, None),
        page("merchant.html", "/merchant", Some(&staff)),
        Page { status: 401, ..page("console_signin.html", "/console", None) },
        page("campaigns.html", "/merchant/campaigns", Some(&staff)),
        page("settlements.html", "/merchant/settlements", Some(&staff)),
        page("sales.html", "/merchant/sales", Some(&staff)),
        page("sales.html", "/merchant/sales?by=terminal&from=2025-10-01", Some(&staff)),
        page("merchant_people.html", "/merchant/people", Some(&staff)),
        page("merchant_bank.html", "/merchant/bank", Some(&staff)),
        page("merchant_notices.html", "/merchant/notices", Some(&staff)),
        page("settlement.html", &world.statement, Some(&staff)),
        page("store_qr.html", &sheet, Some(&staff)),
        of_customer("scan.html", &world.customer, "/scan"),
        page("webhooks.html", "/merchant/webhooks", Some(&staff)),
        page("pay.html", &world.order, None),
        of_customer("pay.html", &world.customer, &world.order),
        page("merchant_authorizations.html", "/merchant/authorizations", Some(&staff)),
        Page { status: 404, ..page("error.html", "/nowhere", None) },
        Page { status: 422, ..page("external.html", "/external/none/callback", None) },
        Page { template: "boot.html", status: 401, request: boot },
        of_customer("receipt.html", &world.customer, &world.receipt),
        of_customer("topup_terms.html", &world.unread, "/topup"),
        of_customer("limits.html", &world.sender.customer, "/settings/limits"),
        of_customer("send_one.html", &world.sender.customer, &world.sent),
    ];
    for desk in [&world.viewer, &world.admin] {
        let desk = format!("omamori_staff={}", desk.token);
        let console = |template, path: &str| page(template, path, Some(&desk));
        pages.push(console("console_dashboard.html", "/console"));
        pages.push(console("console_approvals.html", "/console/approvals"));
        pages.push(console("console_cases.html", "/console/cases"));
        pages.push(console("console_cases.html", "/console/cases?state=decided"));
        pages.push(console("console_case.html", &format!("/console/cases/{}", world.case)));
        pages.push(console("console_alerts.html", "/console/alerts"));
        pages.push(console("console_doors.html", "/console/doors"));
        let (incident, act) = &world.incident;
        let of_incident = format!("/console/incidents/{incident}");
        pages.push(console("console_incidents.html", "/console/incidents"));
        pages.push(console("console_incident.html", &of_incident));
        pages.push(console("console_incident_act.html", &format!("{of_incident}/acts/{act}")));
        for kind in ["public", "letter", "authority", "board"] {
            let path = format!("{of_incident}/reports/{kind}");
            pages.push(console("console_incident_report.html", &path));
        }
        pages.push(console("console_settlements.html", "/console/settlements"));
        pages.push(console("console_refunds.html", "/console/refunds"));
        pages.push(console("console_refund_file.html", &world.refunds));
        pages.push(console("console_ending.html", "/console/end-of-service"));
        pages.push(console("console_campaigns.html", "/console/campaigns"));
        for campaign in &world.campaigns {
            let path = format!("/console/campaigns/{campaign}");
            pages.push(console("console_campaign.html", &path));
        }
        pages.push(console("console_staff.html", "/console/staff"));
        pages.push(console("console_rules.html", "/console/rules?version=1"));
        pages.push(console("console_rules_labels.html", "/console/rules/labels"));
        pages.push(console("console_audit.html", "/console/audit"));
        for customer in [&world.customer, &world.newcomer] {
            let path = format!("/console/customers/{}", customer.customer_id);
            pages.push(console("console_customer.html", &path));
        }
        let path = world.receipt.replace("/receipt/", "/console/payments/");
        pages.push(console("console_payment.html", &path));
        pages.push(console("console_authorization.html", &world.authorization));
        let path = format!("/console/stores/{}", world.register.store_id);
        pages.push(console("console_store.html", &path));
    }
    let dispute = world.receipt.replace("/receipt/", "/dispute/");
    pages.push(of_customer("dispute.html", &world.customer, &dispute));
    pages.push(of_customer("case.html", &world.customer, &format!("/cases/{}", world.case)));
    let admin = format!("omamori_staff={}", world.admin.token);
    let bench = format!("/console/rules/edit?decision={}", &world.receipt["/receipt/".len()..]);
    let period = "/console/rules/backtest?from=2026-03-01&to=2026-04-02";
    for (template, path) in [
        ("console_rules_edit.html", "/console/rules/edit"),
        ("console_rules_edit.html", &*bench),
        ("console_rules_backtest.html", "/console/rules/backtest"),
        ("console_rules_backtest.html", period),
    ] {
        pages.push(page(template, path, Some(&admin)));
    }
    pages.push(page("console_law.html", "/console/law", Some(&admin)));
    pages.push(page("console_reconcile.html", "/console/reconciliation", Some(&admin)));
    for path in &world.of_card {
        pages.push(of_customer("topup_progress.html", &world.customer, path));
    }
    for path in &world.of_auto {
        pages.push(of_customer("topup_auto_consent.html", &world.customer, path));
    }
    for customer in [&world.customer, &world.newcomer] {
        pages.push(of_customer("home.html", customer, "/"));
        pages.push(of_customer("history.html", customer, "/history"));
        pages.push(of_customer("history.html", customer, "/history?q=%3Cscript%3E&kind=paid"));
        pages.push(of_customer("months.html", customer, "/history/months"));
        pages.push(of_customer("cases.html", customer, "/cases"));
        pages.push(of_customer("refund.html", customer, "/refund"));
        pages.push(of_customer("close.html", customer, "/close"));
        pages.push(of_customer("affected.html", customer, "/affected"));
        pages.push(of_customer("topup.html", customer, "/topup"));
        pages.push(of_customer("topup_register.html", customer, "/topup/register"));
        pages.push(of_customer("topup_atm.html", customer, "/topup/atm"));
        pages.push(of_customer("topup_card.html", customer, "/topup/card"));
        pages.push(of_customer("topup_auto.html", customer, "/topup/auto"));
        pages.push(of_customer("settings.html", customer, "/settings"));
        pages.push(of_customer("limits.html", customer, "/settings/limits"));
        pages.push(of_customer("factors.html", customer, "/settings/factors"));
        pages.push(of_customer("notices.html", customer, "/notices"));
        pages.push(of_customer("privacy.html", customer, "/privacy"));
        pages.push(of_customer("send.html", customer, "/send"));
        pages.push(of_customer("ask.html", customer, "/ask"));
        pages.push(of_customer("points.html", customer, "/points"));
        pages.push(of_customer("coupons.html", customer, "/coupons"));
        pages.push(of_customer("confirm.html", customer, "/confirm"));
    }
    pages
}

/// The templates that the program renders, from the sources.
fn templates() -> BTreeSet<String> {
    let mut templates = BTreeSet::new();
    for source in sources(&["omamori/src"]) {
        for window in tokens(&source.text).windows(3) {
            if let [Token::Word(word), Token::Mark('='), Token::Text(path)] = window
                && word == "path"
                && path.ends_with(".html")
            {
                templates.insert(path.clone());
            }
        }
    }
    templates
}

/// An hour of customers wait to sign up.
async fn a_crowd_comes(app: &TestApp) {
    app.clock.advance(2 * SECOND);
    let crowd = sql("INSERT INTO waiting_room (name, next_at) VALUES ('signup', $1)");
    app.app.stores.registry.execute(crowd.bind(app.now() + HOUR)).await.unwrap();
}

/// Goal: no page without its texts, none with a script or a style that our own policy forbids,
/// none with a text of somebody else's as markup, none whose files are not there.
async fn every_page_is_rendered_in_both_languages(app: &mut TestApp) {
    app.restart_with(|config| {
        config.card = Card::Sandbox { port: 0 };
        config.starter_rules = true;
    })
    .await;
    let world = world(app).await;
    terms_are_read(app, &world.unread).await;
    let mut rendered = BTreeSet::new();
    let mut assets = BTreeSet::new();
    for language in ["ja", "en"] {
        for Page { template, status, mut request } in pages(app, &world) {
            let accept = language.parse().unwrap();
            request.headers_mut().insert(header::ACCEPT_LANGUAGE, accept);
            let answer = app.call(request).await;
            assert_eq!(answer.status, status, "{template}");
            check(&answer, template, language);
            assets.extend(linked(answer.text()));
            rendered.insert(template.to_owned());
        }
    }
    a_crowd_comes(app).await;
    for language in ["ja", "en"] {
        let Page { template, mut request, .. } = page("waiting.html", "/signup", None);
        request.headers_mut().insert(header::ACCEPT_LANGUAGE, language.parse().unwrap());
        check(&app.call(request).await, template, language);
        rendered.insert(template.to_owned());
    }
    assert_eq!(rendered, templates(), "a template came or went");
    assert!(assets.len() > 5, "{assets:?}");
    for path in assets {
        assert_eq!(app.get(&path).await.status, 200, "{path}");
    }
    assert!(world.register.get(app, "/terminal").await.status.is_success());
}

fn check(answer: &Answer, template: &str, language: &str) {
    let text = answer.text();
    assert!(text.starts_with("<!doctype html>"), "{template}: {text:.60}");
    assert!(text.contains(&format!("<html lang=\"{language}\"")), "{template}");
    assert!(text.contains("<title>"), "{template}");
    assert!(!text.contains(">?<") && !text.contains("\"?\""), "{template} lacks a text");
    for forbidden in ["<script>", "<style", " style=\"", " onclick=", "javascript:", "<b>朝食"] {
        assert!(!text.contains(forbidden), "{template} has {forbidden}");
    }
    let headers = &answer.headers;
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{template}");
    assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
}

/// The files that a page asks for.
fn linked(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in text.split(['"', '\'']) {
        if part.starts_with("/assets/") || part == "/manifest.webmanifest" {
            found.push(part.split(['#', '?']).next().unwrap().to_owned());
        }
    }
    found
}
