//! The kinds of alerts.

/// How soon somebody should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Today.
    Warning,
    /// Now.
    Critical,
}

impl Severity {
    /// The word of rows and texts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

macro_rules! kinds {
    ($( $(#[$doc:meta])* $name:ident = $word:literal, $severity:ident, $path:literal; )*) => {
        /// What is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind { $( $(#[$doc])* $name, )* }

        impl Kind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$( Self::$name, )*];

            /// The word of rows and texts.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$name => $word, )* }
            }

            /// How soon somebody should look.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $( Self::$name => Severity::$severity, )* }
            }

            /// Where the evidence is, in the console.
            #[must_use]
            pub const fn path(self) -> &'static str {
                match self { $( Self::$name => $path, )* }
            }
        }
    };
}

kinds! {
    /// Many accounts are tried with leaked passwords. Subject: the wave. Figure: wrong sign-ins.
    AttackWave = "attack_wave", Critical, "/console";
    /// A function is closed. Subject: the closing. Figure: 1.
    DoorClosed = "door_closed", Warning, "/console/doors";
    /// So many of a hundred payments of ten minutes were refused.
    DeclineRatio = "decline_ratio", Critical, "/console";
    /// Messages wait. Subject: the way. Figure: minutes of the oldest.
    OutboxStuck = "outbox_stuck", Critical, "/console";
    /// More SMS in an hour than expected.
    SmsFlood = "sms_flood", Critical, "/console/doors";
    /// A node is not ready. Subject: what is wrong there. Figure: 1.
    NotReady = "not_ready", Critical, "/console";
    /// The audit log is not as it was written. Figure: problems.
    AuditBroken = "audit_broken", Critical, "/console/audit";
    /// Merchants could not be settled. Subject: the run. Figure: how many.
    SettlementFailed = "settlement_failed", Warning, "/console/settlements";
    /// A risk rule asks for somebody. Subject: the rule. Figure: hits.
    RiskRule = "risk_rule", Warning, "/console/rules";
}

impl Kind {
    /// The kind of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}
