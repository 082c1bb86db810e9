//! Words of staff, as they are stored.

use crate::web::error::{Error, Result};

const CHARACTERS_MAX: usize = 500;

/// A text that is there and not too long.
pub(super) fn checked<'a>(field: &str, text: &'a str) -> Result<&'a str> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::field(field, "missing"));
    }
    if text.chars().count() > CHARACTERS_MAX {
        return Err(Error::field(field, "too_long"));
    }
    Ok(text)
}
