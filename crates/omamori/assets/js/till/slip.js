/** A payment as facts: on the screen and on paper. */

import { datetime, el, part, yen } from "../dom.js";
import { t } from "../i18n.js";
import { place } from "./till.js";

const STATUS = {
  captured: ["receipt.captured", "chip chip--good"],
  partially_refunded: ["receipt.partially_refunded", "chip chip--warn"],
  refunded: ["receipt.refunded", "chip"],
  canceled: ["receipt.canceled", "chip"],
};

/** The state of a payment as a chip. */
export function statusChip(status) {
  const [key, name] = STATUS[status];
  return el("span", { class: name }, t(key));
}

/** Items, refunds and sums of a payment. */
export function paymentLines(payment) {
  const line = (name, unit, amount) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, name, unit && el("span", { class: "lines__unit" }, unit)),
      el("td", {}, amount),
    );
  const items = payment.items ?? [];
  return el(
    "table",
    { class: "lines" },
    el(
      "tbody",
      {},
      ...items.map((item) =>
        line(
          item.name,
          item.quantity > 1 ? `${yen(item.unit_price)} × ${item.quantity}` : null,
          yen(item.unit_price * item.quantity),
        ),
      ),
      line(el("strong", {}, t("receipt.total")), null, el("strong", {}, yen(payment.amount))),
      ...payment.discounts.map(({ name, amount }) =>
        line(`${t("coupons.one")} ${name}`, null, yen(-amount)),
      ),
      payment.discounts.length > 0
        ? line(t("receipt.due"), null, yen(payment.amount_due))
        : "",
      payment.points_used > 0
        ? line(t("receipt.with_points"), null, yen(payment.points_used))
        : "",
      ...payment.refunds.map((refund) =>
        line(
          t("till.refund"),
          [datetime(refund.refunded_at), refund.reason].filter(Boolean).join(" "),
          yen(-refund.amount),
        ),
      ),
    ),
  );
}

/** Names and numbers of a payment. */
export function paymentFacts(payment) {
  const fact = (name, value) =>
    el("div", {}, el("dt", {}, name), el("dd", { class: "mono" }, value));
  return el(
    "dl",
    { class: "facts" },
    fact(t("receipt.payment_id"), payment.payment_id),
    fact(t("receipt.merchant_payment_id"), payment.merchant_payment_id),
    fact(t("till.register"), payment.terminal_id),
  );
}

/** Prints the customer's copy. */
export function printPayment(payment) {
  part("print-slip").replaceChildren(
    el("h1", {}, `${place.merchant} ${place.store}`),
    el("p", {}, `${datetime(payment.captured_at)}　${place.terminalName}`),
    paymentLines(payment),
    el("p", {}, t("receipt.method"), "　", t("receipt.method_balance")),
    paymentFacts(payment),
    el("p", {}, t("till.slip_customer")),
  );
  window.print();
}
