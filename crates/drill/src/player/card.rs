//! The pages of the sandbox card gateway, as a browser goes through them.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::http::Http;
use super::phone::{Phone, expect_ok};
use super::{Failure, Server};
use crate::load::Request;

/// How often a page looks for the gateway's word.
const LOOKS_MAX: u32 = 1_200;
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// The gateway behind an address that the service gave, and the path there.
pub(crate) fn place_of(url: &str) -> Result<(Http, String), Failure> {
    let not = || Failure::NotUnderstood("the address of a page of the card gateway");
    let rest = url.strip_prefix("http://").ok_or_else(not)?;
    let (host, path) = rest.split_once('/').ok_or_else(not)?;
    let address: SocketAddr = host.parse().map_err(|_| not())?;
    Ok((Http::new(address), format!("/{path}")))
}

/// What a browser sends when a form is answered.
pub(crate) fn form_request(path: &str, form: &str) -> Request {
    let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
    let body = form.as_bytes().to_vec();
    Request { method: "POST", path: path.to_owned(), headers, body }
}

/// A test card of one's own: what begins like a test card and has a right check digit (ISO/IEC
/// 7812-1, Luhn) is one at the sandbox.
pub(crate) fn card_number(begin: &str, customer: usize) -> String {
    let digits = format!("{begin}{customer:09}");
    let digit = |(place, digit): (usize, u8)| {
        let digit = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
        digit / 10 + digit % 10
    };
    let sum: u32 = digits.bytes().rev().enumerate().map(digit).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// Asks again, as the page does, while the gateway's word is on its way.
pub(crate) async fn look_until(
    phone: &mut Phone,
    place: (&Http, &Server),
    (path, at): (&str, u64),
    is_known: impl Fn(&Value) -> bool,
) -> Result<Value, Failure> {
    for _ in 0..LOOKS_MAX {
        let reply = phone.post(place, path, (&json!({}), at)).await?;
        let seen = expect_ok(path, &reply)?;
        if is_known(&seen) {
            return Ok(seen);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Err(Failure::NotUnderstood("the gateway, which has no answer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_have_a_right_check_digit() {
        assert_eq!(card_number("424242", 424_242_424), "4242424242424242");
        assert_eq!(card_number("453201", 511_283_036), "4532015112830366");
    }

    #[test]
    fn the_gateway_is_found_by_its_address() {
        let (_, path) = place_of("http://127.0.0.1:8081/checkout/cs_1").unwrap();
        assert_eq!(path, "/checkout/cs_1");
        assert!(place_of("https://bank.example/").is_err());
    }
}
