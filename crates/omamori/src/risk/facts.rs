//! What a feature knows of an act beside who, where and how much.

use std::net::IpAddr;

use crate::clock::Micros;

/// What is known; what is left out stays unknown, and rules say what unknown means. All of it is
/// what the server found itself: nothing here is believed because a request says so, but the lines
/// of a sale, which come from the merchant's till.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Whence the request of the customer came.
    pub address: Option<IpAddr>,
    /// Since when the phone is enrolled.
    pub device_since: Option<Micros>,
    /// Since when there is the account.
    pub account_since: Option<Micros>,
    /// How the session was signed in: `passkey`, `password_totp`, `external_totp`.
    pub session_factor: Option<&'static str>,
    /// The card, as the gateway recognises it, or our id of it.
    pub card: Option<&'a str>,
    /// Since when the card is this customer's.
    pub card_since: Option<Micros>,
    /// Who receives, of a sending, if that is known.
    pub receiver: Option<&'a str>,
    /// Who sends.
    pub sender: Option<&'a str>,
    /// Since when the receiver has an account.
    pub receiver_since: Option<Micros>,
    /// The sale that a refund is of.
    pub sale: Option<u128>,
    /// Of the sale's lines: the largest sum of one, in yen.
    pub largest_item: Option<i64>,
    /// Of the sale's lines: the most pieces of one.
    pub most_pieces: Option<i64>,
    /// The payment uses a coupon.
    pub uses_coupon: bool,
    /// The customer confirmed just this act, with passkey or app, in the same request.
    pub confirmed: bool,
    /// A step on the way to an act, or on the way back: no window counts it.
    pub is_step: bool,
    /// What is recorded is that the act failed elsewhere, as when a card was declined: there is
    /// nothing for rules to allow.
    pub failed: bool,
}

impl Facts<'_> {
    /// Nothing is known.
    pub const NONE: Self = Self {
        address: None,
        device_since: None,
        account_since: None,
        session_factor: None,
        card: None,
        card_since: None,
        receiver: None,
        sender: None,
        receiver_since: None,
        sale: None,
        largest_item: None,
        most_pieces: None,
        uses_coupon: false,
        confirmed: false,
        is_step: false,
        failed: false,
    };

    /// An act that its own request proves, with passkey or app: a sign-in, a move.
    #[must_use]
    pub const fn proven(address: IpAddr) -> Self {
        Self { confirmed: true, ..Self::from(address) }
    }

    /// A first step of an act.
    #[must_use]
    pub const fn step(address: IpAddr) -> Self {
        Self { is_step: true, ..Self::proven(address) }
    }

    /// What a request shows by itself: whence it came.
    #[must_use]
    pub const fn from(address: IpAddr) -> Self {
        Self { address: Some(address), ..Self::NONE }
    }
}
