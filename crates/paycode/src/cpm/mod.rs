//! Consumer-Presented Mode: the QR code that a customer of an EMVCo or JPQR wallet shows.
//!
//! EMV® QR Code Specification for Payment Systems, Consumer-Presented Mode, and its JPQR variant.
//! The text is Base64 (RFC 4648 §4, padded) of BER-TLV data objects:
//!
//! ```text
//! 85 payload format   CPV01 (EMVCo) or JPQR1 (JPQR), first
//! 61 application      one or more; 4F first, then its other objects, 63 last
//! 62 common data      at most one, last; 64 last in it
//! ```
//!
//! 63 and 64 are "transparent" templates, whose objects are for the issuer.
//!
//! [`ConsumerCode::parse`] accepts one encoding for each meaning: canonical Base64, tags of one or
//! two bytes, definite lengths in their shortest form, no object twice in a template, nothing
//! after the end. So [`ConsumerCode::write`] gives back exactly the text that was read.

mod error;
mod read;
mod tag;
mod write;

pub use error::{CpmError, CpmFault};
pub use tag::Tag;

/// The longest text, in characters. EMVCo sets this bound for merchant-presented codes; here it is
/// our own.
pub const MAX_CHARACTERS: usize = 512;

/// Everything that a customer's EMVCo or JPQR code says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerCode {
    /// 85: whose rules the rest follows.
    pub format: PayloadFormat,
    /// 61: ways to pay, the preferred one first. At least one.
    pub applications: Vec<Template>,
    /// 62: what is common to all of them.
    pub common: Option<Template>,
}

/// 85: the format and its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadFormat {
    /// `CPV01`.
    EmvCo,
    /// `JPQR1`.
    Jpqr,
}

/// The objects of a template, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// The objects that a reader may interpret.
    pub objects: Vec<DataObject>,
    /// 63 in an application, 64 in the common data: objects for the issuer.
    pub transparent: Option<Vec<DataObject>>,
}

/// A tag with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataObject {
    /// What it is.
    pub tag: Tag,
    /// Its bytes: at least one.
    pub value: Vec<u8>,
}

impl Template {
    /// The value of an object, those in the transparent template included.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Option<&[u8]> {
        let transparent = self.transparent.iter().flatten();
        let mut objects = self.objects.iter().chain(transparent);
        objects.find(|object| object.tag == tag).map(|object| object.value.as_slice())
    }

    /// The account number in the track 2 equivalent data (57): its digits before the separator
    /// `D`. `None` where there is no such object, or where JPQR put something else into it.
    #[must_use]
    pub fn track_2_account_number(&self) -> Option<String> {
        let nibbles = self.get(Tag::TRACK_2)?.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
        let mut digits = String::new();
        for nibble in nibbles {
            match nibble {
                0..=9 => digits.push(char::from(b'0' + nibble)),
                0x0d if !digits.is_empty() => return Some(digits),
                _ => return None,
            }
        }
        None
    }
}
