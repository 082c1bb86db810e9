//! How much is taken on.

use serde::Deserialize;

/// Bounds of one node.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoadSettings {
    /// Connections at once; more wait in the system's own queue.
    pub connections: usize,
    /// Requests at work at once. Registers may use all of them, staff nine tenths, wallets eight
    /// tenths, sign-up a quarter.
    pub requests: usize,
    /// Seconds for the head of a request, and for the first one of a connection.
    pub head_seconds: u16,
    /// Seconds for a request with its body, to the head of its answer.
    pub request_seconds: u16,
}

impl Default for LoadSettings {
    fn default() -> Self {
        Self { connections: 20_000, requests: 4_096, head_seconds: 10, request_seconds: 30 }
    }
}

impl LoadSettings {
    /// Refuses what cannot serve anybody.
    ///
    /// # Errors
    /// What to mend.
    pub fn check(&self) -> Result<(), String> {
        if self.connections == 0 || self.requests < 8 {
            return Err("load.connections must be at least 1, load.requests at least 8".to_owned());
        }
        if self.head_seconds == 0 || self.request_seconds == 0 {
            return Err("load.head_seconds and load.request_seconds must not be 0".to_owned());
        }
        Ok(())
    }
}
