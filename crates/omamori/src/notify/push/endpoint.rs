//! Addresses of push services. A browser names them and we post to them, so they are also a way
//! to make us post to somewhere inside (SSRF): only https, only hosts with a public name, and at
//! the moment of sending only public addresses of that name.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::http::Uri;

/// Longer is no push service's.
const LENGTH_MAX: usize = 1_024;
/// Names that mean something inside only (RFC 6761, RFC 6762, RFC 8375, RFC 9476, ICANN SAC113).
const INSIDE: [&str; 10] = [
    "localhost",
    "local",
    "internal",
    "arpa",
    "alt",
    "test",
    "invalid",
    "onion",
    "lan",
    "localdomain",
];

/// The address at a push service that stands for one browser: a secret of the customer's.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    text: String,
    host: String,
}

impl Endpoint {
    /// Reads what a browser gives. The reader is the one of the client that will post there, so
    /// that both see the same host.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LENGTH_MAX || text.contains(['@', '#', '\\']) {
            return None;
        }
        let uri: Uri = text.parse().ok()?;
        if uri.scheme_str() != Some("https") || uri.authority()?.port().is_some() {
            return None;
        }
        let host = uri.host()?.to_ascii_lowercase();
        is_public_name(&host).then(|| Self { text: text.to_owned(), host })
    }

    /// The whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The push service's host: tells which vendor, not which browser.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The audience of tokens.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("https://{}", self.host)
    }
}

/// Without its secret part.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({}/***)", self.host)
    }
}

/// A host name with a dot and a last label in letters, so neither an address nor a name inside.
pub(crate) fn is_public_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let inside = |name: &str| host == name || host.ends_with(&format!(".{name}"));
    let Some((_, last)) = host.rsplit_once('.') else { return false };
    host.split('.').all(label)
        && last.bytes().any(|b| b.is_ascii_alphabetic())
        && !INSIDE.iter().any(|name| inside(name))
}

/// Whether an address is one of the public internet.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// Not in the IANA IPv4 Special-Purpose Address Registry, nor multicast.
fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let special = matches!((a, b, c), (0 | 10 | 127, ..) | (100, 64..=127, _) | (172, 16..=31, _))
        || matches!((a, b, c), (169, 254, _) | (192, 168, _) | (198, 18 | 19, _))
        || matches!((a, b, c), (192, 0, 0 | 2) | (192, 88, 99) | (198, 51, 100) | (203, 0, 113))
        || a >= 224;
    !special
}

/// In 2000::/3, all that IANA has allotted, without its special parts: 2001::/23 (protocols,
/// Teredo), documentation, and 6to4, which hides an IPv4 address.
fn is_public_v6(v6: Ipv6Addr) -> bool {
    let [a, b, ..] = v6.segments();
    let special = matches!((a, b), (0x2001, ..0x200 | 0xdb8) | (0x2002, _) | (0x3fff, ..0x1000));
    a & 0xe000 == 0x2000 && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn push_services_are_taken() {
        for text in [
            "https://fcm.googleapis.com/fcm/send/abc:APA91b-_x",
            "https://updates.push.services.mozilla.com/wpush/v2/gAAAA?x=1",
            "https://web.push.apple.com/QGuQyavXutnMH",
            "https://WNS2-par02p.notify.windows.com/w/?token=BQYAAA%3d",
        ] {
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!(endpoint.as_str(), text);
            assert!(!format!("{endpoint:?}").contains(text.rsplit('/').next().unwrap()));
        }
    }

    #[test]
    fn what_could_be_inside_is_refused() {
        let long = format!("https://push.example.com/{}", "a".repeat(1_024));
        for text in [
            "",
            "/push",
            "http://push.example.com/x",
            "ftp://push.example.com/x",
            "file:///etc/passwd",
            "https://localhost/x",
            "https://a.localhost/x",
            "https://postgres/x",
            "https://db.internal/x",
            "https://printer.local/x",
            "https://127.0.0.1/x",
            "https://127.1/x",
            "https://2130706433/x",
            "https://0x7f.0.0.1/x",
            "https://0x7f000001/x",
            "https://[::1]/x",
            "https://[::ffff:127.0.0.1]/x",
            "https://169.254.169.254/latest/meta-data",
            "https://push.example.com:8443/x",
            "https://push.example.com:443/x",
            "https://user@push.example.com/x",
            "https://push.example.com@127.0.0.1/x",
            "https://push.example.com\\@127.0.0.1/x",
            "https://push.example.com#@127.0.0.1/x",
            "https://push.example.com./x",
            "https://push..example.com/x",
            "https://プッシュ.example/x",
            "https://push.example.com/x y",
            "https://push.example.com/x\r\nhost: localhost",
            &long,
        ] {
            assert_eq!(Endpoint::parse(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_inside_are_known() {
        for inside in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        for outside in
            ["1.1.1.1", "100.128.0.1", "172.32.0.1", "142.250.206.10", "2001:4860::1", "2606::1"]
        {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }
}
