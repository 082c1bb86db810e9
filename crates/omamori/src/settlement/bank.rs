//! To which account a merchant is paid. Sealed at rest; shown by its last digits. A change is in
//! the audit log, is told to the merchant's servers and shown to all its people, and nothing is
//! paid to the new account for some days, unless finance has asked the merchant and approves it.

use omamori_db::{Row, Tx, sql};
use omamori_zengin::{Account, AccountKind, AccountNumber, BankCode, BranchCode, Kana, Office};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::terms::exists;
use crate::app::App;
use crate::audit::{self, Actor, Entry, MACHINE};
use crate::clock::{DAY, Micros};
use crate::gate::Act;
use crate::merchant::notice::{self, MerchantNotice};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;
use crate::webhook::event::{Event, EventKind, publish};

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

    /// The end of its number, to be shown.
    pub(crate) fn last_digits(&self) -> &str {
        self.number.get(4..).unwrap_or_default()
    }
}

fn place(merchant_id: &str) -> String {
    format!("payout_account.sealed/{merchant_id}")
}

/// Changes the account of a merchant, at the operator's word.
///
/// # Errors
/// A field that is wrong; no such merchant; a fault.
pub async fn set(app: &App, actor: &Actor, merchant_id: &str, bank: &Bank) -> Result<Micros> {
    set_as(app, actor, merchant_id, bank, Ok(())).await
}

/// Changes the account of a merchant. `proved` is whether whoever wants it has shown that they may.
/// All who listen to the merchant's webhooks are told with it.
///
/// # Errors
/// A field that is wrong; no such merchant; the refusal of `proved`; a fault.
pub async fn set_as(
    app: &App,
    actor: &Actor,
    merchant_id: &str,
    bank: &Bank,
    proved: Result<(), Code>,
) -> Result<Micros> {
    bank.account()?;
    exists(app, merchant_id).await?;
    let before = shown(app, merchant_id).await?;
    let now = app.clock.now();
    let usable_at = now + app.config.settlement.account_wait_days * DAY;
    let about = json!({ "merchant": merchant_id, "last_digits": bank.last_digits() });
    let clearance = actor.decide(app, Act::PayoutAccountChange, None, &about, proved).await?;
    let plain = serde_json::to_vec(bank)?;
    let sealed = app.vault.seal(app.rng.as_ref(), &place(merchant_id), &plain);
    let mut tx = app.stores.registry.begin().await?;
    let upsert = sql("INSERT INTO payout_account
             (merchant_id, sealed, last_digits, changed_at, usable_at, changed_by)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (merchant_id) DO UPDATE
         SET previous_sealed = CASE WHEN payout_account.usable_at <= excluded.changed_at
                 THEN payout_account.sealed ELSE payout_account.previous_sealed END,
             previous_digits = CASE WHEN payout_account.usable_at <= excluded.changed_at
                 THEN payout_account.last_digits ELSE payout_account.previous_digits END,
             sealed = excluded.sealed, last_digits = excluded.last_digits,
             changed_at = excluded.changed_at, usable_at = excluded.usable_at,
             changed_by = excluded.changed_by, approved_by = NULL");
    let upsert = upsert.bind(merchant_id).bind(sealed).bind(bank.last_digits());
    tx.execute(upsert.bind(now).bind(usable_at).bind(&actor.id)).await?;
    tell(app, &mut tx, merchant_id, bank.last_digits(), (now, usable_at)).await?;
    let last_digits = bank.last_digits().to_owned();
    let notice = MerchantNotice::PayoutAccountChanged { last_digits, usable_at };
    notice::tell(app, &mut tx, merchant_id, &actor.id, &notice).await?;
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

/// Tells the merchant's servers, in the transaction of the change.
async fn tell(
    app: &App,
    tx: &mut Tx,
    merchant_id: &str,
    last_digits: &str,
    (at, usable_at): (Micros, Micros),
) -> Result<()> {
    let data = json!({ "last_digits": last_digits, "usable_at": rfc3339(usable_at) });
    let event = Event {
        kind: EventKind::PayoutAccountChanged,
        of: format!("{merchant_id}/{at}"),
        merchant_id: merchant_id.to_owned(),
        at,
        data,
    };
    publish(app, tx, &event).await
}

/// A changed account that is not paid to yet.
#[derive(Clone, Debug)]
pub struct Pending {
    /// `mer_…`.
    pub merchant_id: String,
    /// Its name.
    pub merchant_name: String,
    /// Its new account.
    pub account: Shown,
    /// The end of the number before, if payouts went there.
    pub previous_digits: Option<String>,
    /// Who changed it.
    pub changed_by: String,
}

/// The changed accounts that are not paid to yet, the oldest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn pending(app: &App, limit: i64) -> Result<Vec<Pending>> {
    let query = sql("SELECT a.merchant_id, m.name, a.last_digits, a.changed_at, a.usable_at,
             a.previous_digits, a.changed_by
         FROM payout_account a JOIN merchant m ON m.merchant_id = a.merchant_id
         WHERE a.usable_at > $1 ORDER BY a.changed_at, a.merchant_id LIMIT $2");
    let query = query.bind(app.clock.now()).bind(limit);
    let mut found = Vec::new();
    for row in app.stores.registry.all(query).await? {
        found.push(Pending {
            merchant_id: row.text("merchant_id")?,
            merchant_name: row.text("name")?,
            account: shown_of(&row)?,
            previous_digits: row.text_optional("previous_digits")?,
            changed_by: row.text_optional("changed_by")?.unwrap_or_default(),
        });
    }
    Ok(found)
}

/// A change of a merchant's account, as finance looked at it: whose, and when it was made. A change
/// that came after is another one.
pub type Change<'a> = (&'a str, Micros);

/// The account of a change that still waits.
///
/// # Errors
/// [`Code::NotFound`]: no such change waits; a fault.
pub async fn waits(app: &App, (merchant_id, changed_at): Change<'_>) -> Result<Shown> {
    let shown = shown(app, merchant_id).await?;
    let waits = |shown: &Shown| shown.changed_at == changed_at && shown.usable_at > app.clock.now();
    Ok(shown.filter(waits).ok_or(Code::NotFound)?)
}

/// Lets a changed account be paid to before its time, in the transaction of the two who asked the
/// merchant at a number known before. `by` is the second of them.
///
/// # Errors
/// [`Code::NotFound`]: no such change waits; a fault.
pub async fn approve_in(
    app: &App,
    tx: &mut Tx,
    (merchant_id, changed_at): Change<'_>,
    last_digits: &str,
    by: &str,
) -> Result<()> {
    let update = sql("UPDATE payout_account SET usable_at = $1, approved_by = $2
         WHERE merchant_id = $3 AND changed_at = $4 AND usable_at > $1 AND last_digits = $5");
    let update = update.bind(app.clock.now()).bind(by).bind(merchant_id).bind(changed_at);
    if tx.execute(update.bind(last_digits)).await? != 1 {
        return Err(Code::NotFound.into());
    }
    let last_digits = last_digits.to_owned();
    let notice = MerchantNotice::PayoutAccountApproved { last_digits };
    notice::tell(app, tx, merchant_id, MACHINE, &notice).await
}

/// Takes a changed account back: payouts go where they went before, or nowhere until there is
/// another account. One person may: nothing is paid by it.
///
/// # Errors
/// [`Code::NotFound`]: no such change waits; a fault.
pub async fn refuse(app: &App, actor: &Actor, change: Change<'_>, reason: &str) -> Result<()> {
    let (merchant_id, changed_at) = change;
    let (act, now) = (Act::PayoutAccountRefuse, app.clock.now());
    let about = json!({ "merchant": merchant_id, "changed_at": rfc3339(changed_at) });
    let clearance = actor.decide(app, act, None, &about, Ok(())).await?;
    let before = shown(app, merchant_id).await?;
    let mut tx = app.stores.registry.begin().await?;
    if refuse_in(&mut tx, change, now).await? != 1 {
        return Err(Code::NotFound.into());
    }
    let last_digits = before.as_ref().map(|shown| shown.last_digits.clone()).unwrap_or_default();
    let notice = MerchantNotice::PayoutAccountRefused { last_digits };
    notice::tell(app, &mut tx, merchant_id, MACHINE, &notice).await?;
    let digits = |shown: &Shown| json!({ "last_digits": shown.last_digits });
    let before = before.as_ref().map_or(Value::Null, digits);
    let entry = Entry { actor, act, subject: merchant_id, before, after: about, reason };
    audit::commit(app, tx, &clearance, &entry).await
}

async fn refuse_in(tx: &mut Tx, (merchant_id, at): (&str, Micros), now: Micros) -> Result<u64> {
    let back = sql("UPDATE payout_account
         SET sealed = previous_sealed, last_digits = previous_digits, changed_at = $1,
             usable_at = $1, previous_sealed = NULL, previous_digits = NULL
         WHERE merchant_id = $2 AND changed_at = $3 AND usable_at > $1
           AND previous_sealed IS NOT NULL");
    let back = back.bind(now).bind(merchant_id).bind(at);
    let away = sql("DELETE FROM payout_account
         WHERE merchant_id = $1 AND changed_at = $2 AND usable_at > $3
           AND previous_sealed IS NULL");
    let away = away.bind(merchant_id).bind(at).bind(now);
    // One of them, never both: what is put back can be paid to at once.
    Ok(tx.execute(away).await? + tx.execute(back).await?)
}

/// What may be shown of a merchant's account, if there is one.
///
/// # Errors
/// A fault if the registry fails.
pub async fn shown(app: &App, merchant_id: &str) -> Result<Option<Shown>> {
    let query = sql("SELECT last_digits, changed_at, usable_at FROM payout_account
         WHERE merchant_id = $1");
    let row = app.stores.registry.optional(query.bind(merchant_id)).await?;
    row.as_ref().map(shown_of).transpose()
}

fn shown_of(row: &Row) -> Result<Shown> {
    Ok(Shown {
        last_digits: row.text("last_digits")?,
        changed_at: row.int("changed_at")?,
        usable_at: row.int("usable_at")?,
    })
}

/// An account out of its row.
///
/// # Errors
/// A fault if it does not open, or no bank would take what is in it.
pub(super) fn opened(app: &App, merchant_id: &str, sealed: &[u8]) -> Result<(Account, Kana)> {
    let opened = app.vault.open(&place(merchant_id), sealed)?;
    let bank: Bank = serde_json::from_slice(&opened)?;
    bank.account()
}
