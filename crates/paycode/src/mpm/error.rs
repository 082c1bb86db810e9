//! What can be wrong with a store's code.

/// What is wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: {fault}")]
pub struct MpmError {
    /// Where the data object concerned begins, or where a missing one was looked for in vain: an
    /// index of characters (not bytes) in the whole text, counted from 0.
    pub position: usize,
    /// What is wrong there.
    pub fault: MpmFault,
}

/// What is wrong with a data object. Ids are those of the innermost object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MpmFault {
    /// More than [`MAX_CHARACTERS`](super::MAX_CHARACTERS).
    #[error("the text is longer than 512 characters")]
    TextTooLong,
    /// The id is not two digits.
    #[error("an id of two digits is expected")]
    NotAnId,
    /// The length is not two digits, or is 00.
    #[error("a length from 01 to 99 is expected")]
    NotALength,
    /// The text ends within an object.
    #[error("the text ends before the value does")]
    Truncated,
    /// The id occurs twice in one row.
    #[error("{0:02} occurs twice")]
    Duplicate(u8),
    /// A required object is absent.
    #[error("{0:02} is missing")]
    Missing(u8),
    /// The object must not stand here: 00 not first, 63 not last, or an id outside the range of
    /// the field that carries it.
    #[error("{0:02} must not stand here")]
    Misplaced(u8),
    /// The CRC is not four upper-case hexadecimal digits, or is another one.
    #[error("the CRC does not match: {computed:04X} is right")]
    WrongCrc {
        /// What it should be.
        computed: u16,
    },
    /// The value is longer than this object's may be, or its length is fixed and another.
    #[error("{0:02} has a wrong length")]
    WrongLength(u8),
    /// The value contains characters that this object's may not.
    #[error("{0:02} contains a wrong character")]
    WrongCharacter(u8),
    /// The characters are right, what they say is not: an unknown format version, an amount of
    /// zero, a fixed tip without its amount …
    #[error("{0:02} has a wrong value")]
    WrongValue(u8),
}

impl MpmFault {
    pub(super) const fn at(self, position: usize) -> MpmError {
        MpmError { position, fault: self }
    }
}
