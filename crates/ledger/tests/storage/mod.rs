//! Journal, engine, views and verification, each test on SQLite and on PostgreSQL.

mod companion;
mod crash;
mod engine;
mod journal;
mod nodes;
mod place;
mod random;
mod shop;
mod tamper;
mod views;
