/** Scanners that type like a keyboard: digits, then Enter, wherever the focus is. */

const SCAN_DIGITS_MIN = 8;
/** A hand pauses longer between two digits than a scanner does. */
const PAUSE_MS = 300;

/** @typedef {{ kind: "customer" | "jan" | "other", digits: string }} Scan */

/**
 * What a scanned number is.
 * @param {string} digits
 * @returns {Scan}
 */
export function classify(digits) {
  if (/^\d{24}$/.test(digits)) return { kind: "customer", digits };
  if (/^(\d{8}|\d{13})$/.test(digits) && gs1CheckHolds(digits)) return { kind: "jan", digits };
  return { kind: "other", digits };
}

/** GS1 General Specifications 7.9: weights 3 and 1 from the right, check digit included as 1. */
function gs1CheckHolds(digits) {
  const sum = [...digits]
    .reverse()
    .reduce((total, digit, place) => total + Number(digit) * (place % 2 ? 3 : 1), 0);
  return sum % 10 === 0;
}

/**
 * Listens on the whole page. Fields keep what is typed into them.
 * @param {(scan: Scan) => void} onScan
 */
export function listen(onScan) {
  let digits = "";
  let last = 0;
  window.addEventListener(
    "keydown",
    (event) => {
      if (
        event.target.closest("input, textarea, select") ||
        event.ctrlKey ||
        event.metaKey ||
        event.altKey
      )
        return;
      if (event.timeStamp - last > PAUSE_MS) digits = "";
      last = event.timeStamp;
      if (/^\d$/.test(event.key)) {
        digits += event.key;
      } else if (event.key === "Enter" && digits.length >= SCAN_DIGITS_MIN) {
        // The scanner's Enter must not press the button that happens to have the focus.
        event.preventDefault();
        event.stopPropagation();
        onScan(classify(digits));
        digits = "";
      } else {
        digits = "";
      }
    },
    { capture: true },
  );
}
