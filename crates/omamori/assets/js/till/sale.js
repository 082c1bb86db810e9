/** A sale: shelf, keypad, cart, payment. */

import { el, part, toast, yen } from "../dom.js";
import { t } from "../i18n.js";
import { AMOUNT_MAX, Cart } from "./cart.js";
import { hide, show, showBusy, showRefused } from "./result.js";
import { askForCode } from "./scan.js";
import { printPayment } from "./slip.js";
import { newId, pos, run } from "./till.js";

const cart = new Cart();
let products = [];
let keyed = 0;

/** Fills the shelf. */
export async function startSale() {
  wireKeypad();
  part("cart-pay").addEventListener("click", () =>
    askForCode({ title: t("till.sale"), amount: cart.total }, pay),
  );
  part("cart-clear").addEventListener("click", clear);
  for (const segment of document.querySelectorAll("[data-entry]")) {
    segment.addEventListener("click", () => chooseEntry(segment.dataset.entry));
  }
  try {
    ({ products } = await pos("GET", "/api/pos/v1/products"));
    part("shelf").replaceChildren(...products.map(productButton));
    if (products.length === 0) chooseEntry("keypad");
  } catch {
    part("shelf").replaceChildren(el("p", { class: "empty" }, t("till.shelf_failed")));
  }
}

/** What is in the cart. */
export function currentSale() {
  return { amount: cart.total, items: cart.lines };
}

/** A scanned JAN code. */
export function scanJan(jan) {
  const product = products.find((known) => known.jan === jan);
  if (product) add(product);
  else toast(t("till.unknown_item", { jan }));
}

/** A customer's code, scanned without asking for it. */
export function scanCustomer(code) {
  if (cart.total > 0) pay(code);
  else toast(t("till.cart_first"));
}

/** Shows how a sale ended, also one that was resumed. */
export function showSale(outcome, amount, inquireAgain) {
  const next = () => {
    hide();
    clear();
  };
  const rescan =
    cart.total > 0
      ? () => {
          hide();
          askForCode({ title: t("till.sale"), amount: cart.total }, pay);
        }
      : undefined;
  if (outcome.state === "done") {
    const { payment } = outcome.answer;
    show({
      state: "accepted",
      title: t("till.accepted"),
      amount: payment.amount_due,
      lines: linesOf(payment),
      code: payment.payment_id,
      actions: { next, print: () => printPayment(payment) },
    });
  } else if (outcome.state === "refused") {
    showRefused(t("till.declined"), outcome.error, amount, { rescan, next: () => hide() });
  } else if (outcome.state === "undone") {
    show({
      state: "declined",
      title: t("till.not_paid"),
      amount,
      text: t("till.not_paid_text"),
      actions: { rescan, next: () => hide() },
    });
  } else {
    show({
      state: "unknown",
      title: t("till.unknown"),
      amount,
      text: t("till.unknown_text"),
      actions: { inquire: inquireAgain },
    });
  }
}

/** What was taken off and what came on top, and the coupons that did not fit. */
function linesOf(payment) {
  const lines = payment.discounts.map(({ name, amount }) => [
    `${t("coupons.one")} ${name}`,
    yen(-amount),
  ]);
  if (lines.length > 0) lines.unshift([t("till.total"), yen(payment.amount)]);
  const points = (count) => `${count} ${t("points.unit")}`;
  if (payment.points_used > 0) lines.push([t("receipt.with_points"), points(payment.points_used)]);
  if (payment.points_earned > 0) {
    lines.push([t("receipt.points_earned"), `+${points(payment.points_earned)}`]);
  }
  for (const { name, reason } of payment.coupons_not_applied) {
    if (reason !== "another_applied") lines.push([name, t(`coupons.not.${reason}`)]);
  }
  return lines;
}

async function pay(code) {
  const amount = cart.total;
  const id = newId("S");
  showBusy(amount);
  const body = { merchant_payment_id: id, code, amount, currency: "JPY", items: cart.lines };
  await run({ kind: "payment", id, amount, body });
}

function add(product) {
  if (!cart.add(product)) toast(t("till.too_much"));
  render();
}

function clear() {
  cart.clear();
  key(0);
  render();
}

function render() {
  part("cart-lines").replaceChildren(...cart.lines.map(lineRow));
  part("cart-empty").hidden = cart.lines.length > 0;
  part("cart-total").textContent = yen(cart.total);
  part("cart-count").textContent = cart.count > 0 ? t("till.count", { count: cart.count }) : "";
  part("cart-pay").disabled = cart.total === 0;
  part("cart-qr").disabled = cart.total === 0;
  part("cart-clear").disabled = cart.lines.length === 0;
  part("cart-lines").lastElementChild?.scrollIntoView({ block: "nearest" });
}

function lineRow(line) {
  const change = (by) => () => {
    if (!cart.setQuantity(line, line.quantity + by)) toast(t("till.too_much"));
    render();
  };
  return el(
    "li",
    { class: "cart__line" },
    el(
      "span",
      { class: "cart__name" },
      line.name,
      el("span", { class: "cart__unit" }, yen(line.unit_price)),
    ),
    el(
      "span",
      { class: "stepper" },
      el(
        "button",
        {
          type: "button",
          "aria-label": t("till.less_of", { name: line.name }),
          onclick: change(-1),
        },
        "−",
      ),
      el("span", { class: "amount" }, String(line.quantity)),
      el(
        "button",
        {
          type: "button",
          "aria-label": t("till.more_of", { name: line.name }),
          onclick: change(1),
        },
        "+",
      ),
    ),
    el("span", { class: "amount cart__amount" }, yen(line.unit_price * line.quantity)),
  );
}

function productButton(product) {
  return el(
    "button",
    { type: "button", class: "product", "data-jan": product.jan, onclick: () => add(product) },
    el("span", { class: "product__name" }, product.name),
    el("span", { class: "amount" }, yen(product.unit_price)),
  );
}

function chooseEntry(name) {
  part("shelf").hidden = name !== "shelf";
  part("keypad").hidden = name !== "keypad";
  for (const segment of document.querySelectorAll("[data-entry]")) {
    segment.setAttribute("aria-pressed", String(segment.dataset.entry === name));
  }
}

function wireKeypad() {
  part("keypad-keys").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button)
      key(button.value === "back" ? Math.floor(keyed / 10) : Number(`${keyed}${button.value}`));
  });
  part("keypad-add").addEventListener("click", () => {
    if (keyed === 0) return;
    add({ name: t("till.misc_item"), unit_price: keyed });
    key(0);
  });
}

function key(amount) {
  if (amount > AMOUNT_MAX) return;
  keyed = amount;
  part("keypad-amount").textContent = yen(keyed);
}
