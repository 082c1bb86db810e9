//! E-mail addresses, in the one form that is stored and compared.

use std::fmt;

/// RFC 5321 §4.5.3.1: what a path and a local part may measure.
const LENGTH_MAX: usize = 254;
const LOCAL_MAX: usize = 64;
const LABEL_MAX: usize = 63;

/// An e-mail address, as `hanako@example.jp`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// Reads what a person types: the addresses that people have (RFC 5321 `Dot-string` at a host
    /// name with a dot). Quoted local parts, address literals and other scripts are refused.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        let (local, domain) = typed.trim().split_once('@')?;
        let domain = domain.to_ascii_lowercase();
        let email = format!("{local}@{domain}");
        let right = email.len() <= LENGTH_MAX && is_local(local) && is_domain(&domain);
        right.then_some(Self(email))
    }

    /// `hanako@example.jp`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// With only the first character before the `@`: `h***@example.jp`.
    #[must_use]
    pub fn masked(&self) -> String {
        let (local, domain) = self.0.split_once('@').unwrap_or((&self.0, ""));
        format!("{}***@{domain}", &local[..1])
    }
}

/// Not its text: addresses stay out of logs.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(***)")
    }
}

fn is_local(local: &str) -> bool {
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    local.len() <= LOCAL_MAX
        && local.split('.').all(|part| !part.is_empty() && part.chars().all(atom))
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=LABEL_MAX).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let Some((_, last)) = domain.rsplit_once('.') else { return false };
    domain.split('.').all(label) && last.bytes().any(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_have_is_taken_in_one_form() {
        let parsed = |typed| Email::parse(typed).map(|email| email.as_str().to_owned());
        assert_eq!(parsed(" Hanako@Example.JP ").as_deref(), Some("Hanako@example.jp"));
        assert_eq!(parsed("a.b+c@mail.example.co.jp").as_deref(), Some("a.b+c@mail.example.co.jp"));
        let email = Email::parse("hanako@example.jp").unwrap();
        assert_eq!(email.masked(), "h***@example.jp");
        assert_eq!(format!("{email:?}"), "Email(***)");
    }

    #[test]
    fn anything_else_is_refused() {
        let long = format!("{}@example.jp", "a".repeat(65));
        for typed in [
            "",
            "@example.jp",
            "hanako",
            "hanako@",
            "hanako@localhost",
            "hanako@192.0.2.1",
            "hanako@[192.0.2.1]",
            "hanako@-a.jp",
            "hanako@a..jp",
            ".hanako@example.jp",
            "ha..nako@example.jp",
            "\"ha nako\"@example.jp",
            "ha nako@example.jp",
            "hanako@example.jp\r\nBcc: x@example.jp",
            "hanako@example.jp,x@example.jp",
            "花子@example.jp",
            "hanako@例え.jp",
            &long,
        ] {
            assert_eq!(Email::parse(typed), None, "{typed}");
        }
    }
}
