//! Recognising attacks on password sign-in, and answering them where they come from.
//!
//! Wrong sign-ins are counted in rolling windows by what they have in common ([`scope`]). Where one
//! network, one kind of client or one password goes through many accounts, that is a list of
//! leaked passwords at work: one event ([`wave`]), alerted when it opens, stored as it grows
//! ([`watch`]). What carries it is slowed down by a proof of work ([`work`]), then shut out of
//! password sign-in for a time; everyone else goes on, and passkeys are never touched.
//!
//! What always holds: memory is bounded; a refusal by scope does not look at the account, so it
//! tells nothing about one; the state is this node's, so n nodes see an attack n times smaller.

pub(super) mod entrance;
mod scope;
mod watch;
mod wave;
mod window;
pub(super) mod work;

use parking_lot::Mutex;
use serde::Serialize;

pub(super) use scope::{Scope, Scopes};
pub(super) use watch::start;
#[cfg(test)]
pub(super) use watch::store;

use super::replay::ReplayCache;
use crate::app::App;
use crate::baseline;
use crate::clock::Micros;
use wave::{Answer, Suspect, Waves};
use window::Windows;

/// What is known of attacks.
#[derive(Default)]
pub(super) struct Attacks {
    state: Mutex<State>,
    /// Challenges whose work was handed in.
    spent: ReplayCache,
}

#[derive(Default)]
struct State {
    windows: Windows,
    waves: Waves,
}

/// What decision records say about a sign-in: wrong ones of the last ten minutes. Those of a
/// provider are not known without the operator's file of networks.
#[derive(Debug, Serialize)]
pub(super) struct Signals {
    account_failures_10m: u32,
    address_failures_10m: u32,
    network_failures_10m: u32,
    network_accounts_10m: u32,
    device_failures_10m: u32,
    password_failures_10m: u32,
    shape_failures_10m: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    asn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asn_failures_10m: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wave: Option<Box<str>>,
}

impl Attacks {
    /// The strictest answer that these scopes have earned.
    pub(super) fn judge(&self, scopes: &[Scope], now: Micros) -> Answer {
        self.state.lock().waves.judge(scopes, now)
    }

    /// Notes a request that was turned away by its scope, unseen.
    pub(super) fn turned_away(&self, scopes: &[Scope], now: Micros) {
        self.state.lock().waves.turned_away(scopes, now);
    }

    /// What is known of these scopes, for the decision record.
    pub(super) fn signals(&self, scopes: &Scopes, now: Micros) -> Signals {
        let state = self.state.lock();
        let failures = |scope: Scope| state.windows.failures(scope, now);
        Signals {
            account_failures_10m: failures(scopes.account),
            address_failures_10m: failures(scopes.address),
            network_failures_10m: failures(scopes.network),
            network_accounts_10m: state.windows.accounts(scopes.network, now).count(),
            device_failures_10m: failures(scopes.device),
            password_failures_10m: failures(scopes.password),
            shape_failures_10m: failures(scopes.shape),
            asn: scopes.provider.map(|scope| scope.to_string()),
            asn_failures_10m: scopes.provider.map(failures),
            wave: state.waves.of(&scopes.all(), now),
        }
    }

    /// Counts a wrong sign-in, and sees whether it is part of something.
    pub(super) fn failed(&self, app: &App, scopes: &Scopes, now: Micros) {
        if baseline::NO_WATCH {
            return;
        }
        let mut state = self.state.lock();
        let State { windows, waves } = &mut *state;
        let all = scopes.all();
        for scope in all.iter().copied() {
            windows.add(scope, scopes.account_number(), now);
        }
        let suspects: Vec<_> = all
            .iter()
            .copied()
            .map(|scope| Suspect {
                scope,
                failures: windows.failures(scope, now),
                accounts: windows.accounts(scope, now),
            })
            .filter(|suspect| suspect.accounts.count() >= suspect.scope.accounts_of_an_attack())
            .collect();
        let opened = waves.failed(app.rng.as_ref(), &all, &suspects, scopes.account_number(), now);
        drop(state);
        if let Some(wave) = opened {
            tracing::warn!(
                wave,
                scope = %suspects[0].scope,
                accounts = suspects[0].accounts.count(),
                "a list of passwords is being tried"
            );
        }
    }
}
