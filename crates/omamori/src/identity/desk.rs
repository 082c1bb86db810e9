//! What the operator's desk asks of identity: how an account stands, and whose a phone is.

use omamori_db::{Db, Tx, sql};
use omamori_paycode::code::DeviceNumber;

use super::account::{self, Account};
use super::{recover, recovery};
use crate::app::App;
use crate::clock::Micros;
use crate::notify::{Notice, tell};
use crate::web::error::Result;

/// A passkey, as it is listed.
pub struct ListedPasskey {
    /// The phone it was made on.
    pub name: String,
    /// Since when.
    pub created_at: Micros,
    /// Kept to the nearest minutes.
    pub last_used_at: Micros,
}

/// How an account stands, and by what its holder is known.
pub struct Overview {
    /// The account itself.
    pub account: Account,
    /// `active`, `frozen` or `closed`.
    pub status: String,
    /// Who stopped it, if it is stopped: `customer`, `staff` or `undo`.
    pub stopped_by: Option<String>,
    /// Failed sign-ins in a row.
    pub signin_failures: i64,
    /// Until when sign-in is locked, if it is.
    pub signin_locked_until: Option<Micros>,
    /// The oldest first.
    pub passkeys: Vec<ListedPasskey>,
    /// Whether there is a password.
    pub has_password: bool,
    /// Whether there are one-time codes.
    pub has_totp: bool,
    /// Recovery codes that were not used.
    pub recovery_codes: i64,
    /// When a recovery under way can be finished.
    pub recovery_ready_at: Option<Micros>,
}

/// The overview of a customer, if there is one with this id.
///
/// # Errors
/// A fault if the registry fails.
pub async fn overview(registry: &Db, customer_id: &str, now: Micros) -> Result<Option<Overview>> {
    let query = sql("SELECT status, stopped_by, signin_failures, signin_locked_until,
                (SELECT CAST(COUNT(*) AS BIGINT) FROM password p
                 WHERE p.customer_id = $1) AS passwords,
                (SELECT CAST(COUNT(*) AS BIGINT) FROM totp t
                 WHERE t.customer_id = $1) AS totps
         FROM customer WHERE customer_id = $1");
    let Some(row) = registry.optional(query.bind(customer_id)).await? else { return Ok(None) };
    let locked_until = row.int("signin_locked_until")?;
    Ok(Some(Overview {
        account: account::find(registry, customer_id).await?,
        status: row.text("status")?,
        stopped_by: row.text_optional("stopped_by")?,
        signin_failures: row.int("signin_failures")?,
        signin_locked_until: (locked_until > now).then_some(locked_until),
        passkeys: passkeys(registry, customer_id).await?,
        has_password: row.int("passwords")? > 0,
        has_totp: row.int("totps")? > 0,
        recovery_codes: recovery::count_left(registry, customer_id).await?,
        recovery_ready_at: recover::ready_at(registry, customer_id, now).await?,
    }))
}

async fn passkeys(registry: &Db, customer_id: &str) -> Result<Vec<ListedPasskey>> {
    let query = sql("SELECT name, created_at, last_used_at FROM passkey
         WHERE customer_id = $1 ORDER BY created_at");
    let mut passkeys = Vec::new();
    for row in registry.all(query.bind(customer_id)).await? {
        passkeys.push(ListedPasskey {
            name: row.text("name")?,
            created_at: row.int("created_at")?,
            last_used_at: row.int("last_used_at")?,
        });
    }
    Ok(passkeys)
}

/// Whose phone has this number, paying or not.
///
/// # Errors
/// A fault if the registry fails.
pub async fn holder_of_device(registry: &Db, number: DeviceNumber) -> Result<Option<String>> {
    let query = sql("SELECT customer_id FROM device WHERE device_number = $1");
    let row = registry.optional(query.bind(i64::from(number.get()))).await?;
    Ok(row.map(|row| row.text("customer_id")).transpose()?)
}

/// The number that a phone has in its codes.
///
/// # Errors
/// A fault if the registry fails.
pub async fn number_of_device(registry: &Db, device_id: &str) -> Result<Option<DeviceNumber>> {
    let query = sql("SELECT device_number FROM device WHERE device_id = $1");
    let row = registry.optional(query.bind(device_id)).await?;
    let number = row.map(|row| row.int("device_number")).transpose()?;
    Ok(number.and_then(|number| DeviceNumber::new(u32::try_from(number).ok()?)))
}

/// Ends all sessions of a customer, on every phone, and tells the customer. Returns how many.
///
/// # Errors
/// A fault if the registry fails.
pub async fn end_sessions(app: &App, tx: &mut Tx, customer_id: &str) -> Result<u64> {
    let delete = sql("DELETE FROM session WHERE customer_id = $1").bind(customer_id);
    let ended = tx.execute(delete).await?;
    tell(app, tx, customer_id, &Notice::SessionsEnded {}).await?;
    Ok(ended)
}

/// No phone of a customer is bound any more, no move can be undone and no recovery goes on: who
/// holds a factor binds a phone anew. [`super::standing::forget`] follows the commit.
///
/// # Errors
/// A fault if the registry fails.
pub async fn unbind(app: &App, tx: &mut Tx, customer_id: &str) -> Result<()> {
    super::devices::note(app, tx, customer_id).await?;
    let devices = sql("UPDATE device SET state = 'ended', ended_at = COALESCE(ended_at, $1)
         WHERE customer_id = $2 AND state IN ('active', 'replaced')");
    tx.execute(devices.bind(app.clock.now()).bind(customer_id)).await?;
    let moves = sql("UPDATE device_move SET state = 'settled'
         WHERE customer_id = $1 AND state IN ('code_sent', 'done')");
    tx.execute(moves.bind(customer_id)).await?;
    recover::cancel_all(app, tx, customer_id).await?;
    tell(app, tx, customer_id, &Notice::PhonesUnbound {}).await
}

/// Passkeys, password, app and accounts elsewhere are no factors any more: the way back in is a
/// recovery, which makes new ones. (There is no account that is used without two factors: this one
/// is not used until then.)
///
/// # Errors
/// A fault if the registry fails.
pub async fn forget_factors(app: &App, tx: &mut Tx, customer_id: &str) -> Result<()> {
    for delete in [
        sql("DELETE FROM passkey WHERE customer_id = $1"),
        sql("DELETE FROM password WHERE customer_id = $1"),
        sql("DELETE FROM totp WHERE customer_id = $1"),
        sql("DELETE FROM external_identity WHERE customer_id = $1"),
        sql("DELETE FROM session WHERE customer_id = $1"),
    ] {
        tx.execute(delete.bind(customer_id)).await?;
    }
    tell(app, tx, customer_id, &Notice::FactorsForgotten {}).await
}

/// One attack by a list of passwords.
pub struct Wave {
    /// `atk_…`.
    pub wave_id: String,
    /// When it began.
    pub opened_at: Micros,
    /// When it was last heard of.
    pub last_seen_at: Micros,
    /// Whether it goes on.
    pub is_open: bool,
    /// Wrong sign-ins.
    pub failures: i64,
    /// Requests refused before they were looked at.
    pub turned_away: i64,
    /// Different accounts that were tried, at least.
    pub accounts: i64,
}

/// Attacks since an instant, the newest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn waves(registry: &Db, since: Micros) -> Result<Vec<Wave>> {
    let query = sql("SELECT wave_id, opened_at, last_seen_at, closed_at, failures, turned_away,
                accounts
         FROM attack_wave WHERE opened_at > $1 ORDER BY opened_at DESC LIMIT 10");
    let mut waves = Vec::new();
    for row in registry.all(query.bind(since)).await? {
        waves.push(Wave {
            wave_id: row.text("wave_id")?,
            opened_at: row.int("opened_at")?,
            last_seen_at: row.int("last_seen_at")?,
            is_open: row.int_optional("closed_at")?.is_none(),
            failures: row.int("failures")?,
            turned_away: row.int("turned_away")?,
            accounts: row.int("accounts")?,
        });
    }
    Ok(waves)
}
