//! The operator's people: their rows, made by a command on the server or by two of them.

pub(super) mod page;

use omamori_db::{Db, Tx, sql};
use serde_json::{Value, json};

use super::access::Role;
use super::session;
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::{HOUR, Micros};
use crate::gate::Act;
use crate::id::Kind;
use crate::merchant::new_token;
use crate::secret::token_hash;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::text::is_hidden;

/// How long an invitation is good: for somebody at the next desk or on the telephone.
pub const INVITATION_LIFE: Micros = HOUR;
const NAME_CHARACTERS: usize = 64;

/// One of the staff, as the list shows them.
pub struct Listed {
    /// `stf_…`.
    pub staff_id: String,
    /// As the inviter wrote it.
    pub name: String,
    /// The word of the role.
    pub role: String,
    /// `invited`, `active` or `removed`.
    pub state: String,
    /// Since when.
    pub created_at: Micros,
    /// The latest use of a session that stands.
    pub last_used_at: Option<Micros>,
}

/// All staff, those of today first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn list(registry: &Db) -> Result<Vec<Listed>> {
    let query = sql("SELECT s.staff_id, s.name, s.role, s.state, s.created_at,
                (SELECT MAX(x.last_used_at) FROM staff_session x
                 WHERE x.staff_id = s.staff_id) AS last_used_at
         FROM staff s
         ORDER BY CASE WHEN s.state = 'removed' THEN 1 ELSE 0 END, s.created_at, s.staff_id");
    let mut staff = Vec::new();
    for row in registry.all(query).await? {
        staff.push(Listed {
            staff_id: row.text("staff_id")?,
            name: row.text("name")?,
            role: row.text("role")?,
            state: row.text("state")?,
            created_at: row.int("created_at")?,
            last_used_at: row.int_optional("last_used_at")?,
        });
    }
    Ok(staff)
}

/// A name as it is stored.
///
/// # Errors
/// [`Error::Invalid`]: empty, too long or with control characters.
pub fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARACTERS || name.chars().any(is_hidden) {
        return Err(Error::field("name", "malformed"));
    }
    Ok(name.to_owned())
}

/// What a change of the staff's rows did, for the audit log.
pub struct Changed {
    /// `stf_…`.
    pub staff_id: String,
    /// How it was.
    pub before: Value,
    /// How it is.
    pub after: Value,
    /// The invitation, if one was made: nowhere else.
    pub invitation: Option<String>,
}

/// Adds a person who may make a passkey within [`INVITATION_LIFE`].
///
/// # Errors
/// A fault if the registry fails.
pub async fn invite_in(app: &App, tx: &mut Tx, name: &str, role: Role) -> Result<Changed> {
    let invitation = new_token(app.rng.as_ref(), "inv_");
    let (staff_id, now) = (Kind::Staff.random_text(app.rng.as_ref()), app.clock.now());
    let insert = sql("INSERT INTO staff
             (staff_id, name, role, state, invite_hash, invite_expires_at, created_at)
         VALUES ($1, $2, $3, 'invited', $4, $5, $6)");
    let insert = insert.bind(&staff_id).bind(name).bind(role.as_str());
    let insert = insert.bind(token_hash(&invitation)).bind(now + INVITATION_LIFE).bind(now);
    tx.execute(insert).await?;
    let after = json!({ "name": name, "role": role, "state": "invited" });
    Ok(Changed { staff_id, before: Value::Null, after, invitation: Some(invitation) })
}

/// Gives a person another role and ends their sessions.
///
/// # Errors
/// [`Code::NotFound`]: there is no such person, or no more; a fault.
pub async fn change_role_in(tx: &mut Tx, staff_id: &str, role: Role) -> Result<Changed> {
    let before = state_of(tx, staff_id).await?;
    let update = sql("UPDATE staff SET role = $1 WHERE staff_id = $2 AND state <> 'removed'");
    if tx.execute(update.bind(role.as_str()).bind(staff_id)).await? != 1 {
        return Err(Code::NotFound.into());
    }
    session::end_all(tx, staff_id).await?;
    changed(tx, staff_id, before).await
}

/// Takes a person's access away: passkey, invitation and sessions.
///
/// # Errors
/// As [`change_role_in`].
pub async fn remove_in(tx: &mut Tx, staff_id: &str, now: Micros) -> Result<Changed> {
    let before = state_of(tx, staff_id).await?;
    let update = sql("UPDATE staff SET state = 'removed', passkey = NULL, invite_hash = NULL,
             invite_expires_at = NULL, removed_at = $1
         WHERE staff_id = $2 AND state <> 'removed'");
    if tx.execute(update.bind(now).bind(staff_id)).await? != 1 {
        return Err(Code::NotFound.into());
    }
    session::end_all(tx, staff_id).await?;
    changed(tx, staff_id, before).await
}

async fn changed(tx: &mut Tx, staff_id: &str, before: Value) -> Result<Changed> {
    let after = state_of(tx, staff_id).await?;
    Ok(Changed { staff_id: staff_id.to_owned(), before, after, invitation: None })
}

async fn state_of(tx: &mut Tx, staff_id: &str) -> Result<Value> {
    let query = sql("SELECT name, role, state FROM staff WHERE staff_id = $1").bind(staff_id);
    let row = tx.optional(query).await?.ok_or(Code::NotFound)?;
    let (name, role, state) = (row.text("name")?, row.text("role")?, row.text("state")?);
    Ok(json!({ "name": name, "role": role, "state": state }))
}

/// Whether there is such a person, who was not removed.
///
/// # Errors
/// [`Code::NotFound`]; a fault.
pub async fn must_exist(registry: &Db, staff_id: &str) -> Result<()> {
    let query = sql("SELECT staff_id FROM staff WHERE staff_id = $1 AND state <> 'removed'");
    registry.optional(query.bind(staff_id)).await?.ok_or(Code::NotFound)?;
    Ok(())
}

/// `omamori staff invite`: the first people, whom nobody else can invite. Returns the invitation.
///
/// # Errors
/// [`Error::Invalid`]; a fault.
pub async fn invite(app: &App, name: &str, role: Role) -> Result<String> {
    let name = checked_name(name)?;
    let actor = Actor::machine();
    let about = json!({ "name": name, "role": role });
    let clearance = actor.decide(app, Act::StaffInvite, None, &about, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let made = invite_in(app, &mut tx, &name, role).await?;
    let entry = made.entry(&actor, Act::StaffInvite, "");
    audit::commit(app, tx, &clearance, &entry).await?;
    made.invitation.ok_or(Error::fault("an invitation was not made"))
}

/// `omamori staff remove`.
///
/// # Errors
/// [`Code::NotFound`]; a fault.
pub async fn remove(app: &App, staff_id: &str) -> Result<()> {
    must_exist(&app.stores.registry, staff_id).await?;
    let actor = Actor::machine();
    let about = json!({ "staff": staff_id });
    let clearance = actor.decide(app, Act::StaffRemove, None, &about, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let removed = remove_in(&mut tx, staff_id, app.clock.now()).await?;
    let entry = removed.entry(&actor, Act::StaffRemove, "");
    audit::commit(app, tx, &clearance, &entry).await
}

impl Changed {
    fn entry<'a>(&'a self, actor: &'a Actor, act: Act, reason: &'a str) -> Entry<'a> {
        let (before, after) = (self.before.clone(), self.after.clone());
        Entry { actor, act, subject: &self.staff_id, before, after, reason }
    }
}
