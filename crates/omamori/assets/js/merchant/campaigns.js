/** The merchant's campaigns: begin one, stop one. */

import { api } from "../api.js";
import { busy, part } from "../dom.js";
import { t } from "../i18n.js";
import { refreshRegions } from "../regions.js";

const dialog = part("campaign-dialog");
const form = part("campaign-form");
const stopDialog = part("stop-dialog");
let stopping = null;

/** Only the fields of the chosen kind are there and asked for. */
function reflectKind() {
  for (const field of form.querySelectorAll("[data-for]")) {
    const asked = field.dataset.for.split(" ").includes(form.elements.kind.value);
    field.hidden = !asked;
    field.querySelector("input").required = asked;
    field.querySelector("input").disabled = !asked;
  }
}

form.elements.kind.addEventListener("change", reflectKind);

document.addEventListener("click", (event) => {
  const stop = event.target.closest("[data-campaign-stop]");
  if (event.target.closest("[data-campaign-new]")) {
    form.reset();
    reflectKind();
    part("campaign-error").textContent = "";
    dialog.showModal();
  }
  if (stop) {
    stopping = stop.dataset.campaignStop;
    part("stop-name").textContent = stop.dataset.campaignName;
    part("stop-error").textContent = "";
    stopDialog.showModal();
  }
});

function gift() {
  const { kind, yen, percent, jan, max_yen } = form.elements;
  const most = Number(max_yen.value);
  switch (kind.value) {
    case "amount_off":
      return { kind: "amount_off", yen: Number(yen.value) };
    case "percent_off":
      return { kind: "percent_off", percent: Number(percent.value), max_yen: most };
    default:
      return { kind: "free_item", jan: jan.value, max_yen: most };
  }
}

/** The chosen stores; all of them are none by name, so that later ones count too. */
function stores() {
  const boxes = [...form.querySelectorAll("[name=stores]")];
  const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
  return chosen.length === boxes.length ? [] : chosen;
}

part("campaign-cancel").addEventListener("click", () => dialog.close());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { name, budget, per_customer, amount_min, newcomers, starts_on, ends_on } = form.elements;
  const boxes = form.querySelectorAll("[name=stores]");
  if (boxes.length > 0 && ![...boxes].some((box) => box.checked)) {
    part("campaign-error").textContent = t("campaigns.no_store");
    return;
  }
  busy(event.submitter, async () => {
    try {
      await api("POST", "/api/merchant/v1/campaigns", {
        starts_on: starts_on.value,
        ends_on: ends_on.value,
        terms: {
          name: name.value,
          gift: gift(),
          budget: Number(budget.value),
          per_customer: Number(per_customer.value),
          amount_min: Number(amount_min.value),
          stores: stores(),
          new_customer_days: newcomers.checked ? 30 : null,
        },
      });
      dialog.close();
      await refreshRegions();
    } catch (error) {
      part("campaign-error").textContent = error.text;
    }
  });
});

part("stop-cancel").addEventListener("click", () => stopDialog.close());
part("stop-confirm").addEventListener("click", (event) =>
  busy(event.currentTarget, async () => {
    try {
      await api("POST", `/api/merchant/v1/campaigns/${encodeURIComponent(stopping)}/stop`);
      stopDialog.close();
      await refreshRegions();
    } catch (error) {
      part("stop-error").textContent = error.text;
    }
  }),
);
