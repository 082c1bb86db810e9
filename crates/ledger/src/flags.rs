//! Sets of flags stored in 16 bits, with TigerBeetle's bit positions.

/// Defines a set of flags: a transparent `u16` with named bits.
macro_rules! flags {
    (
        $(#[$meta:meta])*
        $name:ident { $($(#[$flag_meta:meta])* $flag:ident = $bit:literal, $text:literal;)+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
        pub struct $name(u16);

        impl $name {
            /// No flag.
            pub const NONE: Self = Self(0);
            $($(#[$flag_meta])* pub const $flag: Self = Self(1 << $bit);)+
            /// Every flag that has a meaning.
            pub const ALL: Self = Self($(1 << $bit)|+);

            /// The set with these bits; bits without a meaning are kept, and refused when applied.
            #[must_use]
            pub const fn from_bits(bits: u16) -> Self {
                Self(bits)
            }

            /// The set as stored.
            #[must_use]
            pub const fn bits(self) -> u16 {
                self.0
            }

            /// Whether all of `flags` are set.
            #[must_use]
            pub const fn contains(self, flags: Self) -> bool {
                self.0 & flags.0 == flags.0
            }

            /// Whether at least one of `flags` is set.
            #[must_use]
            pub const fn intersects(self, flags: Self) -> bool {
                self.0 & flags.0 != 0
            }

            /// This set and `flags`.
            #[must_use]
            pub const fn with(self, flags: Self) -> Self {
                Self(self.0 | flags.0)
            }

            /// This set less `flags`.
            #[must_use]
            pub const fn without(self, flags: Self) -> Self {
                Self(self.0 & !flags.0)
            }

            /// Whether a bit without a meaning is set.
            #[must_use]
            pub const fn has_reserved(self) -> bool {
                self.0 & !Self::ALL.0 != 0
            }
        }

        impl std::ops::BitOr for $name {
            type Output = Self;

            fn bitor(self, flags: Self) -> Self {
                self.with(flags)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut set = f.debug_set();
                $(if self.contains(Self::$flag) {
                    set.entry(&format_args!($text));
                })+
                let reserved = self.without(Self::ALL);
                if reserved != Self::NONE {
                    set.entry(&format_args!("{:#x}", reserved.0));
                }
                set.finish()
            }
        }
    };
}

pub(crate) use flags;
