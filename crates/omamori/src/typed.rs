//! Codes that people read to each other and type: Crockford's base 32.

use crate::rng::{Rng, random};

/// Nothing that is taken for something else. 32 of them, five bits each.
const CHARACTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Of what was typed, more is not read.
const READ_MAX: usize = 64;

/// A new code of so many characters.
#[must_use]
pub fn code<const LENGTH: usize>(rng: &dyn Rng) -> String {
    let bytes: [u8; LENGTH] = random(rng);
    bytes.iter().map(|byte| char::from(CHARACTERS[usize::from(byte & 31)])).collect()
}

/// As it was made: people write lower case, gaps, and O for 0.
#[must_use]
pub fn plain(typed: &str) -> String {
    let one = |c: char| match c.to_ascii_uppercase() {
        'O' => Some('0'),
        'I' | 'L' => Some('1'),
        c if c.is_ascii_alphanumeric() => Some(c),
        _ => None,
    };
    typed.chars().take(READ_MAX).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRng;

    #[test]
    fn a_code_may_be_typed_as_people_do() {
        assert_eq!(plain("abcd-ef0o 1lIX"), "ABCDEF00111X");
        assert_eq!(plain("abcde-f0o1l "), "ABCDEF0011");
        let code = code::<12>(&SystemRng);
        assert_eq!(plain(&code), code);
    }
}
