//! Where customers may be sent back to. A key that got into wrong hands must not make our page a
//! trusted step on the way to a false one (open redirect), so each key has its shop's origin, and
//! addresses are compared as texts that leave no two readings.

use axum::http::Uri;

use crate::notify::push::is_public_name;

/// Longer than any shop needs.
const ADDRESS_MAX: usize = 1_024;

/// An origin of a shop: `https://shop.example.jp`, as browsers write it. On a service that is itself
/// of this machine alone (`local`), plain http to this machine too.
#[must_use]
pub fn origin(text: &str, local: bool) -> Option<String> {
    let text = text.trim().trim_end_matches('/');
    if !is_plain(text) || text != text.to_ascii_lowercase() {
        return None;
    }
    let uri: Uri = text.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let host = authority.host();
    let public = scheme == "https" && is_public_name(host);
    let here = local && scheme == "http" && matches!(host, "localhost" | "127.0.0.1");
    let bare = uri.path() == "/" && uri.query().is_none();
    let port = authority.port_u16();
    let written = match port {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    };
    // 443 is never written by browsers; whatever else differs has a second reading.
    ((public || here) && bare && written == text && port != Some(443)).then_some(written)
}

/// Whether an address is one of the shop's: the origin, then a slash. What follows cannot change
/// where it leads.
#[must_use]
pub fn is_of(origin: &str, address: &str) -> bool {
    let rest = address.strip_prefix(origin);
    is_plain(address) && rest.is_some_and(|rest| rest.starts_with('/'))
}

/// Printable ASCII without what readers of addresses disagree about, and without a fragment, which
/// our own reference would land in.
fn is_plain(text: &str) -> bool {
    text.len() <= ADDRESS_MAX
        && text
            .bytes()
            .all(|b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'#' | b'"' | b'<' | b'>'))
}

/// The address with the merchant's own reference and how it ended, which prove nothing.
#[must_use]
pub fn with_reference(address: &str, merchant_payment_id: &str, status: &str) -> String {
    let mark = if address.contains('?') { '&' } else { '?' };
    format!("{address}{mark}merchant_payment_id={merchant_payment_id}&status={status}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_in_one_way() {
        for good in ["https://shop.example.jp", "https://shop.example.jp:8443"] {
            assert_eq!(origin(good, false).as_deref(), Some(good));
        }
        assert_eq!(origin("https://shop.example.jp/", false).unwrap(), "https://shop.example.jp");
        for bad in [
            "http://shop.example.jp",
            "https://SHOP.example.jp",
            "https://shop.example.jp:443",
            "https://shop.example.jp:08443",
            "https://shop.example.jp/path",
            "https://shop.example.jp?x",
            "https://user@shop.example.jp",
            "https://127.0.0.1",
            "https://localhost",
            "https://shop",
            "javascript:alert(1)",
            "https:shop.example.jp",
            "//shop.example.jp",
            "",
        ] {
            assert_eq!(origin(bad, false), None, "{bad}");
        }
        assert!(origin("http://localhost:3000", true).is_some());
        assert_eq!(origin("http://localhost:3000", false), None);
        assert_eq!(origin("http://10.0.0.1:3000", true), None);
    }

    /// The attack: an address that begins like the shop's and leads elsewhere.
    #[test]
    fn nothing_but_the_shop_is_the_shop() {
        let shop = "https://shop.example.jp";
        for good in ["https://shop.example.jp/", "https://shop.example.jp/done?x=1&y=@z"] {
            assert!(is_of(shop, good), "{good}");
        }
        let long = format!("{shop}/{}", "a".repeat(1_024));
        for bad in [
            "https://shop.example.jp",
            "https://shop.example.jp.evil.example/",
            "https://shop.example.jp@evil.example/",
            "https://shop.example.jp:8443/",
            "https://shop.example.jp\\@evil.example/",
            "https://shop.example.jp/\\evil.example",
            "https://shop.example.jp/\n",
            "https://shop.example.jp/#x",
            "https://shop.example.jp/あ",
            "https://evil.example/?https://shop.example.jp/",
            "http://shop.example.jp/",
            "HTTPS://shop.example.jp/",
            " https://shop.example.jp/",
            "//shop.example.jp/",
            "javascript:alert(1)//https://shop.example.jp/",
            &long,
        ] {
            assert!(!is_of(shop, bad), "{bad}");
        }
    }

    #[test]
    fn the_reference_is_added_to_what_is_there() {
        let back = |address| with_reference(address, "o-1", "paid");
        assert_eq!(
            back("https://a.example/x"),
            "https://a.example/x?merchant_payment_id=o-1&status=paid"
        );
        assert_eq!(
            back("https://a.example/x?y=1"),
            "https://a.example/x?y=1&merchant_payment_id=o-1&status=paid"
        );
    }
}
