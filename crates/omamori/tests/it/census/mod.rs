//! Counts of everything there is of a kind, taken from the sources, so that what is new is not
//! forgotten: statements, tables, routes, pages.

mod baseline;
mod conflicts;
mod pages;
mod roles;
pub mod routes;
mod schema;
mod source;
mod statements;
