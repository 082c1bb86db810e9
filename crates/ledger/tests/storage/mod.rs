//! Journal, engine, views and verification, each test on SQLite and on PostgreSQL.

mod engine;
mod place;
mod shop;
