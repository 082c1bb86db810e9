//! The acts that take two people, and what each is.

use omamori_db::Tx;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app::App;
use crate::clock::Micros;
use crate::console::access::{Admin, Finance, Fraud, Refunder, Role, Staff, Support};
use crate::console::campaign;
use crate::console::doors;
use crate::console::refund;
use crate::console::rules::sha256 as rules_digest;
use crate::console::staff::{self, Changed};
use crate::coupon::Terms;
use crate::gate::Act;
use crate::identity::recover::assisted;
use crate::identity::standing;
use crate::incident::ActKind;
use crate::incident::plan::start_in;
use crate::refund::closing::Ground;
use crate::refund::end::{self, Plan};
use crate::refund::{exclude, file, review};
use crate::risk::rules;
use crate::settlement::{bank, returned};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;

/// An act with its exact parameters. Stored as JSON: variants and fields are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Proposal {
    /// A new person at the desk.
    InviteStaff {
        /// Their name.
        name: String,
        /// Their role.
        role: Role,
    },
    /// Another role for a person.
    ChangeRole {
        /// Whose.
        staff_id: String,
        /// The new one.
        role: Role,
    },
    /// A person goes.
    RemoveStaff {
        /// Who.
        staff_id: String,
    },
    /// A customer's account that was stopped starts again.
    Unfreeze {
        /// Whose.
        customer_id: String,
        /// Of which stop: a later one is not agreed on.
        #[serde(default)]
        stopped_at: Option<Micros>,
    },
    /// A version of the risk rules comes into force.
    PublishRules {
        /// Which.
        version: i64,
        /// Of its text: what is agreed on are these words.
        sha256: String,
    },
    /// A customer gets a recovery ticket.
    AssistRecovery {
        /// Who.
        customer_id: String,
    },
    /// An act on an incident's cohort is carried out.
    IncidentAct {
        /// `inc_…`.
        incident_id: String,
        /// `iac_…`.
        act_id: String,
        /// What is to be done.
        kind: ActKind,
        /// How many rows.
        rows: i64,
        /// Yen in all.
        yen: i64,
        /// Of kind, parameters and rows: what is agreed on are these.
        sha256: String,
    },
    /// A payment is given back, in part or whole, in its merchant's place.
    Refund {
        /// Which.
        payment_id: String,
        /// Yen.
        amount: i64,
        /// Makes the refund's id, so that it is done once.
        key: String,
    },
    /// The bank gave a payout back: the merchant is owed it again, and is paid it again.
    PayoutReturned {
        /// `pot_…`.
        payout_id: String,
        /// Yen.
        yen: i64,
    },
    /// The bank refused a payout: it comes out of its file, and the merchant is owed it again.
    PayoutRefused {
        /// `pot_…`.
        payout_id: String,
        /// Yen.
        yen: i64,
    },
    /// A merchant's changed account is paid to before its time.
    ApproveAccount {
        /// `mer_…`.
        merchant_id: String,
        /// Which change.
        changed_at: i64,
        /// The end of its number.
        last_digits: String,
    },
    /// A campaign of the operator begins, with its budget.
    BeginCampaign {
        /// Makes the campaign's id, so that it is one.
        key: String,
        /// What is promised.
        terms: Box<Terms>,
        /// The first day in Japan, `2026-12-01`.
        starts_on: String,
        /// The last day.
        ends_on: String,
    },
    /// The service ends.
    EndService {
        /// When, and how long holders may claim.
        plan: Plan,
    },
    /// It does not after all.
    CallOffEnd {
        /// `eos_…`.
        end_id: String,
    },
    /// A file of refunds goes to the bank.
    RefundFile {
        /// `rff_…`.
        file_id: String,
        /// The day on which the bank pays.
        pay_on: String,
        /// How many claims.
        count: i64,
        /// Their sum in yen.
        yen: i64,
        /// Of the file's bytes: what is agreed on are these.
        sha256: String,
    },
    /// The rest of an account that closes is paid back.
    ClosingRefund {
        /// `rcl_…`.
        claim_id: String,
        /// Whose.
        customer_id: String,
        /// On what ground.
        ground: Ground,
        /// Yen.
        yen: i64,
        /// The end of the bank account's number.
        last_digits: String,
        /// Since when it is in review: a later review is not agreed on.
        review_at: Micros,
    },
    /// Who did not claim in time is excluded.
    ExcludeUnclaimed {
        /// `eos_…`.
        end_id: String,
        /// `exc_…`.
        exclusion_id: String,
        /// How many, by the dry run.
        holders: i64,
        /// Yen, by the dry run.
        yen: i64,
    },
    /// A function that was closed opens again.
    OpenDoor {
        /// `ctl_…`.
        control_id: String,
        /// Which.
        door: String,
        /// For whom it is closed.
        scope: String,
        /// Of what, if the scope has something.
        subject: String,
    },
    /// A function is closed for many.
    CloseDoor {
        /// Which.
        door: String,
        /// For whom.
        scope: String,
        /// Of what, if the scope has something.
        subject: String,
        /// When it opens by itself.
        ends_at: Option<i64>,
    },
}

/// What carrying out did.
pub struct Done {
    /// To what: as the audit log names it.
    pub subject: String,
    /// How it was.
    pub before: Value,
    /// How it is.
    pub after: Value,
    /// A secret that is shown to the person once and is nowhere else.
    pub shown_once: Option<String>,
}

impl Proposal {
    /// The gate's word.
    #[must_use]
    pub const fn act(&self) -> Act {
        match self {
            Self::InviteStaff { .. } => Act::StaffInvite,
            Self::ChangeRole { .. } => Act::StaffRoleChange,
            Self::RemoveStaff { .. } => Act::StaffRemove,
            Self::Unfreeze { .. } => Act::StaffUnfreeze,
            Self::AssistRecovery { .. } => Act::StaffRecover,
            Self::PublishRules { .. } => Act::RulesPublish,
            Self::IncidentAct { .. } => Act::IncidentAct,
            Self::Refund { .. } => Act::StaffRefund,
            Self::PayoutReturned { .. } => Act::PayoutReturned,
            Self::PayoutRefused { .. } => Act::PayoutRefused,
            Self::ApproveAccount { .. } => Act::PayoutAccountApprove,
            Self::BeginCampaign { .. } => Act::CampaignCreate,
            Self::EndService { .. } => Act::ServiceEndAnnounce,
            Self::CallOffEnd { .. } => Act::ServiceEndCallOff,
            Self::RefundFile { .. } => Act::RefundFile,
            Self::ClosingRefund { .. } => Act::RefundClosing,
            Self::ExcludeUnclaimed { .. } => Act::RefundExclude,
            Self::OpenDoor { .. } => Act::DoorOpen,
            Self::CloseDoor { .. } => Act::DoorClose,
        }
    }

    /// Who may ask for it, and who may agree.
    #[must_use]
    pub const fn may(&self, role: Role) -> bool {
        match self {
            Self::InviteStaff { .. } | Self::ChangeRole { .. } | Self::RemoveStaff { .. } => {
                Admin::is_of(role)
            }
            Self::Unfreeze { .. } | Self::AssistRecovery { .. } => Support::is_of(role),
            Self::PublishRules { .. } | Self::OpenDoor { .. } | Self::CloseDoor { .. } => {
                Fraud::is_of(role)
            }
            Self::IncidentAct { kind, .. } => kind.may(role),
            Self::Refund { .. } | Self::ClosingRefund { .. } => Refunder::is_of(role),
            Self::BeginCampaign { .. }
            | Self::PayoutReturned { .. }
            | Self::PayoutRefused { .. }
            | Self::ApproveAccount { .. }
            | Self::EndService { .. }
            | Self::CallOffEnd { .. }
            | Self::RefundFile { .. }
            | Self::ExcludeUnclaimed { .. } => Finance::is_of(role),
        }
    }

    /// What it is about; a new person has no id yet.
    #[must_use]
    pub fn subject(&self) -> &str {
        match self {
            Self::InviteStaff { .. } => "",
            Self::EndService { .. } => "service_end",
            Self::CallOffEnd { end_id } | Self::ExcludeUnclaimed { end_id, .. } => end_id,
            Self::RefundFile { file_id, .. } => file_id,
            Self::ClosingRefund { claim_id, .. } => claim_id,
            Self::PublishRules { .. } => rules::SUBJECT,
            Self::IncidentAct { incident_id, .. } => incident_id,
            Self::ChangeRole { staff_id, .. } | Self::RemoveStaff { staff_id } => staff_id,
            Self::Unfreeze { customer_id, .. } | Self::AssistRecovery { customer_id } => {
                customer_id
            }
            Self::Refund { payment_id, .. } => payment_id,
            Self::PayoutReturned { payout_id, .. } | Self::PayoutRefused { payout_id, .. } => {
                payout_id
            }
            Self::ApproveAccount { merchant_id, .. } => merchant_id,
            Self::BeginCampaign { key, .. } => key,
            Self::OpenDoor { control_id, .. } => control_id,
            Self::CloseDoor { door, .. } => door,
        }
    }

    /// The customer it concerns, if it concerns one.
    #[must_use]
    pub fn customer(&self) -> Option<&str> {
        match self {
            Self::Unfreeze { customer_id, .. }
            | Self::AssistRecovery { customer_id }
            | Self::ClosingRefund { customer_id, .. } => Some(customer_id),
            Self::InviteStaff { .. }
            | Self::ChangeRole { .. }
            | Self::RemoveStaff { .. }
            | Self::PublishRules { .. }
            | Self::IncidentAct { .. }
            | Self::Refund { .. }
            | Self::PayoutReturned { .. }
            | Self::PayoutRefused { .. }
            | Self::ApproveAccount { .. }
            | Self::BeginCampaign { .. }
            | Self::EndService { .. }
            | Self::CallOffEnd { .. }
            | Self::RefundFile { .. }
            | Self::ExcludeUnclaimed { .. }
            | Self::OpenDoor { .. }
            | Self::CloseDoor { .. } => None,
        }
    }

    /// Does it, in the transaction that uses the approval up; `agreed` are the two who want it.
    pub(super) async fn apply(
        &self,
        app: &App,
        tx: &mut Tx,
        agreed: [&str; 2],
        reason: &str,
    ) -> Result<Done> {
        match self {
            Self::InviteStaff { name, role } => {
                Ok(staff::invite_in(app, tx, name, *role).await?.into())
            }
            Self::ChangeRole { staff_id, role } => {
                Ok(staff::change_role_in(tx, staff_id, *role).await?.into())
            }
            Self::RemoveStaff { staff_id } => {
                Ok(staff::remove_in(tx, staff_id, app.clock.now()).await?.into())
            }
            Self::Unfreeze { customer_id, stopped_at } => {
                // It is not stopped any more, or was stopped once more since.
                let status = standing::unfreeze_known_in(app, tx, customer_id, *stopped_at);
                let status = status.await?.ok_or(Code::ApprovalClosed)?;
                let (before, after) = (json!({ "status": "frozen" }), json!({ "status": status }));
                Ok(Done { subject: customer_id.clone(), before, after, shown_once: None })
            }
            Self::PublishRules { version, sha256 } => {
                let proposed = rules::find(&app.stores.registry, *version).await?;
                if rules_digest(&proposed.rules) != *sha256 {
                    return Err(Error::fault("a version of the rules was changed"));
                }
                let before = rules::publish_in(app, tx, *version, agreed[0]).await?;
                let (before, after) = (json!({ "version": before }), json!({ "version": version }));
                Ok(Done { subject: rules::SUBJECT.to_owned(), before, after, shown_once: None })
            }
            Self::IncidentAct { incident_id, act_id, sha256, .. } => {
                let after = start_in(app, tx, (act_id, sha256), agreed[0]).await?;
                let (subject, before) = (incident_id.clone(), json!({ "state": "asked" }));
                Ok(Done { subject, before, after, shown_once: None })
            }
            Self::AssistRecovery { customer_id } => {
                let ticket = assisted(app, tx, customer_id, agreed).await?;
                let (before, after) = (Value::Null, json!({ "ticket": "made" }));
                Ok(Done { subject: customer_id.clone(), before, after, shown_once: Some(ticket) })
            }
            Self::Refund { payment_id, amount, key } => {
                let wanted = refund::Wanted { payment_id, amount: *amount, key };
                refund::look(app, &wanted).await
            }
            Self::PayoutReturned { payout_id, yen } => {
                returned::write_in(app, tx, (payout_id, *yen), reason).await?;
                let (before, after) = (Value::Null, json!({ "payout": payout_id, "yen": yen }));
                Ok(Done { subject: payout_id.clone(), before, after, shown_once: None })
            }
            Self::PayoutRefused { payout_id, yen } => {
                returned::refuse_in(app, tx, (payout_id, *yen), reason).await?;
                let (before, after) = (Value::Null, json!({ "payout": payout_id, "yen": yen }));
                Ok(Done { subject: payout_id.clone(), before, after, shown_once: None })
            }
            Self::ApproveAccount { merchant_id, changed_at, last_digits } => {
                let change = (merchant_id.as_str(), *changed_at);
                bank::approve_in(app, tx, change, last_digits, agreed[1]).await?;
                let before = json!({ "last_digits": last_digits, "usable": false });
                let after = json!({ "last_digits": last_digits, "usable": true,
                    "changed_at": rfc3339(*changed_at) });
                Ok(Done { subject: merchant_id.clone(), before, after, shown_once: None })
            }
            Self::BeginCampaign { key, terms, starts_on, ends_on } => {
                let days = (&**starts_on, &**ends_on);
                campaign::row_in(app, tx, (key.as_str(), &**terms), days, agreed[0]).await
            }
            Self::OpenDoor { .. } | Self::CloseDoor { .. } => {
                doors::carry_out(app, tx, self, agreed[0], reason).await
            }
            Self::EndService { .. }
            | Self::CallOffEnd { .. }
            | Self::RefundFile { .. }
            | Self::ClosingRefund { .. }
            | Self::ExcludeUnclaimed { .. } => self.apply_refund(app, tx, agreed, reason).await,
        }
    }

    /// [`Self::apply`] of what pays holders back.
    async fn apply_refund(
        &self,
        app: &App,
        tx: &mut Tx,
        agreed: [&str; 2],
        reason: &str,
    ) -> Result<Done> {
        let (subject, after) = match self {
            Self::EndService { plan } => end::announce_in(app, tx, plan, agreed).await?,
            Self::CallOffEnd { end_id } => {
                (end_id.clone(), end::call_off_in(app, tx, end_id).await?)
            }
            Self::RefundFile { file_id, sha256, .. } => {
                let agreed_on = (file_id.as_str(), sha256.as_str());
                (file_id.clone(), file::agree_in(app, tx, agreed_on, agreed[1]).await?)
            }
            Self::ClosingRefund { claim_id, ground, yen, review_at, .. } => {
                let (ground, yen, review_at) = (*ground, *yen, *review_at);
                let wanted = review::Agreed { claim_id, ground, yen, review_at };
                let by = (agreed[1], reason);
                (claim_id.clone(), review::agree_in(app, tx, &wanted, by).await?)
            }
            Self::ExcludeUnclaimed { end_id, exclusion_id, .. } => {
                (end_id.clone(), exclude::start_in(app, tx, exclusion_id, agreed[0]).await?)
            }
            _ => return Err(Error::fault("a proposal is none about refunds")),
        };
        Ok(Done { subject, before: Value::Null, after, shown_once: None })
    }

    /// Whether what follows the commit can be done again, with the same end: somebody who does not
    /// know what became of it asks again.
    pub(super) const fn is_repeatable(&self) -> bool {
        matches!(
            self,
            Self::Refund { .. }
                | Self::BeginCampaign { .. }
                | Self::PayoutReturned { .. }
                | Self::PayoutRefused { .. }
        )
    }

    /// What this node does after the commit.
    pub(super) async fn applied(&self, app: &App, staff: &Staff, reason: &str) -> Result<()> {
        match self {
            Self::Unfreeze { customer_id, .. } | Self::ClosingRefund { customer_id, .. } => {
                standing::forget(app, customer_id).await
            }
            Self::OpenDoor { .. }
            | Self::CloseDoor { .. }
            | Self::EndService { .. }
            | Self::CallOffEnd { .. } => {
                Ok(app.gate.controls().reload(&app.stores.registry).await?)
            }
            Self::PublishRules { .. } => {
                app.gate.risk().reload().await.map_err(|error| Error::Fault(Box::new(error)))
            }
            Self::Refund { payment_id, amount, key } => {
                let wanted = refund::Wanted { payment_id, amount: *amount, key };
                refund::give(app, staff, &wanted, reason).await.map(drop)
            }
            Self::BeginCampaign { key, .. } => campaign::fund(app, staff, key).await,
            Self::PayoutReturned { .. } | Self::PayoutRefused { .. } => {
                returned::book_all(app).await
            }
            _ => Ok(()),
        }
    }
}

impl From<Changed> for Done {
    fn from(changed: Changed) -> Self {
        let Changed { staff_id, before, after, invitation } = changed;
        Self { subject: staff_id, before, after, shown_once: invitation }
    }
}
