//! The acts that rules apply to.

use serde::{Deserialize, Serialize};

macro_rules! acts {
    ($( $(#[$doc:meta])* $name:ident = $word:literal, $flow:ident; )*) => {
        /// Something that a person or a terminal wants done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Act { $( $(#[$doc])* #[serde(rename = $word)] $name, )* }

        impl Act {
            /// Every act there is.
            pub const ALL: &'static [Self] = &[$( Self::$name, )*];

            /// The word that rules and records have for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$name => $word, )* }
            }

            /// Which way value goes, seen from the customer.
            #[must_use]
            pub const fn flow(self) -> Flow {
                match self { $( Self::$name => Flow::$flow, )* }
            }
        }
    };
}

/// Which way value goes, seen from the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Value comes to the customer.
    In,
    /// Value leaves the customer.
    Out,
    /// None moves.
    None,
}

acts! {
    /// A customer comes to be.
    SignUp = "sign_up", None;
    /// A customer signs in.
    SignIn = "sign_in", None;
    /// A passkey, password or authenticator is added, replaced or removed.
    FactorChange = "factor_change", None;
    /// A phone number or an e-mail address is added or replaced.
    ContactChange = "contact_change", None;
    /// Another phone takes the place of the one that pays.
    DeviceMove = "device_move", None;
    /// A customer who lost passkey or phone gets back in.
    Recover = "recover", None;
    /// A card is registered.
    CardRegister = "card_register", None;
    /// Cash at a register.
    TopupCash = "topup_cash", In;
    /// Cash at an ATM.
    TopupAtm = "topup_atm", In;
    /// A charge of a registered card.
    TopupCard = "topup_card", In;
    /// A sale.
    Payment = "payment", Out;
    /// A refund or cancel of a sale.
    Refund = "refund", In;
    /// Value is sent to another customer.
    Send = "send", Out;
    /// Value sent by another customer is taken.
    Receive = "receive", In;
    /// A coupon is used.
    CouponUse = "coupon_use", None;
}

impl Act {
    /// Whether the customer can show at this act that it is them: with it, or at the phone when a
    /// register asks.
    #[must_use]
    pub const fn can_be_confirmed(self) -> bool {
        !matches!(self, Self::SignUp | Self::Refund | Self::Receive)
    }

    /// The act of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|act| act.as_str() == word)
    }
}
