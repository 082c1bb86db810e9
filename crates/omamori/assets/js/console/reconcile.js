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
  needReason(false);
}

/** Another file than before is said why for: only then the field is there. */
function needReason(isNeeded) {
  part("reconcile-reason").hidden = !isNeeded;
  form.elements.reason.disabled = !isNeeded;
  form.elements.reason.required = isNeeded;
  if (isNeeded) form.elements.reason.focus();
  else form.elements.reason.value = "";
}

form.addEventListener("change", reflect);
reflect();

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { kind, from, until, merchant_id, file, reason } = form.elements;
  part("reconcile-error").textContent = "";
  part("reconcile-done").textContent = "";
  busy(event.submitter, async () => {
    try {
      const days = { from: from.value, until: until.value };
      const body =
        kind.value === "cash"
          ? {
              ...days,
              merchant_id: merchant_id.value.trim(),
              csv: await file.files[0].text(),
              file_name: file.files[0].name,
              reason: reason.value,
            }
          : days;
      const done = await api("POST", `${API}/${kind.value}`, body);
      const words = done.differences === 0 ? t("reconcile.none") : t("reconcile.found");
      part("reconcile-done").textContent = `${words} ${done.differences || ""}`.trim();
      needReason(false);
      await refreshRegions();
    } catch (error) {
      if (error.fields?.some(({ field }) => field === "reason")) {
        needReason(true);
        part("reconcile-error").textContent = t("reconcile.other_file");
        return;
      }
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
