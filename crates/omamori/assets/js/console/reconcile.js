/** Reconciliation: compare a period, take a difference up. The console's dialog explains one. */

import { api } from "../api.js";
import { busy, part } from "../dom.js";
import { t } from "../i18n.js";
import { refreshRegions } from "../regions.js";
import { told } from "./main.js";

const API = "/api/admin/v1/reconciliations";
const form = part("reconcile-form");

function reflect() {
  const isCash = form.elements.kind.value === "cash";
  part("reconcile-cash").hidden = !isCash;
  form.elements.merchant_id.required = isCash;
  form.elements.file.required = isCash;
}

form.addEventListener("change", reflect);
reflect();

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { kind, from, until, merchant_id, file } = form.elements;
  part("reconcile-error").textContent = "";
  part("reconcile-done").textContent = "";
  busy(event.submitter, async () => {
    try {
      const days = { from: from.value, until: until.value };
      const body =
        kind.value === "cash"
          ? { ...days, merchant_id: merchant_id.value.trim(), csv: await file.files[0].text() }
          : days;
      const done = await api("POST", `${API}/${kind.value}`, body);
      const words = done.differences === 0 ? t("reconcile.none") : t("reconcile.found");
      part("reconcile-done").textContent = `${words} ${done.differences || ""}`.trim();
      await refreshRegions();
    } catch (error) {
      const line = error.fields?.find(({ field }) => field.startsWith("csv"));
      part("reconcile-error").textContent = line
        ? `${t("reconcile.line_wrong")} ${line.field.replace(/\D/g, "")}`
        : told(error);
    }
  });
});

document.addEventListener("click", (event) => {
  const take = event.target.closest("[data-reconcile-take]");
  if (!take) return;
  const id = encodeURIComponent(take.dataset.reconcileTake);
  busy(take, async () => {
    await api("POST", `${API}/differences/${id}/take`);
    await refreshRegions();
  });
});
