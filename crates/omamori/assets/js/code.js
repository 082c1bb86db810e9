/**
 * The customer's payment code, computed and drawn on the phone: it needs no network.
 *
 * This is the twin of the Rust crate `omamori-paycode` (modules `code` and `draw`), which explains
 * every rule; `crates/paycode/vectors.json` holds both to the same results. It runs in pages and in
 * service workers: no DOM, no dependency. Pictures are SVG texts.
 */

const STEP_SECONDS = 30;
const REFRESH_COUNTS = 4;
const CODE_DIGITS = 24;
const DEVICE_DIGITS = 9;
const ONE_TIME_DIGITS = 8;

/**
 * The number of the 30-second step that contains an instant.
 * @param {number} nowSeconds Unix time in seconds
 * @returns {number}
 */
export function timeStep(nowSeconds) {
  return Math.floor(nowSeconds / STEP_SECONDS);
}

/**
 * The eight one-time digits of a step.
 * @param {CryptoKey} hmacKey the device's secret, for HMAC with SHA-256
 * @param {number | bigint} step
 * @param {number} count how often the customer refreshed within the step: 0 to 3
 * @returns {Promise<string>}
 */
export async function oneTime(hmacKey, step, count) {
  if (!(Number.isInteger(count) && count >= 0 && count < REFRESH_COUNTS)) {
    throw new RangeError("the refresh count is 0 to 3");
  }
  const message = new DataView(new ArrayBuffer(9));
  message.setBigUint64(0, BigInt(step));
  message.setUint8(8, count);
  const mac = new DataView(await crypto.subtle.sign("HMAC", hmacKey, message));
  const offset = mac.getUint8(31) & 0x0f;
  const value = (mac.getUint32(offset) & 0x7fffffff) % 10 ** ONE_TIME_DIGITS;
  return String(value).padStart(ONE_TIME_DIGITS, "0");
}

/**
 * The 24 digits to show now.
 * @param {object} parts
 * @param {string} parts.prefix the operator's six digits
 * @param {number} parts.deviceNumber at most nine digits
 * @param {CryptoKey} parts.hmacKey
 * @param {number} parts.nowSeconds Unix time in seconds
 * @param {number} parts.count 0 to 3
 * @returns {Promise<string>}
 */
export async function customerCode({ prefix, deviceNumber, hmacKey, nowSeconds, count }) {
  const device = String(deviceNumber).padStart(DEVICE_DIGITS, "0");
  const body = prefix + device + (await oneTime(hmacKey, timeStep(nowSeconds), count));
  return requireCode(body + luhnCheckDigit(body));
}

/** The digit that makes the Luhn sum of `digits` and itself a multiple of ten. */
function luhnCheckDigit(digits) {
  let sum = 0;
  [...digits].reverse().forEach((digit, place) => {
    const weighted = Number(digit) * (place % 2 === 0 ? 2 : 1);
    sum += Math.floor(weighted / 10) + (weighted % 10);
  });
  return (10 - (sum % 10)) % 10;
}

function requireCode(digits) {
  if (!/^[0-9]+$/.test(digits) || digits.length !== CODE_DIGITS) {
    throw new RangeError("a code is 24 digits");
  }
  return digits;
}

// Code 128 (ISO/IEC 15417), subset C

const CODE128_QUIET = 10;
const CODE128_HEIGHT = 48;
const CODE128_START_C = 105;
const CODE128_STOP = "2331112";

/** Widths of bar, space, bar, space, bar, space of the symbols 0 to 105. */
const CODE128_SYMBOLS = `
212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132
122231 113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212
322112 322211 212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 231113 231311
112133 112331 132131 113123 113321 133121 313121 211331 231131 213113 213311 213131 311123 311321
331121 312113 312311 332111 314111 221411 431111 111224 111422 121124 121421 141122 141221 112214
112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212
124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 114311 411113
411311 113141 114131 311141 411131 211412 211214 211232`.trim().split(/\s+/);

/**
 * The modules of the bars, without quiet zones: "1" is dark.
 * @param {string} digits 24 digits
 * @returns {string}
 */
export function code128Modules(digits) {
  const pairs = requireCode(digits).match(/../g).map(Number);
  const check = pairs.reduce((sum, pair, place) => sum + (place + 1) * pair, CODE128_START_C) % 103;
  const symbols = [CODE128_START_C, ...pairs, check].map((symbol) => CODE128_SYMBOLS[symbol]);
  return [...symbols, CODE128_STOP]
    .flatMap((widths) => [...widths].map((width, place) => String(1 - (place % 2)).repeat(width)))
    .join("");
}

/**
 * The code as bars. A page may stretch them to any height.
 * @param {string} digits 24 digits
 * @returns {string} an SVG document
 */
export function code128Svg(digits) {
  const modules = code128Modules(digits);
  const path = darkRuns(modules).map(([x, width]) =>
    rectangle(CODE128_QUIET + x, 0, width, CODE128_HEIGHT));
  const width = modules.length + 2 * CODE128_QUIET;
  return svg(width, CODE128_HEIGHT, ' preserveAspectRatio="none"', path.join(""));
}

// QR code (ISO/IEC 18004): version 1, level Q, numeric mode, mask 0

const QR_SIZE = 21;
const QR_QUIET = 4;
const QR_DATA_CODEWORDS = 13;
const QR_CHECK_CODEWORDS = 13;
/** Level Q (11) and mask 0 (000), with their BCH code, XORed with the fixed pattern. */
const QR_FORMAT = 0b011010101011111;

/**
 * The rows of the symbol, without quiet zone: "1" is dark.
 * @param {string} digits 24 digits
 * @returns {string[]}
 */
export function qrRows(digits) {
  const rows = Array.from({ length: QR_SIZE }, () => new Array(QR_SIZE).fill(null));
  drawFunctionPatterns(rows);
  drawFormat(rows);
  const data = qrDataCodewords(requireCode(digits));
  drawCodewords(rows, [...data, ...qrCheckCodewords(data)]);
  return rows.map((row) => row.map(Number).join(""));
}

/**
 * The code as a QR code.
 * @param {string} digits 24 digits
 * @returns {string} an SVG document
 */
export function qrSvg(digits) {
  const path = qrRows(digits).flatMap((row, y) =>
    darkRuns(row).map(([x, width]) => rectangle(QR_QUIET + x, QR_QUIET + y, width, 1)));
  const size = QR_SIZE + 2 * QR_QUIET;
  return svg(size, size, "", path.join(""));
}

/** Mode, number of digits, each three digits in ten bits, terminator; then padding. */
function qrDataCodewords(digits) {
  const bits = (value, width) => value.toString(2).padStart(width, "0");
  const triples = digits.match(/.../g).map((triple) => bits(Number(triple), 10));
  const stream = bits(0b0001, 4) + bits(digits.length, 10) + triples.join("") + "0000";
  const codewords = stream.match(/.{1,8}/g).map((byte) => parseInt(byte.padEnd(8, "0"), 2));
  for (let pad = 0xec; codewords.length < QR_DATA_CODEWORDS; pad ^= 0xec ^ 0x11) {
    codewords.push(pad);
  }
  return codewords;
}

/** The remainder of the data, as a polynomial over GF(2^8), divided by the generator. */
function qrCheckCodewords(data) {
  const generator = qrGenerator();
  const remainder = new Array(QR_CHECK_CODEWORDS).fill(0);
  for (const codeword of data) {
    const factor = codeword ^ remainder.shift();
    remainder.push(0);
    generator.forEach((coefficient, place) => {
      remainder[place] ^= multiply(coefficient, factor);
    });
  }
  return remainder;
}

/** The product of (x - 2^i) for i from 0 to 12, without its leading 1. */
function qrGenerator() {
  const generator = new Array(QR_CHECK_CODEWORDS).fill(0);
  generator[QR_CHECK_CODEWORDS - 1] = 1;
  for (let degree = 0, root = 1; degree < QR_CHECK_CODEWORDS; degree += 1) {
    for (let place = 0; place < QR_CHECK_CODEWORDS; place += 1) {
      const next = place + 1 < QR_CHECK_CODEWORDS ? generator[place + 1] : 0;
      generator[place] = multiply(generator[place], root) ^ next;
    }
    root = multiply(root, 2);
  }
  return generator;
}

/** Multiplication in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1. */
function multiply(left, right) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    product ^= ((right >> bit) & 1) * left;
  }
  return product;
}

/** Three finder patterns with their separators, two timing lines, the dark module. */
function drawFunctionPatterns(rows) {
  const last = QR_SIZE - 7;
  for (const [top, left] of [[0, 0], [0, last], [last, 0]]) {
    for (let y = -1; y <= 7; y += 1) {
      for (let x = -1; x <= 7; x += 1) {
        const ring = Math.max(Math.abs(x - 3), Math.abs(y - 3));
        if (rows[top + y]?.[left + x] !== undefined) {
          rows[top + y][left + x] = ring !== 2 && ring !== 4;
        }
      }
    }
  }
  for (let place = 8; place < QR_SIZE - 8; place += 1) {
    rows[6][place] = place % 2 === 0;
    rows[place][6] = place % 2 === 0;
  }
  rows[QR_SIZE - 8][8] = true;
}

/** The format, twice: around the first finder pattern, and split between the two others. */
function drawFormat(rows) {
  for (let bit = 0; bit < 15; bit += 1) {
    const dark = ((QR_FORMAT >> bit) & 1) === 1;
    // The copy beside the first pattern skips the timing lines in row and column 6.
    if (bit < 8) {
      rows[bit < 6 ? bit : bit + 1][8] = dark;
      rows[8][QR_SIZE - 1 - bit] = dark;
    } else {
      rows[8][bit === 8 ? 7 : 14 - bit] = dark;
      rows[QR_SIZE - 15 + bit][8] = dark;
    }
  }
}

/** The codewords' bits, masked, in columns of two from the right, up and down in turn. */
function drawCodewords(rows, codewords) {
  const bits = codewords.flatMap((codeword) =>
    [7, 6, 5, 4, 3, 2, 1, 0].map((bit) => (codeword >> bit) & 1));
  let upwards = true;
  let next = 0;
  for (const right of [20, 18, 16, 14, 12, 10, 8, 5, 3, 1]) {
    for (let step = 0; step < QR_SIZE; step += 1) {
      const y = upwards ? QR_SIZE - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (rows[y][x] === null) {
          rows[y][x] = (bits[next] === 1) !== ((x + y) % 2 === 0);
          next += 1;
        }
      }
    }
    upwards = !upwards;
  }
}

// SVG

/** Where each dark run of a line of modules begins, and how long it is. */
function darkRuns(modules) {
  return [...modules.matchAll(/1+/g)].map((run) => [run.index, run[0].length]);
}

function rectangle(x, y, width, height) {
  return `M${x} ${y}h${width}v${height}h-${width}z`;
}

function svg(width, height, attributes, path) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}"${attributes}` +
    ` shape-rendering="crispEdges"><rect width="${width}" height="${height}" fill="#fff"/>` +
    `<path fill="#000" d="${path}"/></svg>`;
}
