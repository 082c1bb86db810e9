/** The giant answer that clerk and customer read from a metre away. */

import { lang, t } from "../i18n.js";
import { el, part, yen } from "../dom.js";

const ACTIONS = ["inquire", "rescan", "print", "undo", "next"];

/**
 * @typedef {object} Result
 * @property {"busy" | "accepted" | "declined" | "unknown"} state
 * @property {string} title
 * @property {number} [amount]
 * @property {[string, string][]} [lines] what the amount is made of: name and figure
 * @property {string} [text]
 * @property {{ ja: string, en: string }} [customer] what to tell the customer
 * @property {string} [code]
 * @property {Record<string, () => void>} [actions] what the buttons do: the keys are of `ACTIONS`
 */

/**
 * Shows an answer.
 * @param {Result} result
 */
export function show(result) {
  const { state, title, amount, lines = [], text = "", customer, code = "", actions = {} } = result;
  const dialog = part("result");
  dialog.dataset.state = state;
  part("result-title").textContent = title;
  part("result-amount").textContent = amount === undefined ? "" : yen(amount);
  const line = ([name, figure]) =>
    el("li", {}, el("span", {}, name), el("span", { class: "amount" }, figure));
  part("result-lines").replaceChildren(...lines.map(line));
  part("result-text").textContent = text;
  part("result-code").textContent = code;
  part("result-customer").hidden = !customer;
  part("result-customer-ja").textContent = customer?.ja ?? "";
  part("result-customer-en").textContent = customer?.en ?? "";
  for (const name of ACTIONS) {
    const button = part(`result-${name}`);
    button.hidden = !actions[name];
    button.onclick = actions[name] ?? null;
  }
  part("result-undo").textContent = t(state === "busy" ? "till.held_undo" : "till.topup_undo");
  part("result-next").textContent = t(state === "accepted" ? "till.next" : "till.back");
  if (!dialog.open) dialog.showModal();
  const focus = ACTIONS.toReversed().find((name) => actions[name]);
  if (focus) part(`result-${focus}`).focus();
}

/** Whether an answer is shown that a next scan may push away. */
export function isFinal() {
  const dialog = part("result");
  return (
    dialog.open && (dialog.dataset.state === "accepted" || dialog.dataset.state === "declined")
  );
}

/** Puts the answer away. */
export function hide() {
  part("result").close();
}

/** Says that the server is being asked. */
export function showBusy(amount) {
  show({ state: "busy", title: t("till.busy"), amount });
}

/** Says that staff look at the payment first; the clerk may give up. */
export function showHeld(amount, undo) {
  show({
    state: "busy",
    title: t("till.held"),
    amount,
    text: t("till.held_text"),
    customer: { ja: t("till.held_customer_ja"), en: t("till.held_customer_en") },
    actions: { undo },
  });
}

/** Says why not, to the clerk and to the customer. */
export function showRefused(title, error, amount, actions) {
  show({
    state: "declined",
    title,
    amount,
    text: error.clerkText?.[lang] ?? error.text,
    customer: error.customerText,
    code: error.code,
    actions,
  });
}

// Escape would hide an answer that nobody has read yet.
part("result").addEventListener("cancel", (event) => event.preventDefault());
