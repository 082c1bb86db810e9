//! To which account a merchant is paid. Sealed at rest; shown by its last digits. A change is in
//! the audit log and nothing is paid to the new account for some days, in which the merchant sees
//! it on every page of its settlements.

use omamori_db::sql;
use omamori_zengin::{Account, AccountKind, AccountNumber, BankCode, BranchCode, Kana, Office};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::terms::exists;
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::{DAY, Micros};
use crate::gate::Act;
use crate::web::error::{Error, Result};

/// An account as somebody types it and as it is sealed.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bank {
    /// Four digits.
    pub bank: String,
    /// In kana; may be empty.
    #[serde(default)]
    pub bank_name: String,
    /// Three digits.
    pub branch: String,
    /// In kana; may be empty.
    #[serde(default)]
    pub branch_name: String,
    /// `1` ordinary, `2` current, `4` savings, `9` other.
    pub kind: String,
    /// Seven digits.
    pub number: String,
    /// The holder, in kana.
    pub holder: String,
}

/// What may be shown of it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The end of its number.
    pub last_digits: String,
    /// When it was changed last.
    pub changed_at: Micros,
    /// When the first yen may be paid to it.
    pub usable_at: Micros,
}

impl Bank {
    /// As the file to the bank has it: account and holder.
    ///
    /// # Errors
    /// The field that is wrong; for a character that no bank takes, the code says so.
    pub fn account(&self) -> Result<(Account, Kana)> {
        let digits = |field: &'static str| move |_| Error::field(field, "malformed");
        let name = |field: &'static str, text: &str, min: usize, max: usize| {
            let kana = Kana::convert(text).map_err(|_| Error::field(field, "malformed"))?;
            if (min..=max).contains(&kana.width()) {
                Ok(kana)
            } else {
                Err(Error::field(field, "out_of_range"))
            }
        };
        let kind = match self.kind.as_bytes() {
            [digit] => AccountKind::of(*digit),
            _ => None,
        };
        let office = Office {
            bank: BankCode::parse(&self.bank).map_err(digits("bank"))?,
            bank_name: name("bank_name", &self.bank_name, 0, 15)?,
            branch: BranchCode::parse(&self.branch).map_err(digits("branch"))?,
            branch_name: name("branch_name", &self.branch_name, 0, 15)?,
        };
        let kind = kind.ok_or_else(|| Error::field("kind", "out_of_range"))?;
        let number = AccountNumber::parse(&self.number).map_err(digits("number"))?;
        Ok((Account { office, kind, number }, name("holder", &self.holder, 1, 30)?))
    }

    fn last_digits(&self) -> &str {
        self.number.get(4..).unwrap_or_default()
    }
}

fn place(merchant_id: &str) -> String {
    format!("payout_account.sealed/{merchant_id}")
}

/// Changes the account of a merchant.
///
/// # Errors
/// A field that is wrong; no such merchant; a fault.
pub async fn set(app: &App, actor: &Actor, merchant_id: &str, bank: &Bank) -> Result<Micros> {
    bank.account()?;
    exists(app, merchant_id).await?;
    let before = shown(app, merchant_id).await?;
    let now = app.clock.now();
    let usable_at = now + app.config.settlement.account_wait_days * DAY;
    let about = json!({ "merchant": merchant_id, "last_digits": bank.last_digits() });
    let clearance = actor.decide(app, Act::PayoutAccountChange, None, &about, Ok(())).await?;
    let plain = serde_json::to_vec(bank)?;
    let sealed = app.vault.seal(app.rng.as_ref(), &place(merchant_id), &plain);
    let mut tx = app.stores.registry.begin().await?;
    let upsert = sql("INSERT INTO payout_account
             (merchant_id, sealed, last_digits, changed_at, usable_at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (merchant_id) DO UPDATE
         SET sealed = excluded.sealed, last_digits = excluded.last_digits,
             changed_at = excluded.changed_at, usable_at = excluded.usable_at");
    let upsert = upsert.bind(merchant_id).bind(sealed).bind(bank.last_digits());
    tx.execute(upsert.bind(now).bind(usable_at)).await?;
    let entry = Entry {
        actor,
        act: Act::PayoutAccountChange,
        subject: merchant_id,
        before: before.map_or(Value::Null, |shown| json!({ "last_digits": shown.last_digits })),
        after: json!({ "last_digits": bank.last_digits() }),
        reason: "",
    };
    audit::commit(app, tx, &clearance, &entry).await?;
    tracing::warn!(merchant_id, "the account to which a merchant is paid was changed");
    Ok(usable_at)
}

/// What may be shown of a merchant's account, if there is one.
///
/// # Errors
/// A fault if the registry fails.
pub async fn shown(app: &App, merchant_id: &str) -> Result<Option<Shown>> {
    let query = sql("SELECT last_digits, changed_at, usable_at FROM payout_account
         WHERE merchant_id = $1");
    let row = app.stores.registry.optional(query.bind(merchant_id)).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Shown {
        last_digits: row.text("last_digits")?,
        changed_at: row.int("changed_at")?,
        usable_at: row.int("usable_at")?,
    }))
}

/// The account to which a merchant is paid now: none if there is none, or it is too new.
///
/// # Errors
/// A fault if the registry fails or the sealed account does not open.
pub(super) async fn usable(app: &App, merchant_id: &str) -> Result<Option<(Account, Kana)>> {
    let query = sql("SELECT sealed FROM payout_account
         WHERE merchant_id = $1 AND usable_at <= $2");
    let query = query.bind(merchant_id).bind(app.clock.now());
    let Some(row) = app.stores.registry.optional(query).await? else { return Ok(None) };
    let opened = app.vault.open(&place(merchant_id), &row.bytes("sealed")?);
    let opened = opened.map_err(|_| Error::fault("an account for payouts does not open"))?;
    let bank: Bank = serde_json::from_slice(&opened)?;
    bank.account().map(Some)
}
