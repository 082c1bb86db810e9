/** The form of a campaign, a merchant's and the operator's. */

import { part } from "./dom.js";
import { t } from "./i18n.js";

/** Only the fields of the chosen kind and target are there and asked for. */
export function reflect(form) {
  const { kind, target, days } = form.elements;
  for (const field of form.querySelectorAll("[data-for]")) {
    const asked = field.dataset.for.split(" ").includes(kind.value);
    field.hidden = !asked;
    for (const input of field.querySelectorAll("input")) {
      input.disabled = !asked;
      if (input.type !== "checkbox") input.required = asked;
    }
  }
  const asked = target.value !== "all" && kind.value !== "points_factor";
  part("target-days").hidden = !asked;
  days.disabled = !asked;
  days.required = asked;
}

function gift({ kind, yen, percent, jan, max_yen, factor }) {
  const most = Number(max_yen.value);
  switch (kind.value) {
    case "amount_off":
    case "free_value":
      return { kind: kind.value, yen: Number(yen.value) };
    case "percent_off":
      return { kind: "percent_off", percent: Number(percent.value), max_yen: most };
    case "points_factor":
      return { kind: "points_factor", factor: Number(factor.value) };
    default:
      return { kind: "free_item", jan: jan.value, max_yen: most };
  }
}

/** The chosen stores; all of them are none by name, so that later ones count too. */
function stores(form) {
  const boxes = [...form.querySelectorAll("[name=stores]")].filter((box) => !box.disabled);
  const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
  if (boxes.length > 0 && chosen.length === 0) throw { text: t("campaigns.no_store") };
  return chosen.length === boxes.length ? [] : chosen;
}

/** What the form says, as the service reads it. */
export function campaign(form) {
  const fields = form.elements;
  /** A field that is not asked for has its value of nothing. */
  const number = ({ disabled, value }, otherwise) => (disabled ? otherwise : Number(value));
  const days = number(fields.days, null);
  return {
    starts_on: fields.starts_on.value,
    ends_on: fields.ends_on.value,
    terms: {
      name: fields.name.value,
      gift: gift(fields),
      budget: number(fields.budget, 0),
      per_customer: number(fields.per_customer, 1),
      amount_min: number(fields.amount_min, 0),
      stores: stores(form),
      new_customer_days: fields.target.value === "new" ? days : null,
      dormant_days: fields.target.value === "dormant" ? days : null,
    },
  };
}
