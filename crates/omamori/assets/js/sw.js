/**
 * The service worker. It adds the phone's proof to every request of the wallet, navigations and forms
 * too, and opens the page with the payment code when there is no network.
 *
 * It keeps nothing of the customer: its cache holds the offline page and what that page is made of.
 */

import { keepSkew, prover } from "/assets/js/device.js";
import { proof } from "/assets/js/dpop.js";

const CACHE = "omamori-offline-1";
const OFFLINE_PAGE = "/offline";
/** Asked for at run time, so not found by reading the page. */
const OFFLINE_TEXTS = ["/assets/i18n/ja.json", "/assets/i18n/en.json"];
const REFRESH_MS = 3_600_000;
/** A network that does not answer for so long is none. */
const NAVIGATION_TIMEOUT_MS = 8_000;
/** A clock that is this far off gets its proofs refused. */
const SKEW_MS = 30_000;
/** How long a page may take to keep a renewed session. */
const RISE_TRIES = 10;
const RISE_WAIT_MS = 50;

/** Surfaces with keys and sessions of their own. */
const NOT_THE_WALLET = [
  "/api/pos/", "/api/merchant/", "/api/admin/", "/till", "/merchant", "/console", "/demo/", "/sw.js",
];

self.addEventListener("install", (event) => {
  // Proofs come first: a page that cannot be kept now is kept at the next navigation.
  event.waitUntil(keepOffline().catch(() => {}));
  self.skipWaiting();
});

self.addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([dropOldCaches(), self.clients.claim()]));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== self.location.origin) return;
  if (pathname.startsWith("/assets/")) {
    if (request.method === "GET") event.respondWith(asset(request));
  } else if (request.mode === "navigate" && request.method === "GET") {
    event.respondWith(navigation(event));
  } else if (!NOT_THE_WALLET.some((prefix) => pathname.startsWith(prefix))) {
    event.respondWith(proved(request));
  }
});

self.addEventListener("push", (event) => {
  const { title, body, tag, path } = event.data.json();
  const icon = "/assets/img/icon-192.png";
  event.waitUntil(self.registration.showNotification(title, { body, tag, icon, data: path }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(show(event.notification.data));
});

/** Brings a page of ours to the front, in a window that is open already if there is one. */
async function show(path) {
  const { origin, href } = new URL(path, self.location.origin);
  if (origin !== self.location.origin) return;
  const [open] = await self.clients.matchAll({ type: "window" });
  const shown = await open?.navigate(href).catch(() => null);
  await (shown ? shown.focus() : self.clients.openWindow(href));
}

async function navigation(event) {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), NAVIGATION_TIMEOUT_MS);
  try {
    const answer = await proved(event.request, timeout.signal);
    event.waitUntil(refreshOffline());
    return answer;
  } catch (error) {
    const page = await caches.match(OFFLINE_PAGE, { cacheName: CACHE });
    if (page) return page;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Sends a request with a proof. If it is refused because this clock is wrong or the session was renewed,
 * once more with what is right: nothing was carried out.
 */
async function proved(request, signal = request.signal) {
  if (request.headers.has("dpop")) return fetch(request);
  const by = await prover();
  if (!by) return fetch(request);
  const body = ["GET", "HEAD"].includes(request.method) ? undefined : await request.arrayBuffer();
  const answer = await fetch(await withProof(request, body, by, signal));
  if (answer.status !== 401) return answer;
  const skewMs = newSkew(answer, by.skewMs);
  if (skewMs !== null) {
    await keepSkew(skewMs);
    return fetch(await withProof(request, body, { ...by, skewMs }, signal));
  }
  const risen = await risenSession(by.ath);
  return risen ? fetch(await withProof(request, body, risen, signal)) : answer;
}

/**
 * The session after its token was renewed by a step-up. The browser has the new cookie a moment before
 * the page has kept what proofs say of it; a request in between is refused, and asks again.
 */
async function risenSession(knownAth) {
  for (let tries = 0; tries < RISE_TRIES; tries += 1) {
    const now = await prover();
    if (!now) return null;
    if (now.ath !== knownAth) return now;
    await new Promise((resolve) => setTimeout(resolve, RISE_WAIT_MS));
  }
  return null;
}

/** The same request with the proof. A navigation cannot be copied with other headers, so all is said again. */
async function withProof(request, body, by, signal) {
  const headers = new Headers(request.headers);
  headers.set("dpop", await proof(request.method, request.url, by));
  return new Request(request.url, {
    method: request.method,
    headers,
    body,
    mode: "same-origin",
    credentials: "same-origin",
    cache: request.cache,
    // Of a navigation this is "manual": the browser itself follows, and asks here again, with
    // another proof for the other address.
    redirect: request.redirect,
    referrer: request.referrer,
    referrerPolicy: request.referrerPolicy,
    signal,
  });
}

/** The clock's difference, if it is not what it was taken for. */
function newSkew(answer, knownMs) {
  const server = Date.parse(answer.headers.get("date") ?? "");
  if (Number.isNaN(server)) return null;
  const skewMs = server - Date.now();
  return Math.abs(skewMs - knownMs) > SKEW_MS ? skewMs : null;
}

/** Assets come from the network, which mostly says "not modified"; without it, from the cache. */
async function asset(request) {
  try {
    const answer = await fetch(request);
    const cache = await caches.open(CACHE);
    if (answer.ok && (await cache.match(request.url))) await cache.put(request.url, answer.clone());
    return answer;
  } catch (error) {
    const kept = await caches.match(request.url, { cacheName: CACHE });
    if (kept) return kept;
    throw error;
  }
}

async function refreshOffline() {
  const page = await caches.match(OFFLINE_PAGE, { cacheName: CACHE });
  const age = Date.now() - Date.parse(page?.headers.get("date") ?? "");
  if (!(age < REFRESH_MS)) await keepOffline().catch(() => {}); // kept as it was; the next hour tries again
}

/** Keeps the offline page and all that it, its style sheets and its scripts refer to. */
async function keepOffline() {
  const kept = new Map();
  const wanted = [OFFLINE_PAGE, ...OFFLINE_TEXTS];
  while (wanted.length > 0) {
    const address = wanted.pop();
    if (kept.has(address)) continue;
    const answer = await fetch(address, { cache: "no-cache" });
    if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
    kept.set(address, answer);
    wanted.push(...references(await answer.clone().text(), answer));
  }
  const cache = await caches.open(CACHE);
  await Promise.all([...kept].map(([address, answer]) => cache.put(address, answer)));
}

/** How each kind of file names others. */
const NAMES = {
  "text/html": /(?:href|src)="([^"]+)"/g,
  "text/css": /url\("?([^")]+)"?\)/g,
  "text/javascript": /\b(?:from|import)\s*"([^"]+)"/g,
};

/** Addresses below /assets/ that a page, a style sheet or a module names. */
function references(text, answer) {
  const kind = answer.headers.get("content-type")?.split(";")[0];
  return [...text.matchAll(NAMES[kind] ?? /$^/g)]
    .map(([, name]) => new URL(name, answer.url))
    .filter((url) => url.origin === self.location.origin && url.pathname.startsWith("/assets/"))
    .map((url) => url.pathname);
}

async function dropOldCaches() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("omamori-") && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}
