//! Sets of rules: what is published, what wins, what is told when something is not known.

use omamori_risk::act::Act;
use omamori_risk::backtest::{Backtest, Recorded};
use omamori_risk::engine::{Cause, RuleRefusal, RuleSet, SetRefusal};
use omamori_risk::event::{Event, Outcome, Parties};
use omamori_risk::rule::{Both, Effect, Mode, OnUnknown, Rule, RuleFile};
use omamori_risk::signal::{Signal, Signals};

const STARTER: &str = include_str!("../rules/starter.toml");

fn rule(id: &str, when: &str, effect: Effect) -> Rule {
    Rule {
        id: id.into(),
        title: Both { ja: id.into(), en: id.into() },
        reason: Both { ja: "試験".into(), en: "a test".into() },
        acts: vec![Act::Payment],
        when: when.into(),
        effect,
        mode: Mode::Live,
        on_unknown: OnUnknown::Skip,
        on_error: None,
    }
}

fn amount(yen: i64) -> Signals {
    let mut signals = Signals::default();
    signals.set_int(Signal::ActAmount, yen);
    signals
}

#[test]
fn the_starter_rules_may_be_published() {
    let file = RuleFile::parse(STARTER).unwrap();
    assert!(file.rules.len() >= 20);
    for rule in &file.rules {
        assert_eq!(rule.mode, Mode::Live, "{}", rule.id);
        assert!(
            !rule.reason.ja.is_empty() && !rule.reason.en.is_empty() && !rule.title.ja.is_empty()
        );
    }
    RuleSet::compile(file.rules).unwrap();
}

#[test]
fn the_strictest_live_effect_wins() {
    let mut watching = rule("shadow", "act.amount > 1", Effect::Refuse);
    watching.mode = Mode::Shadow;
    let set = RuleSet::compile(vec![
        rule("hold", "act.amount > 100", Effect::Hold),
        rule("step-up", "act.amount > 10", Effect::StepUp),
        rule("alert", "act.amount > 1", Effect::Alert),
        watching,
    ])
    .unwrap();
    let says = |yen| set.assess(Act::Payment, &mut amount(yen));
    assert_eq!(says(1).effect, None);
    assert_eq!(says(5).effect, Some(Effect::Alert));
    assert_eq!(says(50).effect, Some(Effect::StepUp));
    assert_eq!(says(500).effect, Some(Effect::Hold));
    assert_eq!(says(500).hits.len(), 4, "a shadow rule is recorded");
    assert_eq!(says(500).deciding().count(), 3);
    assert_eq!(set.assess(Act::Refund, &mut amount(500)).hits, []);
}

#[test]
fn points_are_summed_before_they_are_looked_at() {
    let set = RuleSet::compile(vec![
        rule("high", "risk.score >= 50", Effect::Refuse),
        rule("a", "act.amount > 10", Effect::Score(30)),
        rule("b", "act.amount > 20", Effect::Score(30)),
        rule("trusted", "act.amount == 25", Effect::Score(-30)),
    ])
    .unwrap();
    let says = |yen| set.assess(Act::Payment, &mut amount(yen));
    assert_eq!((says(15).score, says(15).effect), (30, None));
    assert_eq!((says(30).score, says(30).effect), (60, Some(Effect::Refuse)));
    assert_eq!((says(25).score, says(25).effect), (30, None));
}

#[test]
fn a_signal_that_is_not_known_does_what_the_rule_says() {
    let careful = Rule {
        on_unknown: OnUnknown::Hit,
        ..rule("careful", "ip.country != 'JP'", Effect::StepUp)
    };
    let set = RuleSet::compile(vec![
        rule("skip", "ip.country != 'JP'", Effect::Refuse),
        rule("asks", "!has(ip.country)", Effect::Alert),
        rule("other", "act.amount > 1 || ip.country == 'XX'", Effect::Alert),
        careful,
    ])
    .unwrap();
    let unknown = set.assess(Act::Payment, &mut amount(5));
    let hits: Vec<_> = unknown.hits.iter().map(|hit| (&*hit.rule, hit.cause)).collect();
    assert_eq!(
        hits,
        [("asks", Cause::Condition), ("other", Cause::Condition), ("careful", Cause::Unknown)]
    );
    let mut japan = amount(5);
    japan.set_text(Signal::IpCountry, "JP");
    let known = set.assess(Act::Payment, &mut japan);
    assert_eq!(known.hits.iter().map(|hit| &*hit.rule).collect::<Vec<_>>(), ["other"]);
}

#[test]
fn a_rule_that_fails_refuses_where_value_leaves() {
    let mut everywhere = rule("ratio", "act.amount / (act.amount - 5) > 1", Effect::Alert);
    everywhere.acts = vec![Act::Payment, Act::TopupCard];
    let overflow = rule("overflow", "act.amount * 9223372036854775807 > 0", Effect::Alert);
    let set = RuleSet::compile(vec![everywhere, overflow]).unwrap();
    let out = set.assess(Act::Payment, &mut amount(5));
    assert_eq!(out.effect, Some(Effect::Refuse));
    assert!(out.hits.iter().all(|hit| hit.cause == Cause::Error), "{out:?}");
    assert_eq!(out.hits.len(), 2);
    assert_eq!(set.assess(Act::TopupCard, &mut amount(5)).effect, Some(Effect::Alert));
}

#[test]
fn a_set_that_may_not_be_published_says_why() {
    let refusal = |rules| RuleSet::compile(rules).unwrap_err();
    let good = rule("a", "act.amount > 1", Effect::Hold);
    assert_eq!(refusal(vec![good.clone(), good.clone()]), SetRefusal::Twice("a".into()));
    assert_eq!(refusal(vec![good.clone(); 501]), SetRefusal::TooMany);
    let of = |rule: Rule| match refusal(vec![rule]) {
        SetRefusal::Rule { refusal, .. } => refusal,
        other => panic!("{other}"),
    };
    assert_eq!(of(rule("A b", "true", Effect::Hold)), RuleRefusal::Id);
    assert_eq!(of(Rule { acts: vec![], ..good.clone() }), RuleRefusal::NoAct);
    assert_eq!(of(rule("a", "true", Effect::Score(0))), RuleRefusal::Score);
    assert_eq!(of(rule("a", "risk.score > 1", Effect::Score(5))), RuleRefusal::ScoreOfScore);
    assert_eq!(of(Rule { on_error: Some(Effect::Score(1)), ..good }), RuleRefusal::ScoreOnError);
}

#[test]
fn a_file_with_an_unknown_field_or_act_is_refused() {
    assert!(RuleFile::parse(&STARTER.replacen("effect =", "efect =", 1)).is_err());
    assert!(RuleFile::parse(&STARTER.replacen("\"topup_card\"", "\"topup_kard\"", 1)).is_err());
    assert_eq!(RuleFile::parse("").unwrap().rules, []);
}

#[test]
fn a_back_test_counts_yen_once_and_customers_once() {
    let set = RuleSet::compile(vec![
        rule("a", "act.amount >= 100", Effect::Hold),
        rule("b", "act.amount >= 200", Effect::Refuse),
        rule("watch", "act.amount >= 1", Effect::Alert),
    ])
    .unwrap();
    let recorded = |account, yen, fraud: Option<&str>| Recorded {
        event: Event {
            at: 1,
            act: Act::Payment,
            outcome: Outcome::Done,
            parties: Parties { account: Some(account), ..Parties::default() },
            amount: yen,
        },
        signals: amount(yen),
        fraud: fraud.map(Into::into),
        coupon: false,
    };
    let mut run = Backtest::new(&set);
    run.add(&recorded(1, 300, Some("stolen session")));
    run.add(&recorded(1, 150, None)); // the victim's own: not counted as bothered
    run.add(&recorded(2, 150, None));
    run.add(&recorded(2, 160, None));
    run.add(&recorded(3, 50, Some("stolen session")));
    run.add(&recorded(4, 50, None));
    let report = run.finish();
    assert_eq!((report.acts, report.customers), (6, 4));
    assert_eq!((report.total.hits, report.total.frauds), (4, 1));
    assert_eq!((report.total.caught_yen, report.total.bothered), (300, 1));
    assert_eq!(report.rules["b"].caught_yen, 300);
    assert_eq!(report.rules["b"].bothered, 0);
    assert_eq!((report.rules["watch"].hits, report.rules["watch"].caught_yen), (6, 0));
    let kind = &report.kinds["stolen session"];
    assert_eq!((kind.acts, kind.stopped, kind.yen, kind.stopped_yen), (2, 1, 350, 300));
}

/// The chain of July 2019, act by act, against the starter rules.
#[test]
fn the_july_2019_chain_is_stopped_at_its_first_large_step() {
    let set = RuleSet::compile(RuleFile::parse(STARTER).unwrap().rules).unwrap();
    let mut signals = amount(30_000);
    signals.set_int(Signal::DeviceAgeMinutes, 3);
    signals.set_int(Signal::TopupCardCount10m, 0);
    signals.set_int(Signal::ActHour, 2);
    let first = set.assess(Act::TopupCard, &mut signals);
    assert_eq!(first.effect, Some(Effect::StepUp), "{first:?}");
    signals.set_int(Signal::TopupCardCount10m, 2);
    assert_eq!(set.assess(Act::TopupCard, &mut signals).effect, Some(Effect::Hold));
    signals.set_int(Signal::SinceTopupCardMinutes, 4);
    assert_eq!(set.assess(Act::Payment, &mut signals).effect, Some(Effect::Hold));
    let mut lunch = amount(850);
    lunch.set_int(Signal::DeviceAgeMinutes, 90_000);
    lunch.set_int(Signal::SpendCount10m, 0);
    lunch.set_int(Signal::SpendStores1h, 1);
    lunch.set_int(Signal::ActHour, 12);
    assert_eq!(set.assess(Act::Payment, &mut lunch).hits, []);
}
