//! Passwords, for phones that have no passkeys. Never alone: beside each stands a TOTP secret and
//! a bound phone (`signup::password`, `signin::password`).
//!
//! Here: the form in which a password is compared, which ones are refused, how they are kept, and
//! the lock against guessing on the bound phone. What always holds: a password is kept only as an
//! argon2id hash with a pepper that is not in the registry, and hashing has a pool of its own, so
//! that no number of sign-ins takes the processor from payments.

pub(super) mod breached;
mod common;
pub(crate) mod hash;
pub(super) mod lock;

use omamori_db::{Tx, sql};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::phone::Phone;
use crate::app::App;
use crate::clock::Micros;
use crate::secret::Secret;
use crate::web::error::{Error, Result};

/// NIST SP 800-63B-4 §3.1.1.2: at least 8 beside a second factor; at least 64 must be allowed.
/// Any characters in any mixture; pasting works.
const CHARACTERS: std::ops::RangeInclusive<usize> = 8..=128;

/// Part of a number or a name that makes a password easy to guess.
const TELLING_CHARACTERS: usize = 4;

/// A password as it is compared and hashed: normalised (NFKC), so that full-width and composed
/// characters of different keyboards are the same.
pub(super) struct Password(Zeroizing<String>);

impl Password {
    /// Reads what a person typed or pasted.
    ///
    /// # Errors
    /// The field is too short or too long.
    pub(super) fn parse(typed: &str) -> Result<Self> {
        let normalised: Zeroizing<String> = Zeroizing::new(typed.nfkc().collect());
        if CHARACTERS.contains(&normalised.chars().count()) {
            Ok(Self(normalised))
        } else {
            Err(Error::field("password", "out_of_range"))
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Refuses what attackers try first.
    ///
    /// # Errors
    /// The field is `too_common`: on the list, or made of the phone number or of our own name.
    pub(super) fn check_new(&self, phone: &Phone, service: &str) -> Result<()> {
        let lower = Zeroizing::new(self.0.to_lowercase());
        let number = phone.as_str();
        let subscriber = &number[number.len().saturating_sub(2 * TELLING_CHARACTERS)..];
        let service = service.nfkc().collect::<String>().to_lowercase();
        let telling = [subscriber, &service, "omamori"];
        let tells = telling
            .iter()
            .any(|part| part.chars().count() >= TELLING_CHARACTERS && lower.contains(part));
        if tells || common::contains(&lower) {
            return Err(Error::field("password", "too_common"));
        }
        Ok(())
    }
}

/// A new password, unless it is one that attackers try first.
///
/// # Errors
/// The field `password` is malformed or too common.
pub(super) async fn accept(app: &App, typed: &Secret, phone: &Phone) -> Result<Password> {
    let password = Password::parse(typed.reveal())?;
    password.check_new(phone, &app.config.issuer_name)?;
    if let Some(service) = &app.identity.breached {
        service.check(&password).await?;
    }
    Ok(password)
}

/// Keeps the hash of a password in the place of the one before; wrong ones are counted anew.
pub(super) async fn set(tx: &mut Tx, customer_id: &str, hash: &str, now: Micros) -> Result<()> {
    tx.execute(sql("DELETE FROM password WHERE customer_id = $1").bind(customer_id)).await?;
    let insert = sql("INSERT INTO password (customer_id, hash, failures, locked_until, changed_at)
         VALUES ($1, $2, CAST(0 AS BIGINT), CAST(0 AS BIGINT), $3)");
    tx.execute(insert.bind(customer_id).bind(hash).bind(now)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::error::FieldError;

    fn why(typed: &str) -> Option<&'static str> {
        let phone = Phone::parse("090-1234-5678").unwrap();
        let checked = Password::parse(typed).and_then(|p| p.check_new(&phone, "お守りPay"));
        checked.err().map(|error| match error {
            Error::Invalid(fields) => match &fields[..] {
                [FieldError { field, code }] if field == "password" => *code,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn eight_characters_of_any_kind_are_enough_and_128_are_allowed() {
        for good in ["kq vj ftw", "柳とねこのみるゆめ", "zzzzzzzqzzz", &"長い文".repeat(42)]
        {
            assert_eq!(why(good), None, "{good}");
        }
        for (length, refused) in [(7, true), (8, false), (128, false), (129, true)] {
            let typed: String = "ぬ".repeat(length);
            assert_eq!(why(&typed).is_some(), refused, "{length}");
        }
    }

    #[test]
    fn common_ones_are_refused_however_they_are_typed() {
        for bad in
            ["password", "PassWord1", "12345678", "qwertyuiop", "ｐａｓｓｗｏｒｄ", "iloveyou1"]
        {
            assert_eq!(why(bad), Some("too_common"), "{bad}");
        }
        for bad in ["12345678xyz", "omamori-x7q", "お守りPAY!xq"] {
            assert_eq!(why(bad), Some("too_common"), "{bad}");
        }
    }

    #[test]
    fn keyboards_agree_on_a_password() {
        let same = [("ﾊﾟｽﾜｰﾄﾞです", "パスワードです!"), ("が", "か\u{3099}")];
        let bytes = |text: &str| Password::parse(&text.repeat(8)).unwrap().as_bytes().to_vec();
        assert_ne!(bytes(same[0].0), bytes(same[0].1), "one has a sign more");
        assert_eq!(bytes(same[1].0), bytes(same[1].1));
        assert_eq!(bytes("ﾊﾟｽﾜｰﾄﾞ"), bytes("パスワード"));
    }
}
