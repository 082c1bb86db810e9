/** Passkeys in the browser: make one, use one, and say plainly what went wrong. */

import { api } from "./api.js";
import { t } from "./i18n.js";

/** Why a passkey was not made or used. */
export class PasskeyError extends Error {
  /** @param {"cancelled" | "exists" | "unsupported" | "failed"} reason */
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }

  /** What to tell the person. */
  get text() {
    return t(TEXTS[this.reason]);
  }
}

const TEXTS = {
  cancelled: "passkey.cancelled",
  exists: "passkey.exists",
  unsupported: "passkey.unsupported",
  failed: "passkey.failed",
};

/** By the names of DOMExceptions that WebAuthn gives (§5.1.3, §5.1.4). */
const REASONS = {
  NotAllowedError: "cancelled", // refused, timed out, or no such passkey: on purpose not told apart
  AbortError: "cancelled",
  InvalidStateError: "exists",
  NotSupportedError: "unsupported",
  ConstraintError: "unsupported",
};

/** Whether this browser knows passkeys. */
export function canUsePasskeys() {
  return typeof globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON === "function";
}

/**
 * Asks the authenticator for a new passkey.
 * @param {{publicKey: object}} options as the server gave them
 * @param {AbortSignal} [signal]
 * @returns {Promise<object>} the credential, as JSON
 */
export function create({ publicKey }, signal) {
  return ask(() => navigator.credentials.create({
    publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey), signal,
  }));
}

/**
 * Asks the authenticator to sign with a passkey.
 * @param {{publicKey: object}} options as the server gave them
 * @param {AbortSignal} [signal]
 * @returns {Promise<object>} the credential, as JSON
 */
export function use({ publicKey }, signal) {
  return ask(() => navigator.credentials.get({
    publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey), signal,
  }));
}

async function ask(question) {
  if (!canUsePasskeys()) throw new PasskeyError("unsupported");
  let credential;
  try {
    credential = await question();
  } catch (error) {
    throw new PasskeyError(REASONS[error.name] ?? "failed");
  }
  return credential.toJSON();
}

/**
 * Signs in with a passkey, at `path`/options and `path`/finish.
 * @param {string} path
 * @param {(method: string, path: string) => Promise<Record<string, string>>} [headers] for the answer
 * @returns {Promise<any>} the server's answer
 */
export async function usePasskey(path, headers = async () => ({})) {
  const credential = await use(await api("POST", `${path}/options`));
  const finish = `${path}/finish`;
  return api("POST", finish, { credential }, await headers("POST", finish));
}

/**
 * Makes a passkey for a person with an invitation, at `path`/options and `path`/finish.
 * @param {string} path
 * @param {{invite: string, name: string}} person
 */
export async function createPasskey(path, { invite, name }) {
  const credential = await create(await api("POST", `${path}/options`, { invite, name }));
  return api("POST", `${path}/finish`, { invite, credential });
}
