/** The web register: which panel is open, and where each scan goes. */

import { busy, part } from "../dom.js";
import { loadReceipts, showRefund, startReceipts } from "./receipts.js";
import { isShowing, showQr, startQr } from "./qr.js";
import * as result from "./result.js";
import * as sale from "./sale.js";
import { isWaiting, take } from "./scan.js";
import { listen } from "./scanner.js";
import { pending, pos, resume } from "./till.js";
import * as topup from "./topup.js";

const SHOW = { payment: sale.showSale, topup: topup.showTopup, refund: showRefund };

let mode = "sale";

function enter(name) {
  mode = name;
  for (const panel of document.querySelectorAll("[data-panel]"))
    panel.hidden = panel.dataset.panel !== name;
  for (const tab of document.querySelectorAll("[data-mode]")) {
    if (tab.dataset.mode === name) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  if (name === "receipts") loadReceipts();
}

function route({ kind, digits }) {
  if (isWaiting()) {
    take(digits);
    return;
  }
  if (isShowing() || (document.querySelector("dialog[open]") && !result.isFinal())) return;
  if (result.isFinal()) part("result-next").click();
  if (kind === "customer") (mode === "topup" ? topup : sale).scanCustomer(digits);
  else if (mode === "sale") sale.scanJan(digits);
}

function ask(operation) {
  result.showBusy(operation.amount);
  resume(operation);
}

for (const tab of document.querySelectorAll("[data-mode]")) {
  tab.addEventListener("click", () => enter(tab.dataset.mode));
}
part("till-signout").addEventListener("click", async () => {
  await pos("DELETE", "/till/session");
  location.reload();
});
document.addEventListener("till:outcome", ({ detail: { operation, outcome } }) => {
  SHOW[operation.kind](outcome, operation.amount, () => ask(operation));
});
document.addEventListener("till:held", ({ detail: { id, amount } }) => {
  // What a cancel brought about is found by the one who waits.
  result.showHeld(amount, () => pos("POST", `/api/pos/v1/payments/${id}/cancel`).catch(() => {}));
});

part("cart-qr").addEventListener("click", ({ currentTarget }) =>
  busy(currentTarget, () => showQr(sale.currentSale())),
);

listen(route);
sale.startSale();
topup.startTopup();
startReceipts();
startQr((payment) => sale.showSale({ state: "done", answer: { payment } }, payment.amount));

// A reload in the middle of a sale must not forget it.
const left = pending();
if (left) ask(left);
