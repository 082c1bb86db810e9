//! External sign-in: an account elsewhere, by OpenID Connect, in the place of the **password** and
//! of nothing else. The authenticator app's code and the bound phone are asked for as ever.
//!
//! 7pay took whatever id an app sent for the person it named. Here nobody sends an id: the browser
//! goes to the issuer and comes back with a code, this server gives the code for a signed token
//! and checks it (`token`, `keys`), and who it is to the issuer is `(iss, sub)`, kept as a keyed
//! hash. Never an e-mail address: those are given to others, and some issuers do not check them.
//!
//! One file a step: `begin` → the issuer → `callback` → `signin`, `signup` or `link`. What always
//! holds: a trip belongs to one browser and one purpose, and is used once (`flow`); an issuer's
//! documents lead nowhere inside (`reach`); when an issuer is down, passkeys and passwords are not.
//!
//! The flow is our own, on ring for signatures, both of which other parts bring anyway. The crate
//! `openidconnect` would have added some fifty others, among them a second generation of hashes
//! and an RSA that is used for nothing else.

pub(super) mod begin;
pub(super) mod callback;
mod flow;
mod keys;
pub(super) mod link;
mod provider;
pub(crate) mod reach;
pub mod sandbox;
pub(super) mod settings;
pub(super) mod signin;
pub(super) mod signup;
mod token;

use hmac::Mac;
use omamori_db::{Db, Tx, sql};

pub use link::{Linkable, linkable};
pub use settings::{ExternalSignIn, Name};

use crate::app::App;
use crate::clock::Micros;
use crate::notify::fill;
use crate::secret::hmac_sha256;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::text::Text;
use provider::Provider;

/// The issuers of the settings.
pub(super) struct External(Vec<Provider>);

/// A way in that a page offers.
pub struct Button {
    /// The id in the settings.
    pub id: String,
    /// In the page's language, with the name that customers know.
    pub label: String,
}

impl External {
    pub fn new(settings: &[ExternalSignIn]) -> Self {
        Self(settings.iter().cloned().map(Provider::new).collect())
    }

    /// The ways in that are open.
    pub fn offered(&self, text: Text) -> Vec<Button> {
        let button = |settings: &ExternalSignIn| {
            let name = settings.name.of(text.lang).to_owned();
            let label = fill(text.t("external.with"), &[("name", name)]);
            Button { id: settings.id.clone(), label }
        };
        self.opened().map(button).collect()
    }

    fn find(&self, id: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.settings.id == id)
    }

    /// The issuer with this id, if this way in is open.
    fn open(&self, id: &str) -> Result<&Provider, Code> {
        let provider = self.find(id).ok_or(Code::NotFound)?;
        if provider.settings.enabled { Ok(provider) } else { Err(Code::FunctionClosed) }
    }

    /// The issuers that are open.
    fn opened(&self) -> impl Iterator<Item = &ExternalSignIn> {
        self.0.iter().map(|provider| &provider.settings).filter(|settings| settings.enabled)
    }

    /// What customers call an issuer; its id if it left the settings.
    fn name(&self, id: &str, text: Text) -> String {
        let known = self.find(id).map(|provider| provider.settings.name.of(text.lang));
        known.unwrap_or(id).to_owned()
    }
}

/// The name under which a person at an issuer is kept. The parts are told apart by their lengths.
fn identity_hash(app: &App, issuer: &str, subject: &str) -> [u8; 32] {
    let key = app.vault.derive("omamori external identity v1");
    let mut mac = hmac_sha256(key.as_slice());
    for part in [issuer, subject] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().into()
}

/// Binds an identity to a customer.
///
/// # Errors
/// A unique violation as a fault: it is bound, or the customer has another one of that issuer.
pub(super) async fn insert(
    tx: &mut Tx,
    customer_id: &str,
    (provider, identity): (&str, [u8; 32]),
    now: Micros,
) -> Result<()> {
    let insert =
        sql("INSERT INTO external_identity (identity_hash, customer_id, provider, linked_at)
         VALUES ($1, $2, $3, $4)");
    tx.execute(insert.bind(identity).bind(customer_id).bind(provider).bind(now)).await?;
    Ok(())
}

/// Whether the customer has an authenticator app, without which there is no external sign-in.
async fn has_totp(registry: &Db, customer_id: &str) -> Result<bool> {
    let query = sql("SELECT customer_id FROM totp WHERE customer_id = $1");
    Ok(registry.optional(query.bind(customer_id)).await?.is_some())
}
