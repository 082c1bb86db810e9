//! Code 128 and QR codes as SVG.
//!
//! A picture is black modules on its own white ground, quiet zone included, so that it can be read
//! on a dark page too. One unit of the `viewBox` is one module; edges are not blurred
//! (`shape-rendering="crispEdges"`). A page should give it a width that is a whole number of
//! device pixels per module.
//!
//! # The pictures that the phone draws by itself
//!
//! With no network the phone draws the customer's 24 digits alone. `vectors.json`, beside this
//! crate's manifest, holds whole pictures, and both sides are tested against them:
//!
//! - Code 128: start C, twelve pairs of digits, the check symbol, stop: 167 modules, with a quiet
//!   zone of 10 on either side. The height is 48 modules; a page may stretch it.
//! - QR: version 1 (21 × 21 modules), level Q, one segment in numeric mode, mask 0, quiet zone 4.
//!   24 digits need 94 of the 104 bits of 1-Q; level H would hold 17 digits only. The standard
//!   lets a writer take any of the eight masks and advises the one with the lowest penalty. Here
//!   it is always mask 0: for 1,500 random codes its mean penalty was the lowest of the eight, and
//!   it was the advised one for half of them, so choosing would cost the phone code for little.

mod code128;
mod qr;

use std::fmt::Write;

pub use code128::{Bars, code128};
pub use qr::{Level, Matrix, customer_code_qr, qr};

/// Why something cannot be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// There is nothing to draw.
    #[error("there is nothing to draw")]
    Empty,
    /// Code 128 is drawn for printable ASCII only.
    #[error("character {position} is not printable ASCII")]
    NotPrintableAscii {
        /// Index of the first such character, counted from 0.
        position: usize,
    },
    /// More than the largest QR code holds at this level.
    #[error("the text is too long for a QR code of this level")]
    TooLong,
}

/// The dark runs of a line of modules: where each begins and how long it is.
fn dark_runs(modules: &[bool]) -> impl Iterator<Item = (usize, usize)> {
    let mut start = 0;
    modules.chunk_by(|left, right| left == right).filter_map(move |run| {
        let here = start;
        start += run.len();
        run[0].then_some((here, run.len()))
    })
}

/// One rectangle of an SVG path.
fn push_rectangle(path: &mut String, (x, y): (usize, usize), (width, height): (usize, usize)) {
    #[expect(clippy::expect_used, reason = "writing to a String cannot fail")]
    write!(path, "M{x} {y}h{width}v{height}h-{width}z").expect("writing to a String cannot fail");
}

fn svg(width: usize, height: usize, attributes: &str, path: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\"{attributes} \
         shape-rendering=\"crispEdges\"><rect width=\"{width}\" height=\"{height}\" \
         fill=\"#fff\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    )
}
