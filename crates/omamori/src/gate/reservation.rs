//! Reservations of an authorization: the ids by which everybody finds what became of one.
//!
//! An authorization is a pending transfer, with parts beside it that are pending as long. It ends
//! in one of three ways, which exclude each other because all resolve that one transfer: a void
//! with the id of [`void_id`], its expiry, or the void of a capture, which has the first leg's id
//! of the payment that follows in the same chain. That payment's first phase has the id of
//! [`handover_id`]: so what the windows count passes from the reservation to the payment, and
//! whoever holds the authorization finds its payment.

use omamori_ledger::Transfer;

use super::chart::TransferCode;
use crate::id::derive;

/// The id of the transfer that gives everything back.
#[must_use]
pub fn void_id(authorization_id: u128) -> u128 {
    derive("authorization-void", &[&authorization_id.to_be_bytes()])
}

/// The id of the first phase of the payment that captures it.
#[must_use]
pub fn handover_id(authorization_id: u128) -> u128 {
    derive("authorization-handover", &[&authorization_id.to_be_bytes()])
}

/// The id of the end of one of its parts.
#[must_use]
pub fn part_end_id(part_id: u128) -> u128 {
    derive("authorization-part-end", &[&part_id.to_be_bytes()])
}

/// Whether a transfer sets value aside for a payment.
#[must_use]
pub const fn is_reservation(transfer: &Transfer) -> bool {
    is_of_one(transfer) && transfer.is_pending()
}

/// Whether a transfer is a reservation or its end.
#[must_use]
pub const fn is_of_one(transfer: &Transfer) -> bool {
    matches!(
        TransferCode::of(transfer.code),
        Some(TransferCode::Authorization | TransferCode::PaymentHeld)
    )
}

/// Whether a void belongs to a capture: then the payment that follows in the same chain takes over
/// what was reserved.
#[must_use]
pub fn is_captured(void: &Transfer) -> bool {
    is_of_one(void) && void.id != void_id(void.pending_id)
}
