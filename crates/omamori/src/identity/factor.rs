//! A new factor of a customer, at sign-up and at the end of a recovery.

use omamori_db::Tx;
use webauthn_rs::prelude::Passkey;

use super::binding::taken;
use super::session::Strength;
use super::{external, passkeys_of, password, totp};
use crate::app::App;
use crate::clock::Micros;
use crate::web::error::Result;

/// What will prove that it is them, beside the phone.
pub(in crate::identity) enum Factor {
    /// The default.
    Passkey(Box<Passkey>),
    /// Both at once; there is no account with one of them.
    Password { hash: String, totp: totp::Verified },
    /// The same with an account elsewhere in the place of the password.
    External { provider: String, identity: [u8; 32], totp: totp::Verified },
}

impl Factor {
    pub(super) const fn strength(&self) -> Strength {
        match self {
            Self::Passkey(_) => Strength::Passkey,
            Self::Password { .. } => Strength::Password,
            Self::External { .. } => Strength::External,
        }
    }

    /// Keeps it, made on the phone `name`; a password and an app take the place of those before.
    pub(super) async fn keep(
        &self,
        app: &App,
        tx: &mut Tx,
        customer_id: &str,
        name: &str,
        now: Micros,
    ) -> Result<()> {
        match self {
            Self::Passkey(passkey) => {
                passkeys_of::insert(tx, customer_id, passkey, name, now).await.map_err(taken)
            }
            Self::Password { hash, totp } => {
                password::set(tx, customer_id, hash, now).await?;
                totp::set(app, tx, customer_id, totp, now).await
            }
            Self::External { provider, identity, totp } => {
                let bound = (&**provider, *identity);
                external::insert(tx, customer_id, bound, now).await.map_err(taken)?;
                totp::set(app, tx, customer_id, totp, now).await
            }
        }
    }
}
