//! What one assessment costs, at the starter set and at 100 rules, beside an empty set.
//!
//!     cargo run --release -p omamori-risk --example cost
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark that prints its table")]

use std::hint::black_box;
use std::time::Instant;

use omamori_risk::act::Act;
use omamori_risk::engine::RuleSet;
use omamori_risk::rule::{Rule, RuleFile};
use omamori_risk::signal::{Kind, Signal, Signals};

const ROUNDS: u32 = 20_000;

fn main() {
    let starter = RuleFile::parse(include_str!("../rules/starter.toml")).unwrap().rules;
    let hundred = (0..100).map(|n| {
        let rule = &starter[n % starter.len()];
        Rule { id: format!("{}-{n}", rule.id), acts: vec![Act::Payment], ..rule.clone() }
    });
    let sets =
        [("no rules", vec![]), ("starter", starter.clone()), ("100, all run", hundred.collect())];
    let mut signals = Signals::default();
    for signal in Signal::ALL {
        match signal.kind() {
            Kind::Int => signals.set_int(*signal, 1),
            Kind::Bool => signals.set_bool(*signal, false),
            Kind::Text => signals.set_text(*signal, "JP"),
        }
    }
    for (name, rules) in sets {
        let set = RuleSet::compile(rules).unwrap();
        let started = Instant::now();
        for _ in 0..ROUNDS {
            black_box(set.assess(Act::Payment, &mut signals));
        }
        let nanos = started.elapsed().as_nanos() / u128::from(ROUNDS);
        println!("{name:<14} {}.{:03} µs an assessment", nanos / 1_000, nanos % 1_000);
    }
}
