//! How the table of [`super::codes`] becomes its enum.

macro_rules! codes {
    ($( $(#[$doc:meta])* $name:ident = $code:literal, $status:ident, $message:literal,
        clerk: $clerk_ja:literal / $clerk_en:literal,
        customer: $customer_ja:literal / $customer_en:literal; )*) => {
        /// Why a request was not carried out.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $( $(#[$doc])* $name, )* }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$( Self::$name, )*];

            /// The stable word of the API.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$name => $code, )* }
            }

            /// The HTTP status that carries it.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $( Self::$name => StatusCode::$status, )* }
            }

            /// For the developer who reads a log: English, no personal data.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $( Self::$name => $message, )* }
            }

            /// What the clerk reads and does.
            #[must_use]
            pub const fn clerk(self) -> Both {
                match self { $( Self::$name => Both { ja: $clerk_ja, en: $clerk_en }, )* }
            }

            /// What the customer reads.
            #[must_use]
            pub const fn customer(self) -> Both {
                match self { $( Self::$name => Both { ja: $customer_ja, en: $customer_en }, )* }
            }
        }
    };
}
pub(super) use codes;
