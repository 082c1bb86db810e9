//! What an operator says of an issuer.

use std::collections::HashSet;

use serde::Deserialize;

use super::reach::{Endpoint, Reach};
use crate::secret::Secret;
use crate::web::text::Lang;

const ID_CHARACTERS: std::ops::RangeInclusive<usize> = 1..=32;

/// One `[[external_sign_in]]` of the settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalSignIn {
    /// Its name in addresses and tables, as `example`: lower-case letters, digits, hyphens. The
    /// redirect URI to register there is `{public_url}/external/{id}/callback`.
    pub id: String,
    /// What customers call it.
    pub name: Name,
    /// Its issuer identifier, exactly as its discovery document says it.
    pub issuer: String,
    /// Who we are to it.
    pub client_id: String,
    /// How we show it.
    pub client_secret: Secret,
    /// Scopes beside `openid`. None is needed: nothing of what they tell is read.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// False closes this way in, for everyone, and keeps what is linked.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// A name in both languages of the service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

impl Name {
    /// The name in one of them.
    #[must_use]
    pub fn of(&self, lang: Lang) -> &str {
        match lang {
            Lang::Ja => &self.ja,
            Lang::En => &self.en,
        }
    }
}

const fn yes() -> bool {
    true
}

impl ExternalSignIn {
    /// Refuses what cannot work or is not safe. An issuer on this machine, without TLS, is for a
    /// service that is there itself.
    ///
    /// # Errors
    /// What to mend.
    pub fn check_all(all: &[Self], service_is_local: bool) -> Result<(), String> {
        let mut ids = HashSet::new();
        for one in all {
            one.check(service_is_local).map_err(|why| format!("external_sign_in: {why}"))?;
            if !ids.insert(&one.id) {
                return Err(format!("external_sign_in: two have the id {}", one.id));
            }
        }
        Ok(())
    }

    fn check(&self, service_is_local: bool) -> Result<(), &'static str> {
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !ID_CHARACTERS.contains(&self.id.len()) || !self.id.bytes().all(letter) {
            return Err("id must be 1 to 32 of a-z, 0-9 and -");
        }
        let local = Endpoint::parse(&self.issuer, Reach::Loopback).is_some();
        if Endpoint::parse(&self.issuer, Reach::Public).is_none() && !(local && service_is_local) {
            return Err("issuer must be https:// with a public name (http only on localhost)");
        }
        if self.issuer.contains('?') {
            return Err("issuer has no query");
        }
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        if !plain(&self.client_id) || !plain(self.client_secret.reveal()) {
            return Err("client_id and client_secret must be visible ASCII");
        }
        if !self.scopes.iter().all(|scope| plain(scope)) {
            return Err("a scope is one word");
        }
        if self.name.ja.trim().is_empty() || self.name.en.trim().is_empty() {
            return Err("name.ja and name.en are shown to customers");
        }
        Ok(())
    }

    /// Where its documents and endpoints may be.
    pub(super) fn reach(&self) -> Reach {
        if self.issuer.starts_with("https://") { Reach::Public } else { Reach::Loopback }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(issuer: &str) -> ExternalSignIn {
        let text = format!(
            "id = \"example\"\nissuer = \"{issuer}\"\nclient_id = \"me\"\n\
             client_secret = \"s3cret\"\n[name]\nja = \"例\"\nen = \"Example\""
        );
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn an_issuer_is_public_or_on_this_machine_with_us() {
        for good in ["https://accounts.example.com", "https://login.example.jp:8443/realms/a"] {
            assert_eq!(ExternalSignIn::check_all(&[one(good)], false), Ok(()), "{good}");
        }
        let local = one("http://127.0.0.1:9080");
        assert_eq!(ExternalSignIn::check_all(std::slice::from_ref(&local), true), Ok(()));
        for (bad, service_is_local) in [
            ("http://127.0.0.1:9080", false),
            ("http://accounts.example.com", true),
            ("https://10.0.0.1", true),
            ("https://sso.internal", false),
            ("https://accounts.example.com?tenant=1", false),
            ("https://user@accounts.example.com", false),
            ("ftp://accounts.example.com", false),
        ] {
            assert!(ExternalSignIn::check_all(&[one(bad)], service_is_local).is_err(), "{bad}");
        }
        assert!(ExternalSignIn::check_all(&[local.clone(), local], true).is_err(), "one id twice");
    }

    #[test]
    fn the_secret_is_not_printed() {
        let printed = format!("{:?}", one("https://accounts.example.com"));
        assert!(!printed.contains("s3cret"), "{printed}");
    }
}
