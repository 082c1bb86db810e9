//! Notices become letters, and letters are sent, tried again and given up.

use std::sync::Arc;
use std::time::Duration;

use omamori_db::{Row, Tx, sql};
use tokio::task::JoinSet;

use super::contact::REPLACED_LIFE;
use super::kind::MerchantNotice;
use super::known;
use crate::app::App;
use crate::clock::{DAY, MINUTE, Micros};
use crate::merchant::access::Role;
use crate::notify::{Letter, SendError, fill, pause, sender, stamp, unlinked};
use crate::web::error::Result;
use crate::web::text::{Lang, Text};
use crate::worker::Worker;

/// How often the worker looks.
const EVERY: Duration = Duration::from_secs(1);
/// Notices that become letters in one round.
const NOTICES: i64 = 50;
/// Letters that one node sends at once.
const BATCH: i64 = 8;
/// For so long a claim holds: longer than any adapter takes. Then its node counts as dead.
const CLAIM: Micros = 2 * MINUTE;
/// For so long a letter that this version cannot read is left to a newer one. Not longer: while
/// nodes are replaced one by one, both versions look.
const LEFT: Micros = 10 * MINUTE;
/// Then it is no news any more; it stands in the back office all the same.
const AGE_MAX: Micros = 3 * DAY;
const ATTEMPTS_MAX: i64 = 16;
/// Letters of one kind to one address in 24 hours. Kinds are counted apart, so that a flood of one
/// hides no other.
const PER_DAY: i64 = 50;

/// Starts the task that passes notices on.
#[must_use]
pub fn start(app: &Arc<App>) -> Worker {
    let words = "notices to merchants were not sent";
    Worker::new("merchant notices").every(EVERY, app, words, |app, stop| async move {
        // What is a letter already goes out even if a notice does not become one.
        let passed_on = pass_on(&app, || *stop.borrow()).await;
        while !*stop.borrow() && send_batch(&app).await? > 0 {}
        passed_on
    })
}

/// Passes on and sends what is due, once. Returns how many letters this node tried.
///
/// # Errors
/// A fault if the registry fails.
pub async fn deliver_due(app: &Arc<App>) -> Result<usize> {
    pass_on(app, || false).await?;
    let mut tried = 0;
    while let batch @ 1.. = send_batch(app).await? {
        tried += batch;
    }
    Ok(tried)
}

/// Notices of the table become letters. Of two nodes at the same notice one writes them. Each is
/// looked at once: what stays is for another node, and however much that is, the rest has its turn.
async fn pass_on(app: &App, stop: impl Fn() -> bool + Send + Sync) -> Result<()> {
    let query = sql("SELECT notice_id, merchant_id, merchant_user_id, kind, params, at
         FROM merchant_notice
         WHERE passed_on_at IS NULL AND at >= $1 AND (at > $1 OR notice_id > $2)
         ORDER BY at, notice_id LIMIT $3");
    let (mut at, mut notice_id) = (Micros::MIN, String::new());
    while !stop() {
        let next = query.clone().bind(at).bind(&notice_id).bind(NOTICES);
        let rows = app.stores.registry.all(next).await?;
        let Some(last) = rows.last() else { break };
        (at, notice_id) = (last.int("at")?, last.text("notice_id")?);
        for row in &rows {
            pass_one_on(app, row).await?;
        }
    }
    Ok(())
}

async fn pass_one_on(app: &App, row: &Row) -> Result<()> {
    let (notice_id, at) = (row.text("notice_id")?, row.int("at")?);
    let notice = known(&row.text("kind")?, &row.text("params")?);
    let now = app.clock.now();
    if notice.is_none() && at + AGE_MAX > now {
        // A newer version wrote what this one cannot read: it is for a node of that.
        return Ok(());
    }
    let mut tx = app.stores.registry.begin().await?;
    let take = sql("UPDATE merchant_notice SET passed_on_at = $1
         WHERE notice_id = $2 AND passed_on_at IS NULL");
    if tx.execute(take.bind(now).bind(&notice_id)).await? != 1 {
        return Ok(());
    }
    if let Some(notice) = &notice {
        write_letters(&mut tx, row, notice, now).await?;
    }
    Ok(tx.commit().await?)
}

/// Those to everybody who is told, of every merchant.
macro_rules! insert_letters {
    () => {
        "INSERT INTO merchant_letter
             (notice_id, contact_id, state, attempts, next_at, created_at)
         SELECT $1, c.contact_id, 'waiting', CAST(0 AS BIGINT), CAST($2 AS BIGINT),
                CAST($2 AS BIGINT)
         FROM merchant_contact c
         JOIN merchant_user u ON u.merchant_user_id = c.merchant_user_id
         WHERE (u.merchant_user_id = $3
                OR (u.removed_at IS NULL AND $4 LIKE '%' || u.role || '%'))
           AND c.verified_at <= $10 AND (c.replaced_at IS NULL OR c.replaced_at > $5)
           AND NOT EXISTS (SELECT 1 FROM merchant_mail_off o
                WHERE o.merchant_user_id = u.merchant_user_id AND o.topic = $6)
           AND (SELECT CAST(COUNT(*) AS BIGINT) FROM merchant_letter l
                JOIN merchant_notice n ON n.notice_id = l.notice_id
                WHERE l.contact_id = c.contact_id AND l.created_at > $7 AND n.kind = $8) < $9"
    };
}

/// A notice's letters: to each address of who may know of it.
async fn write_letters(tx: &mut Tx, row: &Row, notice: &MerchantNotice, now: Micros) -> Result<()> {
    let merchant_id = row.text_optional("merchant_id")?;
    let insert = sql(match merchant_id {
        Some(_) => concat!(insert_letters!(), " AND u.merchant_id = $11"),
        None => insert_letters!(),
    });
    let roles: Vec<&str> = notice.roles().iter().map(|role| role.as_str()).collect();
    let replaced_since = match notice.topic() {
        None => now - REPLACED_LIFE,
        Some(_) => Micros::MAX,
    };
    let insert = insert.bind(row.text("notice_id")?).bind(now);
    let insert = insert.bind(row.text_optional("merchant_user_id")?.unwrap_or_default());
    let insert = insert.bind(roles.join(" ")).bind(replaced_since);
    let insert = insert.bind(notice.topic().map_or("", |topic| topic.as_str())).bind(now - DAY);
    let insert = insert.bind(row.text("kind")?);
    let insert = insert.bind(if notice.is_unbounded() { i64::MAX } else { PER_DAY });
    // An address hears of nothing that was before it.
    let insert = insert.bind(row.int("at")?);
    tx.execute(match merchant_id {
        Some(merchant_id) => insert.bind(merchant_id),
        None => insert,
    })
    .await?;
    Ok(())
}

/// A letter that is due, with all that is in it.
struct Due {
    notice_id: String,
    contact_id: String,
    attempts: i64,
    to: String,
    lang: Lang,
    merchant_name: String,
    kind: String,
    /// None if this version does not know it.
    notice: Option<MerchantNotice>,
    by_name: String,
    at: Micros,
}

impl Due {
    fn read(row: &Row) -> Result<Self> {
        let kind = row.text("kind")?;
        Ok(Self {
            notice_id: row.text("notice_id")?,
            contact_id: row.text("contact_id")?,
            attempts: row.int("attempts")?,
            to: row.text("value")?,
            lang: Lang::parse(&row.text("language")?).unwrap_or_default(),
            merchant_name: row.text("merchant_name")?,
            notice: known(&kind, &row.text("params")?),
            kind,
            by_name: row.text("by_name")?,
            at: row.int("at")?,
        })
    }
}

async fn send_batch(app: &Arc<App>) -> Result<usize> {
    let query = sql("SELECT l.notice_id, l.contact_id, l.attempts, c.value,
             u.language, m.name AS merchant_name, n.kind, n.params, n.by_name, n.at
         FROM merchant_letter l
         JOIN merchant_notice n ON n.notice_id = l.notice_id
         JOIN merchant_contact c ON c.contact_id = l.contact_id
         JOIN merchant_user u ON u.merchant_user_id = c.merchant_user_id
         JOIN merchant m ON m.merchant_id = u.merchant_id
         WHERE l.state = 'waiting' AND l.next_at <= $1 ORDER BY l.next_at LIMIT $2");
    let rows = app.stores.registry.all(query.bind(app.clock.now()).bind(BATCH)).await?;
    let batch = rows.iter().map(Due::read).collect::<Result<Vec<_>>>()?;
    let mut attempts = JoinSet::new();
    for due in batch {
        let app = app.clone();
        attempts.spawn(async move { attempt(&app, due).await });
    }
    // To the end, whatever becomes of one: to drop the set would stop the others after the mail
    // server has taken their letters and before it is written down, and they would be sent again.
    let mut tried = Ok(0);
    while let Some(outcome) = attempts.join_next().await {
        match outcome.unwrap_or(Ok(false)) {
            Ok(was_mine) => tried = tried.map(|tried| tried + usize::from(was_mine)),
            Err(error) => tried = Err(error),
        }
    }
    tried
}

/// Tries one letter; false if another node was faster.
async fn attempt(app: &App, due: Due) -> Result<bool> {
    let now = app.clock.now();
    let is_old = due.at + AGE_MAX <= now;
    if due.notice.is_none() && !is_old {
        return leave(app, &due, now).await;
    }
    let claim = sql("UPDATE merchant_letter SET attempts = attempts + 1, next_at = $1
         WHERE notice_id = $2 AND contact_id = $3 AND state = 'waiting' AND attempts = $4");
    let claim = claim.bind(now + CLAIM).bind(&due.notice_id).bind(&due.contact_id);
    if app.stores.registry.execute(claim.bind(due.attempts)).await? != 1 {
        return Ok(false);
    }
    let mine = Due { attempts: due.attempts + 1, ..due };
    let Some(notice) = mine.notice.as_ref().filter(|_| !is_old) else {
        settle(app, &mine, "given_up", (now, Some("too_old"))).await?;
        return Ok(true);
    };
    if !is_wanted(app, &mine, notice, now).await? {
        settle(app, &mine, "given_up", (now, Some("not_wanted"))).await?;
        return Ok(true);
    }
    let sent = app.identity.outbox().send_letter(&letter(app, &mine, notice)).await;
    if let Err(error) = &sent {
        let (notice_id, attempts, reason) = (&mine.notice_id, mine.attempts, error.word());
        tracing::warn!(notice_id, attempts, reason, "a letter to a merchant was not sent");
    }
    let (state, next_at, word) = what_next(&sent, mine.attempts, now);
    settle(app, &mine, state, (next_at, word)).await?;
    Ok(true)
}

/// Whether a letter is still for whom it was written: since then its reader may have left, become
/// something else, switched it off or changed the address. Looked at as late as can be.
async fn is_wanted(app: &App, due: &Due, notice: &MerchantNotice, now: Micros) -> Result<bool> {
    let query = sql("SELECT c.replaced_at, u.removed_at, u.role,
             CAST(CASE WHEN n.merchant_user_id = u.merchant_user_id THEN 1 ELSE 0 END AS BIGINT)
                 AS about,
             (SELECT CAST(COUNT(*) AS BIGINT) FROM merchant_mail_off o
              WHERE o.merchant_user_id = u.merchant_user_id AND o.topic = $1) AS is_off
         FROM merchant_contact c
         JOIN merchant_user u ON u.merchant_user_id = c.merchant_user_id
         JOIN merchant_notice n ON n.notice_id = $2
         WHERE c.contact_id = $3");
    let query = query.bind(notice.topic().map_or("", |topic| topic.as_str()));
    let query = query.bind(&due.notice_id).bind(&due.contact_id);
    let Some(row) = app.stores.registry.optional(query).await? else { return Ok(false) };
    let is_here = row.int_optional("removed_at")?.is_none();
    let replaced_at = row.int_optional("replaced_at")?;
    let role = Role::parse(&row.text("role")?);
    Ok(match notice.topic() {
        Some(_) => {
            let is_told = role.is_some_and(|role| is_for(notice, role));
            is_here && is_told && replaced_at.is_none() && row.int("is_off")? == 0
        }
        // Who had the role then hears of it in any other one: to take it away may be the attack.
        // Who was removed hears of nothing but that.
        None => {
            let is_fresh = replaced_at.is_none_or(|at| at > now - REPLACED_LIFE);
            is_fresh && (is_here || row.int("about")? == 1)
        }
    })
}

/// Puts a letter that this node cannot read out of its way; one of the version that wrote it may
/// be there by then. It is no try of it.
async fn leave(app: &App, due: &Due, now: Micros) -> Result<bool> {
    let update = sql("UPDATE merchant_letter SET next_at = $1
         WHERE notice_id = $2 AND contact_id = $3 AND state = 'waiting' AND attempts = $4
           AND next_at <= $5");
    let update = update.bind(now + LEFT).bind(&due.notice_id).bind(&due.contact_id);
    let left = app.stores.registry.execute(update.bind(due.attempts).bind(now)).await? == 1;
    if left {
        let (notice_id, kind) = (&due.notice_id, &due.kind);
        tracing::warn!(notice_id, kind, "a letter to a merchant that this version cannot read");
    }
    Ok(left)
}

fn what_next(
    sent: &Result<(), SendError>,
    attempts: i64,
    now: Micros,
) -> (&'static str, Micros, Option<&'static str>) {
    match sent {
        Ok(()) => ("sent", now, None),
        Err(error) if error.is_final() || attempts >= ATTEMPTS_MAX => {
            ("given_up", now, Some(error.word()))
        }
        Err(error) => ("waiting", now + pause(attempts), Some(error.word())),
    }
}

async fn settle(
    app: &App,
    due: &Due,
    state: &str,
    (next_at, word): (Micros, Option<&str>),
) -> Result<()> {
    let done_at = (state != "waiting").then(|| app.clock.now());
    let update = sql("UPDATE merchant_letter
         SET state = $1, next_at = $2, last_error = $3, done_at = $4
         WHERE notice_id = $5 AND contact_id = $6 AND attempts = $7");
    let update = update.bind(state).bind(next_at).bind(word).bind(done_at);
    let update = update.bind(&due.notice_id).bind(&due.contact_id).bind(due.attempts);
    app.stores.registry.execute(update).await?;
    Ok(())
}

/// A notice as a letter: no link, nothing to tap on.
fn letter(app: &App, due: &Due, notice: &MerchantNotice) -> Letter {
    let (text, issuer) = (Text::new(due.lang), &app.config.issuer_name);
    let (title, body) = notice.letter_words(text);
    let mut facts = vec![fill(text.t("notice.when"), &[("at", stamp(due.at))])];
    if !due.by_name.is_empty() {
        facts.push(fill(text.t("told.by"), &[("name", unlinked(&due.by_name))]));
    }
    let advice = match notice.topic() {
        None => text.t("told.advice"),
        Some(_) => text.t("told.where"),
    };
    let no_links = fill(text.t("notice.no_links"), &[("issuer", issuer.clone())]);
    let (merchant, facts) = (unlinked(&due.merchant_name), facts.join("\n"));
    Letter {
        // The same at every try.
        id: format!("{}.{}", due.notice_id, due.contact_id),
        to: due.to.clone(),
        subject: sender(issuer, due.lang) + &title,
        text: format!("{merchant}\n\n{body}\n\n{facts}\n\n{advice}\n\n--\n{issuer}\n{no_links}\n"),
        at: due.at,
    }
}

/// Whether a role is among those of a notice: for the page, as the statement above has it.
pub(super) fn is_for(notice: &MerchantNotice, role: Role) -> bool {
    notice.roles().contains(&role)
}
