//! The comparison on PostgreSQL: the plain loop and the engine, spread and on one hot store.

use std::sync::Arc;
use std::time::Duration;

use omamori_db::{Db, Durability, sql};
use omamori_drill::load::Report;

use super::closed_loop::{self, Pay, Where};
use super::engine::{self, Engine};
use super::plain::{self, Plain};
use super::world::World;
use super::{SurgeError, spinner};
use crate::clock::Clock;

const SCHEMA: &str = "omamori_surge";
/// Without any of these, a commit that was answered may be lost with the power.
const DURABLE: [&str; 3] = ["fsync", "synchronous_commit", "full_page_writes"];

/// One way to make payments.
pub(super) struct Way {
    pub(super) name: String,
    pub(super) every_store: Report,
    pub(super) one_store: Report,
}

/// Measures both ways; the plain loop comes first.
pub(super) async fn measure(
    address: &str,
    world: &Arc<World>,
    clock: &Arc<dyn Clock>,
    duration: Duration,
) -> Result<[Way; 2], SurgeError> {
    let db = Db::open(address, Durability::Full).await?;
    require_durable(&db).await?;
    db.execute_raw(format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}"))
        .await?;
    let joined = if address.contains('?') { '&' } else { '?' };
    let address = format!("{address}{joined}options[search_path]={SCHEMA}");

    let preparing = spinner("plain loop: filling the tables");
    let plain = Arc::new(Plain::prepare(&address, world).await?);
    preparing.finish_and_clear();
    let connections = plain::CONNECTIONS;
    let name = format!("a transaction a payment, {connections} connections");
    let plain_way = pay(name, &plain, world, connections as usize, duration).await;
    plain.close().await;

    let engine = Arc::new(Engine::prepare(&address, world, clock).await?);
    let tasks = engine::TASKS;
    let name = format!("Omamori's ledger, {tasks} payments at once");
    let engine_way = pay(name, &engine, world, tasks, duration).await;
    engine.close().await;

    db.execute_raw(format!("DROP SCHEMA {SCHEMA} CASCADE")).await?;
    db.close().await;
    Ok([plain_way, engine_way])
}

async fn pay(
    name: String,
    way: &Arc<impl Pay>,
    world: &World,
    tasks: usize,
    duration: Duration,
) -> Way {
    let every_store = closed_loop::run(&name, way, world, tasks, Where::EveryStore, duration).await;
    let hot = format!("{name}, one hot store");
    let one_store = closed_loop::run(&hot, way, world, tasks, Where::OneStore, duration).await;
    Way { name, every_store, one_store }
}

async fn require_durable(db: &Db) -> Result<(), SurgeError> {
    for setting in DURABLE {
        let query = sql("SELECT current_setting($1) AS value").bind(setting);
        if db.one(query).await?.text("value")? == "off" {
            return Err(SurgeError::NotDurable(setting));
        }
    }
    Ok(())
}
