//! What an operator may set about watching.

use std::net::SocketAddr;

use axum::http::Uri;
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

/// Where traces go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TraceSettings {
    /// The collector: `http://127.0.0.1:4318/v1/traces`. Without one there are no traces.
    pub endpoint: Option<String>,
    /// What the collector wants as a bearer token.
    pub token: Option<Secret>,
    /// Of a hundred requests, how many are traced.
    pub percent: u8,
}

impl Default for TraceSettings {
    fn default() -> Self {
        Self { endpoint: None, token: None, percent: 100 }
    }
}

impl TraceSettings {
    /// Refuses what cannot work, and a token in the clear.
    ///
    /// # Errors
    /// What to mend.
    pub fn check(&self) -> Result<(), String> {
        let endpoint = self.endpoint.as_deref().unwrap_or("http://localhost");
        let address = endpoint.parse::<Uri>().ok().filter(|address| address.host().is_some());
        let Some((address, scheme)) = address.as_ref().and_then(|it| Some((it, it.scheme_str()?)))
        else {
            return Err("traces.endpoint is the address of a collector".to_owned());
        };
        let is_near = matches!(address.host(), Some("127.0.0.1" | "localhost" | "[::1]"));
        match scheme {
            "https" => {}
            "http" if is_near || self.token.is_none() => {}
            "http" => return Err("traces.token needs a collector behind https".to_owned()),
            _ => return Err("traces.endpoint begins with http or https".to_owned()),
        }
        if !(1..=100).contains(&self.percent) {
            return Err("traces.percent is between 1 and 100".to_owned());
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
        let traces = |text: &str| read(&format!("[traces]\n{text}"));
        let collector = "endpoint = \"http://collector:4318/v1/traces\"\n";
        assert!(traces(collector).is_ok());
        assert!(traces(&format!("{collector}token = \"in the clear\"")).is_err());
        assert!(traces("endpoint = \"https://t.example/v1/traces\"\ntoken = \"x\"").is_ok());
        for wrong in ["endpoint = \"collector\"", "endpoint = \"ftp://c/\"", "percent = 0"] {
            assert!(traces(wrong).is_err(), "{wrong}");
        }
        let token = "a-token-that-nobody-guesses";
        assert!(read(&format!("{open}token = \"{token}\"\n")).is_ok());
    }
}
