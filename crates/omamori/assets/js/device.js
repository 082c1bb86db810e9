/**
 * This phone's keys and what belongs to them, in IndexedDB. Runs in pages and in the service worker.
 *
 * Keys are kept as CryptoKey objects that nobody can export, this script included: they can be used
 * here and nowhere else. Next to them lie facts that are no secrets.
 */

const DATABASE = "omamori";
const STORE = "phone";
const CURVE = "P-256";
const CODE_PURPOSE = "omamori paycode v1";

/**
 * @typedef {object} Signer a key that proves requests
 * @property {CryptoKey} key
 * @property {JsonWebKey} jwk its public half
 *
 * @typedef {object} Enrolment what the server says of an enrolled phone
 * @property {string} device_id
 * @property {number} device_number
 * @property {string} prefix
 * @property {JsonWebKey} server_agree_key
 * @property {string} salt base64url
 */

/** Makes the two keys of a phone that is being enrolled, and keeps them: an answer may get lost. */
export async function makeKeys() {
  const sign = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: CURVE }, false, ["sign", "verify"]);
  const agree = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: CURVE }, false, ["deriveKey"]);
  const keys = {
    signer: { key: sign.privateKey, jwk: await publicJwk(sign.publicKey) },
    agreement: { key: agree.privateKey, jwk: await publicJwk(agree.publicKey) },
  };
  await put("pending", keys);
  // Without this the browser may throw the keys away when the disk is full.
  await navigator.storage?.persist?.();
  return keys;
}

/**
 * Makes the pending keys those of this phone.
 * @param {Enrolment} enrolment
 */
export async function keepEnrolment(enrolment) {
  const { signer, agreement } = await get("pending");
  const codeKey = await deriveCodeKey(agreement.key, enrolment);
  await transact("readwrite", (store) => {
    store.put(
      { signer, codeKey, id: enrolment.device_id, number: enrolment.device_number, prefix: enrolment.prefix },
      "device",
    );
    store.delete("pending");
  });
}

/** What the payment code is made of; null on a phone that is not enrolled. */
export async function codeDevice() {
  const device = await get("device");
  return device && { prefix: device.prefix, deviceNumber: device.number, hmacKey: device.codeKey };
}

/**
 * The key that proves this phone's requests; null on a phone that is not enrolled.
 * @returns {Promise<Signer | null>}
 */
export async function deviceSigner() {
  return (await get("device"))?.signer ?? null;
}

/**
 * The key of a phone that is being enrolled: a recovery takes a day.
 * @returns {Promise<Signer | null>}
 */
export async function pendingSigner() {
  return (await get("pending"))?.signer ?? null;
}

/**
 * Keeps what proofs say of the session, or forgets it.
 * @param {{ath: string} | null} session
 */
export function keepSession(session) {
  return session ? put("session", { ath: session.ath }) : transact("readwrite", (store) => store.delete("session"));
}

/** How far this phone's clock is behind the server's, in milliseconds. */
export function keepSkew(skewMs) {
  return put("skew", skewMs);
}

/**
 * All that a proof needs, read at once; null where there is no session.
 * @returns {Promise<{signer: Signer, ath: string, skewMs: number} | null>}
 */
export async function prover() {
  const [device, session, skewMs] = await getAll("device", "session", "skew");
  return device && session ? { signer: device.signer, ath: session.ath, skewMs: skewMs ?? 0 } : null;
}

/** The clock's difference as last seen. */
export async function skew() {
  return (await get("skew")) ?? 0;
}

async function publicJwk(key) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", key);
  return { kty, crv, x, y };
}

/** ECDH, then HKDF-SHA-256, from key to key: the secret's bytes are never in this script's hands. */
async function deriveCodeKey(agreementKey, enrolment) {
  const ecdh = { name: "ECDH", namedCurve: CURVE };
  const server = await crypto.subtle.importKey("jwk", enrolment.server_agree_key, ecdh, false, []);
  const shared = await crypto.subtle.deriveKey(
    { name: "ECDH", public: server }, agreementKey, { name: "HKDF" }, false, ["deriveKey"],
  );
  const number = String(enrolment.device_number).padStart(9, "0");
  const hkdf = {
    name: "HKDF",
    hash: "SHA-256",
    salt: fromBase64url(enrolment.salt),
    info: new TextEncoder().encode(CODE_PURPOSE + number),
  };
  const hmac = { name: "HMAC", hash: "SHA-256", length: 256 };
  return crypto.subtle.deriveKey(hkdf, shared, hmac, false, ["sign"]);
}

/** Bytes as base64url without padding (RFC 4648 §5). */
export function toBase64url(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The bytes of a base64url text. */
export function fromBase64url(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}

async function get(name) {
  const [value] = await getAll(name);
  return value ?? null;
}

async function getAll(...names) {
  let requests;
  await transact("readonly", (store) => {
    requests = names.map((name) => store.get(name));
  });
  return requests.map((request) => request.result);
}

function put(name, value) {
  return transact("readwrite", (store) => store.put(value, name));
}

/** Runs `act` on the store and resolves when all of it is on disk. */
async function transact(mode, act) {
  const database = await open();
  try {
    await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode, { durability: "strict" });
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
      act(transaction.objectStore(STORE));
    });
  } finally {
    database.close();
  }
}

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
