//! Risk: what is known about an act, and what the operator's rules say to it.
//!
//! - [`signal`]: the catalogue of named, typed, documented values that rules may look at.
//! - [`window`]: rolling counts, sums and distinct values, a fold of what happened before.
//! - [`rule`]: a rule as people write it: a CEL expression, acts, an effect, a mode.
//! - [`check`]: what a rule may contain. No loops, no floats, a bounded cost, right types.
//! - [`engine`]: a compiled set of rules and its assessment of one act.
//! - [`backtest`]: a set of rules over recorded acts: yen stopped, customers bothered.
//!
//! Nothing here reads a clock, touches storage or knows HTTP. Amounts are integers, in yen.

pub mod act;
pub mod backtest;
pub mod check;
pub mod engine;
pub mod event;
pub mod rule;
pub mod signal;
pub mod window;
