/**
 * Where to go after sign-in or sign-up: the page of an order that waits. It is kept in this tab, never in an
 * address, so nobody else can say where.
 */

const KEY = "omamori.return";
const PLACE = /^\/pay\/[\w-]{20,64}$/;

/** Remembers the page that wants somebody to be signed in. */
export function returnTo(path) {
  if (PLACE.test(path)) sessionStorage.setItem(KEY, path);
}

/** That page, once; otherwise the wallet. */
export function placeAfterSignin() {
  const path = sessionStorage.getItem(KEY) ?? "";
  sessionStorage.removeItem(KEY);
  return PLACE.test(path) ? path : "/";
}
