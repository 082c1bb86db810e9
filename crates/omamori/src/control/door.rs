//! The list of doors: each function that can be closed by itself.

use crate::gate::Act;

macro_rules! doors {
    ($( $(#[$doc:meta])* $name:ident = $word:literal, [$($act:ident),*]; )*) => {
        /// A function that staff can close at once.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Door { $( $(#[$doc])* $name, )* }

        impl Door {
            /// Every door there is.
            pub const ALL: &'static [Self] = &[$( Self::$name, )*];

            /// Its word at the command line, in rows and in the status feed.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$name => $word, )* }
            }

            /// The acts that need it open.
            #[must_use]
            pub const fn acts(self) -> &'static [Act] {
                match self { $( Self::$name => &[$( Act::$act ),*], )* }
            }
        }
    };
}

doors! {
    /// New customers.
    SignUp = "signup", [SignUp];
    /// Sign-in, of those who are out. Who is in stays in.
    SignIn = "signin", [SignIn];
    /// Another phone in place of the one that pays.
    NewDevice = "device-new", [DeviceMove];
    /// Recovery of an account.
    Recovery = "recovery", [Recover];
    /// Change of a phone number or e-mail address.
    Contact = "contact", [ContactChange];
    /// Cash at a register.
    TopupRegister = "topup-register", [TopupCash];
    /// Cash at an ATM.
    TopupAtm = "topup-atm", [TopupAtm, AtmClaim];
    /// Charges of a registered card. What a card has paid already is credited.
    TopupCard = "topup-card", [TopupCard, TopupAuto, AutoTopupSet];
    /// New cards.
    CardRegister = "card-register", [CardRegister];
    /// The customer's code: none is taken, whatever it is for.
    Code = "code", [CodeUse];
    /// Payments, authorizations and their captures. A cancel of a payment whose end the till does
    /// not know is never closed, nor a void.
    Payment = "payment", [Payment, Authorize, Capture];
    /// Payments by a QR that a store shows.
    StoreQr = "payment-store-qr", [StoreQr];
    /// Orders of online shops, and paying them.
    Checkout = "checkout", [Checkout];
    /// Refunds.
    Refund = "refund", [Refund];
    /// Claims of balances as money, and another bank account for one. What was claimed goes on.
    RefundClaims = "refund-claims", [RefundAsk, RefundClosingAsk, RefundAccountChange];
    /// Sending to other customers, and asking them for money.
    Send = "send", [Send, FriendCodeMake, MoneyRequest];
    /// Taking what others sent. Going back to the sender is never closed.
    Receive = "receive", [SendTake];
    /// Coupons: none is taken or used. A payment goes on without.
    Coupon = "coupon", [CouponSet];
    /// Points: none is turned into balance or used. A payment goes on without.
    Points = "points", [PointsConvert];
    /// Sign-up and sign-in with an account elsewhere.
    External = "external", [ExternalUse];
    /// Linking an account elsewhere.
    ExternalLink = "external-link", [ExternalLink];
    /// Payouts to merchants: none goes into a file, and a file with such a one is not given out.
    /// What is in one already is booked.
    Payouts = "merchant-payouts", [Payout];
}

impl Door {
    /// The door of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|door| door.as_str() == word)
    }

    /// Whether it stands in a store, so that it can be closed for one.
    #[must_use]
    pub const fn is_of_a_store(self) -> bool {
        matches!(
            self,
            Self::TopupRegister
                | Self::TopupAtm
                | Self::Code
                | Self::Payment
                | Self::StoreQr
                | Self::Checkout
                | Self::Refund
        )
    }

    /// Whether it can be closed for one merchant.
    #[must_use]
    pub const fn is_of_a_merchant(self) -> bool {
        self.is_of_a_store() || matches!(self, Self::Payouts)
    }
}
