//! A phone's fingerprint sensor, played by the browser (WebAuthn level 3, §11: automation).

use axum::http::Method;
use serde_json::{Value, json};
use thirtyfour::common::command::FormatRequestData;
use thirtyfour::{RequestData, SessionId};

/// How the person and the sensor behave.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    /// It can tell whose finger it is (or asks for a PIN).
    pub verifies: bool,
    /// The person agrees; otherwise the dialog is cancelled.
    pub consents: bool,
}

impl Behaviour {
    /// The owner, who wants to.
    pub const WILLING: Self = Self { verifies: true, consents: true };
    /// The owner, who cancels.
    pub const CANCELLING: Self = Self { verifies: true, consents: false };
    /// A key without a sensor: whoever holds it can use it.
    pub const UNVERIFIED: Self = Self { verifies: false, consents: true };
}

/// A command of the WebAuthn extension of WebDriver.
#[derive(Debug)]
pub enum Command<'a> {
    Add(Behaviour),
    Remove(&'a str),
    Credentials(&'a str),
    AddCredential(&'a str, &'a Value),
}

impl FormatRequestData for Command<'_> {
    fn format_request(&self, session: &SessionId) -> RequestData {
        let base = format!("/session/{session}/webauthn/authenticator");
        match self {
            Self::Add(behaviour) => {
                RequestData::new(Method::POST, base).add_body(json!({
                    "protocol": "ctap2",
                    "transport": "internal",
                    "hasResidentKey": true,
                    "hasUserVerification": behaviour.verifies,
                    "isUserVerified": behaviour.verifies,
                    "isUserConsenting": behaviour.consents,
                }))
            }
            Self::Remove(id) => RequestData::new(Method::DELETE, format!("{base}/{id}")),
            Self::Credentials(id) => {
                RequestData::new(Method::GET, format!("{base}/{id}/credentials"))
            }
            Self::AddCredential(id, credential) => {
                RequestData::new(Method::POST, format!("{base}/{id}/credential"))
                    .add_body((*credential).clone())
            }
        }
    }
}
