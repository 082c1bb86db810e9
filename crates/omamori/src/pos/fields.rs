//! Checks of single fields, and the collector that names all wrong ones at once.

use super::model::ItemDetail;
use crate::web::error::{Error, FieldError};
use crate::web::text::is_hidden;

/// The largest amount of one operation, in yen.
pub const AMOUNT_MAX: i64 = 1_000_000;

/// More lines than a receipt has.
const ITEMS_MAX: usize = 200;

/// Collects what is wrong with a request.
#[derive(Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    fn wrong(&mut self, field: &str, code: &'static str) {
        self.0.push(FieldError { field: field.to_owned(), code });
    }

    /// An id of the caller: 1–64 of `A–Z a–z 0–9 . _ -`.
    pub fn id(&mut self, field: &str, value: &str) {
        if value.len() > 64 {
            self.wrong(field, "too_long");
        } else if !is_id(value) {
            self.wrong(field, "malformed");
        }
    }

    /// A whole number within bounds.
    pub fn range(&mut self, field: &str, value: i64, bounds: std::ops::RangeInclusive<i64>) {
        if !bounds.contains(&value) {
            self.wrong(field, "out_of_range");
        }
    }

    /// A text of at most `max` characters, without hidden characters.
    pub fn text(&mut self, field: &str, value: &str, max: usize) {
        if value.chars().count() > max {
            self.wrong(field, "too_long");
        } else if value.chars().any(is_hidden) {
            self.wrong(field, "malformed");
        }
    }

    /// A text that may be absent.
    pub fn text_optional(&mut self, field: &str, value: Option<&str>, max: usize) {
        if let Some(value) = value {
            self.text(field, value, max);
        }
    }

    /// The only currency there is.
    pub fn currency(&mut self, value: Option<&str>) {
        if value.is_some_and(|currency| currency != "JPY") {
            self.wrong("currency", "out_of_range");
        }
    }

    /// A JAN/EAN of 8 or 13 digits with its check digit (GS1 General Specifications 7.9).
    pub fn jan(&mut self, field: &str, value: &str) {
        if !is_jan(value) {
            self.wrong(field, "malformed");
        }
    }

    /// The lines of a sale.
    pub fn items(&mut self, items: &[ItemDetail]) {
        if items.len() > ITEMS_MAX {
            return self.wrong("items", "too_long");
        }
        for (index, item) in items.iter().enumerate() {
            let field = |name: &str| format!("items[{index}].{name}");
            if let Some(jan) = &item.jan {
                self.jan(&field("jan"), jan);
            }
            self.text(&field("name"), &item.name, 100);
            self.range(&field("quantity"), item.quantity, 1..=999);
            self.range(&field("unit_price"), item.unit_price, 0..=AMOUNT_MAX);
        }
    }

    /// The digits of a customer's code, whatever they mean.
    pub fn code(&mut self, value: &str) {
        if value.len() != 24 || !value.bytes().all(|byte| byte.is_ascii_digit()) {
            self.wrong("code", "malformed");
        }
    }

    /// Everything was right, or all that was wrong.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn done(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

/// Whether a text is an id of the caller.
pub fn is_id(value: &str) -> bool {
    (1..=64).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Whether a text is a JAN/EAN.
pub fn is_jan(value: &str) -> bool {
    if !matches!(value.len(), 8 | 13) || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    // From the right, the check digit first: weights 1, 3, 1, 3 …
    let sum: u32 = value
        .bytes()
        .rev()
        .enumerate()
        .map(|(index, byte)| u32::from(byte - b'0') * if index % 2 == 0 { 1 } else { 3 })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jan_has_a_check_digit() {
        assert!(is_jan("4901234567894"));
        assert!(is_jan("49123456"));
        assert!(!is_jan("4901234567895"));
        assert!(!is_jan("490123456789"));
        assert!(!is_jan("490123456789x"));
    }

    #[test]
    fn ids_are_plain() {
        assert!(is_id("A-1_b.2"));
        for bad in ["", "a b", "日本", "a/b", "a\n", &"x".repeat(65)] {
            assert!(!is_id(bad), "{bad:?}");
        }
    }
}
