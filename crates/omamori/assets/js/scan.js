/** Paying what a store shows: scan, check the store, type the amount if it has none, confirm. */

import { api } from "./api.js";
import { busy, datetime, el, part, yen } from "./dom.js";
import { t } from "./i18n.js";
import { film, reader } from "./reader.js";
import { confirmed } from "./stepup.js";
import { countUnread } from "./wallet.js";

const API = "/api/wallet/v1";
const AMOUNT_MAX = 1_000_000;

const sheet = part("confirm");
let camera = null;
/** The store whose printed QR was scanned. */
let store = null;
/** What is about to be paid; the same while it is tried again. */
let order = null;
let amount = 0;

countUnread();
wire();
start();

function wire() {
  part("camera").addEventListener("click", start);
  part("photo").addEventListener("change", ({ target }) => readPhoto(target));
  part("code").addEventListener("submit", (event) => {
    event.preventDefault();
    const { code } = event.target.elements;
    if (code.value.trim()) busy(event.submitter, () => look(code.value));
  });
  part("keys").addEventListener("click", ({ target }) => {
    const key = target.closest("[data-key]")?.dataset.key;
    if (key) enter(key);
  });
  part("amount-next").addEventListener("click", ({ currentTarget }) => busy(currentTarget, ask));
  part("again").addEventListener("click", again);
  part("confirm-cancel").addEventListener("click", () => sheet.close());
  part("confirm-do").addEventListener("click", ({ currentTarget }) => busy(currentTarget, pay));
  sheet.addEventListener("close", () => order && !store && again());
  window.addEventListener("pagehide", stop);
}

function step(name) {
  for (const place of document.querySelectorAll("[data-step]")) {
    place.hidden = place.dataset.step !== name;
  }
}

async function start() {
  stop();
  camera = new AbortController();
  const { signal } = camera;
  part("camera").hidden = true;
  part("camera-note").textContent = t("scan.starting");
  part("video").addEventListener("playing", () => (part("camera-note").textContent = t("scan.aim")), { signal });
  try {
    if (!navigator.mediaDevices) throw new Error("no camera");
    const text = await film(part("video"), signal);
    if (text) await look(text);
  } catch {
    stop();
    part("camera-note").textContent = t("scan.no_camera");
    part("camera").hidden = false;
  }
}

function stop() {
  camera?.abort();
  camera = null;
}

async function readPhoto(field) {
  const [file] = field.files;
  field.value = "";
  if (!file) return;
  fail("");
  try {
    const text = await (await reader())(await createImageBitmap(file));
    if (text) await look(text);
    else fail(t("scan.photo_empty"));
  } catch {
    fail(t("scan.photo_empty"));
  }
}

function fail(message) {
  part("error").textContent = message;
  part("error").hidden = !message;
}

/** Finds out what a text leads to. A wrong one is said, and the camera goes on. */
async function look(text) {
  stop();
  fail("");
  try {
    const found = await api("POST", `${API}/store-codes/look`, { text });
    if (found.order) return offer(found.order);
    store = found.store;
    part("merchant").textContent = store.merchant_name;
    part("store").textContent = store.store_name;
    amount = 0;
    enter("erase");
    step("amount");
  } catch (error) {
    fail(error.text);
    part("camera-note").textContent = "";
    part("camera").hidden = false;
  }
}

function again() {
  order = null;
  store = null;
  step("scan");
  start();
}

function enter(key) {
  const next = key === "erase" ? Math.floor(amount / 10) : Number(`${amount}${key}`);
  if (next <= AMOUNT_MAX) amount = next;
  part("amount-shown").textContent = yen(amount);
  part("amount-next").disabled = amount === 0;
  part("amount-error").textContent = "";
}

/** Asks for an order in the store's name. */
async function ask() {
  try {
    const wanted = { store_id: store.store_id, amount };
    offer((await api("POST", `${API}/store-orders`, wanted)).order);
  } catch (error) {
    part("amount-error").textContent = error.text;
  }
}

const OVER = { paid: "scan.is_paid", canceled: "scan.is_canceled", expired: "scan.is_expired" };

function offer(found) {
  if (OVER[found.status]) {
    fail(t(OVER[found.status]));
    part("camera-note").textContent = "";
    part("camera").hidden = false;
    return;
  }
  order = found;
  part("confirm-merchant").textContent = order.merchant_name;
  part("confirm-store").textContent = order.store_name;
  part("confirm-amount").textContent = yen(order.amount);
  part("confirm-error").textContent = "";
  part("confirm-items").replaceChildren(
    ...order.items.map(({ name, quantity, unit_price: price }) =>
      el("li", {}, el("span", {}, `${name} × ${quantity}`), el("span", { class: "amount" }, yen(price * quantity))),
    ),
  );
  sheet.showModal();
}

async function pay() {
  part("confirm-error").textContent = "";
  const path = `${API}/orders/${encodeURIComponent(order.order_id)}/pay`;
  const request = { amount: order.amount };
  try {
    const made = order.needs_proof
      ? await confirmed(path, request)
      : await api("POST", path, { request });
    done(made);
  } catch (error) {
    part("confirm-error").textContent = error.text ?? t("passkey.cancelled");
  }
}

/** The screen for the clerk: it says who, how much and when, and moves. */
function done({ payment, store_name: name }) {
  order = null;
  sheet.close();
  part("done-store").textContent = name;
  part("done-amount").textContent = yen(payment.amount);
  const due = payment.amount - payment.amount_due;
  part("done-lines").textContent = due > 0 ? t("scan.with_coupons", { amount: yen(payment.amount_due) }) : "";
  const at = part("done-at");
  at.dateTime = payment.captured_at;
  at.textContent = datetime(payment.captured_at);
  part("done-receipt").href = `/receipt/${encodeURIComponent(payment.payment_id)}`;
  const tick = () => (part("done-clock").textContent = new Date().toLocaleTimeString("ja-JP", { timeZone: "Asia/Tokyo" }));
  tick();
  setInterval(tick, 250);
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(80);
  step("done");
  window.scrollTo(0, 0);
}
