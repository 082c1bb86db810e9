//! When an alert is raised, and to whom it goes.

use serde::Deserialize;

use crate::secret::Secret;

/// Thresholds and addresses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertSettings {
    /// Addresses of people or of a pager.
    pub email: Vec<String>,
    /// Where `{"text": …}` is posted, as chat services take it. The addresses are secrets: who has
    /// one can post.
    pub webhooks: Vec<Secret>,
    /// Of a hundred payments of ten minutes so many refused …
    pub decline_percent: u8,
    /// … if there were so many.
    pub decline_payments: u32,
    /// Minutes that a message may wait.
    pub outbox_minutes: u32,
    /// SMS of an hour.
    pub sms_per_hour: u32,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            email: Vec::new(),
            webhooks: Vec::new(),
            decline_percent: 40,
            decline_payments: 50,
            outbox_minutes: 10,
            sms_per_hour: 3_000,
        }
    }
}

impl AlertSettings {
    /// Refuses addresses that cannot work or would carry alerts in the clear.
    ///
    /// # Errors
    /// What to mend.
    pub fn check(&self) -> Result<(), String> {
        for address in &self.email {
            if address.parse::<lettre::Address>().is_err() {
                return Err("alerts.email must be addresses, as ops@example.jp".to_owned());
            }
        }
        for webhook in &self.webhooks {
            let address = webhook.reveal();
            let is_near = ["http://127.0.0.1:", "http://localhost:"];
            if !address.starts_with("https://") && !is_near.iter().any(|n| address.starts_with(n)) {
                return Err("alerts.webhooks must begin with https://".to_owned());
            }
        }
        if !(1..=100).contains(&self.decline_percent) {
            return Err("alerts.decline_percent must be from 1 to 100".to_owned());
        }
        Ok(())
    }
}
