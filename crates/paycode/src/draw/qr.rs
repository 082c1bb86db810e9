//! QR codes (ISO/IEC 18004). The matrix is `fast_qr`'s, the picture ours.

use fast_qr::{ECL, Mask, Mode, QRBuilder, QRCode, Version};

use super::{DrawError, dark_runs, push_rectangle, svg};
use crate::code::CustomerCode;

const QUIET_ZONE_MODULES: usize = 4;

/// How much of a symbol may be lost before it cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// About 7 %.
    L,
    /// About 15 %: a good level for a printed store code.
    M,
    /// About 25 %.
    Q,
    /// About 30 %.
    H,
}

/// A square of modules, without its quiet zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix(Vec<Vec<bool>>);

impl Matrix {
    /// The rows from top to bottom, each from left to right; true is dark.
    #[must_use]
    pub fn rows(&self) -> &[Vec<bool>] {
        &self.0
    }

    /// The picture, with a quiet zone of 4 modules all around.
    #[must_use]
    pub fn svg(&self) -> String {
        let mut path = String::new();
        for (y, row) in self.0.iter().enumerate() {
            for (x, width) in dark_runs(row) {
                let corner = (QUIET_ZONE_MODULES + x, QUIET_ZONE_MODULES + y);
                push_rectangle(&mut path, corner, (width, 1));
            }
        }
        let size = self.0.len() + 2 * QUIET_ZONE_MODULES;
        svg(size, size, "", &path)
    }
}

impl From<&QRCode> for Matrix {
    fn from(symbol: &QRCode) -> Self {
        let row = |y: usize| symbol[y].iter().map(|module| module.value()).collect();
        Self((0..symbol.size).map(row).collect())
    }
}

/// The smallest symbol that holds a text, as UTF-8 where it is not digits or capital letters.
///
/// # Errors
/// [`DrawError::Empty`], [`DrawError::TooLong`].
pub fn qr(text: &str, level: Level) -> Result<Matrix, DrawError> {
    if text.is_empty() {
        return Err(DrawError::Empty);
    }
    let level = match level {
        Level::L => ECL::L,
        Level::M => ECL::M,
        Level::Q => ECL::Q,
        Level::H => ECL::H,
    };
    let symbol = QRBuilder::new(text).ecl(level).build().map_err(|_| DrawError::TooLong)?;
    Ok(Matrix::from(&symbol))
}

/// The fixed symbol of a customer's code; [the module's page](super) says which and why.
#[must_use]
pub fn customer_code_qr(code: &CustomerCode) -> Matrix {
    let symbol = QRBuilder::new(code.to_string())
        .version(Version::V01)
        .ecl(ECL::Q)
        .mode(Mode::Numeric)
        .mask(Mask::Checkerboard)
        .build();
    #[expect(clippy::expect_used, reason = "24 digits fit into the 27 of version 1-Q")]
    Matrix::from(&symbol.expect("24 digits fit into the 27 of version 1-Q"))
}
