//! Support-assisted recovery: a ticket for somebody who has neither phone nor recovery codes.
//!
//! Two of the staff agree on it in the console, after they have made sure who is asking. The ticket
//! is one more recovery code: whoever has it still needs the SMS to a verified number, and then
//! waits the day in which every channel is told and any phone of the account can cancel.

use omamori_db::Tx;

use crate::app::App;
use crate::identity::recovery;
use crate::web::error::Result;

/// Makes a ticket in the transaction of the act that two people approved. Codes of before go on
/// working.
///
/// # Errors
/// A fault if the registry fails.
pub async fn assisted(app: &App, tx: &mut Tx, customer_id: &str) -> Result<String> {
    recovery::add(tx, app.rng.as_ref(), customer_id, app.clock.now()).await
}
