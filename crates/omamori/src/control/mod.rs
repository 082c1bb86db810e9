//! Doors with handles: functions that staff close at once, for everybody or for a part.
//!
//! What is closed is in the registry and in the memory of every node, which reads it anew within a
//! quarter of a second after somebody changed it (`db::changes`). The gate looks here first.

mod caller;
mod closure;
mod door;
mod ending;
mod status;

use std::sync::Arc;

use omamori_db::{Db, Tx, sql};
use parking_lot::RwLock;
use serde_json::{Value, json};

pub use caller::{Version, known};
pub use closure::{Closure, Scope};
use closure::{Whom, closure_columns};
pub use door::Door;
pub use ending::{Banner, Ending, Stage};
pub use status::router;

use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::Micros;
use crate::db::changes::{self, Subject};
use crate::gate::{Act, Place};
use crate::id::Kind;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters::rfc3339;

/// The closed doors, as this node knows them, and the end of all of them.
#[derive(Default)]
pub struct Controls {
    closures: RwLock<Arc<[Closure]>>,
    ending: RwLock<Option<Ending>>,
}

impl Controls {
    /// Those that the registry has now.
    ///
    /// # Errors
    /// [`omamori_db::Error`].
    pub async fn load(registry: &Db) -> omamori_db::Result<Self> {
        let controls = Self::default();
        controls.reload(registry).await?;
        Ok(controls)
    }

    /// Reads them anew.
    ///
    /// # Errors
    /// [`omamori_db::Error`]: what was known stays in force.
    pub async fn reload(&self, registry: &Db) -> omamori_db::Result<()> {
        let query = concat!("SELECT ", closure_columns!(), " FROM control WHERE opened_at IS NULL");
        let rows = registry.all(sql(query)).await?;
        let closed: omamori_db::Result<Vec<_>> =
            rows.iter().filter_map(|row| Closure::of(row).transpose()).collect();
        *self.closures.write() = closed?.into();
        let ending = Ending::load(registry).await?;
        *self.ending.write() = ending;
        Ok(())
    }

    /// Whether an act may be done.
    ///
    /// # Errors
    /// [`Code::FunctionClosed`]; [`Code::ServiceEnded`].
    pub fn check(
        &self,
        act: Act,
        place: Option<&Place<'_>>,
        customer: Option<&str>,
        now: Micros,
    ) -> Result<(), Code> {
        self.look(act, &Whom { place, customer, issuer: None, caller: caller::current() }, now)
    }

    /// Whether an account of an issuer may be used for an act.
    ///
    /// # Errors
    /// [`Code::FunctionClosed`].
    pub fn check_issuer(&self, act: Act, issuer: &str, now: Micros) -> Result<(), Code> {
        let caller = caller::current();
        let whom = Whom { place: None, customer: None, issuer: Some(issuer), caller };
        self.look(act, &whom, now)
    }

    fn look(&self, act: Act, whom: &Whom<'_>, now: Micros) -> Result<(), Code> {
        if self.ending().is_some_and(|ending| ending.stops(act, now)) {
            return Err(Code::ServiceEnded);
        }
        let needs = |door: Door| door.acts().contains(&act);
        let closed = self.closures.read().clone();
        let stopped = closed.iter().any(|closure| closure.stops(needs, whom, now));
        if stopped { Err(Code::FunctionClosed) } else { Ok(()) }
    }

    /// Whether a door is closed for where requests come from.
    fn look_at_callers(&self) -> bool {
        self.closures.read().iter().any(|closure| closure.scope.is_of_callers())
    }

    /// The end of the service, if it was announced and not called off.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        *self.ending.read()
    }

    /// What is closed now.
    #[must_use]
    pub fn closed(&self, now: Micros) -> Vec<Closure> {
        self.closures.read().iter().filter(|closure| closure.is_closed(now)).cloned().collect()
    }
}

/// What to close.
pub struct Closing {
    /// Which door.
    pub door: Door,
    /// For whom.
    pub scope: Scope,
    /// Why, for staff.
    pub reason: String,
    /// For everyone, in Japanese; empty for the usual words.
    pub notice_ja: String,
    /// The same in English.
    pub notice_en: String,
    /// When it opens by itself.
    pub ends_at: Option<Micros>,
}

/// Closes a door; on this node at once, on every other within a second. Returns the `ctl_…` that
/// opens it again.
///
/// # Errors
/// A fault if a store fails.
pub async fn close(app: &App, actor: &Actor, by: &str, closing: Closing) -> Result<String> {
    let about = closing.about(by);
    let clearance = actor.decide(app, Act::DoorClose, None, &about, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let control_id = close_in(app, &mut tx, by, &closing).await?;
    let entry = Entry {
        actor,
        act: Act::DoorClose,
        subject: &control_id,
        before: Value::Null,
        after: about,
        reason: &closing.reason,
    };
    audit::commit(app, tx, &clearance, &entry).await?;
    app.gate.controls().reload(&app.stores.registry).await?;
    Ok(control_id)
}

impl Closing {
    /// As the audit log has it.
    #[must_use]
    pub fn about(&self, by: &str) -> Value {
        let (scope, subject) = self.scope.columns();
        json!({ "door": self.door.as_str(), "scope": scope, "subject": subject,
            "ends_at": self.ends_at.map(rfc3339), "by": by })
    }
}

/// Closes a door in a transaction of the caller's, who reloads the doors after its commit.
///
/// # Errors
/// A fault if the registry fails.
pub async fn close_in(app: &App, tx: &mut Tx, by: &str, closing: &Closing) -> Result<String> {
    let control_id = Kind::Control.random_text(app.rng.as_ref());
    let (scope, subject) = closing.scope.columns();
    let insert = sql("INSERT INTO control (control_id, door, scope, subject, reason, notice_ja,
                                notice_en, closed_by, closed_at, ends_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
    .bind(control_id.as_str())
    .bind(closing.door.as_str())
    .bind(scope)
    .bind(subject)
    .bind(closing.reason.as_str())
    .bind(closing.notice_ja.as_str())
    .bind(closing.notice_en.as_str())
    .bind(by)
    .bind(app.clock.now())
    .bind(closing.ends_at);
    tx.execute(insert).await?;
    changes::note(app, tx, Subject::Controls).await?;
    tracing::warn!(door = closing.door.as_str(), scope, control_id, "a door is being closed");
    Ok(control_id)
}

/// What is closed by `control_id`, as the registry has it now.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find(registry: &Db, control_id: &str) -> Result<Option<Closure>> {
    let query = concat!(
        "SELECT ",
        closure_columns!(),
        " FROM control WHERE control_id = $1 AND opened_at IS NULL"
    );
    let row = registry.optional(sql(query).bind(control_id)).await?;
    Ok(row.map(|row| Closure::of(&row)).transpose()?.flatten())
}

/// Opens what `control_id` closed.
///
/// # Errors
/// [`Code::NotFound`]: there is no such door, or it is open already; a fault if a store fails.
pub async fn open(
    app: &App,
    actor: &Actor,
    by: &str,
    control_id: &str,
    reason: &str,
) -> Result<()> {
    let about = json!({ "control": control_id, "by": by });
    let clearance = actor.decide(app, Act::DoorOpen, None, &about, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    open_in(app, &mut tx, by, control_id).await?;
    let (before, after) = (json!({ "closed": true }), json!({ "closed": false, "by": by }));
    let entry = Entry { actor, act: Act::DoorOpen, subject: control_id, before, after, reason };
    audit::commit(app, tx, &clearance, &entry).await?;
    app.gate.controls().reload(&app.stores.registry).await?;
    Ok(())
}

/// Opens a door in a transaction of the caller's, who reloads the doors after its commit.
///
/// # Errors
/// [`Code::NotFound`]: there is no such door, or it is open already; a fault if the registry fails.
pub async fn open_in(app: &App, tx: &mut Tx, by: &str, control_id: &str) -> Result<()> {
    let update = sql("UPDATE control SET opened_by = $1, opened_at = $2
         WHERE control_id = $3 AND opened_at IS NULL");
    let update = update.bind(by).bind(app.clock.now()).bind(control_id);
    if tx.execute(update).await? != 1 {
        return Err(Code::NotFound.into());
    }
    changes::note(app, tx, Subject::Controls).await?;
    tracing::warn!(control_id, "a door is being opened");
    Ok(())
}
