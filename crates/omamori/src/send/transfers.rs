//! A send in the ledger: ids, chains, and what became of it.
//!
//! Value sent is a *pending* transfer from the sender's wallet, with the ledger's own timeout, and
//! not a move into an account and back. So it returns by itself at an exact instant, on every node
//! and after every restart, without a worker that could be late or act twice; it cannot be spent
//! meanwhile, for the wallet counts its pending debits; taking, declining, calling back and expiry
//! all resolve the one transfer, so exactly one of them happens; and until it is taken the value is
//! in the sender's books, as 法 has it for value that nobody else holds yet. It goes to a transit
//! account, because whose it will be may not be known before it is taken.

use omamori_ledger::{PendingStatus, Request, Transfer, TransferFlags};

use super::row::Send;
use crate::app::App;
use crate::clock::Micros;
use crate::gate::chart::{LEDGER_JPY, TransferCode, send_transit_account, wallet_account};
use crate::id::derive;
use crate::pos::micros;
use crate::web::error::Result;

/// How long value waits to be taken.
pub const WAITS_SECONDS: u32 = 48 * 3_600;

/// The id of what a customer's client names so.
#[must_use]
pub fn send_id(customer_id: &str, client_send_id: &str) -> u128 {
    derive("send", &[customer_id.as_bytes(), client_send_id.as_bytes()])
}

/// The id of the `n`th place in which a request is paid: there is a next one only when all that was
/// sent before came back.
#[must_use]
pub fn request_claim_id(request_id: &str, n: u32) -> u128 {
    derive("send-claim", &[request_id.as_bytes(), &n.to_be_bytes()])
}

/// The second phase, of either kind.
fn end_id(send_id: u128) -> u128 {
    derive("send-end", &[&send_id.to_be_bytes()])
}

/// What the receiver gets.
#[must_use]
pub fn receive_id(send_id: u128) -> u128 {
    derive("send-receive", &[&send_id.to_be_bytes()])
}

/// Why value went back to its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Nobody took it in time.
    Expired,
    /// The receiver did not want it.
    Declined,
    /// The sender changed their mind.
    CalledBack,
    /// Too many wrong passcodes.
    Passcode,
}

impl Why {
    const fn number(self) -> u32 {
        match self {
            Self::Expired => 0,
            Self::Declined => 1,
            Self::CalledBack => 2,
            Self::Passcode => 3,
        }
    }

    const fn of(number: u32) -> Self {
        match number {
            1 => Self::Declined,
            2 => Self::CalledBack,
            3 => Self::Passcode,
            _ => Self::Expired,
        }
    }
}

/// What became of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has taken it yet.
    Waiting {
        /// When it goes back by itself.
        until: Micros,
    },
    /// It is the receiver's.
    Taken {
        /// Since when.
        at: Micros,
        /// The receiver's wallet.
        by: u128,
    },
    /// It is the sender's again.
    Returned {
        /// Since when.
        at: Micros,
        /// What for.
        why: Why,
    },
}

/// A send that happened.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The pending transfer.
    pub transfer: Transfer,
    /// What became of it.
    pub state: State,
}

/// Looks a send up; `None` if the value was never set aside.
///
/// # Errors
/// A fault if a store fails.
pub async fn known(app: &App, send_id: u128) -> Result<Option<Known>> {
    let Some(stored) = app.gate.transfer(send_id).await? else { return Ok(None) };
    let transfer = stored.transfer;
    let until = micros(&transfer) + Micros::from(transfer.timeout) * crate::clock::SECOND;
    let expired = State::Returned { at: until, why: Why::Expired };
    let end = app.gate.transfer(end_id(send_id)).await?.map(|end| end.transfer);
    let state = match (stored.pending_status, end) {
        // Over to the nanosecond, even before the ledger's writer notices.
        (PendingStatus::Pending, None)
            if transfer.expires_at().is_some_and(|at| at <= app.clock.now_nanos()) =>
        {
            expired
        }
        (PendingStatus::Expired, _) => expired,
        (_, None) => State::Waiting { until },
        (_, Some(end)) if end.flags.contains(TransferFlags::POST_PENDING_TRANSFER) => {
            let receive = app.gate.transfer(receive_id(send_id)).await?;
            let by = receive.map_or(0, |receive| receive.transfer.credit_account_id);
            State::Taken { at: micros(&end), by }
        }
        (_, Some(end)) => State::Returned { at: micros(&end), why: Why::of(end.user_data_32) },
    };
    Ok(Some(Known { transfer, state }))
}

/// Sets value aside; with `claim`, as the one payment of a request.
#[must_use]
pub fn begin(send_id: u128, wallet: u128, amount: i64, claim: Option<u128>) -> Request {
    let transit = send_transit_account();
    let transfer = Transfer {
        id: send_id,
        debit_account_id: wallet,
        credit_account_id: transit.id,
        amount: amount.unsigned_abs(),
        timeout: WAITS_SECONDS,
        ledger: LEDGER_JPY,
        code: TransferCode::Send.number(),
        flags: TransferFlags::PENDING,
        ..Transfer::default()
    };
    let Some(id) = claim else {
        return Request { accounts: vec![transit], transfers: vec![transfer] };
    };
    let claim = Transfer {
        id,
        amount: 0,
        timeout: 0,
        code: TransferCode::SendClaim.number(),
        flags: TransferFlags::default(),
        ..transfer
    };
    let transfer = Transfer { flags: transfer.flags | TransferFlags::LINKED, ..transfer };
    Request { accounts: vec![transit], transfers: vec![transfer, claim] }
}

/// Gives it to the one who takes it, in one chain.
#[must_use]
pub fn take(pending: &Transfer, wallet: u128) -> Request {
    let post = Transfer {
        id: end_id(pending.id),
        pending_id: pending.id,
        amount: Transfer::AMOUNT_MAX,
        flags: TransferFlags::LINKED | TransferFlags::POST_PENDING_TRANSFER,
        ..Transfer::default()
    };
    let receive = Transfer {
        id: receive_id(pending.id),
        debit_account_id: pending.credit_account_id,
        credit_account_id: wallet,
        amount: pending.amount,
        user_data_64: pending.debit_account_id as u64, // the low half: enough to tell people apart
        ledger: LEDGER_JPY,
        code: TransferCode::SendReceive.number(),
        ..Transfer::default()
    };
    Request { accounts: vec![wallet_account(wallet)], transfers: vec![post, receive] }
}

/// Gives it back.
#[must_use]
pub fn give_back(send_id: u128, why: Why) -> Request {
    let void = Transfer {
        id: end_id(send_id),
        pending_id: send_id,
        user_data_32: why.number(),
        flags: TransferFlags::VOID_PENDING_TRANSFER,
        ..Transfer::default()
    };
    Request { accounts: Vec::new(), transfers: vec![void] }
}

/// The one who sent it, and where its row says it goes.
impl Send {
    /// The ledger's id.
    #[must_use]
    pub fn transfer_id(&self) -> u128 {
        crate::id::Kind::Send.parse(&self.send_id).unwrap_or_default()
    }
}
