//! The chart of accounts: which accounts hold value, and why it moves.
//!
//! Codes are stored in the journal for ever; a number never changes its meaning.

use omamori_ledger::{Account, AccountFlags, Transfer};

use crate::id::derive;

/// The ledger (unit) of paid value: yen. The number is ISO 4217's.
pub const LEDGER_JPY: u32 = 392;
/// The ledger of yen given free. The law counts paid and free value apart (府令4条; GL Ⅰ-2-1(3)),
/// so they are different units. This and the following numbers are outside ISO 4217, which ends at
/// 999.
pub const LEDGER_JPY_FREE: u32 = 1_392;
/// The ledger of points.
pub const LEDGER_POINTS: u32 = 2_001;
/// The ledger of coupon pieces: one is one use of one coupon.
pub const LEDGER_PIECES: u32 = 3_001;

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum AccountCode {
    /// A customer's paid value. Never below zero.
    Wallet = 1,
    /// What a store's merchant is owed for sales, less refunds.
    StoreSales = 2,
    /// Cash that a store took for top-ups and owes to the operator.
    StoreCash = 3,
    /// The other side of transfers of amount 0 that close a wallet. Never holds value.
    Closings = 90,
    /// Value on its way between two customers. Holds something only while a chain is applied: what
    /// waits to be taken is a pending transfer to it, which is still the sender's.
    SendTransit = 40,
    /// What the card gateway took from cards and owes to the operator.
    CardClearing = 30,
    /// What the operator lost: value that was spent before its card payment was charged back.
    CardLoss = 31,
    /// A lot of a customer's free value, which ends with its month. Never below zero.
    /// `user_data_128` is the wallet, `user_data_32` the month (see [`super::purse`]).
    FreeLot = 10,
    /// A lot of a customer's points, as [`AccountCode::FreeLot`].
    PointsLot = 11,
    /// Points that were taken back when they were spent already: what is earned next goes here.
    /// Its credits never exceed its debits.
    PointsDebt = 12,
    /// How often a customer may still use a coupon. Never below zero.
    CouponPieces = 13,
    /// Operator: free value given, less what was spent or expired.
    FreeIssue = 14,
    /// Operator: points given, less what was spent or expired. The liability from points.
    PointsIssue = 15,
    /// Operator: paid to stores in yen for free value spent there.
    FreeFunding = 16,
    /// Operator: paid to stores in yen for points spent there.
    PointsFunding = 17,
    /// A campaign's yen. Never below zero: the budget that cannot be passed.
    CampaignBudget = 18,
    /// Operator: yen given into campaigns.
    CampaignFunding = 19,
    /// A merchant: its own discounts, given into its campaigns. No claim against anybody: the
    /// other side is [`AccountCode::StoreDiscount`].
    MerchantFunding = 20,
    /// A merchant: its own discounts, used. Not part of what the merchant is owed.
    StoreDiscount = 21,
    /// Operator: coupon pieces given, less those used.
    PieceIssue = 22,
    /// Operator: free value that expired.
    FreeExpired = 23,
    /// Operator: points that expired.
    PointsExpired = 24,
    /// What a merchant is owed after its statements; below zero, what it owes.
    MerchantPayable = 50,
    /// Operator: payouts in a file for the bank, which the bank has not taken yet.
    PayoutTransit = 51,
    /// Operator: fees of merchants, without tax.
    FeeIncome = 52,
    /// Operator: consumption tax on fees.
    FeeTax = 53,
    /// Operator: paid out of its bank account.
    OperatorBank = 54,
    /// Operator: what it made good to victims of incidents.
    IncidentLoss = 60,
    /// Operator: taken back from wallets in an incident; owed to whoever it came from.
    IncidentReturned = 61,
    /// Operator: owed to victims whose wallets are closed, to be paid to their bank accounts.
    IncidentPayable = 62,
    /// Operator: set aside for holders who get their value back as money. Theirs until it is paid.
    RefundPayable = 63,
    /// Operator: value that nobody claimed before the end of the claims, when the service ended.
    RefundUnclaimed = 64,
}

/// Why value moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum TransferCode {
    /// A sale. Pending when a code is shown (authorize; its id is the code's), posted when the
    /// sale is made (capture; its id is derived from the merchant's own): both phases of a
    /// transfer have one code. It moves the paid value of the sale; `user_data_32` is what the
    /// customer gave of all kinds, where that is more (see [`due`]).
    Payment = 10,
    /// Part or all of a payment goes back.
    Refund = 12,
    /// All of a payment goes back at once, on the day of the sale.
    Cancel = 13,
    /// Amount 0: takes the place `refunded so far` of a payment, so that refunds come in one order
    /// and never pass what was paid. The lower half of `user_data_64` is the amount of the refund
    /// it stands beside, the upper half the customer's part of it (see
    /// [`super::windows::Position`]); `user_data_32` is the slot of the payment.
    RefundPosition = 14,
    /// Amount 0: takes the id of a payment or top-up that was canceled before it arrived.
    Tombstone = 15,
    /// Value set aside for a payment that comes later: pending until it is captured, voided or its
    /// time is over. It is never posted: a capture voids it and pays in the same chain, so that the
    /// payment is one like any other. It moves the paid value; `user_data_32` is what is set aside
    /// of all kinds. See [`super::reservation`].
    Authorization = 16,
    /// The other kinds of value of an [`TransferCode::Authorization`] or
    /// [`TransferCode::PaymentHeld`]: pending as long, one for each lot, discount and coupon.
    AuthorizationPart = 17,
    /// An [`TransferCode::Authorization`] for a sale that waits until staff release or refuse it.
    PaymentHeld = 18,
    /// Amount 0: takes the id of the code that an authorization was made with.
    CodeClaim = 19,
    /// Cash taken at a register; in the same two phases as a payment.
    TopupCash = 20,
    /// A cash top-up taken back.
    TopupCashCancel = 21,
    /// Amount 0, pending for ever: the wallet is closed. Voided, it is open again.
    WalletClose = 90,
    /// Value sent: pending from the sender's wallet until the receiver takes it (post), somebody
    /// gives it back (void; `user_data_32` says who) or its time is over (expiry).
    Send = 80,
    /// What was taken, from transit to the receiver's wallet, in one chain with the post.
    /// `user_data_64` is the low half of the sender's account id, to tell senders apart.
    SendReceive = 81,
    /// Amount 0: takes the place in which a request for money is paid, so that it is paid once.
    SendClaim = 82,
    /// A top-up by card that the customer asked for. Pending while the card gateway is asked, so
    /// that its limits are used from the start; posted when the card has paid; voided when not.
    TopupCard = 30,
    /// The same, started by the customer's auto top-up.
    TopupAuto = 31,
    /// Cash put into an ATM; in the same two phases as a payment.
    TopupAtm = 32,
    /// A top-up at an ATM taken back: the machine did not keep the cash.
    TopupAtmCancel = 33,
    /// The card's holder had a top-up charged back: its value, as far as it is there.
    CardChargeback = 34,
    /// The rest of it, from the operator's loss account.
    ChargebackLoss = 35,
    /// Amount 0: takes the next place among the refunds of a payment, or among what was taken back
    /// of a top-up: so much of it an incident made good. `user_data_64` is the yen.
    MadeGood = 91,
    /// What a refund brings and an incident had made good already: wallet to operator.
    MadeGoodBack = 92,
    /// Amount 0: takes the next place among what was taken back of a top-up (see
    /// [`crate::topup::card::taken`]).
    TopupTaken = 93,
    /// What an incident had taken back of a top-up goes to who had it charged back.
    ReturnPassedOn = 94,
    /// Free value is given: operator to lot.
    FreeGiven = 50,
    /// A payment takes free value out of a lot: lot to operator.
    FreeSpent = 51,
    /// The operator pays the store in yen for the free value of a payment.
    FreeFunded = 52,
    /// A refund puts free value back into a lot.
    FreeBack = 53,
    /// A refund takes the operator's yen for free value back from the store.
    FreeFundedBack = 54,
    /// The end of a lot of free value.
    FreeExpired = 55,
    /// Points for a payment: operator to lot, or to the debt that comes first.
    PointsEarned = 56,
    /// A refund takes earned points back: lot (or debt) to operator.
    PointsTaken = 57,
    /// A payment takes points out of a lot: lot to operator.
    PointsSpent = 58,
    /// The operator pays the store in yen for the points of a payment.
    PointsFunded = 59,
    /// A refund puts points back into a lot.
    PointsBack = 60,
    /// A refund takes the operator's yen for points back from the store.
    PointsFundedBack = 61,
    /// The end of a lot of points.
    PointsExpired = 62,
    /// Points become free value: lot to operator.
    PointsConverted = 63,
    /// Amount 0, on the wallet: free value came from points. `user_data_64` is the yen.
    PointsConvertedNote = 64,
    /// A coupon's yen, from its campaign's budget to the store; of a gift of free value, to the
    /// operator's account that pays for free value.
    CouponDiscount = 65,
    /// A refund puts a coupon's yen back into the budget.
    CouponDiscountBack = 66,
    /// One use of a coupon: customer to operator.
    CouponUsed = 67,
    /// A cancel gives the use back.
    CouponBack = 68,
    /// A customer takes a coupon: as many pieces as it may be used.
    CouponGiven = 69,
    /// Yen into a campaign's budget.
    CampaignFunded = 70,
    /// What is left of a budget when a campaign ends.
    CampaignReleased = 71,
    /// [`TransferCode::RefundPosition`] of a cancel.
    CancelPosition = 72,
    /// Amount 0: points that a payment will earn some days later (see [`crate::value`]).
    PointsPromised = 73,
    /// Amount 0: a refund came before the promised points.
    PointsHeldOff = 74,
    /// A statement takes a store's sales, less refunds: store to payable (or the other way).
    SalesSettled = 100,
    /// A statement sets off the cash that a store took: payable to store (or the other way).
    CashSettled = 101,
    /// The fee of a statement.
    FeeCharged = 102,
    /// The tax on it.
    FeeTaxed = 103,
    /// A payout: pending from its statement on, posted when it is in a file for the bank.
    Payout = 104,
    /// The bank has taken a file.
    PayoutSent = 105,
    /// The bank gave a payout back.
    PayoutReturned = 106,
    /// Amount 0: nothing of a period before it can come any more.
    SettlementMark = 107,
    /// Amount 0, on the wallet: a campaign gave free value. `user_data_64` is the yen.
    FreeGivenNote = 75,
    /// A victim's loss is made good: operator to wallet.
    IncidentCompensation = 110,
    /// The same where the wallet is closed: operator to what is owed outside of wallets.
    IncidentPayout = 111,
    /// Value that came in by a disputed top-up is taken back: wallet to operator.
    IncidentReversal = 112,
    /// A holder's paid value is set aside to be paid out as money: wallet to operator.
    RefundSetAside = 113,
    /// The bank has taken a file of refunds: off the operator's bank account.
    RefundSent = 114,
    /// The bank gave a refund back: it is set aside again.
    RefundReturned = 115,
    /// What was set aside goes back into the wallet.
    RefundBack = 116,
    /// Who did not claim in time is excluded (法20条2項): wallet to operator.
    RefundExcluded = 117,
    /// The bank has taken a file: what of it went to closing accounts within the quota (府令42条1号,
    /// 2号). What was unavoidable (3号) is a [`TransferCode::RefundSent`].
    RefundQuota = 118,
    /// The bank gave such a one back: it is set aside again.
    RefundQuotaReturned = 119,
}

impl TransferCode {
    /// The code as the ledger stores it.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The meaning of a stored number.
    #[must_use]
    pub const fn of(number: u16) -> Option<Self> {
        Some(match number {
            10 => Self::Payment,
            12 => Self::Refund,
            13 => Self::Cancel,
            14 => Self::RefundPosition,
            15 => Self::Tombstone,
            16 => Self::Authorization,
            17 => Self::AuthorizationPart,
            18 => Self::PaymentHeld,
            19 => Self::CodeClaim,
            20 => Self::TopupCash,
            21 => Self::TopupCashCancel,
            90 => Self::WalletClose,
            91 => Self::MadeGood,
            92 => Self::MadeGoodBack,
            93 => Self::TopupTaken,
            94 => Self::ReturnPassedOn,
            80 => Self::Send,
            81 => Self::SendReceive,
            82 => Self::SendClaim,
            30 => Self::TopupCard,
            31 => Self::TopupAuto,
            32 => Self::TopupAtm,
            33 => Self::TopupAtmCancel,
            34 => Self::CardChargeback,
            35 => Self::ChargebackLoss,
            50 => Self::FreeGiven,
            51 => Self::FreeSpent,
            52 => Self::FreeFunded,
            53 => Self::FreeBack,
            54 => Self::FreeFundedBack,
            55 => Self::FreeExpired,
            56 => Self::PointsEarned,
            57 => Self::PointsTaken,
            58 => Self::PointsSpent,
            59 => Self::PointsFunded,
            60 => Self::PointsBack,
            61 => Self::PointsFundedBack,
            62 => Self::PointsExpired,
            63 => Self::PointsConverted,
            64 => Self::PointsConvertedNote,
            65 => Self::CouponDiscount,
            66 => Self::CouponDiscountBack,
            67 => Self::CouponUsed,
            68 => Self::CouponBack,
            69 => Self::CouponGiven,
            70 => Self::CampaignFunded,
            71 => Self::CampaignReleased,
            72 => Self::CancelPosition,
            73 => Self::PointsPromised,
            74 => Self::PointsHeldOff,
            100 => Self::SalesSettled,
            101 => Self::CashSettled,
            102 => Self::FeeCharged,
            103 => Self::FeeTaxed,
            104 => Self::Payout,
            105 => Self::PayoutSent,
            106 => Self::PayoutReturned,
            107 => Self::SettlementMark,
            75 => Self::FreeGivenNote,
            110 => Self::IncidentCompensation,
            111 => Self::IncidentPayout,
            112 => Self::IncidentReversal,
            113 => Self::RefundSetAside,
            114 => Self::RefundSent,
            115 => Self::RefundReturned,
            116 => Self::RefundBack,
            117 => Self::RefundExcluded,
            118 => Self::RefundQuota,
            119 => Self::RefundQuotaReturned,
            _ => return None,
        })
    }
}

/// The id of a customer's account for paid value.
#[must_use]
pub fn wallet_account_id(customer_id: &str) -> u128 {
    derive("wallet", &[customer_id.as_bytes()])
}

/// A customer's account for paid value, to be created.
#[must_use]
pub fn wallet_account(id: u128) -> Account {
    let flags = AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS;
    account(id, AccountCode::Wallet, flags)
}

/// The account on the other side of every closed wallet, to be created.
#[must_use]
pub fn closings_account() -> Account {
    account(derive("closings", &[]), AccountCode::Closings, AccountFlags::default())
}

/// The id of the account of what the card gateway owes.
#[must_use]
pub fn card_clearing_id() -> u128 {
    derive("card-clearing", &[])
}

/// The id of the account of losses by chargebacks.
#[must_use]
pub fn card_loss_id() -> u128 {
    derive("card-loss", &[])
}

/// The operator's accounts for cards, to be created.
#[must_use]
pub fn card_accounts() -> [Account; 2] {
    [
        account(card_clearing_id(), AccountCode::CardClearing, AccountFlags::default()),
        account(card_loss_id(), AccountCode::CardLoss, AccountFlags::default()),
    ]
}

/// A store's two accounts, to be created: sales and cash.
#[must_use]
pub fn store_accounts(sales: u128, cash: u128) -> [Account; 2] {
    [
        account(sales, AccountCode::StoreSales, AccountFlags::default()),
        account(cash, AccountCode::StoreCash, AccountFlags::default()),
    ]
}

/// The account that value sent passes through.
#[must_use]
pub fn send_transit_account() -> Account {
    let flags = AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS;
    account(derive("send-transit", &[]), AccountCode::SendTransit, flags)
}

fn account(id: u128, code: AccountCode, flags: AccountFlags) -> Account {
    account_in(LEDGER_JPY, id, code, flags)
}

/// An account of any unit, to be created.
#[must_use]
pub fn account_in(ledger: u32, id: u128, code: AccountCode, flags: AccountFlags) -> Account {
    Account { id, ledger, code: code as u16, flags, ..Account::default() }
}

/// What the customer gave in a payment, in yen: paid value, free value and points.
#[must_use]
pub const fn due(capture: &Transfer) -> u64 {
    let of_all_kinds = capture.user_data_32 as u64;
    if of_all_kinds > capture.amount { of_all_kinds } else { capture.amount }
}

/// What a customer can spend: posted credits less posted and pending debits, in yen.
#[must_use]
pub fn available(account: &Account) -> i64 {
    let debits = account.debits_posted + account.debits_pending;
    i64::try_from(account.credits_posted.saturating_sub(debits)).unwrap_or(i64::MAX)
}
