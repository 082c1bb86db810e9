//! What can be wrong with a consumer's code.

use super::Tag;

/// What is wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {position}: {fault}")]
pub struct CpmError {
    /// Where the data object concerned begins, or where a missing one was looked for in vain: an
    /// index of bytes after Base64 is decoded, counted from 0.
    pub position: usize,
    /// What is wrong there.
    pub fault: CpmFault,
}

/// What is wrong with a data object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CpmFault {
    /// More than [`MAX_CHARACTERS`](super::MAX_CHARACTERS).
    #[error("the text is longer than 512 characters")]
    TextTooLong,
    /// Not padded, canonical Base64.
    #[error("the text is not Base64")]
    NotBase64,
    /// Not a tag of one or two bytes.
    #[error("a tag of one or two bytes is expected")]
    NotATag,
    /// An indefinite length, one that is not in its shortest form, or zero.
    #[error("a definite length in its shortest form is expected, and not zero")]
    NotALength,
    /// The bytes end within an object.
    #[error("the bytes end before the value does")]
    Truncated,
    /// The object occurs twice in one template.
    #[error("{0} occurs twice")]
    Duplicate(Tag),
    /// A required object is absent, or does not stand where it must.
    #[error("{0} is expected here")]
    Missing(Tag),
    /// The object must not stand here.
    #[error("{0} must not stand here")]
    Misplaced(Tag),
    /// The value has not a length that this object may have.
    #[error("{0} has a wrong length")]
    WrongLength(Tag),
    /// The payload format is neither `CPV01` nor `JPQR1`.
    #[error("the payload format is unknown")]
    UnknownFormat,
}

impl CpmFault {
    pub(super) const fn at(self, position: usize) -> CpmError {
        CpmError { position, fault: self }
    }
}
