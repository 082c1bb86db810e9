/** What every page of the wallet does: says at once what happened to the money, and follows. */

import { datetime, part, yen } from "./dom.js";
import { follow } from "./events.js";
import { t } from "./i18n.js";
import { refreshRegions } from "./regions.js";

const TITLES = {
  payment: "happened.payment",
  refund: "happened.refund",
  cancel: "happened.cancel",
  topup: "happened.topup",
  topup_cancel: "happened.topup_cancel",
};
/** Older events, delivered after a pause, change the page but open no sheet. */
const FRESH_MS = 120_000;

/**
 * Follows the customer's entries.
 * @param {(entry: object) => void} [onEntry] called for each, first
 */
export function followWallet(onEntry = () => {}) {
  part("happened-close").addEventListener("click", () => sheet().close());
  follow(
    "/api/wallet/v1/events",
    (name, entry) => {
      if (name !== "entry") return;
      onEntry(entry);
      refresh();
      if (Date.now() - new Date(entry.at).getTime() < FRESH_MS) announce(entry);
    },
    refresh,
  );
}

function refresh() {
  refreshRegions().catch(() => {}); // the next event, or the reader, asks again
}

function sheet() {
  return document.getElementById("happened");
}

function announce(entry) {
  const dialog = sheet();
  document.querySelector("[data-bright]")?.close();
  dialog.dataset.kind = entry.kind;
  part("happened-title").textContent = t(TITLES[entry.kind] ?? "entry.other");
  part("happened-amount").textContent = yen(Math.abs(entry.amount));
  part("happened-store").textContent = `${entry.store_name} · ${datetime(entry.at)}`;
  part("happened-balance").textContent = yen(entry.balance);
  const link = part("happened-receipt");
  link.href = entry.payment_id ? `/receipt/${encodeURIComponent(entry.payment_id)}` : "/history";
  link.textContent = t(entry.payment_id ? "happened.receipt" : "happened.history");
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(80);
  if (!dialog.open) dialog.showModal();
  part("happened-close").focus();
}
