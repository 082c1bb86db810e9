//! Tags of EMV data objects.

use std::fmt;
use std::ops::RangeInclusive;

/// A BER tag of one or two bytes. The known ones are constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u16);

impl Tag {
    /// 85: payload format indicator.
    pub const PAYLOAD_FORMAT: Self = Self(0x85);
    /// 61: application template.
    pub const APPLICATION: Self = Self(0x61);
    /// 62: common data template.
    pub const COMMON_DATA: Self = Self(0x62);
    /// 63: application specific transparent template.
    pub const APPLICATION_TRANSPARENT: Self = Self(0x63);
    /// 64: common data transparent template.
    pub const COMMON_TRANSPARENT: Self = Self(0x64);

    /// 4F: application definition file name, which is the application's identifier; in JPQR the
    /// operator's code (事業者識別コード).
    pub const ADF_NAME: Self = Self(0x4f);
    /// 50: application label.
    pub const APPLICATION_LABEL: Self = Self(0x50);
    /// 57: track 2 equivalent data; in JPQR the payment's number (決済ID).
    pub const TRACK_2: Self = Self(0x57);
    /// 5A: primary account number.
    pub const PAN: Self = Self(0x5a);
    /// 5F20: cardholder name.
    pub const CARDHOLDER_NAME: Self = Self(0x5f20);
    /// 5F2D: language preference, one to four codes of two letters.
    pub const LANGUAGE_PREFERENCE: Self = Self(0x5f2d);
    /// 5F50: issuer URL.
    pub const ISSUER_URL: Self = Self(0x5f50);
    /// 82: application interchange profile.
    pub const INTERCHANGE_PROFILE: Self = Self(0x82);
    /// 99: free area of JPQR.
    pub const FREE_AREA: Self = Self(0x99);
    /// 9F08: application version number.
    pub const APPLICATION_VERSION: Self = Self(0x9f08);
    /// 9F10: issuer application data.
    pub const ISSUER_APPLICATION_DATA: Self = Self(0x9f10);
    /// 9F19: token requestor id.
    pub const TOKEN_REQUESTOR_ID: Self = Self(0x9f19);
    /// 9F24: payment account reference.
    pub const PAYMENT_ACCOUNT_REFERENCE: Self = Self(0x9f24);
    /// 9F25: last four digits of the primary account number.
    pub const LAST_FOUR_DIGITS: Self = Self(0x9f25);
    /// 9F26: application cryptogram.
    pub const APPLICATION_CRYPTOGRAM: Self = Self(0x9f26);
    /// 9F27: cryptogram information data.
    pub const CRYPTOGRAM_INFORMATION: Self = Self(0x9f27);
    /// 9F36: application transaction counter.
    pub const TRANSACTION_COUNTER: Self = Self(0x9f36);
    /// 9F37: unpredictable number.
    pub const UNPREDICTABLE_NUMBER: Self = Self(0x9f37);

    /// The tag with this number: one byte whose low five bits are not all set, or two bytes of
    /// which the first has them all set and the second has its high bit clear.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        let [first, second] = number.to_be_bytes();
        let well_formed = match first {
            0 => second != 0 && !continues(second),
            _ => continues(first) && second < 0x80,
        };
        if well_formed { Some(Self(number)) } else { None }
    }

    /// The number of the tag.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The templates of the outer structure, which are no plain data objects.
    pub(super) fn is_structure(self) -> bool {
        matches!(
            self,
            Self::PAYLOAD_FORMAT
                | Self::APPLICATION
                | Self::COMMON_DATA
                | Self::APPLICATION_TRANSPARENT
                | Self::COMMON_TRANSPARENT
        )
    }

    /// How many bytes the value may have (EMV Book 3, annex A).
    pub(super) fn lengths(self) -> RangeInclusive<usize> {
        match self {
            Self::ADF_NAME => 5..=16,
            Self::APPLICATION_LABEL => 1..=16,
            Self::TRACK_2 => 1..=19,
            Self::PAN => 1..=10,
            Self::CARDHOLDER_NAME => 2..=26,
            Self::LANGUAGE_PREFERENCE => 2..=8,
            Self::APPLICATION_VERSION
            | Self::INTERCHANGE_PROFILE
            | Self::LAST_FOUR_DIGITS
            | Self::TRANSACTION_COUNTER => 2..=2,
            Self::ISSUER_APPLICATION_DATA => 1..=32,
            Self::TOKEN_REQUESTOR_ID => 6..=6,
            Self::PAYMENT_ACCOUNT_REFERENCE => 29..=29,
            Self::APPLICATION_CRYPTOGRAM => 8..=8,
            Self::CRYPTOGRAM_INFORMATION => 1..=1,
            Self::UNPREDICTABLE_NUMBER => 4..=4,
            _ => 1..=usize::MAX,
        }
    }
}

/// Whether a first byte says that another follows.
pub(super) const fn continues(first: u8) -> bool {
    first & 0x1f == 0x1f
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", self.0)
    }
}
