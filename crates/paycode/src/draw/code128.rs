//! Code 128 (ISO/IEC 15417): subset C for an even number of digits, else subset B.

use std::iter::once;

use super::{DrawError, dark_runs, push_rectangle, svg};

const QUIET_ZONE_MODULES: usize = 10;
const HEIGHT_MODULES: usize = 48;

const START_B: usize = 104;
const START_C: usize = 105;
const STOP: &str = "2331112";

/// Widths of bar, space, bar, space, bar, space of the symbols 0 to 105.
const SYMBOLS: [&str; 106] = [
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212",
    "221213", "221312", "231212", "112232", "122132", "122231", "113222", "123122", "123221",
    "223211", "221132", "221231", "213212", "223112", "312131", "311222", "321122", "321221",
    "312212", "322112", "322211", "212123", "212321", "232121", "111323", "131123", "131321",
    "112313", "132113", "132311", "211313", "231113", "231311", "112133", "112331", "132131",
    "113123", "113321", "133121", "313121", "211331", "231131", "213113", "213311", "213131",
    "311123", "311321", "331121", "312113", "312311", "332111", "314111", "221411", "431111",
    "111224", "111422", "121124", "121421", "141122", "141221", "112214", "112412", "122114",
    "122411", "142112", "142211", "241211", "221114", "413111", "241112", "134111", "111242",
    "121142", "121241", "114212", "124112", "124211", "411212", "421112", "421211", "212141",
    "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311",
    "113141", "114131", "311141", "411131", "211412", "211214", "211232",
];

/// A line of modules, without its quiet zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bars(Vec<bool>);

impl Bars {
    /// The modules from left to right; true is dark.
    #[must_use]
    pub fn modules(&self) -> &[bool] {
        &self.0
    }

    /// The picture, with a quiet zone of 10 modules on either side. It may be stretched to any
    /// height (`preserveAspectRatio="none"`).
    #[must_use]
    pub fn svg(&self) -> String {
        let mut path = String::new();
        for (x, width) in dark_runs(&self.0) {
            push_rectangle(&mut path, (QUIET_ZONE_MODULES + x, 0), (width, HEIGHT_MODULES));
        }
        let width = self.0.len() + 2 * QUIET_ZONE_MODULES;
        svg(width, HEIGHT_MODULES, " preserveAspectRatio=\"none\"", &path)
    }
}

/// The bars of a text of printable ASCII.
///
/// # Errors
/// [`DrawError::Empty`], [`DrawError::NotPrintableAscii`].
pub fn code128(text: &str) -> Result<Bars, DrawError> {
    if text.is_empty() {
        return Err(DrawError::Empty);
    }
    if let Some(position) = text.chars().position(|character| !matches!(character, ' '..='~')) {
        return Err(DrawError::NotPrintableAscii { position });
    }
    let symbols = symbols(text.as_bytes());
    let weighted = symbols.iter().enumerate().map(|(place, symbol)| place.max(1) * symbol);
    let check = weighted.sum::<usize>() % 103;
    let widths = (symbols.iter().chain(once(&check)).map(|&symbol| SYMBOLS[symbol])).chain([STOP]);
    // Every symbol begins with a bar and ends with a space, and has an even number of both.
    let modules = widths.flat_map(|widths| {
        widths.bytes().enumerate().flat_map(|(place, width)| {
            std::iter::repeat_n(place % 2 == 0, usize::from(width - b'0'))
        })
    });
    Ok(Bars(modules.collect()))
}

/// The start symbol and the data symbols.
fn symbols(text: &[u8]) -> Vec<usize> {
    let (pairs, rest) = text.as_chunks::<2>();
    if rest.is_empty() && text.iter().all(u8::is_ascii_digit) {
        let value = |digit: u8| usize::from(digit - b'0');
        let data = pairs.iter().map(|&[tens, ones]| value(tens) * 10 + value(ones));
        once(START_C).chain(data).collect()
    } else {
        once(START_B).chain(text.iter().map(|&byte| usize::from(byte - b' '))).collect()
    }
}
