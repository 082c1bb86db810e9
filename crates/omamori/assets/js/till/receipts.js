/** Last receipts: look, print, refund, cancel. */

import { busy, datetime, el, icon, part, toast, yen } from "../dom.js";
import { t } from "../i18n.js";
import { hide, show, showBusy, showRefused } from "./result.js";
import { paymentFacts, paymentLines, printPayment, statusChip } from "./slip.js";
import { newId, pos, run } from "./till.js";

let chosen = null;

/** Wires the panel. */
export function startReceipts() {
  part("receipts-reload").addEventListener("click", (event) =>
    busy(event.currentTarget, loadReceipts),
  );
  part("receipts-find").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      choose(
        (
          await pos(
            "GET",
            `/api/pos/v1/payments/${event.target.elements.merchant_payment_id.value}`,
          )
        ).payment,
      );
    } catch (error) {
      toast(error.text);
    }
  });
  part("refund-form").addEventListener("submit", (event) => {
    event.preventDefault();
    refund(event.target.elements);
  });
  part("refund-cancel").addEventListener("click", () => part("refund").close());
}

/** Asks for the last receipts. */
export async function loadReceipts() {
  try {
    const { payments } = await pos("GET", "/api/pos/v1/payments?limit=20");
    part("receipts").replaceChildren(...payments.map(receiptRow));
    part("receipts-empty").hidden = payments.length > 0;
    const again = payments.find((payment) => payment.payment_id === chosen?.payment_id);
    if (again) choose(again);
  } catch (error) {
    toast(error.text);
  }
}

/** Shows how a refund ended, also one that was resumed. */
export function showRefund(outcome, amount, inquireAgain) {
  const next = () => {
    hide();
    loadReceipts();
  };
  if (outcome.state === "done") {
    const { payment } = outcome.answer;
    show({
      state: "accepted",
      title: t("till.refunded"),
      amount,
      code: outcome.answer.refund.refund_id,
      actions: { next, print: () => printPayment(payment) },
    });
  } else if (outcome.state === "refused") {
    showRefused(t("till.declined_other"), outcome.error, amount, { next });
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

function receiptRow(payment) {
  return el(
    "li",
    {},
    el(
      "button",
      {
        type: "button",
        class: "receipt-row",
        "data-payment": payment.payment_id,
        onclick: () => choose(payment),
      },
      el(
        "span",
        { class: "row__what" },
        el("span", { class: "row__name" }, datetime(payment.captured_at)),
        el("span", { class: "row__note mono" }, payment.merchant_payment_id),
      ),
      statusChip(payment.status),
      el("span", { class: "amount" }, yen(payment.amount)),
    ),
  );
}

function choose(payment) {
  chosen = payment;
  for (const row of document.querySelectorAll("[data-payment]")) {
    row.toggleAttribute("aria-current", row.dataset.payment === payment.payment_id);
  }
  const left = payment.amount - payment.refunded_amount;
  const open = left > 0 && payment.status !== "canceled";
  const button = (name, kind, label, act) =>
    el("button", { type: "button", class: `button ${kind}`, onclick: act }, icon(name), label);
  const slip = part("slip");
  slip.hidden = false;
  slip.replaceChildren(
    el(
      "header",
      { class: "slip__head" },
      el("p", {}, datetime(payment.captured_at)),
      statusChip(payment.status),
      el("p", { class: "amount amount--xl" }, yen(payment.amount)),
    ),
    paymentLines(payment),
    paymentFacts(payment),
    el(
      "div",
      { class: "slip__actions" },
      button("print", "button--quiet", t("till.print"), () => printPayment(payment)),
      open && payment.refunded_amount === 0
        ? button("cross", "button--quiet button--danger-quiet", t("till.cancel_payment"), () =>
            cancel(payment),
          )
        : null,
      open
        ? button("entry-refund", "button--danger", t("till.refund"), () =>
            openRefund(payment, left),
          )
        : null,
    ),
  );
  slip.scrollIntoView({ block: "nearest" });
}

function openRefund(payment, left) {
  const { amount, reason } = part("refund-form").elements;
  part("refund-payment").textContent = payment.merchant_payment_id;
  part("refund-max").textContent = t("till.refund_max", { amount: yen(left) });
  part("refund-error").textContent = "";
  amount.max = left;
  amount.value = left;
  reason.value = "";
  part("refund").showModal();
  amount.select();
}

async function refund({ amount, reason }) {
  const id = newId("R");
  const value = amount.valueAsNumber;
  part("refund").close();
  showBusy(value);
  const body = {
    merchant_refund_id: id,
    merchant_payment_id: chosen.merchant_payment_id,
    amount: value,
    ...(reason.value ? { reason: reason.value } : {}),
  };
  await run({ kind: "refund", id, amount: value, body });
}

async function cancel(payment) {
  if (!window.confirm(t("till.cancel_ask", { amount: yen(payment.amount) }))) return;
  showBusy(payment.amount);
  const next = () => {
    hide();
    loadReceipts();
  };
  try {
    await pos("POST", `/api/pos/v1/payments/${payment.merchant_payment_id}/cancel`);
    show({
      state: "accepted",
      title: t("till.canceled"),
      amount: payment.amount,
      actions: { next },
    });
  } catch (error) {
    showRefused(t("till.declined_other"), error, payment.amount, { next });
  }
}
