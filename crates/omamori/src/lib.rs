//! Omamori: a self-hosted, prepaid barcode-payment service.
//!
//! One folder is one feature, with its routes, pages, SQL and tests. Features talk through
//! [`gate`] (every act that moves money or changes who can), the ledger behind it, and each
//! other's public verbs; never through each other's tables. `ARCHITECTURE.md` has the map.

pub mod alert;
pub mod app;
pub mod audit;
pub mod backup;
pub mod baseline;
pub mod books;
pub mod case;
pub mod checkout;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod control;
pub mod coupon;
pub mod crowd;
pub mod db;
pub mod dispute;
pub mod gate;
pub mod id;
pub mod identity;
pub mod incident;
pub mod language;
pub mod law;
pub mod limit;
pub mod load;
pub mod merchant;
pub mod networks;
pub mod notify;
pub mod observe;
pub mod openapi;
pub mod order;
pub mod pos;
pub mod privacy;
pub mod reconcile;
pub mod refund;
pub mod risk;
pub mod rng;
pub mod secret;
pub mod send;
pub mod server;
pub mod settlement;
pub mod terms;
pub mod till;
pub mod topup;
pub mod typed;
pub mod value;
pub mod wallet;
pub mod web;
pub mod webhook;
pub mod worker;
