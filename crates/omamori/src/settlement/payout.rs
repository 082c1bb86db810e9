//! Payouts: set aside by statements, put into a file for the bank, booked, and what the bank says.
//!
//! ```text
//! set aside ──► in a file (in transit) ──► sent (off the bank account) ──► returned (owed again)
//! ```
//! The file and which payouts are in it are one transaction of the registry, so a payout is in one
//! file at most, whoever makes files at the same time. Booking follows, and may be done again.

use jiff::civil::Date;
use omamori_db::{Row, sql};
use omamori_ledger::{Request, Transfer, TransferFlags};
use omamori_zengin as zengin;
use omamori_zengin::LineEnd;
use serde_json::{Value, json};

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
use crate::web::filters::japan;

/// Transfers in one file; what is left goes into the next.
const FILE_MAX: usize = 5_000;
/// Yen of one file: its trailer has twelve digits.
const TOTAL_MAX: i64 = 999_999_999_999;
/// Payouts that are read at one time.
const PAGE: i64 = 1_000;

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
    let sender = app.config.settlement.sender.as_ref().map(super::SenderSettings::sender);
    let sender = sender.and_then(Result::ok).ok_or(Error::field("sender", "missing"))?;
    if pay_on < japan(app.clock.now()).date() {
        return Err(Error::field("pay_on", "out_of_range"));
    }
    finish(app).await?;
    let mut made = Made::default();
    let (chosen, transfers) = choose(app, actor, &mut made).await?;
    if chosen.is_empty() {
        return Ok(made);
    }
    let day = zengin::Day::new(pay_on.month().unsigned_abs(), pay_on.day().unsigned_abs());
    let day = day.map_err(|_| Error::field("pay_on", "out_of_range"))?;
    let file = zengin::File { sender, day, transfers };
    let text = file.write(LineEnd::CrLf).map_err(|error| Error::Fault(Box::new(error)))?;
    made.file = Some(store(app, actor, (pay_on, reason), &chosen, &text).await?);
    finish(app).await?;
    Ok(made)
}

/// The payouts of the next file: page after page, until it is full or nothing is left.
async fn choose(
    app: &App,
    actor: &Actor,
    made: &mut Made,
) -> Result<(Vec<Payout>, Vec<zengin::Transfer>)> {
    let (mut chosen, mut transfers, mut total) = (Vec::new(), Vec::new(), 0);
    let mut after = (0, String::new());
    loop {
        let page = waiting::page(app, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok((chosen, transfers)) };
        after = last.place();
        for candidate in page {
            let (account, holder) = match ready(app, actor, &candidate).await? {
                Ok(found) => found,
                Err(why) => {
                    made.waiting.push((candidate.payout, why));
                    continue;
                }
            };
            let payout = candidate.payout;
            if chosen.len() == FILE_MAX || total + payout.yen > TOTAL_MAX {
                made.is_full = true;
                return Ok((chosen, transfers));
            }
            total += payout.yen;
            transfers.push(zengin::Transfer {
                account,
                holder,
                amount: payout.yen.unsigned_abs(),
                customer_code_1: transfers.len() as u64 + 1,
                customer_code_2: 0,
            });
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

fn place(file_id: &str) -> String {
    format!("payout_file.sealed/{file_id}")
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
    let sealed = app.vault.seal(app.rng.as_ref(), &place(&file_id), text);
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

/// The payouts that were sent, the newest files first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn newest_sent(app: &App, limit: i64) -> Result<Vec<Payout>> {
    let query = sql("SELECT p.payout_id, p.merchant_id, s.closing_on, p.yen, p.file_id,
             f.sent_at, p.returned_at
         FROM payout p JOIN settlement s ON s.settlement_id = p.settlement_id
         JOIN payout_file f ON f.file_id = p.file_id
         WHERE f.sent_at IS NOT NULL ORDER BY f.sent_at DESC, p.file_line LIMIT $1");
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

/// What is in transit: by the ledger, and by the files that were booked and not sent. Anything but
/// equal is a difference that somebody must look at.
///
/// # Errors
/// A fault if the registry fails.
pub async fn transit(app: &App) -> Result<(i64, i64)> {
    let query = sql("SELECT CAST(COALESCE(SUM(total_yen), 0) AS BIGINT) AS yen FROM payout_file
         WHERE booked_at IS NOT NULL AND sent_at IS NULL");
    let by_files = app.stores.registry.one(query).await?.int("yen")?;
    let account = app.gate.account(operator_account(AccountCode::PayoutTransit).id);
    Ok((account.map_or(0, |account| net(&account)), by_files))
}

async fn of_file(app: &App, file_id: &str) -> Result<Vec<Payout>> {
    let query = sql("SELECT p.payout_id, p.merchant_id, s.closing_on, p.yen, p.file_id,
             f.sent_at, p.returned_at
         FROM payout p JOIN settlement s ON s.settlement_id = p.settlement_id
         JOIN payout_file f ON f.file_id = p.file_id
         WHERE p.file_id = $1 ORDER BY p.file_line");
    app.stores.registry.all(query.bind(file_id)).await?.iter().map(Payout::of).collect()
}

/// Books the payouts of all files that are not booked yet, and what came back.
async fn finish(app: &App) -> Result<()> {
    returned::book_all(app).await?;
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
    if app.gate.transfer_certainly(transfer.id).await?.is_some() {
        return Ok(());
    }
    let clearance = app.gate.decide(Question::plain(Act::PayoutBook, detail), Ok(())).await?;
    let accounts = [AccountCode::PayoutTransit, AccountCode::OperatorBank].map(operator_account);
    let request = Request { accounts: accounts.to_vec(), transfers: vec![transfer] };
    app.gate.commit(clearance, request).await?;
    // Made by this run, or by another one at the same time, with a decision of its own.
    let is_there = app.gate.transfer_certainly(transfer.id).await?.is_some();
    is_there.then_some(()).ok_or(Error::fault("a payout was refused by the ledger"))
}

/// The bytes of a file, for the bank. Whoever takes them is in the audit log. A file that pays a
/// merchant whose payouts are held, by now, is not given out: what is with the bank already is
/// marked as sent all the same ([`sent`]).
///
/// # Errors
/// [`Code::NotFound`]; [`Code::FunctionClosed`]; a fault.
pub async fn contents(app: &App, actor: &Actor, file_id: &str) -> Result<Vec<u8>> {
    let query = sql("SELECT sealed FROM payout_file WHERE file_id = $1").bind(file_id);
    let row = app.stores.registry.optional(query).await?.ok_or(Code::NotFound)?;
    let opened = app.vault.open(&place(file_id), &row.bytes("sealed")?);
    let opened = opened.map_err(|_| Error::fault("a payout file does not open"))?;
    let about = json!({ "file": file_id });
    let held = holds(app, &of_file(app, file_id).await?);
    let opinion = if held { Err(Code::FunctionClosed) } else { Ok(()) };
    let clearance = actor.decide(app, Act::PayoutFileTake, None, &about, opinion).await?;
    let tx = app.stores.registry.begin().await?;
    let entry = Entry {
        actor,
        act: Act::PayoutFileTake,
        subject: file_id,
        before: Value::Null,
        after: Value::Null,
        reason: "",
    };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(opened.to_vec())
}

/// Whether the door of payouts is closed for one of these.
fn holds(app: &App, payouts: &[Payout]) -> bool {
    let is_held = |payout: &Payout| {
        app.gate.open_door(Act::Payout, Some(&at(&payout.merchant_id)), None).is_err()
    };
    payouts.iter().any(is_held)
}

/// The bank has taken a file: its sum is off the operator's bank account. Repeating it changes
/// nothing.
///
/// # Errors
/// [`Code::NotFound`]; a fault.
pub async fn sent(app: &App, actor: &Actor, file_id: &str, reason: &str) -> Result<()> {
    finish(app).await?;
    let query = sql("SELECT total_yen, sent_at FROM payout_file WHERE file_id = $1").bind(file_id);
    let row = app.stores.registry.optional(query).await?.ok_or(Code::NotFound)?;
    let total = row.int("total_yen")?;
    let transfer = Transfer {
        id: derive("payout-file-sent", &[file_id.as_bytes()]),
        debit_account_id: operator_account(AccountCode::PayoutTransit).id,
        credit_account_id: operator_account(AccountCode::OperatorBank).id,
        amount: total.unsigned_abs(),
        ledger: LEDGER_JPY,
        code: TransferCode::PayoutSent.number(),
        ..Transfer::default()
    };
    // The two orders are one: the ledger's own word counts, the column is for pages.
    book(app, transfer, &json!({ "file": file_id, "total": total })).await?;
    if row.int_optional("sent_at")?.is_some() {
        return Ok(());
    }
    let about = json!({ "file": file_id, "total": total });
    let clearance = actor.decide(app, Act::PayoutSent, None, &about, Ok(())).await?;
    let paid = of_file(app, file_id).await?;
    let mut tx = app.stores.registry.begin().await?;
    let update = sql("UPDATE payout_file SET sent_at = $1 WHERE file_id = $2 AND sent_at IS NULL");
    if tx.execute(update.bind(app.clock.now()).bind(file_id)).await? == 1 {
        for Payout { merchant_id, closing_on, yen, .. } in paid {
            let notice = MerchantNotice::PayoutSent { closing_on, yen };
            tell(app, &mut tx, &merchant_id, MACHINE, &notice).await?;
        }
    }
    let (act, before) = (Act::PayoutSent, Value::Null);
    let entry = Entry { actor, act, subject: file_id, before, after: about, reason };
    audit::commit(app, tx, &clearance, &entry).await
}
