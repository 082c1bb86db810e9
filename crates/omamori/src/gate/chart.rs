//! The chart of accounts: which accounts hold value, and why it moves.
//!
//! Codes are stored in the journal for ever; a number never changes its meaning.

use omamori_ledger::{Account, AccountFlags};

use crate::id::derive;

/// The ledger (unit) of paid value: yen. The number is ISO 4217's.
pub const LEDGER_JPY: u32 = 392;

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
}

/// Why value moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum TransferCode {
    /// A sale. Pending when a code is shown (authorize; its id is the code's), posted when the
    /// sale is made (capture; its id is derived from the merchant's own): both phases of a
    /// transfer have one code.
    Payment = 10,
    /// Part or all of a payment goes back.
    Refund = 12,
    /// All of a payment goes back at once, on the day of the sale.
    Cancel = 13,
    /// Amount 0: takes the place `refunded so far` of a payment, so that refunds come in one order
    /// and never pass what was paid. `user_data_64` is the amount of the refund it stands beside,
    /// `user_data_32` that transfer's code.
    RefundPosition = 14,
    /// Amount 0: takes the id of a payment or top-up that was canceled before it arrived.
    Tombstone = 15,
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
            20 => Self::TopupCash,
            21 => Self::TopupCashCancel,
            90 => Self::WalletClose,
            80 => Self::Send,
            81 => Self::SendReceive,
            82 => Self::SendClaim,
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
    Account { id, ledger: LEDGER_JPY, code: code as u16, flags, ..Account::default() }
}

/// What a customer can spend: posted credits less posted and pending debits, in yen.
#[must_use]
pub fn available(account: &Account) -> i64 {
    let debits = account.debits_posted + account.debits_pending;
    i64::try_from(account.credits_posted.saturating_sub(debits)).unwrap_or(i64::MAX)
}
