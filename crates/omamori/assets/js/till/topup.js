/** Cash top-up: amount, cash, code. */

import { part, toast } from "../dom.js";
import { t } from "../i18n.js";
import { hide, show, showBusy, showRefused } from "./result.js";
import { askForCode } from "./scan.js";
import { newId, pos, run } from "./till.js";

/** Wires the panel. */
export function startTopup() {
  part("load-amounts").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) choose(Number(button.value));
  });
  part("load-other").addEventListener("submit", (event) => {
    event.preventDefault();
    choose(event.target.elements.amount.valueAsNumber);
  });
}

/** A customer's code before an amount was chosen. */
export function scanCustomer() {
  toast(t("till.amount_first"));
}

/** Shows how a top-up ended, also one that was resumed. */
export function showTopup(outcome, amount, inquireAgain) {
  const next = () => hide();
  const rescan = () => {
    hide();
    choose(amount);
  };
  if (outcome.state === "done") {
    const { topup } = outcome.answer;
    show({
      state: "accepted",
      title: t("till.topup_done"),
      amount: topup.amount,
      code: topup.topup_id,
      actions: { next, undo: () => undo(topup) },
    });
  } else if (outcome.state === "refused") {
    showRefused(t("till.declined_topup"), outcome.error, amount, { rescan, next });
  } else if (outcome.state === "undone") {
    show({
      state: "declined",
      title: t("till.not_done"),
      amount,
      text: t("till.not_done_text"),
      actions: { rescan, next },
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

function choose(amount) {
  part("load-other").reset();
  askForCode({ title: t("till.topup_title"), amount, note: t("till.topup_take_cash") }, (code) =>
    load(amount, code),
  );
}

async function load(amount, code) {
  const id = newId("T");
  showBusy(amount);
  await run({ kind: "topup", id, amount, body: { merchant_topup_id: id, code, amount } });
}

async function undo(topup) {
  showBusy(topup.amount);
  try {
    await pos("POST", `/api/pos/v1/topups/${topup.merchant_topup_id}/cancel`);
    show({
      state: "accepted",
      title: t("till.topup_undone"),
      amount: topup.amount,
      text: t("till.topup_undone_text"),
      actions: { next: hide },
    });
  } catch (error) {
    // Undoing is idempotent, so it may simply be tried again.
    showRefused(t("till.declined_other"), error, topup.amount, {
      ...(error.unknown ? { undo: () => undo(topup) } : {}),
      next: hide,
    });
  }
}
