//! What is said in a case: among staff, to the customer, by the customer.

use omamori_db::{Db, Tx, sql};

use crate::app::App;
use crate::clock::Micros;
use crate::id::Kind;
use crate::web::error::{Error, Result};

/// Characters of a note.
pub const CHARACTERS_MAX: usize = 2_000;

/// Who says it to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// Staff, among themselves.
    Note,
    /// Staff, to the customer.
    Message,
    /// The customer.
    Reply,
}

impl NoteKind {
    /// The word of tables and texts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Message => "message",
            Self::Reply => "reply",
        }
    }

    fn parse(word: &str) -> omamori_db::Result<Self> {
        let kinds = [Self::Note, Self::Message, Self::Reply];
        let found = kinds.into_iter().find(|kind| kind.as_str() == word);
        found.ok_or_else(|| omamori_db::Error::Corrupt { column: "kind".to_owned() })
    }
}

/// Something that was said.
#[derive(Clone, Debug)]
pub struct Note {
    /// Who to whom.
    pub kind: NoteKind,
    /// `stf_…` or `cus_…`.
    pub author: String,
    /// The words.
    pub body: String,
    /// When.
    pub at: Micros,
}

/// Words as they are kept: neither empty nor endless.
///
/// # Errors
/// A refusal that names `field`.
pub fn checked<'a>(field: &str, body: &'a str) -> Result<&'a str> {
    let body = body.trim();
    if body.is_empty() {
        return Err(Error::field(field, "missing"));
    }
    if body.chars().count() > CHARACTERS_MAX {
        return Err(Error::field(field, "too_long"));
    }
    Ok(body)
}

/// Adds words to a case, in a transaction of the caller's.
///
/// # Errors
/// A fault if the registry fails.
pub async fn add(
    app: &App,
    tx: &mut Tx,
    case_id: &str,
    (kind, author): (NoteKind, &str),
    body: &str,
) -> Result<()> {
    let insert = sql(
        "INSERT INTO case_note (note_id, case_id, customer_id, kind, author, body, at)
         SELECT $1, c.case_id, c.customer_id, $3, $4, $5, $6 FROM case_file c WHERE c.case_id = $2",
    );
    let insert = insert.bind(Kind::CaseNote.random_text(app.rng.as_ref())).bind(case_id);
    let insert = insert.bind(kind.as_str()).bind(author).bind(body).bind(app.clock.now());
    tx.execute(insert).await?;
    Ok(())
}

/// What was said in a case, the oldest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn of(registry: &Db, case_id: &str) -> Result<Vec<Note>> {
    let query = sql("SELECT kind, author, body, at FROM case_note
         WHERE case_id = $1 ORDER BY at, note_id");
    let mut notes = Vec::new();
    for row in registry.all(query.bind(case_id)).await? {
        notes.push(Note {
            kind: NoteKind::parse(&row.text("kind")?)?,
            author: row.text("author")?,
            body: row.text("body")?,
            at: row.int("at")?,
        });
    }
    Ok(notes)
}
