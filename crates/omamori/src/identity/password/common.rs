//! The list of common and breached passwords that ships with the program.
//!
//! `filter.bin` holds, sorted, the first four bytes of the SHA-256 of 75,000 passwords; the tool
//! `tools/common-passwords` makes it and names its sources.

use sha2::{Digest, Sha256};

const BYTES: usize = 4;

static FILTER: &[u8] = include_bytes!("filter.bin");

/// Whether a password, normalised and in lower case, is on the list. One of 57,000 that is not
/// on it counts as if it were.
pub(super) fn contains(password: &str) -> bool {
    let digest = Sha256::digest(password);
    let (entries, _) = FILTER.as_chunks::<BYTES>();
    entries.binary_search_by(|entry| entry.as_slice().cmp(&digest[..BYTES])).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_is_whole_and_sorted() {
        let (entries, rest) = FILTER.as_chunks::<BYTES>();
        assert_eq!((entries.len(), rest.len()), (75_000, 0));
        assert!(entries.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn few_others_are_taken_for_common_ones() {
        let hits = (0..20_000).filter(|n| contains(&format!("no such password {n}"))).count();
        assert!(hits <= 4, "{hits} of 20,000; expected one of 57,000");
    }
}
