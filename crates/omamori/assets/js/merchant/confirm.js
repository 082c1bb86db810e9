/** Acts of the back office that the passkey confirms. */

import { api } from "../api.js";
import { PasskeyError, use } from "../passkey.js";

/**
 * Asks the passkey for this one request, then sends both.
 * @param {string} path
 * @param {object} request
 */
export async function confirmed(path, request) {
  const credential = await use(await api("POST", `${path}/options`, request));
  return api("POST", path, { request, credential });
}

/** What to tell the person when it did not come to be. */
export function told(error) {
  if (!(error instanceof PasskeyError) && error.text === undefined) throw error;
  return error.text;
}
