//! Phone numbers, in the one form that is stored and compared: E.164.

use std::fmt;

/// A phone number in E.164, as `+819012345678`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Phone(String);

/// ITU-T E.164: at most fifteen digits with the country code. Shorter than eight is no
/// subscriber's number anywhere that we send to.
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;
const JAPAN: &str = "81";

impl Phone {
    /// Reads what a person types: `090-1234-5678`, `+81 90 1234 5678`, full-width digits too.
    ///
    /// A number without `+` is Japanese. Of those, only mobile numbers (060, 070, 080, 090: total
    /// numbering plan of Japan) are taken, for only they receive SMS.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        let (digits, international) = digits(typed)?;
        let number =
            if international { digits } else { format!("{JAPAN}{}", digits.strip_prefix('0')?) };
        if number.starts_with('0') || !DIGITS.contains(&number.len()) {
            return None;
        }
        if let Some(national) = number.strip_prefix(JAPAN) {
            // Written with the trunk prefix after the country code, as `+81 (0)90…`.
            let national = national.strip_prefix('0').unwrap_or(national);
            let mobile = matches!(national.as_bytes(), [b'6'..=b'9', b'0', b'1'..=b'9', ..]);
            if national.len() != 10 || !mobile {
                return None;
            }
            return Some(Self(format!("+{JAPAN}{national}")));
        }
        Some(Self(format!("+{number}")))
    }

    /// A number that this program stored.
    #[must_use]
    pub(super) fn stored(e164: String) -> Self {
        Self(e164)
    }

    /// `+819012345678`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 10,000 numbers around it: what is bought together for SMS pumping.
    #[must_use]
    pub(super) fn block(&self) -> u64 {
        let digits = self.0.trim_start_matches('+');
        digits[..digits.len() - 4].parse().unwrap_or_default()
    }

    /// As its holder knows it: `090-1234-5678`; numbers of other countries in E.164.
    #[must_use]
    pub fn national(&self) -> String {
        match self.0.strip_prefix("+81") {
            Some(n) if n.len() == 10 => format!("0{}-{}-{}", &n[..2], &n[2..6], &n[6..]),
            _ => self.0.clone(),
        }
    }

    /// With only the last four digits: `***-****-5678`.
    #[must_use]
    pub fn masked(&self) -> String {
        let national = self.national();
        let shown_from = national.len() - 4;
        let mask = |(index, c): (usize, char)| {
            if c.is_ascii_digit() && index < shown_from { '*' } else { c }
        };
        national.chars().enumerate().map(mask).collect()
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The ASCII digits of a number as typed, and whether it began with `+`. Separators are dropped;
/// anything else makes it no number.
fn digits(typed: &str) -> Option<(String, bool)> {
    let mut digits = String::with_capacity(16);
    let mut international = false;
    for c in typed.trim().chars() {
        match c {
            '+' | '＋' if digits.is_empty() && !international => international = true,
            '0'..='9' => digits.push(c),
            '０'..='９' => digits.extend(char::from_digit(u32::from(c) - u32::from('０'), 10)),
            '-' | ' ' | '(' | ')' | '.' | '‐' | '－' | 'ー' | '−' | '　' | '（' | '）' => {
            }
            _ => return None,
        }
    }
    Some((digits, international))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(typed: &str) -> Option<String> {
        Phone::parse(typed).map(|phone| phone.as_str().to_owned())
    }

    #[test]
    fn one_number_has_one_form() {
        let ways = [
            "09012345678",
            "090-1234-5678",
            " 090 1234 5678 ",
            "０９０－１２３４－５６７８",
            "+819012345678",
            "+81 90-1234-5678",
            "+81 (0)90-1234-5678",
            "＋８１９０１２３４５６７８",
        ];
        for typed in ways {
            assert_eq!(parsed(typed).as_deref(), Some("+819012345678"), "{typed}");
        }
        assert_eq!(parsed("06012345678").as_deref(), Some("+816012345678"));
        assert_eq!(parsed("+44 7700 900123").as_deref(), Some("+447700900123"));
    }

    #[test]
    fn what_cannot_get_an_sms_is_refused() {
        for typed in [
            "",
            "+",
            "090",
            "0312345678",
            "0120-123-456",
            "0901234567",
            "090123456789",
            "9012345678",
            "090-1234-567a",
            "+0901234567",
            "++819012345678",
            "09012345678+",
            "+1234567",
            "+1234567890123456",
            "00012345678",
            "٠٩٠12345678",
            "+81312345678",
        ] {
            assert_eq!(parsed(typed), None, "{typed}");
        }
    }

    #[test]
    fn a_masked_number_shows_four_digits() {
        let phone = Phone::parse("09012345678").unwrap();
        assert_eq!(phone.national(), "090-1234-5678");
        assert_eq!(phone.masked(), "***-****-5678");
        assert_eq!(Phone::parse("+447700900123").unwrap().masked(), "+********0123");
    }
}
