/**
 * Sales that the customer pays by scanning: the QR on this screen, and what others paid by the store's
 * printed QR. Both are told by the server's events; what a break of the line hides is asked for.
 */

import { el, part, toast, yen, datetime } from "../dom.js";
import { follow } from "../events.js";
import { t } from "../i18n.js";
import { statusChip } from "./slip.js";
import { newId, pos } from "./till.js";

const EVENTS = "/api/pos/v1/events";
const ORDERS = "/api/pos/v1/orders";
const KEY = "omamori.till.order";
/** Beside the events, for a line that is silent. */
const ASK_EVERY_MS = 4_000;
const LISTED = 20;

let current = null;
let timer = null;
let onPaid = () => {};

/**
 * Wires the panel and follows the store.
 * @param {(payment: object) => void} paid called when the sale on this screen is paid
 */
export function startQr(paid) {
  onPaid = paid;
  part("order-cancel").addEventListener("click", giveUp);
  part("order").addEventListener("cancel", (event) => {
    event.preventDefault(); // a QR that is put away must not be paid
    giveUp();
  });
  part("paid-close").addEventListener("click", () => (part("paid").hidden = true));
  follow(EVENTS, happened, lookAgain, { "x-omamori-till": "1" });
  list();
  const left = localStorage.getItem(KEY);
  if (left) pos("GET", `${ORDERS}/${left}`).then(({ order }) => settle(order), forget);
}

/** Shows the QR of a sale. */
export async function showQr({ amount, items }) {
  const id = newId("Q");
  localStorage.setItem(KEY, id);
  try {
    const body = { merchant_payment_id: id, amount, currency: "JPY", items };
    settle((await pos("POST", ORDERS, body)).order);
  } catch (error) {
    if (error.unknown) return giveUpUnknown(id);
    forget();
    toast(error.text);
  }
}

/** Whether a QR is shown that waits for its customer. */
export function isShowing() {
  return part("order").open;
}

/** An order as the server has it now: shown, or done with. */
function settle(order) {
  if (order.status === "paid") return finish(order.payment);
  if (order.status !== "open") {
    close();
    return toast(t(order.status === "expired" ? "till.qr_expired" : "till.qr_canceled"));
  }
  current = order;
  const image = new Image();
  image.alt = "QR";
  image.src = `data:image/svg+xml,${encodeURIComponent(order.qr_svg)}`;
  part("order-qr").replaceChildren(image);
  part("order-amount").textContent = yen(order.amount);
  part("order-code").textContent = order.code.replace(/^(.{5})/, "$1-");
  clearInterval(timer);
  let asked = Date.now();
  const tick = () => {
    const left = new Date(order.expires_at).getTime() - Date.now();
    part("order-left").textContent = t("till.qr_left", { time: minutes(Math.max(0, left)) });
    if (left <= 0) return giveUp();
    if (Date.now() - asked < ASK_EVERY_MS) return;
    asked = Date.now();
    pos("GET", `${ORDERS}/${order.merchant_payment_id}`).then(
      ({ order: now }) => isCurrent(order) && now.status !== "open" && settle(now),
      () => {}, // the next look asks again
    );
  };
  tick();
  timer = setInterval(tick, 500);
  if (!part("order").open) part("order").showModal();
}

function isCurrent(order) {
  return current?.merchant_payment_id === order.merchant_payment_id;
}

function minutes(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function close() {
  clearInterval(timer);
  current = null;
  if (part("order").open) part("order").close();
  forget();
}

function forget() {
  localStorage.removeItem(KEY);
}

function finish(payment) {
  close();
  onPaid(payment);
}

/** Takes the QR away, so that it cannot be paid any more; or hears that it has just been. */
async function giveUp() {
  if (!current) return;
  clearInterval(timer);
  const { merchant_payment_id: id } = current;
  try {
    settle((await pos("POST", `${ORDERS}/${id}/cancel`)).order);
  } catch (error) {
    if (error.code === "order_paid") return settle((await pos("GET", `${ORDERS}/${id}`)).order);
    toast(error.text);
    settle(current); // still there: the clerk tries again
  }
}

/** An order of which nobody knows whether it is there: its payment is canceled under its id. */
async function giveUpUnknown(id) {
  toast(t("till.qr_failed"));
  await pos("POST", `/api/pos/v1/payments/${id}/cancel`).then(forget, () => {});
}

function happened(name, payment) {
  if (name !== "payment") return lookAgain();
  if (!payment.order_id) return;
  list();
  if (current?.order_id === payment.order_id) return finish(payment);
  if (payment.terminal_id) return; // another register's QR: it says so itself
  part("paid-amount").textContent = yen(payment.amount);
  part("paid-at").textContent = datetime(payment.captured_at);
  part("paid").hidden = false;
}

function lookAgain() {
  list();
  if (current) {
    pos("GET", `${ORDERS}/${current.merchant_payment_id}`).then(({ order }) => settle(order), () => {});
  }
}

/** What was paid by QR lately, the newest first. */
async function list() {
  const answer = await pos("GET", "/api/pos/v1/payments?limit=100").catch(() => null);
  if (!answer) return;
  const paid = answer.payments.filter((payment) => payment.order_id).slice(0, LISTED);
  part("qr-paid").replaceChildren(...paid.map(row));
  part("qr-paid-none").hidden = paid.length > 0;
}

function row(payment) {
  const way = payment.terminal_id ? t("till.qr_register") : t("till.qr_printed");
  return el(
    "li",
    { class: "receipt-row", "data-qr-payment": payment.payment_id },
    el(
      "span",
      { class: "row__what" },
      el("span", { class: "row__name" }, datetime(payment.captured_at)),
      el("span", { class: "row__note" }, way),
    ),
    statusChip(payment.status),
    el("span", { class: "amount" }, yen(payment.amount)),
  );
}
