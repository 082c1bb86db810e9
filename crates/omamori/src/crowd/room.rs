//! The counter of times, and who is let in.

use axum::http::HeaderMap;
use omamori_db::{Db, Tx, sql};
use parking_lot::Mutex;
use serde::Deserialize;

use super::ticket::{GOOD_FOR, Ticket};
use crate::app::App;
use crate::clock::{MINUTE, Micros, SECOND};
use crate::identity::{Network, RateLimit};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::page::cookie;

/// Times closer than this are now: nobody waits for a moment.
const SOON: Micros = 5 * SECOND;
/// What a node takes from the counter at once: times of so long.
const BLOCK: Micros = SECOND;
/// How long a node believes what it read of the counter.
const FRESH: Micros = SECOND;
/// Starts of a sign-up on one ticket.
const USES: i64 = 3;
/// Tickets of one network at once, and how often one more. Carriers put many customers behind one
/// address.
const TICKETS_AT_ONCE: u32 = 200;
const TICKET_EVERY: Micros = SECOND;

/// How many sign up in a minute before the others wait.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CrowdSettings {
    /// On all nodes together. 0: there is no waiting room.
    pub signups_per_minute: u32,
}

impl Default for CrowdSettings {
    fn default() -> Self {
        Self { signups_per_minute: 3_000 }
    }
}

/// What a node knows of the queue.
pub struct Room {
    /// Between two times; 0 for no room.
    interval: Micros,
    state: Mutex<State>,
    tickets: RateLimit,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// The next time of this node's block, and where the block ends.
    next: Micros,
    end: Micros,
    /// How far all nodes are, as it was read last, and when that was.
    shared: Micros,
    read_at: Micros,
}

impl Room {
    /// By the settings.
    #[must_use]
    pub fn new(settings: &CrowdSettings) -> Self {
        let interval = match settings.signups_per_minute {
            0 => 0,
            count => (MINUTE / Micros::from(count)).max(1),
        };
        let tickets = RateLimit::new(TICKETS_AT_ONCE, TICKET_EVERY);
        Self { interval, state: Mutex::default(), tickets }
    }

    /// Customers before somebody with a time.
    pub(super) fn ahead(&self, admitted_at: Micros, now: Micros) -> i64 {
        if self.interval == 0 { 0 } else { (admitted_at - now).max(0) / self.interval }
    }

    /// Whether people wait. A queue is known here at once, of other nodes within a second.
    async fn is_crowded(&self, registry: &Db, now: Micros) -> Result<bool> {
        if self.interval == 0 {
            return Ok(false);
        }
        let state = *self.state.lock();
        if now - state.read_at < FRESH && now >= state.read_at {
            return Ok(state.shared.max(state.next) > now + SOON);
        }
        let query = sql("SELECT next_at FROM waiting_room WHERE name = 'signup'");
        let shared = registry.optional(query).await?.map(|row| row.int("next_at")).transpose()?;
        let mut state = self.state.lock();
        state.shared = shared.unwrap_or_default();
        state.read_at = now;
        Ok(state.shared.max(state.next) > now + SOON)
    }

    /// The next time, in order.
    async fn next_time(&self, registry: &Db, now: Micros) -> Result<Micros> {
        if let Some(time) = self.of_block(now) {
            return Ok(time);
        }
        let block = BLOCK.max(self.interval);
        // One row, moved by one statement: no two nodes get the same times. What nobody took in
        // the past is not given out later, or a quiet hour would let a crowd in at once.
        let take = sql("INSERT INTO waiting_room (name, next_at) VALUES ('signup', CAST($1 AS BIGINT) + CAST($2 AS BIGINT))
             ON CONFLICT (name) DO UPDATE SET next_at = CAST($2 AS BIGINT) +
                 CASE WHEN waiting_room.next_at > $1 THEN waiting_room.next_at ELSE $1 END");
        let mut tx = registry.begin().await?;
        tx.execute(take.bind(now).bind(block)).await?;
        let row = tx.one(sql("SELECT next_at FROM waiting_room WHERE name = 'signup'")).await?;
        let end = row.int("next_at")?;
        tx.commit().await?;
        let mut state = self.state.lock();
        (state.next, state.end) = (end - block + self.interval, end);
        (state.shared, state.read_at) = (end, now);
        Ok(end - block)
    }

    fn of_block(&self, now: Micros) -> Option<Micros> {
        let mut state = self.state.lock();
        let time = state.next.max(now);
        if time + self.interval > state.end {
            return None;
        }
        state.next = time + self.interval;
        Some(time)
    }
}

/// Where somebody who comes stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody waits, or the ticket's time has come.
    In,
    /// To wait until then; with a new ticket for the cookie, or the one they have.
    Waits { admitted_at: Micros, ticket: Option<String> },
}

pub(super) fn cookie_name(app: &App) -> &'static str {
    if app.config.is_https() { "__Host-omamori_place" } else { "omamori_place" }
}

fn ticket_of(app: &App, headers: &HeaderMap, now: Micros) -> Option<Ticket> {
    let text = cookie(headers, cookie_name(app))?;
    Ticket::read(text, &app.vault).filter(|ticket| ticket.is_good(now))
}

/// Looks where somebody stands who opens the page, and gives them a ticket if they must wait.
pub(super) async fn stand(app: &App, headers: &HeaderMap, network: Network) -> Result<Standing> {
    let now = app.clock.now();
    if let Some(Ticket { admitted_at, .. }) = ticket_of(app, headers, now) {
        let waits = Standing::Waits { admitted_at, ticket: None };
        return Ok(if admitted_at <= now { Standing::In } else { waits });
    }
    if !app.crowd.is_crowded(&app.stores.registry, now).await? {
        return Ok(Standing::In);
    }
    app.crowd.tickets.check(network, now)?;
    let admitted_at = app.crowd.next_time(&app.stores.registry, now).await?;
    let ticket = Ticket::new(app.rng.as_ref(), admitted_at).text(&app.vault);
    Ok(Standing::Waits { admitted_at, ticket: Some(ticket) })
}

/// Leave to start a sign-up.
#[derive(Debug)]
#[must_use = "a ticket is used up in the transaction of the sign-up"]
pub struct Pass(Option<Ticket>);

/// Lets somebody start a sign-up: with a ticket whose time has come, or while nobody waits.
///
/// # Errors
/// [`Code::WaitingRoom`]: open the page again and wait there.
pub async fn admit(app: &App, headers: &HeaderMap) -> Result<Pass> {
    if app.crowd.interval == 0 {
        return Ok(Pass(None));
    }
    let (now, registry) = (app.clock.now(), &app.stores.registry);
    if let Some(ticket) = ticket_of(app, headers, now) {
        let is_due = ticket.admitted_at <= now;
        return if is_due {
            Ok(Pass(Some(ticket)))
        } else {
            Err(not_yet(ticket.admitted_at - now))
        };
    }
    if !app.crowd.is_crowded(registry, now).await?
        && app.crowd.next_time(registry, now).await? <= now + SOON
    {
        return Ok(Pass(None));
    }
    Err(not_yet(SOON))
}

impl Pass {
    /// Counts the use of the ticket, if there is one.
    ///
    /// # Errors
    /// [`Code::WaitingRoom`]: it was used as often as it may be.
    pub async fn use_up(self, tx: &mut Tx) -> Result<()> {
        let Some(ticket) = self.0 else { return Ok(()) };
        let uses = sql("INSERT INTO waiting_ticket (ticket_id, uses, good_until)
             VALUES ($1, CAST(1 AS BIGINT), $2)
             ON CONFLICT (ticket_id) DO UPDATE SET uses = waiting_ticket.uses + 1
             WHERE waiting_ticket.uses < $3");
        let uses = uses.bind(ticket.id).bind(ticket.admitted_at + GOOD_FOR).bind(USES);
        if tx.execute(uses).await? == 1 { Ok(()) } else { Err(not_yet(SOON)) }
    }
}

fn not_yet(wait: Micros) -> Error {
    let seconds = u32::try_from(wait / SECOND + 1).unwrap_or(u32::MAX);
    Error::RetryAfter(Code::WaitingRoom, seconds)
}
