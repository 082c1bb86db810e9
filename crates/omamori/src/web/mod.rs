//! What every surface shares: errors and their texts, strict JSON, languages, headers, assets.
//! Not here: any feature's route, any SQL.

pub mod assets;
pub mod codes;
pub mod csv;
pub mod error;
pub mod filters;
pub mod headers;
pub mod json;
pub mod page;
pub(crate) mod permission;
pub mod text;
