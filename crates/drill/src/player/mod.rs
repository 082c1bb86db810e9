//! Who plays a part: a customer with a phone and a passkey in software, and the connections that
//! all of them share.

mod card;
mod enrol;
mod http;
mod passkey;
mod phone;
mod sms;

use std::net::SocketAddr;

pub(crate) use card::{card_number, form_request, look_until, place_of};
pub(crate) use http::{Http, Reply};
pub(crate) use passkey::{Passkey, passkey_of};
pub(crate) use phone::{API, Phone, Session, TOOL, expect_ok};

/// Where the service is.
#[derive(Clone, Debug)]
pub struct Server {
    /// The address to connect to.
    pub address: SocketAddr,
    /// `public_url`: what proofs and passkeys are made for.
    pub origin: String,
}

/// Why a player cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No answer.
    #[error("the service does not answer")]
    Connection(#[from] std::io::Error),
    /// An answer that a drill cannot read.
    #[error("{0} is not what it should be")]
    NotUnderstood(&'static str),
    /// Something without which nothing else can be.
    #[error("{path} was refused: {code}")]
    Refused {
        /// Of the API.
        path: String,
        /// The API's word.
        code: String,
    },
    /// A player broke.
    #[error("a player broke")]
    Broken(#[from] tokio::task::JoinError),
}
