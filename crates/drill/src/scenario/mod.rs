//! Attacks as programs that anyone can run: scenarios are files (`scenarios/*.toml`) that put
//! together steps ([`steps`]), each of them a real attack over HTTP, and say what counts as loss.
//!
//! What always holds: a scenario knows nothing of the inside. Whoever starts it gives a [`Stage`]:
//! registers' keys, a clock, and what staff saw. Loss is measured as the people see it: victims ask
//! their own wallets, attackers theirs, and goods are what registers handed out.

mod file;
mod report;
mod run;
mod stage;
mod steps;
mod world;

pub use file::{Both, Cast, Loss, Scenario, Step, Wrong};
pub use report::{Outcome, Verdict, markdown};
pub use run::run;
pub use stage::{Desk, Inside, Insider, Office, Payday, Seen, Stage, Tamper, Tampering};

pub use crate::player::{Failure, Server};

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        /// The files that ship, by name.
        pub const FILES: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../scenarios/", $name, ".toml"))),)+
        ];
    };
}

files! {
    "amount-tampering",
    "anothers-card",
    "approval-replay",
    "audit-chain-anew",
    "audit-cut-off",
    "audit-tampering",
    "birth-date-default",
    "canceled-cash",
    "card-on-file",
    "card-testing",
    "chargeback-fraud",
    "clerk-refunds",
    "clock-skew",
    "code-from-the-future",
    "code-guessing",
    "code-replay-in-the-queue",
    "code-replay-two-stores",
    "code-screenshot",
    "console-forged-posts",
    "cookie-alone",
    "cookie-device-mismatch",
    "cookie-tossing",
    "coupon-farming",
    "credential-cracking",
    "enumeration",
    "external-id-forgery",
    "forged-cash",
    "forwarded-for-forgery",
    "friend-code-guessing",
    "gateway-answers-again",
    "huge-bodies",
    "insider-mass-export",
    "insider-self-approval",
    "july-2019-chain",
    "late-sale",
    "list-attack",
    "log-and-header-injection",
    "made-whole-twice",
    "mule-collecting",
    "never-read",
    "number-tricks",
    "odd-amounts",
    "order-amount-tampering",
    "others-receipts",
    "own-limit-dodged",
    "passcode-guessing",
    "path-traversal",
    "payout-account-swap",
    "phishing-relay",
    "proof-replay",
    "qr-sticker-swap",
    "race-into-mule",
    "race-on-balance",
    "race-on-coupon",
    "race-on-limits",
    "recovery-code-guessing",
    "refund-elsewhere",
    "refund-race",
    "refund-too-much",
    "request-smuggling",
    "reset-to-other-address",
    "rogue-merchant",
    "script-in-a-store-name",
    "second-phone",
    "second-phone-used-totp",
    "send-without-finger",
    "session-theft",
    "signup-bonus-farming",
    "sim-swap",
    "slow-clients",
    "sms-pumping",
    "split-send-chain",
    "sql-injection",
    "staff-account-theft",
    "stolen-terminal-key",
    "stopped-account",
    "take-at-once",
    "terms-skipped",
    "text-spoofing",
    "totp-replay",
    "weak-proof",
    "webhook-forgery",
}

/// All scenarios that ship.
///
/// # Errors
/// [`Wrong`]: a file is not as it must be.
pub fn all() -> Result<Vec<Scenario>, Wrong> {
    FILES.iter().map(|(_, text)| Scenario::parse(text)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{FILES, all};

    #[test]
    fn each_file_of_the_folder_is_a_scenario_of_its_name() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
        let there: BTreeSet<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let listed: BTreeSet<_> = FILES.iter().map(|(name, _)| format!("{name}.toml")).collect();
        assert_eq!(there, listed);
        for ((name, _), scenario) in FILES.iter().zip(all().unwrap()) {
            assert_eq!(*name, scenario.name);
        }
    }

    #[test]
    fn what_is_no_scenario_says_why() {
        let (_, good) = FILES[0];
        for (from, to, why) in [
            ("https://", "http://", "https address"),
            ("do = \"", "do = \"no_", "there is no step"),
            ("[[steps]]", "[[steps]]\nnonsense = 1", "takes no nonsense"),
            ("name = \"", "name = \"A ", "a name is of"),
            ("loss = [", "loss = [\"luck\", ", "unknown variant"),
        ] {
            let wrong = super::Scenario::parse(&good.replacen(from, to, 1)).unwrap_err();
            assert!(wrong.to_string().contains(why), "{wrong}");
        }
    }
}
