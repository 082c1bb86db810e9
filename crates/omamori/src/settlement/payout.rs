//! Payouts: set aside by statements, put into a file for the bank, booked, and what the bank says.
//!
//! ```text
//! set aside ──► in a file (in transit) ──► sent (off the bank account) ──► returned (owed again)
//!                        └► refused by the bank (out of the file, owed again)
//! ```
//! The file and which payouts are in it are one transaction of the registry, so a payout is in one
//! file at most, whoever makes files at the same time. Booking follows, and may be done again.

use jiff::civil::Date;
use omamori_db::{Row, sql};
use omamori_ledger::{Request, Transfer, TransferFlags};
use omamori_zengin as zengin;
use serde_json::{Value, json};

use super::bank_file::{BankFile, Kept};
use super::carry::at;
use super::figures::net;
use super::returned;
use super::waiting::{self, Candidate, Waiting};
use crate::app::App;
use crate::audit::{self, Actor, Entry, MACHINE};
use crate::clock::Micros;
use crate::gate::chart::{AccountCode, LEDGER_JPY, TransferCode};
use crate::gate::{Act, Question};
use crate::id::{Kind, derive};
use crate::merchant::notice::{MerchantNotice, tell};
use crate::value::legs::operator_account;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Transfers in one file; what is left goes into the next.
const FILE_MAX: usize = 5_000;
/// Yen of one file: its trailer has twelve digits.
const TOTAL_MAX: i64 = 999_999_999_999;
/// Payouts that are read at one time.
const PAGE: i64 = 1_000;

/// How the files are kept.
pub(super) const KEPT: Kept = Kept { column: "payout_file.sealed", take: Act::PayoutFileTake };

/// A payout.
#[derive(Clone, Debug)]
pub struct Payout {
    /// `pot_…`.
    pub payout_id: String,
    /// `mer_…`.
    pub merchant_id: String,
    /// The statement's last day.
    pub closing_on: String,
    /// Yen.
    pub yen: i64,
    /// In which file.
    pub file_id: Option<String>,
    /// When the bank took it.
    pub sent_at: Option<Micros>,
    /// When the bank gave it back.
    pub returned_at: Option<Micros>,
}

impl Payout {
    pub(super) fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            payout_id: row.text("payout_id")?,
            merchant_id: row.text("merchant_id")?,
            closing_on: row.text("closing_on")?,
            yen: row.int("yen")?,
            file_id: row.text_optional("file_id")?,
            sent_at: row.int_optional("sent_at")?,
            returned_at: row.int_optional("returned_at")?,
        })
    }

    fn number(&self) -> Result<u128> {
        Kind::Payout.parse(&self.payout_id).ok_or(Error::fault("a payout's id is none"))
    }
}

/// A file for the bank.
#[derive(Clone, Debug)]
pub struct PayoutFile {
    /// `pof_…`.
    pub file_id: String,
    /// How many payouts.
    pub count: i64,
    /// Their sum in yen.
    pub total: i64,
}

/// What came of making a file.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// The file, if there was anything to pay.
    pub file: Option<PayoutFile>,
    /// What waits.
    pub waiting: Vec<(Payout, Waiting)>,
    /// The file is full: what is left goes into another one.
    pub is_full: bool,
}

/// Puts all payouts that can be paid into a file for `pay_on`, and books it. Before that it
/// finishes what an earlier run began. What cannot be paid waits, and holds nothing else up.
///
/// # Errors
/// Payouts are closed; there is no sender in the settings; another run was quicker (busy); a fault.
pub async fn make_file(app: &App, actor: &Actor, pay_on: Date, reason: &str) -> Result<Made> {
    app.gate.open_door(Act::Payout, None, None)?;
    let mut file = BankFile::on(app, pay_on)?;
    finish(app).await?;
    let mut made = Made::default();
    let chosen = choose(app, actor, &mut made, &mut file).await?;
    if chosen.is_empty() {
        return Ok(made);
    }
    made.file = Some(store(app, actor, (pay_on, reason), &chosen, &file.write()?).await?);
    finish(app).await?;
    Ok(made)
}

/// The payouts of the next file: page after page, until it is full or nothing is left.
async fn choose(
    app: &App,
    actor: &Actor,
    made: &mut Made,
    file: &mut BankFile,
) -> Result<Vec<Payout>> {
    let (mut chosen, mut total) = (Vec::new(), 0);
    let mut after = (0, String::new());
    loop {
        let page = waiting::page(app, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(chosen) };
        after = last.place();
        for candidate in page {
            let account = match ready(app, actor, &candidate).await? {
                Ok(found) => found,
                Err(why) => {
                    made.waiting.push((candidate.payout, why));
                    continue;
                }
            };
            let payout = candidate.payout;
            if chosen.len() == FILE_MAX || total + payout.yen > TOTAL_MAX {
                made.is_full = true;
                return Ok(chosen);
            }
            total += payout.yen;
            file.pay(account, payout.yen);
            chosen.push(payout);
        }
    }
}

/// Whether a payout can be paid now, and to which account.
async fn ready(
    app: &App,
    actor: &Actor,
    candidate: &Candidate,
) -> Result<std::result::Result<(zengin::Account, zengin::Kana), Waiting>> {
    let found = match waiting::look(app, candidate) {
        Ok(found) => found,
        Err(why) => return Ok(Err(why)),
    };
    let payout = &candidate.payout;
    let detail = json!({ "actor": actor.id, "payout": payout.payout_id });
    let question = Question {
        terminal: Some(at(&payout.merchant_id)),
        amount: Some(payout.yen),
        ..Question::plain(Act::Payout, &detail)
    };
    match app.gate.decide(question, Ok(())).await {
        Ok(_recorded) => Ok(Ok(found)),
        Err(Error::Refused(Code::FunctionClosed)) => Ok(Err(Waiting::Held)),
        Err(Error::Refused(code)) => {
            tracing::warn!(payout = payout.payout_id, code = code.as_str(), "a payout is refused");
            Ok(Err(Waiting::Refused))
        }
        Err(error) => Err(error),
    }
}

async fn store(
    app: &App,
    actor: &Actor,
    (pay_on, reason): (Date, &str),
    chosen: &[Payout],
    text: &[u8],
) -> Result<PayoutFile> {
    let file_id = Kind::PayoutFile.random_text(app.rng.as_ref());
    let total = chosen.iter().map(|payout| payout.yen).sum();
    let count = i64::try_from(chosen.len()).unwrap_or(i64::MAX);
    let about = json!({ "file": file_id, "pay_on": pay_on.to_string(), "count": count,
        "total": total });
    let clearance = actor.decide(app, Act::PayoutFile, None, &about, Ok(())).await?;
    let sealed = KEPT.sealed(app, &file_id, text);
    let mut tx = app.stores.registry.begin().await?;
    let insert = sql("INSERT INTO payout_file
             (file_id, pay_on, sealed, payout_count, total_yen, made_at)
         VALUES ($1, $2, $3, $4, $5, $6)");
    let insert = insert.bind(&file_id).bind(pay_on.to_string()).bind(sealed);
    tx.execute(insert.bind(count).bind(total).bind(app.clock.now())).await?;
    for (index, payout) in chosen.iter().enumerate() {
        let update = sql("UPDATE payout SET file_id = $1, file_line = $2
             WHERE payout_id = $3 AND file_id IS NULL");
        let line = i64::try_from(index + 1).unwrap_or(i64::MAX);
        let update = update.bind(&file_id).bind(line).bind(&payout.payout_id);
        if tx.execute(update).await? != 1 {
            return Err(Error::RetryAfter(Code::Busy, 1)); // in another file by now
        }
    }
    let entry = Entry {
        actor,
        act: Act::PayoutFile,
        subject: &file_id,
        before: Value::Null,
        after: about,
        reason,
    };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(PayoutFile { file_id, count, total })
}

/// The payouts of a merchant, the newest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn of_merchant(app: &App, merchant_id: &str, limit: i64) -> Result<Vec<Payout>> {
    let query = sql("SELECT p.payout_id, p.merchant_id, s.closing_on, p.yen, p.file_id,
             f.sent_at, p.returned_at
         FROM payout p JOIN settlement s ON s.settlement_id = p.settlement_id
         LEFT JOIN payout_file f ON f.file_id = p.file_id
         WHERE p.merchant_id = $1 ORDER BY s.until_at DESC LIMIT $2");
    let rows = app.stores.registry.all(query.bind(merchant_id).bind(limit)).await?;
    rows.iter().map(Payout::of).collect()
}

/// The payout of a statement, if it has one.
///
/// # Errors
/// A fault if the registry fails.
pub async fn of_statement(app: &App, settlement_id: &str) -> Result<Option<Payout>> {
    let query = sql("SELECT p.payout_id, p.merchant_id, s.closing_on, p.yen, p.file_id,
             f.sent_at, p.returned_at
         FROM payout p JOIN settlement s ON s.settlement_id = p.settlement_id
         LEFT JOIN payout_file f ON f.file_id = p.file_id WHERE p.settlement_id = $1");
    let row = app.stores.registry.optional(query.bind(settlement_id)).await?;
    row.as_ref().map(Payout::of).transpose()
}

/// The payouts that are in files, the newest files first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn newest_in_files(app: &App, limit: i64) -> Result<Vec<Payout>> {
    let query = sql("SELECT p.payout_id, p.merchant_id, s.closing_on, p.yen, p.file_id,
             f.sent_at, p.returned_at
         FROM payout p JOIN settlement s ON s.settlement_id = p.settlement_id
         JOIN payout_file f ON f.file_id = p.file_id
         ORDER BY f.made_at DESC, p.file_id, p.file_line LIMIT $1");
    app.stores.registry.all(query.bind(limit)).await?.iter().map(Payout::of).collect()
}

/// A file for pages.
#[derive(Clone, Debug)]
pub struct FileRow {
    /// `pof_…`.
    pub file_id: String,
    /// The day on which the bank pays.
    pub pay_on: String,
    /// How many payouts.
    pub count: i64,
    /// Their sum in yen.
    pub total: i64,
    /// When it was made.
    pub made_at: Micros,
    /// When the bank took it.
    pub sent_at: Option<Micros>,
}

/// The newest files.
///
/// # Errors
/// A fault if the registry fails.
pub async fn files(app: &App, limit: i64) -> Result<Vec<FileRow>> {
    let query = sql("SELECT file_id, pay_on, payout_count, total_yen, made_at, sent_at
         FROM payout_file ORDER BY made_at DESC, file_id LIMIT $1");
    let mut files = Vec::new();
    for row in app.stores.registry.all(query.bind(limit)).await? {
        files.push(FileRow {
            file_id: row.text("file_id")?,
            pay_on: row.text("pay_on")?,
            count: row.int("payout_count")?,
            total: row.int("total_yen")?,
            made_at: row.int("made_at")?,
            sent_at: row.int_optional("sent_at")?,
        });
    }
    Ok(files)
}

/// What is in transit: by the ledger, and by the files that were booked and not sent, with what was
/// refused of them and is not booked back yet. Anything but equal is a difference that somebody
/// must look at.
///
/// # Errors
/// A fault if the registry fails.
pub async fn transit(app: &App) -> Result<(i64, i64)> {
    let query = sql("SELECT CAST(COALESCE(SUM(yen), 0) AS BIGINT) AS yen FROM
         (SELECT total_yen AS yen FROM payout_file
          WHERE booked_at IS NOT NULL AND sent_booked_at IS NULL
          UNION ALL
          SELECT yen FROM payout
          WHERE is_refused = CAST(1 AS BIGINT) AND return_booked_at IS NULL) AS there");
    let by_files = app.stores.registry.one(query).await?.int("yen")?;
    let account = app.gate.account(operator_account(AccountCode::PayoutTransit).id);
    Ok((account.map_or(0, |account| net(&account)), by_files))
}

async fn of_file(app: &App, file_id: &str) -> Result<Vec<Payout>> {
    let query = sql("SELECT p.payout_id, p.merchant_id, s.closing_on, p.yen, p.file_id,
             f.sent_at, p.returned_at
         FROM payout p JOIN settlement s ON s.settlement_id = p.settlement_id
         JOIN payout_file f ON f.file_id = p.file_id
         WHERE p.file_id = $1 AND p.is_refused = CAST(0 AS BIGINT) ORDER BY p.file_line");
    app.stores.registry.all(query.bind(file_id)).await?.iter().map(Payout::of).collect()
}

/// Books the payouts of all files that are not booked yet, what was sent, and what came back.
async fn finish(app: &App) -> Result<()> {
    returned::book_all(app).await?;
    book_sent(app).await?;
    let query = sql("SELECT file_id FROM payout_file WHERE booked_at IS NULL ORDER BY made_at");
    for row in app.stores.registry.all(query).await? {
        let file_id = row.text("file_id")?;
        for payout in of_file(app, &file_id).await? {
            let set_aside = payout.number()?;
            let post = Transfer {
                id: derive("payout-booked", &[&set_aside.to_be_bytes()]),
                pending_id: set_aside,
                amount: Transfer::AMOUNT_MAX,
                flags: TransferFlags::POST_PENDING_TRANSFER,
                ..Transfer::default()
            };
            book(app, post, &json!({ "payout": payout.payout_id, "file": file_id })).await?;
        }
        let update = sql("UPDATE payout_file SET booked_at = $1
             WHERE file_id = $2 AND booked_at IS NULL");
        app.stores.registry.execute(update.bind(app.clock.now()).bind(&file_id)).await?;
    }
    Ok(())
}

/// Makes a transfer of payouts, once.
pub(super) async fn book(app: &App, transfer: Transfer, detail: &Value) -> Result<()> {
    let accounts = [AccountCode::PayoutTransit, AccountCode::OperatorBank].map(operator_account);
    let request = Request { accounts: accounts.to_vec(), transfers: vec![transfer] };
    let question = Question::plain(Act::PayoutBook, detail);
    app.gate.once(question, request, |_| false).await.map(drop)
}

/// The bytes of a file, for the bank. Whoever takes them is in the audit log. A file that pays a
/// merchant whose payouts are held, by now, is not given out: what is with the bank already is
/// marked as sent all the same ([`sent`]).
///
/// # Errors
/// [`Code::NotFound`]; [`Code::FunctionClosed`]; a fault.
pub async fn contents(app: &App, actor: &Actor, file_id: &str) -> Result<Vec<u8>> {
    let query = sql("SELECT sealed FROM payout_file
         WHERE file_id = $1 AND payout_count > CAST(0 AS BIGINT)");
    let row = app.stores.registry.optional(query.bind(file_id)).await?.ok_or(Code::NotFound)?;
    let held = holds(app, &of_file(app, file_id).await?);
    let opinion = if held { Err(Code::FunctionClosed) } else { Ok(()) };
    KEPT.give_out(app, actor, (file_id, &row.bytes("sealed")?), opinion).await
}

/// Whether the door of payouts is closed for one of these.
fn holds(app: &App, payouts: &[Payout]) -> bool {
    let is_held = |payout: &Payout| {
        app.gate.open_door(Act::Payout, Some(&at(&payout.merchant_id)), None).is_err()
    };
    payouts.iter().any(is_held)
}

/// The bank has taken a file: its sum is off the operator's bank account. Repeating it changes
/// nothing. First it is written down that nothing leaves the file any more, then its sum is booked.
///
/// # Errors
/// [`Code::NotFound`], of one whose payouts were all refused too; busy: one was refused just now; a
/// fault.
pub async fn sent(app: &App, actor: &Actor, file_id: &str, reason: &str) -> Result<()> {
    finish(app).await?;
    let registry = &app.stores.registry;
    let query = sql("SELECT total_yen, sent_at FROM payout_file
         WHERE file_id = $1 AND payout_count > CAST(0 AS BIGINT)");
    let row = registry.optional(query.bind(file_id)).await?.ok_or(Code::NotFound)?;
    if row.int_optional("sent_at")?.is_none() {
        let total = row.int("total_yen")?;
        let about = json!({ "file": file_id, "total": total });
        let clearance = actor.decide(app, Act::PayoutSent, None, &about, Ok(())).await?;
        let paid = of_file(app, file_id).await?;
        let mut tx = registry.begin().await?;
        let update = sql("UPDATE payout_file SET sent_at = $1
             WHERE file_id = $2 AND total_yen = $3 AND booked_at IS NOT NULL AND sent_at IS NULL");
        let update = update.bind(app.clock.now()).bind(file_id).bind(total);
        if tx.execute(update).await? != 1 {
            return Err(Error::RetryAfter(Code::Busy, 1)); // it is another file by now
        }
        for Payout { merchant_id, closing_on, yen, .. } in paid {
            let notice = MerchantNotice::PayoutSent { closing_on, yen };
            tell(app, &mut tx, &merchant_id, MACHINE, &notice).await?;
        }
        let (act, before) = (Act::PayoutSent, Value::Null);
        let entry = Entry { actor, act, subject: file_id, before, after: about, reason };
        audit::commit(app, tx, &clearance, &entry).await?;
    }
    book_sent(app).await
}

/// Books all files that the bank has taken and that are not booked yet.
async fn book_sent(app: &App) -> Result<()> {
    let query = sql("SELECT file_id, total_yen FROM payout_file
         WHERE sent_at IS NOT NULL AND sent_booked_at IS NULL ORDER BY sent_at");
    for row in app.stores.registry.all(query).await? {
        let (file_id, total) = (row.text("file_id")?, row.int("total_yen")?);
        let transfer = Transfer {
            id: derive("payout-file-sent", &[file_id.as_bytes()]),
            debit_account_id: operator_account(AccountCode::PayoutTransit).id,
            credit_account_id: operator_account(AccountCode::OperatorBank).id,
            amount: total.unsigned_abs(),
            ledger: LEDGER_JPY,
            code: TransferCode::PayoutSent.number(),
            ..Transfer::default()
        };
        book(app, transfer, &json!({ "file": file_id, "total": total })).await?;
        let update = sql("UPDATE payout_file SET sent_booked_at = $1
             WHERE file_id = $2 AND sent_booked_at IS NULL");
        app.stores.registry.execute(update.bind(app.clock.now()).bind(&file_id)).await?;
    }
    Ok(())
}
