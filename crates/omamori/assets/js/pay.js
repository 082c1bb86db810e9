/** The page that an online shop sends its customer to: look, approve, go back. */

import { api } from "./api.js";
import { busy, part } from "./dom.js";
import { t } from "./i18n.js";
import { returnTo } from "./return.js";
import { confirmed } from "./stepup.js";

/** How often a page that waits asks what became of the order. */
const POLL_MS = 3_000;
/** How long the page says "paid" before it goes back by itself. */
const BACK_MS = 2_500;
/** Says, in this tab and until the next page, that the payment was made just now. */
const PAID_KEY = "omamori.pay-done";

const page = document.querySelector("[data-pay]");
const { pay: token, order, amount, status, back } = page.dataset;
const signedIn = "signedIn" in page.dataset;
const state = `/api/pay/v1/${encodeURIComponent(token)}`;

for (const link of document.querySelectorAll("[data-pay-signin]")) {
  link.addEventListener("click", () => returnTo(location.pathname));
}
part("pay-do")?.addEventListener("click", ({ currentTarget }) => busy(currentTarget, pay).catch(failed));
part("pay-cancel")?.addEventListener("click", ({ currentTarget }) => busy(currentTarget, cancel).catch(failed));

if (status === "open") setInterval(poll, POLL_MS);
if (status === "paid" && sessionStorage.getItem(PAID_KEY) === token) {
  sessionStorage.removeItem(PAID_KEY);
  setTimeout(() => location.assign(back), BACK_MS);
}
// Who comes back by the browser's button sees what is so now, and not what was.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) location.reload();
});

async function pay() {
  tell("");
  await confirmed(`/api/wallet/v1/orders/${encodeURIComponent(order)}/pay`, { amount: Number(amount) });
  sessionStorage.setItem(PAID_KEY, token);
  location.reload();
}

async function cancel() {
  tell("");
  const ended = await api("POST", `${state}/cancel`);
  location.assign(ended.back);
}

/** The phone may have paid, or another tab. */
async function poll() {
  if (document.querySelector("dialog[open]")) return;
  const now = await api("GET", state).catch(() => null);
  if (!now || now.status === "open") return;
  if (signedIn || now.status === "expired") location.reload();
  else location.assign(now.back);
}

function failed(error) {
  tell(error.text ?? t("passkey.cancelled"));
  if (["order_paid", "order_expired", "payment_canceled"].includes(error.code)) location.reload();
}

function tell(message) {
  part("pay-error").textContent = message;
}
