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
/** Staff look at a payment before it is made: the server says so until they have decided. */
const HELD = "payment_held";
const HELD_PAUSE_MS = 3_000;
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
 * @param {() => void} [onHeld] called when staff look at it first
 * @returns {Promise<Outcome>}
 */
export async function perform(operation, api, wait, onHeld = () => {}) {
  try {
    return { state: "done", answer: await api("POST", ROUTES[operation.kind], operation.body) };
  } catch (error) {
    if (error.code === HELD) return decided(operation, api, wait, onHeld);
    if (!error.unknown) return { state: "refused", error };
  }
  return inquire(operation, api, wait, onHeld);
}

/** Waits until staff have decided, or the clerk has cancelled under the operation's name. */
async function decided(operation, api, wait, onHeld) {
  onHeld();
  for (;;) {
    await wait(HELD_PAUSE_MS);
    try {
      return settled(await api("GET", `${ROUTES[operation.kind]}/${operation.id}`), operation);
    } catch (error) {
      if (error.code !== HELD && !error.unknown) return { state: "refused", error };
    }
  }
}

/** Finds out what became of an operation that got no clear answer. */
export async function inquire(operation, api, wait, onHeld = () => {}) {
  for (const pause of PAUSES_MS) {
    await wait(pause);
    try {
      return settled(await api("GET", `${ROUTES[operation.kind]}/${operation.id}`), operation);
    } catch (error) {
      if (error.code === HELD) return decided(operation, api, wait, onHeld);
      if (error.code === "payment_refused") return { state: "refused", error };
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
