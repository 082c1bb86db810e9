/**
 * Proofs of possession (RFC 9449): what shows that a request comes from this phone. Runs in pages and
 * in the service worker, which adds them to the wallet's requests.
 */

import { skew, toBase64url } from "./device.js";

/**
 * A proof for one request.
 * @param {string} method
 * @param {string} address
 * @param {object} by
 * @param {import("./device.js").Signer} by.signer
 * @param {string} [by.ath] the hash of the session's token
 * @param {number} by.skewMs how far this clock is behind the server's
 * @returns {Promise<string>} the value of the header `DPoP`
 */
export async function proof(method, address, { signer, ath, skewMs }) {
  const { origin, pathname } = new URL(address);
  const header = { typ: "dpop+jwt", alg: "ES256", jwk: signer.jwk };
  const claims = {
    htm: method,
    htu: origin + pathname,
    iat: Math.floor((Date.now() + skewMs) / 1000),
    jti: toBase64url(crypto.getRandomValues(new Uint8Array(16))),
    ath,
  };
  const encoder = new TextEncoder();
  const part = (value) => toBase64url(encoder.encode(JSON.stringify(value)));
  const signed = `${part(header)}.${part(claims)}`;
  const ecdsa = { name: "ECDSA", hash: "SHA-256" };
  const signature = await crypto.subtle.sign(ecdsa, signer.key, encoder.encode(signed));
  return `${signed}.${toBase64url(signature)}`;
}

/** The header for a request that has no session yet. */
export async function proofHeader(method, path, signer) {
  const address = new URL(path, location.href).href;
  return { dpop: await proof(method, address, { signer, skewMs: await skew() }) };
}

const WORKER = "/sw.js";

// Pages load no script whose address was put together at run time. This policy lets one through.
const scripts = globalThis.document && globalThis.trustedTypes?.createPolicy("omamori", {
  createScriptURL: (address) => {
    if (address !== WORKER) throw new TypeError("no other worker");
    return address;
  },
});

/** Starts the service worker, if this browser has such, and waits until it runs. */
export async function startWorker() {
  const address = scripts ? scripts.createScriptURL(WORKER) : WORKER;
  await navigator.serviceWorker.register(address, { type: "module", scope: "/", updateViaCache: "none" });
  await navigator.serviceWorker.ready;
}

/** Whether this browser can hold keys and run the service worker. Private windows of some cannot. */
export function canProve() {
  return isSecureContext && "serviceWorker" in navigator && "indexedDB" in globalThis && Boolean(crypto.subtle);
}
