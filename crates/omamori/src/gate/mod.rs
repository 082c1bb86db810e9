//! The one gate. Every act that moves money, or changes who can move it, passes here.
//!
//! It looks, in this order, at whether the function is open, at what the feature found about
//! standing and proof, then at limits; writes a decision record with all it saw, whatever the
//! verdict; and only then gives a [`Clearance`]. Nothing else can make one, and [`Gate::commit`]
//! takes one for each commit to the ledger: money that did not pass the gate does not compile.

mod act;
mod admission;
pub mod chart;
pub mod evidence;
pub mod limits;
pub mod purse;
pub mod sending;
pub mod windows;

use std::sync::Arc;

use omamori_db::Db;
use omamori_ledger::{
    Account, CommitError, Follower, Following, Ledger, Options, Reply, Request, StoredTransfer,
    Submission, Transfer,
};
use serde::Serialize;

pub use act::Act;
pub use admission::Use;

use crate::clock::Clock;
use crate::control::Controls;
use crate::db::Stores;
use crate::limit::Owned;
use crate::web::codes::Code;
use crate::web::error::Error;
use chart::available;
use evidence::{DecisionId, Evidence};
use limits::Limits;
use purse::Purse;
use windows::{Admission, Class, Flow, Seen, Used, Windows};

/// A terminal, and where it stands. Ids are their public texts.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its number, as transfers carry it.
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
    detail: &'a D,
}

/// The gate's yes to one act: its decision is recorded. Used up by the commit it allows.
#[derive(Debug)]
#[must_use = "an allowed act that is not done should say why"]
pub struct Clearance {
    decision: DecisionId,
    admission: Option<Admission>,
}

impl Clearance {
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
    evidence: Evidence,
    ledger: Ledger<Windows>,
    limits: Limits,
    own: Owned,
}

impl Gate {
    /// Opens the ledger and the evidence.
    ///
    /// # Errors
    /// If a store fails or the journal is not sound; then the service must not start.
    pub async fn open(
        stores: &Stores,
        clock: Arc<dyn Clock>,
        limits: Limits,
        journal_keeps_nothing: bool,
    ) -> Result<Self, OpenError> {
        let evidence = Evidence::start(stores.evidence.clone(), clock.clone()).await?;
        let ledger_clock = clock.clone();
        let now_nanos = Arc::new(move || ledger_clock.now_nanos());
        let mut options = Options::new(stores.journal.clone(), stores.views.clone(), now_nanos);
        options.journal_keeps_nothing = journal_keeps_nothing;
        let ledger = Ledger::open(options, Windows::default()).await?;
        let controls = Controls::load(&stores.registry).await?;
        let own = Owned::load(&stores.registry).await?;
        Ok(Self { clock, controls, evidence, ledger, limits, own })
    }

    /// Decides. `opinion` is what the feature found about standing and proof; it comes first.
    ///
    /// # Errors
    /// The refusal, recorded; or a fault, with nothing allowed.
    pub async fn decide<D: Serialize + Sync>(
        &self,
        question: Question<'_, D>,
        opinion: Result<(), Code>,
    ) -> Result<Clearance, Error> {
        let at = self.clock.now();
        let verdict = self
            .open_door(question.act, question.terminal.as_ref(), question.customer)
            .and(opinion)
            .and_then(|()| self.within_limits(question.admission.as_ref()));
        let reason = verdict.err().map(Code::as_str);
        let used = question.admission.as_ref().map_or_else(Vec::new, |a| self.seen(a));
        let record = Record {
            at,
            act: question.act,
            verdict: if verdict.is_ok() { "allow" } else { "refuse" },
            reason,
            customer: question.customer,
            device: question.device,
            terminal: question.terminal.map(|place| place.terminal_number),
            amount: question.amount,
            used,
            detail: question.detail,
        };
        let line = serde_json::to_string(&record)?;
        let decision = self.evidence.record(line, at).await?;
        verdict?;
        Ok(Clearance { decision, admission: question.admission })
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

    /// The doors that staff closed.
    #[must_use]
    pub fn controls(&self) -> &Controls {
        &self.controls
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
    pub async fn commit(&self, clearance: Clearance, mut request: Request) -> Result<Reply, Error> {
        let decision = clearance.decision.to_u128();
        for transfer in &mut request.transfers {
            transfer.user_data_128 = decision;
        }
        let serial_key = clearance.admission.as_ref().map(|admission| admission.account);
        let submission = Submission { request, serial_key, admission: clearance.admission };
        self.ledger.commit(submission).await.map_err(undone)
    }

    /// What the customer sees as the balance, in yen: paid and free value of a wallet.
    #[must_use]
    pub fn balance(&self, wallet: u128) -> i64 {
        let now = self.clock.now();
        self.ledger.read(|state| purse::balance(|id| state.account(id).copied(), wallet, now))
    }

    /// [`Gate::balance`] with what is on its way: the largest balance bounds this.
    #[must_use]
    pub fn expected(&self, wallet: u128) -> i64 {
        let now = self.clock.now();
        self.ledger.read(|state| purse::expected(|id| state.account(id).copied(), wallet, now))
    }

    /// The paid value of a wallet alone, in yen; 0 for an account that has never held value.
    #[must_use]
    pub fn paid(&self, account: u128) -> i64 {
        self.ledger.account(account).as_ref().map_or(0, available)
    }

    /// All that a customer holds, at one moment.
    #[must_use]
    pub fn purse(&self, wallet: u128) -> Purse {
        let now = self.clock.now();
        self.ledger.read(|state| Purse::read(|id| state.account(id).copied(), wallet, now))
    }

    /// An account of the ledger.
    #[must_use]
    pub fn account(&self, id: u128) -> Option<Account> {
        self.ledger.account(id)
    }

    /// What is used of a customer's windows now.
    #[must_use]
    pub fn used(&self, account: u128, class: Class) -> Used {
        let now = self.clock.now_nanos();
        self.ledger.companion(|windows| windows.used(account, class, now))
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
        Reader(&self.ledger)
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

/// The ledger without its write side.
pub struct Reader<'a>(&'a Ledger<Windows>);

impl Reader<'_> {
    /// Entries as they are merged, from now on.
    #[must_use]
    pub fn subscribe(&self) -> omamori_ledger::Subscription {
        self.0.subscribe()
    }

    /// Runs a follower of the journal, whose position is kept in `db` in the same transactions as
    /// its own writes.
    ///
    /// # Errors
    /// [`omamori_db::Error`] if its position cannot be read.
    pub async fn follow<F: Follower>(&self, db: Db, follower: F) -> omamori_db::Result<Following> {
        self.0.follow(db, follower).await
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
