/**
 * One money operation, sent so that it happens once or not at all, whatever the network does.
 *
 * The till names the operation before it sends it. When no clear answer comes, it never sends the
 * sale again: it asks for the name. If the server does not know the name, a sale or a top-up is
 * cancelled under it, so that the first request, should it still be on its way, is refused. A
 * refund cannot be cancelled, so it is sent again under its name, which refunds once.
 */

const ROUTES = {
  payment: "/api/pos/v1/payments",
  topup: "/api/pos/v1/topups",
  refund: "/api/pos/v1/refunds",
};
const PAUSES_MS = [0, 1_000, 2_000, 4_000];
/** A rule said no; other errors say nothing about what became of the operation. */
const REFUSALS = new Set([404, 409, 422]);

/**
 * @typedef {object} Operation
 * @property {"payment" | "topup" | "refund"} kind
 * @property {string} id the till's own name for it
 * @property {object} [body] what to send; a resumed sale has none any more
 *
 * @typedef {{ state: "done", answer: any } | { state: "undone" } | { state: "unknown" }
 *   | { state: "refused", error: any }} Outcome
 */

/**
 * Sends an operation and finds out what became of it.
 * @param {Operation} operation
 * @param {(method: string, path: string, body?: object) => Promise<any>} api
 * @param {(milliseconds: number) => Promise<void>} wait
 * @returns {Promise<Outcome>}
 */
export async function perform(operation, api, wait) {
  try {
    return { state: "done", answer: await api("POST", ROUTES[operation.kind], operation.body) };
  } catch (error) {
    if (!error.unknown) return { state: "refused", error };
  }
  return inquire(operation, api, wait);
}

/** Finds out what became of an operation that got no clear answer. */
export async function inquire(operation, api, wait) {
  for (const pause of PAUSES_MS) {
    await wait(pause);
    try {
      return settled(await api("GET", `${ROUTES[operation.kind]}/${operation.id}`), operation);
    } catch (error) {
      if (error.status === 404) return closeUnknown(operation, api);
    }
  }
  return { state: "unknown" };
}

async function closeUnknown(operation, api) {
  try {
    if (operation.kind === "refund") {
      return { state: "done", answer: await api("POST", ROUTES.refund, operation.body) };
    }
    await api("POST", `${ROUTES[operation.kind]}/${operation.id}/cancel`);
    return { state: "undone" };
  } catch (error) {
    const refused = operation.kind === "refund" && REFUSALS.has(error.status);
    return refused ? { state: "refused", error } : { state: "unknown" };
  }
}

function settled(answer, operation) {
  return answer[operation.kind].status === "canceled"
    ? { state: "undone" }
    : { state: "done", answer };
}
