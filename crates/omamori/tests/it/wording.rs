//! What pages and messages say: in words, in the reader's language, dates one way, and a way on
//! for whoever stands before an error.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use omamori::console::access::Role;
use omamori::merchant::access::Role as MerchantRole;
use omamori::notify::{AccountStopper, Notice, deliver_due, tell_alone};
use omamori::web::codes::Code;
use omamori::web::text::{Lang, Text};
use omamori_db::sql;
use omamori_risk::rule::RuleFile;
use omamori_risk::signal::{Kind, Signal};

use crate::settlement;
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::on_both_engines;
use crate::support::shop::Register;
use crate::support::staff::Staff;

on_both_engines!(
    an_error_leads_to_where_its_reader_belongs,
    the_console_tells_rules_in_the_readers_language,
    starter_rules_of_before_are_told_in_japanese,
    a_statement_has_its_days_with_slashes,
    an_sms_ends_its_sentences,
    who_has_stopped_the_account_is_told_before_the_way_in,
);

/// Goal: who may not see a page of the console or the back office is not led to a wallet.
async fn an_error_leads_to_where_its_reader_belongs(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let clerk = Staff::of_role(&app.app, &register.merchant_id, MerchantRole::Clerk).await;
    let clerk = clerk.call(app, "GET", "/merchant/people", &serde_json::Value::Null).await;
    let viewer = Person::new(&app.app, Role::Viewer).await;
    for (page, status, home) in [
        (viewer.get(app, "/console/rules/edit").await, StatusCode::FORBIDDEN, "/console"),
        (viewer.get(app, "/console/nowhere").await, StatusCode::NOT_FOUND, "/console"),
        (clerk, StatusCode::FORBIDDEN, "/merchant"),
        (app.get("/till/nowhere").await, StatusCode::NOT_FOUND, "/till"),
        (app.get("/nowhere").await, StatusCode::NOT_FOUND, "/"),
        (app.get("/consolation").await, StatusCode::NOT_FOUND, "/"),
    ] {
        assert_eq!(page.status, status, "{}", page.text());
        let way = format!("<a class=\"button\" href=\"{home}\">");
        assert!(page.text().contains(&way), "no {way} in {}", page.text());
    }
}

/// Goal: whoever keeps the rules reads why each is there, and what signals say, in Japanese too.
async fn the_console_tells_rules_in_the_readers_language(app: &mut TestApp) {
    app.restart_with(|config| config.starter_rules = true).await;
    let fraud = Person::new(&app.app, Role::Fraud).await;
    let page = fraud.get(app, "/console/rules").await;
    assert!(page.text().contains("しきい値を下回るように分けた支払いです。"), "{}", page.text());
    assert!(!page.text().contains("Splitting below a threshold."));
    let page = fraud.get(app, "/console/rules/edit").await;
    assert!(page.text().contains("登録からの時間。"), "{}", page.text());
    assert!(!page.text().contains("Since sign-up."));
    for signal in Signal::ALL.iter().filter(|signal| signal.kind() == Kind::Int) {
        for lang in [Lang::Ja, Lang::En] {
            let unit = Text::new(lang).t(&format!("rules.unit_{}", signal.unit()));
            assert_ne!(unit, "?", "{} has no unit in {lang:?}", signal.as_str());
        }
    }
}

/// Goal: a service that began with the English starter rules reads them in Japanese, word by word
/// as they stand; what people wrote themselves stays as they wrote it.
async fn starter_rules_of_before_are_told_in_japanese(app: &mut TestApp) {
    app.restart_with(|config| config.starter_rules = true).await;
    let rule = |id: &str, reason: &str| {
        format!(
            "[[rule]]\nid = \"{id}\"\ntitle = {{ ja = \"a\", en = \"a\" }}\nreason = \"{reason}\"\n\
             acts = [\"payment\"]\nwhen = \"act.amount > 1\"\neffect = \"alert\"\n"
        )
    };
    let rules = [
        rule("payment-burst", "Splitting below a threshold."),
        rule("night", "Our own experience."),
    ]
    .concat();
    let update = sql("UPDATE risk_version SET rules = $1 WHERE version = 1").bind(rules);
    app.app.stores.registry.execute(update).await.unwrap();
    let fraud = Person::new(&app.app, Role::Fraud).await;
    let page = fraud.get(app, "/console/rules?version=1").await;
    assert!(page.text().contains("しきい値を下回るように分けた支払いです。"), "{}", page.text());
    assert!(page.text().contains("Our own experience."));
    let request = Request::get("/console/rules?version=1")
        .header(header::COOKIE, format!("omamori_staff={}", fraud.token))
        .header(header::ACCEPT_LANGUAGE, "en");
    let page = app.call(request.body(Body::empty()).unwrap()).await;
    assert!(page.text().contains("Splitting below a threshold."));
}

/// A file of before has one text for both languages, and may go on having it.
#[test]
fn a_rule_has_its_reason_in_one_text_or_in_two() {
    let rule = |reason: &str| {
        let text = format!(
            "[[rule]]\nid = \"a\"\ntitle = {{ ja = \"a\", en = \"a\" }}\nreason = {reason}\n\
             acts = [\"payment\"]\nwhen = \"true\"\neffect = \"alert\"\n"
        );
        RuleFile::parse(&text).map(|file| file.rules[0].reason.clone())
    };
    let one = rule("\"since 2019\"").unwrap();
    assert_eq!((one.ja.as_str(), one.en.as_str()), ("since 2019", "since 2019"));
    let two = rule("{ ja = \"2019年から\", en = \"since 2019\" }").unwrap();
    assert_eq!((two.ja.as_str(), two.en.as_str()), ("2019年から", "since 2019"));
    let refused = rule("{ ja = \"x\" }").unwrap_err().to_string();
    assert!(refused.contains("a text, or one in each language"), "{refused}");
}

/// Every code that a decision can carry is a word of the desk: refusals there are read by people.
/// What only the edge of HTTP answers is none.
#[test]
fn every_reason_of_a_refusal_has_words() {
    let edge = ["method_not_allowed", "body_too_large", "unsupported_media_type"];
    for code in Code::ALL.iter().map(|code| code.as_str()).filter(|code| !edge.contains(code)) {
        for lang in [Lang::Ja, Lang::En] {
            let words = Text::new(lang).named("reason.", code);
            assert_ne!(words, code, "{lang:?}");
        }
    }
}

/// Goal: a date looks the same beside an instant and alone, in both languages.
async fn a_statement_has_its_days_with_slashes(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let path = settlement::example(&app.app, &register.merchant_id, &register.store_id).await;
    let manager = Staff::new(&app.app, &register.merchant_id).await;
    let query = sql("SELECT closing_on FROM settlement ORDER BY closing_on LIMIT 1");
    let day = app.app.stores.registry.one(query).await.unwrap().text("closing_on").unwrap();
    for path in [path.as_str(), "/merchant/settlements"] {
        let page = manager.call(app, "GET", path, &serde_json::Value::Null).await;
        assert!(page.text().contains(&day.replace('-', "/")), "{path}: {}", page.text());
        assert!(!page.text().contains(&day), "{path}: {}", page.text());
    }
}

/// Goal: a title and what follows it are two sentences on a telephone's screen too.
async fn an_sms_ends_its_sentences(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let notice = Notice::AccountStopped { by: AccountStopper::Staff };
    for language in ["ja", "en"] {
        let update = sql("UPDATE customer SET language = $1 WHERE customer_id = $2");
        let update = update.bind(language).bind(&customer.customer_id);
        app.app.stores.registry.execute(update).await.unwrap();
        tell_alone(&app.app, &customer.customer_id, &notice).await.unwrap();
        deliver_due(&app.app).await.unwrap();
    }
    let mut sent = app.app.identity.outbox().sandbox().unwrap().sent();
    sent.reverse();
    let sent: Vec<String> = sent.into_iter().map(|sms| sms.text).collect();
    let begin = [
        "【お守りPay】アカウントを停止しました。安全のため、",
        "お守りPay: Your account was stopped. The operator",
    ];
    for (text, begin) in sent.iter().zip(begin) {
        assert!(text.starts_with(begin), "{text}");
        assert!(text.contains("（日本時間）。心当たり") || text.contains("(Japan). If"), "{text}");
        assert!(!text.contains("。 ") && !text.contains("。。") && !text.contains(".."), "{text}");
    }
    assert_eq!(sent.len(), 2);
}

/// Goal: nobody is led through a top-up or a send that a stopped account refuses at its end.
async fn who_has_stopped_the_account_is_told_before_the_way_in(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let page = customer.get(app, "/topup").await;
    assert!(page.text().contains("/topup/register") && !page.text().contains("data-stopped"));
    customer.post(app, "/account/stop", &serde_json::json!({})).await;
    let page = customer.get(app, "/topup").await;
    assert!(!page.text().contains("/topup/register") && page.text().contains("data-stopped"));
    let page = customer.get(app, "/send").await;
    assert!(page.text().contains("data-stopped"), "{}", page.text());
}
