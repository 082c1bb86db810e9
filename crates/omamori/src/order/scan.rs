//! `/scan`: the page with the camera, and the reading of its pictures where the browser cannot.
//!
//! Some browsers bring a reader of QR codes; for the others small grey pictures come here. No
//! script of others runs on a page, and nothing of a picture is stored or logged.

use std::sync::Arc;

use askama::Template;
use axum::Json as Answer;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::app::App;
use crate::clock::SECOND;
use crate::identity::{Customer, PageCustomer, RateLimit};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// The longest side of a picture, in pixels.
const SIDE_MAX: usize = 640;
/// The bytes of the largest one.
pub const FRAME_BYTES_MAX: usize = SIDE_MAX * SIDE_MAX;
/// Pictures that one node reads at a time; others are asked to come again. A picture takes some
/// milliseconds, and payments come first.
const READERS: usize = 2;
/// No code of a store is longer (EMVCo).
const TEXT_MAX: usize = 512;

/// What the reading of codes is bounded by.
pub struct Scanning {
    frames: RateLimit<u128>,
    looks: RateLimit<u128>,
    readers: Arc<Semaphore>,
}

impl Default for Scanning {
    fn default() -> Self {
        Self {
            frames: RateLimit::new(40, SECOND / 4),
            looks: RateLimit::new(30, 2 * SECOND),
            readers: Arc::new(Semaphore::new(READERS)),
        }
    }
}

impl Scanning {
    /// Counts a code that a customer looks up, so that nobody tries many.
    ///
    /// # Errors
    /// [`Code::TooManyRequests`].
    pub(super) fn look(&self, app: &App, customer: &Customer) -> Result<()> {
        self.looks.check(customer.wallet_account, app.clock.now())
    }
}

#[derive(Template)]
#[template(path = "scan.html")]
struct ScanPage {
    text: Text,
    sandbox: bool,
    balance: i64,
}

/// `GET /scan`
pub async fn show(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    let balance = app.gate.balance(customer.wallet_account);
    page(&ScanPage { text, sandbox: app.sandbox(), balance })
}

/// The size of a picture.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameSize {
    width: usize,
    height: usize,
}

/// What was read; null if there is no code in the picture.
#[derive(Serialize)]
pub struct FrameAnswer {
    text: Option<String>,
}

/// `POST /api/wallet/v1/scan-frames`: a picture of `width` × `height` bytes, one a pixel, 0 black.
pub async fn frame(
    State(app): State<Arc<App>>,
    customer: Customer,
    size: std::result::Result<Query<FrameSize>, QueryRejection>,
    headers: HeaderMap,
    body: std::result::Result<Bytes, BytesRejection>,
) -> Result<Answer<FrameAnswer>> {
    let Query(FrameSize { width, height }) =
        size.map_err(|_| Error::field("width", "malformed"))?;
    for (field, side) in [("width", width), ("height", height)] {
        if !(1..=SIDE_MAX).contains(&side) {
            return Err(Error::field(field, "out_of_range"));
        }
    }
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != "application/octet-stream") {
        return Err(Code::UnsupportedMediaType.into());
    }
    let pixels = body.map_err(|_| Error::Refused(Code::BodyTooLarge))?;
    if pixels.len() != width * height {
        return Err(Error::field("", "malformed"));
    }
    let scanning = &app.scanning;
    scanning.frames.check(customer.wallet_account, app.clock.now())?;
    let permit = scanning.readers.clone().try_acquire_owned();
    let permit = permit.map_err(|_| Error::RetryAfter(Code::Busy, 1))?;
    let reading = tokio::task::spawn_blocking(move || {
        let text = read_qr(&pixels, width, height);
        drop(permit);
        text
    });
    // A picture at which the reader stumbles is one without a code.
    Ok(Answer(FrameAnswer { text: reading.await.unwrap_or_default() }))
}

/// The text of the first QR code in a grey picture.
fn read_qr(pixels: &[u8], width: usize, height: usize) -> Option<String> {
    let grey = |x: usize, y: usize| pixels[y * width + x];
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width, height, grey);
    let read = |grid: &rqrr::Grid<_>| grid.decode().ok().map(|(_, text)| text);
    let text = picture.detect_grids().iter().find_map(read)?;
    (text.chars().count() <= TEXT_MAX).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use omamori_paycode::draw::{Level, qr};
    use proptest::prelude::*;

    /// A picture of a code, `scale` pixels a module, on grey paper.
    fn picture(text: &str, scale: usize) -> (Vec<u8>, usize) {
        let matrix = qr(text, Level::M).unwrap();
        let side = (matrix.rows().len() + 8) * scale;
        let mut pixels = vec![220; side * side];
        for (y, row) in matrix.rows().iter().enumerate() {
            for x in (0..row.len()).filter(|x| row[*x]) {
                for dy in 0..scale {
                    let start = ((y + 4) * scale + dy) * side + (x + 4) * scale;
                    pixels[start..start + scale].fill(35);
                }
            }
        }
        (pixels, side)
    }

    #[test]
    fn what_was_drawn_is_read() {
        for text in ["ABCDE12345", "0002010102126304 サンプル商店 ¥498"] {
            for scale in [3, 5, 8] {
                let (pixels, side) = picture(text, scale);
                assert_eq!(read_qr(&pixels, side, side).as_deref(), Some(text));
            }
        }
        assert_eq!(read_qr(&[128; 100], 10, 10), None);
    }

    proptest! {
        /// Goal: whatever is sent, the reader comes to an end; a panic of it is caught above.
        #[test]
        fn noise_is_no_code(seed in prop::collection::vec(any::<u8>(), 4_096)) {
            let read = std::panic::catch_unwind(|| read_qr(&seed, 64, 64));
            prop_assert!(!matches!(read, Ok(Some(_))));
        }
    }
}
