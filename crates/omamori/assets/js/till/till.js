/** What all parts of the register share: the API with its header, names of operations, memory. */

import { api } from "../api.js";
import { part } from "../dom.js";
import { inquire, perform } from "./operation.js";

const PENDING_KEY = "omamori.till.pending";

/** Where this register stands. */
export const place = part("till").dataset;

/** The POS API as this register. A register whose session ended goes back to the key page. */
export async function pos(method, path, body) {
  try {
    return await api(method, path, body, { "x-omamori-till": "1" });
  } catch (error) {
    if (error.status === 401) location.reload();
    throw error;
  }
}

/** A name that no operation had before: terminal, second, and chance. */
export function newId(letter) {
  const second = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
  const chance = crypto
    .getRandomValues(new Uint32Array(1))[0]
    .toString(36)
    .toUpperCase()
    .padStart(7, "0");
  return `${letter}${second}-${place.terminal.slice(-6)}-${chance}`;
}

/** The operation whose end is not known yet. It outlives a reload; the customer's code does not. */
export function pending() {
  return JSON.parse(localStorage.getItem(PENDING_KEY) ?? "null");
}

/** Performs an operation, remembered until its end is known. */
export async function run(operation) {
  const { code: _, ...body } = operation.body;
  localStorage.setItem(PENDING_KEY, JSON.stringify({ ...operation, body }));
  tell(operation, await perform(operation, pos, wait, () => tellHeld(operation)));
}

/** Asks again for the remembered operation. */
export async function resume(operation) {
  tell(operation, await inquire(operation, pos, wait, () => tellHeld(operation)));
}

function tellHeld(operation) {
  document.dispatchEvent(new CustomEvent("till:held", { detail: operation }));
}

function tell(operation, outcome) {
  if (outcome.state !== "unknown") localStorage.removeItem(PENDING_KEY);
  document.dispatchEvent(new CustomEvent("till:outcome", { detail: { operation, outcome } }));
}

function wait(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
