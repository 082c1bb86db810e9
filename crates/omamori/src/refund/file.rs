//! Claims in a file for the bank: made by one of finance, agreed on by another, taken to the bank,
//! booked; and what the bank gives back.
//!
//! A claim is in one file that counts at most, whoever makes files at the same time: the file and
//! which claims are in it are one transaction. Each step may be done again.

use jiff::civil::Date;
use omamori_db::{Row, Tx, sql};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::claim::{self, Claim, State};
use super::{look, money, quota, run};
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::Micros;
use crate::console::access::Staff;
use crate::console::approval::{self, Asked, Proposal};
use crate::gate::Act;
use crate::gate::chart::TransferCode;
use crate::id::{Kind, derive};
use crate::notify::{Notice, tell};
use crate::settlement::bank_file::{BankFile, Kept};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Transfers in one file; what is left goes into the next.
pub const FILE_MAX: i64 = 1_000;

/// How the files are kept.
const KEPT: Kept = Kept { column: "refund_file.sealed", take: Act::RefundFileTake };

/// A file.
#[derive(Clone, Debug)]
pub struct RefundFile {
    /// `rff_…`.
    pub file_id: String,
    /// `planned`, `agreed`, `sent`, `dropped`.
    pub state: String,
    /// The day on which the bank pays.
    pub pay_on: String,
    /// How many claims.
    pub count: i64,
    /// Their sum in yen.
    pub total: i64,
    /// `stf_…`.
    pub made_by: String,
    /// When.
    pub made_at: Micros,
    /// `stf_…`, the second person.
    pub agreed_by: Option<String>,
    /// When it was first given out for the bank.
    pub taken_at: Option<Micros>,
    /// When the bank took it.
    pub sent_at: Option<Micros>,
}

impl RefundFile {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            file_id: row.text("file_id")?,
            state: row.text("state")?,
            pay_on: row.text("pay_on")?,
            count: row.int("claim_count")?,
            total: row.int("total_yen")?,
            made_by: row.text("made_by")?,
            made_at: row.int("made_at")?,
            agreed_by: row.text_optional("agreed_by")?,
            taken_at: row.int_optional("taken_at")?,
            sent_at: row.int_optional("sent_at")?,
        })
    }

    /// Whether it may be dropped: the bank cannot have it.
    #[must_use]
    pub fn is_droppable(&self) -> bool {
        matches!(&*self.state, "planned" | "agreed") && self.taken_at.is_none()
    }
}

macro_rules! file_columns {
    () => {
        "file_id, state, pay_on, claim_count, total_yen, made_by, made_at, agreed_by, taken_at, \
         sent_at"
    };
}

/// The newest files.
///
/// # Errors
/// A fault if the registry fails.
pub async fn newest(app: &App, limit: i64) -> Result<Vec<RefundFile>> {
    let query = sql(concat!(
        "SELECT ",
        file_columns!(),
        " FROM refund_file ORDER BY made_at DESC, file_id LIMIT $1"
    ));
    let rows = app.stores.registry.all(query.bind(limit)).await?;
    rows.iter().map(RefundFile::read).collect()
}

/// The file with this id.
///
/// # Errors
/// [`Code::NotFound`]; a fault.
pub async fn find(app: &App, file_id: &str) -> Result<RefundFile> {
    let query = sql(concat!("SELECT ", file_columns!(), " FROM refund_file WHERE file_id = $1"));
    let row = app.stores.registry.optional(query.bind(file_id)).await?;
    RefundFile::read(&row.ok_or(Code::NotFound)?)
}

/// A claim in a file.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its place, from 1.
    pub line: i64,
    /// `rcl_…`.
    pub claim_id: String,
    /// `cus_…`.
    pub customer_id: String,
    /// Yen.
    pub yen: i64,
    /// The end of the account's number then.
    pub last_digits: String,
    /// When the bank gave it back.
    pub returned_at: Option<Micros>,
}

/// The claims of a file.
///
/// # Errors
/// A fault if the registry fails.
pub async fn lines(app: &App, file_id: &str) -> Result<Vec<Line>> {
    let query = sql("SELECT l.line, l.claim_id, c.customer_id, l.yen, l.last_digits, l.returned_at
         FROM refund_file_line l JOIN refund_claim c ON c.claim_id = l.claim_id
         WHERE l.file_id = $1 ORDER BY l.line");
    let mut lines = Vec::new();
    for row in app.stores.registry.all(query.bind(file_id)).await? {
        lines.push(Line {
            line: row.int("line")?,
            claim_id: row.text("claim_id")?,
            customer_id: row.text("customer_id")?,
            yen: row.int("yen")?,
            last_digits: row.text("last_digits")?,
            returned_at: row.int_optional("returned_at")?,
        });
    }
    Ok(lines)
}

/// Puts what waits into a file for `pay_on` and asks a second person for it. None if nothing waits.
///
/// # Errors
/// There is no sender in the settings; a day that is over; another run was quicker (busy); a fault.
pub async fn plan(app: &App, staff: &Staff, pay_on: Date, reason: &str) -> Result<Option<Asked>> {
    let reason = approval::checked_reason(reason)?;
    let mut file = BankFile::on(app, pay_on)?;
    run::gather(app).await?;
    let claims = claim::in_state(&app.stores.registry, State::Waiting, FILE_MAX).await?;
    let claims = look::look_again(app, claims).await?;
    if claims.is_empty() {
        return Ok(None);
    }
    for (claim, account) in claims.iter().zip(claim::accounts(app, &claims).await?) {
        file.pay(account, claim.yen);
    }
    let text = file.write()?;
    let planned = store(app, &staff.actor, pay_on, &claims, &text).await?;
    let asked = approval::ask(app, staff, &planned, reason).await?;
    Ok(Some(asked))
}

async fn store(
    app: &App,
    actor: &Actor,
    pay_on: Date,
    claims: &[Claim],
    text: &[u8],
) -> Result<Proposal> {
    let file_id = Kind::RefundFile.random_text(app.rng.as_ref());
    let (yen, pay_on) = (claims.iter().map(|claim| claim.yen).sum::<i64>(), pay_on.to_string());
    let count = i64::try_from(claims.len()).unwrap_or(i64::MAX);
    let digest: [u8; 32] = Sha256::digest(text).into();
    let about = json!({ "file": file_id, "pay_on": pay_on, "count": count, "yen": yen });
    let clearance = actor.decide(app, Act::RefundFilePlan, None, &about, Ok(())).await?;
    let sealed = KEPT.sealed(app, &file_id, text);
    let now = app.clock.now();
    let mut tx = app.stores.registry.begin().await?;
    let insert = sql("INSERT INTO refund_file (file_id, state, pay_on, sealed, digest,
             claim_count, total_yen, made_by, made_at)
         VALUES ($1, 'planned', $2, $3, $4, $5, $6, $7, $8)");
    let insert = insert.bind(&file_id).bind(&pay_on).bind(sealed).bind(digest).bind(count);
    tx.execute(insert.bind(yen).bind(&actor.id).bind(now)).await?;
    for (index, claim) in claims.iter().enumerate() {
        // As it was read: an account that was changed since is in no file yet.
        let update = sql("UPDATE refund_claim SET state = 'in_file', file_id = $1, state_at = $2
             WHERE claim_id = $3 AND state = 'waiting' AND account_at = $4");
        let update = update.bind(&file_id).bind(now).bind(&claim.claim_id);
        if tx.execute(update.bind(claim.account_at)).await? != 1 {
            return Err(Error::RetryAfter(Code::Busy, 1));
        }
        let insert = sql("INSERT INTO refund_file_line (file_id, line, claim_id, yen, last_digits)
             VALUES ($1, $2, $3, $4, $5)");
        let line = i64::try_from(index + 1).unwrap_or(i64::MAX);
        let insert = insert.bind(&file_id).bind(line).bind(&claim.claim_id);
        tx.execute(insert.bind(claim.yen).bind(&claim.last_digits)).await?;
    }
    let entry = Entry {
        actor,
        act: Act::RefundFilePlan,
        subject: &file_id,
        before: Value::Null,
        after: about,
        reason: "",
    };
    audit::commit(app, tx, &clearance, &entry).await?;
    let sha256 = audit::hex(&digest);
    Ok(Proposal::RefundFile { file_id, pay_on, count, yen, sha256 })
}

/// A file that two people agreed on, in the transaction that uses the approval up: its bytes must
/// be those that were agreed on.
///
/// # Errors
/// [`Code::ApprovalClosed`]: it was taken back, or agreed on already; [`Code::ClosingHeld`],
/// [`Code::RefundQuota`]: one of its claims may not be paid any more; busy; a fault.
pub(crate) async fn agree_in(
    app: &App,
    tx: &mut Tx,
    (file_id, sha256): (&str, &str),
    second: &str,
) -> Result<Value> {
    let query = sql("SELECT sealed FROM refund_file WHERE file_id = $1").bind(file_id);
    let sealed = tx.optional(query).await?.ok_or(Code::NotFound)?.bytes("sealed")?;
    let text = KEPT.opened(app, file_id, &sealed)?;
    let digest: [u8; 32] = Sha256::digest(&text).into();
    if audit::hex(&digest) != sha256 {
        return Err(Error::fault("a file of refunds is not as it was agreed on"));
    }
    let update = sql("UPDATE refund_file SET state = 'agreed', agreed_by = $1
         WHERE file_id = $2 AND state = 'planned'");
    if tx.execute(update.bind(second).bind(file_id)).await? != 1 {
        return Err(Code::ApprovalClosed.into());
    }
    look::file_stands(app, tx, file_id).await?;
    Ok(json!({ "state": "agreed", "file": file_id }))
}

/// Takes a file back that was not given out for the bank, agreed on or not: its claims wait for the
/// next one.
///
/// # Errors
/// [`Code::NotFound`]; [`Code::RefundUnderWay`]: the bank may have it; a fault.
pub async fn drop_file(app: &App, actor: &Actor, file_id: &str, reason: &str) -> Result<()> {
    let file = find(app, file_id).await?;
    let about = json!({ "file": file_id });
    let clearance = actor.decide(app, Act::RefundFileDrop, None, &about, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let update = sql("UPDATE refund_file SET state = 'dropped'
         WHERE file_id = $1 AND state = $2 AND taken_at IS NULL");
    if !file.is_droppable() || tx.execute(update.bind(file_id).bind(&file.state)).await? != 1 {
        return Err(Code::RefundUnderWay.into());
    }
    let claims = sql("UPDATE refund_claim SET state = 'waiting', file_id = NULL, state_at = $1
         WHERE file_id = $2 AND state = 'in_file'");
    tx.execute(claims.bind(app.clock.now()).bind(file_id)).await?;
    let (act, before) = (Act::RefundFileDrop, json!({ "state": file.state }));
    let after = json!({ "state": "dropped" });
    let entry = Entry { actor, act, subject: file_id, before, after, reason };
    audit::commit(app, tx, &clearance, &entry).await
}

/// The bytes of a file that two people agreed on, for the bank. Whoever takes them is in the audit
/// log. The first to take them is refused if one of its claims may not be paid any more.
///
/// # Errors
/// [`Code::NotFound`], of one that is not agreed on too; [`Code::ClosingHeld`],
/// [`Code::RefundQuota`]: it is to be dropped; busy: somebody else takes or drops it, or a base
/// date has just passed; a fault.
pub async fn contents(app: &App, actor: &Actor, file_id: &str) -> Result<Vec<u8>> {
    let query = sql("SELECT sealed, taken_at FROM refund_file
         WHERE file_id = $1 AND state IN ('agreed', 'sent')");
    let row = app.stores.registry.optional(query.bind(file_id)).await?.ok_or(Code::NotFound)?;
    let sealed = row.bytes("sealed")?;
    if row.int_optional("taken_at")?.is_some() {
        return KEPT.give_out(app, actor, (file_id, &sealed), Ok(())).await;
    }
    let text = KEPT.opened(app, file_id, &sealed)?;
    let clearance = KEPT.cleared(app, actor, file_id, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    take_in(app, &mut tx, file_id).await?;
    look::file_stands(app, &mut tx, file_id).await?;
    KEPT.write_down(app, tx, (actor, &clearance), file_id).await?;
    Ok(text)
}

/// From here on the bank may have a file: nobody drops it.
async fn take_in(app: &App, tx: &mut Tx, file_id: &str) -> Result<()> {
    let update = sql("UPDATE refund_file SET taken_at = $1
         WHERE file_id = $2 AND state = 'agreed' AND taken_at IS NULL");
    match tx.execute(update.bind(app.clock.now()).bind(file_id)).await? {
        1 => Ok(()),
        _ => Err(Error::RetryAfter(Code::Busy, 1)),
    }
}

/// The bank has taken a file: its sum is off the operator's bank account, and each holder is told.
/// Repeating it changes nothing.
///
/// # Errors
/// [`Code::NotFound`], of one that is not agreed on too; a fault.
pub async fn sent(app: &App, actor: &Actor, file_id: &str, reason: &str) -> Result<()> {
    let file = find(app, file_id).await?;
    // Whichever way it got there: a file that is booked is not dropped meanwhile.
    let mark = sql("UPDATE refund_file SET taken_at = COALESCE(taken_at, $1)
         WHERE file_id = $2 AND state = 'agreed'");
    let mark = mark.bind(app.clock.now()).bind(file_id);
    if app.stores.registry.execute(mark).await? != 1 {
        let is_sent = find(app, file_id).await?.state == "sent";
        return if is_sent { Ok(()) } else { Err(Code::NotFound.into()) };
    }
    let about = json!({ "file": file_id, "total": file.total });
    // The ledger first: what a row says of it counts for pages alone. What leaves within the quota
    // is told apart there (府令42条1号, 2号).
    let of_quota = quota::of_file(&app.stores.registry, file_id, file.count).await?;
    let Some(of_quota) = of_quota else { return Ok(()) }; // somebody else was faster
    for (name, code, yen) in [
        ("refund-file-sent", TransferCode::RefundSent, file.total - of_quota),
        ("refund-file-sent-quota", TransferCode::RefundQuota, of_quota),
    ] {
        if yen > 0 {
            money::book(app, derive(name, &[file_id.as_bytes()]), (code, yen), about.clone())
                .await?;
        }
    }
    let clearance = actor.decide(app, Act::RefundSent, None, &about, Ok(())).await?;
    let (now, lines) = (app.clock.now(), lines(app, file_id).await?);
    let mut tx = app.stores.registry.begin().await?;
    let update = sql("UPDATE refund_file SET state = 'sent', sent_at = $1
         WHERE file_id = $2 AND state = 'agreed'");
    if tx.execute(update.bind(now).bind(file_id)).await? != 1 {
        return Ok(()); // somebody else was faster
    }
    let claims = sql("UPDATE refund_claim SET state = 'sent', sent_at = $1, state_at = $1
         WHERE file_id = $2 AND state = 'in_file'");
    tx.execute(claims.bind(now).bind(file_id)).await?;
    for line in lines {
        let notice = Notice::RefundSent {
            amount: line.yen,
            pay_on: file.pay_on.clone(),
            last_digits: line.last_digits,
        };
        tell(app, &mut tx, &line.customer_id, &notice).await?;
    }
    let (act, before) = (Act::RefundSent, json!({ "state": "agreed" }));
    let entry = Entry { actor, act, subject: file_id, before, after: about, reason };
    audit::commit(app, tx, &clearance, &entry).await
}

/// The bank gave a refund of a file back (組戻し): it is set aside again, and its holder is asked for
/// another account. Repeating it changes nothing.
///
/// # Errors
/// [`Code::NotFound`], of a file that was not sent too; a fault.
pub async fn returned(
    app: &App,
    actor: &Actor,
    (file_id, claim_id): (&str, &str),
    reason: &str,
) -> Result<()> {
    if find(app, file_id).await?.state != "sent" {
        return Err(Code::NotFound.into());
    }
    let lines = lines(app, file_id).await?;
    let line = lines.into_iter().find(|line| line.claim_id == claim_id).ok_or(Code::NotFound)?;
    let about = json!({ "file": file_id, "claim": claim_id, "yen": line.yen });
    let id = derive("refund-returned", &[file_id.as_bytes(), claim_id.as_bytes()]);
    let code = quota::code_of_return(app, claim_id).await?;
    money::book(app, id, (code, line.yen), about.clone()).await?;
    let clearance = actor.decide(app, Act::RefundReturned, None, &about, Ok(())).await?;
    let now = app.clock.now();
    let mut tx = app.stores.registry.begin().await?;
    let mark = sql("UPDATE refund_file_line SET returned_at = $1
         WHERE file_id = $2 AND claim_id = $3 AND returned_at IS NULL");
    if tx.execute(mark.bind(now).bind(file_id).bind(claim_id)).await? != 1 {
        return Ok(());
    }
    let update = sql("UPDATE refund_claim SET state = 'returned', reason = '', state_at = $1,
             file_id = NULL, sent_at = NULL
         WHERE claim_id = $2 AND state = 'sent' AND file_id = $3");
    tx.execute(update.bind(now).bind(claim_id).bind(file_id)).await?;
    let notice = Notice::RefundReturned { amount: line.yen, last_digits: line.last_digits };
    tell(app, &mut tx, &line.customer_id, &notice).await?;
    let (act, before) = (Act::RefundReturned, json!({ "state": "sent" }));
    let entry = Entry { actor, act, subject: claim_id, before, after: about, reason };
    audit::commit(app, tx, &clearance, &entry).await
}
