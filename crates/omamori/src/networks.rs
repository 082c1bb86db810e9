//! Who runs a network and in which country it is, from files in MaxMind's format (GeoLite2,
//! DB-IP …).
//!
//! The files are the operator's choice. Without one the owner or the country of a network is not
//! known: nothing that counts by owner counts, and rules say what an unknown country means.

use std::net::IpAddr;
use std::path::Path;

use maxminddb::{MaxMindDbError, Reader};
use serde::Deserialize;

/// The owners and the countries of networks, if there are files.
#[derive(Default)]
pub struct Networks {
    owners: Option<Reader<Vec<u8>>>,
    countries: Option<Reader<Vec<u8>>>,
}

/// An ISO 3166-1 alpha-2 code: `JP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country([u8; 2]);

impl Country {
    /// Two capital letters; none if it is anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let code: [u8; 2] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }

    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// As MaxMind and DB-IP have it (`country.iso_code`), and as flat files have it.
#[derive(Deserialize)]
struct Place<'a> {
    #[serde(borrow, default)]
    country: Option<Iso<'a>>,
    #[serde(default)]
    country_code: Option<&'a str>,
}

#[derive(Deserialize)]
struct Iso<'a> {
    #[serde(default)]
    iso_code: Option<&'a str>,
}

#[derive(Deserialize)]
struct Owner {
    autonomous_system_number: Option<u32>,
}

impl Networks {
    /// Reads the files into memory.
    ///
    /// # Errors
    /// One cannot be read, or is not in this format.
    pub fn open(owners: Option<&Path>, countries: Option<&Path>) -> Result<Self, MaxMindDbError> {
        Ok(Self {
            owners: owners.map(Reader::open_readfile).transpose()?,
            countries: countries.map(Reader::open_readfile).transpose()?,
        })
    }

    /// The country of an address; `None` if there is no file or the file does not know it.
    #[must_use]
    pub fn country(&self, address: IpAddr) -> Option<Country> {
        let found = self.countries.as_ref()?.lookup(address).ok()?;
        let place = found.decode::<Place<'_>>().ok()??;
        let code = place.country.and_then(|country| country.iso_code).or(place.country_code)?;
        Country::parse(code)
    }

    /// The number of the autonomous system that an address belongs to; `None` if there is no file
    /// or the file does not know it.
    #[must_use]
    pub fn asn(&self, address: IpAddr) -> Option<u32> {
        let found = self.owners.as_ref()?.lookup(address).ok()?;
        found.decode::<Owner>().ok()??.autonomous_system_number
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A database of the format's version 2.0 in which 45.0.0.0/9 belongs to AS 64500 and nothing
    /// else is known.
    pub(crate) fn file() -> Vec<u8> {
        const BITS: u32 = 9;
        const PREFIX: u32 = 45 << 24;
        let nothing = BITS;
        let data = BITS + 16;
        let mut bytes = Vec::new();
        for bit in 0..BITS {
            let on = if bit + 1 == BITS { data } else { bit + 1 };
            let goes_right = PREFIX >> (31 - bit) & 1 == 1;
            let (left, right) = if goes_right { (nothing, on) } else { (on, nothing) };
            bytes.extend(&left.to_be_bytes()[1..]);
            bytes.extend(&right.to_be_bytes()[1..]);
        }
        bytes.extend([0; 16]); // between tree and data
        bytes.push(0xe1); // a map of one
        text(&mut bytes, "autonomous_system_number");
        bytes.extend([0xc4, 0, 0, 0xfb, 0xf4]); // uint32 64500
        bytes.extend(b"\xab\xcd\xefMaxMind.com");
        bytes.push(0xe9); // a map of nine
        let number = |bytes: &mut Vec<u8>, name: &str, value: u8| {
            text(bytes, name);
            bytes.extend([0xa1, value]); // uint16
        };
        number(&mut bytes, "binary_format_major_version", 2);
        number(&mut bytes, "binary_format_minor_version", 0);
        number(&mut bytes, "ip_version", 4);
        number(&mut bytes, "record_size", 24);
        text(&mut bytes, "node_count");
        bytes.extend([0xc1, 9]); // uint32
        text(&mut bytes, "build_epoch");
        bytes.extend([0x01, 0x02, 1]); // uint64
        text(&mut bytes, "database_type");
        text(&mut bytes, "Test-ASN");
        text(&mut bytes, "description");
        bytes.push(0xe0); // an empty map
        text(&mut bytes, "languages");
        bytes.extend([0x00, 0x04]); // an empty array
        bytes
    }

    fn text(bytes: &mut Vec<u8>, text: &str) {
        let length = u8::try_from(text.len()).unwrap();
        if length < 29 {
            bytes.push(0x40 | length);
        } else {
            bytes.extend([0x5d, length - 29]);
        }
        bytes.extend(text.as_bytes());
    }

    /// Written to a file of its own, as the settings name one.
    pub(crate) fn on_disk(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("asn.mmdb");
        std::fs::write(&path, file()).unwrap();
        path
    }

    #[test]
    fn an_address_has_the_owner_that_the_file_says() {
        let folder = tempfile::tempdir().unwrap();
        let networks = Networks::open(Some(&on_disk(folder.path())), None).unwrap();
        let asn = |text: &str| networks.asn(text.parse().unwrap());
        assert_eq!(asn("45.0.0.1"), Some(64_500));
        assert_eq!(asn("45.127.255.255"), Some(64_500));
        assert_eq!((asn("45.128.0.1"), asn("44.255.0.1"), asn("2001:db8::1")), (None, None, None));
        assert_eq!(Networks::default().asn("45.0.0.1".parse().unwrap()), None);
    }

    #[test]
    fn a_file_of_another_kind_is_refused_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        assert!(Networks::open(Some(&path), None).is_err());
        std::fs::write(&path, b"no such thing").unwrap();
        assert!(Networks::open(None, Some(&path)).is_err());
    }
}
