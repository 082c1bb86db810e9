import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

// Loaded as a module by its media type, as a page does: these assets have no package.json.
const source = readFileSync(new URL("./cart.js", import.meta.url), "utf8");
const { AMOUNT_MAX, Cart } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

const tea = { jan: "4900000000016", name: "tea", unit_price: 178 };

test("the same goods share a line, goods without a code do not", () => {
  const cart = new Cart();
  cart.add(tea);
  cart.add(tea);
  cart.add({ name: "other", unit_price: 100 });
  cart.add({ name: "other", unit_price: 100 });
  assert.equal(cart.lines.length, 3);
  assert.equal(cart.count, 4);
  assert.equal(cart.total, 556);
  assert.deepEqual(cart.lines[0], { ...tea, quantity: 2 });
  assert.ok(!("jan" in cart.lines[1]));
});

test("a line without pieces goes away", () => {
  const cart = new Cart();
  cart.add(tea);
  cart.setQuantity(cart.lines[0], 0);
  assert.deepEqual(cart.lines, []);
});

test("a sale never grows past one payment", () => {
  const cart = new Cart();
  assert.ok(cart.add({ name: "ring", unit_price: AMOUNT_MAX }));
  assert.ok(!cart.add({ name: "box", unit_price: 1 }));
  assert.ok(!cart.setQuantity(cart.lines[0], 2));
  assert.equal(cart.total, AMOUNT_MAX);
});

test("a line holds at most 999 pieces", () => {
  const cart = new Cart();
  cart.add({ name: "bag", jan: "4900000000023", unit_price: 0 });
  assert.ok(cart.setQuantity(cart.lines[0], 999));
  assert.ok(!cart.add({ name: "bag", jan: "4900000000023", unit_price: 0 }));
});
