/**
 * Proof of work: what the server asks for while much goes wrong where this request comes from. A second of
 * this phone for one request is nothing; for a list of a million passwords it is days.
 */

import { api } from "./api.js";
import { encode, search, sha256 } from "./hashcash.js";

const CHALLENGE = "/api/wallet/v1/signin/password/work";

/**
 * Works for one request.
 * @param {string} proof the `DPoP` header of that request
 * @returns {Promise<string>} the value of the header `omamori-work`
 */
export async function work(proof) {
  const { challenge, bits } = await api("POST", CHALLENGE);
  const counter = await search(await sha256(encode(`${challenge}.${proof}`)), bits);
  return `${challenge}.${counter}`;
}
