/**
 * What every page of the wallet does: says at once what happened to the money, follows, and shows at
 * the bell how many notices are new.
 */

import { api } from "./api.js";
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
  send_waiting: "happened.send",
  send: "happened.send",
  receive: "happened.receive",
  topup_card: "happened.topup",
  topup_auto: "happened.topup_auto",
  topup_atm: "happened.topup",
  chargeback: "entry.chargeback",
  compensation: "entry.compensation",
  compensation_back: "entry.compensation_back",
  reversal: "entry.reversal",
  refund_claim: "entry.refund_claim",
  refund_claim_back: "entry.refund_claim_back",
  excluded: "entry.excluded",
  points: "happened.points",
  authorization: "happened.authorization",
  authorization_ended: "happened.authorization_ended",
  payment_held: "happened.payment_held",
  payment_held_ended: "happened.payment_held_ended",
  gift: "happened.gift",
};
/** Older events, delivered after a pause, change the page but open no sheet. */
const FRESH_MS = 120_000;

/**
 * Follows the customer's entries and notices.
 * @param {(entry: object) => void} [onEntry] called for each, first
 * @param {() => void} [onRefresh] called when the page shows what is new
 */
export function followWallet(onEntry = () => {}, onRefresh = () => {}) {
  const refresh = () => refreshRegions().then(onRefresh).catch(() => {}); // the next event asks again
  const lookAgain = () => {
    refresh();
    countUnread();
    askToConfirm();
  };
  countUnread();
  askToConfirm();
  part("ask-close").addEventListener("click", () => part("ask-sheet").close());
  part("happened-close").addEventListener("click", () => sheet().close());
  follow(
    "/api/wallet/v1/events",
    (name, entry) => {
      if (name !== "entry") return lookAgain();
      onEntry(entry);
      refresh();
      if (Date.now() - new Date(entry.at).getTime() < FRESH_MS) announce(entry);
    },
    lookAgain,
  );
}

/** The one that was shown last: closed once, it does not come back by itself. */
let asked = "";

/** If a register waits for the customer to confirm, says so, wherever in the wallet they are. */
async function askToConfirm() {
  if (location.pathname === "/confirm") return;
  const answer = await api("GET", "/api/wallet/v1/confirmations").catch(() => null);
  const one = answer?.confirmations[0];
  const dialog = part("ask-sheet");
  if (!one) return dialog.open && dialog.close();
  if (one.confirmation_id === asked) return;
  asked = one.confirmation_id;
  document.querySelector("[data-bright]")?.close();
  part("ask-amount").textContent = yen(one.amount);
  part("ask-store").textContent = one.store_name;
  if (!dialog.open) dialog.showModal();
  part("ask-open").focus();
}

/** Asks how many notices are new, and shows it at the bell. */
export async function countUnread() {
  const answer = await api("GET", "/api/wallet/v1/notices/unread").catch(() => null);
  if (!answer) return; // the bell stays as it is
  const { unread } = answer;
  const mark = part("unread");
  mark.textContent = unread > 9 ? "9+" : String(unread);
  mark.hidden = unread === 0;
  const label = unread === 0 ? t("notice.page_title") : t("notice.unread", { count: unread });
  part("bell").setAttribute("aria-label", label);
}

function sheet() {
  return document.getElementById("happened");
}

function more({ payment_id: payment, send_id: send }) {
  if (payment) return `/receipt/${encodeURIComponent(payment)}`;
  return send ? `/send/${encodeURIComponent(send)}` : "/history";
}

function announce(entry) {
  const dialog = sheet();
  document.querySelector("[data-bright]")?.close();
  dialog.dataset.kind = entry.kind;
  part("happened-title").textContent = t(TITLES[entry.kind] ?? "entry.other");
  part("happened-amount").textContent = yen(Math.abs(entry.amount));
  part("happened-store").textContent = [entry.store_name, datetime(entry.at)]
    .filter(Boolean)
    .join(" · ");
  part("happened-balance").textContent = yen(entry.balance);
  const link = part("happened-receipt");
  link.href = more(entry);
  link.textContent = t(entry.payment_id ? "happened.receipt" : "happened.history");
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(80);
  if (!dialog.open) dialog.showModal();
  part("happened-close").focus();
}
