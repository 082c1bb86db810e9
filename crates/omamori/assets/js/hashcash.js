/** Searching for a hash that begins with enough zero bits. Nothing of the page is needed here. */

/** Hashes at once: enough to keep the browser's crypto thread busy. */
const BATCH = 256;

/** The first counter that makes a hash begin with `bits` zero bits. */
export async function search(request, bits) {
  for (let first = 0; ; first += BATCH) {
    const counters = Array.from({ length: BATCH }, (_, n) => first + n);
    const hashes = await Promise.all(counters.map((counter) => hash(request, counter)));
    const found = hashes.findIndex((bytes) => leadingZeros(bytes) >= bits);
    if (found >= 0) return counters[found];
  }
}

function hash(request, counter) {
  const digits = encode(String(counter));
  const bytes = new Uint8Array(request.length + digits.length);
  bytes.set(request);
  bytes.set(digits, request.length);
  return sha256(bytes);
}

function leadingZeros(bytes) {
  const [first, second] = [0, 4].map((place) => new DataView(bytes.buffer).getUint32(place));
  return first === 0 ? 32 + Math.clz32(second) : Math.clz32(first);
}

/** SHA-256 of bytes. */
export async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** A text as UTF-8. */
export function encode(text) {
  return new TextEncoder().encode(text);
}
