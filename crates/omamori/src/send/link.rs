//! A link that carries the right to take, and the passcode that is told beside it.
//!
//! The token stands in the fragment of the address: browsers send that to nobody, so it is in no
//! log of ours or of a proxy. Token and passcode are derived from the master key and the send's id;
//! the table holds the token's hash, and of the passcode nothing.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omamori_db::{Db, sql};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::create::SendAnswer;
use super::row::{self, Send};
use super::transfers::{self, Known, State as Became, Why};
use super::view::view;
use super::{give_back, take as taking};
use crate::app::App;
use crate::identity::{Customer, account};
use crate::secret::{constant_time_eq, token_hash};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

/// Passcodes that may be tried.
const TRIES_MAX: i64 = 5;
/// Bytes of a token: nobody finds one.
const TOKEN_BYTES: usize = 20;

/// The two halves of a link's secret.
pub struct Secrets {
    token: String,
    passcode: String,
}

impl Secrets {
    /// Those of a send.
    #[must_use]
    pub fn of(app: &App, send_id: &str) -> Self {
        let bytes: Zeroizing<[u8; 32]> = app.vault.derive(&format!("send.link/{send_id}"));
        let (token, rest) = bytes.split_at(TOKEN_BYTES);
        let number = rest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        Self {
            token: URL_SAFE_NO_PAD.encode(token),
            // 2^64 is so much more than 10^6 that no passcode is noticeably likelier.
            passcode: format!("{:06}", number % 1_000_000),
        }
    }

    /// Stands in the link.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Six digits, told apart from the link.
    #[must_use]
    pub fn passcode(&self) -> &str {
        &self.passcode
    }

    /// The link. What is after `#` stays in the browser.
    #[must_use]
    pub fn address(&self, app: &App) -> String {
        format!("{}/receive#link={}", app.config.public_url, self.token)
    }
}

/// What the holder of a link knows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presented {
    token: String,
    passcode: String,
}

/// `POST /api/wallet/v1/send-links/look`: what is in it.
pub async fn look(
    State(app): State<Arc<App>>,
    customer: Customer,
    Json(presented): Json<Presented>,
) -> Result<Answer<SendAnswer>> {
    let (row, known) = open(&app, &presented).await?;
    let send = view(&app, &row, &known, &customer.customer_id).await?;
    Ok(Answer(SendAnswer { send }))
}

/// `POST /api/wallet/v1/send-links/take`: takes it. A retry gets the same answer.
pub async fn take(
    State(app): State<Arc<App>>,
    customer: Customer,
    Json(presented): Json<Presented>,
) -> Result<Answer<SendAnswer>> {
    let (row, known) = open(&app, &presented).await?;
    let account = account::find(&app.stores.registry, &customer.customer_id).await?;
    let known = taking::taken(&app, &account, Some(&customer.device_id), &row, known).await?;
    let send = view(&app, &row, &known, &customer.customer_id).await?;
    Ok(Answer(SendAnswer { send }))
}

/// The send of a link, for who knows the passcode too. Each try is counted before it is looked at,
/// so that tries at once are no more than tries in a row; a right one is not held against anybody.
async fn open(app: &App, presented: &Presented) -> Result<(Send, Known)> {
    let registry = &app.stores.registry;
    let hash = token_hash(&presented.token);
    let may_try = count(registry, hash).await?;
    let row = row::find_by_link(registry, hash).await?.ok_or(Code::LinkWrong)?;
    let secrets = Secrets::of(app, &row.send_id);
    let right = constant_time_eq(secrets.passcode().as_bytes(), presented.passcode.as_bytes());
    let known = transfers::known(app, row.transfer_id()).await?.ok_or(Code::LinkWrong)?;
    if may_try && right {
        let uncount = sql("UPDATE send SET link_tries = link_tries - 1 WHERE link_hash = $1");
        registry.execute(uncount.bind(hash)).await?;
        return Ok((row, known));
    }
    if matches!(known.state, Became::Waiting { .. }) && is_used_up(registry, hash).await? {
        match give_back::returned(app, None, &row, known, Why::Passcode).await {
            Ok(_) | Err(Error::Refused(_)) => {} // taken just now, by who knew the passcode
            Err(fault) => return Err(fault),
        }
    }
    Err(Code::LinkWrong.into())
}

/// Counts a try; false if there were too many.
async fn count(registry: &Db, hash: [u8; 32]) -> Result<bool> {
    let count = sql("UPDATE send SET link_tries = link_tries + 1
         WHERE link_hash = $1 AND link_tries < $2");
    Ok(registry.execute(count.bind(hash).bind(TRIES_MAX)).await? == 1)
}

async fn is_used_up(registry: &Db, hash: [u8; 32]) -> Result<bool> {
    let query = sql("SELECT link_tries FROM send WHERE link_hash = $1");
    Ok(registry.one(query.bind(hash)).await?.int("link_tries")? >= TRIES_MAX)
}
