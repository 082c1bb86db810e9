/** The server's clock, as seen from this phone: codes are made with it, offline too. */

import { api } from "./api.js";

const KEY = "omamori.clock-offset-ms";

let offsetMs = Number(localStorage.getItem(KEY) ?? 0);

/** Milliseconds since 1970, corrected by what the server last said. */
export function nowMs() {
  return Date.now() + offsetMs;
}

/** Compares this phone's clock with the server's. Without network the last comparison stays. */
export async function synchronise() {
  const asked = Date.now();
  const { now_ms: server } = await api("GET", "/api/wallet/v1/time");
  const answered = Date.now();
  offsetMs = Math.round(server - (asked + answered) / 2);
  localStorage.setItem(KEY, String(offsetMs));
}
