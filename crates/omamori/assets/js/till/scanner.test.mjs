import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

// Loaded as a module by its media type, as a page does: these assets have no package.json.
const source = readFileSync(new URL("./scanner.js", import.meta.url), "utf8");
const { classify } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

test("24 digits are a customer's code", () => {
  assert.equal(classify("998877123456789123456784").kind, "customer");
});

test("8 and 13 digits with a right check digit are goods", () => {
  assert.equal(classify("4901234567894").kind, "jan");
  assert.equal(classify("49123456").kind, "jan");
});

test("one wrong digit is not goods", () => {
  assert.equal(classify("4901234567895").kind, "other");
  assert.equal(classify("4901234567984").kind, "other");
  assert.equal(classify("49123465").kind, "other");
});

test("another length is neither", () => {
  assert.equal(classify("490123456789").kind, "other");
  assert.equal(classify("99887712345678912345678").kind, "other");
});
