// Run with: node --test crates/omamori/assets/js/

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");

// A page says that a script is a module by how it loads it. Node.js would go by a package.json,
// which these assets do not have; an address with a media type tells it as well.
const { code128Modules, code128Svg, customerCode, oneTime, qrRows, qrSvg, timeStep } =
  await import(`data:text/javascript,${encodeURIComponent(read("./code.js"))}`);

const vectors = JSON.parse(read("../../../paycode/vectors.json"));

function hmacKey(hex) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", Buffer.from(hex, "hex"), algorithm, false, ["sign"]);
}

test("one-time digits are as computed elsewhere", async () => {
  assert.ok(vectors.codes.length >= 10);
  for (const { secret, step, count, one_time } of vectors.codes) {
    assert.equal(await oneTime(await hmacKey(secret), BigInt(step), count), one_time);
  }
});

test("codes are as computed elsewhere, throughout their step", async () => {
  const cases = vectors.codes.filter(({ step }) => Number.isSafeInteger(Number(step) * 30));
  assert.equal(cases.length, vectors.codes.length - 1);
  for (const { secret, device, step, count, code } of cases) {
    const parts = {
      prefix: vectors.prefix, deviceNumber: device, hmacKey: await hmacKey(secret), count,
    };
    for (const second of [0, 29.999]) {
      const nowSeconds = Number(step) * 30 + second;
      assert.equal(await customerCode({ ...parts, nowSeconds }), code);
    }
    assert.notEqual(await customerCode({ ...parts, nowSeconds: Number(step) * 30 + 30 }), code);
  }
});

test("a step is thirty seconds", () => {
  assert.deepEqual([0, 29, 30, 1_800_000_000.5].map(timeStep), [0, 0, 1, 60_000_000]);
});

test("bars are as drawn elsewhere", () => {
  assert.ok(vectors.code128.length > 0);
  for (const { digits, modules, svg } of vectors.code128) {
    assert.equal(code128Modules(digits), modules);
    assert.equal(code128Svg(digits), svg);
  }
});

test("QR codes are as drawn elsewhere", () => {
  const { symbols, ...kind } = vectors.qr;
  assert.deepEqual(kind, { version: 1, level: "Q", mode: "numeric", mask: 0 });
  assert.ok(symbols.length > 0);
  for (const { digits, rows, svg } of symbols) {
    assert.deepEqual(qrRows(digits), rows);
    assert.equal(qrSvg(digits), svg);
  }
});

test("what is no code is not shown", async () => {
  for (const digits of ["", "1".repeat(23), "1".repeat(25), `${"1".repeat(23)}x`]) {
    assert.throws(() => code128Svg(digits), RangeError);
    assert.throws(() => qrSvg(digits), RangeError);
  }
  const key = await hmacKey("00".repeat(32));
  for (const count of [-1, 4, 0.5]) {
    await assert.rejects(oneTime(key, 1, count), RangeError);
  }
  const parts = { prefix: "999931", deviceNumber: 1, hmacKey: key, nowSeconds: 0, count: 0 };
  await assert.rejects(customerCode({ ...parts, deviceNumber: 1_000_000_000 }), RangeError);
  await assert.rejects(customerCode({ ...parts, prefix: "99993" }), RangeError);
});
