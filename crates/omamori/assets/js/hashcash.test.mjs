/** The work is what the server counts: checked with another implementation of SHA-256. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";

import { search } from "./hashcash.js";

test("the counter makes a hash with enough zero bits, and is the first that does", async () => {
  const request = createHash("sha256").update("challenge.proof").digest();
  const zeros = (counter) => {
    const hash = createHash("sha256").update(request).update(String(counter)).digest();
    return Math.clz32(hash.readUInt32BE(0));
  };
  const counter = await search(new Uint8Array(request), 10);
  assert.ok(zeros(counter) >= 10);
  for (let earlier = 0; earlier < counter; earlier += 1) assert.ok(zeros(earlier) < 10, earlier);
});
