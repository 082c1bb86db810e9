//! What an operator may set about watching.

use std::net::SocketAddr;

use serde::Deserialize;

use crate::secret::Secret;

/// Shorter tokens could be guessed.
const TOKEN_BYTES_MIN: usize = 24;

/// Who may read the figures.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsSettings {
    /// Whether they can be read at all.
    pub enabled: bool,
    /// The address of `/metrics` and of the long form of `/readyz`: a port of its own.
    pub listen: SocketAddr,
    /// What a reader must send as a bearer token. Needed where `listen` is not this machine alone.
    pub token: Option<Secret>,
}

impl Default for MetricsSettings {
    fn default() -> Self {
        Self { enabled: true, listen: SocketAddr::from(([127, 0, 0, 1], 9464)), token: None }
    }
}

impl MetricsSettings {
    /// Refuses what would show figures to strangers.
    ///
    /// # Errors
    /// What to mend.
    pub fn check(&self) -> Result<(), String> {
        let token = self.token.as_ref().map(|token| token.reveal().len());
        if self.enabled && !self.listen.ip().is_loopback() && token.is_none() {
            return Err("metrics.listen is not this machine alone: set metrics.token".to_owned());
        }
        if token.is_some_and(|length| length < TOKEN_BYTES_MIN) {
            return Err(format!("metrics.token must have at least {TOKEN_BYTES_MIN} characters"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn read(text: &str) -> Result<Config, String> {
        let config: Config = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check().map(|()| config).map_err(|error| error.to_string())
    }

    #[test]
    fn figures_are_shown_to_this_machine_or_to_who_has_the_token() {
        let near = read("").unwrap();
        assert!(near.metrics.enabled && near.metrics.listen.ip().is_loopback());
        let open = "[metrics]\nlisten = \"0.0.0.0:9464\"\n";
        assert!(read(open).unwrap_err().contains("metrics.token"));
        assert!(read(&format!("{open}token = \"short\"\n")).is_err());
        let token = "a-token-that-nobody-guesses";
        assert!(read(&format!("{open}token = \"{token}\"\n")).is_ok());
    }
}
