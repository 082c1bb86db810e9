//! A phone's fingerprint sensor, played by the browser (WebAuthn level 3, §11: automation).

use axum::http::Method;
use serde_json::{Value, json};
use thirtyfour::common::command::FormatRequestData;
use thirtyfour::{RequestData, SessionId};

/// Who touches the sensor, and what it can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensor {
    /// It knows its owner's finger, and it is the owner's.
    Owner,
    /// It knows its owner's finger, and it is somebody else's; or the dialog is cancelled, which a
    /// page cannot tell apart.
    SomebodyElse,
    /// It cannot tell fingers: whoever holds it can use it.
    Touch,
}

/// A command of the WebAuthn extension of WebDriver.
#[derive(Debug)]
pub enum Command<'a> {
    Add(Sensor),
    Remove(&'a str),
    Credentials(&'a str),
    AddCredential(&'a str, &'a Value),
}

impl FormatRequestData for Command<'_> {
    fn format_request(&self, session: &SessionId) -> RequestData {
        let base = format!("/session/{session}/webauthn/authenticator");
        match self {
            Self::Add(sensor) => RequestData::new(Method::POST, base).add_body(json!({
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": true,
                "hasUserVerification": *sensor != Sensor::Touch,
                "isUserVerified": *sensor == Sensor::Owner,
                "isUserConsenting": true,
            })),
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
