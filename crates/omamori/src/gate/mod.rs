//! The one gate. Every act that moves money, or changes who can move it, passes here.
//!
//! It looks, in this order, at whether the function is open, at what the feature found about
//! standing and proof, at limits, then at what risk rules say; writes a decision record with all it
//! saw, whatever the verdict; and only then gives a [`Clearance`]. Nothing else can make one, and
//! [`Gate::commit`] takes one for each commit to the ledger: money that did not pass the gate does
//! not compile.

mod act;
mod admission;
mod amounts;
pub mod chart;
pub mod evidence;
pub mod limits;
pub mod once;
pub mod purse;
mod reader;
pub mod reservation;
pub mod seal;
pub mod sending;
pub mod windows;

use std::sync::Arc;

use omamori_ledger::{
    CommitError, Following, Ledger, Options, Reply, Request, StoredTransfer, Submission, Transfer,
};
use parking_lot::Mutex;
use serde::Serialize;

pub use act::Act;
pub use admission::Use;
pub use reader::{Condition, Reader};

use crate::baseline;
use crate::clock::Clock;
use crate::control::Controls;
use crate::db::Stores;
use crate::limit::Owned;
use crate::observe::{self, Metrics};
use crate::risk::{self, Facts, May, Part, Risk, Verdict};
use crate::web::codes::Code;
use crate::web::error::Error;
use evidence::{DecisionId, Evidence};
use limits::Limits;
use seal::SealKey;
use windows::{Admission, Flow, Seen, Windows};

/// A terminal, and where it stands. Ids are their public texts.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its number, as transfers carry it; 0 for a store where no terminal took part.
    pub terminal_number: i64,
    /// `sto_…`.
    pub store_id: &'a str,
    /// `mer_…`.
    pub merchant_id: &'a str,
}

/// What the gate is asked. Ids are their public texts.
pub struct Question<'a, D> {
    /// What is to be done.
    pub act: Act,
    /// Whose money or account, if known.
    pub customer: Option<&'a str>,
    /// From which phone, if any.
    pub device: Option<&'a str>,
    /// At which terminal, if any.
    pub terminal: Option<Place<'a>>,
    /// Yen, if money moves.
    pub amount: Option<i64>,
    /// The limits it must keep, if money moves.
    pub admission: Option<Admission>,
    /// What else is known, for risk rules.
    pub facts: Facts<'a>,
    /// What else was seen: serialised into the record, never a secret.
    pub detail: &'a D,
}

impl<'a, D> Question<'a, D> {
    /// A question about an act that moves no money and concerns no customer.
    pub const fn plain(act: Act, detail: &'a D) -> Self {
        Self {
            act,
            customer: None,
            device: None,
            terminal: None,
            amount: None,
            admission: None,
            facts: Facts::NONE,
            detail,
        }
    }
}

#[derive(Serialize)]
struct Record<'a, D> {
    at: i64,
    act: Act,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terminal: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    used: Vec<Seen>,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk: Option<&'a Part>,
    detail: &'a D,
}

/// The gate's yes to one act: its decision is recorded. Used up by the commit it allows.
#[derive(Debug)]
#[must_use = "an allowed act that is not done should say why"]
pub struct Clearance {
    decision: DecisionId,
    admission: Option<Admission>,
    held: bool,
}

impl Clearance {
    /// Whether rules want it held: what is done must be such that a person of staff can still say
    /// no. Only [`Gate::decide_or_hold`] gives such a one.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        self.held
    }

    /// The record that explains this yes.
    #[must_use]
    pub const fn decision(&self) -> DecisionId {
        self.decision
    }
}

/// The gate, and behind it the ledger.
pub struct Gate {
    clock: Arc<dyn Clock>,
    controls: Controls,
    risk: Risk,
    evidence: Evidence,
    ledger: Ledger<Windows>,
    limits: Limits,
    own: Owned,
    /// Who follows the journal, to see how far behind they are.
    followers: Mutex<Vec<(&'static str, Following)>>,
    metrics: Arc<Metrics>,
}

impl Gate {
    /// Opens the ledger and the evidence.
    ///
    /// # Errors
    /// If a store fails or the journal is not sound; then the service must not start.
    pub async fn open(
        stores: &Stores,
        clock: Arc<dyn Clock>,
        (risk, limits): (Risk, Limits),
        journal_keeps_nothing: bool,
        (seal, metrics): (SealKey, Arc<Metrics>),
    ) -> Result<Self, OpenError> {
        let evidence =
            Evidence::start(stores.evidence.clone(), clock.clone(), seal, metrics.clone()).await?;
        let ledger_clock = clock.clone();
        let now_nanos = Arc::new(move || ledger_clock.now_nanos());
        let mut options = Options::new(stores.journal.clone(), stores.views.clone(), now_nanos);
        options.journal_keeps_nothing = journal_keeps_nothing;
        options.observer = Some(metrics.clone());
        let ledger = Ledger::open(options, Windows::default()).await?;
        let controls = Controls::load(&stores.registry).await?;
        let own = Owned::load(&stores.registry).await?;
        let followers = Mutex::default();
        Ok(Self { clock, controls, risk, evidence, ledger, limits, own, followers, metrics })
    }

    /// Decides. `opinion` is what the feature found about standing and proof; it comes first. What
    /// risk rules want held is refused here, as [`Code::HeldForReview`].
    ///
    /// # Errors
    /// The refusal, recorded; or a fault, with nothing allowed.
    pub async fn decide<D: Serialize + Sync>(
        &self,
        question: Question<'_, D>,
        opinion: Result<(), Code>,
    ) -> Result<Clearance, Error> {
        self.conclude(question, opinion, May { hold: false, confirmed: None }).await
    }

    /// [`Gate::decide`] for acts that can be held: what comes back may be
    /// [held](Clearance::is_held), and then only what can still be undone may be done with it.
    ///
    /// # Errors
    /// As [`Gate::decide`].
    pub async fn decide_or_hold<D: Serialize + Sync>(
        &self,
        question: Question<'_, D>,
        opinion: Result<(), Code>,
    ) -> Result<Clearance, Error> {
        self.conclude(question, opinion, May { hold: true, confirmed: None }).await
    }

    async fn conclude<D: Serialize + Sync>(
        &self,
        question: Question<'_, D>,
        opinion: Result<(), Code>,
        mut may: May,
    ) -> Result<Clearance, Error> {
        let at = self.clock.now();
        let before = self
            .open_door(question.act, question.terminal.as_ref(), question.customer)
            .and(opinion)
            .and_then(|()| self.within_limits(question.admission.as_ref()));
        let judged_act = question.act.risk().filter(|_| !baseline::NO_RISK_RULES);
        let asked = judged_act.map(|act| risk::Asked {
            at,
            act,
            customer: question.customer,
            device: question.device,
            terminal: question.terminal,
            amount: question.amount,
            balance_after: question.admission.as_ref().map(|admission| self.after(admission)),
            facts: &question.facts,
        });
        let mut judged = asked.as_ref().map(|asked| self.risk.judge(asked, before, may));
        if let (Some(asked), Some((Verdict::Ask, _))) = (&asked, &judged) {
            may.confirmed = Some(self.risk.is_confirmed(asked).await?);
            judged = Some(self.risk.judge(asked, before, may));
        }
        let (verdict, part) = match judged {
            Some((verdict, part)) => (verdict, Some(part)),
            None => (before.map_or_else(Verdict::No, |()| Verdict::Free), None),
        };
        let (word, reason) = match verdict {
            Verdict::Free => ("allow", None),
            Verdict::Held => ("hold", Some(Code::HeldForReview)),
            Verdict::Ask => ("refuse", Some(Code::ConfirmationRequired)),
            Verdict::No(code) => ("refuse", Some(code)),
        };
        let used = question.admission.as_ref().map_or_else(Vec::new, |a| self.seen(a));
        let record = Record {
            at,
            act: question.act,
            verdict: word,
            reason: reason.map(Code::as_str),
            customer: question.customer,
            device: question.device,
            terminal: question.terminal.map(|at| at.terminal_number).filter(|number| *number != 0),
            amount: question.amount,
            used,
            risk: part.as_deref(),
            detail: question.detail,
        };
        let line = serde_json::to_string(&record)?;
        let decision = self.evidence.record(line, at).await?;
        self.metrics.decided(at, question.act, word, reason.map(Code::as_str));
        observe::name_decision(decision);
        for rule in part.iter().flat_map(|part| part.alerting()) {
            self.metrics.rule_hit(rule);
        }
        let held = verdict == Verdict::Held;
        if let (Some(asked), Some(part)) = (&asked, &part) {
            self.risk.watch().look(decision, asked, part, held);
        }
        match reason {
            Some(code) if !held => Err(code.into()),
            _ => Ok(Clearance { decision, admission: question.admission, held }),
        }
    }

    /// Whether a function is open: for pages and first steps, before there is anything to decide.
    ///
    /// # Errors
    /// [`Code::FunctionClosed`].
    pub fn open_door(
        &self,
        act: Act,
        place: Option<&Place<'_>>,
        customer: Option<&str>,
    ) -> Result<(), Code> {
        self.controls.check(act, place, customer, self.clock.now())
    }

    /// The same for an account of an issuer.
    ///
    /// # Errors
    /// [`Code::FunctionClosed`].
    pub fn open_issuer_door(&self, act: Act, issuer: &str) -> Result<(), Code> {
        self.controls.check_issuer(act, issuer, self.clock.now())
    }

    /// The doors that staff closed.
    #[must_use]
    pub fn controls(&self) -> &Controls {
        &self.controls
    }

    /// Risk rules and their windows.
    #[must_use]
    pub const fn risk(&self) -> &Risk {
        &self.risk
    }

    /// The number of this process among those that write decisions.
    #[must_use]
    pub fn evidence_node(&self) -> i64 {
        i64::try_from(self.evidence.node()).unwrap_or(i64::MAX)
    }

    /// What the customer could spend after an act.
    fn after(&self, admission: &Admission) -> i64 {
        let balance = self.balance(admission.account);
        match admission.flow {
            Flow::Out | Flow::Spend => balance.saturating_sub(admission.amount),
            Flow::In { .. } => balance.saturating_add(admission.amount),
        }
    }

    fn within_limits(&self, admission: Option<&Admission>) -> Result<(), Code> {
        let Some(admission) = admission else { return Ok(()) };
        let balance = match admission.flow {
            Flow::Out if self.paid(admission.account) < admission.amount => {
                return Err(Code::InsufficientFunds);
            }
            Flow::Out | Flow::Spend => 0, // of what is spent its plan found enough
            Flow::In { .. } => self.expected(admission.account),
        };
        let now = self.clock.now_nanos();
        self.ledger.companion(|windows| windows.check(admission, balance, now))
    }

    fn seen(&self, admission: &Admission) -> Vec<Seen> {
        let now = self.clock.now_nanos();
        self.ledger.companion(|windows| windows.seen(admission, now))
    }

    /// Carries out what was cleared. Each transfer gets the decision's id, and the limits of the
    /// clearance are checked once more by the ledger's writer, where nothing can come between.
    ///
    /// # Errors
    /// A limit that another request used up in between; busy, with the state unknown; a fault.
    #[tracing::instrument(level = "debug", name = "ledger.commit", skip_all)]
    pub async fn commit(&self, clearance: Clearance, mut request: Request) -> Result<Reply, Error> {
        let decision = clearance.decision.to_u128();
        for transfer in &mut request.transfers {
            transfer.user_data_128 = decision;
        }
        let serial_key = clearance.admission.as_ref().map(|admission| admission.account);
        let submission = Submission { request, serial_key, admission: clearance.admission };
        self.ledger.commit(submission).await.map_err(undone)
    }

    /// A transfer, however old.
    ///
    /// # Errors
    /// A fault if the views fail.
    pub async fn transfer(&self, id: u128) -> Result<Option<StoredTransfer>, Error> {
        self.ledger.transfer(id).await.map_err(|error| Error::Fault(Box::new(error)))
    }

    /// The same, and *there is none* is certain: what other nodes wrote is taken over first. For
    /// answers that somebody acts upon.
    ///
    /// # Errors
    /// A fault if a store fails; busy.
    pub async fn transfer_certainly(&self, id: u128) -> Result<Option<StoredTransfer>, Error> {
        if let Some(found) = self.transfer(id).await? {
            return Ok(Some(found));
        }
        self.catch_up().await?;
        self.transfer(id).await
    }

    /// Takes over what other nodes have written.
    ///
    /// # Errors
    /// A fault if a store fails; busy.
    pub async fn catch_up(&self) -> Result<(), Error> {
        // An answer of the writer is one of the newest state, whatever was asked.
        let nothing = Submission::unchecked(Request::default());
        self.ledger.commit(nothing).await.map(drop).map_err(undone)
    }

    /// Transfers of an account, newest first, before an instant in nanoseconds.
    ///
    /// # Errors
    /// A fault if the views fail.
    pub async fn statement(
        &self,
        account: u128,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Transfer>, Error> {
        let statement = self.ledger.statement(account, before, limit).await;
        statement.map_err(|error| Error::Fault(Box::new(error)))
    }

    /// The records behind transfers, in their order: one query for all.
    ///
    /// # Errors
    /// A fault if the evidence store fails.
    pub async fn evidence(
        &self,
        transfers: &[Transfer],
    ) -> Result<Vec<Option<serde_json::Value>>, Error> {
        let id = |transfer: &Transfer| DecisionId::of(transfer.user_data_128);
        self.evidence.find(&transfers.iter().map(id).collect::<Vec<_>>()).await
    }

    /// The newest records that name a customer: for staff. See [`Evidence::of_customer`].
    ///
    /// # Errors
    /// A fault if the evidence store fails.
    pub async fn evidence_of(
        &self,
        customer_id: &str,
        before: i64,
    ) -> Result<evidence::Found, Error> {
        self.evidence.of_customer(customer_id, before).await
    }

    /// Read access to the ledger: subscriptions, positions, memory.
    #[must_use]
    pub fn reader(&self) -> Reader<'_> {
        Reader(self)
    }

    /// Finishes what was begun and stops the ledger's writer.
    pub async fn close(&self) {
        self.ledger.close().await;
    }
}

/// What the caller is told of a commit that has no reply.
fn undone(error: CommitError<Code>) -> Error {
    match error {
        CommitError::Refused(code) => code.into(),
        CommitError::Busy => Error::RetryAfter(Code::Busy, 1),
        CommitError::Stopped => Error::RetryAfter(Code::Busy, 10),
        // Nothing happened, or nobody can tell: a fault, and the caller asks again.
        CommitError::Unavailable(source) | CommitError::Unknown(source) => {
            Error::Fault(Box::new(source))
        }
    }
}

/// Why the gate does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The evidence store, or what the gate keeps of the registry.
    #[error("the evidence store or the registry")]
    Store(#[from] omamori_db::Error),
    /// The ledger: a store failed or the journal is not sound.
    #[error("the ledger")]
    Ledger(#[from] omamori_ledger::OpenError),
}
