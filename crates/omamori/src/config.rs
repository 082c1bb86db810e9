//! Settings: read once, from one TOML file, checked before anything starts.
//!
//! No setting weakens two-step sign-in or the binding to a phone: there is none to set.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use crate::gate::limits::Limits;
use crate::secret::Secret;

/// Everything an operator may set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The address customers type, `https://pay.example.jp`; the origin of passkeys and proofs.
    pub public_url: String,
    /// The issuer's name, shown to customers (法13条).
    pub issuer_name: String,
    /// The first six digits of a customer's code.
    pub code_prefix: String,
    /// Where things are stored.
    pub store: Store,
    /// The file with the master key (32 bytes, base64), readable by the service alone.
    pub key_file: PathBuf,
    /// How SMS are sent.
    pub sms: Sms,
    /// Limits in yen.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: "http://localhost:8080".to_owned(),
            issuer_name: "お守りPay".to_owned(),
            code_prefix: omamori_paycode::code::Prefix::DEFAULT.to_string(),
            store: Store::default(),
            key_file: PathBuf::from("data/master.key"),
            sms: Sms::default(),
            limits: Limits::default(),
        }
    }
}

/// Where things are stored.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, tag = "engine", rename_all = "lowercase")]
pub enum Store {
    /// Embedded: one SQLite file a store in this folder. One node.
    Sqlite {
        /// The folder.
        folder: PathBuf,
    },
    /// A PostgreSQL database for any number of nodes.
    Postgres {
        /// `postgres://user:password@host/database`.
        address: Secret,
    },
}

impl Default for Store {
    fn default() -> Self {
        Self::Sqlite { folder: PathBuf::from("data") }
    }
}

/// How SMS are sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, tag = "adapter", rename_all = "lowercase")]
pub enum Sms {
    /// Nothing is sent: the text is shown on `/demo/sms` and in the log. Never for customers.
    #[default]
    Sandbox,
    /// An HTTP gateway: `POST url {"to","text"}` with a bearer token.
    Http {
        /// Where to post; plain http for loopback only.
        url: String,
        /// The gateway's token.
        token: Secret,
    },
}

/// Why the settings are refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] std::io::Error),
    /// The file is not as it must be.
    #[error("the settings are wrong")]
    Parse(#[from] toml::de::Error),
    /// A value is not usable.
    #[error("{0}")]
    Value(String),
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`], which says what to mend.
    pub fn read(path: &std::path::Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Read(path.to_owned(), error))?;
        let config: Self = toml::from_str(&text)?;
        config.check()?;
        Ok(config)
    }

    /// Refuses what cannot work or is not safe.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn check(&self) -> Result<(), ConfigError> {
        let local = ["http://localhost", "http://127.0.0.1"];
        let loopback = local.iter().any(|prefix| {
            self.public_url.strip_prefix(prefix).is_some_and(|r| r.is_empty() || r.starts_with(':'))
        });
        if !loopback && !self.public_url.starts_with("https://") {
            return refuse("public_url must begin with https:// (http only for localhost)");
        }
        if self.public_url.ends_with('/') {
            return refuse("public_url is an origin: no path, no slash at its end");
        }
        self.limits.check().map_err(ConfigError::Value)
    }

    /// True if cookies can be marked `__Host-` and `Secure`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

fn refuse(why: &str) -> Result<(), ConfigError> {
    Err(ConfigError::Value(why.to_owned()))
}
