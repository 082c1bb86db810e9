/** All requests of the pages: JSON in, JSON out, one kind of error. */

import { lang, t } from "./i18n.js";

const TIMEOUT_MS = 15_000;

/** Why a request did not succeed. */
export class ApiError extends Error {
  /**
   * @param {string} code the server's stable code, or `network` or `timeout`
   * @param {number} status 0 when there was no answer
   * @param {object} [envelope] the server's `error`
   */
  constructor(code, status, envelope = {}) {
    super(envelope.message ?? code);
    this.code = code;
    this.status = status;
    this.clerkText = envelope.clerk_text;
    this.customerText = envelope.customer_text;
    this.requestId = envelope.request_id;
    /** Why, where a code cannot say it. */
    this.reason = envelope.reason;
    /** What is wrong with fields: `{field, code}`. */
    this.fields = envelope.fields ?? [];
  }

  /** Whether the request may have taken effect all the same. */
  get unknown() {
    return this.status === 0 || this.status >= 500;
  }

  /** What to tell the person at this screen. */
  get text() {
    if (this.code === "network") return t("error.network");
    if (this.code === "timeout") return t("error.timeout");
    return this.customerText?.[lang] ?? t("error.text");
  }
}

/**
 * Asks the server.
 * @param {string} method
 * @param {string} path
 * @param {object} [body] sent as JSON
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>} the answer's JSON; null if it has none
 * @throws {ApiError}
 */
export async function api(method, path, body, headers = {}) {
  let answer;
  let text;
  try {
    answer = await fetch(path, {
      method,
      headers: {
        accept: "application/json",
        ...(body ? { "content-type": "application/json" } : {}),
        ...headers,
      },
      body: body ? JSON.stringify(body) : undefined,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = await answer.text();
  } catch (error) {
    throw new ApiError(error.name === "TimeoutError" ? "timeout" : "network", 0);
  }
  const json = parsed(text);
  if (answer.ok) return json;
  throw new ApiError(json?.error?.code ?? "internal", answer.status, json?.error);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * A file of ours.
 * @param {string} address
 * @returns {Promise<Blob>}
 * @throws {ApiError}
 */
export async function fetchFile(address) {
  let answer;
  try {
    answer = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw new ApiError(error.name === "TimeoutError" ? "timeout" : "network", 0);
  }
  if (answer.ok) return answer.blob();
  const json = parsed(await answer.text());
  throw new ApiError(json?.error?.code ?? "internal", answer.status, json?.error);
}

/**
 * A page of ours as a document. XMLHttpRequest parses it itself; pages may not turn text into HTML.
 * @param {string} address
 * @returns {Promise<Document>}
 */
export function fetchPage(address) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.timeout = TIMEOUT_MS;
    request.onload = () =>
      request.status === 200 && request.response
        ? resolve(request.response)
        : reject(new ApiError("internal", request.status));
    request.onerror = () => reject(new ApiError("network", 0));
    request.ontimeout = () => reject(new ApiError("timeout", 0));
    request.send();
  });
}
