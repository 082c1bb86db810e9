/** A sale happens once or not at all, whatever the network does. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

// Loaded as a module by its media type, as a page does: these assets have no package.json.
const source = readFileSync(new URL("./operation.js", import.meta.url), "utf8");
const { inquire, perform } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

const LOST = Object.assign(new Error("network"), { status: 0, unknown: true });
const DECLINED = Object.assign(new Error("insufficient_funds"), { status: 422, unknown: false });
const ABSENT = Object.assign(new Error("payment_not_found"), { status: 404, unknown: false });
const HELD = Object.assign(new Error("payment_held"), { code: "payment_held", status: 409 });
const TURNED_DOWN = Object.assign(new Error("no"), { code: "payment_refused", status: 422 });
const canceled = { payment: { status: "canceled" } };
const sale = { kind: "payment", id: "S1", body: { merchant_payment_id: "S1", amount: 498 } };
const refund = { kind: "refund", id: "R1", body: { merchant_refund_id: "R1", amount: 120 } };
const captured = { payment: { status: "captured" } };

/** An API that answers from a script, and remembers what it was asked. */
function scripted(...answers) {
  const asked = [];
  const api = async (method, path) => {
    asked.push(`${method} ${path.replace("/api/pos/v1/", "")}`);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { api, asked, wait: async () => {} };
}

async function outcome(act, operation, ...answers) {
  const { api, asked, wait } = scripted(...answers);
  const result = await act(operation, api, wait);
  return [result.state, asked];
}

test("a clear answer needs no inquiry", async () => {
  assert.deepEqual(await outcome(perform, sale, captured), ["done", ["POST payments"]]);
  assert.deepEqual(await outcome(perform, sale, DECLINED), ["refused", ["POST payments"]]);
});

test("a held sale is asked for until staff have decided, and never sent again", async () => {
  const [post, get] = ["POST payments", "GET payments/S1"];
  assert.deepEqual(await outcome(perform, sale, HELD, HELD, LOST, captured), [
    "done",
    [post, get, get, get],
  ]);
  assert.deepEqual(await outcome(perform, sale, HELD, TURNED_DOWN), ["refused", [post, get]]);
  assert.deepEqual(await outcome(perform, sale, HELD, canceled), ["undone", [post, get]]);
  assert.deepEqual(await outcome(perform, sale, LOST, HELD, captured), ["done", [post, get, get]]);
  assert.deepEqual(await outcome(inquire, sale, TURNED_DOWN), ["refused", [get]]);
});

test("a lost answer is asked for, and the sale is not sent again", async () => {
  assert.deepEqual(await outcome(perform, sale, LOST, LOST, captured), [
    "done",
    ["POST payments", "GET payments/S1", "GET payments/S1"],
  ]);
});

test("a sale that the server does not know is closed under its name", async () => {
  assert.deepEqual(await outcome(perform, sale, LOST, ABSENT, { payment: null }), [
    "undone",
    ["POST payments", "GET payments/S1", "POST payments/S1/cancel"],
  ]);
});

test("while nothing answers, the end stays unknown", async () => {
  const [state, asked] = await outcome(perform, sale, LOST, LOST, LOST, LOST, LOST);
  assert.equal(state, "unknown");
  assert.equal(asked.filter((request) => request === "POST payments").length, 1);
  assert.deepEqual(await outcome(perform, sale, LOST, ABSENT, LOST), [
    "unknown",
    ["POST payments", "GET payments/S1", "POST payments/S1/cancel"],
  ]);
});

test("a cancelled sale is not shown as paid", async () => {
  assert.deepEqual(await outcome(inquire, sale, { payment: { status: "canceled" } }), [
    "undone",
    ["GET payments/S1"],
  ]);
});

test("an inquiry that is refused tells nothing about the sale", async () => {
  const limited = Object.assign(new Error("too_many_requests"), { status: 429, unknown: false });
  assert.deepEqual(await outcome(perform, sale, LOST, limited, captured), [
    "done",
    ["POST payments", "GET payments/S1", "GET payments/S1"],
  ]);
  assert.equal((await outcome(perform, sale, LOST, ABSENT, limited))[0], "unknown");
  assert.equal((await outcome(perform, refund, LOST, ABSENT, limited))[0], "unknown");
  assert.equal((await outcome(perform, refund, LOST, ABSENT, DECLINED))[0], "refused");
});

test("a refund that the server does not know is sent again under its name", async () => {
  assert.deepEqual(await outcome(perform, refund, LOST, ABSENT, { refund: {}, payment: {} }), [
    "done",
    ["POST refunds", "GET refunds/R1", "POST refunds"],
  ]);
});
