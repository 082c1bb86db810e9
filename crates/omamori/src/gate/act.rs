//! What the gate is asked about.

use omamori_risk::act::Act as Risk;
use serde::Serialize;

/// An act that the gate decides on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// A customer comes to be.
    SignUp,
    /// A customer signs in.
    SignIn,
    /// A customer signs out.
    SignOut,
    /// New recovery codes replace the old ones.
    RecoveryCodesRenew,
    /// A customer ends sessions other than by signing out.
    SessionEnd,
    /// A phone gets another name.
    DeviceRename,
    /// A phone that was replaced loses its right to undo the move.
    DeviceEnd,
    /// Another phone takes the place of the one that pays.
    DeviceMove,
    /// The phone that was replaced takes its place back.
    DeviceMoveUndo,
    /// The account is stopped: nothing is paid or loaded.
    AccountStop,
    /// The account is started again.
    AccountResume,
    /// A customer takes a copy of all data about them.
    DataExport,
    /// A customer, or staff at their wish, asks to close the account.
    AccountCloseAsk,
    /// The closing of an account is carried out.
    AccountClose,
    /// A customer confirms the terms before the first top-up.
    TermsConfirm,
    /// Staff forbid that an account is closed, for a legal duty or a dispute.
    LegalHoldPlace,
    /// Staff end that.
    LegalHoldEnd,
    /// A customer chooses by which ways payments are told.
    MoneyMailChoose,
    /// A customer who lost passkey or phone gets back in.
    Recover,
    /// A recovery under way is called off.
    RecoverCancel,
    /// A passkey, a password or an authenticator app comes, goes or changes.
    FactorChange,
    /// A phone number or an e-mail address takes the place of another.
    ContactChange,
    /// An account elsewhere may open this one, together with the app's code and the phone.
    ExternalLink,
    /// It may no longer.
    ExternalUnlink,
    /// An account elsewhere is about to be used, to sign up or in.
    ExternalUse,
    /// The customer confirms at the phone what a register wants.
    ActConfirm,
    /// The customer says that what a register wants is not from them.
    ActDecline,
    /// A payment to a store, by the customer's code or of an order.
    Payment,
    /// Value is set aside for a payment, by the customer's code.
    Authorize,
    /// A payment out of what was set aside.
    Capture,
    /// What was set aside is given back.
    AuthorizationVoid,
    /// Staff let a held payment through.
    HeldRelease,
    /// Staff refuse a held payment.
    HeldRefuse,
    /// The customer's code is read by a terminal, whatever for: a door only.
    CodeUse,
    /// A payment by a QR that a store shows: a door only, beside that of payments.
    StoreQr,
    /// An order of an online shop is made or paid: a door only, beside that of payments.
    Checkout,
    /// A refund of a payment.
    Refund,
    /// The cancel of a payment.
    Cancel,
    /// Cash into the wallet at a register.
    TopupCash,
    /// A cash top-up taken back.
    TopupCashCancel,
    /// Value set aside for somebody to take.
    Send,
    /// Value that was sent is taken.
    SendTake,
    /// Value that was sent goes back to its sender.
    SendReturn,
    /// A code is made by which a friend sends.
    FriendCodeMake,
    /// A customer asks others for money.
    MoneyRequest,
    /// A customer begins to register a card.
    CardRegister,
    /// A card that the gateway has authenticated becomes the customer's.
    CardAdd,
    /// A card is forgotten.
    CardRemove,
    /// A top-up by card is asked for.
    TopupCard,
    /// The card has paid: its top-up becomes balance.
    TopupCardCredit,
    /// The card has not paid, or its money goes back: what was reserved is free again.
    TopupCardRelease,
    /// A card's holder had a top-up charged back.
    CardChargeback,
    /// Auto top-up asks for a top-up.
    TopupAuto,
    /// A customer agrees to auto top-up, or the card's bank has shown that they did.
    AutoTopupSet,
    /// A customer turns auto top-up off.
    AutoTopupEnd,
    /// A customer types an ATM's number and agrees to be whom it loads.
    AtmClaim,
    /// Cash into the wallet at an ATM.
    TopupAtm,
    /// A top-up at an ATM taken back.
    TopupAtmCancel,
    /// Points become free value.
    PointsConvert,
    /// Points of a payment come some days after it.
    PointsIssue,
    /// Value reached its end.
    ValueExpire,
    /// A customer chooses whether points are used.
    PointsUse,
    /// A customer takes a coupon.
    CouponSet,
    /// A customer lowers a limit of their own.
    LimitLower,
    /// A customer asks for a higher one.
    LimitRaise,
    /// A raise is called off.
    LimitKeep,
    /// A campaign begins, with its budget.
    CampaignCreate,
    /// A campaign ends, and what is left of its budget goes back.
    CampaignStop,
    /// A merchant's person accepts the invitation with a passkey.
    MerchantUserEnrol,
    /// A merchant's person signs in.
    MerchantSignIn,
    /// An owner invites a person of the merchant.
    MerchantUserInvite,
    /// An owner gives a person another role.
    MerchantUserRole,
    /// An owner takes a person's access away.
    MerchantUserRemove,
    /// One of a merchant's people is told at another e-mail address, or at none.
    MerchantContactChange,
    /// A store is added.
    StoreCreate,
    /// A terminal is added and its key shown.
    TerminalCreate,
    /// A terminal's key stops working.
    TerminalRevoke,
    /// A terminal gets a new key.
    TerminalKey,
    /// The key before it ends.
    TerminalKeyEnd,
    /// A merchant names a server that is told.
    WebhookAdd,
    /// It gets another key, or is switched on or off.
    WebhookChange,
    /// It is told no more.
    WebhookRemove,
    /// One of the operator's people is invited.
    StaffInvite,
    /// Staff accept the invitation with a passkey.
    StaffEnrol,
    /// Staff sign in.
    StaffSignIn,
    /// Staff get another role.
    StaffRoleChange,
    /// Staff lose their access.
    StaffRemove,
    /// Staff look for somebody or something.
    StaffSearch,
    /// Staff ask a second person for an act.
    ApprovalAsk,
    /// The second person says yes.
    ApprovalGive,
    /// The second person says no.
    ApprovalRefuse,
    /// Staff take up an alert.
    AlertAcknowledge,
    /// Staff close a function.
    DoorClose,
    /// Staff open it again.
    DoorOpen,
    /// Staff keep what they are writing of the risk rules.
    RulesDraft,
    /// Staff make a version of it and ask for its publication.
    RulesPropose,
    /// A version of the risk rules comes into force.
    RulesPublish,
    /// Staff say what a decision turned out to be.
    FraudLabel,
    /// Staff give a payment back, in the merchant's place.
    StaffRefund,
    /// Staff stop a customer's account.
    StaffFreeze,
    /// Staff start it again.
    StaffUnfreeze,
    /// Staff end all sessions of a customer.
    StaffSessionsEnd,
    /// Staff read a contact that the page masks.
    StaffUnmask,
    /// Staff help a customer to get back in.
    StaffRecover,
    /// A customer says: I do not know this payment.
    Dispute,
    /// A customer adds words to a case.
    CaseReply,
    /// Staff take a case.
    CaseTake,
    /// Staff write something down in a case.
    CaseNote,
    /// Staff say that two cases belong together.
    CaseLink,
    /// Staff ask the customer something.
    CaseAsk,
    /// Staff decide a case.
    CaseDecide,
    /// A merchant's statement goes into the ledger.
    Settle,
    /// A merchant gets other terms.
    SettlementTerms,
    /// A merchant is paid to another account.
    PayoutAccountChange,
    /// Finance lets a changed account be paid to before its time.
    PayoutAccountApprove,
    /// Finance takes a change back.
    PayoutAccountRefuse,
    /// A payout goes into a file for the bank.
    Payout,
    /// A file for the bank is made.
    PayoutFile,
    /// What a file says is booked.
    PayoutBook,
    /// Somebody takes a file to the bank.
    PayoutFileTake,
    /// The bank has taken a file.
    PayoutSent,
    /// The bank gave a payout back.
    PayoutReturned,
    /// The bank refused a payout before it took the file.
    PayoutRefused,
    /// A text that customers can read for ever is published.
    TermsPublish,
    /// What others say of money is compared with the ledger.
    Reconcile,
    /// Staff look into a difference.
    DifferenceTake,
    /// Staff say what it was.
    DifferenceExplain,
    /// Staff open an incident.
    IncidentOpen,
    /// Staff write something about it.
    IncidentWrite,
    /// Customers are told of it.
    IncidentPublish,
    /// It is closed.
    IncidentClose,
    /// Staff say what makes its cohort.
    IncidentCohort,
    /// The cohort is counted.
    IncidentCount,
    /// Staff confirm or clear somebody of it, or add them.
    IncidentReview,
    /// Staff plan an act on it.
    IncidentPlan,
    /// Two people agreed on an act, and it is begun.
    IncidentAct,
    /// Sessions end and phones are unbound.
    IncidentSignOut,
    /// Factors are forgotten.
    IncidentFactors,
    /// Somebody of the cohort is told.
    IncidentNotify,
    /// A loss is made good.
    IncidentCompensate,
    /// It was.
    IncidentCompensated,
    /// What came in is taken back.
    IncidentReverse,
    /// It was.
    IncidentReversed,
    /// What was taken back goes to the card that paid it.
    IncidentPassOn,
    /// It did, or the gateway would not.
    IncidentPassedOn,
    /// A sale is not paid out for now.
    IncidentSaleHold,
    /// A held sale is paid out with the next statement.
    IncidentSaleRelease,
    /// Staff take a list of persons out.
    IncidentExport,
    /// Two people announce the end of the service.
    ServiceEndAnnounce,
    /// Two people call it off.
    ServiceEndCallOff,
    /// A customer wants the rest back as money.
    RefundAsk,
    /// A customer closes the account and wants the rest back as money.
    RefundClosingAsk,
    /// A customer takes such a claim back.
    RefundClosingDrop,
    /// Two people agreed on such a claim.
    RefundClosing,
    /// A customer corrects the bank account that it goes to.
    RefundAccountChange,
    /// Value is set aside for it.
    RefundSetAside,
    /// Staff write a claim down for a customer.
    RefundOpen,
    /// Staff let a claim be paid that waited for a review.
    RefundRelease,
    /// Staff refuse a claim.
    RefundRefuse,
    /// What was set aside for it is balance again.
    RefundBack,
    /// Staff put claims into a file for the bank and ask a second person for it.
    RefundFilePlan,
    /// Two people agreed on a file.
    RefundFile,
    /// Staff take a file back that nobody agreed on.
    RefundFileDrop,
    /// Somebody takes a file to the bank.
    RefundFileTake,
    /// The bank has taken it.
    RefundSent,
    /// The bank gave a refund back.
    RefundReturned,
    /// What a file says is booked.
    RefundBook,
    /// Staff count who did not claim and ask a second person.
    RefundExcludePlan,
    /// Two people agreed that who did not claim is excluded.
    RefundExclude,
    /// Somebody is.
    RefundExcluded,
}

impl Act {
    /// What it is to risk rules; none if they have nothing to say to it. A cancel is not in their
    /// hands: a till must always be able to undo what it does not know.
    #[must_use]
    pub const fn risk(self) -> Option<Risk> {
        Some(match self {
            Self::SignUp => Risk::SignUp,
            Self::SignIn => Risk::SignIn,
            Self::DeviceMove => Risk::DeviceMove,
            Self::Recover => Risk::Recover,
            Self::FactorChange => Risk::FactorChange,
            Self::ContactChange => Risk::ContactChange,
            Self::CardRegister | Self::CardAdd => Risk::CardRegister,
            Self::TopupCash => Risk::TopupCash,
            Self::TopupAtm => Risk::TopupAtm,
            Self::TopupCard | Self::TopupAuto | Self::TopupCardRelease => Risk::TopupCard,
            Self::Payment | Self::Authorize => Risk::Payment,
            Self::Refund => Risk::Refund,
            Self::Send => Risk::Send,
            Self::SendTake => Risk::Receive,
            Self::CouponSet => Risk::CouponUse,
            _ => return None,
        })
    }
}
