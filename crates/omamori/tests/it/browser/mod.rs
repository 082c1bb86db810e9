//! The pages in a real browser: headless Chromium against a running server, with a fingerprint
//! sensor played by the browser, an independent barcode reader, and a network that can break.
//!
//! Nothing waits for a time: each step waits, for a bounded time, until the page shows it. Every
//! browser is closed with a look at its log: an error of a script or a violation of the content
//! security policy on any page fails the test.

mod atm;
mod authenticator;
mod autotopup;
mod backoffice;
#[expect(clippy::module_inception, reason = "the feature and its main thing have one name")]
mod browser;
mod cardtopup;
mod chromedriver;
mod counter;
mod desk_dialogs;
mod devices;
mod dispute;
mod firsttopup;
mod house;
mod phone;
mod reader;
mod wire;

mod checkout;
mod closing;
mod console;
mod contacts;
mod external;
mod factors;
mod finance;
mod incident;
mod lost;
mod merchant;
mod ownlimits;
mod password;
mod password_phones;
mod payback;
mod pictures;
mod privacy;
mod register;
mod register_network;
mod rise;
mod rules;
mod send;
mod sessions;
mod settings;
mod signin;
mod signup;
mod storeqr;
mod totp;
mod value;
mod webhooks;
mod whole_way;
